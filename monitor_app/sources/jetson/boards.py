# SPDX-License-Identifier: Apache-2.0
"""Boards with power monitors of their own: which rails they have, what each feeds, and which make up the total.

Read from profiles/boards/*.toml. A board is recognised by its device tree, never by its rails.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError, model_validator

from monitor_app.core.errors import ProfileError
from monitor_app.core.files.package_data import profile_names, profile_path
from monitor_app.core.samples import Role
from monitor_app.core.source_specs import Name, Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.core.samples import PowerSource

_DEVICE_TREES = ("proc/device-tree", "sys/firmware/devicetree/base")
"""The first is a link to the second, which leads out of a root that is not the machine's own."""
_PART_NUMBER = re.compile(r"p\d{4}")


class Rail(Table):
    """One supply line that a power monitor of the board measures."""

    name: Name
    """As the kernel names it."""
    aliases: tuple[Name, ...] = ()
    """Names that other kernels or documents give it."""
    role: Role = Role.OTHER
    """gpu and cpu only where it feeds nothing else."""
    chip: Literal["ina3221", "ina238"] = "ina3221"
    address: int | None = Field(None, ge=0x40, le=0x4F)
    """Of the chip on its I2C bus."""
    channel: int | None = Field(None, ge=1, le=3)
    """Of the chip, counted from 1."""
    shunt_ohm: float | None = Field(None, gt=0)
    on_carrier: bool = False
    """The chip is on the carrier board, so it is missing on another maker's."""


class Board(Table):
    """A board, with what distinguishes it from others."""

    name: Name
    """Of its file in profiles/boards."""
    title: Name
    compatible: tuple[Name, ...]
    """Part numbers (p3767-0003, meaning also p3767-0003-super) and code names in the device tree's compatible."""
    models: tuple[Name, ...] = ()
    """Pieces of the device tree's model text, in small letters, with spaces for dashes."""
    rails: tuple[Rail, ...] = ()
    total: tuple[Name, ...] = ()
    """Rails whose powers add up to the total; one that has the role total, or several."""
    parallel: tuple[Name, ...] = ()
    """Rails fed beside the total, which are added to it where the carrier board counts too."""
    notes: tuple[Name, ...] = ()
    """What its total leaves out, each one sentence."""

    @model_validator(mode="after")
    def _total_is_made_of_rails(self) -> Board:
        names = [rail.name for rail in self.rails]
        if len(set(names)) < len(names):
            raise ValueError("two rails have the same name")
        if unknown := {*self.total, *self.parallel} - set(names):
            raise ValueError(f"{', '.join(sorted(unknown))} is in total or parallel but not a rail")
        marked = tuple(rail.name for rail in self.rails if rail.role is Role.TOTAL)
        if marked != (self.total if len(self.total) == 1 else ()):
            raise ValueError("one rail alone has the role total exactly if total lists just that one")
        return self

    def rail(self, name: str) -> Rail | None:
        """The rail that any kernel calls ``name``."""
        return next((rail for rail in self.rails if name in {rail.name, *rail.aliases}), None)


@dataclass(frozen=True, slots=True)
class BoardPart:
    """One of several sources that measure the rails of one board."""

    name: str
    make: Callable[[], PowerSource]
    board: Board | None
    rails: tuple[str, ...]

    @property
    def signals(self) -> list[str]:
        """Names of its signals, as far as its rails are switched on."""
        return [name for rail in self.rails for name in (rail, f"{rail} current", f"{rail} voltage")]


def board_names() -> list[str]:
    """What ``load_board`` accepts, sorted."""
    return [PurePosixPath(name).name for name in profile_names("boards")]


def load_board(name: str) -> Board:
    """The board of profiles/boards/<name>.toml. Raises ProfileError."""
    if name not in board_names():
        raise ProfileError(f"No board is named {name}; there are: {', '.join(board_names())}.")
    path = profile_path(f"boards/{name}")
    try:
        return parse_board(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"The board {path} cannot be read: {error}.") from error


def parse_board(text: str, name: str) -> Board:
    """The board in a text; ``name`` is its name, also in errors. Raises ProfileError."""
    try:
        return Board.model_validate({**tomllib.loads(text), "name": name})
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"The board {name} is not valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ProfileError(f"The board {name} cannot be used: {key + ': ' if key else ''}{first['msg']}.") from error


def recognise_board(root: Path) -> Board | None:
    """The board whose device tree is under ``root``, which is / or holds another machine's /proc or /sys.

    The part number of the module decides, the most exact one first; then code names; the model text last, because the
    makers of carrier boards may change it. None where there is no device tree or it is of no known board.
    """
    boards = [load_board(name) for name in board_names()]
    parts = [part for entry in _strings(root, "compatible") for part in entry.rpartition(",")[2].split("+")]
    known = [(_rank(token), board) for board in boards for token in board.compatible if _is_among(token, parts)]
    if known:
        return max(known, key=lambda each: each[0])[1]
    model = re.sub(r"[-_\s]+", " ", " ".join(_strings(root, "model"))).lower()
    named = [(len(text), board) for board in boards for text in board.models if text in model]
    return max(named, key=lambda each: each[0])[1] if named else None


def _is_among(token: str, parts: list[str]) -> bool:
    more = f"{token}-" if _PART_NUMBER.match(token) else token
    return any(part == token or (more != token and part.startswith(more)) for part in parts)


def _rank(token: str) -> tuple[bool, int]:
    return bool(_PART_NUMBER.match(token)), len(token)


def _strings(root: Path, name: str) -> list[str]:
    """The NUL-separated strings of a property at the top of the device tree."""
    for folder in _DEVICE_TREES:
        try:
            data = (root / folder / name).read_bytes()
        except OSError:
            continue
        return [text for text in data.decode("ascii", "replace").split("\0") if text.strip()]
    return []
