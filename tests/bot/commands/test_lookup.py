"""Finding what words name."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.lookup import find_persona, named_persona
from bot.errors import Blocked, UnknownPersona
from bot.store import Store
from tests.bot.test_store import NASA, publish, train


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("@My-name.example", "my-name.example"), ("my-name.example", "my-name.example"), ("@b-A", "a-b"),
        ("@my-name.example+a@b-c.example", "a@b-c.example+my-name.example"), ("@name.example", ""), ("hello,", ""),
    ],
)  # fmt: skip
async def test_a_persona_is_named_as_people_write_it(tmp_path: Path, word: str, name: str) -> None:
    async with Store.open(tmp_path) as store:
        for number, persona in enumerate(("my-name.example", "a-b", "a@b-c.example+my-name.example")):
            await publish(store, tmp_path, await train(store, str(number), replace(NASA, persona=persona, seed=number)))
        assert await named_persona(store, word) == name


async def test_who_may_not_be_imitated_is_no_invitation_to_train(tmp_path: Path) -> None:
    async with Store.open(tmp_path) as store:
        await store.block("shy", "discord:1")
        with pytest.raises(Blocked, match="may not be imitated"):
            await find_persona(store, "shy")
        with pytest.raises(UnknownPersona, match="make one with"):
            await find_persona(store, "nobody")
