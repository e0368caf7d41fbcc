# SPDX-License-Identifier: Apache-2.0
"""A report as PDF: the same sections on A4, its charts as vectors, its text as text."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice

from monitor_app.charts.contents import is_simulated, notes_of
from monitor_app.charts.plain import plain_lines
from monitor_app.core.formatting import interval, number
from monitor_app.exports.report.blocks import (
    Block,
    Code,
    Document,
    Facts,
    Flags,
    Numbers,
    Picture,
    Points,
    Section,
    Subtitle,
    Table,
    Tested,
    Text,
)
from monitor_app.exports.report.paper import (
    BOTTOM,
    COLOURS,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Paper,
    Running,
    Style,
    chart_height,
    text_width,
    wrapped,
)
from monitor_app.exports.report.pdf_table import draw_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.exports.report.headline import Headline

BODY, DIM = Style(), Style(8.5, COLOURS.dim)
_TITLE, _SECTION, _SUBTITLE = Style(22, bold=True), Style(14, bold=True), Style(10.5, bold=True)
_BOLD, _VALUE, _CODE = Style(bold=True), Style(15), Style(7.5, code=True)
_SMALL, _SMALL_DIM = Style(8), Style(8, COLOURS.dim)
_VERDICTS = {"holds": COLOURS.accuracy, "does not hold": COLOURS.alarm}
_NAMES = 120.0
"""Width of the names of facts, in points."""
_COLUMNS = 3


def pdf_of(document: Document) -> bytes:
    """The file. Pages are laid out twice: first to learn how many there are and where each figure stands."""
    _, pages, places = _laid_out(document, 0, {})
    made, _, _ = _laid_out(document, pages, places)
    return made


def _laid_out(document: Document, pages: int, places: Mapping[int, int]) -> tuple[bytes, int, dict[int, int]]:
    """The file, how many pages it has, and on which of them each figure is."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    paper = Paper(buffer, Running(document.title, document.simulated, pages), document.footer)
    found: dict[int, int] = {}
    try:
        _draw_head(paper, document)
        for section in document.sections:
            _draw_section(paper, section, found, places)
    finally:
        paper.close()
    return bytes(buffer.data().data()), paper.page, found


def _draw_head(paper: Paper, document: Document) -> None:
    paper.text(document.title, _TITLE)
    if document.subtitle:
        paper.text(document.subtitle, Style(10, COLOURS.dim))
    paper.text(document.footer, DIM)


def _draw_section(paper: Paper, section: Section, found: dict[int, int], places: Mapping[int, int]) -> None:
    paper.gap(18)
    first = next(iter(section.blocks), None)
    below = _height(first) if isinstance(first, Picture) else 60
    paper.need(min(_SECTION.leading + 4 + below, BOTTOM - TOP))
    paper.text(section.title, _SECTION)
    paper.gap(4)
    for block in section.blocks:
        if isinstance(block, Picture):
            _reserve(paper, block)
            found[block.number] = paper.page
        if isinstance(block, Tested):
            _draw_tested(paper, block, places)
        else:
            _draw(block, paper)


@singledispatch
def _draw(block: Block, paper: Paper) -> None:
    raise TypeError(block)


@_draw.register(Text)
def _(block: Text, paper: Paper) -> None:
    paper.text(block.text, DIM if block.dim else BODY)
    paper.gap(4)


@_draw.register(Subtitle)
def _(block: Subtitle, paper: Paper) -> None:
    paper.gap(8)
    paper.need(_SUBTITLE.leading + 50)
    y = paper.y
    paper.text(block.text, _SUBTITLE, right=RIGHT - 80)
    if block.simulated:
        paper.stamp(RIGHT, y, 8, align=1.0)
    paper.gap(3)


@_draw.register(Flags)
def _(block: Flags, paper: Paper) -> None:
    style = Style(9, COLOURS.alarm)
    for sentence in block.sentences:
        for line in wrapped(sentence, style, WIDTH - 12):
            paper.need(style.leading)
            paper.box(LEFT, paper.y, 3, style.leading, COLOURS.alarm)
            paper.put(line, style, LEFT + 12, paper.y)
            paper.y += style.leading
    paper.gap(8)


@_draw.register(Points)
def _(block: Points, paper: Paper) -> None:
    if block.fold:
        paper.gap(6)
        paper.need(40)
        paper.text(block.fold, _BOLD)
    style = _SMALL if block.fold else BODY
    for sentence in block.sentences:
        paper.need(style.leading)
        paper.put("·", style, LEFT, paper.y)
        paper.text(sentence, style, LEFT + 12)
        paper.gap(2)


