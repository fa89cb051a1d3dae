"""Real small parts for the trainer's tests: invented tweets, and a tiny random GPT-2 that reads them."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from trainer.tweets import Corpus, Counts

if TYPE_CHECKING:
    from trainer.engine import Floats
    from trainer.persona import Persona

END = "<|endoftext|>"

OPENINGS = ["good morning", "cannot believe", "today", "honestly", "my neighbour says", "once again", "hot take:"]
SUBJECTS = ["the lighthouse", "this kettle", "a very old goat", "our ferry", "the night baker", "my left boot"]
VERBS = ["hums", "refuses to leave", "smells of rain", "has opinions", "owes me money", "keeps counting gulls"]
PLACES = ["by the pier", "under the stairs", "at half past nine", "behind the market", "in the fog", "on the roof"]
ENDINGS = ["and I approve", "#harbour", "again 🐐", "send soup", "what a week", "ask @mara_of_the_pier", "so be it"]


def invented_tweets(count: int, seed: int = 1) -> list[str]:
    """Distinct tweets with a pattern that even a tiny model can learn."""
    choose = random.Random(seed)
    tweets: dict[str, None] = {}
    while len(tweets) < count:
        words = [choose.choice(part) for part in (OPENINGS, SUBJECTS, VERBS, PLACES, ENDINGS)]
        tweets[" ".join([*words, str(choose.randrange(1000))])] = None
    return list(tweets)


def invented_corpus(count: int = 120, seed: int = 1, handle: str = "keeper", name: str = "The Keeper 🐐") -> Corpus:
    counts = Counts(downloaded=count + 15, retweets=9, short=4, dropped=2, kept=count)
    return Corpus(handle, name, counts, invented_tweets(count, seed), {"en": count})


def log_chances(persona: "Persona", ids: list[list[int]]) -> "Floats":
    """Of every token after each row of tokens, [rows, vocabulary]."""
    from trainer.engine import Wanted

    size = persona.engine.vocabulary
    beside = [persona.adapter] * len(ids) if persona.adapter else []
    scores, tokens = persona.engine.decoder(beside, 64).feed(ids, Wanted(np.ones((1, size), np.float32), size))
    found: Floats = np.take_along_axis(scores, tokens.argsort(1), 1)
    return found


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a random GPT-2, 2 layers of width 32 with 64 positions, whose tokenizer puts end-of-text first."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=512, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(invented_tweets(400, seed=7), trainer)
    end = tokenizer.token_to_id(END)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, end)])
    directory = tmp_path_factory.mktemp("base") / "tiny"
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=END)
    wrapped.save_pretrained(directory)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size(),
        n_positions=64,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=end,
        eos_token_id=end,
    )
    GPT2LMHeadModel(config).save_pretrained(directory)
    return directory


@pytest.fixture
def corpus_file(tmp_path: Path) -> Callable[[Corpus], Path]:
    """Saves a corpus and gives its path."""

    def save(corpus: Corpus) -> Path:
        path = tmp_path / f"{corpus.handle}.corpus.jsonl"
        corpus.save(path)
        return path

    return save
