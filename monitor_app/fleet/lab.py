# SPDX-License-Identifier: Apache-2.0
"""A lab: which boards there are, and what is measured on each. Read from a TOML file (docs/fleet.md).

What a board is recorded with is a whole profile: that of the file it names, with the tables of the lab laid over it
key by key, and those of the board over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from monitor_app.core.errors import ProfileError
from monitor_app.core.files.own_profiles import own_profile
from monitor_app.core.files.package_data import profile_path
from monitor_app.core.runs import is_emulated
from monitor_app.core.source_specs import Table
from monitor_app.sources.profile_reader import parse_profile, parse_tables, profile_of, read_profile_text, read_toml
from monitor_app.sources.profile_writer import profile_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.core.profile import Profile

OVERLAYS = ("inference", "protocol", "sync", "plan")
"""Tables of a profile that a lab gives for all its boards, or for one."""
BoardName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Retry(Table):
    """How a board that cannot be recorded is tried again."""

    first_s: float = Field(5.0, gt=0)
    """Pause after a recording that ended without a further run; each such pause is twice as long as the one before."""
    longest_s: float = Field(300.0, gt=0)
    give_up_s: float = Field(14_400.0, gt=0)
    """Longest that a board is waited for in all without a further run."""


class LabBoard(Table):
    """One [[board]] table."""

    name: BoardName
    """Of its session file, and in figures."""
    profile: str
    """A file, as seen from the lab's own, or the name of a profile."""
    host: str | None = None
    """Where the board is, as for ssh: `host` of the profile's table [board]."""
    board: dict[str, Any] = Field(default_factory=dict)
    source: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Keys of the profile's sources, by the names of these."""
    inference: dict[str, Any] = Field(default_factory=dict)
    protocol: dict[str, Any] = Field(default_factory=dict)
    sync: dict[str, Any] = Field(default_factory=dict)
    plan: dict[str, Any] = Field(default_factory=dict)


class LabFile(Table):
    """The whole file."""

    title: str = ""
    board: tuple[LabBoard, ...] = Field(min_length=1)
    retry: Retry = Retry()
    inference: dict[str, Any] = Field(default_factory=dict)
    protocol: dict[str, Any] = Field(default_factory=dict)
    sync: dict[str, Any] = Field(default_factory=dict)
    plan: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _boards_are_told_apart(self) -> LabFile:
        names = [board.name.lower() for board in self.board]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise ValueError(f"two boards are named {twice}; give each its own name")
        return self


@dataclass(frozen=True, slots=True)
class Board:
    """A board of a lab, with everything that its recording needs."""

    name: str
    profile: Profile
    text: str
    """The profile as TOML."""
    retry: Retry
    host: str = ""
    """Where it is; empty for this machine."""

    @property
    def simulated(self) -> bool:
        """Its power, or the time of its networks, is that of an emulator."""
        emulated = any(getattr(each, "emulate", None) is not None for each in self.profile.source)
        return emulated or is_emulated(self.profile.inference.device)

    def session(self, folder: Path) -> Path:
        """Its session file."""
        return folder / f"{self.name}.plm"


def load_lab(path: Path) -> tuple[Board, ...]:
    """The boards of a lab. Raises ProfileError, which names file and key."""
    lab = parse_tables(LabFile, read_profile_text(path), str(path))
    return tuple(_board(each, lab, path) for each in lab.board)


def _board(given: LabBoard, lab: LabFile, path: Path) -> Board:
    base = _profile_file(given.profile, path)
    text = read_profile_text(base)
    parse_profile(text, str(base))
    where = f"{path}, board {given.name}"
    tables = read_toml(text, str(base))
    for overlay in (lab, given):
        for key in OVERLAYS:
            _lay(tables, key, getattr(overlay, key))
    _lay(tables, "board", {**given.board, **({"host": given.host} if given.host else {})})
    _lay_sources(tables, given.source, where)
    tables["title"], tables["description"] = given.name, _description(tables)
    if tables.get("plan"):
        tables["plan"] = {**tables["plan"], "autostart": True}
    profile = profile_of(tables, where)
    _require_plan(profile, where)
    return Board(given.name, profile, profile_text(profile), lab.retry, str(tables.get("board", {}).get("host", "")))


def _profile_file(word: str, lab: Path) -> Path:
    """As the user means it: beside the lab's own file, else by its name."""
    beside = lab.parent / Path(word).expanduser()
    if beside.is_file() or beside.suffix == ".toml":
        return beside
    return own_profile(word) or profile_path(word)


def _lay(tables: dict[str, Any], key: str, over: Mapping[str, Any]) -> None:
    if over:
        tables[key] = {**tables.get(key, {}), **over}


def _lay_sources(tables: dict[str, Any], over: Mapping[str, Mapping[str, Any]], where: str) -> None:
    sources = tables.get("source", [])
    names = [each.get("name", each.get("kind")) for each in sources]
    for name, keys in over.items():
        if name not in names:
            raise ProfileError(
                f"{where}: source.{name}: the profile has no source of that name; it has: "
                f"{', '.join(map(str, names)) or 'none'}."
            )
        sources[names.index(name)] = {**sources[names.index(name)], **keys}


def _description(tables: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [f"{tables['title']}.", tables.get("description", "")]))


def _require_plan(profile: Profile, where: str) -> None:
    if profile.plan is None:
        raise ProfileError(f"{where}: plan: nothing is to be run; give the lab or the board a [plan] with networks.")
    if not profile.plan.cycles:
        raise ProfileError(f"{where}: plan.cycles: 0 never ends; give the number of cycles to run.")
