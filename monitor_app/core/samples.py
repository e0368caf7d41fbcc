# SPDX-License-Identifier: Apache-2.0
"""What an instrument delivers: signals, blocks of samples, and marks that tie its clock to the host's.

SI units everywhere. Time is int64 nanoseconds of the host's CLOCK_MONOTONIC_RAW (``core.host_time``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINK = "link"
"""Kind of the source without signals that carries the clock of the link to a board elsewhere."""
BOARD_KINDS = frozenset({"jetson-rails", "jtop"})
"""Kinds that are read from the board itself, by its own clock; behind a link their bound has that of the link in it."""
COMPUTED = frozenset({"sum", "difference"})
"""Kinds of the sources that the bench computes: each has one signal, which is named after its source."""
NO_INSTRUMENTS = COMPUTED | {LINK}
"""Kinds of the sources that take no samples of their own."""


class Quantity(str, Enum):
    """What a signal measures; the value is its SI unit."""

    CURRENT = "A"
    VOLTAGE = "V"
    POWER = "W"
    TEMPERATURE = "degC"
    FREQUENCY = "Hz"
    LEVEL = ""


class Role(str, Enum):
    """What a rail feeds. Given by the profile or the device, never guessed from a name."""

    TOTAL = "total"
    GPU = "gpu"
    CPU = "cpu"
    OTHER = "other"


CALIBRATED = "Calibrated "
"""How the note of a source begins that says when and against what its meter was calibrated."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One measured quantity of one source. A stored code ``c`` means ``scale * c + offset`` in SI units."""

    name: str
    """As the device names it: VDD_IN, current."""
    quantity: Quantity
    role: Role = Role.OTHER
    dtype: str = "<f4"
    """numpy dtype of the codes, little-endian: <u2, <i2 or <f4."""
    scale: float = 1.0
    offset: float = 0.0
    resolution: float | None = None
    """One step of the converter in SI units, or None when the device does not say."""
    accuracy: float | None = None
    """Relative limit of the error of the gain, as the profile, the device or its data sheet states it, or None: the
    true value lies within plus and minus this fraction. It is not a standard deviation."""
    product_of: tuple[str, str] | None = None
    """Set on a power that is the product, sample by sample, of two other signals of the same source."""
    zero: float | None = None
    """Limit of a constant error in SI units, of a stored signal; a product follows its factors."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """How an instrument describes itself once it is open."""

    name: str
    """The name the profile gives it; unique within a session."""
    kind: str
    """The key of its driver: shunt, jetson-rails, ..., or sum and difference for what the bench computes."""
    model: str
    serial_number: str
    firmware: str
    rate_hz: float
    """Nominal samples a second; the true rate is found by the clock fit."""
    signals: tuple[Signal, ...]
    """Stored signals in the order of SampleBlock.codes, then the derived ones (product_of)."""
    lines: tuple[str, ...] = ()
    """Names of the digital input lines, in the order of LineChanges.line."""
    simulated: bool = False
    transport_bound_ns: int = 1_000_000
    """The greatest delay of the earliest arrivals, used where no two-way mark gives a better bound. For a source that
    gives times itself (SampleBlock.times_ns): how far they may be from when the quantity had its value."""
    notes: tuple[str, ...] = ()
    """Limits of its measurements, each one sentence: what the device leaves out or averages over."""

    @property
    def stored_signals(self) -> tuple[Signal, ...]:
        return tuple(s for s in self.signals if s.product_of is None)

    @property
    def derived_signals(self) -> tuple[Signal, ...]:
        return tuple(s for s in self.signals if s.product_of is not None)


def _no_indices() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


def _no_levels() -> NDArray[np.uint8]:
    return np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True)
class LineChanges:
    """Changes of the digital lines: at sample ``index[k]`` line ``line[k]`` became ``level[k]``."""

    index: NDArray[np.int64] = field(default_factory=_no_indices)
    line: NDArray[np.uint8] = field(default_factory=_no_levels)
    level: NDArray[np.uint8] = field(default_factory=_no_levels)


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """A run of consecutive samples, all channels taken together."""

    first_index: int
    """The device's own count of the first sample."""
    codes: tuple[NDArray[np.generic], ...]
    """One array of n codes for each stored signal, in the order of SourceInfo.signals."""
    arrival_ns: int
    """Host time at which the last sample of the block had been read."""
    lost_before: int = 0
    """Samples between the previous block and this one that the device took and that never arrived."""
    changes: LineChanges = field(default_factory=LineChanges)
    implausible: NDArray[np.int64] = field(default_factory=_no_indices)
    """The device's own count of samples that a bit flipped on the line explains best; they are as they came. The first
    may be the last sample of the block before."""
    times_ns: NDArray[np.int64] | None = None
    """Host time of each sample, strictly rising, where the source knows it, as one that is polled does; None where
    the device samples by a clock of its own and the fit of that clock gives the times."""
    times_bound_ns: int = 0
    """How far times_ns may be off besides the source's transport_bound_ns, by the link to a board that gave them."""

    def __len__(self) -> int:
        return len(self.codes[0])


@dataclass(frozen=True, slots=True)
class TimeMark:
    """The device's sample count was ``index`` at some host time within [earliest_ns, latest_ns]."""

    index: float
    earliest_ns: int
    latest_ns: int


Reading: TypeAlias = SampleBlock | TimeMark


class PowerSource(Protocol):
    """An instrument. It owns no thread and no clock policy; the bench calls it from one thread."""

    @property
    def info(self) -> SourceInfo:
        """How the device describes itself; complete only between open and close."""

    def open(self) -> None:
        """Connect and start streaming. Raises SourceError with what to do."""

    def read(self, timeout_s: float) -> list[Reading]:
        """Wait at most timeout_s for data; an empty list where none arrived. Raises SourceLostError."""

    def close(self) -> None:
        """Stop streaming and release the port; calling it twice is fine."""
