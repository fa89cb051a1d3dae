"""What any library throws when memory or disk run out, as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from trainer.device import out_of_memory
from trainer.disk import is_full
from trainer.errors import NoMemory, NoSpace, TrainerError


@contextmanager
def told_plainly(no_memory: str, afterwards: str) -> Iterator[None]:
    """Raises NoMemory with its sentence, or NoSpace: the disk is full, "free some space, then ..."."""
    try:
        yield
    except TrainerError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise NoMemory(no_memory) from error
        if is_full(error):
            raise NoSpace(f"The disk is full: free some space, then {afterwards}.") from error
        raise
