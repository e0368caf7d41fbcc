# SPDX-License-Identifier: Apache-2.0
"""What stands above and below the plot of a chart: title, stamp, caption, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.charts.canvas import BODY, SMALL
from monitor_app.charts.contents import NOTHING, has_values, is_simulated, notes_of
from monitor_app.charts.sheet import LINE_HEIGHT

if TYPE_CHECKING:
    from monitor_app.charts.clipping import Box
    from monitor_app.charts.model import Chart
    from monitor_app.charts.sheet import ChartSheet

MARGIN = 1.2
_TITLE = 1.3
_MOST_LINES, _MOST_CAPTION = 5, 3
_PAPER = "Canziani, Paszke, Culurciello 2016"


@dataclass(frozen=True, slots=True)
class Footer:
    """Lines under the plot, already broken: text and whether it is dim."""

    lines: tuple[tuple[str, bool], ...]
    height: float


def draw_header(sheet: ChartSheet, chart: Chart) -> float:
    """Title, the figure that is repeated, and the mark of a simulation; returns the y below."""
    unit, margin = sheet.unit, MARGIN * sheet.unit
    right = sheet.width - margin
    if is_simulated(chart):
        right = sheet.badge(right, margin, "SIMULATED") - margin
    title = sheet.elided(chart.title, right - margin, _TITLE, bold=True)
    sheet.write(margin, margin + 0.7 * unit, title, sheet.palette.text, _TITLE, bold=True)
    if chart.number is None:
        return margin + (2.7 if is_simulated(chart) else 2.0) * unit
    words = sheet.elided(f"repeats figure {chart.number} of {_PAPER}", right - margin, SMALL)
    sheet.write(margin, margin + 2.2 * unit, words, sheet.palette.dim, SMALL)
    return margin + 3.2 * unit


def footer(sheet: ChartSheet, chart: Chart) -> Footer:
    """Caption, the chart's own numbers and what is missing, in at most so many lines; what is cut is counted."""
    width = sheet.width - 2 * MARGIN * sheet.unit
    caption = _caption(sheet, chart, width)
    notes = notes_of(chart) if has_values(chart) else []
    rest = _fitting(sheet, notes, width, _MOST_LINES - len(caption))
    lines = [(line, False) for line in caption] + [(line, True) for line in rest]
    step = LINE_HEIGHT * SMALL * sheet.unit
    return Footer(tuple(lines), len(lines) * step + (0.8 * sheet.unit if lines else 0.0))


def draw_footer(sheet: ChartSheet, found: Footer) -> None:
    """At the bottom of the sheet."""
    step = LINE_HEIGHT * SMALL * sheet.unit
    y = sheet.height - MARGIN * sheet.unit - (len(found.lines) - 0.5) * step
    for text, dim in found.lines:
        sheet.write(MARGIN * sheet.unit, y, text, sheet.palette.dim if dim else sheet.palette.text, SMALL)
        y += step


def draw_nothing(sheet: ChartSheet, chart: Chart, box: Box) -> None:
    """Why the chart is empty, in the middle of where its values would be."""
    notes = notes_of(chart)
    width = 0.8 * (box.right - box.left)
    lines = [line for note in notes for line in sheet.wrapped(note, width, BODY)] or [NOTHING]
    step = LINE_HEIGHT * sheet.unit
    most = max(int((box.bottom - box.top) / step) - 3, 1)
    if len(lines) > most:
        lines = [*lines[: most - 1], "…"]
    y = (box.top + box.bottom) / 2 - len(lines) / 2 * step
    sheet.write((box.left + box.right) / 2, y, "Nothing to show", sheet.palette.text, _TITLE, align=0.5)
    for line in lines:
        y += step
        sheet.write((box.left + box.right) / 2, y + 0.4 * step, line, sheet.palette.dim, BODY, align=0.5)


def _caption(sheet: ChartSheet, chart: Chart, width: float) -> list[str]:
    """With the chart's own numbers where these are few."""
    numbers = "  ·  ".join(f"{name} {value:.4g}" for name, value in chart.extra.items())
    for text in (f"{chart.caption} {numbers}", chart.caption):
        lines = sheet.wrapped(text, width, SMALL)
        if len(lines) <= _MOST_CAPTION:
            return lines
    return [*lines[: _MOST_CAPTION - 1], sheet.elided(" ".join(lines[_MOST_CAPTION - 1 :]), width, SMALL)]


def _fitting(sheet: ChartSheet, notes: list[str], width: float, room: int) -> list[str]:
    """As many notes as have room, and how many have not."""
    for count in range(len(notes), 0, -1):
        rest = len(notes) - count
        text = " ".join(["Not shown:", *notes[:count], *([f"And {rest} more."] if rest else [])])
        lines = sheet.wrapped(text, width, SMALL)
        if len(lines) <= room:
            return lines
    return [f"Not shown: {len(notes)} things that have no room here."] if notes else []
