# SPDX-License-Identifier: Apache-2.0
"""Lines of text as values: numbers with a separator between, JSON objects, or numbers after their labels.

Pure: bytes and state in, values out. A line is taken whole or not at all. One that does not fit is counted and takes
up an index, for it was a sample; lines that begin with ``#``, blank lines and headings are not samples. The first piece
of a stream may be the rest of a line and is not taken for values.

Labelled values ("Voltage:5.0,Current:12.3", or "Current(mA): 12.3" on a line of its own) make a sample when all of
them have come; where they come on several lines, that with the first field begins a sample.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NO_CHECKSUM = "Its lines have no checksum: a digit changed on the line gives a wrong value, which is not noticed."
MAX_LINE_BYTES = 4096
LARGEST = 3e38
"""A float32 holds no more."""
NUMBER = rb"([+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?)"

Field: TypeAlias = "str | int"
Row: TypeAlias = "tuple[float, ...]"


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a line."""

    format: Literal["csv", "json", "labelled"]
    fields: tuple[Field, ...]
    """Heading, key or number (from 0) of each value."""
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    time: Field | None = None
    """Where the instrument's own time is."""
    separator: str = ","
    comments: tuple[bytes, ...] = (b"#",)
    """How lines begin that are not values."""

    @property
    def wanted(self) -> tuple[Field, ...]:
        """All fields that are read; the time is the last."""
        return self.fields if self.time is None else (*self.fields, self.time)

    @property
    def headings(self) -> tuple[str, ...]:
        """Those that only a heading line places."""
        return tuple(f for f in self.wanted if isinstance(f, str)) if self.format == "csv" else ()


@dataclass(frozen=True, slots=True)
class LinesState:
    """What is carried from one read to the next."""

    remainder: bytes = b""
    whole: bool = False
    """The end of a line has been seen, so that lines are whole from here on."""
    places: tuple[int, ...] | None = None
    """Of CSV: the column of each field that is wanted; None before the heading."""
    width: int | None = None
    """Of CSV: the columns of a line, once one has fitted; a line with fewer or more has lost or gained a piece."""
    lines: int = 0
    """Lines that were or should have been samples, from the first that was."""
    malformed: int = 0
    """Those of them that did not fit."""
    begun: tuple[tuple[str, float], ...] = ()
    """Of labelled lines: values of a sample of which others are still to come."""


@dataclass(frozen=True, slots=True)
class DecodedLines:
    """What a read has completed, and what is carried to the next."""

    index: NDArray[np.int64]
    """Of each line that fits: its number among all samples, malformed ones counted."""
    values: NDArray[np.float64]
    """Shape (lines, fields), scaled."""
    stamps: NDArray[np.float64] | None
    """The instrument's own time of each, in its units."""
    rejected: bytes | None
    """The last line that was malformed."""
    comments: tuple[bytes, ...]
    state: LinesState = field(default_factory=LinesState)


def decode(data: bytes, state: LinesState, layout: Layout) -> DecodedLines:
    """All lines that are complete with these bytes."""
    *pieces, remainder = (state.remainder + data).split(b"\n")
    reader = _Reader(state, layout)
    for piece in pieces:
        reader.take(piece.strip())
    # No line is this long: it remains too long, however it ends.
    return reader.decoded(remainder[: MAX_LINE_BYTES + 1])


