"""Several people in one persona: as a blend, as one of them, by weights."""

from pathlib import Path

from tests.e2e.running import RunningBot


async def test_a_cyborg_speaks_as_a_blend_as_one_of_its_people_and_by_weights(bot: RunningBot) -> None:
    await bot.start("--as", "ann")
    done = await bot.ask("/train @professor_gull @mara_bakes")
    assert done["text"].startswith("@mara_bakes-professor_gull is ready (version 1).")

    assert "already here" in (await bot.ask("/train @mara_bakes @professor_gull"))["text"]
    card = await bot.ask("/persona @professor_gull-mara_bakes")
    assert "AI CYBORG" in card["text"]
    assert "@mara_bakes:\n  Tweets downloaded: 555\n" in card["text"]
    assert "@professor_gull:\n  Tweets downloaded: " in card["text"]
    page = Path(card["picture"]).with_name("README.md").read_text("utf-8")
    [head] = [line for line in page.splitlines() if line.startswith("| Data")]
    assert head.count("|") == 4

    who = "@mara_bakes-professor_gull"
    said = {}
    for how in ("", "as:@mara_bakes ", "as:@professor_gull ", 'mix:"mara_bakes 0 professor_gull 30" '):
        tweet = await bot.ask(f"/tweet {who} {how}seed:7 count:3 the")
        assert tweet["kind"] == "reply", tweet
        said[how] = tweet["text"]
        again = next(button["command"] for button in tweet["buttons"] if button["label"] == "Another")
        assert again == f"/tweet {who} {how}the"
        assert (await bot.ask(again))["kind"] == "reply"
    assert said["as:@mara_bakes "] != said["as:@professor_gull "]

    unknown = await bot.ask(f"/tweet {who} as:@nasa")
    sentence, _, names = unknown["text"].partition("; choose among ")
    assert sentence == "@nasa does not speak here"
    assert set(names.rstrip(".").split(", ")) == {"@mara_bakes", "@professor_gull"}
    assert unknown["kind"] == "error"
    assert 'weights such as "a 70 b 30"' in (await bot.ask(f'/tweet {who} mix:"mara_bakes lots"'))["text"]
    assert await bot.end() == 0
