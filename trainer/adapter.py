"""LoRA: small matrices beside every linear layer are trained instead of the layers themselves."""

from peft import LoraConfig, get_peft_model
from transformers.pytorch_utils import Conv1D

from trainer import speakers
from trainer.base import Base
from trainer.recipe import MERGED_BELOW, Recipe


def add(base: Base, recipe: Recipe) -> None:
    """Freeze the base and put an adapter on all its linear layers but the head, and on the speakers' marks."""
    config = LoraConfig(
        r=int(recipe.lora_rank),
        lora_alpha=int(recipe.lora_alpha),
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        trainable_token_indices=list(speakers.find(base.tokenizer).values()) or None,
        fan_in_fan_out=any(isinstance(each, Conv1D) for each in base.model.modules()),
    )
    base.model = get_peft_model(base.model, config)


def settle(base: Base) -> None:
    """Merge the adapter into a small base; beside a large one it stays, and names the base to load it on."""
    if base.parameters < MERGED_BELOW or base.name == "starter":
        base.model = base.model.merge_and_unload()
    else:
        base.model.peft_config["default"].base_model_name_or_path = base.place