class _Reader:
    """One read's lines, one after another."""

    def __init__(self, state: LinesState, layout: Layout) -> None:
        self._state, self._layout = state, layout
        self._headings, self._wanted = layout.headings, layout.wanted
        self._separator = layout.separator if layout.separator.strip() else None
        """None is any run of white space."""
        self._whole, self._lines = state.whole, state.lines
        self._places = state.places if self._headings else _numbers(layout)
        self._width = state.width
        self._begun = dict(state.begun)
        self._compile()
        self._malformed = 0
        self._rows: list[Row] = []
        self._index: list[int] = []
        self._comments: list[bytes] = []
        self._rejected: bytes | None = None

    def take(self, line: bytes) -> None:
        """A line without its end."""
        is_fragment, self._whole = not self._whole, True
        if not line or self._is_heading(line):
            return
        if line.startswith(self._layout.comments):
            self._comments.append(line)
        elif not is_fragment or self._layout.format == "json":
            # The rest of an object is none: it closes more brackets than it opens.
            self._take_values(line)

    def decoded(self, remainder: bytes) -> DecodedLines:
        """What the lines were."""
        layout = self._layout
        table = np.array(self._rows, np.float64) if self._rows else np.empty((0, len(layout.wanted)))
        values = table[:, : len(layout.fields)] * np.array(layout.scale) + np.array(layout.offset)
        fits = np.isfinite(table).all(axis=1) & (np.abs(values) < LARGEST).all(axis=1)
        return DecodedLines(
            np.array(self._index, np.int64)[fits],
            values[fits],
            None if layout.time is None else table[fits, -1],
            self._rejected,
            tuple(self._comments),
            LinesState(
                remainder, self._whole, self._places, self._width, self._lines,
                self._state.malformed + self._malformed + int((~fits).sum()), tuple(self._begun.items()),
            ),
        )  # fmt: skip

    def _take_values(self, line: bytes) -> None:
        row = None
        if len(line) <= MAX_LINE_BYTES:
            readers = {"json": self._object, "labelled": self._labelled, "csv": self._columns}
            row = readers[self._layout.format](line)
        if row is None:
            self._rejected = line
            # Before the first sample there was none to lose: it is what the instrument says as it starts.
            self._malformed += self._lines > 0
            self._lines += self._lines > 0
        elif row:
            self._rows.append(row)
            self._index.append(self._lines)
            self._lines += 1

    def _is_heading(self, line: bytes) -> bool:
        headings = self._headings
        if not headings or headings[0].encode() not in line:
            return False
        names = [_name(text) for text in line.decode("utf-8", "replace").lstrip("# \ufeff").split(self._separator)]
        if not set(headings) <= set(names):
            return False
        self._places = tuple(names.index(f) if isinstance(f, str) else f for f in self._wanted)
        self._width = len(names)
        self._compile()
        return True

    def _compile(self) -> None:
        """The columns are known, or have changed."""
        self._match: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._order: tuple[int, ...] = ()
        if self._places is not None and self._width is not None:
            self._match = _pattern(self._separator, self._width, self._places).fullmatch
            self._order = _order(self._places)

    def _columns(self, line: bytes) -> Row | None:
        if self._match is not None:
            match = self._match(line)
        elif self._places is not None:
            match = self._first_match(line, self._places)
        else:
            return None
        if match is None:
            return None
        found = match.groups()
        return tuple([float(found[k]) for k in self._order])

    def _first_match(self, line: bytes, places: tuple[int, ...]) -> re.Match[bytes] | None:
        """The first line that fits says how many columns there are."""
        width = len(line.split(self._separator.encode() if self._separator else None))
        match = _pattern(self._separator, width, places).fullmatch(line)
        if match is not None:
            self._width = width
            self._compile()
        return match

    def _object(self, line: bytes) -> Row | None:
        """The values of a JSON object or array; an empty row for one that is about something else."""
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return None
        found: list[Any]
        if isinstance(document, dict):
            found = [document.get(f) for f in self._wanted]
            if not any(f in document for f in self._wanted):
                self._comments.append(line)
                return ()
        elif isinstance(document, list):
            found = [document[f] if isinstance(f, int) and f < len(document) else None for f in self._wanted]
        else:
            return None
        return _row(found)

    def _labelled(self, line: bytes) -> Row | None:
        """The values of a sample that is complete with this line; an empty row while others are to come."""
        found = _after_labels(line, tuple(map(str, self._wanted)))
        if found is None:
            return None
        first = str(self._wanted[0])
        if not found or not (self._begun or first in found):
            # About something else, or the rest of a sample whose beginning was not seen.
            self._comments.append(line)
            return ()
        lost = bool(self._begun) and not self._begun.keys().isdisjoint(found)
        self._begun = dict(found) if lost else {**self._begun, **found}
        if lost:
            # Its other values did not come; that which begins now may be whole.
            self._malformed += 1
            self._lines += 1
            self._rejected = line
            if first not in self._begun:
                self._begun.clear()
        if len(self._begun) < len(set(self._wanted)):
            return ()
        row = tuple(self._begun[str(field)] for field in self._wanted)
        self._begun.clear()
        return row


