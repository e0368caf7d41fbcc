# SPDX-License-Identifier: Apache-2.0
"""A report as PDF on A4: text is text, charts are vectors, and nothing that belongs together is split over pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextBlockFormat,
    QTextCursor,
    QTextFormat,
)

from monitor_app.charts.canvas import plain
from monitor_app.charts.palette import PALETTES
from monitor_app.exports.report.pdf_blocks import FAMILIES, LaidOut, lay_out

if TYPE_CHECKING:
    from PySide6.QtGui import QTextBlock

    from monitor_app.exports.report.blocks import Document

_DPI = 1200
_MARGIN_MM, _HEADER_MM, _FOOTER_MM = QMarginsF(18, 22, 18, 20), 11.0, 287.0
"""Of the text, and where the running lines stand, from the top of the page."""
_COLOURS = PALETTES["light"]


def pdf_of(document: Document) -> bytes:
    """The file. Needs an application for fonts, as `charts.canvas.need_application` makes one."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(plain(document.title))
    writer.setCreator(plain(document.footer))
    writer.setResolution(_DPI)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF())
    area = QRectF(writer.pageLayout().fullRectPixels(_DPI)).marginsRemoved(_MARGIN_MM * (_DPI / 25.4))
    _paint(paginate(document, writer, area.size()), document, writer, area)
    return bytes(buffer.data().data())


def paginate(document: Document, writer: QPdfWriter, size: QSizeF) -> LaidOut:
    """The report on pages of this size, in the dots of the writer."""
    # The findings name the pages of their figures, which are known once the report has been laid out.
    first = _with_page_breaks(document, writer, size, {})
    return _with_page_breaks(document, writer, size, _pages_of_figures(first))


def _with_page_breaks(document: Document, writer: QPdfWriter, size: QSizeF, pages: dict[str, int]) -> LaidOut:
    """With breaks before paragraphs that would be split from those that they belong to."""
    laid_out = lay_out(document, writer, size, pages)
    for group in laid_out.together:
        first, last = (laid_out.text.findBlockByNumber(number) for number in (group.start, group.stop - 1))
        if _page(first, at_end=False) != _page(last, at_end=True) and _height(first, last) <= size.height():
            _break_before(first)
    return laid_out


def _pages_of_figures(laid_out: LaidOut) -> dict[str, int]:
    """Name of a figure to its page, from 1."""
    block = laid_out.text.findBlockByNumber
    return {name: _page(block(at), at_end=False) + 1 for name, at in laid_out.figures.items()}


def _rect(block: QTextBlock) -> QRectF:
    return block.document().documentLayout().blockBoundingRect(block)


def _page(block: QTextBlock, *, at_end: bool) -> int:
    """Page of the first or last line of a paragraph, from 0."""
    rect = _rect(block)
    place = rect.bottom() - 1 if at_end else rect.top() + 1
    if not at_end and block.layout().lineCount():
        place = rect.top() + block.layout().lineAt(0).y() + 1
    return int(place // block.document().pageSize().height())


def _height(first: QTextBlock, last: QTextBlock) -> float:
    """Of the lines from first to last, without the space that a page break leaves between them."""
    height, block = 0.0, first
    while block.isValid() and block.blockNumber() <= last.blockNumber():
        lines = block.layout()
        height += sum(lines.lineAt(k).height() for k in range(lines.lineCount()))
        block = block.next()
    return height


def _break_before(block: QTextBlock) -> None:
    added = QTextBlockFormat()
    added.setPageBreakPolicy(QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
    QTextCursor(block).mergeBlockFormat(added)


def _paint(laid_out: LaidOut, document: Document, writer: QPdfWriter, area: QRectF) -> None:
    painter = QPainter(writer)
    try:
        count = laid_out.text.pageCount()
        for page in range(count):
            if page:
                writer.newPage()
            painter.save()
            painter.translate(area.topLeft() - QPointF(0, page * area.height()))
            laid_out.text.drawContents(painter, QRectF(0, page * area.height(), area.width(), area.height()))
            painter.restore()
            _paint_running_lines(painter, document, area, f"{page + 1} of {count}")
    finally:
        painter.end()


def _paint_running_lines(painter: QPainter, document: Document, area: QRectF, page: str) -> None:
    """Title above the text, SIMULATED beside it, page number below."""
    dots = _DPI / 25.4
    font = QFont()
    font.setFamilies(FAMILIES)
    font.setPointSizeF(7.5)
    metrics = QFontMetricsF(font, painter.device())
    title = metrics.elidedText(plain(document.title), Qt.TextElideMode.ElideRight, area.width() * 0.8)
    painter.setFont(font)
    painter.setPen(QColor(_COLOURS.dim))
    painter.drawText(QPointF(area.left(), _HEADER_MM * dots), title)
    painter.drawText(QPointF(area.right() - metrics.horizontalAdvance(page), _FOOTER_MM * dots), page)
    if document.simulated:
        width, height = metrics.horizontalAdvance("SIMULATED"), metrics.ascent()
        box = QRectF(area.right() - width - height, _HEADER_MM * dots - 1.2 * height, width + height, 1.6 * height)
        painter.fillRect(box, QColor(_COLOURS.alarm))
        painter.setPen(QColor(_COLOURS.ground))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "SIMULATED")
