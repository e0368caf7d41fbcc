# SPDX-License-Identifier: Apache-2.0
"""Loads and stages in a report: a table of each where a campaign has any, and the stages as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.figures.colours import colour_of
from monitor_app.charts.model import Axis, Chart, Origin, Point, Scale, Series
from monitor_app.core.estimate import exact
from monitor_app.core.formatting import NOT_KNOWN, NOT_MEASURED, fixed, interval
from monitor_app.core.runs import STAGES
from monitor_app.exports.report.blocks import CellTable, Figure, Paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.exports.report.blocks import Block

_LOADS = ("network", "batch", "load", "offered / s", "answered / s", "waiting ms", "busy J / image", "phase J / image")
_STAGES = ("network", "batch", "stage", "ms", "part %", "gross J", "why no energy")


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
    yield Figure(_chart(cells), "Time of each stage of a pass from end to end.", (), any(c.simulated for c in cells))
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
        )


def _chart(cells: Sequence[Cell]) -> Chart:
    """A bar a stage and network, side by side."""
    return Chart(
        "stages",
        None,
        "Time of each stage of a pass from end to end",
        Axis("Stage", "", Scale.CATEGORY, STAGES),
        Axis("Time in a pass", "ms"),
        tuple(_series(cell) for cell in cells),
        bars=True,
        caption="Decode, pre-process, copy in, compute and copy out of one pass.",
        simulated=any(cell.times_simulated for cell in cells),
    )


def _series(cell: Cell) -> Series:
    points = tuple(
        Point(exact(float(place)), stage.mean.scaled(1e3), label=f"{cell.label}, {stage.name}")
        for place, stage in enumerate(cell.stages)
    )
    origin = Origin.SIMULATED if cell.times_simulated else Origin.MEASURED
    return Series(cell.label, colour_of(cell.network, cell.paper_name), points, origin)
