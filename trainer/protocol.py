"""The line protocol between the bot and its children. Standard library only: both sides import it.

One JSON object a line, UTF-8. The bot writes requests to the child's standard input, the child writes events to its
standard output. A request ends with exactly one ``done`` or ``failed``; ``progress`` doubles as the heartbeat.

    > {"id": "7", "verb": "finetune", "task": {...}}
    < {"id": "7", "event": "progress", "stage": "train", "step": 40, "steps": 240, "loss": 3.1, ...}
    < {"id": "7", "event": "done", "result": {...}}
    < {"id": "7", "event": "failed", "kind": "TooLittleText", "sentence": "..."}

Rules: the end of standard input means the bot is gone, and the child leaves at once, keeping its checkpoint; SIGTERM
means the work is not wanted any more, and the child removes what it began; unknown fields are ignored.
"""

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Self

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes. A reader must accept lines up to this."""


class Wire:
    """A dataclass that travels as a JSON object."""

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Build from decoded JSON; unknown fields are ignored, a missing one raises ValueError that names it."""
        known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]  # all are dataclasses
        required = [name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING]
        if missing := [name for name in required if name not in values]:
            raise ValueError(f"{cls.__name__} lacks {', '.join(missing)}")
        return cls(**{name: value for name, value in values.items() if name in known})

    def values(self) -> dict[str, Any]:
        return dict(asdict(self))  # type: ignore[call-overload]  # every subclass is a dataclass


# What is asked of a child.


@dataclass(frozen=True)
class IngestTask(Wire):
    """Read one uploaded file, clean and count it, and write the corpus (``trainer.tweets.Corpus``) to ``output``."""

    file: str
    output: str
    author: str = ""
    """The handle asked for: chooses among several authors in one file, else names a file that names nobody."""


@dataclass(frozen=True)
class IngestResult(Wire):
    handle: str
    """Lower-case, without @: from the file where it says so, else the one asked for."""
    name: str
    """Display name, or the handle where the file does not tell."""
    format: str
    """What the file was taken for, in a few words: "X archive", "CSV, text column 'full_text'"."""
    counts: dict[str, int]
    """Rows of the card's table: downloaded, retweets, short, dropped, kept; the last four add up to the first."""
    characters: int
    """Of all kept tweets together."""
    languages: dict[str, int] = field(default_factory=dict)
    """Kept tweets by language code, as the file tells or as the script suggests."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the person: what was mended, what was left out and why."""


@dataclass(frozen=True)
class FinetuneTask(Wire):
    """Fine-tune ``base`` on the corpora and publish the result as the directory ``output``, in one rename."""

    job: str
    persona: str
    corpora: list[str]
    """Paths of corpus files, one a person."""
    output: str
    """Does not exist before, is whole and synced after."""
    work: str
    """Folder of this job alone, for checkpoints and the unpublished result; empty or gone after."""
    base: str = "gpt2"
    """"starter", a hub id or a local directory."""
    method: str = "full"
    """"full" or "lora"."""
    seed: int = 1
    version: int = 1
    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:1", "mps"."""
    force: bool = False
    """Train although there is little text."""
    start: str = ""
    """Directory of a version of the same base, method and people: trained on from where that does better than anew."""
    settings: dict[str, float] = field(default_factory=dict)
    """Overrides of ``trainer.recipe.Recipe`` by name."""


@dataclass(frozen=True)
class FinetuneResult(Wire):
    directory: str
    meta: dict[str, Any]
    """What ``meta.json`` holds."""
    samples: list[str]
    """A few fresh tweets, checked like those of ``generate``."""
    resumed_from: int = 0
    """The step of the checkpoint this run went on from; 0 for a run from the start."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GenerateTask(Wire):
    """Fresh tweets of one persona. Defaults are huggingtweets' (its config's ``task_specific_params``)."""

    model: str
    """Directory of a version."""
    prompt: str = ""
    count: int = 1
    seed: int | None = None
    temperature: float = 1.0
    top_p: float = 0.95
    top_k: int = 50
    min_tokens: int = 10
    max_tokens: int = 160
    """Both count the prompt."""
    speaker: str = ""
    """Handle of the one of a cyborg's people who speaks; "" leaves it to ``mix``."""
    mix: dict[str, float] = field(default_factory=dict)
    """Weights by handle, from 0 up: who says each tweet is drawn by them. Empty is the blend: everybody as often."""


@dataclass(frozen=True)
class Sample(Wire):
    text: str
    """At most 280 characters, the prompt included."""
    nearness: float = 0.0
    """Share of its n-grams that stand together in the nearest tweet it was trained on, 0 to 1."""


@dataclass(frozen=True)
class GenerateResult(Wire):
    samples: list[dict[str, Any]]
    """``Sample.values()`` of each; fewer than asked only when the model repeats itself."""
    seconds: float = 0.0
    """From the request's arrival in the child to its answer."""