def _row(found: list[Any]) -> Row | None:
    """Numbers, also in quotes, as floats; None where one is none."""
    try:
        return tuple([_float(each) for each in found])
    except (ValueError, OverflowError):
        return None


def _float(value: Any) -> float:
    """Raises ValueError, OverflowError."""
    if type(value) in {int, float}:
        return float(value)
    if isinstance(value, str) and re.fullmatch(NUMBER, value.strip().encode("utf-8", "replace")):
        return float(value)
    raise ValueError


def _after_labels(line: bytes, labels: tuple[str, ...]) -> dict[str, float] | None:
    """The number after each label that the line has; None where a label has none, or comes twice."""
    found: dict[str, float] = {}
    for match in _label_pattern(labels).finditer(line):
        if not _BEFORE_LABEL.search(line[: match.start()]):
            continue  # the end of a longer label
        label = match["label"].decode("utf-8", "replace")
        number = _LABELLED_NUMBER.match(line, match.end())
        if number is None or label in found:
            return None
        found[label] = float(number[1])
    return found


_BEFORE_LABEL = re.compile(
    rb"""(?:^|[,;|\t{(]|(?:^|[\s:="'])[+-]?[\d.]+(?:[eE][+-]?\d+)?["']?[ ]*[^\s\d,;:=]{0,4}[ ])[ "']*$"""
)
"""What may come before a label: the beginning of the line, a separator, or a number with its unit."""
_LABELLED_NUMBER = re.compile(rb"""[ \t]*["']?[ \t]*""" + NUMBER + rb"""(?![\d.])""")


@lru_cache(maxsize=64)
def _label_pattern(labels: tuple[str, ...]) -> re.Pattern[bytes]:
    """Any of the labels, the longest first, with what stands between it and its number."""
    ordered = sorted(set(labels), key=len, reverse=True)
    words = rb"|".join(re.escape(label.encode()) for label in ordered)
    return re.compile(rb"(?P<label>" + words + rb""")["']?[ \t]*[:=]""")


def _numbers(layout: Layout) -> tuple[int, ...] | None:
    """The places of fields that are all given by number."""
    return tuple(f for f in layout.wanted if isinstance(f, int)) if layout.format == "csv" else None


def _name(text: str) -> str:
    return text.strip().strip('"').strip()


@lru_cache(maxsize=64)
def _order(places: tuple[int, ...]) -> tuple[int, ...]:
    """For each field the group of the pattern that has it."""
    groups = sorted(set(places))
    return tuple(groups.index(place) for place in places)


@lru_cache(maxsize=64)
def _pattern(separator: str | None, width: int, places: tuple[int, ...]) -> re.Pattern[bytes]:
    """A line of ``width`` columns with numbers at ``places``."""
    if separator is None:
        between, other, number = rb"[ \t]+", rb"[^ \t]+", NUMBER
    else:
        escaped = re.escape(separator.encode())
        number = rb"""[ \t]*["']?[ \t]*""" + NUMBER + rb"""[ \t]*["']?[ \t]*"""
        between, other = escaped, rb"[^" + escaped + rb"]*"
    if max(places) >= width:
        return re.compile(rb"(?!)")
    return re.compile(between.join(number if place in places else other for place in range(width)))
