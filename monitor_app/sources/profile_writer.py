# SPDX-License-Identifier: Apache-2.0
"""Writes a profile as TOML: what `profile_reader.parse_profile` reads back as the same profile."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.core.profile import Profile

WIDTH = 100
"""Longer arrays are written on several lines."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def profile_text(profile: Profile) -> str:
    """The profile as TOML, with the keys that it gives and without those that it leaves to their defaults.

    A copy with values that no profile may have is written as it is, so that reading it says what is wrong.
    """
    content = profile.model_dump(mode="json", exclude_unset=True, exclude_none=True, warnings=False)
    return "\n".join(_top(content)) + "\n"


def _top(content: dict[str, Any]) -> Iterator[str]:
    tables = {key: value for key, value in content.items() if isinstance(value, dict) or _is_array_of_tables(value)}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in content.items() if key not in tables)
    for key, value in tables.items():
        for table in value if isinstance(value, list) else [value] * bool(value):
            yield ""
            yield f"[[{_key(key)}]]" if isinstance(value, list) else f"[{_key(key)}]"
            yield from (_entry(name, each) for name, each in table.items())


def _is_array_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _entry(key: str, value: object) -> str:
    line = f"{_key(key)} = {_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, list):
        return line
    return "\n".join([f"{_key(key)} = [", *_wrapped([_value(each) for each in value]), "]"])


def _wrapped(values: list[str]) -> Iterator[str]:
    line = "   "
    for value in values:
        if len(line) + len(value) + 2 > WIDTH and line.strip():
            yield line
            line = "   "
        line += f" {value},"
    yield line


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())} }}"
    return repr(value)


def _string(text: str) -> str:
    """A basic string of TOML, which has all escapes of JSON, and escapes DEL too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
