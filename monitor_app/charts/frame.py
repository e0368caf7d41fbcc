# SPDX-License-Identifier: Apache-2.0
"""What stands above and below the plot of a chart: title, stamp, caption, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.charts.canvas import BODY, LINE_HEIGHT, SMALL, badge_width
from monitor_app.charts.contents import NOTHING, has_values, is_simulated, notes_of

if TYPE_CHECKING:
    from monitor_app.charts.canvas import Canvas, Style
    from monitor_app.charts.clipping import Box
    from monitor_app.charts.model import Chart

MARGIN = 1.2
"""Around the whole picture, in units."""
SIMULATED = "SIMULATED"
_TITLE = 1.3
_MOST_LINES, _MOST_CAPTION = 7, 5
_PAPER = "Canziani, Paszke, Culurciello 2016"


@dataclass(frozen=True, slots=True)
class Header:
    """Lines over the plot, already cut to the width."""

    title: str
    source: str
    """The paper, whose figure of this number it repeats; or empty."""
    simulated: bool
    bottom: float


@dataclass(frozen=True, slots=True)
class Footer:
    """Lines under the plot, already broken: text and whether it is dim."""

    lines: tuple[tuple[str, bool], ...]
    height: float
    whole: bool
    """Everything that is missing is among them."""


def header(style: Style, chart: Chart) -> Header:
    """Number and title, the paper whose figure is repeated, and the mark of a simulation."""
    unit, margin = style.unit, MARGIN * style.unit
    simulated = is_simulated(chart)
    right = style.width - margin - (badge_width(style, SIMULATED) + margin if simulated else 0.0)
    text = f"{chart.numbered}. {chart.title}" if chart.numbered else chart.title
    title = style.elided(text, right - margin, _TITLE, bold=True)
    if not chart.of_paper:
        return Header(title, "", simulated, margin + (2.7 if simulated else 2.0) * unit)
    words = style.elided(f"numbered as in {_PAPER}", right - margin, SMALL)
    return Header(title, words, simulated, margin + 3.2 * unit)


def draw_header(canvas: Canvas, found: Header) -> None:
    """At the top of the canvas."""
    margin, unit = MARGIN * canvas.unit, canvas.unit
    if found.simulated:
        canvas.badge(canvas.width - margin, margin, SIMULATED)
    canvas.write(margin, margin + 0.7 * unit, found.title, canvas.palette.text, _TITLE, bold=True)
    if found.source:
        canvas.write(margin, margin + 2.2 * unit, found.source, canvas.palette.dim, SMALL)


def footer(style: Style, chart: Chart) -> Footer:
    """Caption and what is missing, in a few lines; what is cut is counted."""
    width = style.width - 2 * MARGIN * style.unit
    caption = _caption(style, chart, width)
    notes = notes_of(chart) if has_values(chart) else []
    rest, whole = _fitting(style, notes, width, _MOST_LINES - len(caption))
    lines = [(line, False) for line in caption] + [(line, True) for line in rest]
    step = LINE_HEIGHT * SMALL * style.unit
    return Footer(tuple(lines), len(lines) * step + (0.8 * style.unit if lines else 0.0), whole)


def draw_footer(canvas: Canvas, found: Footer) -> None:
    """At the bottom of the canvas."""
    step = LINE_HEIGHT * SMALL * canvas.unit
    y = canvas.height - MARGIN * canvas.unit - (len(found.lines) - 0.5) * step
    for text, dim in found.lines:
        canvas.write(MARGIN * canvas.unit, y, text, canvas.palette.dim if dim else canvas.palette.text, SMALL)
        y += step


def draw_nothing(canvas: Canvas, chart: Chart, box: Box) -> None:
    """Why the chart is empty, in the middle of where its values would be."""
    notes = notes_of(chart)
    width = 0.8 * (box.right - box.left)
    lines = [line for note in notes for line in canvas.wrapped(note, width, BODY)] or [NOTHING]
    step = LINE_HEIGHT * canvas.unit
    most = max(int((box.bottom - box.top) / step) - 3, 1)
    if len(lines) > most:
        lines = [*lines[: most - 1], "…"]
    y = (box.top + box.bottom) / 2 - len(lines) / 2 * step
    canvas.write((box.left + box.right) / 2, y, "Nothing to show", canvas.palette.text, _TITLE, align=0.5)
    for line in lines:
        y += step
        canvas.write((box.left + box.right) / 2, y + 0.4 * step, line, canvas.palette.dim, BODY, align=0.5)


def _caption(style: Style, chart: Chart, width: float) -> list[str]:
    lines = style.wrapped(chart.caption, width, SMALL)
    if len(lines) <= _MOST_CAPTION:
        return lines
    return [*lines[: _MOST_CAPTION - 1], style.elided(" ".join(lines[_MOST_CAPTION - 1 :]), width, SMALL)]


def _fitting(style: Style, notes: list[str], width: float, room: int) -> tuple[list[str], bool]:
    """As many notes as have room, with the number of those that have not; and whether all have."""
    for count in range(len(notes), 0, -1):
        rest = len(notes) - count
        text = " ".join(["Not shown:", *notes[:count], *([f"And {rest} more."] if rest else [])])
        lines = style.wrapped(text, width, SMALL)
        if len(lines) <= room:
            return lines, not rest
    return ([f"Not shown: {len(notes)} notes, which do not fit here."], False) if notes else ([], True)
