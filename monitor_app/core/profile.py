# SPDX-License-Identifier: Apache-2.0
"""A bench as a value: which instruments, what to run on what, by which protocol. Read from a TOML file.

An unknown key, a wrong value or a missing file is refused before anything starts, by file, line and key,
with what is allowed there.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from monitor_app.core.errors import ProfileError
from monitor_app.core.runs import RunSpec
from monitor_app.core.samples import Role
from monitor_app.core.source_specs import SourceSpec, Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


Precision = Literal["fp32", "fp16", "bf16"]


class Inference(Table):
    """Where and how the networks run."""

    device: str = "cpu"
    """cpu, cuda, cuda:N, or emulated:tx1, which plays published figures."""
    precision: Precision = "fp32"
    threads: int = Field(0, ge=0)
    """torch threads; 0 takes one core less than there are, which is left to the monitor."""
    channels_last: bool = False
    """The layout of tensors in memory."""
    compiled: bool = False
    """By torch.compile."""
    seed: int = 0


class Protocol(Table):
    """How a run is measured (chapter 2 of the user guide)."""

    settle_s: float = Field(0.5, ge=0)
    """Left out after a load ends, before idle counts as idle."""
    idle_s: float = Field(1.5, gt=0)
    """Idle baseline before and after each run."""
    warm_up_s: float = Field(2.0, ge=0)
    warm_up_batches: int = Field(10, ge=1)
    warm_up_max_s: float = Field(0.0, ge=0)
    """Warm up until latency and power have been shown to be steady, for so long at most; 0 does not test."""
    timed_s: float = Field(5.0, gt=0)
    """Least time over which batches are timed."""
    timed_batches: int = Field(30, ge=1)
    """Least number of batches timed, however long they take."""
    fresh_process: bool = False
    """Run each in a process of its own, whose memory is measured."""
    cool_down_c: float | None = None
    """Wait before a run until no temperature that is measured is above this, degrees Celsius."""
    cool_down_max_s: float = Field(300.0, gt=0)
    """For so long at most."""


class Plan(Table):
    """What to run: each network at each batch size, and so for each precision, power mode and setting of the clocks."""

    networks: tuple[str, ...] = Field(min_length=1)
    batch_sizes: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field((1,), min_length=1)
    cycles: int = Field(1, ge=0)
    """How often the whole plan is run; 0 means until stopped."""
    images: str | None = None
    """Labelled images for accuracy: 'demo' or a folder; with none accuracy is not measured."""
    accuracy: Literal["every", "once"] = "every"
    """In every run, or once for a network and precision, in the first of its runs."""
    weights: str = "auto"
    """'auto': what is on this machine; 'hub': and downloaded where it is not; 'none'; a file or a directory."""
    order: Literal["listed", "random"] = "listed"
    seed: int = Field(0, ge=0)
    """Of the random order."""
    precisions: tuple[Precision, ...] = ()
    """None: that of [inference]."""
    power_modes: tuple[str, ...] = ()
    """As nvpmodel names or numbers them; none: as it is found. What was found is restored at the end."""
    clocks: tuple[Literal["default", "max"], ...] = ()
    """'max': as jetson_clocks holds them; none: as they are found."""
    autostart: bool = True
    """Start with the bench, or wait for the user."""

    @model_validator(mode="after")
    def _nothing_is_there_twice(self) -> Plan:
        for key in ("networks", "batch_sizes", "precisions", "power_modes", "clocks"):
            values: tuple[object, ...] = getattr(self, key)
            twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
            if twice is not None:
                raise ValueError(f"{key} has {twice} twice; set cycles to run everything more than once")
        return self


class Combination(Table):
    """A power computed from those of several sources: a sum, or the difference of two meters."""

    name: str = Field(min_length=1)
    plus: tuple[str, ...] = Field(min_length=1)
    """Sources, each meaning its total power, or source/signal."""
    minus: tuple[str, ...] = ()
    role: Role = Role.OTHER


class Sync(Table):
    """A wire from a GPIO of this board to the digital input of a meter, by which their clocks are tied."""

    gpio: int | None = Field(None, ge=1, le=40)
    """Pin of the 40-pin header, by its number on the board. Simulated boards have a wire of their own."""
    interval_s: float = Field(0.5, ge=0.05, le=10)
    """Mean time between two edges."""
    pulses: bool = False
    """Before the first run, play a train of busy and idle and find it in every source's power."""


