# SPDX-License-Identifier: Apache-2.0
"""Text of sessions, profiles, devices and file names made fit to be shown: it is data and never an instruction."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import Field, fields, replace
from typing import Any, ClassVar, Protocol, TypeVar

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters, those that reorder or hide text, bytes that are no Unicode, and line separators."""
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
"""How Python keeps a byte of a file name that is not UTF-8."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BEGINS_CELL = re.compile(r"""([,;\t"]\s*)(?=[=+@\uff1d\uff0b\uff0d\uff20-])""")


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_Row = TypeVar("_Row", bound=_Dataclass)


def visible(text: str) -> str:
    r"""The text on one line, with an escape for each character that would not be seen as itself.

    A terminal acts on control characters: ``\x1b`` begins a command, ``\u202e`` turns the rest of the line round.
    A byte of a name that is not UTF-8 is written as that byte: ``caf\xe9.jpg``.
    """
    if text.isprintable():
        return text
    return "".join(_escape(letter) if unicodedata.category(letter) in _HIDDEN else letter for letter in text)


def visible_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(map(visible, text.split("\n")))


def visible_row(row: _Row) -> _Row:
    """A dataclass of which each text, also within a tuple, is as `visible` makes it."""
    found = {field.name: getattr(row, field.name) for field in fields(row)}
    changed = {name: _visible_value(value) for name, value in found.items() if type(value) in {str, tuple}}
    return row if all(found[name] == value for name, value in changed.items()) else replace(row, **changed)


def _visible_value(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else tuple(map(_visible_value, value)) if value else value


def cell(text: str) -> str:
    """As a cell of a table that a spreadsheet opens, which takes what begins like a formula for one.

    Such text gets an apostrophe in front (OWASP, "CSV Injection"). Numbers are no formulae and stay as they are.
    """
    return visible(f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text)


def comment(text: str) -> str:
    """As a line of a table that is no row of it: a spreadsheet splits it into cells all the same."""
    return visible(_BEGINS_CELL.sub(r"\1'", text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()


def _escape(letter: str) -> str:
    code = ord(letter)
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
