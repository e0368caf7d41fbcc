# SPDX-License-Identifier: Apache-2.0
"""The blocks of a report as a QTextDocument, which breaks lines, lays out tables and repeats their heads.

Text is inserted as text, never parsed as HTML, so that what a session file holds cannot become markup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from PySide6.QtCore import QSizeF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextListFormat,
    QTextOption,
    QTextTableFormat,
)

from monitor_app.analysis.findings.finding import Verdict
from monitor_app.charts.canvas import plain, plain_lines
from monitor_app.charts.palette import PALETTES
from monitor_app.exports.report.blocks import (
    Alert,
    BulletList,
    CellTable,
    CodeBlock,
    FactTable,
    Figure,
    FindingBlock,
    Headlines,
    Paragraph,
    Subtitle,
)
from monitor_app.exports.report.pdf_chart import ChartObject

if TYPE_CHECKING:
    from PySide6.QtGui import QPdfWriter, QTextTable

    from monitor_app.exports.report.blocks import Block, Document
    from monitor_app.exports.report.headline import Headline

FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "sans-serif"]
_FIXED_WIDTH = ["DejaVu Sans Mono", "Liberation Mono", "monospace"]
_COLOURS = PALETTES["light"]
_COLUMNS = 3
_VERDICT_COLOURS = {
    Verdict.HOLDS: _COLOURS.accuracy,
    Verdict.DOES_NOT_HOLD: _COLOURS.alarm,
    Verdict.INCONCLUSIVE: _COLOURS.current,
}
_TABLE_SIZES_PT = (8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A report as text on pages."""

    text: QTextDocument
    together: tuple[range, ...]
    """Numbers of paragraphs that stand on one page where a page can hold them."""
    figures: dict[str, int]
    """Name of a figure to the number of its paragraph."""
    charts: ChartObject


def lay_out(document: Document, writer: QPdfWriter, size: QSizeF, pages: dict[str, int]) -> LaidOut:
    """The report as a document of pages of this size, in the dots of the writer.

    Args:
        document: the report.
        writer: the device whose resolution the text is laid out for.
        size: of the part of a page that holds text.
        pages: page of each figure, from 1, as far as it is known.
    """
    text = QTextDocument()
    text.documentLayout().setPaintDevice(writer)
    text.setDocumentMargin(0)
    text.setPageSize(size)
    text.setIndentWidth(_INDENT * _PIXELS_PER_POINT)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    text.setDefaultTextOption(option)
    charts = ChartObject(text, size.width())
    written = _Writer(QTextCursor(text), writer, size.width(), pages, charts)
    written.document(document)
    return LaidOut(text, tuple(written.together), written.figures, charts)


def _style(
    size: float = 9.0, colour: str = _COLOURS.text, *, bold: bool = False, fixed: bool = False
) -> QTextCharFormat:
    """Size in points."""
    font = QFont()
    font.setFamilies(_FIXED_WIDTH if fixed else FAMILIES)
    font.setPointSizeF(size)
    font.setBold(bold)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made = QTextCharFormat()
    made.setFont(font)
    made.setForeground(QColor(colour))
    return made


_BODY, _DIM, _SMALL = _style(), _style(8.5, _COLOURS.dim), _style(8)
_BOLD, _CODE = _style(bold=True), _style(7.5, fixed=True)
_STAMP = _style(6.5, _COLOURS.ground, bold=True)
_STAMP.setBackground(QColor(_COLOURS.alarm))
_BULLETS = QTextListFormat()
_BULLETS.setStyle(QTextListFormat.Style.ListDisc)
_PIXELS_PER_POINT = 96 / 72
"""Qt takes lengths of formats in pixels of 96 dpi and scales them to the device."""
_LINE_HEIGHT, _INDENT, _CELL_PADDING, _BELOW_TABLE = 115.0, 14.0, 1.5, 8.0
"""Percent of the font's own height, then points."""
_VALUE = _style(13)


def _percentage(width: float) -> QTextLength:
    return QTextLength(QTextLength.Type.PercentageLength, width)


