# SPDX-License-Identifier: Apache-2.0
"""An inference run: its plan, its phases, its batches and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from monitor_app.core.back_ends import TORCH


class Phase(str, Enum):
    """A phase of a run. Kept as text in the session file."""

    COOL_DOWN = "cool_down"
    LOAD = "load"
    IDLE_BEFORE = "idle_before"
    WARM_UP = "warm_up"
    TIMED = "timed"
    ACCURACY = "accuracy"
    IDLE_AFTER = "idle_after"


class RunState(str, Enum):
    """The state of a run. All but WAITING and RUNNING are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DOES_NOT_FIT = "does_not_fit"
    """Memory ran out; the reason names the batch size."""
    FAILED = "failed"
    CANCELLED = "cancelled"


BACK_END, ALLOCATOR, CUDNN_BENCHMARK = "back end", "allocator", "cuDNN benchmark"
"""Names of facts of a run."""
ALLOCATOR_KEEPS = "keep"
"""Freed memory stays with the process that runs the networks, for the next pass; else it is the system's default."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run as planned."""

    network: str
    batch_size: int = 1
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1
    channels_last: bool = False
    """The layout of tensors in memory."""
    compiled: bool = False
    """By torch.compile."""
    power_mode: str | None = None
    """As the board names it; None: as it was found."""
    clocks: str | None = None
    """'max': held at their highest; 'default': left to the board; None: as they were found."""
    accuracy: bool = True
    """Measure it in this run, where there are weights and images."""
    back_end: str = TORCH
    """A key of core.back_ends."""
    allocator: str = ALLOCATOR_KEEPS
    """ALLOCATOR_KEEPS or `system`."""
    cudnn_benchmark: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """What a session keeps of it by name, and not in a column of its own."""
        if self.simulated:
            return {}
        return {BACK_END: self.back_end, ALLOCATOR: self.allocator, CUDNN_BENCHMARK: str(int(self.cudnn_benchmark))}

    @property
    def simulated(self) -> bool:
        """The device is emulated: its times, memory and accuracy are replayed, not measured."""
        return is_emulated(self.device)


EMULATED = "emulated:"
"""Prefix of the name of an inference device that replays published figures."""


def is_emulated(device: str) -> bool:
    """Whether that device replays published figures."""
    return device.startswith(EMULATED)


@dataclass(frozen=True, slots=True)
class Batch:
    """One forward pass. Times are host nanoseconds with the device synchronised around the pass."""

    phase: Phase
    start_ns: int
    end_ns: int
    images: int
    top1: int | None = None
    """Images whose first answer was right; None where accuracy was not measured."""
    top5: int | None = None
    device_ns: int | None = None
    """Duration by the device's own events; None where it has none."""


@dataclass(frozen=True, slots=True)
class ImageAnswers:
    """The first answer of a network to each image of a data set, so that two runs can be compared image by image."""

    images_sha256: str
    """Of the names and labels of the images in their order: two runs with the same one used the same images."""
    top1: str = field(repr=False)
    """One character an image, in that order: 1 right, 0 wrong, - not answered."""

    @property
    def correct(self) -> int:
        """Images whose first answer was right."""
        return self.top1.count(RIGHT)

    @property
    def images(self) -> int:
        """Images that were answered."""
        return len(self.top1) - self.top1.count(UNANSWERED)


RIGHT, WRONG, UNANSWERED = "1", "0", "-"
"""Characters of `ImageAnswers.top1`."""


class MemoryKind(str, Enum):
    """What a number of bytes counts. Kept as text in the session file."""

    PSS = "pss"
    """Largest proportional set size of the process: its private memory, and its part of shared memory."""
    SYSTEM = "system"
    """Largest use of the whole system, where processor and GPU share one memory."""
    CUDA_ALLOCATED = "cuda_allocated"
    """Peak of torch's tensors on the GPU."""
    CUDA_RESERVED = "cuda_reserved"
    """Peak of what torch has taken from the GPU for them."""
    NVML = "nvml"
    """Use of the GPU by the process as its driver counts it, context included."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Memory of a run in a process of its own."""

    kind: MemoryKind
    peak_bytes: int
    floor_bytes: int
    """The same for a process that has torch and its device ready, and no network."""

    @property
    def net_bytes(self) -> int:
        """The part that the network needs."""
        return max(self.peak_bytes - self.floor_bytes, 0)


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the inference child reports of a network it has loaded."""

    network: str
    title: str
    """As people write it: EfficientNet-Lite0."""
    parameters: int | None
    """None where they cannot be counted."""
    macs: int | None
    """Multiply-accumulates of one image; None where they cannot be counted."""
    operations: int | None
    """In the convention of Canziani et al. 2016: multiplies and adds counted apart; None where that would mislead."""
    input_pixels: int | None
    """Side of the images; None where it does not take images."""
    weights: str | None
    """Where the weights come from, or None when they are random and accuracy cannot be measured."""
    weights_sha256: str | None = None
