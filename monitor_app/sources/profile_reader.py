# SPDX-License-Identifier: Apache-2.0
"""Reads a profile from TOML. It knows every kind of source, so it stands beside their registry.

An unknown key, a wrong value or a missing file is refused before anything starts, by file, line and key,
with what is allowed there.
"""

from __future__ import annotations

import difflib
import re
import sys
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model

from monitor_app.core.errors import ProfileError
from monitor_app.core.profile import Profile
from monitor_app.sources.registry import KINDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor_app.core.source_specs import SourceSpec

_Table = TypeVar("_Table", bound=BaseModel)


LONGEST = 200_000
"""Characters of a profile, which is a page of text. What is longer is another file, for example a table of samples."""


def load_profile(path: Path) -> Profile:
    """The profile in a TOML file. Raises ProfileError."""
    return parse_profile(read_profile_text(path), str(path))


def read_profile_text(path: Path) -> str:
    """The text of a profile. Raises ProfileError."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except FileNotFoundError as error:
        raise ProfileError(
            f"There is no profile {path}: check the name; `monitor-app` alone uses the simulated board."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"The profile {path} cannot be read: {error}.") from error
    if len(text) > LONGEST:
        raise ProfileError(f"{path} is longer than a profile can be ({LONGEST:,} characters): choose another file.")
    return text


def parse_profile(text: str, name: str) -> Profile:
    """The profile in a text; ``name`` is used in errors. Raises ProfileError."""
    return profile_of(read_toml(text, name), name, text)


def profile_of(tables: dict[str, Any], name: str, text: str = "") -> Profile:
    """The profile in tables that were put together; with their ``text`` errors name its lines. Raises ProfileError."""
    return _validated(_readers(_specs())[0], tables, name, text)


def read_toml(text: str, name: str) -> dict[str, Any]:
    """The tables of a TOML file, whatever they are. Raises ProfileError."""
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name} is not valid TOML: {error}.") from error
    return tables


def parse_tables(kind: type[_Table], text: str, name: str) -> _Table:
    """Another TOML file than a profile, refused by file, line and key as a profile is. Raises ProfileError."""
    return _validated(kind, read_toml(text, name), name, text)


def _validated(kind: type[_Table], tables: dict[str, Any], name: str, text: str) -> _Table:
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        raise ProfileError(_first_error(error, text, name, kind)) from error


def parse_source(table: dict[str, Any]) -> SourceSpec:
    """One [[source]] table. Raises ProfileError."""
    try:
        return _readers(_specs())[1].validate_python(table)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ProfileError(f"The instrument cannot be used: {said}.") from error


def _specs() -> tuple[type[SourceSpec], ...]:
    return tuple(kind.spec for kind in KINDS.values())


@cache
def _readers(specs: tuple[type[SourceSpec], ...]) -> tuple[type[Profile], TypeAdapter[SourceSpec]]:
    """A profile and a source, of which ``kind`` says by which of the specs it is read."""
    source: Any = Annotated[reduce(or_, specs), Field(discriminator="kind")]
    return create_model("Profile", __base__=Profile, source=(tuple[source, ...], ())), TypeAdapter(source)


def _first_error(error: ValidationError, text: str, name: str, kind: type[BaseModel]) -> str:
    # A misspelt key is also a missing one; the misspelling is what the user can see.
    first = min(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    path = _without_tags(first["loc"])
    if first["type"].startswith("union_tag"):
        given, kinds = first["input"].get("kind"), ", ".join(KINDS)
        line = _line_of(text, [*path, "kind"])
        where = f"{name}{f', line {line}' if line else ''}: {'.'.join(map(str, path))}.kind"
        return f"{where}: {'missing' if given is None else f'there is no kind {given!r}'}; the kinds are: {kinds}."
    line = _line_of(text, path)
    where = f"{name}, line {line}" if line else name
    key = ".".join(str(part) for part in path)
    if first["type"] == "extra_forbidden":
        allowed = _allowed_keys(first["loc"][:-1], kind)
        near = difflib.get_close_matches(str(path[-1]), allowed, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{where}: unknown key {key}; {hint}Allowed here: {', '.join(allowed)}."
    message = first["msg"].removeprefix("Value error, ")
    given = f" (given: {first['input']!r})" if key and first["type"] != "missing" else ""
    return f"{where}: {key + ': ' if key else ''}{message[0].lower() + message[1:]}{given}."


def _without_tags(loc: tuple[Any, ...]) -> list[Any]:
    """The path of an error as it stands in the file: the kind of a source is none of its keys."""
    tagged = len(loc) > 2 and loc[0] == "source" and loc[2] in KINDS
    return [*loc[:2], *loc[3:]] if tagged else list(loc)


def _allowed_keys(loc: tuple[Any, ...], kind: type[BaseModel]) -> list[str]:
    """Keys of the table at a path, kinds of sources included in it."""
    table, is_profile = kind, issubclass(kind, Profile)
    for part in loc:
        if is_profile and part in KINDS and table is kind:
            table = KINDS[part].spec
        elif part in table.model_fields and not (is_profile and part == "source"):
            table = next(_tables_in(table.model_fields[part].annotation), table)
    return list(table.model_fields)


def _tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that an annotation names: itself, each of a tuple, or one that may be absent."""
    parts = get_args(annotation)
    # Python 3.10 takes tuple[X, ...] for a type
    if not parts and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in parts:
        yield from _tables_in(part)


def _line_of(text: str, path: list[Any]) -> int | None:
    """Where in the text a key stands, or the innermost table around it; the parser keeps no line numbers."""
    table: list[str | int] = []
    seen: dict[str, int] = {}
    best: tuple[int, int | None] = (0, None)
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", line):
            if header[1] == "[[":
                seen[header[2]] = seen.get(header[2], -1) + 1
            table = _indexed(header[2].split("."), seen)
            here = table
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            here = [*table, *key[1].split(".")]
        else:
            continue
        if here == path[: len(here)] and len(here) > best[0]:
            best = (len(here), number)
    return best[1]


def _indexed(names: list[str], seen: dict[str, int]) -> list[str | int]:
    """The path to a table, with the number of the newest entry after each name that is an array of tables."""
    path: list[str | int] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        if (array := ".".join(names[:depth])) in seen:
            path.append(seen[array])
    return path
