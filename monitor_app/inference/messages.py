# SPDX-License-Identifier: Apache-2.0
"""The messages between the bench and the inference child: one JSON object a line.

docs/inference-protocol.md is the contract. Nothing here needs more than the standard library, so that the
child starts fast and the bench stays light.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import Batch, MemoryKind, MemoryUse, NetworkFacts, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row: TypeAlias = tuple[int, int, int, "int | None", "int | None", "int | None"]
"""start_ns, end_ns, images, top1, top5, device_ns; top1 and top5 are None where accuracy was not measured,
device_ns where the device has no clock of its own."""

MemoryRow: TypeAlias = tuple[str, int, int]
"""kind, peak_bytes, floor_bytes of a MemoryUse."""


def _at_least(least: int) -> Mapping[str, int]:
    return {"least": least}


@dataclass(frozen=True, slots=True)
class Load:
    """Build a network and make it the one that the next commands run."""

    network: str
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = field(default=1, metadata=_at_least(1))
    weights: str = "auto"
    """`auto` (what is on this machine), `hub`, `none`, or the path of a state dict or of a directory of them."""
    seed: int = field(default=0, metadata=_at_least(0))
    channels_last: bool = False
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Run batches until both `min_s` seconds and `min_batches` batches have passed."""

    batch_size: int = field(metadata=_at_least(1))
    min_s: float = field(metadata=_at_least(0))
    min_batches: int = field(metadata=_at_least(0))


