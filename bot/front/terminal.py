"""The console on a real terminal: a prompt that completes, replies in colour, and the work's progress below."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from pathlib import Path
from typing import Self

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style
from rich.console import Console as Rich
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot import text
from bot.commands.table import COMMANDS, Services
from bot.front.console import Event
from bot.progress import Standing

STYLE = Style.from_dict({"bottom-toolbar": "noreverse"})
LEAVE = ("/quit", "/exit")


class Terminal:
    """The screen and the source of lines of ``mockingbird chat`` and ``mockingbird demo``."""

    def __init__(self, history: Path, services: Services) -> None:
        self._rich = Rich(force_terminal=True, highlight=False)
        self._standings: dict[int, Standing] = {}
        self._session: PromptSession[str] = PromptSession(
            history=FileHistory(str(history)),
            completer=Completions(services),
            complete_while_typing=True,
            bottom_toolbar=self._toolbar,
            refresh_interval=0.5,
            style=STYLE,
        )

    def greet(self, words: str) -> None:
        self._rich.print(words)

    def show(self, event: Event) -> None:
        if event.standing:
            self._standings[event.line] = event.standing
            return
        if event.final:
            self._standings.pop(event.line, None)
        show(self._rich, event)

    async def typed(self) -> AsyncIterator[str]:
        """Lines until Ctrl-D, Ctrl-C or /quit."""
        while True:
            try:
                with patch_stdout(raw=True):
                    line = await self._session.prompt_async("› ")
            except (EOFError, KeyboardInterrupt):
                return
            if line.strip() in LEAVE:
                return
            yield line

    def _toolbar(self) -> ANSI:
        return ANSI("\n".join(_toolbar_line(standing) for standing in self._standings.values()))


class Bar:
    """The screen of one command on a terminal: a progress bar while it works, then the answer.

    Use as ``with Bar() as bar``: however the block ends, the terminal gets its cursor back.
    """

    def __init__(self) -> None:
        self._rich = Rich(highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[numbers]}")
        self._progress = Progress(*columns, TimeElapsedColumn(), console=self._rich, transient=True)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        if event.standing:
            self._advance(event.standing)
            return
        if event.final:
            self._progress.stop()
        show(self._rich, event)

    def _advance(self, now: Standing) -> None:
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=1.0, numbers="")
        loss = f"loss {now.loss:.2f}" if now.loss is not None else ""
        self._progress.update(self._task, description=text.stage(now), completed=now.fraction, numbers=loss)


class Completions(Completer):
    """Commands after a slash, personas after an @."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        typed = document.text_before_cursor
        word = typed.rsplit(" ", 1)[-1]
        if typed.startswith("/"):
            for command in COMMANDS.values():
                if f"/{command.name}".startswith(typed):
                    yield Completion(f"/{command.name}", -len(typed), display_meta=command.summary)
        if word.startswith("@"):
            for persona in await self._services.store.personas(word[1:].lower()):
                yield Completion(persona.handle, -len(word), display_meta=persona.display_name)


def show(rich: Rich, event: Event) -> None:
    """Print a reply: the first line stands out, buttons and the picture are told of below."""
    head, _, body = event.text.partition("\n")
    style = "red" if event.kind == "error" else "bold" if body else ""
    rich.print(f"[{style}]{escape(head)}[/]" if style else escape(head))
    if body:
        rich.print(escape(body))
    for button in event.buttons:
        rich.print(f"  [dim]{escape(button.label)}:[/] [cyan]{escape(button.command)}[/]")
    if event.picture:
        rich.print(f"  [dim]picture: {escape(event.picture)}[/]")


def _toolbar_line(now: Standing) -> str:
    loss = f"  {text.sparkline(now.losses)} {now.loss:.2f}" if now.loss is not None and len(now.losses) > 1 else ""
    return f" \x1b[36m{text.bar(now.fraction)}\x1b[0m {text.stage(now)}{text.left(now)}{loss}"
