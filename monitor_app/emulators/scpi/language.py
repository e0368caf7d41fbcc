# SPDX-License-Identifier: Apache-2.0
"""SCPI as an instrument reads it: messages of several commands, long and short forms, optional words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r"(\[)?:?([*A-Za-z]+)(#)?(\])?")
_UNIT = re.compile(r"\s*(:?)([*A-Za-z][\w:]*)(\??)\s*(.*)", re.DOTALL)
_SEPARATOR = re.compile(r"""([;,])(?=(?:[^"']|"[^"]*"|'[^']*')*$)""")


class ScpiError(Exception):
    """Goes into the error queue."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number
        self.text = text


@dataclass(frozen=True, slots=True)
class Unit:
    """One command of a message."""

    header: str
    """From the root, without the first colon, in capitals, with the question mark."""
    arguments: tuple[str, ...]


def parse(message: str) -> Iterator[Unit]:
    """The commands of a message, one after another; a header without a first colon continues the one before.

    Raises:
        ScpiError: a command is not valid; those before it have been yielded.
    """
    path = ""
    for text in _split(message, ";"):
        if not text.strip():
            continue
        found = _UNIT.fullmatch(text)
        if found is None:
            raise ScpiError(-102, "Syntax error")
        root, header, question, rest = found.groups()
        header = header.upper()
        if not header.startswith("*"):
            header = header if root else path + header
            path = header[: header.rfind(":") + 1]
        arguments = tuple(part.strip() for part in _split(rest, ",")) if rest.strip() else ()
        yield Unit(header + question, arguments)


def compile_header(form: str) -> re.Pattern[str]:
    """A pattern for a header as manuals write it: ``MEASure[:SCALar]:CURRent[:DC]?``; ``#`` is a number."""
    query = form.endswith("?")
    pattern = ""
    for optional, word, number, _ in _WORD.findall(form):
        short = "".join(character for character in word if not character.islower())
        rest = word[len(short) :].upper()
        node = re.escape(short) + (f"(?:{rest})?" if rest else "") + (r"(\d*)" if number else "")
        node = f":{node}" if pattern else node
        pattern += f"(?:{node})?" if optional else node
    return re.compile(pattern + (r"\?" if query else ""), re.ASCII)


def number(text: str, unit: str = "") -> float:
    """A decimal number, with or without its unit. Raises ScpiError."""
    text = text.upper().removesuffix(unit.upper()).strip()
    try:
        return float(text)
    except ValueError:
        raise ScpiError(-121, "Invalid character in number") from None


def switch(text: str) -> bool:
    """ON, OFF, 1 or 0. Raises ScpiError."""
    if text.upper() not in {"ON", "OFF", "1", "0"}:
        raise ScpiError(-224, "Illegal parameter value")
    return text.upper() in {"ON", "1"}


def choice(text: str, *forms: str) -> str:
    """The one of the forms (``NORMal``) that a word stands for, in its short form. Raises ScpiError."""
    for form in forms:
        short = "".join(character for character in form if not character.islower())
        if text.upper() in {short, form.upper()}:
            return short
    raise ScpiError(-224, "Illegal parameter value")


def real(value: float) -> str:
    """As instruments write numbers."""
    return f"{value:+.8E}"


def block(data: bytes) -> bytes:
    """A block of definite length."""
    return b"#8%08d" % len(data) + data


def _split(text: str, separator: str) -> list[str]:
    """Cut at a separator that is not within quotes."""
    parts, start = [], 0
    for found in _SEPARATOR.finditer(text):
        if found[1] == separator:
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]
