# SPDX-License-Identifier: Apache-2.0
"""Charts as files, and as a picture for a page."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPoint, QRect, QSize, QSizeF
from PySide6.QtGui import QFontMetricsF, QImage, QImageWriter, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from monitor_app.charts.canvas import FONTS, font, plain
from monitor_app.charts.layout import lay_out
from monitor_app.charts.palette import PALETTES, PRINT
from monitor_app.charts.render import paint
from monitor_app.core.errors import ExportError
from monitor_app.core.files.atomic_file import completed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from monitor_app.charts.layout import Layout
    from monitor_app.charts.model import Chart
    from monitor_app.charts.palette import Theme

WIDTH, HEIGHT = 1600, 1000
SMALLEST, LARGEST = QSize(480, 320), QSize(16384, 16384)
_DOTS_PER_METRE = 10_000
"""254 dpi: 1600 pixels are 16 cm, the width of a page of text."""
_POINTS_PER_PIXEL = 72 / 254
_PDF_DPI, _PRINT_DPI = 1200, 600
_SVG = "http://www.w3.org/2000/svg"
_LONG = re.compile(r"-?\d+\.\d{3,}")
_BOLD = 600


def draw_chart(chart: Chart, path: Path, *, theme: Theme = "light", width: int = WIDTH, height: int = HEIGHT) -> None:
    """The chart as PNG, SVG or PDF, as the suffix says; 254 pixels are an inch of paper.

    Needs no display. Raises ExportError.
    """
    _check_size(width, height)
    draw_layout(lay_out(chart, (width, height), PALETTES[theme]), path)


def draw_print(chart: Chart, path: Path, *, width: int = WIDTH, height: int = HEIGHT) -> None:
    """The same for a page of text: black on white, in letters of 7 points, without title and caption.

    A PNG file has 600 pixels an inch. Raises ExportError.
    """
    _check_size(width, height)
    draw_layout(lay_out(chart, (width, height), PRINT, for_print=True), path, enlarged=_PRINT_DPI / 254)


def _check_size(width: int, height: int) -> None:
    size = QSize(width, height)
    if size.expandedTo(SMALLEST) != size or size.boundedTo(LARGEST) != size:
        raise ExportError(
            f"A chart of {width} x {height} pixels cannot be drawn: choose from {SMALLEST.width()} x "
            f"{SMALLEST.height()} to {LARGEST.width()} x {LARGEST.height()}."
        )


def draw_layout(layout: Layout, path: Path, *, enlarged: float = 1.0) -> None:
    """The same for a chart that is laid out already: its picture is written as it is seen.

    ``enlarged``: pixels of a PNG file for each pixel of the layout, in both directions. Raises ExportError.
    """
    makers: dict[str, Callable[[Layout], bytes]] = {
        ".png": partial(_png, enlarged=enlarged), ".svg": _svg_file, ".pdf": _pdf
    }  # fmt: skip
    maker = makers.get(path.suffix.lower())
    if maker is None:
        raise ExportError(f"A chart is written as .png, .svg or .pdf, not as {path.name}: choose one of these endings.")
    made = maker(layout)
    with completed(path) as file:
        file.write(made)


def chart_svg(
    chart: Chart, *, theme: Theme = "light", width: int = WIDTH, height: int = HEIGHT, captions: bool = False
) -> str:
    """One <svg> element to stand in a page, by default without the title and the words that the page has itself."""
    return _svg(lay_out(chart, (width, height), PALETTES[theme], captions=captions))


def _svg(layout: Layout) -> str:
    size = _size(layout)
    buffer = _buffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(), size))
    # A pixel of the painter is one of the file, so that sizes of text mean the same.
    generator.setResolution(96)
    _painted(generator, layout)
    return _tidied(bytes(buffer.data().data()), layout.chart.title, size.width(), size.height())


def _svg_file(layout: Layout) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_svg(layout)}\n'.encode()


def _png(layout: Layout, enlarged: float) -> bytes:
    size = _size(layout) * enlarged
    image = QImage(size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise ExportError(
            f"There is not enough memory for {size.width()} x {size.height()} pixels: choose a smaller picture."
        )
    image.setDotsPerMeterX(round(_DOTS_PER_METRE * enlarged))
    image.setDotsPerMeterY(round(_DOTS_PER_METRE * enlarged))
    _painted(image, layout, enlarged)
    buffer = _buffer()
    if not QImageWriter(buffer, QByteArray(b"png")).write(image):
        raise ExportError("The picture cannot be packed as PNG: choose a smaller one.")
    return bytes(buffer.data().data())


def _pdf(layout: Layout) -> bytes:
    size = _size(layout)
    buffer = _buffer()
    writer = QPdfWriter(buffer)
    writer.setTitle(plain(layout.chart.title))
    writer.setResolution(_PDF_DPI)
    points = QSizeF(size.width() * _POINTS_PER_PIXEL, size.height() * _POINTS_PER_PIXEL)
    writer.setPageSize(QPageSize(points, QPageSize.Unit.Point))
    writer.setPageMargins(QMarginsF())
    _painted(writer, layout, _PDF_DPI / 254)
    return bytes(buffer.data().data())


def _painted(device: QImage | QSvgGenerator | QPdfWriter, layout: Layout, scale: float = 1.0) -> None:
    painter = QPainter(device)
    try:
        painter.scale(scale, scale)
        paint(layout, painter)
    finally:
        painter.end()


def _size(layout: Layout) -> QSize:
    return QSize(round(layout.style.width), round(layout.style.height))


def _buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer


# -- SVG made fit for a page: scaling, named for readers, and as wide in any font ------------------


def _tidied(svg: bytes, title: str, width: float, height: float) -> str:
    """One <svg> element without prologue, for a file of its own or inside a page."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    for name in ("title", "desc"):
        for child in root.findall(f"{{{_SVG}}}{name}"):
            root.remove(child)
    root.attrib.clear()
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", f"{width:g}")
    root.set("height", f"{height:g}")
    root.set("role", "img")
    heading = ElementTree.Element(f"{{{_SVG}}}title")
    heading.text = plain(title)
    root.insert(0, heading)
    for element in root.iter():
        _shorten(element)
        if element.tag == f"{{{_SVG}}}text":
            _fix_width(element)
    return ElementTree.tostring(root, encoding="unicode")


def _shorten(element: Element) -> None:
    """Thousandths of a pixel are enough; the file is half as large."""
    for name in ("d", "points", "transform", "cx", "cy", "r", "x", "y"):
        if name in element.attrib:
            element.set(name, _LONG.sub(lambda found: f"{float(found[0]):.2f}", element.attrib[name]))


def _fix_width(element: Element) -> None:
    """The text takes the room that it was given here, whatever font the reader has."""
    pixels = max(round(float(element.get("font-size", "12").removesuffix("px"))), 1)
    bold = int(element.get("font-weight", "400")) >= _BOLD
    width = QFontMetricsF(font(pixels, bold)).horizontalAdvance(element.text or "")
    element.set("font-family", ", ".join(FONTS))
    if width > 0:
        element.set("textLength", f"{width:.1f}")
        element.set("lengthAdjust", "spacingAndGlyphs")
