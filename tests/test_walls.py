"""The walls between the parts, and the sizes they keep to. Each is shown to hold, and to fall on a planted offence.

A wall is a function that takes the project's folder and returns its offences, each as "bot/x.py:3: what stands there".
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MODEL_LIBRARIES = {"torch", "transformers", "peft", "safetensors", "tokenizers", "onnx", "onnxruntime"}
CHAT_LIBRARIES = {"discord", "telegram"}
DATABASES = {"sqlite3", "aiosqlite"}
PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
STARTERS = {"subprocess", "multiprocessing", "pty"}
STARTING = {"create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"}
STARTING |= {"ProcessPoolExecutor"}
OF_OS = ("exec", "fork", "popen", "posix_spawn", "spawn", "startfile", "system")

LONGEST_FUNCTION, LONGEST_FILE = 60, 350
"""Lines."""


@dataclass(frozen=True)
class Source:
    name: str
    """Path within the project, with forward slashes."""
    text: str
    tree: ast.Module

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)}: {what}"


Wall = Callable[[Path], list[str]]


def sources(root: Path, *parts: str) -> Iterator[Source]:
    for part in parts:
        for path in sorted((root / part).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield Source(path.relative_to(root).as_posix(), text, ast.parse(text))


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Each module named by an import, wherever it stands, and by ``import_module`` of a literal."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names):
                yield from ((node, alias.name) for alias in names)
            case ast.ImportFrom(module, _, level):
                yield node, "." * level + (module or "")
            case ast.Call(ast.Name("__import__" | "import_module") | ast.Attribute(attr="import_module"), [first, *_]):
                if isinstance(first, ast.Constant):
                    yield node, str(first.value)


def importing(banned: set[str], sources: Iterator[Source]) -> list[str]:
    return [
        source.at(node, f"imports {module}")
        for source in sources
        for node, module in imports(source)
        if module.partition(".")[0] in banned
    ]


def bot_is_free_of_models(root: Path) -> list[str]:
    return importing(MODEL_LIBRARIES, sources(root, "bot"))


def chat_libraries_stay_in_the_front(root: Path) -> list[str]:
    behind = (source for source in sources(root, "bot", "trainer") if not source.name.startswith("bot/front/"))
    return importing(CHAT_LIBRARIES, behind)


def sql_stays_in_the_store(root: Path) -> list[str]:
    outside = (source for source in sources(root, "bot", "trainer") if not source.name.startswith("bot/store/"))
    return importing(DATABASES, outside)


def trainer_knows_no_bot(root: Path) -> list[str]:
    return importing({"bot"}, sources(root, "trainer"))


def the_protocol_needs_only_the_standard_library(root: Path) -> list[str]:
    return [
        source.at(node, f"imports {module}")
        for source in sources(root, "trainer")
        if source.name == "trainer/protocol.py"
        for node, module in imports(source)
        if module.partition(".")[0] not in sys.stdlib_module_names
    ]


def processes_start_in_the_worker(root: Path) -> list[str]:
    elsewhere = [source for source in sources(root, "bot") if source.name != "bot/worker.py"]
    calls = [
        source.at(node, f"names {starting}")
        for source in elsewhere
        for node in ast.walk(source.tree)
        if (starting := starts_a_process(node))
    ]
    return importing(STARTERS, iter(elsewhere)) + calls


def starts_a_process(node: ast.AST) -> str:
    match node:
        case ast.Attribute(ast.Name("os"), name) if name.startswith(OF_OS):
            return f"os.{name}"
        case ast.ImportFrom("os", names):
            return next((f"os.{alias.name}" for alias in names if alias.name.startswith(OF_OS)), "")
        case ast.Attribute(attr=name) | ast.Name(name) | ast.alias(name) if name in STARTING:
            return name
    return ""


def weights_run_no_code(root: Path) -> list[str]:
    parts = ("bot", "trainer", "benchmarks")
    calls = [
        source.at(node, problem)
        for source in sources(root, *parts)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and (problem := runs_code(node))
    ]
    pickles = [
        source.at(node, f"imports {module}")
        for source in sources(root, *parts)
        for node, module in imports(source)
        if module.partition(".")[0] in PICKLES and not is_only_the_error(node)
    ]
    return pickles + calls


def is_only_the_error(node: ast.AST) -> bool:
    """torch.load(weights_only=True) refuses a file with pickle's error, which somebody has to catch."""
    return isinstance(node, ast.ImportFrom) and [alias.name for alias in node.names] == ["UnpicklingError"]


def runs_code(call: ast.Call) -> str:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    match call.func:
        case ast.Attribute(ast.Name("torch"), "load") if not is_literally(given.get("weights_only"), True):
            return "torch.load without weights_only=True"
    for risky in ("allow_pickle", "trust_remote_code"):
        if risky in given and not is_literally(given[risky], False):
            return f"{risky} is not False"
    return ""


