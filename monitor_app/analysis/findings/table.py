# SPDX-License-Identifier: Apache-2.0
"""The cells of a campaign as arrays: one row per network, one column per batch size, NaN where not measured."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from monitor_app.analysis.statistics.intervals import Z_95
from monitor_app.core.canziani2016 import LARGE_BATCH, SMALL_BATCH
from monitor_app.core.models.units import IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.core.estimate import Estimate, Proportion

    Floats = NDArray[np.float64]

T = TypeVar("T")
COMMON = 0.9
"""Fraction of the networks that must have run at a batch size for networks to be compared at it."""
_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}


@dataclass(frozen=True, slots=True)
class Measured:
    """Values and their standard uncertainties, of one shape."""

    values: Floats
    errors: Floats


@dataclass(frozen=True, slots=True)
class Table:
    """All n networks at b batch sizes under the same conditions."""

    titles: tuple[str, ...]
    papers: tuple[str | None, ...]
    """The name of the same network in the paper."""
    batches: NDArray[np.int64]
    """Rising."""
    seconds: Measured
    """Per image, shape (n, b)."""
    net_w: Measured
    net_j: Measured
    """Per image."""
    memory_mb: Floats
    """Shape (n, b)."""
    operations_g: Floats
    """Shape (n,), like the fields below."""
    parameters_mb: Floats
    """At the precision of the run."""
    parameters_m: Floats
    top1: Measured
    """Percent."""
    times_simulated: bool
    power_simulated: bool
    """Also true where only the times are."""
    caution: str
    """What was left out, or empty."""

    def headline(self, values: Floats) -> tuple[int, int]:
        """Columns of the paper's two batch sizes, or the smallest and the largest that nearly all networks ran."""
        counts = np.isfinite(values).sum(axis=0)
        if not counts.size:
            return 0, 0
        common = np.flatnonzero(counts >= COMMON * counts.max())
        small, large = int(common[0]), int(common[-1])
        for column in common.tolist():
            small = column if self.batches[column] == SMALL_BATCH else small
            large = column if self.batches[column] == LARGE_BATCH else large
        return small, large

    def row(self, paper_name: str) -> int | None:
        """Row of a network by its name in the paper; None where it was not run."""
        return self.papers.index(paper_name) if paper_name in self.papers else None


def table_of(campaign: Campaign) -> Table:
    """Of the cells under the conditions with the most measurements."""
    cells, caution = _alike(campaign)
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.network, []).append(cell)
    batches = np.array(sorted({cell.batch_size for cell in cells}), dtype=np.int64)
    firsts = [each[0] for each in rows.values()]
    place = {(n, b): (i, j) for i, n in enumerate(rows) for j, b in enumerate(batches.tolist())}
    shape = (len(rows), len(batches))

    def grid(of: Iterable[tuple[Cell, Estimate | None]]) -> Measured:
        values, errors = np.full(shape, np.nan), np.full(shape, np.nan)
        for cell, estimate in of:
            if estimate is not None and math.isfinite(estimate.value):
                at = place[cell.network, cell.batch_size]
                values[at], errors[at] = estimate.value, (estimate.high - estimate.low) / 2 / Z_95
        return Measured(values, errors)

    kinds = Counter(cell.memory_kind for cell in cells if cell.memory_bytes is not None)
    kind = kinds.most_common(1)[0][0] if kinds else None
    memory = np.full(shape, np.nan)
    for cell in cells:
        if cell.memory_bytes is not None and cell.memory_kind == kind:
            memory[place[cell.network, cell.batch_size]] = cell.memory_bytes * 1e-6
    bytes_each = _BYTES.get(firsts[0].conditions.precision, 4) if firsts else 4
    millions = _known([_first(cell.parameters for cell in each) for each in rows.values()], 1e-6)
    times_simulated = any(cell.times_simulated for cell in cells)
    return Table(
        titles=tuple(cell.title for cell in firsts),
        papers=tuple(cell.paper_name for cell in firsts),
        batches=batches,
        seconds=grid((cell, cell.seconds_per_image) for cell in cells if _takes_time(cell)),
        net_w=grid((cell, cell.net_w) for cell in cells if not cell.doubts),
        net_j=grid((cell, cell.net_j_per_image) for cell in cells if not cell.doubts),
        memory_mb=memory,
        operations_g=_known([_first(cell.operations for cell in each) for each in rows.values()], 1e-9),
        parameters_mb=millions * bytes_each,
        parameters_m=millions,
        top1=_percents([_first(cell.top1 for cell in each) for each in rows.values()]),
        times_simulated=times_simulated,
        power_simulated=times_simulated or any(cell.power_simulated for cell in cells),
        caution=" ".join(filter(None, (caution, _doubted(cells)))),
    )


def _alike(campaign: Campaign) -> tuple[list[Cell], str]:
    # The paper speaks of images
    ran = [cell for cell in campaign.cells if cell.unit == IMAGE and (cell.seconds_per_image or cell.net_w)]
    counts = Counter(cell.conditions for cell in ran)
    if len(counts) < 2:
        return ran, ""
    chosen, count = counts.most_common(1)[0]
    left = len(ran) - count
    settings = ", ".join(filter(None, (chosen.device, chosen.precision, chosen.power_mode, chosen.clocks)))
    text = f"Measured under {len(counts)} conditions; only {settings} is used, and {left} cells are left out."
    return [cell for cell in ran if cell.conditions == chosen], text


def _doubted(cells: list[Cell]) -> str:
    """What is left out because its power cannot be that of its runs."""
    doubted = [cell for cell in cells if cell.doubts]
    if not doubted:
        return ""
    return f"Power and energy of {len(doubted)} of {len(cells)} cells are left out: {doubted[0].doubts[0]}"


def _takes_time(cell: Cell) -> bool:
    return cell.seconds_per_image is not None and cell.seconds_per_image.value > 0


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _known(values: list[int | None], scale: float) -> Floats:
    return np.array([value * scale if value else np.nan for value in values], dtype=np.float64)


def _percents(fractions: list[Proportion | None]) -> Measured:
    values = [np.nan if each is None else 100 * each.value for each in fractions]
    errors = [np.nan if each is None else 100 * (each.high - each.low) / 2 / Z_95 for each in fractions]
    return Measured(np.array(values, dtype=np.float64), np.array(errors, dtype=np.float64))
