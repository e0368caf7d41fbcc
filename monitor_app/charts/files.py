# SPDX-License-Identifier: Apache-2.0
"""Charts as files, and as a picture for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRect, QSize, QSizeF
from PySide6.QtGui import QImage, QImageWriter, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from monitor_app.charts.application import need_application
from monitor_app.charts.plain import plain
from monitor_app.charts.render import paint_chart
from monitor_app.charts.svg import tidied
from monitor_app.core.atomic_file import completed
from monitor_app.core.errors import ExportError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.charts.model import Chart
    from monitor_app.charts.palette import Theme

WIDTH, HEIGHT = 1600, 1000
SMALLEST, LARGEST = QSize(480, 320), QSize(16384, 16384)
_DOTS_PER_METRE = 10_000
"""254 dpi: 1600 pixels are 16 cm, the width of a page of text."""
_POINTS_PER_PIXEL = 72 / 254
_PDF_DPI = 1200


def draw_chart(chart: Chart, path: Path, *, theme: Theme = "light", width: int = WIDTH, height: int = HEIGHT) -> None:
    """The chart as PNG, SVG or PDF, as the suffix says; 254 pixels are an inch of paper.

    Needs no display. Raises ExportError.
    """
    makers = {".png": _png, ".svg": _svg_file, ".pdf": _pdf}
    maker = makers.get(path.suffix.lower())
    if maker is None:
        raise ExportError(f"A chart is written as .png, .svg or .pdf, not as {path.name}: choose one of these endings.")
    size = QSize(width, height)
    if size.expandedTo(SMALLEST) != size or size.boundedTo(LARGEST) != size:
        raise ExportError(
            f"A chart of {width} x {height} pixels cannot be drawn: choose from {SMALLEST.width()} x "
            f"{SMALLEST.height()} to {LARGEST.width()} x {LARGEST.height()}."
        )
    need_application()
    made = maker(chart, size, theme)
    with completed(path) as file:
        file.write(made)


def chart_svg(
    chart: Chart, *, theme: Theme = "light", width: int = WIDTH, height: int = HEIGHT, captions: bool = False
) -> str:
    """One <svg> element to stand in a page, by default without the title and the words that the page has itself."""
    need_application()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(width, height))
    generator.setViewBox(QRect(0, 0, width, height))
    # A pixel of the painter is one of the file, so that sizes of text mean the same.
    generator.setResolution(96)
    _painted(generator, chart, QSize(width, height), theme, captions=captions)
    return tidied(bytes(buffer.data().data()), chart.title, width, height)


def _svg_file(chart: Chart, size: QSize, theme: Theme) -> bytes:
    svg = chart_svg(chart, theme=theme, width=size.width(), height=size.height(), captions=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg}\n'.encode()


def _png(chart: Chart, size: QSize, theme: Theme) -> bytes:
    image = QImage(size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise ExportError(
            f"There is not enough memory for {size.width()} x {size.height()} pixels: choose a smaller picture."
        )
    image.setDotsPerMeterX(_DOTS_PER_METRE)
    image.setDotsPerMeterY(_DOTS_PER_METRE)
    _painted(image, chart, size, theme)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"png")).write(image):
        raise ExportError("The picture cannot be packed as PNG: choose a smaller one.")
    return bytes(buffer.data().data())


def _pdf(chart: Chart, size: QSize, theme: Theme) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(plain(chart.title))
    writer.setResolution(_PDF_DPI)
    points = QSizeF(size.width() * _POINTS_PER_PIXEL, size.height() * _POINTS_PER_PIXEL)
    writer.setPageSize(QPageSize(points, QPageSize.Unit.Point))
    writer.setPageMargins(QMarginsF())
    _painted(writer, chart, size, theme, scale=_PDF_DPI / 254)
    return bytes(buffer.data().data())


def _painted(
    device: QImage | QSvgGenerator | QPdfWriter,
    chart: Chart,
    size: QSize,
    theme: Theme,
    *,
    scale: float = 1.0,
    captions: bool = True,
) -> None:
    painter = QPainter(device)
    try:
        painter.scale(scale, scale)
        paint_chart(painter, chart, size.width(), size.height(), theme=theme, captions=captions)
    finally:
        painter.end()