def is_literally(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def functions_and_files_stay_short(root: Path) -> list[str]:
    offences = []
    for source in sources(root, "bot", "trainer", "tests", "benchmarks"):
        if (lines := source.text.count("\n")) > LONGEST_FILE:
            offences.append(f"{source.name}:1: {lines} lines")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    offences.append(source.at(node, f"{node.name} is {lines} lines"))
    return offences


def exceptions_are_named(root: Path) -> list[str]:
    return [
        source.at(node, "bare except")
        for source in sources(root, "bot", "trainer", "tests", "benchmarks")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]


LOOK_AT_MODULES = """
import importlib, pkgutil, sys
import bot
for module in pkgutil.walk_packages(bot.__path__, "bot."):
    importlib.import_module(module.name)
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""


def importing_the_bot_loads_no_model_library(root: Path) -> list[str]:
    """In a fresh interpreter: what a library of ours imports in turn counts as well."""
    command = [sys.executable, "-c", LOOK_AT_MODULES, *MODEL_LIBRARIES]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else [done.stderr]


WALLS: list[Wall] = [
    bot_is_free_of_models,
    chat_libraries_stay_in_the_front,
    exceptions_are_named,
    functions_and_files_stay_short,
    importing_the_bot_loads_no_model_library,
    processes_start_in_the_worker,
    sql_stays_in_the_store,
    the_protocol_needs_only_the_standard_library,
    trainer_knows_no_bot,
    weights_run_no_code,
]


@pytest.mark.parametrize("wall", WALLS)
def test_the_wall_holds(wall: Wall) -> None:
    assert wall(ROOT) == []


LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * LONGEST_FUNCTION
LONG_FILE = "\n" * (LONGEST_FILE + 1)
HANDLER = "try:\n    pass\nexcept:\n    pass\n"


@pytest.mark.parametrize(
    ("wall", "file", "text", "offence"),
    [
        (bot_is_free_of_models, "bot/jobs.py", "import torch", "bot/jobs.py:1: imports torch"),
        (bot_is_free_of_models, "bot/a/b.py", "def f(): from torch.nn import Linear", "bot/a/b.py:1: imports torch.nn"),
        (bot_is_free_of_models, "bot/x.py", "\nimport_module('peft')", "bot/x.py:2: imports peft"),
        (chat_libraries_stay_in_the_front, "bot/app.py", "import discord.ext", "bot/app.py:1: imports discord.ext"),
        (chat_libraries_stay_in_the_front, "trainer/x.py", "import telegram", "trainer/x.py:1: imports telegram"),
        (exceptions_are_named, "tests/test_x.py", HANDLER, "tests/test_x.py:3: bare except"),
        (functions_and_files_stay_short, "trainer/x.py", LONG_FUNCTION, "trainer/x.py:1: long is 61 lines"),
        (functions_and_files_stay_short, "benchmarks/x.py", LONG_FILE, "benchmarks/x.py:1: 351 lines"),
        (processes_start_in_the_worker, "bot/app.py", "import subprocess", "bot/app.py:1: imports subprocess"),
        (processes_start_in_the_worker, "bot/app.py", "os.execv('x', [])", "bot/app.py:1: names os.execv"),
        (processes_start_in_the_worker, "bot/app.py", "from os import fork", "bot/app.py:1: names os.fork"),
        (
            processes_start_in_the_worker,
            "bot/jobs.py",
            "asyncio.create_subprocess_exec('x')",
            "bot/jobs.py:1: names create_subprocess_exec",
        ),
        (sql_stays_in_the_store, "bot/jobs.py", "import aiosqlite", "bot/jobs.py:1: imports aiosqlite"),
        (sql_stays_in_the_store, "trainer/x.py", "from sqlite3 import Row", "trainer/x.py:1: imports sqlite3"),
        (
            the_protocol_needs_only_the_standard_library,
            "trainer/protocol.py",
            "import json\nimport rich",
            "trainer/protocol.py:2: imports rich",
        ),
        (
            the_protocol_needs_only_the_standard_library,
            "trainer/protocol.py",
            "from . import errors",
            "trainer/protocol.py:1: imports .",
        ),
        (trainer_knows_no_bot, "trainer/x.py", "from bot.config import load", "trainer/x.py:1: imports bot.config"),
        (weights_run_no_code, "trainer/x.py", "import pickle", "trainer/x.py:1: imports pickle"),
        (
            weights_run_no_code,
            "trainer/x.py",
            "torch.load('x', weights_only=False)",
            "trainer/x.py:1: torch.load without weights_only=True",
        ),
        (
            weights_run_no_code,
            "trainer/x.py",
            "AutoModel.from_pretrained('x', trust_remote_code=True)",
            "trainer/x.py:1: trust_remote_code is not False",
        ),
    ],
)
def test_the_wall_falls_on_an_offence(wall: Wall, file: str, text: str, offence: str, tmp_path: Path) -> None:
    plant(tmp_path, file, text)
    assert wall(tmp_path) == [offence]


def test_a_model_library_behind_another_import_is_seen(tmp_path: Path) -> None:
    for file, text in {
        "torch.py": "",
        "helper.py": "import torch",
        "bot/__init__.py": "",
        "bot/x.py": "import helper",
    }.items():
        plant(tmp_path, file, text)
    assert importing_the_bot_loads_no_model_library(tmp_path) == ["torch"]


@pytest.mark.parametrize(
    ("wall", "file", "text"),
    [
        (chat_libraries_stay_in_the_front, "bot/front/discord.py", "import discord"),
        (processes_start_in_the_worker, "bot/worker.py", "import asyncio\nasyncio.create_subprocess_exec('x')"),
        (processes_start_in_the_worker, "bot/app.py", "import platform\nplatform.system()\nos.kill(1, 9)"),
        (sql_stays_in_the_store, "bot/store/database.py", "import aiosqlite"),
        (the_protocol_needs_only_the_standard_library, "trainer/protocol.py", "import json\nfrom typing import Any"),
        (weights_run_no_code, "trainer/x.py", "torch.load('x', weights_only=True)\njson.load(file)"),
        (weights_run_no_code, "trainer/x.py", "from pickle import UnpicklingError"),
    ],
)
def test_the_wall_has_its_door(wall: Wall, file: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, file, text)
    assert wall(tmp_path) == []


def plant(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
