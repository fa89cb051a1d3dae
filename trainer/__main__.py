"""``python -m trainer VERB``: one child process of the bot.

It speaks the line protocol of ``trainer.protocol`` on its standard input and output.
"""

import argparse
import gc
import logging
import os
from importlib import import_module

VERBS = {
    "ingest": "read an uploaded file, clean and count its tweets",
    "finetune": "fine-tune a base model on corpora and publish the persona",
    "generate": "hold cached personas and sample tweets from them",
    "adopt": "take a model of the hub or of a directory as a persona",
    "export": "write a persona as plain transformers load it",
    "share": "push a persona to the hub",
    "judge": "measure how good a persona is",
    "examine": "tell what this machine can do",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, summary in VERBS.items():
        child = verbs.add_parser(verb, help=summary)
        if verb == "generate":
            child.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default %(default)s)")
            child.add_argument("--memory-mb", type=int, default=2000, help="for cached personas (default %(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if arguments.verb == "finetune":
        os.nice(5)  # whoever chats meanwhile comes first
    gc.disable()  # what is imported stays: looking for rubbish in it takes an eighth of the time
    module = import_module(f"trainer.{arguments.verb}")  # not before: most of them load torch
    gc.freeze()
    gc.enable()
    if arguments.verb == "generate":
        module.main(arguments.device, arguments.memory_mb * 1_000_000)
    else:
        module.main()


if __name__ == "__main__":
    main()
