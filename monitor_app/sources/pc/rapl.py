# SPDX-License-Identifier: Apache-2.0
"""The energy counters of a PC's processor (RAPL), read from the kernel's powercap files, as mean powers."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from monitor_app.core.errors import PortError, SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.sources.accuracy import RAPL
from monitor_app.sources.base import Described, try_source
from monitor_app.sources.polling import PASSING_ERRORS, Blocks, Clock, NumberFile, Schedule, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.core.samples import Reading
    from monitor_app.core.status import FoundSource

RATE_HZ = 20.0
"""The counters move on every millisecond, so that over 50 ms a step too many or too few is 2 %."""
MAX_POWER_W = 10_000.0
"""More than any zone draws, a server with its accelerators included. A counter that may have wrapped around twice at
this power is of no use."""
SILENCE_S = 2.0
_COUNTER_STEP_NS = 1_000_000
# Not intel-rapl-mmio: those are the same packages, read on another way.
_ZONE = re.compile(r"intel-rapl:(\d+)(?::(\d+))?")
_FOLDER = "sys/class/powercap"


class RaplSpec(SourceSpec):
    """The energy counters of a PC's processor (RAPL), through the kernel's powercap files."""

    kind: Literal["rapl"]
    name: Name = "cpu"
    root: str = "/"
    roles: dict[str, Role] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Zone:
    name: str
    energy: NumberFile
    range_uj: int


@dataclass(frozen=True, slots=True)
class _Counted:
    """A counter as it was read at a time."""

    energy_uj: int
    host_ns: int


class RaplSource(Described):
    """Mean power of every zone from one poll to the next. ``roles`` says what each feeds, by its name.

    Zones are named as the kernel names them: ``package-0``, and ``package-0 core`` for a part of it. A sample's
    time is the middle of its interval.
    """

    def __init__(
        self, name: str, root: str = "/", roles: Mapping[str, Role] | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(name)
        self._folder = Path(root) / _FOLDER
        self._root = Path(root)
        self._roles = dict(roles or {})
        self._clock = clock or Clock()
        self._zones: list[_Zone] = []

    def open(self) -> None:
        """Find the zones and read them once. Raises PortError, SourceError with what to do."""
        self.close()
        names = _zone_names(self._folder)
        if not names:
            raise SourceError(
                f"The kernel shows no energy counters of the processor in {self._folder}: run "
                "`sudo modprobe intel_rapl_msr`; virtual machines and most ARM boards have none."
            )
        try:
            for folder, zone in names.items():
                self._zones.append(self._open_zone(folder, zone))
            start_ns = self._clock.now_ns()
            self._last = self._count()
            took_ns = self._clock.now_ns() - start_ns
        except OSError as error:
            self.close()
            raise _cannot(error) from error
        self._info = self._describe(took_ns)
        self._blocks = Blocks()
        self._schedule = Schedule(1 / RATE_HZ, self._clock)
        self._heard_ns = self._clock.now_ns()

    def read(self, timeout_s: float) -> list[Reading]:
        """One sample when a poll is due. Raises SourceLostError when the counters are gone."""
        if not self._zones:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        slots = self._schedule.wait(timeout_s)
        if slots == 0:
            return []
        try:
            counted = self._count()
        except OSError as error:
            if error.errno not in PASSING_ERRORS or self._clock.now_ns() - self._heard_ns > SILENCE_S * 1e9:
                raise SourceLostError(f"{self._name} can no longer be read ({error.strerror}).") from error
            # The energy is not lost: the next interval begins where the last good poll ended.
            return []
        arrival_ns = self._heard_ns = self._clock.now_ns()
        before, self._last = self._last, counted
        powers = [_mean_power(zone, *pair) for zone, *pair in zip(self._zones, before, counted, strict=True)]
        known = [power for power in powers if power is not None]
        if len(known) < len(powers):
            self._blocks.leave_out(slots)
            return []
        return [self._blocks.make(known, (before[0].host_ns + counted[0].host_ns) // 2, arrival_ns)]

    def close(self) -> None:
        """Close the files; calling it twice is fine."""
        zones, self._zones = self._zones, []
        for zone in zones:
            zone.energy.close()

    def _open_zone(self, folder: Path, name: str) -> _Zone:
        energy = NumberFile(folder / "energy_uj")
        try:
            with contextlib.closing(NumberFile(folder / "max_energy_range_uj")) as largest:
                return _Zone(name, energy, largest.read())
        except OSError:
            energy.close()
            raise

    def _count(self) -> list[_Counted]:
        counted = []
        for zone in self._zones:
            start_ns = self._clock.now_ns()
            energy_uj = zone.energy.read()
            counted.append(_Counted(energy_uj, (start_ns + self._clock.now_ns()) // 2))
        return counted

    def _describe(self, took_ns: int) -> SourceInfo:
        names = [zone.name for zone in self._zones]
        notes = ["RAPL is the processor's own measure of its energy; memory, board and supply are not included."]
        notes.append(RAPL.note)
        if any(" " in name for name in names):
            notes.append("A zone named after a package is a part of it and must not be added to it.")
        return SourceInfo(
            name=self._name,
            kind="rapl",
            model=_processor(self._root),
            serial_number="",
            firmware="",
            rate_hz=RATE_HZ,
            signals=tuple(
                Signal(name, Quantity.POWER, self._roles.get(name, Role.OTHER), accuracy=RAPL.power) for name in names
            ),
            transport_bound_ns=round(0.5e9 / RATE_HZ) + took_ns // 2 + _COUNTER_STEP_NS,
            notes=tuple(notes),
        )


def find(root: Path) -> list[FoundSource]:
    """The counters of a machine that has any."""
    if not any((root / _FOLDER).glob("intel-rapl:*")):
        return []
    return [try_source("rapl", "powercap", RaplSource("probe", str(root)), {"kind": "rapl"})]


def _zone_names(folder: Path) -> dict[Path, str]:
    """The zones in the kernel's order, a part with its package's name before its own; no name twice."""
    found = {}
    for path in folder.glob("intel-rapl:*"):
        match = _ZONE.fullmatch(path.name)
        name = read_text(path / "name")
        if match and name:
            found[int(match[1]), -1 if match[2] is None else int(match[2])] = (path, name)
    names: dict[Path, str] = {}
    for (package, part), (path, name) in sorted(found.items()):
        parent = found.get((package, -1))
        full = name if part < 0 or parent is None else f"{names[parent[0]]} {name}"
        names[path] = full if full not in names.values() else f"{full} ({path.name})"
    return names


def _mean_power(zone: _Zone, before: _Counted, now: _Counted) -> float | None:
    """In W; None where the counter may have wrapped around more than once, or was set back."""
    elapsed_us = (now.host_ns - before.host_ns) * 1e-3
    if elapsed_us <= 0 or elapsed_us * MAX_POWER_W >= zone.range_uj:
        return None
    energy_uj = now.energy_uj - before.energy_uj
    if energy_uj < 0:
        energy_uj += zone.range_uj
    power_w = energy_uj / elapsed_us
    # A counter that was set back, as in a sleep of the machine, looks as if it had wrapped around.
    return power_w if 0 <= power_w <= MAX_POWER_W else None


def _cannot(error: OSError) -> SourceError:
    if isinstance(error, PermissionError):
        return PortError(
            "Linux keeps the processor's energy counters for root, since they can betray secrets of other programs: "
            "where that is no danger, run `sudo chmod a+r /sys/class/powercap/intel-rapl:*/{energy_uj,"
            "max_energy_range_uj}`, again after every start of the machine."
        )
    return SourceError(
        f"The processor's energy counter {error.filename or ''} cannot be read ({error.strerror}): "
        "the machine may not support it."
    )


def _processor(root: Path) -> str:
    text = read_text(root / "proc/cpuinfo") or ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else "processor"
