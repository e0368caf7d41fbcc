# SPDX-License-Identifier: Apache-2.0
"""One [[source]] table of a profile for each kind of instrument; ``kind`` says which."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor_app.core.samples import Quantity, Role

Name = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table of a profile: no key but those it has, nothing changed once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SerialSpec(Table):
    """What all instruments on a serial line have. With neither port nor emulate, the first that is found is used."""

    name: Name
    port: Name | None = None
    """A device path or pyserial URL."""
    serial_number: Name | None = None
    """Use this one of several, on whatever port it is."""
    emulate: Literal["tx1"] | None = None
    """Start the emulated instrument on this simulated board instead of opening a port."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Of the emulated board's noise."""
    clock_ppm: float = Field(0.0, ge=-1000, le=1000)
    """Error of the emulated instrument's clock."""
    account: str | None = None
    """File in which the emulated board keeps account of the energy it really presents."""
    faults: tuple[str, ...] = ()
    """What the emulated instrument does wrong, as `monitor-app emulate --fault` takes it."""
    replay: str | None = None
    """A file of captured bytes to play back instead of opening a port."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """What each signal feeds, by its name."""
    sync_line: str = "sync"
    """The digital input that a GPIO of the board is wired to; ignored where the instrument has no such line."""

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> SerialSpec:
        ways = [way for way in ("port", "emulate", "replay") if getattr(self, way) is not None]
        if len(ways) > 1:
            raise ValueError(f"give only one of {' and '.join(ways)}")
        return self


class ShuntSpec(SerialSpec):
    """A meter that speaks the shunt stream protocol (docs/shunt-protocol.md)."""

    kind: Literal["shunt"]
    name: Name = "shunt"
    rate_hz: float = Field(50_000.0, ge=100, le=1_000_000)
    """Samples a second of the emulated meter; a real one says its own."""
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})


class PowerSensor3Spec(SerialSpec):
    """A PowerSensor3 with up to four pairs of current and voltage sensors."""

    kind: Literal["powersensor3"]
    name: Name = "powersensor3"


class Ppk2Spec(SerialSpec):
    """A Nordic Power Profiler Kit II. It measures current only; the voltage is what it or the user supplies."""

    kind: Literal["ppk2"]
    name: Name = "ppk2"
    mode: Literal["source", "ampere"] = "ampere"
    """source: it supplies the device; ampere: it stands in the line of another supply."""
    supply_v: float = Field(3.3, ge=0.8, le=5.0)
    """In source mode what it is set to, in ampere mode what the other supply gives. Power is current times this."""
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})
    sync_line: str = "D1"


class Column(Table):
    """One quantity of a line of text."""

    name: Name
    """Of the signal."""
    field: str | Annotated[int, Field(ge=0)] | None = None
    """Key of a JSON object, heading of a CSV column, or its number from 0; by default the name."""
    quantity: Quantity
    scale: float = 1.0
    """SI units per unit of the text: 0.001 for mA."""
    offset: float = 0.0


class TimeColumn(Table):
    """The instrument's own time stamp on a line; without one, lines have the time of their arrival."""

    field: str | Annotated[int, Field(ge=0)]
    scale_s: float = Field(gt=0)
    """Seconds per unit of the text: 1e-6 for microseconds."""


class LinesSpec(SerialSpec):
    """Lines of text: those of an EdgePowerMeter, or values with commas between, or JSON objects, as described here."""

    kind: Literal["lines"]
    name: Name = "lines"
    format: Literal["edgepowermeter", "csv", "json"]
    baud: int = Field(115_200, ge=300, le=12_000_000)
    separator: str = Field(",", min_length=1, max_length=1)
    columns: tuple[Column, ...] = ()
    time: TimeColumn | None = None
    start: str | None = None
    """Sent once after opening, to make the instrument talk; a line end is added."""
    stop: str | None = None
    """Sent before closing."""
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})

    @model_validator(mode="after")
    def _columns_are_named(self) -> LinesSpec:
        if self.format != "edgepowermeter" and not self.columns:
            raise ValueError("name the columns of the lines under [[source.columns]]")
        return self


