from dataclasses import dataclass

import pytest

from trainer.cache import Cache


@dataclass
class Block:
    blocks: dict[int, int]


def filled(memory: int, *names: str) -> Cache[Block]:
    cache: Cache[Block] = Cache(memory)
    for place, name in enumerate(names):
        cache.put(name, Block({place: 10}))
    return cache


def test_the_least_recently_used_goes_first_and_only_as_many_as_must() -> None:
    cache = filled(20, "a", "b", "c", "d")
    cache.get("a")
    assert cache.shrink(lambda name: True) == ["b", "c"]
    assert "a" in cache
    assert "d" in cache
    assert not cache.full


def test_what_may_not_go_stays_though_there_is_too_little_room() -> None:
    cache = filled(10, "a", "b", "c")
    assert cache.shrink(lambda name: name == "b") == ["b"]
    assert cache.full


def test_what_is_dropped_is_gone_and_dropping_twice_does_no_harm() -> None:
    cache = filled(20, "a")
    cache.drop("a")
    cache.drop("a")
    with pytest.raises(KeyError):
        cache.get("a")


def test_what_several_hold_counts_once() -> None:
    cache = filled(40)
    for place, name in enumerate("abc"):
        cache.put(name, Block({100: 10, place: 10}))
    assert not cache.full
    cache.put("d", Block({101: 1}))
    assert cache.shrink(lambda name: True) == ["a"]
