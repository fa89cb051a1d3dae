"""What the model cards of 2021 tell people to run: ``python -m benchmarks.rival DIRECTORY`` says its first tweets."""

import sys
from typing import Any

PROMPT, COUNT, TOKENS = "My dream is", 5, 40


def load(directory: str) -> Any:
    from transformers import pipeline
    from transformers.utils import logging

    logging.disable_progress_bar()
    return pipeline("text-generation", model=directory)


def ask(generator: Any) -> list[str]:
    """Sampling settings are those in the directory; only the length is set, so that both sides draw as many tokens."""
    drawn = generator(PROMPT, num_return_sequences=COUNT, min_new_tokens=TOKENS, max_new_tokens=TOKENS)
    return [each["generated_text"] for each in drawn]


if __name__ == "__main__":
    for text in ask(load(sys.argv[1])):
        print(text, flush=True)
    sys.stdin.read()  # stays, so that its memory can be looked at
