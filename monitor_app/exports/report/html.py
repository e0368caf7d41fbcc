# SPDX-License-Identifier: Apache-2.0
"""A report as one page of HTML that needs nothing else: pictures and styles inside, no script, no network."""

from __future__ import annotations

import re
from functools import singledispatch
from html import escape
from typing import TYPE_CHECKING

from monitor_app.charts.contents import is_simulated, notes_of
from monitor_app.charts.files import chart_svg
from monitor_app.charts.plain import plain, plain_lines
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
from monitor_app.exports.report.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.analysis.findings.finding import Statistic
    from monitor_app.exports.report.headline import Headline

_STAMP = '<span class="stamp">SIMULATED</span>'
_NOT_OF_A_LINK = re.compile(r"[^a-z0-9]+")
_VERDICTS = {"holds": "holds", "does not hold": "fails"}
"""Class of the word; any other verdict is told quietly."""
_HEIGHT = 900
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Whatever a file smuggled in, a reader's browser would not run or load it."""


def html_of(document: Document) -> str:
    """The page. All text is escaped."""
    links = "".join(f'<a href="#{_slug(each.key)}">{_text(each.title)}</a>' for each in document.sections)
    stamp = f'<div class="band">{_STAMP} Not everything here was measured on a real thing.</div>'
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(document.title)}{' (SIMULATED)' if document.simulated else ''}</title>",
            f"<style>{STYLE}</style></head>",
            "<body>",
            stamp if document.simulated else "",
            f"<header><h1>{_text(document.title)}</h1><p>{_text(document.subtitle)}</p><nav>{links}</nav></header>",
            "<main>",
            *(_section(each) for each in document.sections),
            "</main>",
            f"<footer>{_text(document.footer)}</footer>",
            "</body></html>",
            "",
        )
    )


def _section(section: Section) -> str:
    blocks = "\n".join(_html(block) for block in section.blocks)
    return f'<section id="{_slug(section.key)}"><h2>{_text(section.title)}</h2>\n{blocks}\n</section>'


@singledispatch
def _html(block: Block) -> str:
    raise TypeError(block)


@_html.register(Text)
def _(block: Text) -> str:
    return f'<p class="dim">{_text(block.text)}</p>' if block.dim else f"<p>{_text(block.text)}</p>"


@_html.register(Subtitle)
def _(block: Subtitle) -> str:
    return f"<h3>{_text(block.text)}{' ' + _STAMP if block.simulated else ''}</h3>"


@_html.register(Flags)
def _(block: Flags) -> str:
    return f'<div class="flags">{"".join(f"<p>{_text(each)}</p>" for each in block.sentences)}</div>'


@_html.register(Points)
def _(block: Points) -> str:
    return _folded(block.fold, f"<ul>{_items(block.sentences)}</ul>")


@_html.register(Numbers)
def _(block: Numbers) -> str:
    return f'<div class="numbers">{"".join(_headline(each) for each in block.headlines)}</div>'


@_html.register(Facts)
def _(block: Facts) -> str:
    rows = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in block.rows)
    return f'<div class="wide"><table class="facts"><tbody>{rows}</tbody></table></div>'


@_html.register(Table)
def _(block: Table) -> str:
    head = "".join(f"<th>{_text(each)}</th>" for each in block.head)
    rows = "".join(
        f"<tr{' class=sim' if marked else ''}>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>"
        for row, marked in zip(block.rows, block.marked, strict=True)
    )
    return f'<div class="wide"><table class="cells"><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>'


@_html.register(Picture)
def _(block: Picture) -> str:
    chart = block.chart
    repeats = f", figure {chart.number} of the paper" if chart.number is not None else ""
    numbers = ", ".join(f"{_text(name)} {number(value)}" for name, value in chart.extra.items())
    stamp = f" {_STAMP}" if is_simulated(chart) else ""
    missing = notes_of(chart)
    return (
        f'<figure id="{_anchor(block)}">{chart_svg(chart, height=_HEIGHT)}\n'
        f"<figcaption><b>Figure {block.number}. {_text(chart.title)}</b>{_text(repeats)}.{stamp} {_text(chart.caption)}"
        f"{f'<p class=dim>{numbers}</p>' if numbers else ''}"
        f"{f'<ul class=dim>{_items(missing)}</ul>' if missing else ''}</figcaption></figure>"
    )


@_html.register(Tested)
def _(block: Tested) -> str:
    finding = block.finding
    word = finding.verdict.value
    link = ""
    if block.picture:
        link = f'<p><a href="#{_anchor(block.picture)}">Figure {block.picture.number}</a> is behind it.</p>'
    return (
        f'<article id="finding-{_slug(finding.key)}">'
        f'<h4><span class="verdict {_VERDICTS.get(word, "open")}">{_text(word)}</span> {_text(finding.claim)}'
        f"{' ' + _STAMP if finding.simulated else ''}</h4>"
        f"<p>{_text(finding.sentence)}</p>"
        f'<table class="facts"><tbody>{"".join(_statistic(each) for each in finding.statistics)}</tbody></table>'
        f"{f'<p class=dim>Decided against: {_text(finding.margin)}</p>' if finding.margin else ''}"
        f"{f'<p class=caution>{_text(finding.caution)}</p>' if finding.caution else ''}{link}</article>"
    )


@_html.register(Code)
def _(block: Code) -> str:
    return _folded(block.fold, f"<pre>{escape(plain_lines(block.text))}</pre>")


def _headline(each: Headline) -> str:
    stamp = f"<div>{_STAMP}</div>" if each.simulated else ""
    return (
        f'<div><div class="dim">{_text(each.name)}</div><div class="value">{_text(each.value)} '
        f'<span class="unit">{_text(each.unit)}</span></div><div class="dim">{_text(each.note)}</div>{stamp}</div>'
    )


def _statistic(each: Statistic) -> str:
    value = "not known" if each.estimate is None else f"{interval(each.estimate)} {each.unit}"
    return f"<tr><th>{_text(each.name)}</th><td>{_text(value)}</td></tr>"


def _folded(words: str, inside: str) -> str:
    return f"<details><summary>{_text(words)}</summary>{inside}</details>" if words else inside


def _items(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{_text(each)}</li>" for each in sentences)


def _anchor(picture: Picture) -> str:
    """The number keeps it apart from a chart of the same key."""
    return f"figure-{picture.number}-{_slug(picture.chart.key)}"


def _slug(key: str) -> str:
    return _NOT_OF_A_LINK.sub("-", key.lower()).strip("-")


def _text(text: str) -> str:
    return escape(plain(text))
