# SPDX-License-Identifier: Apache-2.0
"""Loads and stages in a report: a table of each where a campaign has any, and charts of the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.figures.colours import colour_of
from monitor_app.charts.model import Axis, Chart, Origin, Point, Scale, Series
from monitor_app.core.estimate import exact
from monitor_app.core.formatting import NOT_KNOWN, NOT_MEASURED, fixed, interval
from monitor_app.core.runs import STAGES
from monitor_app.exports.report.blocks import CellTable, Figure, Paragraph
from monitor_app.exports.report.table import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.core.estimate import Estimate
    from monitor_app.exports.report.blocks import Block

_LOADS = (
    "network", "batch", "load", "offered / s", "answered / s", "waiting ms", "busy J / image", "phase J / image",
    "origin",
)  # fmt: skip
_STAGES = ("network", "batch", "stage", "ms", "part %", "gross J", "why no energy", "origin")


def loads_of(campaign: Campaign) -> Iterator[Block]:
    """What was offered and what became of it; nothing where each request came as the last was answered."""
    cells = [cell for cell in campaign.cells if cell.achieved_hz is not None]
    if not cells:
        return
    yield Paragraph(
        "Requests arrived by themselves, and latency counts from the arrival. The energy per image is gross: of the "
        "passes alone (busy), and of the whole timed phase with the gaps between them."
    )
    yield CellTable(_LOADS, tuple(map(_load_row, cells)), tuple(cell.simulated for cell in cells))


def stages_of(campaign: Campaign) -> Iterator[Block]:
    """A pass from end to end, stage by stage."""
    cells = [cell for cell in campaign.cells if cell.stages]
    if not cells:
        return
    yield Figure(_times(cells), "Time of each stage of a pass from end to end.", (), any(c.simulated for c in cells))
    known = [cell for cell in cells if any(stage.gross_j is not None for stage in cell.stages)]
    if known:
        about = "Gross energy of each stage of a pass from end to end, where the meter is quick enough to tell it."
        yield Figure(_energies(known), about, (), any(cell.simulated for cell in known))
    rows = [(cell, row) for cell in cells for row in _stage_rows(cell)]
    yield CellTable(_STAGES, tuple(row for _, row in rows), tuple(cell.simulated for cell, _ in rows))


def _load_row(cell: Cell) -> tuple[str, ...]:
    busy, phase = cell.gross_j_per_image, cell.phase_j_per_image
    return (
        cell.title,
        str(cell.batch_size),
        cell.conditions.load,
        fixed(cell.offered_hz, 2),
        fixed(cell.achieved_hz, 2),
        "not steady" if cell.waiting_s is None else interval(cell.waiting_s, scale=1e3),
        NOT_MEASURED if busy is None else interval(busy),
        NOT_MEASURED if phase is None else interval(phase),
        origin_of(cell),
    )


def _stage_rows(cell: Cell) -> Iterator[tuple[str, ...]]:
    for stage in cell.stages:
        yield (
            cell.title,
            str(cell.batch_size),
            stage.name,
            interval(stage.mean, scale=1e3),
            fixed(100 * stage.part, 1),
            NOT_KNOWN if stage.gross_j is None else interval(stage.gross_j),
            stage.no_energy or "",
            origin_of(cell),
        )


def _times(cells: Sequence[Cell]) -> Chart:
    series = tuple(
        _series(cell, {stage.name: stage.mean.scaled(1e3) for stage in cell.stages}, simulated=cell.times_simulated)
        for cell in cells
    )
    return _chart("Time", Axis("Time in a pass", "ms"), series, simulated=any(cell.times_simulated for cell in cells))


def _energies(cells: Sequence[Cell]) -> Chart:
    series = tuple(
        _series(
            cell,
            {stage.name: stage.gross_j.scaled(1e3) for stage in cell.stages if stage.gross_j is not None},
            simulated=cell.simulated,
        )
        for cell in cells
    )
    return _chart("Energy", Axis("Gross energy in a pass", "mJ"), series, simulated=any(c.simulated for c in cells))


def _chart(what: str, axis: Axis, series: tuple[Series, ...], *, simulated: bool) -> Chart:
    """A bar a stage and network, side by side."""
    return Chart(
        f"stages-{what.lower()}",
        None,
        f"{what} of each stage of a pass from end to end",
        Axis("Stage", "", Scale.CATEGORY, STAGES),
        axis,
        series,
        bars=True,
        caption="Decode, pre-process, copy in, compute and copy out of one pass.",
        simulated=simulated,
    )


def _series(cell: Cell, values: Mapping[str, Estimate], *, simulated: bool) -> Series:
    points = tuple(
        Point(exact(float(STAGES.index(name))), value, label=f"{cell.label}, {name}") for name, value in values.items()
    )
    origin = Origin.SIMULATED if simulated else Origin.MEASURED
    return Series(cell.label, colour_of(cell.network, cell.paper_name), points, origin)
