import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from trainer import dense
from trainer.persona import Persona

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ["transformers", "peft", "huggingface_hub"]
DRAW = """
import sys
from pathlib import Path
from trainer import sampling
from trainer.protocol import GenerateTask

assert sampling.tweets(sampling.Persona.load(Path(sys.argv[1]), "cpu"), GenerateTask("", seed=1))
print([name for name in sys.argv[2:] if name in sys.modules])
"""


def test_a_tweet_of_gpt2_is_drawn_without_the_frameworks_that_take_seconds_to_import(tiny_base: Path) -> None:
    command = [sys.executable, "-c", DRAW, str(tiny_base), *FRAMEWORKS]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("vnni", [True, False])
@pytest.mark.parametrize("halved", [True, False])
def test_a_large_model_says_in_fewer_bits_nearly_what_it_says_in_full(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vnni: bool, halved: bool
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
    rounded = model.half() if halved else model
    rounded.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tiny_base / name).read_bytes())
    monkeypatch.setattr(dense, "LARGE", 0)
    monkeypatch.setattr("torch.cpu._is_vnni_supported", lambda: vnni)
    persona = Persona.load(tmp_path, "cpu")
    ids = torch.randint(512, (3, 20), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, found = model.float()(ids).logits[:, -1], persona.decoder(3, 20).feed(ids)
    assert (found - expected).norm() < (0.05 if vnni else 1e-5) * expected.norm()


def test_personas_without_adapters_keep_to_themselves(tiny_base: Path) -> None:
    assert Persona.load(tiny_base, "cpu").company != Persona.load(tiny_base, "cpu").company


def test_what_is_known_of_the_tokens_is_held_once_for_personas_with_the_same(tiny_base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    one, other = (Persona.load(directory, "cpu") for directory in (tiny_base, copy))
    assert one.vocabulary is other.vocabulary
