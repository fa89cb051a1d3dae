from pathlib import Path
from typing import Any, cast

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from trainer import engine, gpt2
from trainer.engine import Row, Vocabulary
from trainer.errors import UnusableBase

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


def vocabulary(*stops: int, banned: tuple[int, ...] = ()) -> Vocabulary:
    numbers = torch.arange(SIZE)
    return Vocabulary(torch.isin(numbers, torch.tensor(stops)), torch.isin(numbers, torch.tensor(banned)))


def row(prompt: list[int], length: int, top_k: int = 50, top_p: float = 0.95, at_least: int = 0, seed: int = 0) -> Row:
    dice = torch.rand(length, generator=torch.Generator().manual_seed(seed))
    return Row(prompt, dice, 1.0, top_p, top_k, at_least)


def test_the_likeliest_tokens_are_those_that_transformers_generates(model: PreTrainedModel) -> None:
    prompt = [0, 40, 41, 42]
    expected = cast(Any, model).generate(
        torch.tensor([prompt]), do_sample=False, max_new_tokens=30, min_new_tokens=30, pad_token_id=0
    )
    assert engine.continue_rows(model, vocabulary(0, banned=(0,)), [row(prompt, 30, top_k=1)]) == [
        expected[0, 4:].tolist()
    ]


def test_rows_with_prompts_of_different_lengths_do_not_see_each_other_or_the_filling(model: PreTrainedModel) -> None:
    rows = [row([0, *range(40, 40 + length)], 5 + 3 * length, top_k=1) for length in (0, 7, 3, 1)]
    stops = vocabulary(*range(1, 20))
    assert engine.continue_rows(model, stops, rows) == [engine.continue_rows(model, stops, [each])[0] for each in rows]


@pytest.mark.parametrize("filled", [False, True])
def test_gpt2_without_the_framework_computes_what_the_framework_does(model: PreTrainedModel, filled: bool) -> None:
    assert isinstance(model, GPT2LMHeadModel)
    assert gpt2.suits(model)
    mask = torch.tensor([[0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]]) if filled else None
    own, framework = gpt2.Gpt2Decoder(model, mask, rows=3, room=9), engine.AnyDecoder(model, mask)
    ids = torch.randint(SIZE, (3, 9), generator=torch.Generator().manual_seed(1))
    going = torch.tensor([True, False, True])
    with torch.inference_mode():
        assert torch.allclose(own.feed(ids[:, :5]), framework.feed(ids[:, :5]), atol=1e-3)
        assert torch.allclose(own.feed(ids[:, 5:6]), framework.feed(ids[:, 5:6]), atol=1e-3)
        own.keep(going)
        framework.keep(going)
        for place in range(6, 9):
            fed = ids[going, place : place + 1]
            assert torch.allclose(own.feed(fed), framework.feed(fed), atol=1e-3)


def test_another_architecture_is_drawn_from_as_well() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=SIZE, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2
    )
    llama = LlamaForCausalLM(config).eval()
    rows = [row([0, *range(40, 40 + length)], 5 + 3 * length, top_k=1) for length in (0, 7, 3)]
    drawn = engine.continue_rows(llama, vocabulary(*range(1, 20)), rows)
    assert drawn == [engine.continue_rows(llama, vocabulary(*range(1, 20)), [each])[0] for each in rows]


def test_the_layout_of_the_head_changes_no_value(tiny_base: Path) -> None:
    plain, laid = (AutoModelForCausalLM.from_pretrained(tiny_base).eval() for _ in range(2))
    engine.lay_out(laid)
    assert torch.equal(weights(plain), weights(laid))
    assert not weights(laid).is_contiguous()
    assert laid.lm_head.weight is laid.transformer.wte.weight


def test_draws_follow_temperature_then_top_k_then_top_p(model: PreTrainedModel) -> None:
    draws, prompt = 20_000, [0, 40, 41]
    dice = torch.rand(draws, 1, generator=torch.Generator().manual_seed(5))
    rows = [Row(prompt, each, temperature=1.5, top_p=0.8, top_k=20, at_least=0) for each in dice]
    drawn = torch.tensor(engine.continue_rows(model, vocabulary(), rows))[:, 0]
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
    assert len({drawn for (drawn,) in engine.continue_rows(model, vocabulary(), rows)}) > 100


def test_banned_tokens_are_never_drawn(model: PreTrainedModel) -> None:
    banned = tuple(range(SIZE - 3))
    rows = [row([0], 10, top_k=0, seed=seed) for seed in range(20)]
    drawn = engine.continue_rows(model, vocabulary(banned=banned), rows)
    assert {token for tokens in drawn for token in tokens} <= set(range(SIZE - 3, SIZE))


def test_a_row_ends_with_its_first_stop_but_not_before_its_least_length(model: PreTrainedModel) -> None:
    leasts = [0, 1, 5] * 20
    rows = [row([0, 40], 12, top_k=0, at_least=least, seed=seed) for seed, least in enumerate(leasts)]
    drawn = engine.continue_rows(model, vocabulary(*range(SIZE // 2)), rows)
    for tokens in drawn:
        ends = [token < SIZE // 2 for token in tokens]
        assert not any(ends[:-1])
        assert ends[-1] or len(tokens) == 12
    assert [min(len(tokens) for tokens in drawn[start::3]) for start in range(3)] == [1, 2, 6]


def test_a_row_has_as_many_tokens_as_dice_when_nothing_stops_it(model: PreTrainedModel) -> None:
    rows = [row([0, 40], length) for length in (3, 9, 1, 8)]
    assert [len(tokens) for tokens in engine.continue_rows(model, vocabulary(), rows)] == [3, 9, 1, 8]


def test_weights_that_are_no_numbers_are_told(model: PreTrainedModel, tiny_base: Path) -> None:
    broken: PreTrainedModel = AutoModelForCausalLM.from_pretrained(tiny_base)
    with torch.no_grad():
        weights(broken)[0, 0] = torch.nan
    with pytest.raises(UnusableBase, match="train it again"):
        engine.continue_rows(broken, vocabulary(), [row([0], 3)])
