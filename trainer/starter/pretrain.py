"""Make the starter base again: ``python -m trainer.starter.pretrain --corpora DIR --out DIR``.

Texts -> tokenizer -> one long row of tokens -> blocks -> a small GPT-2 -> half-precision safetensors and a card.
Interrupted, the same command goes on from its last checkpoint; with the same seed it sees the same batches.
"""

import argparse
import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from trainer.starter import card, corpus
from trainer.starter.muon import Muon

END = "<|endoftext|>"


@dataclass(frozen=True)
class Recipe:
    """What is trained and how. Rates are of AdamW and Muon at their peak; the context is in tokens."""

    tokens: int = 17_000_000
    characters: int = 100_000_000
    vocabulary: int = 4096
    context: int = 256
    width: int = 192
    layers: int = 4
    heads: int = 3  # 64 wide each: a quarter faster on a CPU than four of 48
    batch: int = 16
    adam: float = 7e-3
    muon: float = 2e-2
    warmup: float = 0.02
    cooldown: float = 0.5  # rates fall to zero over this last part, so until then ``--tokens`` can still be changed
    held_out: int = 150  # blocks
    every: int = 200  # steps from checkpoint to checkpoint
    seed: int = 1


SHIPPED = Recipe()


def main(words: Sequence[str] | None = None, recipe: Recipe = SHIPPED) -> None:
    """By the command line's words, and by ``recipe`` in what they leave open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--corpora", type=Path, required=True, help="folder with titles, selftext and dialogue .txt(.zst)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the work and, in model/, for the result")
    parser.add_argument("--tokens", type=int, default=recipe.tokens, help="tokens to train on (default %(default)s)")
    parser.add_argument("--seed", type=int, default=recipe.seed)
    arguments = parser.parse_args(words)
    recipe = replace(recipe, tokens=arguments.tokens, seed=arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    train, held_out = blocks(arguments.corpora, arguments.out, recipe)
    model = pretrain(train, held_out, arguments.out, recipe)
    publish(model, held_out, arguments.out, recipe)


def blocks(corpora: Path, out: Path, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """Training and held-out tokens, each of shape (blocks, context + 1), made once and kept in ``out``."""
    ready = out / "tokens.npy"
    if not ready.exists():
        texts = corpus.mix(corpora, recipe.characters, recipe.seed)
        tokenizer = train_tokenizer(texts[:400_000], recipe)
        tokenizer.save(str(out / "tokenizer.json"))
        ids = [token for row in tokenizer.encode_batch(texts) for token in row.ids]
        fresh = out / "unfinished.npy"
        np.save(fresh, np.array([*ids, 0], dtype=np.uint16))
        fresh.replace(ready)
    tokens = torch.from_numpy(np.load(ready).astype(np.int64))
    rows = tokens[: len(tokens) // recipe.context * recipe.context - recipe.context + 1]
    cut = rows.unfold(0, recipe.context + 1, recipe.context)
    return cut[recipe.held_out :], cut[: recipe.held_out]


def train_tokenizer(texts: list[str], recipe: Recipe) -> Tokenizer:
    """Byte-level BPE that puts the end-of-text token before every text, so that a prompt starts like a tweet does."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
    return tokenizer


