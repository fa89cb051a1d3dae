import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.duplicates import BOILERPLATE, alike, quoting
from trainer.grams import GRAM, SHARE, Texts

WORDS = "gull pier fog goat kettle ferry hums".split()
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join), min_size=1, max_size=25)


def together(groups: list[list[int]]) -> set[tuple[int, int]]:
    return {pair for group in groups for pair in permutations(group, 2)}


def test_a_chain_of_shared_runs_is_one_group() -> None:
    words = [f"word{number}" for number in range(24)]
    chain = [" ".join(words[:12]), " ".join(words[4:20]), " ".join(words[12:])]
    assert quoting([*chain, "something else entirely"]) == [[0, 1, 2], [3]]


def test_seven_words_in_common_are_no_quotation_and_eight_are() -> None:
    words = [f"word{number}" for number in range(30)]
    assert quoting([" ".join(words[:15]), " ".join(words[8:30])]) == [[0], [1]]
    assert quoting([" ".join(words[:16]), " ".join(words[8:30])]) == [[0, 1]]


def test_a_script_without_spaces_is_compared_by_characters() -> None:
    shared = "今日は朝から港でかもめを数えていました"
    assert quoting([f"{shared}とても楽しい", f"ねえ{shared}", "夜は灯台の下で静かに本を読む"]) == [[0, 1], [2]]


def test_case_mentions_and_punctuation_do_not_hide_a_duplicate() -> None:
    assert alike(["@mara The fog, again!", "the FOG again", "the fog is back"]) == [[0, 1], [2]]


def test_one_word_changed_in_nine_is_a_variation_and_common_speech_is_none() -> None:
    tweet = "the old goat of the pier has eaten {} hats"
    assert alike([tweet.format("my"), tweet.format("three")]) == [[0, 1]]
    assert alike(["have a great day", "have a great week"]) == [[0], [1]]


@given(texts)
def test_no_text_with_most_of_its_n_grams_in_another_stands_apart_from_it(texts: list[str]) -> None:
    grams = Texts.read(texts).divided(GRAM)
    found = together(alike(texts))
    for one, other in permutations(range(len(texts)), 2):
        shared = sum(gram in grams[other] for gram in grams[one])
        if len(texts[one].split()) >= 5 and shared >= math.ceil(SHARE * len(grams[one])):
            assert (one, other) in found


@given(texts)
def test_no_two_texts_with_eight_words_in_common_stand_apart(texts: list[str]) -> None:
    found = together(quoting(texts))
    runs = [{tuple(words[at : at + 8]) for at in range(len(words) - 7)} for words in map(str.split, texts)]
    for one, other in permutations(range(len(texts)), 2):
        assert (one, other) in found or not (runs[one] & runs[other] or texts[one] == texts[other])


@given(texts)
def test_every_text_is_in_one_group_and_quotations_are_never_told_apart_as_variations(texts: list[str]) -> None:
    groups = alike(texts)
    assert sorted(number for group in groups for number in group) == list(range(len(texts)))
    assert together(groups) >= together(quoting(texts))


@pytest.mark.parametrize("count", [BOILERPLATE, 3 * BOILERPLATE])
def test_a_form_filled_in_is_one_group_however_often(count: int) -> None:
    groups = alike([f"gust of wind at the old pier now {number}" for number in range(count)] + ["something else"])
    assert list(map(len, groups)) == [count, 1]
