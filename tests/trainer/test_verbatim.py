from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.grams import units
from trainer.verbatim import FILE, Index

TWEETS = [
    "Good morning, harbour! The night baker has opinions about gulls again and I approve of every one.",
    "my left boot hums whenever the ferry is late",
    "lol no",
    "今日は港でとても大きなカモメを見かけたので、朝から夜まで一日中ずっと幸せな気分だった。",
    "วันนี้ฉันเห็นนกนางนวลตัวใหญ่ที่ท่าเรือและรู้สึกมีความสุขมากตลอดทั้งวันเลย",
    "😂😂😂",
]


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.build(TWEETS)


@pytest.mark.parametrize("tweet", TWEETS)
def test_every_training_tweet_is_a_copy_of_itself(index: Index, tweet: str) -> None:
    assert index.copied(tweet)
    assert index.nearness(tweet) == 1.0


def test_case_punctuation_width_and_mentions_do_not_hide_a_copy(index: Index) -> None:
    assert index.copied("@mara_of_the_pier MY LEFT BOOT... hums, ｗｈｅｎｅｖｅｒ the ferry is late!!")
    assert index.copied("LOL, no.")


def test_a_run_of_eight_words_in_a_text_of_its_own_is_a_copy(index: Index) -> None:
    own = "everybody at the market told me this week that "
    rest = " and nobody on the long grey quay could say why it should be so"
    assert index.copied(own + "the night baker has opinions about gulls again" + rest)
    assert not index.copied(own + "the night baker has opinions about gulls" + rest)


def test_a_tweet_with_few_words_changed_is_a_copy(index: Index) -> None:
    assert index.copied("my left boot hums whenever the ferry was late")


def test_pieces_of_several_tweets_make_no_copy() -> None:
    index = Index.build(["one two three four five", "four five six seven eight", "seven eight nine ten eleven"])
    assert not index.copied("one two three four five six seven eight nine ten eleven")


def test_two_short_pieces_of_one_tweet_make_no_copy(index: Index) -> None:
    own = "what the sailors shouted at me across the water all through that long and windy afternoon was"
    assert not index.copied(f"the night baker has opinions {own} gulls again and I approve")


def test_words_of_a_tweet_in_another_order_make_no_copy(index: Index) -> None:
    assert index.nearness("late is ferry the whenever hums boot left my") == 0.0


def test_common_speech_is_a_copy_only_of_a_whole_tweet(index: Index) -> None:
    assert not index.copied("the ferry is late")
    assert not index.copied("lol no way")


def test_a_long_run_of_characters_is_a_copy_where_words_are_not_parted(index: Index) -> None:
    japanese, thai = TWEETS[3], TWEETS[4]
    assert index.copied(
        "そういえば昨日の話だけど、" + japanese[:22] + "らしいと友達が電話で教えてくれたんだよね、本当かな"
    )
    assert not index.copied("そういえば昨日の話だけど、" + japanese[:9] + "友達の犬が走っていたらしいよ、本当かな")
    assert index.copied("เมื่อวานเพื่อนบอกว่า" + thai[:45] + "แต่ฉันไม่เชื่อเพราะฝนตกหนักและไม่มีใครออกจากบ้าน")
    assert not index.copied("เมื่อวานเพื่อนบอกว่า" + thai[:12] + "แต่ฉันไม่เชื่อเพราะฝนตกหนักมาก")


def test_a_prompt_out_of_a_real_tweet_does_not_condemn_what_follows(index: Index) -> None:
    prompt = "Good morning, harbour! The night baker has opinions about gulls again"
    text = prompt + " so I hid all of my sandwiches inside an old umbrella"
    assert index.copied(text)
    assert not index.copied(text, prompt)
    assert index.nearness(text, prompt) < 0.2


def test_a_real_tweet_carried_on_from_its_opening_is_a_copy(index: Index) -> None:
    assert index.copied(TWEETS[0], "Good morning, harbour!")
    assert index.copied(TWEETS[0] + " Send soup to the pier before the fog comes back", "Good morning, harb")
    assert index.copied(TWEETS[1], "my left boot hums whenever the ferry is")


def test_nearness_is_the_largest_share_of_ngrams_in_one_tweet(index: Index) -> None:
    assert index.nearness("my left boot hums and sings") == 0.5  # 2 of 4 runs of three words


def test_nothing_is_near_to_an_empty_corpus() -> None:
    assert Index.build([]).nearness("my left boot hums whenever the ferry is late") == 0.0
    assert not Index.build(["", " "]).copied("")


def test_a_saved_index_says_the_same_and_holds_no_word_of_the_tweets(index: Index, tmp_path: Path) -> None:
    index.save(tmp_path)
    loaded = Index.load(tmp_path)
    for text in [*TWEETS, "my left boot hums and sings", "nothing of the sort"]:
        assert loaded.compare(text) == index.compare(text)
    stored = (tmp_path / FILE).read_bytes()
    assert not any(word.encode() in stored for word in ("morning", "baker", "opinions", "カモメ"))


def test_a_directory_without_an_index_gives_an_empty_one(tmp_path: Path) -> None:
    assert not Index.load(tmp_path).copied(TWEETS[0])


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half", b"no archive at all"])
def test_a_damaged_index_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    with pytest.raises((ValueError, OSError)):
        Index.load(tmp_path)


def test_units_are_words_or_characters_of_scripts_without_spaces() -> None:
    assert units("Don't SHOUT, @mara: #Harbour_life 35 ｶﾓﾒ!") == ["dont", "shout", "harbour", "life", "35", *"カモメ"]
    assert units("हिन्दी में लिखा") == ["हिन्दी", "में", "लिखा"]


@given(st.lists(st.text()), st.text(), st.text())
def test_any_text_can_be_judged(texts: list[str], text: str, prompt: str) -> None:
    index = Index.build([*texts, text])
    assert 0.0 <= index.nearness(prompt + text, prompt) <= 1.0
    assert index.copied(text) or not units(text)
