from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from trainer import accelerated, engine, graph, runtime
from trainer.engine import Engine, Row, Vocabulary, Wanted
from trainer.errors import UnusableBase
from trainer.framework import AnyEngine
from trainer.gpt2 import Gpt2File
from trainer.ngrams import Added, NGrams
from trainer.runtime import Gpt2Decoder

SIZE = 512


def weights(model: PreTrainedModel) -> torch.Tensor:
    return model.get_parameter("transformer.wte.weight")


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> PreTrainedModel:
    """With larger weights than at its birth, so that its choices differ from place to place."""
    loaded: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
    with torch.no_grad():
        weights(loaded).mul_(8)
    return loaded


@pytest.fixture(params=["framework", "processor", "accelerator"])
def either(model: PreTrainedModel, request: pytest.FixtureRequest) -> Engine:
    """The engine for whatever transformers load, and those for GPT-2; the accelerator's runs on the processor too."""
    if request.param == "accelerator":
        return accelerated.Gpt2(file(model), torch.device("cpu"), torch.float32)
    return AnyEngine(model) if request.param == "framework" else own(model)


def file(model: PreTrainedModel) -> Gpt2File:
    tensors = {name: each.numpy() for name, each in model.state_dict().items()}
    return Gpt2File(model.config.to_dict(), tensors)


def own(model: PreTrainedModel, bits: int = 32) -> runtime.Gpt2:
    return runtime.Gpt2.build(file(model), bits)


def vocabulary(*stops: int, banned: tuple[int, ...] = ()) -> Vocabulary:
    numbers = np.arange(SIZE)
    return Vocabulary(np.isin(numbers, stops), np.isin(numbers, banned))


def row(prompt: list[int], length: int, top_k: int = 50, top_p: float = 0.95, at_least: int = 0, seed: int = 0) -> Row:
    dice = np.random.default_rng(seed).random(length, np.float32)
    return Row(prompt, dice, 1.0, top_p, top_k, at_least)


def test_the_likeliest_tokens_are_those_that_transformers_generates(model: PreTrainedModel, either: Engine) -> None:
    prompt = [0, 40, 41, 42]
    expected = cast(Any, model).generate(
        torch.tensor([prompt]), do_sample=False, max_new_tokens=30, min_new_tokens=30, pad_token_id=0
    )
    assert engine.continue_rows(either, vocabulary(0, banned=(0,)), [row(prompt, 30, top_k=1)]) == [
        expected[0, 4:].tolist()
    ]


def test_rows_with_prompts_of_different_lengths_do_not_see_each_other_or_the_filling(either: Engine) -> None:
    rows = [row([0, *range(40, 40 + length)], 5 + 3 * length, top_k=1) for length in (0, 7, 3, 1)]
    stops = vocabulary(*range(1, 20))
    assert engine.continue_rows(either, stops, rows) == [
        engine.continue_rows(either, stops, [each])[0] for each in rows
    ]


def test_a_prompt_that_several_rows_begin_with_is_read_once(
    model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, ...]] = []
    feed = Gpt2Decoder.feed

    def told(decoder: Gpt2Decoder, ids: Sequence[Sequence[int]], wanted: Wanted) -> Any:
        read.append(np.shape(ids))
        return feed(decoder, ids, wanted)

    monkeypatch.setattr(Gpt2Decoder, "feed", told)
    rows = [row([0, *prompt], 2, top_k=1) for prompt in ([40, 41], [7, 8], [40, 41], [40, 41])]
    drawn = engine.continue_rows(own(model), vocabulary(), rows)
    assert read == [(2, 3), (4, 1)]
    assert drawn[0] == drawn[2] == drawn[3] != drawn[1]


def test_a_row_that_has_ended_may_stay_in_a_batch_that_goes_on_past_the_context(either: Engine) -> None:
    room = either.context
    rows = [row([0, *range(40, 35 + room)], 2, top_k=1), *(row([0, 40 + place], 40, top_k=1) for place in range(7))]
    drawn = engine.continue_rows(either, vocabulary(), rows)
    assert drawn == [engine.continue_rows(either, vocabulary(), [each])[0] for each in rows]


