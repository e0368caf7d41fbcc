# SPDX-License-Identifier: Apache-2.0
"""A document as data, from which HTML and PDF are made alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from monitor_app.analysis.findings.finding import Finding
    from monitor_app.charts.model import Chart
    from monitor_app.exports.report.headline import Headline


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Subtitle:
    """Above what belongs to one of several campaigns."""

    text: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Flags:
    """Sentences that nobody may miss."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences in a list; with ``fold`` behind those words where the medium can fold."""

    sentences: tuple[str, ...]
    fold: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """In large print, side by side."""

    headlines: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Each row as long as the heading; the first column is text, the others are set to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: tuple[bool, ...]
    """Rows that hold something simulated."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its number in the report."""

    chart: Chart
    number: int


@dataclass(frozen=True, slots=True)
class Tested:
    """A finding, and the number of the picture behind it."""

    finding: Finding
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Code:
    """Text as a computer reads it; with ``fold`` behind those words where the medium can fold."""

    text: str
    fold: str = ""


Block: TypeAlias = Text | Subtitle | Flags | Points | Numbers | Facts | Table | Picture | Tested | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter; ``key`` is of links."""

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
