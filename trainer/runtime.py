"""GPT-2 on the processor, by ONNX Runtime: without torch, whose import takes longer than drawing a tweet."""

import logging
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Self

import numpy as np
from onnx import TensorProto
from onnxruntime import InferenceSession, OrtValue, SessionOptions  # type: ignore[import-untyped]

from trainer import disk, graph
from trainer.device import out_of_memory, threads
from trainer.engine import Floats, Ids, Wanted
from trainer.gpt2 import PARTS, Gpt2File
from trainer.graph import Graph
from trainer.lora import Adapter, Mix
from trainer.tensors import Array

log = logging.getLogger(__name__)

PROVIDERS = ["CPUExecutionProvider"]
LARGE = 50_000_000
"""Parameters from which on fewer bits pay. A smaller model stays in the processor's cache, whatever its bits."""
CACHE = "cache"
"""Folder of a persona for weights in few bits as the runtime reads them, which take a second to make."""
HEAD = 8
"""What the size of a head must be a multiple of, for the runtime's attention."""
LAYOUT = 3
"""To be raised with every change of the graph."""


class Gpt2:
    """The weights, ready to draw with. An ``Engine``."""

    def __init__(
        self, file: Gpt2File, bits: int, session: InferenceSession, weights: Sequence[Array], bytes: int
    ) -> None:
        """``weights``: those of the graph, if they must outlive the session, or its first ones."""
        self.width, self.heads, self.layers, self.bits = file.width, file.heads, file.layers, bits
        self.session, self._weights, self.bytes = session, weights, bytes
        self._head, self._scales = weights[0], None if bits == 32 else weights[1]
        self._places = file.places().astype(np.float32)

    @classmethod
    def load(cls, directory: Path, adapted: bool = False) -> Self | None:
        """None for another model, one in several files, or heads that the runtime does not take. Raises what reading
        damaged files raises, and what ``out_of_memory`` knows.

        ``adapted``: every row will have an adapter; otherwise none will.
        """
        file = Gpt2File.open(directory)
        if not file or file.width // file.heads % HEAD:
            return None
        bits = choose_bits(file.parameters)
        kept = cls._kept(file, bits, directory / CACHE) if bits < 32 and not adapted else None
        return kept or cls.build(file, bits, adapted)

    @classmethod
    def build(cls, file: Gpt2File, bits: int, adapted: bool = False) -> Self:
        built = graph.build(file, bits, adapted)
        weights = list(built.weights.values())
        # The runtime holds them a second time, laid out as the processor likes them.
        return cls(file, bits, start(built), weights, 2 * sum(each.nbytes for each in weights))

    @classmethod
    def _kept(cls, file: Gpt2File, bits: int, cache: Path) -> Self | None:
        """From the folder, where the weights are put first if need be; None where that cannot be done."""
        folder = cache / f"int{bits}.{LAYOUT}"
        try:
            if not folder.exists():
                _keep(file, bits, folder)
        except OSError as error:
            log.warning("weights cannot be kept in %s", folder, exc_info=error)
            return None
        try:
            session = _session(folder / graph.MODEL, _options())
            return cls(file, bits, session, _head(file, folder), (folder / graph.WEIGHTS).stat().st_size)
        except (OSError, ValueError) as error:
            if out_of_memory(error):
                raise
            log.warning("weights in %s are damaged", folder, exc_info=error)
            shutil.rmtree(folder, ignore_errors=True)
            return None

    @property
    def context(self) -> int:
        return len(self._places)

    @property
    def vocabulary(self) -> int:
        return int(self._head.shape[1])

    def decoder(self, adapters: Sequence[Adapter], room: int) -> "Gpt2Decoder":
        return Gpt2Decoder(self, Mix(adapters) if adapters else None, room)

    def embed(self, ids: Ids, mix: Mix | None) -> Floats:
        """[rows, length, width] of tokens [rows, length], without their places."""
        hidden = np.moveaxis(self._head[:, ids], 0, 2).astype(np.float32)
        if self._scales is not None:
            hidden *= self._scales[ids][:, :, None]
        if mix:
            mix.embed(ids, hidden)
        return hidden

    def places(self, numbers: Ids) -> Floats:
        """Embeddings of the positions; rows that have ended may run past the last."""
        return self._places[np.minimum(numbers, self.context - 1)]