@pytest.mark.parametrize("filled", [False, True])
def test_what_is_computed_is_what_the_framework_does(model: PreTrainedModel, either: Engine, filled: bool) -> None:
    wanted = Wanted(np.ones((1, SIZE), np.float32), SIZE)
    ids = np.random.default_rng(1).integers(SIZE, size=(3, 9)).tolist()
    begun = [row[: 5 - 2 * filled * number] for number, row in enumerate(ids)]
    decoder = either.decoder([], room=9)

    def same(found: tuple[Any, Any], rows: list[list[int]]) -> bool:
        with torch.no_grad():
            expected = [model(torch.tensor([row])).logits[0, -1].log_softmax(-1).numpy() for row in rows]
        return np.allclose(found[0], np.take_along_axis(np.stack(expected), found[1], 1), atol=1e-3)

    assert same(decoder.feed(begun, wanted), begun)
    begun = [[*row, 7] for row in begun]
    assert same(decoder.feed([[7]] * 3, wanted), begun)
    decoder.keep(np.array([2, 0, 2]))
    begun = [[*begun[number], 8 + place] for place, number in enumerate([2, 0, 2])]
    assert same(decoder.feed([row[-1:] for row in begun], wanted), begun)


def test_what_n_grams_add_is_added_to_the_chances_and_what_is_not_allowed_has_none(either: Engine) -> None:
    ids, places = [[0, 7, 8], [0, 9, 10]], np.array([[0, 3], [0, 5], [1, 511]])
    kept, given = np.array([[0.5], [0.25]], np.float32), np.array([0.3, 0.2, 0.75], np.float32)
    allowed = np.ones((1, SIZE), np.float32)
    scores, tokens = either.decoder([], 3).feed(ids, Wanted(allowed, SIZE))
    expected = np.exp(np.take_along_axis(scores, tokens.argsort(1), 1)) * kept
    expected[places[:, 0], places[:, 1]] += given
    allowed[0, 5] = 0
    scores, tokens = either.decoder([], 3).feed(ids, Wanted(allowed, SIZE, Added(kept, places, given)))
    assert np.allclose(np.exp(np.take_along_axis(scores, tokens.argsort(1), 1)), expected * allowed, atol=1e-6)
    assert tokens[:, 0].tolist() == [3, 511]


def test_rows_go_on_as_their_own_n_grams_say(either: Engine) -> None:
    known = [0, 40, 41, 300, 17, 202, 0]
    table = NGrams.count([[known] * 300])
    rows = [replace(row([0, 40], 5, top_k=1), ngrams=each) for each in (table, None, table)]
    rows[2] = replace(rows[2], prompt=[0, 40, 41, 300])
    alone = engine.continue_rows(either, vocabulary(0), [rows[1]])
    assert engine.continue_rows(either, vocabulary(0), rows) == [known[2:], *alone, known[4:]]
    twice = engine.continue_rows(either, vocabulary(0), [rows[0], *rows])  # whose prompt is read once
    assert twice == [known[2:], known[2:], *alone, known[4:]]


@pytest.mark.parametrize(("bits", "lost"), [(8, 0.02), (7, 0.04)])
def test_fewer_bits_say_nearly_the_same(model: PreTrainedModel, bits: int, lost: float) -> None:
    wanted = Wanted(np.ones((1, SIZE), np.float32), SIZE)
    ids = np.random.default_rng(1).integers(SIZE, size=(3, 9)).tolist()
    given = (own(model, each).decoder([], 9).feed(ids, wanted) for each in (32, bits))
    exact, near = (np.take_along_axis(scores, tokens.argsort(1), 1) for scores, tokens in given)
    assert 1e-6 < np.linalg.norm(near - exact) / np.linalg.norm(exact) < lost


def test_with_fewer_bits_a_row_gives_the_same_alone_and_in_company(model: PreTrainedModel) -> None:
    wanted = Wanted(np.ones((1, SIZE), np.float32), SIZE)
    ids, few = np.random.default_rng(1).integers(SIZE, size=(5, 9)).tolist(), own(model, 8)
    scores, tokens = few.decoder([], 9).feed(ids, wanted)
    for number, row in enumerate(ids):
        alone = few.decoder([], 9).feed([row], wanted)
        assert (scores[number] == alone[0][0]).all()
        assert (tokens[number] == alone[1][0]).all()


