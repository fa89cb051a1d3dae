"""Models as huggingtweets put them on the hub in 2020 and 2021: old weights, old tokenizer files, and their cards."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2LMHeadModel, pipeline

from tests.trainer.conftest import END

SETTINGS = {"do_sample": True, "min_length": 5, "max_length": 60, "temperature": 0.9, "top_p": 0.8, "prefix": END}

ONE_IN_2020 = """\
---
language: en
thumbnail: https://github.com/borisdayma/huggingtweets/blob/master/img/logo_share.png?raw=true
tags:
- huggingtweets
widget:
- text: "My dream is"
---

<div>
<div style="width: 132px; border-radius: 50%; background-image: url('https://pbs.twimg.com/profile_images/7/ferry.jpg')">
</div>
<div style="margin-top: 8px; font-size: 19px; font-weight: 800">Fern & the <3 Ferry 🤖 AI Bot </div>
<div style="font-size: 15px; color: #657786">@Ferry_Fern bot</div>
</div>

## Training data

The model was trained on [@Ferry_Fern's tweets](https://twitter.com/Ferry_Fern).

"""
IN_MARKDOWN = """\
| Data              | Quantity     |
|-------------------|--------------|
| Tweets downloaded | 1200    |
| Retweets          | 150     |
| Short tweets      | 50 |
| Tweets kept       | 1000  |
"""
IN_HTML = """\
<table style='border-width:0'>
<thead style='border-width:0'>
<tr style='border-width:0 0 1px 0; border-color: #CBD5E0'>
<th style='border-width:0'>Data</th>
<th style='border-width:0'>Quantity</th>
</tr>
</thead>
<tbody style='border-width:0'>
<tr style='border-width:0 0 1px 0'>
<td style='border-width:0'>Tweets downloaded</td>
<td style='border-width:0'>1200</td>
</tr>
<tr style='border-width:0 0 1px 0'>
<td style='border-width:0'>Retweets</td>
<td style='border-width:0'>150</td>
</tr>
<tr style='border-width:0 0 1px 0'>
<td style='border-width:0'>Short tweets</td>
<td style='border-width:0'>50</td>
</tr>
<tr style='border-width:0'>
<td style='border-width:0'>Tweets kept</td>
<td style='border-width:0'>1000</td>
</tr>
</tbody>
</table>
"""
TWO_IN_2021 = """\
---
language: en
thumbnail: http://www.huggingtweets.com/anna_anchor-bo_buoy/1627000000000/predictions.png
tags:
- huggingtweets
widget:
- text: "My dream is"
---

<div class="inline-flex flex-col" style="line-height: 1.5;">
    <div class="flex">
        <div
\t\t\tstyle="display:inherit; border-radius: 50%; background-image: url(&#39;https://pbs.twimg.com/profile_images/1/a.jpg&#39;)">
        </div>
        <div
            style="display:inherit; border-radius: 50%; background-image: url(&#39;https://pbs.twimg.com/profile_images/2/b.jpg&#39;)">
        </div>
        <div
            style="display:none; border-radius: 50%; background-image: url(&#39;&#39;)">
        </div>
    </div>
    <div style="text-align: center; margin-top: 3px; font-size: 16px; font-weight: 800">🤖 AI CYBORG 🤖</div>
    <div style="text-align: center; font-size: 16px; font-weight: 800">Anna & her Anchor & Bo 🛟</div>
    <div style="text-align: center; font-size: 14px;">@anna_anchor-bo_buoy</div>
</div>

I was made with [huggingtweets](https://github.com/borisdayma/huggingtweets).

## Training data

The model was trained on tweets from Anna & her Anchor & Bo 🛟.

| Data | Anna & her Anchor | Bo 🛟 |
| --- | --- | --- |
| Tweets downloaded | 3200 | 900 |
| Retweets | 700 | 100 |
| Short tweets | 500 | 0 |
| Tweets kept | 2000 | 800 |

## Training procedure

The model is based on a pre-trained [GPT-2](https://huggingface.co/gpt2) which is fine-tuned on their tweets.
"""


def write_old_model(folder: Path, tiny_base: Path, card: str = TWO_IN_2021) -> dict[str, torch.Tensor]:
    """Fill the folder with what such a model had, its weights those of the tiny base; returns them."""
    folder.mkdir(parents=True)
    config = json.loads((tiny_base / "config.json").read_text("utf-8"))
    old = {"gradient_checkpointing": False, "n_ctx": 64, "transformers_version": "4.6.1", "use_cache": True}
    config |= {**old, "task_specific_params": {"text-generation": SETTINGS}}
    weights = GPT2LMHeadModel.from_pretrained(tiny_base).state_dict()
    masks = {f"transformer.h.{layer}.attn.bias": torch.ones(1, 1, 64, 64).tril().byte() for layer in range(2)}
    torch.save({**weights, **masks}, folder / "pytorch_model.bin")
    vocabulary = json.loads((tiny_base / "tokenizer.json").read_text("utf-8"))["model"]
    merges = ["#version: 0.2", *(" ".join(pair) for pair in vocabulary["merges"])]
    marks = dict.fromkeys(["bos_token", "eos_token", "unk_token"], END)
    files = {
        "config.json": json.dumps({name: value for name, value in config.items() if name != "dtype"}),
        "vocab.json": json.dumps(vocabulary["vocab"]),
        "merges.txt": "\n".join(merges),
        "special_tokens_map.json": json.dumps(marks),
        "tokenizer_config.json": json.dumps(marks | {"model_max_length": 64, "tokenizer_class": "GPT2Tokenizer"}),
        "README.md": card,
        "training_args.bin": "no weights",
        "flax_model.msgpack": "weights of another library",
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return weights


def continued(folder: Path, prompt: str) -> str:
    """What plain ``transformers`` make of a prompt."""
    generator: Any = pipeline("text-generation", model=str(folder))
    return str(generator(prompt)[0]["generated_text"])
