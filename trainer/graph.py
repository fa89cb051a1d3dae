"""GPT-2 as a graph of ONNX operators, with its weights beside it: one pass over tokens that follow those seen before.

What goes in: ``hidden`` [rows * length, width], the embeddings; ``shape`` [rows, length, 3 * width]; ``ends`` [rows],
how many tokens each row has by then, less one; ``total`` [], the most of them; ``last`` [rows], which of the embeddings
are the rows' last; ``kept`` [rows or 1, 1], ``places`` [places, 2] and ``added`` [places], what n-grams make of the
chances; ``allowed`` [rows or 1, vocabulary], 1 or 0; ``best`` [1], how many of the chances are wanted; and each block's
keys and values, which come out in the same memory with the new tokens' own. What comes out: the ``scores`` [rows,
best], logarithms of the best chances, highest first, and their ``tokens``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from trainer.eightbit import eight_bits
from trainer.gpt2 import PARTS, Gpt2File
from trainer.tensors import Array

OPSET, IR, SMALL = 21, 10, 1024
"""Versions of ONNX, and the bytes up to which a constant stands in the graph itself."""
CONTRIBUTED = "com.microsoft"
"""Domain of the operators that ONNX Runtime adds to the standard's."""
MODEL, WEIGHTS, PAGE = "model.onnx", "weights.bin", 4096
"""Files of a saved graph; each weight stands at the beginning of a page, where it can be mapped into memory."""