def test_the_shapes_that_go_from_block_to_block_can_be_foreseen(model: PreTrainedModel) -> None:
    """Otherwise the start of a session takes the square of the nodes."""
    built = onnx.load_from_string(graph.build(file(model), 32, adapted=False).serialised())
    told = onnx.shape_inference.infer_shapes(built).graph
    sides = {each.name: each.type.tensor_type.shape.dim for each in told.value_info}
    shapes = {name: [each.dim_param or each.dim_value for each in dims] for name, dims in sides.items()}
    *norms, _ = [node.output[0] for node in told.node if node.op_type == "LayerNormalization"]
    assert [shapes.get(each) for each in norms] == [["places", model.config.n_embd]] * 2 * model.config.n_layer


def test_another_architecture_is_drawn_from_as_well() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=SIZE, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2
    )
    llama = LlamaForCausalLM(config).eval()
    rows = [row([0, *range(40, 40 + length)], 5 + 3 * length, top_k=1) for length in (0, 7, 3)]
    drawn = engine.continue_rows(AnyEngine(llama), vocabulary(*range(1, 20)), rows)
    assert drawn == [engine.continue_rows(AnyEngine(llama), vocabulary(*range(1, 20)), [each])[0] for each in rows]


def test_draws_follow_temperature_then_top_k_then_top_p(model: PreTrainedModel) -> None:
    draws, prompt = 20_000, [0, 40, 41]
    dice = np.random.default_rng(5).random((draws, 1), np.float32)
    rows = [Row(prompt, each, temperature=1.5, top_p=0.8, top_k=20, at_least=0) for each in dice]
    drawn = torch.tensor(engine.continue_rows(own(model), vocabulary(), rows))[:, 0]
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0, -1] / 1.5
    chances = logits.masked_fill(logits < logits.topk(20).values[-1], -torch.inf).softmax(0)
    ordered, tokens = chances.sort(descending=True)
    kept = tokens[ordered.cumsum(0) - ordered < 0.8]
    expected = torch.zeros(SIZE).index_copy(0, kept, chances[kept] / chances[kept].sum())
    seen = drawn.bincount(minlength=SIZE) / draws
    assert 1 < len(kept) < 20
    assert set(drawn.tolist()) == set(kept.tolist())
    assert torch.allclose(seen, expected, atol=4 * (0.25 / draws) ** 0.5)  # four standard deviations


def test_no_top_k_and_no_top_p_leave_all_tokens(model: PreTrainedModel) -> None:
    rows = [row([0], 1, top_k=0, top_p=1.0, seed=seed) for seed in range(3000)]
    assert len({drawn for (drawn,) in engine.continue_rows(own(model), vocabulary(), rows)}) > 100


def test_banned_tokens_are_never_drawn(model: PreTrainedModel) -> None:
    banned = tuple(range(SIZE - 3))
    rows = [row([0], 10, top_k=0, seed=seed) for seed in range(20)]
    drawn = engine.continue_rows(own(model), vocabulary(banned=banned), rows)
    assert {token for tokens in drawn for token in tokens} <= set(range(SIZE - 3, SIZE))


def test_a_row_ends_with_its_first_stop_but_not_before_its_least_length(model: PreTrainedModel) -> None:
    leasts = [0, 1, 5] * 20
    rows = [row([0, 40], 12, top_k=0, at_least=least, seed=seed) for seed, least in enumerate(leasts)]
    drawn = engine.continue_rows(own(model), vocabulary(*range(SIZE // 2)), rows)
    for tokens in drawn:
        ends = [token < SIZE // 2 for token in tokens]
        assert not any(ends[:-1])
        assert ends[-1] or len(tokens) == 12
    assert [min(len(tokens) for tokens in drawn[start::3]) for start in range(3)] == [1, 2, 6]


def test_a_row_has_as_many_tokens_as_dice_when_nothing_stops_it(model: PreTrainedModel) -> None:
    rows = [row([0, 40], length) for length in (3, 9, 1, 8)]
    assert [len(tokens) for tokens in engine.continue_rows(own(model), vocabulary(), rows)] == [3, 9, 1, 8]


@pytest.mark.parametrize("place", [0, 7, SIZE - 1])
@pytest.mark.parametrize("build", [AnyEngine, own], ids=["framework", "processor"])
def test_weights_that_are_no_numbers_are_told(
    tiny_base: Path, build: Callable[[PreTrainedModel], Engine], place: int
) -> None:
    broken: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny_base)
    with torch.no_grad():
        weights(broken)[place, 0] = torch.nan
    with pytest.raises(UnusableBase, match="train it again"):
        engine.continue_rows(build(broken), vocabulary(), [row([0], 3)])