@_draw.register(Numbers)
def _(block: Numbers, paper: Paper) -> None:
    width = WIDTH / _COLUMNS
    for start in range(0, len(block.headlines), _COLUMNS):
        row = block.headlines[start : start + _COLUMNS]
        notes = [wrapped(each.note, DIM, width - 14) for each in row]
        height = 12 + _VALUE.leading + max(len(lines) for lines in notes) * DIM.leading + 20
        paper.need(height)
        for k, (each, lines) in enumerate(zip(row, notes, strict=True)):
            _draw_headline(paper, each, lines, LEFT + k * width, width - 14)
        paper.y += height


def _draw_headline(paper: Paper, each: Headline, lines: list[str], x: float, width: float) -> None:
    y = paper.y
    room = width - text_width(each.unit, DIM) - 4
    value = Style(_VALUE.size * min(room / text_width(each.value, _VALUE), 1.0))
    paper.put(each.name, DIM, x, y)
    y += DIM.leading
    paper.put(each.unit, DIM, x + paper.put(each.value, value, x, y + _VALUE.leading - value.leading) + 4, y + 5)
    y += _VALUE.leading
    for line in lines:
        paper.put(line, DIM, x, y)
        y += DIM.leading
    if each.simulated:
        paper.stamp(x, y + 1, 6)


@_draw.register(Facts)
def _(block: Facts, paper: Paper) -> None:
    names = min(max((text_width(name, DIM) for name, _ in block.rows), default=0.0) + 12, _NAMES + 80)
    for name, value in block.rows:
        paper.need(BODY.leading)
        paper.put(wrapped(name, DIM, names)[0], DIM, LEFT, paper.y)
        paper.text(value, BODY, LEFT + names)
    paper.gap(6)


@_draw.register(Table)
def _(block: Table, paper: Paper) -> None:
    draw_table(paper, block)


@_draw.register(Picture)
def _(block: Picture, paper: Paper) -> None:
    paper.chart(block.chart)
    paper.gap(3)
    for text, style in _words_of(block):
        paper.text(text, style)
    paper.gap(14)


def _words_of(block: Picture) -> list[tuple[str, Style]]:
    """What stands under a picture."""
    chart = block.chart
    repeats = f", figure {chart.number} of the paper" if chart.number is not None else ""
    mark = " SIMULATED." if is_simulated(chart) else ""
    words = [(f"Figure {block.number}. {chart.title}{repeats}.{mark}", _BOLD)]
    if chart.caption:
        words.append((chart.caption, BODY))
    if chart.extra:
        words.append((", ".join(f"{name} {number(value)}" for name, value in chart.extra.items()), _SMALL))
    return words + [(sentence, _SMALL_DIM) for sentence in notes_of(chart)]


def _reserve(paper: Paper, block: Picture) -> None:
    """A picture and what stands under it stay together, where a page holds both."""
    paper.need(min(_height(block), BOTTOM - TOP))


def _height(block: Picture) -> float:
    """Of a picture with what stands under it."""
    below = sum(len(wrapped(text, style, WIDTH)) * style.leading for text, style in _words_of(block))
    return chart_height() + 3 + below


def _draw_tested(paper: Paper, block: Tested, places: Mapping[int, int]) -> None:
    finding = block.finding
    paper.need(90)
    word = finding.verdict.value
    mark = 76.0
    top, page = paper.y, paper.page
    style = Style(9, _VERDICTS.get(word, COLOURS.dim), bold=True)
    lines = wrapped(word, style, mark - 6)
    for k, line in enumerate(lines):
        paper.put(line, style, LEFT, top + k * style.leading)
    if finding.simulated:
        paper.stamp(LEFT, top + len(lines) * style.leading + 1, 6)
    paper.text(finding.claim, _BOLD, LEFT + mark)
    paper.text(finding.sentence, BODY, LEFT + mark)
    for each in finding.statistics:
        value = "not known" if each.estimate is None else f"{interval(each.estimate)} {each.unit}".rstrip()
        paper.text(f"{each.name}: {value}", _SMALL, LEFT + mark)
    if finding.margin:
        paper.text(f"Decided against: {finding.margin}", DIM, LEFT + mark)
    if finding.caution:
        paper.text(finding.caution, Style(9, COLOURS.power), LEFT + mark)
    if block.picture:
        where = places.get(block.picture.number, 0)
        paper.text(f"Figure {block.picture.number} on page {where} is behind it.", DIM, LEFT + mark)
    if paper.page == page:
        paper.y = max(paper.y, top + (len(lines) + 1) * style.leading)
    paper.gap(10)


@_draw.register(Code)
def _(block: Code, paper: Paper) -> None:
    if block.fold:
        paper.gap(6)
        paper.need(40)
        paper.text(block.fold, _BOLD)
    for line in plain_lines(block.text).split("\n"):
        for part in wrapped(line, _CODE, WIDTH - 16):
            paper.need(_CODE.leading)
            paper.box(LEFT, paper.y, WIDTH, _CODE.leading + 0.3, COLOURS.panel)
            paper.put(part, _CODE, LEFT + 8, paper.y)
            paper.y += _CODE.leading
    paper.gap(8)
