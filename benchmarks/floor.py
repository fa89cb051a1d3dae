"""The least time one request can take: ``python -m benchmarks.floor``.

Whatever stands around them, a token takes the product with each weight matrix once. Here they are alone, of GPT-2's
size, 40 times for the five rows of a request, by the runtime that the engine uses, in turns with the ``pipeline`` that
answers the same request; and for one row, where reading the weights is all there is to do.
"""

import argparse
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import torch
from onnx import TensorProto
from onnxruntime import InferenceSession, OrtValue  # type: ignore[import-untyped]

from benchmarks import models, rival
from benchmarks.generation import in_turns
from trainer import runtime
from trainer.device import threads
from trainer.eightbit import eight_bits
from trainer.gpt2 import PARTS, Gpt2File
from trainer.graph import CONTRIBUTED, Graph

KINDS = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


def products(file: Gpt2File, bits: int) -> Graph:
    """With every weight matrix, of inputs that are named for their number of features."""
    graph = Graph()
    for features in (file.width, 4 * file.width):
        graph.input(f"in{features}", TensorProto.FLOAT if bits == 32 else TensorProto.UINT8, "rows", features)
    layers = [file.dense(number, name)[0] for number, name in product(range(file.layers), PARTS)]
    for number, weight in enumerate([*layers, file.tokens().T]):
        outputs = (graph.output(f"out{number}", TensorProto.FLOAT, "rows", weight.shape[1]),)
        if bits == 32:
            graph.node("MatMul", f"in{len(weight)}", graph.constant(weight), outputs=outputs)
            continue
        numbers, scales = eight_bits(weight, bits)
        given = graph.constant(numbers, "int8"), graph.constant(1.0), graph.constant(scales), graph.constant(0, "uint8")
        graph.node("MatMulIntegerToFloat", f"in{len(weight)}", *given, outputs=outputs, domain=CONTRIBUTED)
    return graph


def request(session: InferenceSession, rows: int) -> Callable[[], None]:
    """Does the products of one request."""
    binding = session.io_binding()
    for each in session.get_inputs():
        binding.bind_cpu_input(each.name, np.ones((rows, each.shape[1]), KINDS[each.type]))
    for each in session.get_outputs():
        outputs = OrtValue.ortvalue_from_shape_and_type((rows, each.shape[1]), np.float32)
        binding.bind_ortvalue_output(each.name, outputs)

    def run() -> None:
        for _ in range(rival.TOKENS):
            session.run_with_iobinding(binding)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=7, help="turns (default %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(threads())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starter, _ = models.trained(folder, "mara_bakes")
        whole = models.whole(folder, starter, models.base(folder))
        file, generator = Gpt2File.open(whole), rival.load(str(whole))
        assert file
        graphs = {bits: products(file, bits) for bits in (runtime.choose_bits(file.parameters), 32)}  # hold the weights
        sessions = {bits: runtime.start(each) for bits, each in graphs.items()}
        kinds = list(product(sessions, (rival.COUNT, 1)))
        sides = [request(sessions[bits], rows) for bits, rows in kinds]
        theirs, *alone = in_turns(given.times, lambda: rival.ask(generator), *sides)
    print(f"`pipeline`: {median(theirs):.2f} s\n\n| bits | rows | the products alone | at most |\n|---|---|---|---|")
    for (bits, rows), seconds in zip(kinds, alone, strict=True):
        print(f"| {bits} | {rows} | {median(seconds):.2f} s | {median(theirs) / median(seconds):.1f}× |")


if __name__ == "__main__":
    main()
