"""What a running bot does with somebody who asks to be forgotten."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bot import app, config, removal
from bot.domain import Person, Training, Version
from bot.errors import ChildFailed
from bot.store import Store
from tests.bot.test_store import train
from trainer import starter
from trainer.protocol import GenerateTask

PEOPLE = (Person("a", "1"), Person("mara", "2"))


async def published(root: Path) -> Version:
    """A cyborg that a bot finds when it starts."""
    async with Store.open(root) as store:
        job = await train(store, "aaa", Training("a-mara", PEOPLE))
        directory = root / "models" / "a-mara" / "1"
        shutil.copytree(starter.MODEL, directory)
        meta = {"people": [{"handle": each.handle} for each in PEOPLE]}
        version = Version("a-mara", 1, directory, job.id, job.created, meta)
        await store.publish(job, version, "A & Mara", {"text": "ready"})
    return version


async def test_a_generator_that_has_somebody_in_memory_lets_go_of_them(tmp_path: Path) -> None:
    task = GenerateTask(str((await published(tmp_path)).directory), seed=1)
    settings = config.load(storage={"data": tmp_path}, generation={"device": "cpu"})
    async with app.services(settings) as services:
        shutil.copytree(task.model, tmp_path / "copy")
        assert (await services.generation.sample(task)).samples

        await removal.forget(services, "mara", "test:1")

        with pytest.raises(ChildFailed, match="files are missing"):
            await services.generation.sample(task)
        other = replace(task, model=str(tmp_path / "copy"))
        assert (await services.generation.sample(other)).samples
