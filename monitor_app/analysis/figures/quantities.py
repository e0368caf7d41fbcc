# SPDX-License-Identifier: Apache-2.0
"""The quantities of axes: their value in a cell, their unit, and why a cell has none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.charts.model import Axis, Origin, Scale
from monitor_app.core.canziani2016 import MEMORY_ERROR
from monitor_app.core.estimate import Estimate, exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.analysis.campaign.cells import Cell

FP32_BYTES = 4


@dataclass(frozen=True, slots=True)
class Quantity:
    """One property of a cell."""

    axis: Axis
    of: Callable[[Cell], Estimate | None]
    """In the unit of the axis; None where it was not measured."""
    lacking: Callable[[Cell], str]
    """Why it was not, to follow a name and a colon."""
    simulated: Callable[[Cell], bool]
    published: Origin
    """The origin of the paper's values."""
    published_error: float = 0.0
    """Relative error of those values, where the cell has no interval for it."""

    @property
    def drawable_from(self) -> float:
        """The lower limit, exclusive, of values that can be drawn on the axis."""
        return 0.0 if self.axis.scale in {Scale.LOG, Scale.LOG2} else -math.inf


def _scaled(estimate: Estimate | None, factor: float) -> Estimate | None:
    return None if estimate is None else estimate.scaled(factor)


def _images_per_s(cell: Cell) -> Estimate | None:
    s = cell.seconds_per_image
    # The time of a single batch has the interval from 0 to infinity.
    return s and Estimate(1 / s.value, 1 / s.high, 1 / s.low if s.low > 0 else math.inf, s.level)


def _percent(cell: Cell) -> Estimate | None:
    return None if cell.top1 is None else cell.top1.estimate.scaled(100)


def _density(cell: Cell) -> Estimate | None:
    return _scaled(_percent(cell), 1e6 / cell.parameters) if cell.parameters else None


def _counted(value: int | None, unit: float) -> Estimate | None:
    return None if value is None else exact(value / unit)


# -- why not ---------------------------------------------------------------------------------------


def _within(sentence: str) -> str:
    """A sentence within another one; a name such as PyTorch keeps its capitals."""
    first = sentence.partition(" ")[0]
    return sentence if any(letter.isupper() for letter in first[1:]) else sentence[0].lower() + sentence[1:]


def _not_run(cell: Cell) -> str | None:
    if cell.fits is False:
        return "did not fit in memory"
    if cell.fits is None:
        message = cell.message.rstrip(". ")
        return f"not measured ({_within(message)})" if message else "not run"
    return None


def _no_time(cell: Cell) -> str:
    return _not_run(cell) or "time not measured"


def _no_power(cell: Cell) -> str:
    no_power = "power not measured" if cell.full_w is None else "no idle baseline, so no net power"
    return _not_run(cell) or no_power


def _no_gross(cell: Cell) -> str:
    return _not_run(cell) or "power not measured"


def _no_memory(cell: Cell) -> str:
    return _not_run(cell) or "memory not measured"


def _no_operations(cell: Cell) -> str:
    return (_not_run(cell) if cell.parameters is None else None) or "operations not counted"


def _no_macs(cell: Cell) -> str:
    return (_not_run(cell) if cell.parameters is None else None) or "MACs not counted"


def _no_parameters(cell: Cell) -> str:
    return _not_run(cell) or "parameters not known"


def _no_top1(cell: Cell) -> str:
    no_weights = "accuracy not measured (it needs trained weights)"
    return _not_run(cell) or (no_weights if cell.weights_sha256 is None else "accuracy not measured")


def _no_density(cell: Cell) -> str:
    return _no_top1(cell) if cell.top1 is None else _no_parameters(cell)


# -- what was simulated -------------------------------------------------------------------------------


def _never(_cell: Cell) -> bool:
    return False


def _times(cell: Cell) -> bool:
    return cell.times_simulated


def _power(cell: Cell) -> bool:
    return cell.power_simulated


def _either(cell: Cell) -> bool:
    return cell.simulated


# -- all of them -----------------------------------------------------------------------------------

BATCH = Quantity(
    Axis("Batch size", "", Scale.LOG2), lambda cell: exact(cell.batch_size), lambda _: "", _never, Origin.EXACT
)
TIME = Quantity(
    Axis("Time per image", "ms", Scale.LOG),
    lambda cell: _scaled(cell.seconds_per_image, 1e3),
    _no_time,
    _times,
    Origin.DIGITISED,
)
TIME_LINEAR = replace(TIME, axis=replace(TIME.axis, scale=Scale.LINEAR))
"""For figures of straight lines."""
ANSWER_TIME = Quantity(
    Axis("Time until the answer", "ms", Scale.LOG),
    lambda cell: _scaled(cell.seconds_per_image, 1e3 * cell.batch_size * cell.units_of_item),
    _no_time,
    _times,
    Origin.DIGITISED,
)
THROUGHPUT = Quantity(Axis("Images per second", "1/s"), _images_per_s, _no_time, _times, Origin.DIGITISED)
NET_POWER = Quantity(Axis("Net power", "W"), lambda cell: cell.net_w, _no_power, _power, Origin.QUOTED)
NET_ENERGY = Quantity(
    Axis("Net energy per image", "J", Scale.LOG),
    lambda cell: cell.net_j_per_image,
    _no_power,
    _either,
    Origin.COMPUTED,
)
GROSS_ENERGY = Quantity(
    Axis("Energy per image, whole board", "J", Scale.LOG),
    lambda cell: cell.gross_j_per_image,
    _no_gross,
    _either,
    Origin.COMPUTED,
)
MEMORY = Quantity(
    Axis("Net memory", "MB", Scale.LOG),
    lambda cell: _counted(cell.memory_bytes, 1e6),
    _no_memory,
    _times,
    Origin.DIGITISED,
    published_error=MEMORY_ERROR,
)
MEMORY_LINEAR = replace(MEMORY, axis=replace(MEMORY.axis, scale=Scale.LINEAR))
WEIGHTS = Quantity(
    Axis("Parameters as fp32", "MB"),
    lambda cell: None if cell.parameters is None else exact(cell.parameters * FP32_BYTES / 1e6),
    _no_parameters,
    _never,
    Origin.EXACT,
)
PARAMETERS = Quantity(
    Axis("Parameters", "M"), lambda cell: _counted(cell.parameters, 1e6), _no_parameters, _never, Origin.EXACT
)
OPERATIONS = Quantity(
    Axis("Operations", "G"), lambda cell: _counted(cell.operations, 1e9), _no_operations, _never, Origin.EXACT
)
MACS = Quantity(Axis("MACs", "G"), lambda cell: _counted(cell.macs, 1e9), _no_macs, _never, Origin.EXACT)
TOP1 = Quantity(Axis("Top-1 accuracy", "%"), _percent, _no_top1, _times, Origin.EXACT)
DENSITY = Quantity(Axis("Top-1 per million parameters", "%/M"), _density, _no_density, _times, Origin.EXACT)


def work(*, macs: bool) -> Quantity:
    """How much a network computes for one image: in the paper's convention, or by multiply-accumulates."""
    return MACS if macs else OPERATIONS


def work_words(*, macs: bool) -> str:
    """The same within a sentence."""
    return "MACs" if macs else "operations"