@dataclass(slots=True)
class _Writer:
    """Appends blocks to a document."""

    cursor: QTextCursor
    device: QPdfWriter
    width: float
    pages: dict[str, int]
    charts: ChartObject
    together: list[range] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    _empty: bool = True
    """The last paragraph is still to be filled: the first one of all, and the one that Qt puts behind a table."""

    def document(self, document: Document) -> None:
        """Title and sections."""
        self.cursor.beginEditBlock()
        self.paragraph(document.title, _style(22, bold=True), below=0)
        self.paragraph(document.subtitle, _style(10, _COLOURS.dim), below=0)
        self.paragraph(document.footer, _DIM)
        for section in document.sections:
            start = self._next()
            self.paragraph(section.title, _style(14, bold=True), above=18)
            for block in section.blocks:
                first = self._next()
                self.write(block)
                self._keep_together(block, start, first)
                start = start if isinstance(block, Subtitle) else self._next()
        self.cursor.endEditBlock()

    def _keep_together(self, block: Block, start: int, first: int) -> None:
        """Short blocks whole, and every heading with the beginning of what follows it."""
        end = self._next()
        if isinstance(block, Headlines):
            start = min(start, first - 1)  # a page can begin with the paragraph before a table, not with the table
        elif isinstance(block, CellTable):
            end = min(end, first + 3 * len(block.head))
        elif not isinstance(block, Figure | FindingBlock):
            end = min(end, first + 4)
        self.together.append(range(start, end))

    def _next(self) -> int:
        """Number of the paragraph that is written next."""
        return self.cursor.document().blockCount() - self._empty

    def paragraph(
        self,
        text: str,
        style: QTextCharFormat = _BODY,
        *,
        above: float = 0,
        below: float = 4,
        indent: int = 0,
        ground: str = "",
        line_height: float = _LINE_HEIGHT,
    ) -> None:
        """A paragraph of its own; lengths in points, the height of lines in percent of the font's."""
        made = QTextBlockFormat()
        made.setTopMargin(above * _PIXELS_PER_POINT)
        made.setBottomMargin(below * _PIXELS_PER_POINT)
        made.setIndent(indent)
        made.setLineHeight(line_height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if ground:
            made.setBackground(QBrush(QColor(ground)))
        if self._empty:
            self.cursor.setBlockFormat(made)
            self.cursor.setBlockCharFormat(style)
        else:
            self.cursor.insertBlock(made, style)
        self._empty = False
        self.cursor.insertText(plain(text), style)

    def add(self, text: str, style: QTextCharFormat) -> None:
        """Text at the end of the paragraph."""
        self.cursor.insertText(plain(text), style)

    def stamp(self, simulated: bool) -> None:
        """SIMULATED at the end of the paragraph, where that is so."""
        if simulated:
            self.cursor.insertText("  ", _BODY)
            self.cursor.insertText(" SIMULATED ", _STAMP)

    def table(self, rows: int, widths: tuple[float, ...], *, padding: float, head: int = 0) -> QTextTable:
        """A table as wide as the page without borders; `after_table` must follow it.

        Args:
            rows: how many.
            widths: of the columns, in percent of the page; 0 for one that is as wide as its text.
            padding: of the cells, in points.
            head: number of rows that are repeated on each page.
        """
        made = QTextTableFormat()
        made.setBorder(0)
        made.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_None)
        made.setCellSpacing(0)
        made.setBottomMargin(_BELOW_TABLE * _PIXELS_PER_POINT)
        made.setCellPadding(padding * _PIXELS_PER_POINT)
        made.setWidth(_percentage(100))
        made.setColumnWidthConstraints([_percentage(each) if each else QTextLength() for each in widths])
        made.setHeaderRowCount(head)
        return self.cursor.insertTable(rows, len(widths), made)

    def after_table(self) -> None:
        """Back to the paragraphs."""
        self.cursor.movePosition(QTextCursor.MoveOperation.End)
        self._empty = True

    def cell(self, table: QTextTable, row: int, column: int) -> None:
        """The next paragraph goes into this cell."""
        self.cursor = table.cellAt(row, column).firstCursorPosition()
        self._empty = True

    @singledispatchmethod
    def write(self, block: Block) -> None:
        """Append a block."""
        raise TypeError(block)

    @write.register
    def _(self, block: Paragraph) -> None:
        self.paragraph(block.text, _DIM if block.dim else _BODY)

    @write.register
    def _(self, block: Subtitle) -> None:
        self.paragraph(block.text, _style(10.5, bold=True), above=8)
        self.stamp(block.simulated)

    @write.register
    def _(self, block: Alert) -> None:
        for sentence in block.sentences:
            self.paragraph(sentence, _style(9, _COLOURS.alarm, bold=True))

    @write.register
    def _(self, block: BulletList) -> None:
        if block.summary:
            self.paragraph(block.summary, _BOLD, above=6)
        bullets = None
        for sentence in block.sentences:
            self.paragraph(sentence, _SMALL if block.summary else _BODY, below=2)
            if bullets is None:
                bullets = self.cursor.createList(_BULLETS)
            else:
                bullets.add(self.cursor.block())

    @write.register
    def _(self, block: Headlines) -> None:
        rows = -(-len(block.headlines) // _COLUMNS)
        table = self.table(rows, (100 / _COLUMNS,) * _COLUMNS, padding=3)
        for k, each in enumerate(block.headlines):
            self.cell(table, k // _COLUMNS, k % _COLUMNS)
            self._headline(each)
        self.after_table()

    def _headline(self, each: Headline) -> None:
        self.paragraph(each.name, _DIM, below=0)
        self.paragraph(each.value, _VALUE, below=0)
        self.add(f"  {each.unit}", _DIM)
        self.paragraph(each.note, _DIM, below=0)
        self.stamp(each.simulated)

    @write.register
    def _(self, block: FactTable) -> None:
        if not block.rows:
            return
        table = self.table(len(block.rows), (28, 72), padding=0.5)
        for k, (name, value) in enumerate(block.rows):
            self.cell(table, k, 0)
            self.paragraph(name, _DIM, below=0)
            self.cell(table, k, 1)
            self.paragraph(value, below=0)
        self.after_table()

    @write.register
    def _(self, block: CellTable) -> None:
        size = self._size_that_fits(block)
        table = self.table(len(block.rows) + 1, (0,) * len(block.head), padding=_CELL_PADDING, head=1)
        for column, text in enumerate(block.head):
            self._cell(table, 0, column, text, _style(size, _COLOURS.dim))
        for k, (row, simulated) in enumerate(zip(block.rows, block.simulated, strict=True), 1):
            for column, text in enumerate(row):
                alarm = simulated and column == len(row) - 1
                self._cell(table, k, column, text, _style(size, _COLOURS.alarm, bold=True) if alarm else _style(size))
        self.after_table()

    def _cell(self, table: QTextTable, row: int, column: int, text: str, style: QTextCharFormat) -> None:
        """The first column is aligned to the left, the others to the right; every second row has a background."""
        self.cell(table, row, column)
        self.paragraph(text, style, below=0)
        if column:
            made = self.cursor.blockFormat()
            made.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.cursor.setBlockFormat(made)
        if row and row % 2 == 0:
            of_cell = table.cellAt(row, column).format()
            of_cell.setBackground(QBrush(QColor(_COLOURS.panel)))
            table.cellAt(row, column).setFormat(of_cell)

    def _size_that_fits(self, block: CellTable) -> float:
        """The largest size of text in which each row is one line, in points."""
        columns = [
            max((plain(text) for text in column), key=len) for column in zip(block.head, *block.rows, strict=True)
        ]
        for size in _TABLE_SIZES_PT:
            needed = sum(self._text_width(text, _style(size)) for text in columns[:-1])
            needed += self._text_width(columns[-1], _style(size, bold=True))
            if needed + len(columns) * 2 * (_CELL_PADDING + 1) * self.device.resolution() / 72 <= self.width:
                return size
        return _TABLE_SIZES_PT[-1]

    def _text_width(self, text: str, style: QTextCharFormat) -> float:
        """In dots of the device."""
        return QFontMetricsF(style.font(), self.device).horizontalAdvance(text) or 1.0

    @write.register
    def _(self, block: Figure) -> None:
        self.figures[block.name] = self._next()
        self.paragraph("", _BODY, above=10, line_height=100)
        self.charts.insert(self.cursor, block.chart)
        self.paragraph(block.title, _BOLD, below=1)
        self.stamp(block.simulated)
        if block.chart.caption:
            self.paragraph(block.chart.caption, below=1)
        for note in block.notes:
            self.paragraph(note, _style(8, _COLOURS.dim), below=1)

    @write.register
    def _(self, block: FindingBlock) -> None:
        colour = _VERDICT_COLOURS.get(block.verdict, _COLOURS.dim)
        self.paragraph(f"{block.verdict.marked}:  ", _style(9, colour, bold=True), above=8, below=2)
        self.add(block.claim, _BOLD)
        self.stamp(block.simulated)
        self.paragraph(block.sentence, indent=1, below=2)
        for name, value in block.statistics:
            self.paragraph(f"{name}: {value}", _SMALL, indent=1, below=0)
        if block.margin:
            self.paragraph(f"Criterion: {block.margin}", _DIM, indent=1, below=0)
        if block.caution:
            self.paragraph(block.caution, _style(9, _COLOURS.power), indent=1, below=0)
        if block.figure:
            name = block.figure.name
            self.paragraph(f"See {name} on page {self.pages.get(name, 0)}.", _DIM, indent=1, below=0)

    @write.register
    def _(self, block: CodeBlock) -> None:
        if block.summary:
            self.paragraph(block.summary, _BOLD, above=6)
        for line in plain_lines(block.text).split("\n"):
            self.paragraph(line, _CODE, below=0, ground=_COLOURS.panel)
        self.paragraph("", _SMALL, below=0)
