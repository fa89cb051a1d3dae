"""What may be asked of a persona. Free of torch, so that a wrong request is answered before anything is loaded."""

from trainer import wording
from trainer.errors import TrainerError
from trainer.protocol import GenerateTask

WHOLE = {
    "count": (1, 10),
    "top_k": (0, 1000),
    "min_tokens": (0, 1024),
    "max_tokens": (8, 1024),
    "seed": (0, 2**63 - 1),
}
REAL = {"temperature": (0.1, 2.0), "top_p": (0.05, 1.0)}


def check(task: GenerateTask) -> None:
    """Raises TrainerError with the bound that the task breaks."""
    for name, (low, high) in WHOLE.items():
        value = getattr(task, name)
        if (name, value) != ("seed", None) and not (type(value) is int and low <= value <= high):
            raise TrainerError(f"{name} must be a whole number from {low} to {high}; choose another.")
    for name, (lowest, highest) in REAL.items():
        value = getattr(task, name)
        if not (type(value) in (int, float) and lowest <= value <= highest):
            raise TrainerError(f"{name} must be a number from {lowest} to {highest}; choose another.")
    if not (isinstance(task.prompt, str) and isinstance(task.model, str)):
        raise TrainerError("The prompt and the model must be text; ask again.")
    if (length := len(wording.clean(task.prompt))) > wording.LONGEST:
        raise TrainerError(f"The prompt has {length} characters; shorten it to {wording.LONGEST} at most.")
