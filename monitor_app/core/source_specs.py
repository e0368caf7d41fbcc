# SPDX-License-Identifier: Apache-2.0
"""What the [[source]] tables of a profile have in common. Each instrument's own table is in its folder of sources/."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor_app.core.addresses import Port
from monitor_app.core.samples import Role

Name = Annotated[str, Field(min_length=1)]
BySignal: TypeAlias = "float | dict[str, float] | None"
"""A number for all currents and powers of a source, or one for each by the name of the power or the current."""
_Gain = Annotated[float, Field(gt=0, le=1000)]
_Ratio = Annotated[float, Field(ge=0, lt=1)]


class Table(BaseModel):
    """A table of a profile. It has no keys but those declared, and does not change once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SourceSpec(Table):
    """One instrument. Each kind declares its ``kind`` as a literal and gives ``name`` a default."""

    kind: str
    name: Name
    accuracy: _Ratio | dict[Name, _Ratio] | None = None
    """Relative limit of the error of its powers; by default what the instrument or its data sheet states."""
    gain: _Gain | dict[Name, _Gain] = 1.0
    """What its currents and powers are to be multiplied by, after ``zero_a`` is taken off."""
    zero_a: float | dict[Name, float] = 0.0
    """The current in A that it shows where there is none."""
    calibrated: Name | None = None
    """When and against what; `monitor-app calibrate` writes it."""

    @property
    def is_calibrated(self) -> bool:
        """The profile says more of its accuracy than the instrument."""
        return (self.accuracy, self.gain, self.zero_a, self.calibrated) != (None, 1.0, 0.0, None)


class EmulatedSpec(SourceSpec):
    """An instrument that can be emulated."""

    emulate: Literal["tx1"] | None = None
    """Start the emulated instrument on this simulated board instead of using a real one."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the emulated board's noise."""
    account: Name | None = None
    """File for the energy log, in the session's folder: the energy that the emulated board really presents."""
    faults: tuple[str, ...] = ()
    """Faults of the emulated instrument, as `monitor-app emulate --fault` takes them."""
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})
    """What each signal feeds, by its name."""

    def emulator_options(self) -> list[str]:
        """The command line of the emulator: the options after `monitor-app emulate KIND`."""
        options = ["--board", self.emulate or "tx1", "--seed", str(self.seed)]
        if self.account is not None:
            options += ["--energy-log", self.account]
        for fault in self.faults:
            options += ["--fault", fault]
        return options


class SerialSpec(EmulatedSpec):
    """An instrument on a serial line. Without port, emulate and replay, the only port that can be it is used."""

    port: Annotated[Port, Field(min_length=1)] | None = None
    """A device path, socket://HOST:PORT or rfc2217://HOST:PORT."""
    serial_number: Name | None = None
    """Use the instrument with this number, on whatever port it is."""
    clock_ppm: float = Field(0.0, ge=-1000, le=1000)
    """Error of the emulated instrument's clock."""
    replay: str | None = None
    """A file of captured bytes to play back instead of opening a port."""
    sync_line: str = "sync"
    """The digital input that a GPIO of the board is wired to; ignored where the instrument has no such line."""

    @property
    def port_baud(self) -> int:
        """Baud rate at which the port is opened; USB ports ignore it."""
        return 115_200

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--clock-ppm", str(self.clock_ppm)]

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> SerialSpec:
        ways = [way for way in ("port", "emulate", "replay") if getattr(self, way) is not None]
        if len(ways) > 1:
            raise ValueError(f"give only one of {' and '.join(ways)}")
        return self
