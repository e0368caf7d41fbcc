# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page that loads nothing: charts and styles are inside it, and it has no script."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor_app.charts.canvas import plain, plain_lines
from monitor_app.charts.files import chart_svg
from monitor_app.charts.palette import PALETTES

if TYPE_CHECKING:
    from monitor_app.exports.report.blocks import Document, Figure

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Should markup from a session file ever get through, the browser neither runs nor loads it."""
_CHART_HEIGHT = 900
_NOT_IN_A_LINK = re.compile(r"[^a-z0-9]+")


def html_of(document: Document) -> str:
    """The page. Needs an application for fonts, as `charts.canvas.need_application` makes one."""
    template = _environment().get_template("report.html.j2")
    return template.render(document=document, colours=PALETTES["light"], policy=_POLICY)


@cache
def _environment() -> Environment:
    """Templates escape every text; only charts, which our own renderer draws, are markup."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters.update(
        kind=lambda block: type(block).__name__, slug=_slug, anchor=_anchor, lines=_lines, svg=_svg
    )
    return environment


def _printable(value: object) -> object:
    """Text without control characters, which HTML forbids and which can reverse the direction of reading."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _lines(text: str) -> list[str]:
    return plain_lines(text).split("\n")


def _svg(figure: Figure) -> str:
    return chart_svg(figure.chart, height=_CHART_HEIGHT)


def _anchor(figure: Figure) -> str:
    return _slug(f"{figure.name} {figure.chart.key}")


def _slug(key: str) -> str:
    return _NOT_IN_A_LINK.sub("-", key.lower()).strip("-")
