"""One tweet's text: mended, cleaned and judged."""

import pytest

from trainer import cleaning


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("the kettle hums https://t.co/Ab12", "the kettle hums"),
        ("HTTPS://T.CO/AB12 the kettle hums", "the kettle hums"),
        ("see(https://t.co/x) ok", "see ok"),
        ("look [https://t.co/x] here", "look here"),
        ("“https://t.co/x” they said", "they said"),
        ("our boat (via https://boats.example/a)", "our boat (via)"),
        ("an entry https://wiki.example/Kettle_(pot) to read", "an entry to read"),
        ("what a daypic.twitter.com/AbC1", "what a day"),
        ("go to www.kettle.example/live now", "go to now"),
        ("a kettle t.co/Ab12 again", "a kettle again"),
        ("gulls http:// kettle.example/a?b=c today", "gulls today"),
        ("gulls https://www. kettle.example/a today", "gulls today"),
        ("hugs from the goat https://t.c…", "hugs from the goat"),
        ("hugs from the goat https:/…", "hugs from the goat"),
        ("hugs from the goat htt…", "hugs from the goat"),
        ("have you seen https://t.co/x?", "have you seen?"),
        ("look: https://t.co/a. https://t.co/b", "look:"),
        ("read https://t.co/a, then sleep", "read, then sleep"),
        ("見て https://t.co/xチクタク", "見て チクタク"),
        ("one\n\n two\u2028three\u3000four", "one two three four"),
        ("\u2066@mara\u2069 hello", "@mara hello"),
        ("I like http and the word cargo.com", "I like http and the word cargo.com"),
        ("@Mara #Harbour 🐐 STAYS …", "@Mara #Harbour 🐐 STAYS …"),
    ],
)
def test_addresses_and_spare_space_go_and_all_else_stays(raw: str, cleaned: str) -> None:
    assert cleaning.clean(raw) == cleaned


def test_text_of_spaces_and_brackets_is_cleaned_in_linear_time() -> None:
    for hostile in (" " * 50_000 + "http", "https://" + "(a" * 50_000, "http:" + "[" * 50_000, "…" * 50_000):
        cleaning.clean(hostile)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("salt &amp; pepper", "salt & pepper"),
        ("&lt;3 &quot;tea&quot; it&#39;s", '<3 "tea" it\'s'),
        ("how to write &amp;lt;", "how to write &lt;"),
        ("AT&T &copy it", "AT&T &copy it"),
    ],
)
def test_every_entity_is_decoded_once(escaped: str, text: str) -> None:
    assert cleaning.unescape(escaped) == text


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        ("the cafÃ© isnâ€™t open", "the café isn’t open"),
        ("the caf√© is open", "the café is open"),
        ("donâ\x80\x99t", "don’t"),
        ("ðŸ˜‚ again", "😂 again"),
        ("half \ud83d of a pair", "half � of a pair"),
        ("a pair \ud83d\ude02", "a pair 😂"),
    ],
)
def test_damaged_characters_are_mended(damaged: str, text: str) -> None:
    assert cleaning.mend(damaged) == text


@pytest.mark.parametrize("text", ["“quoted” ‘so’", "ＦＵＬＬ width", "ﬁne ½ ™", "NÃO É ÓBVIO", "今日は…", "Ünïcödé ﷽"])
def test_what_is_not_damaged_stays_as_it_is(text: str) -> None:
    assert cleaning.mend(text) == text


@pytest.mark.parametrize(
    "text", ["", "hello there", "@mara thank you", "so true #harbour #fog", "😂 😂", "猫です", "ครับ"]
)
def test_fewer_than_three_words_are_short(text: str) -> None:
    assert cleaning.is_short(text)


@pytest.mark.parametrize(
    "text", ["the kettle hums", "@mara it is so", "今日も灯台はうるさい", "我们今天去看灯塔", "วันนี้อากาศดีมาก"]
)
def test_three_words_or_their_like_without_spaces_are_not_short(text: str) -> None:
    assert not cleaning.is_short(text)


def test_a_japanese_hashtag_does_not_make_a_tweet_long() -> None:
    assert cleaning.is_short("猫 #毎日灯台を見ています")


LINK = "https://t.co/Ab12Cd34Ef"


def of_length(length: int, end: str) -> str:
    return ("gulls " * 60)[: length - len(end)] + end


@pytest.mark.parametrize(
    "text",
    [
        of_length(140, f"harb… {LINK}"),
        of_length(120, f"the… {LINK}"),
        of_length(140, "harb…"),
        of_length(280, "harb…"),
        of_length(300, f"harb… {LINK}"),
        "灯台" * 55 + f"灯… {LINK}",
    ],
)
def test_a_mark_at_the_limit_is_a_cut(text: str) -> None:
    assert cleaning.is_cut(text)


@pytest.mark.parametrize(
    "text",
    [
        "and then the fog came…",
        "and then the fog came...",
        f"how to boil a kettle … {LINK}",
        f"well… {LINK}",
        of_length(140, "harbour …"),
        of_length(200, f"harb… {LINK}"),
        of_length(140, "harbour"),
    ],
)
def test_an_author_may_end_with_an_ellipsis(text: str) -> None:
    assert not cleaning.is_cut(text)


def test_the_source_s_own_word_counts_for_a_cut_of_any_length() -> None:
    assert cleaning.is_cut(f"well… {LINK}", truncated=True)
    assert not cleaning.is_cut("whole all the same", truncated=True)


def test_a_cut_that_took_only_an_address_leaves_a_whole_text() -> None:
    assert cleaning.whole_before_cut("Tune in to the ferry’s horn live:…") == "Tune in to the ferry’s horn live:"
    assert cleaning.whole_before_cut("Tune in ➡️…") == "Tune in ➡️"
    assert cleaning.whole_before_cut("Tune in to the fer…") == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("今日は灯台です", "ja"),
        ("灯塔今天很吵", "zh"),
        ("오늘도 등대는", "ko"),
        ("วันนี้", "th"),
        ("сегодня маяк", "ru"),
        ("اليوم المنارة", "ar"),
        ("le café d’été", ""),
        ("hello ок and many other words", ""),
        ("", ""),
    ],
)
def test_the_script_suggests_a_language(text: str, language: str) -> None:
    assert cleaning.language_by_script(text) == language
