"""The table against its definition, counted one by one in plain Python."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from trainer import ngrams
from trainer.ngrams import DOUBT, NONE, ORDERS, RARE, WEIGHTS, NGrams, Trail, windows

SIZE = 12
END, MARA, JON = 0, 10, 11


def rows(seed: int, count: int = 60) -> list[list[int]]:
    choose = random.Random(seed)
    return [[END, *choose.choices(range(1, 10), range(9, 0, -1), k=choose.randint(1, 9)), END] for _ in range(count)]


def defined(learnt: Sequence[Sequence[int]], before: Sequence[int], network: Sequence[float]) -> list[float]:
    """The chances of the next token, as the docstrings say."""
    chances = list(network)
    for order in range(1, min(ORDERS, len(before)) + 1):
        context = tuple(before[-order:])
        places = [(row, place) for row in learnt for place in range(order, len(row))]
        followers = Counter(row[place] for row, place in places if tuple(row[place - order : place]) == context)
        seen = followers.total()
        if seen < (RARE if order == ORDERS else 1):
            continue
        share = WEIGHTS[order - 1] * seen / (seen + DOUBT * len(followers))
        chances = [(1 - share) * each + share * followers[token] / seen for token, each in enumerate(chances)]
    return chances


def mixed(trail: Trail, network: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    added = trail.added()
    chances = network * added.kept
    chances[added.places[:, 0], added.places[:, 1]] += added.chances
    return chances


def test_every_context_takes_its_share_of_what_was_foretold_so_far() -> None:
    learnt, unseen = rows(1), rows(2, 6)
    network = np.random.default_rng(3).dirichlet(np.ones(SIZE), len(unseen))
    trail = Trail([NGrams.count([learnt])] * len(unseen), [row[:1] for row in unseen])
    before = [row[:1] for row in unseen]
    for step in range(1, max(map(len, unseen))):
        expected = [defined(learnt, row, each) for row, each in zip(before, network, strict=True)]
        assert np.allclose(mixed(trail, network), expected, atol=2e-4)
        assert np.allclose(mixed(trail, network).sum(1), 1, atol=1e-5)
        tokens = [row[step] if step < len(row) else 1 for row in unseen]
        trail.follow(np.array(tokens))
        before = [[*row, token] for row, token in zip(before, tokens, strict=True)]


def test_a_prompt_is_read_like_what_was_drawn() -> None:
    table, network = NGrams.count([rows(1)]), np.full((1, SIZE), 1 / SIZE)
    drawn = Trail([table], [[END]])
    for token in (1, 2, 1):
        drawn.follow(np.array([token]))
    assert np.array_equal(mixed(drawn, network), mixed(Trail([table], [[END, 1, 2, 1]]), network))


def test_each_speaker_goes_on_as_they_do_and_nobody_else() -> None:
    mara, jon = rows(1), [[END, 9, 9, 9, END]] * 20
    table, network = NGrams.count([mara, jon], [MARA, JON]), np.full((3, SIZE), 1 / SIZE)
    found = mixed(Trail([table] * 3, [[END, JON, 9], [END, MARA, 1], [END, 1]]), network)
    assert np.allclose(found[0], defined(jon, [END, 9], network[0]), atol=2e-4)
    assert np.allclose(found[1], defined(mara, [END, 1], network[1]), atol=2e-4)
    assert np.allclose(found[2], network[2])


def test_rows_of_several_personas_have_each_their_own_and_those_without_stay_as_they_are() -> None:
    one, other, network = rows(1), rows(5), np.full((4, SIZE), 1 / SIZE)
    tables = NGrams.count([one]), NGrams.count([other])
    trail = Trail([tables[0], None, tables[1], tables[0]], [[END, 1], [END, 1], [END, 1], [END, 2]])
    trail.keep(np.array([2, 1, 3]))
    trail.follow(np.array([3, 3, 3]))
    expected = [
        defined(other, [END, 1, 3], network[0]), network[0], defined(one, [END, 2, 3], network[0])
    ]  # fmt: skip
    assert np.allclose(mixed(trail, network[:3]), expected, atol=2e-4)
    some = trail.added(np.array([2]))
    assert set(some.places[:, 0]) == {0}
    assert np.allclose(some.kept, trail.added().kept[2])


def test_without_any_nothing_is_added() -> None:
    assert Trail([None, None], [[END], [END]]).added() is NONE


def test_half_the_strength_takes_half_as_much() -> None:
    table = NGrams.count([rows(1)])
    last, voices = np.array([[1, END, -1, -1]]), np.array([0])
    whole, half = table.shares_of(last, voices), table.scaled(0.5).shares_of(last, voices)
    assert np.allclose(2 * half[2], whole[2], rtol=2e-3)
    assert np.allclose(2 * (1 - half[3]), 1 - whole[3], rtol=2e-3)


def test_of_a_large_corpus_is_kept_what_gives_most(monkeypatch: pytest.MonkeyPatch) -> None:
    learnt = [*([[END, 1, 2, END]] * 50), [END, 3, 4, 5, END]]
    monkeypatch.setattr(ngrams, "MOST", 6)
    few = NGrams.count([learnt])
    assert len(few.followers) == 6
    network = np.full((1, SIZE), 1 / SIZE)
    assert np.allclose(mixed(Trail([few], [[END, 1]]), network), defined(learnt, [END, 1], network[0]), atol=2e-4)
    assert np.allclose(mixed(Trail([few], [[END, 3, 4]]), network), network)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    table = NGrams.count([rows(1), rows(2)], [MARA, JON])
    table.save(tmp_path)
    loaded = NGrams.load(tmp_path, SIZE)
    assert loaded
    assert loaded.bytes == table.bytes
    for name, each in vars(table).items():
        assert np.array_equal(getattr(loaded, name), each)
    assert NGrams.load(tmp_path / "nowhere", SIZE) is None


@pytest.mark.parametrize("damage", ["vocabulary", "ends", "shares", "contexts"])
def test_what_fits_no_model_is_refused(tmp_path: Path, damage: str) -> None:
    table = NGrams.count([rows(1)])
    kept = {name: each[:-1] if name == damage else each for name, each in vars(table).items()}
    NGrams(**kept).save(tmp_path)
    with pytest.raises(ValueError, match="damaged"):
        NGrams.load(tmp_path, 5 if damage == "vocabulary" else SIZE)


def test_large_vocabularies_keep_their_tokens_apart() -> None:
    assert set(NGrams.count([[[0, 70_000, 5, 0]] * 3]).followers) == {0, 5, 70_000}


def test_windows_end_at_the_beginning_of_a_row() -> None:
    last, tokens = windows([[END, 1, 2, 3, 4, 5], [END, 7]])
    assert tokens.tolist() == [1, 2, 3, 4, 5, 7]
    assert last.tolist()[-2:] == [[4, 3, 2, 1], [END, -1, -1, -1]]
