"""``mockingbird VERB``: from the command line to a running bot."""

import argparse
import getpass
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot import app, config, doctor, logs
from bot.commands import COMMANDS
from bot.commands.options import Kind
from bot.commands.table import Command
from bot.config import Config, ConfigError
from bot.errors import MockingbirdError
from bot.front.console import Console, JsonLines, Plain, Screen, piped

log = logging.getLogger(__name__)

ONE_SHOT = ("train", "tweet", "personas", "evaluate")

WELCOME = """[bold]Mockingbird[/] learns to tweet like somebody. Three people who never lived are bundled:
  [cyan]/train @mara_bakes[/]      a night-shift baker and her sourdough starter
  [cyan]/train @professor_gull[/]  a seagull with a doctorate in chips
  [cyan]/train @abuela_pixel[/]    una abuela que no pierde una partida
Then [cyan]/tweet @mara_bakes[/], or just talk. [cyan]/help[/] lists everything, Ctrl-D leaves."""


def main() -> None:
    arguments = parse(sys.argv[1:])
    overrides = {"storage": {"data": arguments.data}} if arguments.data else {}
    for stream in (sys.stdin, sys.stdout):  # tweets hold every script, whatever the terminal's language
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        settings = config.load(arguments.config, **overrides)
        sys.exit(arguments.verb(settings, arguments))
    except (ConfigError, MockingbirdError, OSError, ExceptionGroup) as error:
        sys.exit(_last_words(error))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """As argparse does, but the handles or the prompt of a command may go on behind options."""
    parser = _parser()
    arguments, left = parser.parse_known_args(words)
    lists = [value for value in vars(arguments).values() if isinstance(value, list)]
    if unknown := [word for word in left if not lists or word.startswith("-")]:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    for each in lists:  # no command has two
        each.extend(left)
    return arguments


def _last_words(error: Exception) -> str | int:
    """What ends the program, in one sentence; a fault nobody foresaw keeps its trace."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    match error:
        case ConfigError() | MockingbirdError():
            return f"mockingbird: {error}"
        case BrokenPipeError():  # whoever read our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        case OSError(filename=str(path)):
            return f"mockingbird: {path}: {error.strerror}; choose another data folder with --data."
        case _:
            raise error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mockingbird", description="A chat bot that learns to tweet like somebody.")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--config", type=Path, metavar="FILE", help="TOML file (default: config.toml, if there)")
    everywhere.add_argument("--data", type=Path, metavar="DIR", help="data folder (default: [storage] data)")

    def add(name: str, verb: Callable[[Config, argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        child = verbs.add_parser(name, help=summary, description=f"{summary}.", parents=[everywhere])
        child.set_defaults(verb=verb)
        return child

    _add_talk(add("demo", _demo, "Try it here: a chat in this terminal, with bundled people and a bundled base model"))
    add("run", _run, "Run the bot on Discord and Telegram, until it is told to stop")
    chat = add("chat", _chat, "Chat in this terminal, or answer the lines of standard input")
    _add_talk(chat)
    chat.add_argument("--admin", action="store_true", help="be an admin")
    for name in ONE_SHOT:
        child = add(name, _one_shot, COMMANDS[name].summary)
        _add_options(child, COMMANDS[name])
        child.set_defaults(command=COMMANDS[name])
    add("doctor", doctor.main, "Check that everything needed is there, and say what is not")
    return parser


def _add_talk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="user", default=getpass.getuser(), metavar="NAME", help="who you are")
    parser.add_argument("--json", action="store_true", help="print one JSON object a reply event")


def _add_options(parser: argparse.ArgumentParser, command: Command) -> None:
    """The command's options: people, persona and words by their place, the others by name."""
    for option in command.options:
        if option.spec.kind is Kind.PEOPLE:
            parser.add_argument(option.name, nargs="+", metavar="HANDLE", help=option.spec.help)
        elif option.spec.kind is Kind.PERSONA:
            parser.add_argument(option.name, metavar="HANDLE", help=option.spec.help)
        elif option.spec.kind is Kind.TEXT:
            parser.add_argument(option.name, nargs="*", metavar=option.name.upper(), help=option.spec.help)
        elif option.spec.kind is Kind.FLAG:
            parser.add_argument(f"--{option.name}", action="store_const", const="true", help=option.spec.help)
        else:
            names = ["-n", "--count"] if option.name == "count" else [f"--{option.name}"]
            parser.add_argument(*names, dest=option.name, metavar=option.name[0].upper(), help=option.spec.explained)
    parser.add_argument("--json", action="store_true", help="print one JSON object a reply event")


def _demo(settings: Config, arguments: argparse.Namespace) -> int:
    """Like chat, but as an admin and with the bundled base, whatever the file says."""
    training = settings.training.model_copy(update={"base": "starter"})
    return app.run(_talk(settings.model_copy(update={"training": training}), arguments, admin=True, welcome=WELCOME))


def _chat(settings: Config, arguments: argparse.Namespace) -> int:
    admin = arguments.admin or f"console:{arguments.user}" in settings.admin.users
    return app.run(_talk(settings, arguments, admin=admin))


async def _talk(settings: Config, arguments: argparse.Namespace, admin: bool, welcome: str = "") -> int:
    async with app.services(settings, lasting=True) as services:
        logs.to_file(settings)
        await app.say_terms_once(services)
        if sys.stdin.isatty() and sys.stdout.isatty() and not arguments.json:
            from bot.front.terminal import Terminal

            terminal = Terminal(services.folder.root / "history", services)
            terminal.greet(welcome or "/help lists what I know, Ctrl-D leaves.")
            await Console(services, terminal, arguments.user, admin).converse(terminal.typed(), stay=False)
        else:
            screen: Screen = JsonLines() if arguments.json else Plain()
            await Console(services, screen, arguments.user, admin).converse(piped(sys.stdin))
    return 0


def _one_shot(settings: Config, arguments: argparse.Namespace) -> int:
    return app.run(_use(settings, arguments))


async def _use(settings: Config, arguments: argparse.Namespace) -> int:
    """One command as the machine's owner. 1 when it ended in an error."""
    command: Command = arguments.command
    typed: dict[str, Any] = {option.name: getattr(arguments, option.name) for option in command.options}
    given = {name: " ".join(value) if isinstance(value, list) else value for name, value in typed.items() if value}
    async with app.services(settings) as services:
        logs.to_file(settings)
        await app.say_terms_once(services)
        with _screen(arguments.json) as screen:
            console = Console(services, screen, getpass.getuser(), admin=True)
            await console.use(command, given)
    return int(console.failed)


@contextmanager
def _screen(json: bool) -> Iterator[Screen]:
    if json:
        yield JsonLines()
    elif sys.stdout.isatty():
        from bot.front.terminal import Bar

        with Bar() as bar:
            yield bar
    else:
        yield Plain()


def _run(settings: Config, arguments: argparse.Namespace) -> int:
    logs.to_stderr(settings)
    return app.run(_work(settings))


async def _work(settings: Config) -> int:
    async with app.services(settings, lasting=True) as services:
        await app.say_terms_once(services)
        await app.serve(services)
    return 1  # every platform gave up


if __name__ == "__main__":
    main()