@dataclass(frozen=True)
class AdoptTask(Wire):
    """Take a model that somebody else trained and publish it as the directory ``output``, in one rename."""

    source: str
    """A hub id such as "huggingtweets/poly_metis", or a local directory."""
    output: str
    """Does not exist before, is whole and synced after."""
    work: str
    """Folder of this task alone; what was downloaded serves the same task asked again, and is gone at the end."""
    version: int = 1
    persona: str = ""
    """Name for picture and meta; where it is empty, the handles its card tells, joined by hyphens."""
    job: str = ""


@dataclass(frozen=True)
class AdoptResult(Wire):
    directory: str
    meta: dict[str, Any]
    """What ``meta.json`` holds."""
    handles: list[str]
    """Lower-case, without @, one a person: as its card tells, else as it is called."""
    name: str
    """Display names, joined by " & "."""
    samples: list[str]
    """A few fresh tweets; none where it wrote nothing usable."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the person: what its card does not tell."""


@dataclass(frozen=True)
class ExportTask(Wire):
    """Write a version as plain ``transformers`` load it, an adapter merged into its base."""

    model: str
    """Directory of a version."""
    output: str
    """Directory or zip file; does not exist before, is whole after."""
    zip: bool = False


@dataclass(frozen=True)
class ExportResult(Wire):
    path: str
    """``output``."""
    bytes: int
    """Size of all files in it, or of the zip file."""


@dataclass(frozen=True)
class ShareTask(Wire):
    """Push a version with its card to the hub, with the token in the environment's HF_TOKEN."""

    model: str
    """Directory of a version."""
    repo: str
    """"owner/name"; made where it is not there."""
    private: bool = True


@dataclass(frozen=True)
class ShareResult(Wire):
    url: str
    commit: str


@dataclass(frozen=True)
class JudgeTask(Wire):
    """Measure how good a version is, and write that into its ``meta.json`` too."""

    model: str
    """Directory of a version."""
    samples: int = 200
    """Tweets to draw."""
    seed: int = 1
    device: str = "auto"


@dataclass(frozen=True)
class JudgeResult(Wire):
    quality: dict[str, Any]
    """Losses on held-out tweets in nats a character, and how the drawn tweets compare to the real ones."""


# What travels.


@dataclass(frozen=True)
class Request:
    id: str
    verb: str
    """"ingest", "finetune", "generate", "adopt", "export", "share" or "judge"; or "load" and "unload" to a generator,
    whose task is {"model": DIR}."""
    task: dict[str, Any]


@dataclass(frozen=True)
class Progress(Wire):
    """Where the work stands. Numbers that do not apply to the stage are absent (None)."""

    id: str
    stage: str
    """ingest, clean, load, tokenize, train, evaluate or publish; of a model from elsewhere or for it, download, merge,
    zip or upload."""
    step: int | None = None
    steps: int | None = None
    loss: float | None = None
    """Nats a token, of the last batches."""
    held_out: float | None = None
    """Nats a token, on the held-out tweets."""
    tokens_per_second: float | None = None
    eta: float | None = None
    """Seconds to the end of the whole task."""
    note: str = ""
    """A sentence for the log, and for the final notice: "memory was short: batches of 8 instead of 16"."""


@dataclass(frozen=True)
class Done:
    id: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    id: str
    kind: str
    """Name of an error of ``trainer.errors``, or "WorkerDied" said by the bot's side for a child that is gone."""
    sentence: str
    """For the person who asked."""
    details: dict[str, Any] = field(default_factory=dict)


Event = Progress | Done | Failed


def write_request(request: Request) -> bytes:
    return _line({"id": request.id, "verb": request.verb, "task": request.task})


def read_request(line: bytes) -> Request:
    """Raises ValueError for a line that is no request."""
    values = _object(line)
    try:
        return Request(str(values["id"]), str(values["verb"]), dict(values["task"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a request: {error}") from error


def write_event(event: Event) -> bytes:
    match event:
        case Progress():
            said = {name: value for name, value in event.values().items() if value not in (None, "")}
            return _line({"event": "progress", **said})
        case Done():
            return _line({"id": event.id, "event": "done", "result": event.result})
        case Failed():
            values = {"kind": event.kind, "sentence": event.sentence, "details": event.details}
            return _line({"id": event.id, "event": "failed", **values})


def read_event(line: bytes) -> Event:
    """Raises ValueError for a line that is no event of this protocol."""
    values = _object(line)
    try:
        match values.get("event"):
            case "progress":
                return Progress.read({**values, "id": str(values["id"])})
            case "done":
                return Done(str(values["id"]), dict(values["result"]))
            case "failed":
                details = dict(values.get("details", {}))
                return Failed(str(values["id"]), str(values["kind"]), str(values["sentence"]), details)
            case other:
                raise ValueError(f"unknown event {other!r}")
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error}") from error


def _line(values: dict[str, Any]) -> bytes:
    # Half an emoji, from a tweet cut inside one, must not end the child; json.loads lets it pass too.
    return json.dumps(values, ensure_ascii=False, allow_nan=False).encode(errors="surrogatepass") + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    values = json.loads(line)
    if not isinstance(values, dict):
        raise ValueError("a line of the protocol is one JSON object")
    return values