class Gpt2Decoder:
    """The model with the keys and values of what it has read; ``room``: the most tokens of a row."""

    def __init__(self, model: Gpt2, mix: Mix | None, room: int) -> None:
        self._model, self._mix, self._room = model, mix, room
        self._held: dict[str, Floats] = {}
        self._seen = np.zeros(0, np.int64)
        self._binding = model.session.io_binding()
        for name, values in _matrices(model, mix).items():
            self._binding.bind_cpu_input(name, values)

    def feed(self, ids: Sequence[Sequence[int]] | Ids, wanted: Wanted) -> tuple[Floats, Ids]:
        if not len(self._seen):
            self._begin(len(ids))
        lengths = np.array([len(each) for each in ids])
        padded = np.array([[*each, *[0] * (max(lengths) - len(each))] for each in ids])
        rows, length = padded.shape
        places = self._seen[:, None] + np.arange(length)
        hidden = self._model.embed(padded, self._mix) + self._model.places(places)
        self._seen = self._seen + lengths
        self._bind(
            hidden=hidden.reshape(-1, self._model.width),
            shape=np.array([rows, length, 3 * self._model.width]),
            ends=(self._seen - 1).astype(np.int32),
            total=np.array(self._seen.max(), np.int32),
            last=np.arange(rows) * length + lengths - 1,
            allowed=wanted.allowed,
            kept=wanted.added.kept,
            places=wanted.added.places,
            added=wanted.added.chances,
            best=np.array([wanted.best]),
        )
        if self._mix:
            self._bind(own=np.repeat(self._mix.own, length, 0))
        scores, tokens = np.empty((rows, wanted.best), np.float32), np.empty((rows, wanted.best), np.int64)
        self._binding.bind_ortvalue_output("scores", OrtValue.ortvalue_from_numpy(scores))
        self._binding.bind_ortvalue_output("tokens", OrtValue.ortvalue_from_numpy(tokens))
        self._model.session.run_with_iobinding(self._binding)
        return scores, tokens

    def keep(self, rows: Ids) -> None:
        self._seen = self._seen[rows]
        if self._mix:
            self._mix.keep(rows)
        self._hold({name: held[rows] for name, held in self._held.items()})

    def _begin(self, rows: int) -> None:
        model = self._model
        shape = rows, model.heads, self._room, model.width // model.heads
        names = [f"{kind}.{number}" for number in range(model.layers) for kind in ("keys", "values")]
        self._seen = np.zeros(rows, np.int64)
        self._hold({name: np.zeros(shape, np.float32) for name in names})

    def _hold(self, held: dict[str, Floats]) -> None:
        """What comes out stands in the memory of what goes in."""
        self._held = held
        for name, values in held.items():
            value = OrtValue.ortvalue_from_numpy(values)
            self._binding.bind_ortvalue_input(name, value)
            self._binding.bind_ortvalue_output(f"{name}.after", value)

    def _bind(self, **inputs: "Floats | Ids | np.typing.NDArray[np.int32]") -> None:
        for name, values in inputs.items():
            self._binding.bind_cpu_input(name, values)


def start(built: Graph) -> InferenceSession:
    """Ready to run; the graph's weights must outlive it. Raises MemoryError, ValueError."""
    options = _options()
    values = [OrtValue.ortvalue_from_numpy(each) for each in built.weights.values()]
    options.add_external_initializers(list(built.weights), values)
    return _session(built.serialised(), options)


def _session(model: Path | bytes, options: SessionOptions) -> InferenceSession:
    """Raises MemoryError, or ValueError for what the runtime does not take."""
    try:
        return InferenceSession(model, options, PROVIDERS)
    except Exception as error:  # what the runtime throws has no narrower type in common
        raise (MemoryError if out_of_memory(error) else ValueError)(str(error)) from error


def _options() -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = threads()
    options.add_session_config_entry("session.force_spinning_stop", "1")  # other processes want the cores as well
    options.log_severity_level = 3
    return options


def _keep(file: Gpt2File, bits: int, folder: Path) -> None:
    """Raises OSError."""
    folder.parent.mkdir(exist_ok=True)  # not the version's own folder, which may be deleted meanwhile
    for old in folder.parent.iterdir():  # of another layout, or of a process that was killed
        shutil.rmtree(old, ignore_errors=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        graph.build(file, bits, adapted=False).save(part)
        disk.publish(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _head(file: Gpt2File, folder: Path) -> list[Array]:
    shape = file.width, file.vocabulary
    numbers = np.memmap(folder / graph.WEIGHTS, np.int8, "r", 0, shape)
    scales = np.memmap(folder / graph.WEIGHTS, np.float32, "r", graph.aligned(numbers.nbytes), shape[1:])
    return [np.asarray(numbers), np.asarray(scales)]  # as plain arrays they are quicker to look into


def choose_bits(parameters: int) -> int:
    """Of the weights: as few as keep their quality, where that is faster."""
    if parameters < LARGE:
        return 32
    return 8 if adds_exactly(8) else 7


@cache
def adds_exactly(bits: int) -> bool:
    """Whether the processor adds products of eight bits with weights of so many in full; of 8 with VNNI, and on ARM.

    Older ones add two of them in 16 bits, which overflow unless the weights have seven.
    """
    ask, largest = Graph(), 2 ** (bits - 1) - 1
    ask.input("numbers", TensorProto.UINT8, 1, 64)
    ask.node("MatMulInteger", "numbers", ask.constant(np.full((64, 16), largest), "int8"), outputs=("sums",))
    ask.output("sums", TensorProto.INT32, 1, 16)
    (sums,) = start(ask).run(None, {"numbers": np.full((1, 64), 255, np.uint8)})
    return bool((sums == 64 * 255 * largest).all())


def _matrices(model: Gpt2, mix: Mix | None) -> dict[str, Floats]:
    """The adapters' share of each linear layer; of one that they leave alone, nothing."""
    if not mix:
        return {}
    rank, found = mix.own.shape[1], dict[str, Floats]()
    for number, (name, (ins, outs)) in product(range(model.layers), PARTS.items()):
        found[f"{number}.{name}.down"] = np.zeros((ins * model.width, rank), np.float32)
        found[f"{number}.{name}.up"] = np.zeros((rank, outs * model.width), np.float32)
    for name, down, up in mix.layers():
        found |= {f"{name}.down": down, f"{name}.up": up}
    return found