class Graph:
    """Takes down nodes and constants."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._shapes: list[onnx.ValueInfoProto] = []
        self.weights: dict[str, Array] = {}
        """Constants beside the graph, by name, in the order in which they were taken down."""

    def input(self, name: str, kind: int, *shape: int | str) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, kind: int, *shape: int | str) -> str:
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, values: Any, kind: str = "float32") -> str:
        name, array = f"c{len(self._constants)}", np.asarray(values, kind)
        if array.nbytes <= SMALL:
            self._constants.append(numpy_helper.from_array(array, name))
            return name
        self._constants.append(_elsewhere(name, array))
        self.weights[name] = np.ascontiguousarray(array)
        return name

    def node(self, kind: str, *inputs: str, outputs: Sequence[str] = (), domain: str = "", **attributes: Any) -> str:
        """The name of its first output."""
        names = list(outputs) or [f"n{len(self._nodes)}"]
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0]

    def shape(self, name: str, *shape: int | str) -> str:
        """``name``, with a shape that the runtime cannot foresee.

        Otherwise it knows none of what follows either, and its plan for the memory takes the square of the nodes: half
        of a session's start.
        """
        self._shapes.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def save(self, folder: Path) -> None:
        """The graph and, in one file beside it, its weights."""
        with (folder / WEIGHTS).open("wb") as file:
            for tensor in self._constants:
                if tensor.name in self.weights:
                    file.seek(aligned(file.tell()))
                    tensor.external_data.add(key="offset", value=str(file.tell()))
                    file.write(self.weights[tensor.name].data)
        (folder / MODEL).write_bytes(self.serialised())

    def serialised(self) -> bytes:
        graph = helper.make_graph(
            self._nodes, "gpt2", self._inputs, self._outputs, self._constants, value_info=self._shapes
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIBUTED, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=IR).SerializeToString())


def build(file: Gpt2File, bits: int, adapted: bool) -> Graph:
    """``bits``: 32, or fewer for the weights of the linear layers. The first weight is the head's [width, vocabulary],
    and for fewer bits the second one its scales [vocabulary].

    ``adapted``: with room for adapters, whose matrices come in as ``NAME.down`` [in, rank] and ``NAME.up`` [rank, out]
    of all linear layers, and ``own`` [rows * length, rank], which of the ranks are a row's own.
    """
    return _Gpt2(file, bits, adapted).whole()


class _Gpt2:
    def __init__(self, file: Gpt2File, bits: int, adapted: bool) -> None:
        self._file, self._bits, self._adapted = file, bits, adapted
        self._graph = Graph()

    def whole(self) -> Graph:
        graph, file = self._graph, self._file
        head = self._constants(file.tokens().T)
        hidden = graph.input("hidden", TensorProto.FLOAT, "places", file.width)
        for name, kind, shape in (
            ("shape", TensorProto.INT64, (3,)),
            ("ends", TensorProto.INT32, ("rows",)),
            ("total", TensorProto.INT32, ()),
            ("last", TensorProto.INT64, ("rows",)),
            ("kept", TensorProto.FLOAT, ("keepers", 1)),
            ("places", TensorProto.INT64, ("additions", 2)),
            ("added", TensorProto.FLOAT, ("additions",)),
            ("allowed", TensorProto.FLOAT, ("limits", file.vocabulary)),
            ("best", TensorProto.INT64, (1,)),
        ):
            graph.input(name, kind, *shape)
        if self._adapted:
            graph.input("own", TensorProto.FLOAT, "places", "rank")
        for number in range(file.layers):
            hidden = self._block(number, hidden)
        ends = self._norm("ln_f", graph.node("Gather", hidden, "last", axis=0))
        chances = graph.node("Mul", graph.node("Softmax", self._product(ends, *head)), "kept")
        chances = graph.node("ScatterND", chances, "places", "added", reduction="add")
        best = graph.node("TopK", graph.node("Mul", chances, "allowed"), "best", outputs=("best_chances", "tokens"))
        graph.node("Log", best, outputs=("scores",))
        graph.output("scores", TensorProto.FLOAT, "rows", "kept")
        graph.output("tokens", TensorProto.INT64, "rows", "kept")
        return graph

    def _block(self, number: int, hidden: str) -> str:
        graph = self._graph
        mixed = self._attend(number, self._dense(number, "attn.c_attn", self._norm(f"h.{number}.ln_1", hidden)))
        hidden = graph.node("Add", hidden, self._dense(number, "attn.c_proj", mixed))
        inner = self._dense(number, "mlp.c_fc", self._norm(f"h.{number}.ln_2", hidden))
        inner = graph.node("Gelu", inner, approximate="tanh")
        return graph.node("Add", hidden, self._dense(number, "mlp.c_proj", inner))

    def _norm(self, name: str, hidden: str) -> str:
        weight, bias = map(self._graph.constant, self._file.norm(name))
        return self._graph.node("LayerNormalization", hidden, weight, bias, epsilon=self._file.epsilon)

    def _attend(self, number: int, joint: str) -> str:
        graph, heads = self._graph, self._file.heads
        shape = "rows", heads, "room", self._file.width // heads
        held = [graph.input(f"{kind}.{number}", TensorProto.FLOAT, *shape) for kind in ("keys", "values")]
        after = [graph.output(f"{name}.after", TensorProto.FLOAT, *shape) for name in held]
        mixed = graph.node(
            "GroupQueryAttention", graph.node("Reshape", joint, "shape"), "", "", *held, "ends", "total",
            outputs=(f"mixed.{number}", *after), domain=CONTRIBUTED, num_heads=heads, kv_num_heads=heads,
        )  # fmt: skip
        flat = graph.node("Reshape", mixed, graph.constant([-1, self._file.width], "int64"))
        return graph.shape(flat, "places", self._file.width)

    def _dense(self, number: int, name: str, hidden: str) -> str:
        weight, bias = self._file.dense(number, name)
        product = self._product(hidden, *self._constants(weight))
        given = self._graph.node("Add", product, self._graph.constant(bias))
        return self._adapt(f"{number}.{name}", PARTS[name], hidden, given) if self._adapted else given

    def _constants(self, weight: Array) -> list[str]:
        """A matrix [in, out], and its scales where it has few bits."""
        if self._bits == 32:
            return [self._graph.constant(weight)]
        numbers, scales = eight_bits(weight, self._bits)
        return [self._graph.constant(numbers, "int8"), self._graph.constant(scales)]

    def _product(self, hidden: str, weight: str, scales: str = "") -> str:
        """Of few bits by vector-wise quantisation (Dettmers et al., arXiv:2208.07339): the input in eight, with a scale
        for each row.

        With a scale for all rows, one that reaches far would take the others' bits. What a row gives depends on no
        other row, for sums of integers are exact.
        """
        graph = self._graph
        if not scales:
            return graph.node("MatMul", hidden, weight)
        reach = graph.node("ReduceMax", graph.node("Abs", hidden), graph.constant([1], "int64"), keepdims=1)
        reach = graph.node("Max", reach, graph.constant(1e-9))
        # The processor multiplies unsigned by signed: 128 stands for 0.
        unit, zero = graph.constant(1 / 127), graph.constant(128, "uint8")
        numbers = graph.node("QuantizeLinear", graph.node("Div", hidden, reach), unit, zero)
        product = graph.node("MatMulIntegerToFloat", numbers, weight, unit, scales, zero, domain=CONTRIBUTED)
        return graph.node("Mul", product, reach)

    def _adapt(self, name: str, shape: tuple[int, int], hidden: str, given: str) -> str:
        """What the base gave, with the adapters' share."""
        graph, width = self._graph, self._file.width
        down = graph.input(f"{name}.down", TensorProto.FLOAT, shape[0] * width, "rank")
        up = graph.input(f"{name}.up", TensorProto.FLOAT, "rank", shape[1] * width)
        inner = graph.node("Mul", graph.node("MatMul", hidden, down), "own")
        return graph.node("Gemm", inner, up, given)


def _elsewhere(name: str, array: Array) -> onnx.TensorProto:
    """A constant that is given to the session by its name, in place of the file that the format wants to hear of."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": WEIGHTS, "length": str(array.nbytes)}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def aligned(place: int) -> int:
    """The beginning of the next page, if it is none."""
    return -(-place // PAGE) * PAGE
