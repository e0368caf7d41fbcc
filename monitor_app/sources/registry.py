# SPDX-License-Identifier: Apache-2.0
"""The table of all kinds of instruments. A new one is its own folder and one row here.

Everything that differs by kind is read from this table: how a profile is read, how the bench makes a source, how an
instrument is found, what the disk estimate counts, what can be emulated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from monitor_app.core.source_specs import SerialSpec, SourceSpec
from monitor_app.sources.base import DataRate
from monitor_app.sources.jetson import driver as jetson
from monitor_app.sources.jtop import driver as jtop
from monitor_app.sources.lines.decoder import NO_CHECKSUM
from monitor_app.sources.lines.described_meter import LinesSpec
from monitor_app.sources.lines.driver import LinesSource
from monitor_app.sources.pc import hwmon, nvml, rapl
from monitor_app.sources.powersensor3 import driver as powersensor3
from monitor_app.sources.powersensor3.driver import PowerSensor3Source, PowerSensor3Spec
from monitor_app.sources.ppk2 import driver as ppk2
from monitor_app.sources.scpi.driver import ScpiSource, ScpiSpec
from monitor_app.sources.scpi.oscilloscope import ScopeSource, ScopeSpec
from monitor_app.sources.serial.ports import PortFilter
from monitor_app.sources.serial.transport import SerialTransport
from monitor_app.sources.shunt.driver import ShuntSource, ShuntSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from monitor_app.core.samples import PowerSource
    from monitor_app.core.status import FoundSource, Identity
    from monitor_app.remote.link import GetLink
    from monitor_app.sources.jetson.boards import BoardPart
    from monitor_app.sources.serial.transport import Transport

Spec = TypeVar("Spec", bound=SourceSpec)
UsbId = tuple[int, int]
"""Vendor and product."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the instrument of a spec was found; of no use to sources that measure the machine itself."""

    port: str = ""
    """A device path or URL; empty where the spec itself names the instrument."""
    serial_number: str = ""
    """As USB reports it."""
    open_transport: Callable[[str], Transport] = SerialTransport
    link: GetLink | None = None
    """To the board that is measured; None where that is this machine."""


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[Spec]):
    """One kind of instrument."""

    spec: type[Spec]
    """Its [[source]] table."""
    title: str
    """Its name within a sentence."""
    make: Callable[[Spec, Connection], PowerSource]
    """A source that is not open yet. Raises PortError, ProfileError."""
    data_rate: Callable[[Spec], DataRate]
    """What it produces; nominal where the instrument reports its rate or its signals only once it is asked."""
    parts: Callable[[Spec, GetLink | None], Sequence[BoardPart]] = lambda _spec, _link: ()
    """The sources of one table, where these may be several; if it gives none, there is one, by ``make``."""
    of_this_machine: bool = False
    """Whether it measures the machine that it runs on, and no board elsewhere."""
    probe: Callable[[str], PowerSource] | None = None
    """A source that asks on a port whether this instrument is there; without one, no port is asked."""
    find: Callable[[Path], list[FoundSource]] = lambda _: []
    """What this machine has of it; the argument is the folder in which /sys, /proc and /run are."""
    usb_ids: frozenset[UsbId] = frozenset()
    own_usb_id: bool = False
    """Whether no other instrument has these USB ids. A chip maker's id is shared by many."""
    required: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Keys without a default that a profile must give, with their usual values."""
    identity: Identity = "serial_number"
    """What tells one from another on the same machine; by ``kind`` where a machine has only one."""
    programs: Callable[[Spec], Sequence[str]] = lambda _: ()
    """What a profile has it start, by path or name: users are asked before (monitor_app.bench.trust)."""
    no_checksum: str = ""
    """What a bit that is flipped on the line does, one sentence; empty where a checksum or the system keeps it out."""
    measures_supply: bool = False
    """Whether it continuously measures, from outside, what goes into a board."""
    emulates: str = ""
    """What `monitor-app emulate KIND` is, in a few words; empty where this kind cannot be emulated."""
    emulator_alias: str | None = None
    """A shorter name for it on the command line."""

    @property
    def name(self) -> str:
        """As a profile writes it after ``kind``."""
        return str(get_args(self.spec.model_fields["kind"].annotation)[0])

    @property
    def serial(self) -> bool:
        """Whether the instrument is on a serial line."""
        return issubclass(self.spec, SerialSpec)

    @property
    def port_filter(self) -> PortFilter:
        """Which of the serial ports may be this instrument."""
        others = () if self.usb_ids else (kind.usb_ids for kind in KINDS.values() if kind.own_usb_id)
        return PortFilter(self.title, self.usb_ids, frozenset[UsbId]().union(*others))


AnyKind = Kind[Any]
_ROWS: tuple[AnyKind, ...] = (
    Kind(
        spec=ShuntSpec,
        title="shunt meter",
        make=lambda spec, at: ShuntSource(spec.name, at.port, spec.roles, at.open_transport),
        data_rate=lambda spec: DataRate(spec.rate_hz, signals=3, stored_bytes=2 * 2),
        probe=lambda port: ShuntSource("probe", port, {}),
        measures_supply=True,
        emulates="a 50 kSa/s shunt",
    ),
    Kind(
        spec=PowerSensor3Spec,
        title="PowerSensor3",
        make=lambda spec, at: PowerSensor3Source(spec.name, at.port, spec.roles, at.open_transport, at.serial_number),
        data_rate=lambda _: DataRate(20_000, signals=12, stored_bytes=8 * 2),
        probe=lambda port: PowerSensor3Source("probe", port),
        no_checksum=powersensor3.NO_CHECKSUM,
        usb_ids=frozenset({(0x0483, 0x5740)}),
        measures_supply=True,
        emulates="a PowerSensor3, 20 kSa/s on four pairs",
        emulator_alias="ps3",
    ),
    Kind(
        spec=ppk2.Ppk2Spec,
        title="Power Profiler Kit II",
        make=lambda spec, at: ppk2.Ppk2Source(
            spec.name, at.port, spec.mode, spec.supply_v, spec.roles, at.serial_number, at.open_transport
        ),
        data_rate=lambda _: DataRate(ppk2.RATE_HZ, signals=2, stored_bytes=2 * 4),
        # As ammeter it switches nothing on: asking must not power what is connected.
        probe=lambda port: ppk2.Ppk2Source("probe", port, "ampere", 3.3),
        no_checksum=ppk2.NO_CHECKSUM,
        usb_ids=frozenset({(0x1915, 0xC00A)}),
        own_usb_id=True,
        measures_supply=True,
        emulates="a Power Profiler Kit II, 100 kSa/s",
    ),
    Kind(
        spec=LinesSpec,
        title="line meter",
        make=lambda spec, at: LinesSource(spec.name, at.port, spec, at.open_transport),
        data_rate=lambda spec: DataRate(1000.0, signals=len(spec.columns) or 2),
        probe=lambda port: LinesSource("probe", port, LinesSpec(kind="lines", format="edgepowermeter", port=port)),
        required=MappingProxyType({"format": "edgepowermeter"}),
        no_checksum=NO_CHECKSUM,
        measures_supply=True,
        emulates="an EdgePowerMeter, lines of text",
    ),
    Kind(
        spec=ScpiSpec,
        title="supply or multimeter",
        make=lambda spec, at: ScpiSource(spec.name, spec, f"ASRL{at.port}::INSTR" if at.port else None),
        data_rate=lambda spec: DataRate(1 / spec.interval_s, signals=2),
        measures_supply=True,
        emulates="a bench supply, SCPI",
    ),
    Kind(
        spec=ScopeSpec,
        title="oscilloscope",
        make=lambda spec, _: ScopeSource(spec.name, spec),
        data_rate=lambda spec: DataRate(spec.points / spec.record_s, signals=2, stored_bytes=2 * 4),
    ),
    Kind(
        spec=jetson.JetsonRailsSpec,
        title="power rails of a Jetson",
        make=lambda spec, at: jetson.first_chip(spec, at.link),
        data_rate=lambda _: DataRate(100.0, signals=6),
        parts=jetson.rails_of_board,
        find=jetson.find,
        identity="kind",
    ),
    Kind(
        spec=jtop.JtopSpec,
        title="jtop service",
        make=lambda spec, at: jtop.jtop_source(spec, at.link),
        data_rate=lambda spec: DataRate(1 / spec.interval_s, signals=30),
        find=jtop.find,
        identity="kind",
        programs=lambda spec: () if spec.python is None else (spec.python,),
    ),
    Kind(
        spec=nvml.NvmlSpec,
        title="NVIDIA GPU",
        make=lambda spec, _: nvml.NvmlSource(spec.name, spec.index, spec.role),
        data_rate=lambda _: DataRate(nvml.RATE_HZ, signals=6),
        of_this_machine=True,
        find=nvml.find,
        identity="model",
    ),
    Kind(
        spec=rapl.RaplSpec,
        title="energy counters of the processor",
        make=lambda spec, _: rapl.RaplSource(spec.name, spec.root, spec.roles),
        data_rate=lambda _: DataRate(rapl.RATE_HZ, signals=3),
        of_this_machine=True,
        find=rapl.find,
        identity="kind",
    ),
    Kind(
        spec=hwmon.HwmonSpec,
        title="power sensors of the kernel",
        make=lambda spec, _: hwmon.HwmonSource(spec.name, spec.root, spec.roles),
        data_rate=lambda _: DataRate(10.0, signals=6),
        of_this_machine=True,
        find=hwmon.find,
        identity="kind",
    ),
)
KINDS: dict[str, AnyKind] = {kind.name: kind for kind in _ROWS}
"""By their names, in the order in which users see them."""


def emulated_kind(name: str) -> AnyKind | None:
    """The kind that `monitor-app emulate` means by a name or its alias; None where it cannot be emulated."""
    return next((kind for kind in KINDS.values() if kind.emulates and name in {kind.name, kind.emulator_alias}), None)
