from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.conftest import END, invented_tweets
from trainer import base
from trainer.base import Base
from trainer.corpus import IGNORED, REPEATED, UNMARKED, Row, batches, epoch, epoch_tokens, split, tokenise
from trainer.speakers import marked

QUOTE = "the lighthouse keeper counts gulls every morning before breakfast"


@pytest.fixture(scope="module")
def tiny(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


def rows(lengths: list[int], token: int = 5) -> list[Row]:
    return [[token] * length for length in lengths]


def test_a_tenth_is_held_out_and_nothing_is_lost_or_doubled() -> None:
    tweets = invented_tweets(200)
    train, held_out = split(tweets, seed=3)
    assert len(held_out) == 20
    assert sorted(train + held_out) == sorted(tweets)


def test_at_least_one_and_at_most_500_tweets_are_held_out() -> None:
    assert len(split(["one little tweet", "another small tweet"], seed=1)[1]) == 1
    assert len(split([f"gull{number} pier{number} fog{number}" for number in range(6000)], seed=1)[1]) == 500


def test_the_split_depends_on_the_seed_alone() -> None:
    tweets = invented_tweets(100)
    assert split(tweets, seed=1) == split(tweets, seed=1)
    assert split(tweets, seed=1) != split(tweets, seed=2)


def test_tweets_that_share_eight_words_never_straddle_the_split() -> None:
    tweets = invented_tweets(95) + [f"{word}: {QUOTE} {word}" for word in ("first", "second", "third", "fourth")]
    for seed in range(20):
        train, held_out = split(tweets, seed)
        assert not (any(QUOTE in tweet for tweet in train) and any(QUOTE in tweet for tweet in held_out))


def test_a_tweet_and_its_variation_never_straddle_the_split() -> None:
    varied = [f"the old goat has eaten my hat and my {loss}" for loss in ("boot", "kettle", "lunch")]
    others = [f"gull{number} pier{number} fog{number}" for number in range(37)]
    for seed in range(20):
        train, held_out = split(others + varied, seed)
        assert len([each for each in train if each in varied]) in (0, len(varied))
        assert sorted(train + held_out) == sorted(others + varied)


def test_what_is_known_is_not_held_out_nor_what_is_like_it() -> None:
    tweets = [*invented_tweets(96), *(f"{word}: {QUOTE} {word}" for word in ("first", "second", "third", "fourth"))]
    for seed in range(20):
        held_out = split(tweets, seed, known={*range(80), 99})[1]
        assert len(held_out) == 10
        assert set(held_out) <= set(tweets[80:96])
    assert split(tweets, 1, known=range(100))[1] == []


def test_a_form_that_is_filled_in_again_and_again_still_leaves_a_tenth_to_hold_out() -> None:
    tweets = [f"{number} gulls at the pier today" for number in range(300)]
    train, held_out = split(tweets, seed=1)
    assert (len(train), len(held_out)) == (270, 30)


def test_every_tweet_stands_between_end_of_text_tokens(tiny: Base) -> None:
    (row,) = tokenise(tiny.tokenizer, ["send soup"], 64)
    end = tiny.tokenizer.eos_token_id
    assert row[0] == row[-1] == end
    assert tiny.tokenizer.decode(row[1:-1]) == "send soup"


def test_a_tweet_that_spells_out_the_end_token_does_not_end_there(tiny: Base) -> None:
    (row,) = tokenise(tiny.tokenizer, [f"what {END} is this"], 64)
    assert row.count(tiny.tokenizer.eos_token_id) == 2
    assert tiny.tokenizer.decode(tiny.tokenizer(END)["input_ids"][1:]) == END


def test_a_tweet_longer_than_the_context_is_cut_and_does_not_end(tiny: Base) -> None:
    (row,) = tokenise(tiny.tokenizer, ["gull " * 100], 64)
    assert len(row) == 64
    assert row[-1] != tiny.tokenizer.eos_token_id


def test_labels_are_the_next_tokens_and_padding_is_ignored() -> None:
    (batch,) = batches([[1, 2, 3], [1, 2, 3, 4, 5]], 64)
    assert batch.labels.tolist() == [[2, 3, IGNORED, IGNORED, IGNORED], [2, 3, 4, 5, IGNORED]]
    assert batch.tokens == 6


@given(st.lists(st.integers(2, 60), min_size=1, max_size=80), st.integers(60, 300))
def test_no_batch_exceeds_its_tokens_and_every_row_comes_once(lengths: list[int], budget: int) -> None:
    made = batches(rows(lengths), budget)
    assert all(batch.ids.numel() <= budget for batch in made)
    assert sum(batch.tokens for batch in made) == sum(lengths) - len(lengths)


def test_an_epoch_wastes_little_on_padding(tiny: Base) -> None:
    people = [tokenise(tiny.tokenizer, invented_tweets(1000), 64)]
    made = epoch(people, 1024, seed=1, number=0)
    assert sum(batch.ids.numel() for batch in made) < 1.1 * sum(len(row) for row in people[0])


def test_an_epoch_depends_on_its_seed_and_number_alone() -> None:
    people = [rows(list(range(2, 60)) * 5)]

    def shapes(seed: int, number: int) -> list[list[int]]:
        return [list(batch.ids.shape) for batch in epoch(people, 256, seed, number)]

    assert shapes(1, 0) == shapes(1, 0)
    assert shapes(1, 0) != shapes(1, 1)
    assert shapes(1, 0) != shapes(2, 0)


def test_people_with_few_tweets_weigh_as_much_as_the_others_and_are_in_every_batch() -> None:
    many, few = rows([20, 25, 30] * 60, token=1), rows([10, 15, 50] * 18, token=2)
    made = epoch([many, few], 512, seed=1, number=0)
    ones = sum(int((batch.ids == 1).sum()) for batch in made)
    twos = sum(int((batch.ids == 2).sum()) for batch in made)
    assert abs(ones - twos) < 60
    assert all((batch.ids == 1).any() and (batch.ids == 2).any() for batch in made if len(batch.ids) > 3)


def test_a_thin_person_is_kept_but_not_repeated_into_memory() -> None:
    many, few = rows([25] * 400, token=1), [[token] * 25 for token in range(2, 12)]
    made = epoch([many, few], 512, seed=1, number=0)
    drawn = [token for batch in made for token in batch.ids[:, 0].tolist() if token > 1]
    assert sorted(drawn) == sorted([*range(2, 12)] * REPEATED)
    assert epoch_tokens([many, few]) == 25 * 400 + 25 * 10 * REPEATED


def test_a_share_of_a_cyborgs_rows_goes_unmarked_and_the_others_carry_their_speakers_mark() -> None:
    people = [rows([20] * 400, token=1), rows([20] * 400, token=2)]
    made = epoch(people, 512, seed=1, number=0, marks=[8, 9])
    drawn = [row for batch in made for row in batch.ids.tolist()]
    assert {(row[1], row[2]) for row in drawn} == {(1, 1), (2, 2), (8, 1), (9, 2)}
    assert abs(sum(row[1] < 8 for row in drawn) / len(drawn) - UNMARKED) < 0.05


def test_a_mark_is_read_but_never_to_be_foretold() -> None:
    (batch,) = batches([marked([1, 2, 3], 9), [1, 2, 3]], 64, marks=[9])
    assert batch.ids.tolist() == [[1, 9, 2, 3], [1, 2, 3, 0]]
    assert batch.labels.tolist() == [[IGNORED, 2, 3, IGNORED], [2, 3, IGNORED, IGNORED]]
    assert batch.tokens == 4


def test_a_small_persons_extra_tweets_are_drawn_afresh_each_epoch() -> None:
    many = rows([30] * 15, token=1)
    few = [[token] * 30 for token in range(2, 12)]

    def drawn(number: int) -> list[int]:
        return sorted(token for batch in epoch([many, few], 90, 1, number) for token in batch.ids[:, 0].tolist())

    assert drawn(0) != drawn(1)
