# SPDX-License-Identifier: Apache-2.0
"""Charts inside the text of a PDF: as wide as the page, painted as vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSizeF
from PySide6.QtGui import QPyTextObject, QTextCharFormat, QTextFormat

from monitor_app.charts.render import paint_chart

if TYPE_CHECKING:
    from PySide6.QtCore import QRect, QRectF
    from PySide6.QtGui import QPainter, QTextCursor, QTextDocument

    from monitor_app.charts.model import Chart

_CHART_WIDTH, _CHART_HEIGHT = 1600, 840
"""In the pixels of a chart file, so that its text has the size that it has there."""
_CHART_TYPE = int(QTextFormat.ObjectTypes.UserObject) + 1
_CHART_PROPERTY = int(QTextFormat.Property.UserProperty) + 1


class ChartObject(QPyTextObject):
    """Handles the objects of a document, which does not own it: it must live as long as the document is painted."""

    def __init__(self, document: QTextDocument, width: float) -> None:
        super().__init__()
        document.documentLayout().registerHandler(_CHART_TYPE, self)
        self._size = QSizeF(width, width * _CHART_HEIGHT / _CHART_WIDTH)
        self._charts: list[Chart] = []

    def insert(self, cursor: QTextCursor, chart: Chart) -> None:
        """A chart at the cursor, as a character."""
        made = QTextCharFormat()
        made.setObjectType(_CHART_TYPE)
        made.setProperty(_CHART_PROPERTY, len(self._charts))
        self._charts.append(chart)
        cursor.insertText("\N{OBJECT REPLACEMENT CHARACTER}", made)

    def intrinsicSize(self, doc: QTextDocument, position: int, format: QTextFormat) -> QSizeF:  # noqa: N802
        return self._size

    def drawObject(  # noqa: N802
        self, painter: QPainter, rect: QRectF | QRect, doc: QTextDocument, position: int, format: QTextFormat
    ) -> None:
        painter.save()
        painter.translate(rect.topLeft())
        painter.scale(rect.width() / _CHART_WIDTH, rect.height() / _CHART_HEIGHT)
        _paint_chart(painter, self._charts[int(format.property(_CHART_PROPERTY))])
        painter.restore()


def _paint_chart(painter: QPainter, chart: Chart) -> None:
    paint_chart(painter, chart, _CHART_WIDTH, _CHART_HEIGHT, captions=False)
