# SPDX-License-Identifier: Apache-2.0
"""A report as data: HTML and PDF are made from the same sections and blocks.

Every text is plain text, whatever a session file holds; the formats escape it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from monitor_app.analysis.findings.finding import Verdict
    from monitor_app.charts.model import Chart
    from monitor_app.exports.report.headline import Headline


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; ``dim`` for secondary information."""

    text: str
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Subtitle:
    """The name of one of several campaigns, above its blocks."""

    text: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """Sentences set off in the colour of alarms."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BulletList:
    """Sentences in a list; with ``summary``, folded behind it in HTML and under it as a heading in PDF."""

    sentences: tuple[str, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Headlines:
    """Numbers in large print, side by side."""

    headlines: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class FactTable:
    """Names and values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CellTable:
    """A table; each row is as long as the head, the first column is text and the others are aligned to the right.

    The last column says where the values of a row come from; it has the colour of alarms where they are simulated.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    simulated: tuple[bool, ...]
    """Of each row, whether it holds a simulated value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and the text below it."""

    chart: Chart
    title: str
    """With its number."""
    notes: tuple[str, ...]
    """What is missing from it and why."""
    simulated: bool

    @property
    def name(self) -> str:
        """Figure 8b; the title where it has no number."""
        return self.chart.numbered or self.chart.title


@dataclass(frozen=True, slots=True)
class FindingBlock:
    """The verdict on one claim, with its numbers."""

    key: str
    verdict: Verdict
    claim: str
    sentence: str
    statistics: tuple[tuple[str, str], ...]
    """Name and value of each."""
    margin: str
    caution: str
    figure: Figure | None
    """The figure that shows it."""
    simulated: bool


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Text in a font of fixed width; with ``summary``, folded behind it in HTML."""

    text: str
    summary: str = ""


Block: TypeAlias = (
    Paragraph | Subtitle | Alert | BulletList | Headlines | FactTable | CellTable | Figure | FindingBlock | CodeBlock
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report; ``key`` names it in links."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    simulated: bool
    sections: tuple[Section, ...]
    footer: str