class ScpiSpec(Table):
    """A supply or multimeter that answers SCPI queries, through pyvisa (the extra `scpi`)."""

    kind: Literal["scpi"]
    name: Name = "scpi"
    resource: Name | None = None
    """A VISA resource: ASRL/dev/ttyUSB0::INSTR, TCPIP::10.0.0.5::5025::SOCKET, USB0::..."""
    model: Literal["e364x", "dmm"] = "e364x"
    """e364x: a supply, voltage and current; dmm: a multimeter that measures the current."""
    supply_v: float | None = Field(None, gt=0)
    """For a multimeter in the line of the current: the voltage of the supply."""
    interval_s: float = Field(0.25, ge=0.02, le=60)
    """Between queries; most supplies answer a few a second."""
    emulate: Literal["tx1"] | None = None
    seed: int = Field(0, ge=0, lt=2**32)
    account: str | None = None
    faults: tuple[str, ...] = ()
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})

    @model_validator(mode="after")
    def _one_of_resource_and_emulate(self) -> ScpiSpec:
        if (self.resource is None) == (self.emulate is None):
            raise ValueError("give either resource (a VISA resource) or emulate (a simulated board)")
        return self


class ScopeSpec(Table):
    """An oscilloscope with a current probe, one captured record after another (the extra `scpi`)."""

    kind: Literal["scope"]
    name: Name = "scope"
    resource: Name
    """A VISA resource: TCPIP::10.0.0.7::5025::SOCKET, USB0::..."""
    channel: int = Field(1, ge=1, le=8)
    a_per_v: float = Field(gt=0)
    """Amperes a volt of the probe: 10 for 100 mV/A."""
    supply_v: float = Field(gt=0)
    """Voltage of the supply; power is current times this."""
    record_s: float = Field(2.0, gt=0, le=60)
    points: int = Field(100_000, ge=100, le=4_000_000)
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})


class JetsonRailsSpec(Table):
    """The power rails of a Jetson, from the kernel's files; each chip becomes a source of its own."""

    kind: Literal["jetson-rails"]
    name: Name = "rails"
    board: str | None = None
    """A board of profiles/boards, such as jetson-tx1; by default the one this program runs on."""
    root: str = "/"
    """Where /sys and /proc are found: another root is for tests and for a mounted file system."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """What a rail feeds, where the board's own profile is to be overruled."""


class JtopSpec(Table):
    """What the jtop service of jetson-stats tells: rails, load, frequencies, temperatures, fan, memory."""

    kind: Literal["jtop"]
    name: Name = "jtop"
    interval_s: float = Field(1.0, ge=0.05, le=60)
    python: str | None = None
    """The interpreter that has jetson-stats in the service's version; by default this one, then the system's."""
    roles: dict[str, Role] = Field(default_factory=dict)


class NvmlSpec(Table):
    """An NVIDIA GPU of a PC, through its driver's management library (the extra `nvml`)."""

    kind: Literal["nvml"]
    name: Name = "gpu"
    index: int = Field(0, ge=0)
    role: Role = Role.GPU


class RaplSpec(Table):
    """The energy counters of a PC's processor (RAPL), through the kernel's powercap files."""

    kind: Literal["rapl"]
    name: Name = "cpu"
    root: str = "/"
    roles: dict[str, Role] = Field(default_factory=dict)


class HwmonSpec(Table):
    """Power sensors that a PC's kernel knows (hwmon)."""

    kind: Literal["hwmon"]
    name: Name = "hwmon"
    root: str = "/"
    roles: dict[str, Role] = Field(default_factory=dict)


SERIAL_KINDS: tuple[type[SerialSpec], ...] = (ShuntSpec, PowerSensor3Spec, Ppk2Spec, LinesSpec)
SourceSpec = Annotated[
    ShuntSpec
    | PowerSensor3Spec
    | Ppk2Spec
    | LinesSpec
    | ScpiSpec
    | ScopeSpec
    | JetsonRailsSpec
    | JtopSpec
    | NvmlSpec
    | RaplSpec
    | HwmonSpec,
    Field(discriminator="kind"),
]
"""One instrument."""
