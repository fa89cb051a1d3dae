"""Running a batch in slices that fit in memory."""

import gc
import logging
from collections.abc import Callable

import torch
from torch import Tensor

from trainer.corpus import Batch
from trainer.device import out_of_memory
from trainer.errors import NoMemory

log = logging.getLogger(__name__)

Work = Callable[[Tensor, Tensor], Tensor]
"""From ids and labels of a slice to a sum over it."""


TOO_LITTLE = "Not even one tweet fits in memory with this base: choose a smaller base, or method lora."


def nothing() -> None:
    """What to do where nothing is to be done."""


class Slices:
    """Runs work over a batch's rows, ``tokens`` padded tokens at a time, and fewer once memory was short."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.note = ""
        """For the person, once memory was short."""
        self._rows = 0

    def total(self, batch: Batch, work: Work, restart: Callable[[], None] = nothing) -> Tensor:
        """The sum over all slices; ``restart`` undoes what a failed attempt left. Raises NoMemory."""
        while True:
            restart()
            try:
                return torch.stack([work(ids, labels) for ids, labels in batch.parts(self._count(batch))]).sum()
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            # Outside the handler: the error holds the frames, and they hold the tensors.
            self._halve(batch)

    def _count(self, batch: Batch) -> int:
        return min(len(batch.ids), -(-batch.ids.numel() // self.tokens))

    def _halve(self, batch: Batch) -> None:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
        rows = len(batch.ids)
        before = -(-rows // self._count(batch))
        if before == 1:
            raise NoMemory(TOO_LITTLE)
        self._rows = self._rows or before
        self.tokens = batch.ids.shape[1] * (before // 2)
        self.note = f"Memory was short: batches of {before // 2} instead of {self._rows}."
        log.warning(self.note)
