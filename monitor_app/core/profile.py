# SPDX-License-Identifier: Apache-2.0
"""A bench as a value: which instruments, what to run on what, by which protocol. Read from a TOML file.

An unknown key, a wrong value or a missing file is refused before anything starts, by file, line and key,
with what is allowed there.
"""

from __future__ import annotations

import difflib
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitor_app.core.errors import ProfileError
from monitor_app.core.runs import RunSpec
from monitor_app.core.samples import Role

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ShuntSpec(_Table):
    """A meter that speaks the shunt stream protocol (docs/shunt-protocol.md)."""

    kind: Literal["shunt"]
    name: str = Field("shunt", min_length=1)
    port: str | None = Field(None, min_length=1)
    """A device path or pyserial URL; with none, give emulate."""
    emulate: Literal["tx1"] | None = None
    """Start the emulated meter on this simulated board instead of opening a port."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Of the emulated board's noise."""
    clock_ppm: float = Field(0.0, ge=-1000, le=1000)
    """Error of the emulated meter's clock."""
    account: str | None = None
    """File in which the emulated board keeps account of the energy it really presents."""
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})
    """What each signal feeds, by its name."""

    @model_validator(mode="after")
    def _one_of_port_and_emulate(self) -> ShuntSpec:
        if (self.port is None) == (self.emulate is None):
            raise ValueError("give either port (a device path) or emulate (a simulated board)")
        return self


SourceSpec = Annotated[ShuntSpec, Field()]
"""One instrument; ``kind`` says which."""


class Inference(_Table):
    """Where and how the networks run."""

    device: str = "cpu"
    precision: Literal["fp32"] = "fp32"
    threads: int = Field(0, ge=0)
    """torch threads; 0 takes one core less than there are, which is left to the monitor."""
    seed: int = 0


class Protocol(_Table):
    """How a run is measured (see METHOD in the user guide)."""

    settle_s: float = Field(0.5, ge=0)
    """Left out after a load ends, before idle counts as idle."""
    idle_s: float = Field(1.5, gt=0)
    """Idle baseline before and after each run."""
    warm_up_s: float = Field(2.0, ge=0)
    warm_up_batches: int = Field(10, ge=1)
    timed_s: float = Field(5.0, gt=0)
    """Least time over which batches are timed."""
    timed_batches: int = Field(30, ge=1)
    """Least number of batches timed, however long they take."""


class Plan(_Table):
    """What to run, in this order: for each network, each batch size."""

    networks: tuple[str, ...] = Field(min_length=1)
    batch_sizes: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field((1,), min_length=1)
    cycles: int = Field(1, ge=0)
    """How often the whole plan is run; 0 means until stopped."""
    images: str | None = None
    """Labelled images for accuracy: 'demo' or a folder; with none accuracy is not measured."""
    weights: Literal["auto", "none"] = "auto"
    autostart: bool = True
    """Start with the bench, or wait for the user."""


class Profile(_Table):
    """A whole bench."""

    title: str
    description: str = ""
    source: tuple[SourceSpec, ...] = ()
    inference: Inference = Inference()
    protocol: Protocol = Protocol()
    plan: Plan | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Profile:
        names = [source.name for source in self.source]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; give each its own")
        return self

    def run_specs(self, threads: int) -> list[RunSpec]:
        """The runs of one cycle."""
        if self.plan is None:
            return []
        return [
            RunSpec(network, batch_size, self.inference.precision, self.inference.device, threads)
            for network in self.plan.networks
            for batch_size in self.plan.batch_sizes
        ]


def load_profile(path: Path) -> Profile:
    """The profile in a TOML file. Raises ProfileError."""
    return parse_profile(read_profile_text(path), str(path))


def read_profile_text(path: Path) -> str:
    """The text of a profile. Raises ProfileError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProfileError(
            f"There is no profile {path}: check the name; `monitor-app` alone uses the simulated board."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"The profile {path} cannot be read: {error}.") from error


def parse_profile(text: str, name: str) -> Profile:
    """The profile in a text; ``name`` is used in errors. Raises ProfileError."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name} is not valid TOML: {error}.") from error
    try:
        return Profile.model_validate(tables)
    except ValidationError as error:
        raise ProfileError(_first_error(error, text, name)) from error


def _first_error(error: ValidationError, text: str, name: str) -> str:
    # A misspelt key is also a missing one; the misspelling is what the user can see.
    first = min(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    path = [part for part in first["loc"] if not _is_union_tag(part)]
    line = _line_of(text, path)
    where = f"{name}, line {line}" if line else name
    key = ".".join(str(part) for part in path)
    if first["type"] == "extra_forbidden":
        allowed = _allowed_keys(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), allowed, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{where}: unknown key {key}; {hint}Allowed here: {', '.join(allowed)}."
    message = first["msg"].removeprefix("Value error, ")
    given = f" (given: {first['input']!r})" if key and first["type"] != "missing" else ""
    return f"{where}: {key + ': ' if key else ''}{message[0].lower() + message[1:]}{given}."


def _is_union_tag(part: object) -> bool:
    return part == "ShuntSpec"


def _allowed_keys(path: list[Any]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "source": ShuntSpec,
        "inference": Inference,
        "protocol": Protocol,
        "plan": Plan,
    }
    table = tables.get(str(path[0]), Profile) if path else Profile
    return list(table.model_fields)


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
