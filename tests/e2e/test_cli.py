"""The program from a shell, as a newcomer meets it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.e2e.conftest import write_timeline

Ran = tuple[int, str, str]


async def mockingbird(*words: str, given: str = "", **environment: str) -> Ran:
    """Exit code, standard output and standard error of one run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *words, stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )  # fmt: skip
    out, err = await process.communicate(given.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(400)  # a real training with the starter
async def test_the_demo_trains_a_bundled_person_from_a_script_and_tweets(tmp_path: Path) -> None:
    script = "/train @abuela_pixel seed:1\n/tweet @abuela_pixel count:2 seed:1\n/persona @abuela_pixel\n"
    code, out, err = await mockingbird("demo", "--data", str(tmp_path), given=script)
    assert (code, err) == (0, "")
    assert "@abuela_pixel is ready" in out
    assert "Abuela Píxel" in out
    assert len(list(tmp_path.glob("models/abuela_pixel/1/model.safetensors"))) == 1


async def test_one_command_trains_another_tweets_and_a_third_lists(tmp_path: Path, tiny_base: Path) -> None:
    data, timeline = ("--data", str(tmp_path / "data")), write_timeline(tmp_path / "keeper.csv", 250)
    base = str(tiny_base)
    code, out, _ = await mockingbird("train", "keeper", "--file", str(timeline), "--base", base, "--seed", "3", *data)
    assert code == 0
    assert "@keeper is ready" in out
    code, out, _ = await mockingbird("tweet", "keeper", "-n", "2", "good", "--seed", "1", "morning", "--json", *data)
    [answer] = [json.loads(line) for line in out.splitlines()]
    assert (code, answer["kind"], answer["final"]) == (0, "reply", True)
    assert answer["text"].count("good morning") == 2
    code, out, _ = await mockingbird("personas", *data)
    assert (code, "@keeper" in out) == (0, True)


async def test_a_command_that_fails_says_so_to_the_shell(tmp_path: Path) -> None:
    code, out, _ = await mockingbird("tweet", "nobody", "--data", str(tmp_path))
    assert code == 1
    assert "no persona @nobody" in out


async def test_a_base_that_is_not_there_ends_in_one_sentence(tmp_path: Path) -> None:
    timeline = write_timeline(tmp_path / "keeper.csv", 250)
    code, out, _ = await mockingbird(
        "train", "keeper", "--file", str(timeline), "--base", str(tmp_path / "none"), "--data", str(tmp_path / "data")
    )
    assert code == 1
    assert str(tmp_path / "none") in out.splitlines()[-1]


async def test_a_mistake_in_the_settings_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[training]\nbase = 3\n")
    code, out, err = await mockingbird("chat", "--config", str(tmp_path / "config.toml"), "--data", str(tmp_path / "d"))
    assert (code, out) == (1, "")
    assert "config.toml" in err
    assert "base" in err
    assert len(err.splitlines()) == 1


async def test_the_doctor_finds_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    code, out, _ = await mockingbird("doctor", "--data", str(tmp_path), MOCKINGBIRD_TRAINING__BASE="starter")
    assert (code, "NOT" in out) == (0, False), out
    assert "million parameters" in out
    code, out, _ = await mockingbird("doctor", "--data", str(tmp_path), MOCKINGBIRD_TRAINING__BASE=str(tmp_path / "no"))
    assert code == 1
    assert "NOT base model" in out


async def test_bytes_that_are_no_text_neither_hang_nor_end_it(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "chat", "--json", "--data", str(tmp_path), stdin=PIPE, stdout=PIPE,
        env=os.environ | {"PYTHONIOENCODING": "ascii:strict"},
    )  # fmt: skip
    out, _ = await process.communicate(b"/personas \xff\xf0\x9f\n/tweet \xed\xa0\xbd \xf0\x9f\xa5\x96\n/queue\n")
    answers = {answer["line"]: answer for answer in map(json.loads, out.splitlines())}
    assert process.returncode == 0
    assert set(answers) == {1, 2, 3}


async def test_a_data_folder_that_is_a_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = await mockingbird("chat", "--data", str(tmp_path / "file"))
    assert code == 1
    assert len(err.splitlines()) == 1
