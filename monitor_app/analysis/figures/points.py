# SPDX-License-Identifier: Apache-2.0
"""From cells to points: two quantities of each cell, a series a network, and a sentence for each that has no point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.figures.colours import colour_of, shape_of, toned
from monitor_app.charts.model import Chart, Origin, Point, Series
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.campaign.cells import Cell
    from monitor_app.analysis.figures.groups import Group
    from monitor_app.analysis.figures.quantities import Quantity
    from monitor_app.charts.model import Line

_ORIGINS = (Origin.EXACT, Origin.DIGITISED, Origin.COMPUTED, Origin.QUOTED)
"""Origins of the paper's values, the most reliable first; a point has that of its less reliable coordinate."""


@dataclass(frozen=True, slots=True)
class Plotted:
    """What a chart shows of one group."""

    group: Group
    series: tuple[Series, ...]
    missing: tuple[str, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Of all its networks."""
        return tuple(point for series in self.series for point in series.points)

    @property
    def xy(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values of all points, each of shape (n,)."""
        return np.array([p.x.value for p in self.points]), np.array([p.y.value for p in self.points])

    @property
    def simulated(self) -> bool:
        """Any of it."""
        return any(series.origin is Origin.SIMULATED for series in self.series)

    @property
    def origin(self) -> Origin:
        """Of lines that follow from its points without a fit."""
        if self.group.paper:
            return Origin.COMPUTED
        return Origin.SIMULATED if self.simulated else Origin.MEASURED


def plot(
    groups: Sequence[Group],
    x: Quantity,
    y: Quantity,
    size: Quantity | None = None,
    *,
    joined: bool = False,
    of_network: bool = False,
) -> tuple[Plotted, ...]:
    """Each group as one series per network, in the order of its cells.

    Args:
        groups: the cells to draw; each gives a point or a sentence.
        x: the horizontal quantity.
        y: the vertical quantity.
        size: what the area of a bubble stands for; a point that lacks only this is drawn without.
        joined: one line through the points of a network, of all batch sizes.
        of_network: what is drawn does not depend on the batch size, so none is named.
    """
    return tuple(_plotted(group, x, y, size, joined, of_network) for group in groups)


def _plotted(group: Group, x: Quantity, y: Quantity, size: Quantity | None, joined: bool, of_network: bool) -> Plotted:
    found: dict[tuple[str, bool], list[tuple[Cell, Point]]] = {}
    lacking: list[tuple[Cell, str]] = []
    sizeless: list[str] = []
    for cell in group.cells:
        reason = _lack(cell, x) or _lack(cell, y)
        if reason:
            lacking.append((cell, reason))
            continue
        point = _point(cell, group, x, y, size, of_network)
        found.setdefault((cell.network, x.simulated(cell) or y.simulated(cell)), []).append((cell, point))
        if size and point.size is None:
            sizeless.append(f"{cell.title}: drawn without area, {size.lacking(cell)}.")
    series = tuple(_series(each, simulated, group, x, y, joined) for (_, simulated), each in found.items())
    sentences = [*_missing(lacking, len(group.cells), of_network), *dict.fromkeys(sizeless)]
    missing = () if group.paper else group.absent + tuple(group.labelled(sentence) for sentence in sentences)
    return Plotted(group, series, missing)


def _lack(cell: Cell, quantity: Quantity) -> str | None:
    """Why the cell cannot be drawn on that axis; None where it can."""
    value = quantity.of(cell)
    if value is None:
        return quantity.lacking(cell)
    if value.value <= quantity.drawable_from:
        return f"{quantity.axis.title.lower()} was measured as {value.value:.3g} {quantity.axis.unit}, not above zero"
    return None


def _point(cell: Cell, group: Group, x: Quantity, y: Quantity, size: Quantity | None, of_network: bool) -> Point:
    area = size.of(cell) if size else None
    return Point(
        _value(cell, group, x),
        _value(cell, group, y),
        None if area is None else area.value,
        _label(cell, of_network) + group.suffix,
        cell.run_ids[-1] if cell.run_ids else None,
        group.campaign,
        cell.title if of_network else _noted(cell.title, cell),
    )


def _label(cell: Cell, of_network: bool) -> str:
    if of_network:
        return cell.title
    return _noted(cell.label, cell)


def _noted(name: str, cell: Cell) -> str:
    return name if cell.steady is not False else f"{name}, not steady"


def _value(cell: Cell, group: Group, quantity: Quantity) -> Estimate:
    value = quantity.of(cell)
    if value is None:
        raise ValueError(f"{cell.label} has no {quantity.axis.title}")
    error = quantity.published_error * value.value if group.paper else 0.0
    return Estimate(value.value, value.low - error, value.high + error, value.level)


def _series(
    found: list[tuple[Cell, Point]], simulated: bool, group: Group, x: Quantity, y: Quantity, joined: bool
) -> Series:
    cell = found[0][0]
    colour = colour_of(cell.network, cell.paper_name)
    if group.paper:
        origin = max(x.published, y.published, key=_ORIGINS.index)
    else:
        origin = Origin.SIMULATED if simulated else Origin.MEASURED
    points = tuple(point for _, point in sorted(found, key=lambda pair: pair[0].batch_size))
    shape = shape_of(cell.network, cell.paper_name)
    return Series(cell.title, toned(colour, group.tone), points, origin, joined, group.name, shape)


def _missing(lacking: Sequence[tuple[Cell, str]], cells: int, of_network: bool) -> list[str]:
    """One sentence for the networks that lack the same batch sizes for the same reason, or one for all of them."""
    if cells > 1 and len(lacking) == cells and len({reason for _, reason in lacking}) == 1:
        return [f"None of {cells} points can be drawn: {lacking[0][1]}."]
    batches: dict[tuple[str, str], list[int]] = {}
    for cell, reason in lacking:
        batches.setdefault((cell.title, reason), []).append(cell.batch_size)
    alike: dict[tuple[str, str], list[str]] = {}
    for (title, reason), sizes in batches.items():
        where = "" if of_network else f" at batch {listed(sorted(set(sizes)))}"
        alike.setdefault((where, reason), []).append(title)
    return [f"{listed(titles)}{where}: {reason}." for (where, reason), titles in alike.items()]


def chart(
    key: str,
    number: int,
    title: str,
    axes: tuple[Quantity, Quantity],
    plots: Sequence[Plotted],
    caption: str,
    *,
    lines: Iterable[Line] = (),
    marks: Iterable[Series] = (),
    size: Quantity | None = None,
    bars: bool = False,
    extra: Mapping[str, float] | None = None,
) -> Chart:
    """The chart of those groups; ``marks`` are series drawn over theirs."""
    return Chart(
        key,
        number,
        title,
        axes[0].axis,
        axes[1].axis,
        tuple(series for each in plots for series in each.series) + tuple(marks),
        tuple(lines),
        bars,
        f"{size.axis.title} [{size.axis.unit}]" if size else "",
        caption,
        tuple(dict.fromkeys(sentence for each in plots for sentence in each.missing)),
        any(each.simulated for each in plots),
        dict(extra or {}),
    )
