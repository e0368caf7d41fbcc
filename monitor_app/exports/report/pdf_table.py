# SPDX-License-Identifier: Apache-2.0
"""A table over as many pages as it takes, its heading on each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.charts.plain import plain
from monitor_app.exports.report.paper import BOTTOM, COLOURS, LEFT, TOP, WIDTH, Style, elided, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.exports.report.blocks import Table
    from monitor_app.exports.report.paper import Paper

_LARGEST, _SMALLEST, _STEP = 8.0, 5.0, 0.5
_GAP = 9.0
"""Least distance between columns, in points."""


def draw_table(paper: Paper, table: Table) -> None:
    """In the largest text that fits the width; what does not fit even in the smallest is elided."""
    size = _LARGEST
    while size > _SMALLEST and sum(_widths(table, size)) > WIDTH:
        size -= _STEP
    ends = _ends(_widths(table, size))
    style, head = Style(size), Style(size, COLOURS.dim)
    height = style.leading + 1.5
    paper.need(3 * height)
    _draw_row(paper, table.head, head, ends, "")
    for k, (row, marked) in enumerate(zip(table.rows, table.marked, strict=True)):
        if paper.y + height > BOTTOM and paper.y > TOP:
            paper.turn()
            _draw_row(paper, table.head, head, ends, "")
        if k % 2:
            paper.box(LEFT, paper.y, WIDTH, height, COLOURS.panel)
        _draw_row(paper, row, style, ends, COLOURS.alarm if marked else "")
    paper.gap(6)


def _draw_row(paper: Paper, row: Sequence[str], style: Style, ends: Sequence[tuple[float, float]], alarm: str) -> None:
    """The first column from the left, the others to the right; the last in alarm, where the row has any."""
    for k, (cell, (start, end)) in enumerate(zip(row, ends, strict=True)):
        text = elided(cell, style, end - start)
        used = Style(style.size, alarm, bold=True) if alarm and k == len(row) - 1 else style
        if k == 0:
            paper.put(text, used, start, paper.y + 0.75)
        else:
            paper.put(text, used, end, paper.y + 0.75, align=1.0)
    paper.y += style.leading + 1.5


def _widths(table: Table, size: float) -> list[float]:
    style = Style(size, bold=True)
    columns = zip(table.head, *table.rows, strict=True)
    return [max(text_width(plain(cell), style) for cell in column) + _GAP for column in columns]


def _ends(widths: Sequence[float]) -> list[tuple[float, float]]:
    """Where each column begins and ends; what is left over is shared, what lacks is taken from all."""
    factor = WIDTH / sum(widths) if sum(widths) > WIDTH else 1.0
    spare = max(WIDTH - sum(widths), 0.0) / max(len(widths) - 1, 1)
    ends, x = [], LEFT
    for k, width in enumerate(widths):
        begin = x if k == 0 else x + spare
        x = begin + width * factor
        ends.append((begin, x - (_GAP if k == 0 else 0.0)))
    return ends
