# SPDX-License-Identifier: Apache-2.0
"""In place of core.messages on a board, which has no pydantic: the same lines by the standard library alone.

Commands are checked, their names, types and ranges. What the board says is checked at the PC, by pydantic.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from monitor_app.core.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Count(int):
    """1 or more; named in annotations only."""


class NonNegative(int):
    """0 or more."""


class Seconds(float):
    """0 or more, and finite."""


class Codec(Generic[T]):
    """Lines to messages and back; see core.messages."""

    def __init__(self, kinds: Mapping[str, type[T]]) -> None:
        self._kinds = dict(kinds)
        self._names = {kind: name for name, kind in kinds.items()}

    def encode(self, message: T) -> bytes:
        """The message as one line, with its newline."""
        content: dict[str, Any] = {"type": self._names[type(message)]}
        for field in fields(message):  # type: ignore[arg-type]
            content[field.name] = getattr(message, field.name)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return _SURROGATE.sub(_escaped, text).encode("utf-8") + b"\n"

    def decode(self, line: bytes) -> T:
        """The message in a line.

        Raises:
            ValueError: the line is not exactly one of these messages; the text says what is wrong with it.
        """
        try:
            content = json.loads(line.decode("utf-8"))
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
        kind = self._kinds.get(str(content.pop("type", None)))
        if kind is None:
            raise ValueError("type: there is no such message")
        return kind(**_checked(kind, content))


def _checked(kind: Any, content: dict[str, Any]) -> dict[str, Any]:
    """The fields as the message takes them; a child decodes commands only, whose fields are plain values."""
    expected = {field.name: field.type for field in fields(kind)}
    for name in sorted(expected.keys() ^ content.keys()):
        raise ValueError(name + (": a field is missing" if name in expected else ": there is no such field"))
    return {name: _value(name, _name_of(expected[name]), value) for name, value in content.items()}


def _value(name: str, kind: str, value: Any) -> Any:
    if kind not in _FITS or not _FITS[kind](value):
        raise ValueError(name + ": not a value of the kind " + kind)
    return float(value) if kind == "Seconds" else value


def _name_of(kind: Any) -> str:
    """Annotations are texts where the sources are lowered or import them from the future, else classes."""
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _escaped(surrogate: re.Match[str]) -> str:
    return json.dumps(visible(surrogate.group()))[1:-1]


def _is_seconds(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value) and value >= 0


_FITS: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: type(value) is str,
    "bool": lambda value: type(value) is bool,
    "int": lambda value: type(value) is int,
    "Count": lambda value: type(value) is int and value >= 1,
    "NonNegative": lambda value: type(value) is int and value >= 0,
    "Seconds": _is_seconds,
}