class Profile(Table):
    """A whole bench."""

    title: str
    description: str = ""
    source: tuple[SourceSpec, ...] = ()
    combination: tuple[Combination, ...] = ()
    sync: Sync = Sync()
    inference: Inference = Inference()
    protocol: Protocol = Protocol()
    plan: Plan | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Profile:
        names = [each.name for each in (*self.source, *self.combination)]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; give each its own")
        return self

    def run_specs(self, threads: int) -> list[RunSpec]:
        """The runs of one cycle, in the order of the plan."""
        if self.plan is None:
            return []
        return planned_runs(self.plan, self.inference, threads)


def planned_runs(plan: Plan, inference: Inference, threads: int) -> list[RunSpec]:
    """The runs of one cycle. Settings that take a while to change are in the outer loops, also of a random order."""
    specs: list[RunSpec] = []
    random = Random(plan.seed)
    seen: set[tuple[str, str]] = set()
    for power_mode in plan.power_modes or (None,):
        for clocks in plan.clocks or (None,):
            group = [
                RunSpec(
                    network, batch_size, precision, inference.device, threads, inference.channels_last,
                    inference.compiled, power_mode, clocks,
                )
                for precision in plan.precisions or (inference.precision,)
                for network in plan.networks
                for batch_size in plan.batch_sizes
            ]  # fmt: skip
            if plan.order == "random":
                random.shuffle(group)
            specs += group
    if plan.accuracy == "every":
        return specs
    smallest = min(plan.batch_sizes)
    # At the smallest batch size, which fits if any does.
    for index, spec in enumerate(specs):
        key = (spec.network, spec.precision)
        first = spec.batch_size == smallest and key not in seen
        if first:
            seen.add(key)
        specs[index] = replace(spec, accuracy=first)
    return specs


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


def parse_source(table: dict[str, Any]) -> SourceSpec:
    """One [[source]] table. Raises ProfileError."""
    try:
        return _SOURCE.validate_python(table)
    except ValidationError as error:
        raise ProfileError(f"The instrument cannot be used: {error.errors(include_url=False)[0]['msg']}.") from error


def _first_error(error: ValidationError, text: str, name: str) -> str:
    # A misspelt key is also a missing one; the misspelling is what the user can see.
    first = min(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    path = _without_tags(first["loc"])
    if first["type"].startswith("union_tag"):
        given, kinds = first["input"].get("kind"), ", ".join(_KINDS)
        where = f"{name}, line {_line_of(text, [*path, 'kind'])}: {'.'.join(map(str, path))}.kind"
        return f"{where}: {'missing' if given is None else f'there is no kind {given!r}'}; the kinds are: {kinds}."
    line = _line_of(text, path)
    where = f"{name}, line {line}" if line else name
    key = ".".join(str(part) for part in path)
    if first["type"] == "extra_forbidden":
        allowed = _allowed_keys(first["loc"][:-1])
        near = difflib.get_close_matches(str(path[-1]), allowed, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{where}: unknown key {key}; {hint}Allowed here: {', '.join(allowed)}."
    message = first["msg"].removeprefix("Value error, ")
    given = f" (given: {first['input']!r})" if key and first["type"] != "missing" else ""
    return f"{where}: {key + ': ' if key else ''}{message[0].lower() + message[1:]}{given}."


_SOURCE: TypeAdapter[SourceSpec] = TypeAdapter(SourceSpec)
_KINDS: dict[str, type[BaseModel]] = {
    get_args(spec.model_fields["kind"].annotation)[0]: spec for spec in get_args(get_args(SourceSpec)[0])
}


def _without_tags(loc: tuple[Any, ...]) -> list[Any]:
    """The path of an error as it stands in the file: the kind of a source is none of its keys."""
    tagged = len(loc) > 2 and loc[0] == "source" and loc[2] in _KINDS
    return [*loc[:2], *loc[3:]] if tagged else list(loc)


def _allowed_keys(loc: tuple[Any, ...]) -> list[str]:
    """Keys of the table at a path, kinds of sources included in it."""
    table: type[BaseModel] = Profile
    for part in loc:
        if part in _KINDS and table is Profile:
            table = _KINDS[part]
        elif part in table.model_fields and part != "source":
            table = next(_tables_in(table.model_fields[part].annotation), table)
    return list(table.model_fields)


def _tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that an annotation names: itself, each of a tuple, or one that may be absent."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
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