def build(recipe: Recipe) -> GPT2LMHeadModel:
    """A GPT-2 with random weights and no dropout: no token is seen often enough here to be learnt by heart."""
    torch.manual_seed(recipe.seed)
    config = GPT2Config(
        vocab_size=recipe.vocabulary,
        n_positions=recipe.context,
        n_embd=recipe.width,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


def optimizers(model: GPT2LMHeadModel, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings, norms and biases."""
    named = list(model.named_parameters())
    matrices = [weight for name, weight in named if ".h." in name and weight.ndim == 2]
    others = [weight for name, weight in named if not (".h." in name and weight.ndim == 2)]
    adam = torch.optim.AdamW(others, lr=recipe.adam, betas=(0.9, 0.95), weight_decay=0.0)
    return [adam, Muon(matrices, lr=recipe.muon)]


def pretrain(train: torch.Tensor, held_out: torch.Tensor, out: Path, recipe: Recipe) -> GPT2LMHeadModel:
    """Train to the recipe's number of tokens, with a checkpoint and a line of the log every so often."""
    model = build(recipe)
    optimizing = optimizers(model, recipe)
    checkpoint, log = out / "checkpoint.pt", out / "log.jsonl"
    steps, first = recipe.tokens // (recipe.batch * recipe.context), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        first = saved["step"]
        model.load_state_dict(saved["model"])
        for optimizer, state in zip(optimizing, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
    order = _order(len(train), steps * recipe.batch, recipe.seed)
    started = time.monotonic()
    for step in range(first, steps):
        _set_rates(optimizing, recipe, step / steps)
        batch = train[order[step * recipe.batch : (step + 1) * recipe.batch]]
        loss = block_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizing:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if (step + 1) % recipe.every == 0 or step + 1 == steps:
            row = {"step": step + 1, "loss": loss.item(), "held_out": evaluate(model, held_out)}
            speed = (step + 1 - first) * recipe.batch * recipe.context / (time.monotonic() - started)
            _record(log, row | {"tokens_per_second": round(speed)})
            _save(checkpoint, model, optimizing, step + 1)
    return model


def block_loss(model: GPT2LMHeadModel, block: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats a token over blocks of shape (batch, context + 1)."""
    logits = model(block[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1), block[:, 1:].flatten())


@torch.no_grad()
def evaluate(model: GPT2LMHeadModel, held_out: torch.Tensor) -> float:
    model.eval()
    losses = [block_loss(model, part).item() * len(part) for part in held_out.split(25)]
    model.train()
    return sum(losses) / len(held_out)


def publish(model: GPT2LMHeadModel, held_out: torch.Tensor, out: Path, recipe: Recipe) -> None:
    """Half-precision weights, tokenizer, card and loss curve in ``out/model``."""
    target = out / "model"
    shutil.rmtree(target, ignore_errors=True)
    loss = evaluate(model, held_out)
    model.half().save_pretrained(target)
    _compute_in_single(target / "config.json")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(out / "tokenizer.json")), bos_token=END, eos_token=END, pad_token=END,
        model_max_length=recipe.context,
    )  # fmt: skip
    tokenizer.save_pretrained(target)
    characters = sum(len(tokenizer.decode(block[1:], skip_special_tokens=True)) for block in held_out)
    bits = loss * held_out[:, 1:].numel() / characters / math.log(2)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    card.write(target, asdict(recipe), model.num_parameters(), loss, bits, log)


def _compute_in_single(config: Path) -> None:
    """Say so in the config: half precision is for the disk, most processors multiply it hundreds of times slower."""
    values = json.loads(config.read_text())
    config.write_text(json.dumps(values | {"dtype": "float32"}, indent=2))


def _order(blocks: int, wanted: int, seed: int) -> torch.Tensor:
    """Indices of the blocks in the order of training; a new shuffle whenever all have been seen."""
    generator = torch.Generator().manual_seed(seed)
    rounds = math.ceil(wanted / blocks)
    return torch.cat([torch.randperm(blocks, generator=generator) for _ in range(rounds)])[:wanted]


def _set_rates(optimizing: list[torch.optim.Optimizer], recipe: Recipe, done: float) -> None:
    """Linear warm-up, a plateau, then linear to zero."""
    factor = min(done / recipe.warmup, 1.0, (1 - done) / recipe.cooldown)
    for optimizer, peak in zip(optimizing, (recipe.adam, recipe.muon), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = peak * factor


def _record(log: Path, row: dict[str, float]) -> None:
    print(json.dumps(row), flush=True)
    with log.open("a") as lines:
        lines.write(json.dumps(row) + "\n")


def _save(checkpoint: Path, model: GPT2LMHeadModel, optimizing: list[torch.optim.Optimizer], step: int) -> None:
    fresh = checkpoint.with_suffix(".tmp")
    states = [optimizer.state_dict() for optimizer in optimizing]
    torch.save({"step": step, "model": model.state_dict(), "optimizers": states}, fresh)
    fresh.replace(checkpoint)


if __name__ == "__main__":
    main()
