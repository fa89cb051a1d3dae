"""The whole program over a pipe: real processes, real files, a tiny real model."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import write_timeline
from tests.e2e.running import RunningBot, eventually
from tests.trainer.conftest import invented_tweets


async def test_a_training_is_acknowledged_shown_and_answered_with_a_persona_that_tweets(
    tmp_path: Path, tiny_base: Path, timeline: Path
) -> None:
    bot = RunningBot(tmp_path / "data", tiny_base, training__spare="true")
    await bot.start("--as", "ann")
    await eventually(lambda: bot.children("finetune"))
    [spare] = bot.children("finetune")
    training = await bot.say(f"/train @keeper file:{timeline}")
    tweeting = await bot.say("/tweet @keeper good morning count:2 seed:4")

    asked = await bot.answer(training)
    assert asked["kind"] == "reply"
    assert not asked["final"]
    assert [button["label"] for button in asked["buttons"]] == ["Cancel"]
    assert "comes right after" in (await bot.answer(tweeting))["text"]
    assert "250 tweets" in (await bot.stage(training, "training"))["text"]
    assert bot.children("finetune") == [spare]

    done = await bot.final(training)
    assert done["text"].startswith("@keeper is ready (version 1).")
    assert "AI-generated" in done["text"]
    assert Path(done["picture"]).read_bytes().startswith(b"\x89PNG")
    tweets = await bot.final(tweeting)
    assert tweets["kind"] == "reply"
    assert [line.startswith("good morning") for line in tweets["text"].splitlines()] == [False, True, True, False]
    again = await bot.ask("/tweet @keeper good morning count:2 seed:4")
    assert again["text"] == tweets["text"]

    card = await bot.ask("/persona keeper")
    assert "Tweets downloaded: 250" in card["text"]
    assert "keeper" in (await bot.ask("/personas"))["text"]
    assert "version 1" in (await bot.ask("/train @keeper"))["text"]
    assert await bot.end() == 0
    assert bot.files("work/*") == []
    assert bot.children() == []


async def test_equal_requests_share_a_job_and_everyone_is_told(bot: RunningBot, timeline: Path) -> None:
    await bot.start()
    first = await bot.say(f"/train @keeper file:{timeline}")
    second = await bot.say(f"/train @keeper file:{timeline}")
    assert "is ready" in (await bot.final(first))["text"]
    assert "is ready" in (await bot.final(second))["text"]
    assert await bot.end() == 0
    assert len(bot.files("models/keeper/*")) == 1
    assert [event["line"] for event in bot.transcript()] == [first, second]


async def test_cancelling_leaves_nothing_and_the_next_in_line_goes_on(
    bot: RunningBot, long_timeline: Path, tmp_path: Path
) -> None:
    await bot.start("--as", "ann")
    first = await bot.say(f"/train @one file:{long_timeline}")
    second = await bot.say(f"/train @two file:{write_timeline(tmp_path / 'two.csv', 250, seed=2)}")
    queue = await bot.ask("/queue")
    assert queue["text"].index("@one") < queue["text"].index("@two")
    await bot.stage(first, ": training")

    cancel = (await bot.answer(first))["buttons"][0]["command"]
    assert "cancelled" in (await bot.ask(cancel))["text"]
    assert "nothing was published" in (await bot.final(first))["text"]
    assert "is ready" in (await bot.final(second))["text"]
    assert (await bot.ask(cancel))["kind"] == "error"
    assert await bot.end() == 0
    assert bot.files("models/one*") == []
    assert bot.files("work/*") == []


async def test_only_the_asker_or_an_admin_cancels(bot: RunningBot, timeline: Path) -> None:
    await bot.start("--as", "ann")
    asked = await bot.answer(await bot.say(f"/train @keeper file:{timeline}"))
    await bot.kill()
    cancel = asked["buttons"][0]["command"]

    await bot.start("--as", "bob")
    assert "Only who asked" in (await bot.ask(cancel))["text"]
    await bot.kill()
    await bot.start("--as", "bob", "--admin")
    assert (await bot.ask(cancel))["kind"] == "reply"
    assert await bot.end() == 0


@pytest.mark.usefixtures("keeper")
async def test_admins_manage_models(bot: RunningBot) -> None:
    await bot.start("--as", "ann", "--admin")
    assert "version 2" in (await bot.ask("/models retrain @keeper"))["text"]
    assert "2 (current)" in (await bot.ask("/models versions @keeper"))["text"]
    assert "version 1" in (await bot.ask("/models rollback @keeper"))["text"]
    assert "in memory" in (await bot.ask("/models warm @keeper"))["text"]
    assert "MB" in (await bot.ask("/models info @keeper"))["text"]
    await bot.ask("/use @keeper")
    assert "@keeper" in (await bot.ask("what a day"))["text"]

    await bot.ask("/models pin @keeper")
    assert "pinned" in (await bot.ask("/models delete @keeper sure:true"))["text"]
    await bot.ask("/models pin @keeper")
    question = await bot.ask("/models delete @keeper")
    assert bot.files("models/keeper/*/meta.json") != []
    assert "Deleted" in (await bot.ask(question["buttons"][0]["command"]))["text"]
    assert bot.files("models/*") == []
    assert "no persona" in (await bot.ask("/tweet @keeper"))["text"]
    assert "done" in (await bot.ask("/jobs list"))["text"]
    assert await bot.end() == 0


async def test_others_do_not(bot: RunningBot) -> None:
    await bot.start("--as", "ann")
    for line in ("/models list", "/jobs list", "/use @keeper", "/models delete @keeper sure:true", "/jobs retry abc"):
        assert "for admins" in (await bot.ask(line))["text"], line
    assert await bot.end() == 0


async def test_too_little_text_is_refused_with_a_button_that_forces_it(bot: RunningBot, tmp_path: Path) -> None:
    await bot.start()
    refused = await bot.ask(f"/train @keeper file:{write_timeline(tmp_path / 'few.csv', 60)}")
    assert refused["kind"] == "error"
    assert "60 tweets" in refused["text"]
    [button] = refused["buttons"]
    forced = await bot.answer(await bot.say(button["command"]))
    assert forced["text"].startswith("Training @keeper now.")
    await bot.ask(forced["buttons"][0]["command"])
    hopeless = await bot.ask(f"/train @other file:{write_timeline(tmp_path / 'fewer.csv', 12)}")
    assert hopeless["buttons"] == []
    assert await bot.end() == 0


async def test_a_file_of_several_people_asks_which_and_their_buttons_need_no_file(
    bot: RunningBot, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed.csv"
    lines = ["user,text"]
    for handle, seed in (("ann", 1), ("bob", 2)):
        path = write_timeline(tmp_path / f"{handle}.csv", 200, seed)
        lines += [f"{handle},{row.split(',', 2)[2]}" for row in path.read_text().splitlines()[1:]]
    mixed.write_text("\n".join(lines))
    await bot.start()
    which = await bot.ask(f"/train @somebody file:{mixed}")
    assert [button["label"] for button in which["buttons"]] == ["@ann", "@bob"]
    chosen = await bot.answer(await bot.say(which["buttons"][1]["command"]))
    assert chosen["text"].startswith("Training @bob now.")
    await bot.ask(chosen["buttons"][0]["command"])
    assert "is ready" in (await bot.ask("/train @bob @ann"))["text"]
    assert "AI CYBORG" in (await bot.ask("/persona @ann-bob"))["text"]
    assert await bot.end() == 0


async def test_a_file_that_is_no_timeline_costs_nothing(bot: RunningBot, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    await bot.start()
    refused = await bot.ask(f"/train @keeper file:{picture}")
    assert refused["kind"] == "error"
    assert "There is no readable file" in (await bot.ask(f"/train @keeper file:{tmp_path}"))["text"]
    assert await bot.end() == 0
    assert bot.files("work/*") == bot.files("models/*") == bot.files("tweets/*") == []


async def test_two_bots_do_not_share_a_folder(bot: RunningBot, tiny_base: Path) -> None:
    await bot.start()
    await bot.ask("/queue")
    other = RunningBot(bot.data, tiny_base)
    await other.start()
    assert await other.end() == 1
    assert await bot.end() == 0


async def test_names_in_a_file_cannot_leave_the_folder_or_dress_up_a_reply(bot: RunningBot, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.json"
    tweets = [
        {"text": text, "user": {"screen_name": author, "name": "\x1b[31mred\n" + "x" * 500}}
        for author, seed in (("../../pwned", 1), ("/etc/passwd", 2), ("Carl", 3))
        for text in invented_tweets(200, seed)
    ]
    hostile.write_text(json.dumps(tweets))
    await bot.start()
    which = await bot.ask(f"/train @several file:{hostile}")
    assert [button["label"] for button in which["buttons"]] == ["@carl"]
    assert "is ready" in (await bot.ask(which["buttons"][0]["command"]))["text"]
    listed = await bot.ask("/personas")
    assert "\x1b" not in listed["text"]
    assert len(listed["text"]) < 200
    assert await bot.end() == 0
    assert [path.name for path in tmp_path.iterdir() if "pwned" in path.name] == []
    assert [path.name[:5] for path in bot.files("tweets/*")] == ["carl-"]


async def test_one_file_of_nobody_cannot_be_two_people(bot: RunningBot, timeline: Path) -> None:
    await bot.start()
    refused = await bot.ask(f"/train @one @two file:{timeline}")
    assert "does not tell the tweets of @one and @two apart" in refused["text"]
    assert await bot.end() == 0
