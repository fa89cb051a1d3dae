from dataclasses import dataclass
from itertools import count

from trainer.desk import BATCH, TOGETHER, Desk, Ticket
from trainer.protocol import GenerateTask, Request

numbers = count()


@dataclass(frozen=True)
class Block:
    number: int
    family: str = ""

    @property
    def blocks(self) -> dict[int, int]:
        return {self.number: 10}

    @property
    def company(self) -> str | int:
        return self.family or self.number


def ask(desk: Desk[Block], model: str, seed: int | None = None, tweets: int = 1) -> Request:
    request = Request(str(next(numbers)), "generate", {})
    desk.add(Ticket(request, GenerateTask(model, count=tweets, seed=seed), 0.0))
    return request


def load(desk: Desk[Block], family: str = "") -> str:
    """Play the loader once."""
    model = desk.next_load()
    desk.loaded(model, Block(next(numbers), family))
    return model


def serve(desk: Desk[Block]) -> list[Request]:
    """Play the generator once."""
    batch = desk.next_batch()
    desk.served()
    return [ticket.request for _, ticket in batch]


def test_requests_that_wait_for_the_same_model_are_drawn_together() -> None:
    desk: Desk[Block] = Desk(100)
    asked = [ask(desk, "a") for _ in range(5)]
    load(desk)
    assert serve(desk) == asked


def test_a_request_with_a_seed_is_drawn_alone() -> None:
    desk: Desk[Block] = Desk(100)
    first, seeded, last = ask(desk, "a"), ask(desk, "a", seed=1), ask(desk, "a")
    load(desk)
    assert [serve(desk) for _ in range(3)] == [[first], [seeded], [last]]


def test_a_batch_has_a_largest_size() -> None:
    desk: Desk[Block] = Desk(100)
    asked = [ask(desk, "a", tweets=10) for _ in range(BATCH // 10 + 2)]
    load(desk)
    assert serve(desk) == asked[: BATCH // 10]
    assert serve(desk) == asked[BATCH // 10 :]


def test_models_that_share_a_base_are_drawn_together() -> None:
    desk: Desk[Block] = Desk(1000)
    models = [str(place) for place in range(TOGETHER + 2)]
    asked = [ask(desk, model) for model in [*models, "alone", "0"]]
    for model in models:
        assert load(desk, "family") == model
    load(desk)
    *served, alone, again = asked
    assert serve(desk) == [served[0], again, *served[1:TOGETHER]]
    assert serve(desk) == served[TOGETHER:]
    assert serve(desk) == [alone]


def test_company_that_finds_no_room_in_a_batch_keeps_its_place_in_line() -> None:
    desk: Desk[Block] = Desk(1000)
    full = [ask(desk, "a", tweets=10) for _ in range(BATCH // 10)]
    late, other = ask(desk, "b"), ask(desk, "c")
    for family in ("family", "family", ""):
        load(desk, family)
    assert [serve(desk) for _ in range(3)] == [full, [late], [other]]


def test_a_busy_model_does_not_keep_another_from_its_turn() -> None:
    desk: Desk[Block] = Desk(100)
    asked = [ask(desk, "a", seed=1), ask(desk, "a", seed=2), ask(desk, "a", seed=3), ask(desk, "b", seed=4)]
    assert [load(desk), load(desk)] == ["a", "b"]
    assert [serve(desk) for _ in range(4)] == [[asked[0]], [asked[3]], [asked[1]], [asked[2]]]


def test_models_that_do_not_fit_together_take_turns_and_all_requests_are_served() -> None:
    desk: Desk[Block] = Desk(0)
    asked = [ask(desk, "a", seed=1), ask(desk, "b", seed=2), ask(desk, "a", seed=3), ask(desk, "b", seed=4)]
    served = []
    for model in "abab":
        assert load(desk) == model
        served += serve(desk)
    assert served == [asked[0], asked[1], asked[2], asked[3]]


def test_what_was_loaded_for_waiting_requests_stays_until_they_had_their_turn() -> None:
    desk: Desk[Block] = Desk(10)
    asked = [ask(desk, "a"), ask(desk, "b")]
    assert [load(desk), load(desk)] == ["a", "b"]
    assert [serve(desk), serve(desk)] == [[asked[0]], [asked[1]]]


def test_what_is_loaded_is_not_loaded_again_while_there_is_room() -> None:
    desk: Desk[Block] = Desk(20)
    for model in "ab":
        ask(desk, model)
        load(desk)
        serve(desk)
    again = ask(desk, "a")
    assert serve(desk) == [again]
    ask(desk, "c")
    assert load(desk) == "c"
    serve(desk)
    ask(desk, "b")  # the least recently used made room
    assert load(desk) == "b"


def test_a_model_is_warmed_once_for_all_who_asked() -> None:
    desk: Desk[Block] = Desk(20)
    first, second = Request("1", "load", {}), Request("2", "load", {})
    assert not desk.warm(first, "a")
    assert not desk.warm(second, "a")
    assert desk.loaded(desk.next_load(), Block(1)) == [first, second]
    assert desk.warm(first, "a")


def test_a_model_that_cannot_be_loaded_fails_all_who_wait_for_it_and_nobody_else() -> None:
    desk: Desk[Block] = Desk(20)
    asked, warming, other = ask(desk, "a"), Request("w", "load", {}), ask(desk, "b")
    desk.warm(warming, "a")
    assert desk.not_loaded(desk.next_load()) == [asked, warming]
    load(desk)
    assert serve(desk) == [other]
    ask(desk, "a")
    assert desk.next_load() == "a"


def test_a_model_forgotten_while_it_is_loaded_is_not_kept() -> None:
    desk: Desk[Block] = Desk(100)
    asked = ask(desk, "a")
    assert desk.next_load() == "a"
    desk.forget("a")
    assert desk.loaded("a", Block(next(numbers))) == []
    warmed = Request("w", "load", {})
    assert not desk.warm(warmed, "a")
    assert desk.next_load() == "a"
    assert desk.not_loaded("a") == [asked, warmed]


def test_a_forgotten_model_is_loaded_anew_for_those_who_still_wait() -> None:
    desk: Desk[Block] = Desk(20)
    asked = ask(desk, "a")
    load(desk)
    desk.forget("a")
    assert load(desk) == "a"
    assert serve(desk) == [asked]