@dataclass(frozen=True, slots=True)
class Time:
    """Like WarmUp, and these are the batches that count."""

    batch_size: int = field(metadata=_at_least(1))
    min_s: float = field(metadata=_at_least(0))
    min_batches: int = field(metadata=_at_least(0))


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Count the right answers on labelled images: `demo`, or a folder."""

    batch_size: int = field(metadata=_at_least(1))
    images: str = "demo"


@dataclass(frozen=True, slots=True)
class MeasureMemory:
    """Tell the largest use of memory since the network was loaded."""


@dataclass(frozen=True, slots=True)
class Pulses:
    """Play a train of busy and idle of random lengths, by which the delay of instruments is found."""

    device: str = "cpu"
    threads: int = field(default=1, metadata=_at_least(1))
    pulses: int = field(default=12, metadata=_at_least(1))
    shortest_s: float = field(default=0.15, metadata=_at_least(0))
    longest_s: float = field(default=0.6, metadata=_at_least(0))
    seed: int = field(default=0, metadata=_at_least(0))


@dataclass(frozen=True, slots=True)
class Stop:
    """End the running phase after its current batch."""


@dataclass(frozen=True, slots=True)
class Quit:
    """End the process."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The child is up and takes commands."""

    pid: int
    versions: dict[str, str]
    """python, torch, torchvision."""
    devices: dict[str, str]
    """What `Load.device` may say, and the device's own name: {"cpu": "Cortex-A57", "cuda:0": "..."}."""
    cpu_count: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The network is there; the answer to Load."""

    network: str
    title: str
    parameters: int
    macs: int | None
    operations: int | None
    input_pixels: int
    weights: str | None
    weights_sha256: str | None
    seconds: float

    @property
    def facts(self) -> NetworkFacts:
        """The same without how long it took."""
        return NetworkFacts(**{f.name: getattr(self, f.name) for f in fields(NetworkFacts)})


@dataclass(frozen=True, slots=True)
class Batches:
    """Forward passes that have ended since the last message."""

    phase: Phase
    rows: tuple[Row, ...]

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The rows as the values that everyone else speaks."""
        return tuple(Batch(self.phase, *row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """The answer to MeasureMemory."""

    rows: tuple[MemoryRow, ...]

    @property
    def uses(self) -> tuple[MemoryUse, ...]:
        """The rows as the values that everyone else speaks."""
        return tuple(MemoryUse(MemoryKind(kind), peak, floor) for kind, peak, floor in self.rows)


@dataclass(frozen=True, slots=True)
class Played:
    """The train has been played; the answer to Pulses."""

    edges_ns: tuple[int, ...]
    """Busy, idle, busy, ..., idle."""


@dataclass(frozen=True, slots=True)
class PhaseDone:
    """A phase has ended by itself, or because it was asked to stop."""

    phase: Phase
    batches: int
    images: int
    stopped: bool = False
    reason: str | None = None
    """Why there was nothing to do, or which images could not be used."""


class FailureKind(str, Enum):
    """What kind of thing went wrong."""

    UNKNOWN_NETWORK = "unknown_network"
    OUT_OF_MEMORY = "out_of_memory"
    WEIGHTS = "weights"
    DATASET = "dataset"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Failed:
    """The command came to nothing; the child lives on."""

    kind: FailureKind
    message: str
    """One sentence for the user, with what to do."""


Command: TypeAlias = Load | WarmUp | Time | Evaluate | MeasureMemory | Pulses | Stop | Quit
Event: TypeAlias = Ready | Loaded | Batches | MemoryReport | Played | PhaseDone | Failed
Message: TypeAlias = Command | Event

_TYPES: dict[str, type[Message]] = {
    "load": Load,
    "warm_up": WarmUp,
    "time": Time,
    "evaluate": Evaluate,
    "measure_memory": MeasureMemory,
    "pulses": Pulses,
    "stop": Stop,
    "quit": Quit,
    "ready": Ready,
    "loaded": Loaded,
    "batches": Batches,
    "memory_report": MemoryReport,
    "played": Played,
    "phase_done": PhaseDone,
    "failed": Failed,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}


def encode(message: Message) -> bytes:
    """One line, with its newline."""
    content = {"type": _NAMES[type(message)], **{f.name: getattr(message, f.name) for f in fields(message)}}
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message in `line`.

    Raises:
        InferenceError: the line is not exactly one message of this protocol.
    """
    try:
        return _message(json.loads(line))
    except (ValueError, RecursionError) as error:
        shown = line[:80].decode("utf-8", "backslashreplace").strip()
        raise InferenceError(
            f"A line on the inference protocol is not a message ({str(error)[:200]}): {shown!r}; "
            "check that both ends are of the same version."
        ) from error


def _message(content: object) -> Message:
    if not isinstance(content, dict):
        raise ValueError("not an object")
    name = content.pop("type", None)
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError("unknown type")
    known = {f.name: f for f in fields(kind)}
    if content.keys() != known.keys():
        raise ValueError(f"missing or unknown fields of {name}: {sorted(content.keys() ^ known.keys())}")
    values: dict[str, Any] = {}
    for key, value in content.items():
        try:
            values[key] = _READERS[cast("str", known[key].type)](value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}.{key} is not {known[key].type}") from error
        least = known[key].metadata.get("least")
        if least is not None and values[key] < least:
            raise ValueError(f"{name}.{key} is less than {least}")
    return kind(**values)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _whole(value: object) -> int:
    # JSON's true is a Python int
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError
    return value


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _optional_whole(value: object) -> int | None:
    return None if value is None else _whole(value)


def _texts_by_name(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError
    return {_text(key): _text(entry) for key, entry in value.items()}


def _row(value: object) -> Row:
    if not isinstance(value, list) or len(value) != 6:
        raise ValueError
    start_ns, end_ns, images = (_whole(entry) for entry in value[:3])
    top1, top5, device_ns = (None if entry is None else _whole(entry) for entry in value[3:])
    return start_ns, end_ns, images, top1, top5, device_ns


def _rows(value: object) -> tuple[Row, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(_row(entry) for entry in value)


def _memory_rows(value: object) -> tuple[MemoryRow, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(_memory_row(entry) for entry in value)


def _memory_row(value: object) -> MemoryRow:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError
    return MemoryKind(value[0]).value, _whole(value[1]), _whole(value[2])


def _times(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(_whole(entry) for entry in value)


# By the annotation of the field, as it is written above.
_READERS: dict[str, Callable[[object], object]] = {
    "str": _text,
    "int": _whole,
    "float": _number,
    "bool": _flag,
    "str | None": _optional_text,
    "int | None": _optional_whole,
    "dict[str, str]": _texts_by_name,
    "tuple[Row, ...]": _rows,
    "tuple[MemoryRow, ...]": _memory_rows,
    "tuple[int, ...]": _times,
    "Phase": Phase,
    "FailureKind": FailureKind,
}
