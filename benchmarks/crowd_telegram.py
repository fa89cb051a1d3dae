"""A crowd on Telegram: ``python -m benchmarks.crowd_telegram``.

People in groups send a command each at the same moment, and again, while a long training runs and shows its progress
in every group. The local Telegram keeps to the documented limits: 20 messages a minute in a group, 30 a second in all.
Prints how long answers took, and what was lost, doubled or sent too fast.
"""

import argparse
import asyncio
import statistics
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.conftest import write_timeline
from tests.e2e.on_telegram import BotOnTelegram, on_telegram
from tests.servers.telegram import Message, Telegram

COMMANDS = ("/tweet @mara_bakes my dream is", "/queue", "/personas", "/tweet @mara_bakes")


async def prepare(bot: BotOnTelegram, folder: Path, groups: Sequence[str]) -> Message:
    """A persona to ask, and a long training that every group waits for; its acknowledgement in the first."""
    await bot.telegram.message("/train @mara_bakes", "member", "member")
    await bot.notice("mara_bakes", "member")
    long = write_timeline(folder / "long.csv", 20_000)
    return (await asyncio.gather(*(bot.train("long", long, group) for group in groups)))[0]


async def round_of(telegram: Telegram, people: Sequence[tuple[str, str]], number: int) -> list[tuple[Message, Message]]:
    """Everybody asks at once; each question with its answer."""

    async def ask(place: int, user: str, group: str) -> tuple[Message, Message]:
        line = COMMANDS[(place + number) % len(COMMANDS)]
        asked = await telegram.message(line, user, group)
        return asked, await telegram.reply(asked)

    return await asyncio.gather(*(ask(place, *person) for place, person in enumerate(people)))


async def crowd(folder: Path, count: int, rounds: int) -> None:
    async with Telegram(pace=1.0) as telegram:
        groups = [telegram.add_group(f"group {number}").name for number in range(8)]
        people = [(telegram.add_user(f"user{number}").name, groups[number % 8]) for number in range(count)]
        base = Path("starter")
        async with on_telegram(telegram, folder / "data", base) as bot:
            training = await prepare(bot, folder, groups)
            said = [await round_of(telegram, people, number) for number in range(rounds)]
            assert "is ready" not in training.text, "the training was over too early"
            await telegram.message(f"/cancel {training.buttons['Cancel'].split()[-1]}", "member", groups[0])
            await telegram.find_sent(lambda each: "cancelled" in each.content.text)
    report(telegram, said)


def report(telegram: Telegram, said: Sequence[Sequence[tuple[Message, Message]]]) -> None:
    print("| round | answers | median | p99 | slowest |")
    print("|---|---|---|---|---|")
    for number, pairs in enumerate(said, 1):
        seconds = sorted(answer.at - asked.at for asked, answer in pairs)
        median, late = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
        print(f"| {number} | {len(seconds)} | {median:.2f} s | {late:.2f} s | {seconds[-1]:.2f} s |")
    asked = [each for pairs in said for each, _ in pairs]
    answers = [sum(answer.reply_to is each for answer in telegram.sent) for each in asked]
    edits = sum(len(each.edits) for each in telegram.sent)
    print(f"\nlost {answers.count(0)}, doubled {sum(each > 1 for each in answers)}, frames of progress {edits},")
    print(f"refused for flooding {telegram.floods}, violations {len(telegram.violations)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=64, help="in eight groups (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="commands of each (default %(default)s)")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", "unread_data", DeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(crowd(Path(folder), arguments.people, arguments.rounds))


if __name__ == "__main__":
    main()
