"""Record the README's picture from a real conversation: ``python docs/record.py docs/demo.svg``.

The bot runs, a bundled person is trained, and what the terminal would show is exported as it is.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parent.parent))

from bot.front.console import Event
from bot.front.terminal import show
from bot.reply import Button
from tests.e2e.running import RunningBot

PERSON = "professor_gull"
LINES = [
    "what do you think about sandwiches",
    f"/tweet @{PERSON} colleagues, the pier is",
    f"/persona @{PERSON}",
]


async def main(target: Path) -> None:
    screen = Console(record=True, width=110, force_terminal=True, highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        bot = RunningBot(Path(folder), Path("starter"), threads=None)
        await bot.start("--admin")
        prompt(screen, f"/train @{PERSON}")
        training = await bot.say(f"/train @{PERSON} seed:1")
        display(screen, await bot.answer(training), folder)
        done = await bot.final(training)
        frames = [event for event in bot.events if "training" in event["text"] and event["kind"] == "progress"]
        screen.print(Text(frames[len(frames) * 2 // 3]["text"], style="cyan"))
        display(screen, done, folder)
        tweet = await bot.ask(f"/tweet @{PERSON}")
        prompt(screen, f"/tweet @{PERSON}")
        display(screen, tweet, folder)
        likes = [button["command"] for button in tweet["buttons"] if button["command"].startswith("/like")]
        for line in (*likes, *LINES):
            prompt(screen, line)
            display(screen, await bot.ask(line), folder)
        await bot.end()
    screen.save_svg(str(target), title="mockingbird demo")


def prompt(screen: Console, line: str) -> None:
    screen.print()
    screen.print(Text(f"› {line}", style="bold green"))


def display(screen: Console, event: dict[str, Any], folder: str) -> None:
    buttons = tuple(Button(**button) for button in event["buttons"])
    picture = event["picture"].replace(folder, "data")
    show(screen, Event(event["line"], event["kind"], event["text"], buttons, picture))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
