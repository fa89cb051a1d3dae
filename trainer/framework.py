"""Whatever ``transformers`` can load, as an ``Engine``: slower to import and to run than our own GPT-2."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from trainer import bounds, lora
from trainer.accelerated import fill_left, pick
from trainer.device import out_of_memory
from trainer.engine import Floats, Ids, Wanted
from trainer.errors import UnusableBase
from trainer.lora import Adapter
from trainer.tokens import Tokens


def load(directory: Path, device: torch.device, dtype: torch.dtype) -> "AnyEngine":
    """A model, or an adapter merged into its base. Raises UnusableBase, or what the libraries throw."""
    logging.disable_progress_bar()
    return AnyEngine(_load_model(directory, dtype).eval().to(device=device))


def load_tokens(directory: Path) -> Tokens:
    tokenizer: Any = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    return cast(Tokens, tokenizer)


class AnyEngine:
    """Takes no adapters."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.context = int(getattr(model.config, "max_position_embeddings", bounds.WHOLE["max_tokens"][1]))

    @property
    def bytes(self) -> int:
        return sum(each.nbytes for each in self.model.parameters())

    @property
    def vocabulary(self) -> int:
        return int(cast(Tensor, self.model.get_output_embeddings().weight).shape[0])

    def decoder(self, adapters: Sequence[Adapter], room: int) -> "AnyDecoder":
        return AnyDecoder(self.model, self.context)


class AnyDecoder:
    """The decoder of ``AnyEngine``."""

    def __init__(self, model: PreTrainedModel, context: int) -> None:
        self._model = model
        self._context = context
        self._mask = torch.ones(0)
        self._cache: Any = None

    @torch.inference_mode()
    def feed(self, ids: Sequence[Sequence[int]] | Ids, wanted: Wanted) -> tuple[Floats, Ids]:
        filled, mask = (torch.from_numpy(each).to(self._model.device) for each in fill_left(ids))
        self._mask = torch.cat((self._mask, mask.long()), 1) if self._cache is not None else mask.long()
        positions = (self._mask.cumsum(-1) - 1).clamp(0, self._context - 1)  # rows that ended may run past it
        output = self._model(
            input_ids=filled,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            attention_mask=self._mask,
            position_ids=positions[:, -filled.shape[1] :],
        )
        self._cache = output.past_key_values
        return pick(output.logits[:, -1], wanted)

    def keep(self, rows: Ids) -> None:
        kept = torch.from_numpy(rows).to(self._model.device)
        self._cache.batch_select_indices(kept)
        self._mask = self._mask[kept]


def _load_model(directory: Path, dtype: torch.dtype) -> PreTrainedModel:
    adapter = directory / lora.CONFIG
    if not adapter.exists():
        return _load_weights(directory, dtype)
    from peft import PeftModel

    base = json.loads(adapter.read_text("utf-8"))["base_model_name_or_path"]
    try:
        model = _load_weights(base, dtype)
    except OSError as error:
        if out_of_memory(error):
            raise
        raise base_is_gone(base) from error
    merged: PreTrainedModel = PeftModel.from_pretrained(model, str(directory)).merge_and_unload()
    return merged


def base_is_gone(base: str) -> UnusableBase:
    return UnusableBase(
        f"The base model {base!r} of this persona is not on this machine any more; train the persona again."
    )


def _load_weights(place: Path | str, dtype: torch.dtype) -> PreTrainedModel:
    auto: Any = AutoModelForCausalLM  # typed as if it gave a model only
    options = {"local_files_only": True, "use_safetensors": True, "dtype": dtype, "output_loading_info": True}
    model, loading = auto.from_pretrained(place, **options)
    if loading["missing_keys"] or loading["mismatched_keys"]:
        raise ValueError("the weights do not fit the config")
    return cast(PreTrainedModel, model)
