"""Models to and from the hub use the bot's own machine: an admin of a community may not."""

from pathlib import Path

import pytest

from bot import app
from bot.commands import COMMANDS
from bot.commands.table import Request, run
from bot.config import Config, Storage
from bot.domain import Origin

LINES = {
    "models import": {"model": "huggingtweets/mara"},
    "models export": {"persona": "mara"},
    "models publish": {"persona": "mara", "repo": "anna/mara"},
}
ADMIN = Origin("discord", "7", "42", admin=True)
OWNER = Origin("discord", "7", "42", admin=True, owner=True)


@pytest.mark.parametrize("name", LINES)
async def test_only_the_bots_owner_moves_models(tmp_path: Path, name: str) -> None:
    async with app.services(Config(storage=Storage(data=tmp_path / "data"))) as services:
        refused = await run(COMMANDS[name], Request(ADMIN, services), LINES[name])
        assert "whom the configuration names as admins" in refused.text
        assert await services.store.active_jobs() == []


async def test_a_model_of_somebody_blocked_is_not_imported(tmp_path: Path) -> None:
    async with app.services(Config(storage=Storage(data=tmp_path / "data"))) as services:
        await services.store.block("mara", OWNER.who)
        for model in ("huggingtweets/mara", "huggingtweets/anna-mara"):
            refused = await run(COMMANDS["models import"], Request(OWNER, services), {"model": model})
            assert "@mara may not be imitated here" in refused.text
