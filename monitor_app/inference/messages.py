# SPDX-License-Identifier: Apache-2.0
"""The messages between the bench and the inference child: one JSON object a line.

docs/inference-protocol.md is the contract.
"""

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TypeAlias

from monitor_app.core.errors import InferenceError
from monitor_app.core.messages import Codec, Count, NonNegative, Seconds
from monitor_app.core.runs import Batch, ImageAnswers, MemoryKind, MemoryUse, NetworkFacts, Phase

Row: TypeAlias = tuple[int, int, int, int | None, int | None, int | None]
"""start_ns, end_ns, images, top1, top5, device_ns; top1 and top5 are None where accuracy was not measured,
device_ns where the device has no clock of its own."""

MemoryRow: TypeAlias = tuple[MemoryKind, int, int]
"""kind, peak_bytes, floor_bytes of a MemoryUse."""


@dataclass(frozen=True, slots=True)
class Load:
    """Build a network and make it the one that the next commands run."""

    network: str
    precision: str = "fp32"
    device: str = "cpu"
    threads: Count = 1
    weights: str = "auto"
    """`auto` (what is on this machine), `hub`, `none`, or the path of a state dict or of a directory of them."""
    seed: NonNegative = 0
    channels_last: bool = False
    compiled: bool = False
    cudnn_benchmark: bool = False
    """Let cuDNN time its algorithms in the first passes, and take the fastest."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Run batches until both `min_s` seconds and `min_batches` batches have passed."""

    batch_size: Count
    min_s: Seconds
    min_batches: NonNegative


@dataclass(frozen=True, slots=True)
class Time:
    """As WarmUp, for the batches that are measured."""

    batch_size: Count
    min_s: Seconds
    min_batches: NonNegative


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Measure accuracy on labelled images: `demo`, or a folder."""

    batch_size: Count
    images: str = "demo"


@dataclass(frozen=True, slots=True)
class MeasureMemory:
    """Report the largest use of memory since the network was loaded."""


@dataclass(frozen=True, slots=True)
class Pulses:
    """Play a load-step sequence of random lengths, by which the delay of instruments is found."""

    device: str = "cpu"
    threads: Count = 1
    pulses: Count = 12
    shortest_s: Seconds = 0.15
    longest_s: Seconds = 0.6
    seed: NonNegative = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """End the running phase after its current batch."""


@dataclass(frozen=True, slots=True)
class Quit:
    """End the process."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The child has started and takes commands."""

    pid: int
    versions: dict[str, str]
    """python, and the packages of the back end."""
    devices: dict[str, str]
    """Values of `Load.device`, and the name that the device gives itself: {"cpu": "Cortex-A57", "cuda:0": "..."}."""
    cpu_count: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The network has been loaded; the answer to Load."""

    network: str
    title: str
    parameters: int | None
    macs: int | None
    operations: int | None
    input_pixels: int | None
    weights: str | None
    weights_sha256: str | None
    seconds: Seconds
    settings: dict[str, str] = field(default_factory=dict)
    """All that changes a time, as it is: threads, providers that run, TF32. By the names of the table run_fact."""

    @property
    def facts(self) -> NetworkFacts:
        """The same without the time that loading took."""
        return NetworkFacts(**{f.name: getattr(self, f.name) for f in fields(NetworkFacts)})


@dataclass(frozen=True, slots=True)
class Batches:
    """Forward passes that have ended since the last message."""

    phase: Phase
    rows: tuple[Row, ...]

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The rows as values of core.runs."""
        return tuple(Batch(self.phase, *row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class LoadChange:
    """The load signal of a board that is elsewhere, for simulated instruments here; only with `--lamp -`."""

    host_ns: int
    """When it changed."""
    busy: bool | None = None
    """A pass has begun, or has ended; None where the load changes."""
    load: float | None = None
    """Of the next passes, relative to full load; None where a pass begins or ends."""


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """The answer to MeasureMemory."""

    rows: tuple[MemoryRow, ...]

    @property
    def uses(self) -> tuple[MemoryUse, ...]:
        """The rows as values of core.runs."""
        return tuple(MemoryUse(kind, peak, floor) for kind, peak, floor in self.rows)


@dataclass(frozen=True, slots=True)
class Played:
    """The sequence has been played; the answer to Pulses."""

    edges_ns: tuple[int, ...]
    """Busy, idle, busy, ..., idle."""


@dataclass(frozen=True, slots=True)
class PhaseDone:
    """A phase has ended, by itself or by Stop."""

    phase: Phase
    batches: int
    images: int
    stopped: bool = False
    reason: str | None = None
    """Why no batch was run, or which images could not be used."""
    images_sha256: str | None = None
    """As in ImageAnswers, like `top1`; both are None outside the accuracy phase."""
    top1: str | None = None

    @property
    def answers(self) -> ImageAnswers | None:
        """The answer to each image as a value of core.runs."""
        if self.images_sha256 is None or self.top1 is None:
            return None
        return ImageAnswers(self.images_sha256, self.top1)


class FailureKind(str, Enum):
    """The kind of failure."""

    UNKNOWN_NETWORK = "unknown_network"
    OUT_OF_MEMORY = "out_of_memory"
    WEIGHTS = "weights"
    DATASET = "dataset"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Failed:
    """The command could not be carried out; the child continues."""

    kind: FailureKind
    message: str
    """One sentence for the user, with what to do."""


Command: TypeAlias = Load | WarmUp | Time | Evaluate | MeasureMemory | Pulses | Stop | Quit
Event: TypeAlias = Ready | Loaded | Batches | LoadChange | MemoryReport | Played | PhaseDone | Failed
Message: TypeAlias = Command | Event

_CODEC: Codec[Message] = Codec(
    {
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
        "load_change": LoadChange,
        "memory_report": MemoryReport,
        "played": Played,
        "phase_done": PhaseDone,
        "failed": Failed,
    }
)


def encode(message: Message) -> bytes:
    """One line, with its newline."""
    return _CODEC.encode(message)


def decode(line: bytes) -> Message:
    """The message in `line`.

    Raises:
        InferenceError: the line is not exactly one message of this protocol.
    """
    try:
        return _CODEC.decode(line)
    except ValueError as error:
        shown = line[:80].decode("utf-8", "backslashreplace").strip()
        raise InferenceError(
            f"A line on the inference protocol is not a message ({str(error)[:200]}): {shown!r}; "
            "check that both ends are of the same version."
        ) from error
