# SPDX-License-Identifier: Apache-2.0
"""The main numbers of a campaign."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from monitor_app.analysis.campaign.cells import of_main_unit
from monitor_app.core.formatting import (
    NOT_MEASURED,
    decimals_of,
    fixed,
    interval,
    listed,
    metric_value,
    number,
    percent,
)
from monitor_app.core.models.units import worded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.core.estimate import Estimate

    Quantity: TypeAlias = Callable[[Cell], Estimate | None]

_MOST_RIVALS = 3


@dataclass(frozen=True, slots=True)
class Headline:
    """One number, in large print."""

    name: str
    value: str
    """With its interval or standard deviation, or "not measured"."""
    unit: str
    """Empty where there is no value."""
    note: str
    """The network and batch size that it belongs to, or how many cells it is the mean of."""
    simulated: bool


def headline(campaign: Campaign) -> tuple[Headline, ...]:
    """Idle and net power, then the networks with least time, least energy and best accuracy."""
    cells = campaign.cells
    same = of_main_unit(cells)
    return (
        _mean("idle power", cells, lambda cell: cell.idle_w),
        _mean("net power", cells, lambda cell: cell.net_w),
        fastest(same),
        least_energy(same),
        most_accurate(cells),
    )


def measured(campaign: Campaign) -> str:
    """How much of the campaign was measured, in one sentence."""
    cells = campaign.cells
    networks = len({cell.network for cell in cells})
    done = sum(cell.fits is True for cell in cells)
    too_large = sum(cell.fits is False for cell in cells)
    text = f"{_count(networks, 'network')} at {_count(len(campaign.batch_sizes), 'batch size')}: "
    text += f"{done} of {_count(len(cells), 'cell')} measured"
    if too_large:
        text += f", {too_large} {'does' if too_large == 1 else 'do'} not fit in memory"
    rest = len(cells) - done - too_large
    return f"{text}, {rest} not measured for other reasons." if rest else f"{text}."


def fastest(cells: Sequence[Cell]) -> Headline:
    """The least time per image at any batch size."""
    found = [(cell, cell.seconds_per_image) for cell in cells if cell.seconds_per_image is not None]
    if not found:
        return _none("fastest")
    (cell, time), rivals = _least(found)
    unit = worded("ms / image", cell.unit)
    return Headline("fastest", interval(time, scale=1e3), unit, _of(cell, rivals), cell.times_simulated)


def least_energy(cells: Sequence[Cell]) -> Headline:
    """The least net energy per image at any batch size."""
    found = [(cell, cell.net_j_per_image) for cell in cells if cell.net_j_per_image is not None]
    if not found:
        return _none("least energy")
    (cell, energy), rivals = _least(found)
    value = interval(energy, scale=1e3)
    unit = worded("net mJ / image", cell.unit)
    return Headline("least energy", value, unit, _of(cell, rivals), cell.simulated)


def most_accurate(cells: Sequence[Cell]) -> Headline:
    """The best top-1 accuracy."""
    found = [(cell, cell.top1) for cell in cells if cell.top1 is not None]
    if not found:
        return _by_metric(cells)
    found.sort(key=lambda each: -each[1].value)
    (cell, top1), *rest = found
    rivals = _once_each(cell, [other for other, its in rest if its.high >= top1.low])
    note = f"{_rivalled(cell.title, [rival.title for rival in rivals])}; {top1.images:,} images"
    return Headline("most accurate", percent(top1), "% top-1", note, cell.times_simulated)


def _by_metric(cells: Sequence[Cell]) -> Headline:
    """What a metric of the user's own gave, where it is one number: which of two is better only the user knows."""
    found = {(cell.network, metric.name): (cell, metric) for cell in cells for metric in cell.metrics}
    if len(found) != 1:
        return _none("most accurate")
    ((cell, metric),) = found.values()
    items = "" if metric.items is None else f"; {metric.items:,} items"
    return Headline("accuracy", metric_value(metric), metric.name, f"{cell.title}{items}", cell.times_simulated)


def _least(found: list[tuple[Cell, Estimate]]) -> tuple[tuple[Cell, Estimate], list[Cell]]:
    """The cell with the least value, and the best cell of each network whose interval overlaps its interval."""
    best, *rest = sorted(found, key=lambda each: each[1].value)
    return best, _once_each(best[0], [other for other, its in rest if its.low <= best[1].high])


def _once_each(best: Cell, rivals: Sequence[Cell]) -> list[Cell]:
    """The first cell of each network but that of the best, in the order given."""
    firsts: dict[str, Cell] = {}
    for each in rivals:
        firsts.setdefault(each.network, each)
    firsts.pop(best.network, None)
    return list(firsts.values())


def _mean(name: str, cells: Sequence[Cell], quantity: Quantity) -> Headline:
    found = [(cell, value.value) for cell in cells if (value := quantity(cell)) is not None]
    if not found:
        return _none(name)
    values = [value for _, value in found]
    simulated = any(cell.power_simulated for cell, _ in found)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Headline(name, number(mean), "W", f"of {found[0][0].label}", simulated)
    # A deviation is no interval: it may be far below what the meter resolves, and four digits are enough.
    decimals = min(decimals_of(mean), decimals_of(mean, deviation))
    text = f"{fixed(mean, decimals)} ± {fixed(deviation, decimals)}"
    note = f"mean and standard deviation of {len(values)} cells"
    return Headline(name, text, "W", note, simulated)


def _none(name: str) -> Headline:
    return Headline(name, NOT_MEASURED, "", "", simulated=False)


def _of(cell: Cell, rivals: Sequence[Cell]) -> str:
    return _rivalled(cell.label, [rival.label for rival in rivals])


def _rivalled(name: str, rivals: list[str]) -> str:
    """A network with those that may be as good: their intervals overlap."""
    if not rivals:
        return name
    if len(rivals) > _MOST_RIVALS:
        rivals = [*rivals[: _MOST_RIVALS - 1], f"{len(rivals) - _MOST_RIVALS + 1} more"]
    return f"{name}; indistinguishable from {listed(rivals)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
