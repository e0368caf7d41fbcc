# SPDX-License-Identifier: Apache-2.0
"""A session as a picture for a paper: power, latency and accuracy on one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QLineF, QRectF, QSize
from PySide6.QtGui import QColor, QGuiApplication, QImage, QImageWriter, QPainter

from monitor_app.charts.axis import Axis, ticks, time_unit
from monitor_app.charts.canvas import LARGE, SMALL, Canvas
from monitor_app.charts.palette import PALETTES
from monitor_app.core.atomic_file import completed
from monitor_app.core.errors import ExportError
from monitor_app.exports.inference_panes import draw_accuracy, draw_latency
from monitor_app.exports.panes import Pane
from monitor_app.exports.power_pane import draw_power
from monitor_app.exports.session_figure import figure_of

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.charts.palette import Theme
    from monitor_app.exports.session_figure import Figure, Note
    from monitor_app.session.reader import SessionReader

SMALLEST, LARGEST = QSize(600, 400), QSize(16384, 16384)
_DOTS_PER_METRE = 10_000
"""254 dpi: 1600 pixels are 16 cm, the width of a page of text."""
_application: QCoreApplication | None = None


def write_png(
    reader: SessionReader,
    path: Path,
    width: int = 1600,
    height: int = 1000,
    start_s: float | None = None,
    end_s: float | None = None,
    theme: Theme = "light",
) -> None:
    """The session from start_s to end_s, in seconds since its first sample, as a PNG of so many pixels.

    Needs no display. Raises ExportError.
    """
    size = QSize(width, height)
    if size.expandedTo(SMALLEST) != size or size.boundedTo(LARGEST) != size:
        raise ExportError(
            f"A picture of {width} x {height} pixels cannot be drawn: choose from {SMALLEST.width()} x "
            f"{SMALLEST.height()} to {LARGEST.width()} x {LARGEST.height()}."
        )
    _need_application()
    image = QImage(size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise ExportError(f"There is not enough memory for {width} x {height} pixels: choose a smaller picture.")
    image.setDotsPerMeterX(_DOTS_PER_METRE)
    image.setDotsPerMeterY(_DOTS_PER_METRE)
    painter = QPainter(image)
    try:
        draw(painter, size, reader, start_s, end_s, theme)
    finally:
        painter.end()
    with completed(path, reader.path) as file:
        file.write(_png(image))


def draw(
    painter: QPainter,
    size: QSize,
    reader: SessionReader,
    start_s: float | None = None,
    end_s: float | None = None,
    theme: Theme = "light",
) -> None:
    """The same on any device that a QPainter paints on. Raises ExportError when there is nothing to draw."""
    width, height = size.width(), size.height()
    unit = max(20.0 * min(width / 1600, height / 1000), 11.0)
    sheet = Canvas(PALETTES[theme], width, height, unit, painter)
    unit = sheet.unit
    left, right = 6.4 * unit, size.width() - 9.6 * unit
    figure = figure_of(reader, int(right - left), start_s, end_s)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(sheet.palette.ground))
    top = _draw_header(sheet, figure)
    bottom = _draw_footer(sheet, figure.notes) - 3.3 * unit
    time = Axis(figure.start_ns, figure.end_ns, left, right)
    _draw_panes(sheet, figure, time, top, bottom)
    _draw_time(sheet, figure, time, bottom)


def _draw_panes(sheet: Canvas, figure: Figure, time: Axis, top: float, bottom: float) -> None:
    """A session without runs is all power."""
    if not figure.has_runs:
        draw_power(Pane(sheet, QRectF(time.begin, top, time.end - time.begin, bottom - top), time), figure)
        return
    gap = 1.1 * sheet.unit
    free = bottom - top - 2 * gap
    y = top
    for drawer, share in ((draw_power, 0.56), (draw_latency, 0.21), (draw_accuracy, 0.23)):
        drawer(Pane(sheet, QRectF(time.begin, y, time.end - time.begin, share * free), time), figure)
        y += share * free + gap


def _draw_header(sheet: Canvas, figure: Figure) -> float:
    """Title, source and start, and the mark of a simulation; returns where the header ends."""
    unit, margin = sheet.unit, 1.5 * sheet.unit
    right = sheet.width - margin
    if figure.simulated:
        right = sheet.badge(right, margin, "SIMULATED") - margin
    title = sheet.elided(figure.title, right - margin, LARGE, bold=True)
    sheet.write(margin, margin + 0.6 * unit, title, sheet.palette.text, LARGE, bold=True)
    sheet.write(margin, margin + 2.2 * unit, sheet.elided(figure.subtitle, right - margin), sheet.palette.dim)
    return margin + 4.0 * unit


def _draw_footer(sheet: Canvas, notes: list[Note]) -> float:
    """What says whether the figure can be trusted, on as many lines as it takes; returns where the footer starts."""
    unit, margin, separator = sheet.unit, 1.5 * sheet.unit, "  ·  "
    lines: list[list[Note]] = [[]]
    for note in notes:
        line = separator.join(each.text for each in (*lines[-1], note))
        if lines[-1] and sheet.text_width(line, SMALL) > sheet.width - 2 * margin:
            lines.append([])
        lines[-1].append(note)
    first_y = sheet.height - 1.2 * unit - 1.3 * unit * (len(lines) - 1)
    for k, line_notes in enumerate(lines):
        x = margin
        for j, note in enumerate(line_notes):
            text = note.text if j == 0 else separator + note.text
            sheet.write(
                x, first_y + k * 1.3 * unit, text, sheet.palette.alarm if note.alarm else sheet.palette.dim, SMALL
            )
            x += sheet.text_width(text, SMALL)
    return first_y - 0.9 * unit


def _draw_time(sheet: Canvas, figure: Figure, time: Axis, y: float) -> None:
    unit, palette = sheet.unit, sheet.palette
    counted = time_unit((figure.end_ns - figure.start_ns) * 1e-9)
    factor = 1e-9 / counted.seconds
    low, high = (figure.start_ns - figure.zero_ns) * factor, (figure.end_ns - figure.zero_ns) * factor
    axis = Axis(low, high, time.begin, time.end)
    for tick in ticks(low, high, max(int((time.end - time.begin) / (5 * unit)), 2)):
        x = axis.place(tick.value)
        sheet.painter.setPen(sheet.pen(palette.dim))
        sheet.painter.drawLine(QLineF(x, y, x, y + 0.3 * unit))
        sheet.write(x, y + 1.0 * unit, tick.text, palette.dim, SMALL, align=0.5)
    sheet.write((time.begin + time.end) / 2, y + 2.4 * unit, f"time ({counted.name})", palette.text, align=0.5)


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"png")).write(image):
        raise ExportError("The picture cannot be packed as PNG: choose a smaller one.")
    return bytes(buffer.data().data())


def _need_application() -> None:
    """Text needs a QGuiApplication; a command line has none, and one that shows nothing will do."""
    global _application
    if QCoreApplication.instance() is None:
        _application = QGuiApplication(["monitor-app", "-platform", "offscreen"])
