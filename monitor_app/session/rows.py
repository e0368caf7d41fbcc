# SPDX-License-Identifier: Apache-2.0
"""Rows of a session file as values, one type a table, fields in the order of the columns."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from monitor_app.core.back_ends import TORCH
from monitor_app.core.runs import BACK_END, is_emulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.core.samples import Quantity, Role

_T = TypeVar("_T")
LARGEST = 1e18
"""More than any number in SI units that a row may hold: its square and its sums stay numbers."""
_KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,), "None": (type(None),)}


def checked(row_type: type[_T], row: tuple[Any, ...]) -> _T:
    """A row as its type; SQLite keeps any kind of value in any column, and the file may come from a stranger.

    Raises:
        ValueError: A column holds what it may not, or a number that no instrument measures.
    """
    columns = [each for each in fields(row_type) if each.default_factory is MISSING]  # type: ignore[arg-type]
    for column, value in zip(columns, row, strict=True):
        require(value, *(kind for name in str(column.type).split(" | ") for kind in _KINDS.get(name, (object,))))
        if isinstance(value, float) and not abs(value) <= LARGEST:
            raise ValueError(f"{value} is no possible {column.name}")
    return row_type(*row)


def require(value: object, *kinds: type) -> None:
    """Raises ValueError where a value is none of these."""
    if not isinstance(value, kinds):
        raise ValueError(f"{value!r:.40} where {kinds[0].__name__} is due")


BATCH = np.dtype(
    [
        ("id", "<i8"),
        ("run", "<i8"),
        ("phase", "U16"),
        ("start_ns", "<i8"),
        ("end_ns", "<i8"),
        ("images", "<i8"),
        ("top1", "<i8"),
        ("top5", "<i8"),
        ("device_ns", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An instrument as it described itself."""

    id: int
    name: str
    kind: str
    model: str
    serial_number: str
    firmware: str
    rate_hz: float
    lines: tuple[str, ...]
    simulated: bool
    notes: tuple[str, ...]
    """Limits of its measurements, each one sentence."""


@dataclass(frozen=True, slots=True)
class SignalRow:
    """What one channel of a source measures, and how its codes are to be read."""

    id: int
    source: int
    name: str
    quantity: Quantity
    role: Role
    encoding: str
    """numpy dtype of the stored codes, or 'product'."""
    scale: float
    zero_offset: float
    """A code c means scale * c + zero_offset."""
    resolution: float | None
    accuracy: float | None
    factor_a: int | None
    factor_b: int | None

    @property
    def is_product(self) -> bool:
        return self.factor_a is not None


@dataclass(frozen=True, slots=True)
class RunRow:
    """One network at one batch size."""

    id: int
    cycle: int
    network: str
    title: str
    batch_size: int
    precision: str
    device: str
    threads: int
    channels_last: int
    compiled: int
    power_mode: str | None
    clocks: str | None
    state: str
    error: str | None
    started_ns: int | None
    ended_ns: int | None
    parameters: int | None
    macs: int | None
    operations: int | None
    input_pixels: int | None
    weights: str | None
    weights_sha256: str | None
    dataset: str | None
    accuracy_note: str | None
    """Why accuracy was not measured, where it was not."""
    steady: int | None
    """1: the warm-up was shown to have reached a steady state; 0: it was not; None: not tested, or not ended."""
    warm_up_note: str | None
    """The result of the test of the warm-up, in one sentence."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Those of the table run_fact, by name."""

    @property
    def back_end(self) -> str:
        """A key of core.back_ends."""
        return self.facts.get(BACK_END, TORCH)

    @property
    def simulated(self) -> bool:
        """Times, memory and accuracy were played by an emulated device."""
        return is_emulated(self.device)


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Memory of a run, by one account; see core.runs.MemoryUse."""

    run: int
    kind: str
    peak_bytes: int
    floor_bytes: int

    @property
    def net_bytes(self) -> int:
        """What the network costs."""
        return max(self.peak_bytes - self.floor_bytes, 0)


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A phase of a run; end_ns is None until it has ended."""

    id: int
    run: int
    phase: str
    start_ns: int
    end_ns: int | None


@dataclass(frozen=True, slots=True)
class MarkRow:
    """Something worth seeing on the time axis."""

    id: int
    host_ns: int
    kind: str
    text: str
    run: int | None


@dataclass(frozen=True, slots=True)
class GapRow:
    """Samples first to first + n - 1 that never arrived."""

    id: int
    source: int
    first: int
    n: int
    start_ns: int
    end_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class ClockRow:
    """The clock fit of a source: true rate, and how far its times may be off."""

    source: int
    host_ns: int
    rate_hz: float
    bound_ns: int
    method: str
    """What the bound rests on: arrival, two-way, line or polled."""


@dataclass(frozen=True, slots=True)
class AlignmentRow:
    """How much later than the board's work a source shows it, found from a load-step sequence."""

    source: int
    host_ns: int
    """When the sequence was played."""
    delay_ns: int
    """The power at a time in the file belongs to the work done earlier by this."""
    bound_ns: int
    correlation: float
    """Of the power with the sequence, -1 to 1."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A line of the log."""

    id: int
    host_ns: int
    level: str
    text: str
