# SPDX-License-Identifier: Apache-2.0
"""What an inference run is: its plan, its phases, its batches and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(str, Enum):
    """What is going on during a span of time of a run. Kept as text in the session file."""

    LOAD = "load"
    IDLE_BEFORE = "idle_before"
    WARM_UP = "warm_up"
    TIMED = "timed"
    ACCURACY = "accuracy"
    IDLE_AFTER = "idle_after"


class RunState(str, Enum):
    """How far a run has come. DONE, FAILED and CANCELLED are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run as planned."""

    network: str
    batch_size: int = 1
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1


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


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the inference child reports of a network it has loaded."""

    network: str
    title: str
    """As people write it: EfficientNet-Lite0."""
    parameters: int
    macs: int | None
    """Multiply-accumulates of one image; None where they cannot be counted."""
    operations: int | None
    """In the convention of Canziani et al. 2016: multiplies and adds counted apart; None where that would mislead."""
    input_pixels: int
    weights: str | None
    """Where the weights come from, or None when they are random and accuracy cannot be measured."""
    weights_sha256: str | None = None
