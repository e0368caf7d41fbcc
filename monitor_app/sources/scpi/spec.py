# SPDX-License-Identifier: Apache-2.0
"""The [[source]] tables of instruments that answer SCPI queries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from monitor_app.core.samples import Role
from monitor_app.core.source_specs import EmulatedSpec, Name, SourceSpec


class ScpiSpec(EmulatedSpec):
    """A supply or multimeter that answers SCPI queries, through pyvisa (the extra `scpi`)."""

    kind: Literal["scpi"]
    name: Name = "scpi"
    resource: Name | None = None
    """A VISA resource: ASRL/dev/ttyUSB0::INSTR, TCPIP::10.0.0.5::5025::SOCKET, USB0::..."""
    model: Literal["e364x", "dmm"] = "e364x"
    """e364x: a supply, voltage and current; dmm: a multimeter that measures the current."""
    channel: int | None = Field(None, ge=1, le=8)
    """The output of a supply that has several; by default the one that is selected at its front panel."""
    supply_v: float | None = Field(None, gt=0)
    """For a multimeter in the line of the current: the voltage of the supply."""
    interval_s: float = Field(0.25, ge=0.02, le=60)
    """Time between two queries; most supplies answer a few a second."""

    @model_validator(mode="after")
    def _one_of_resource_and_emulate(self) -> ScpiSpec:
        if (self.resource is None) == (self.emulate is None):
            raise ValueError("give either resource (a VISA resource) or emulate (a simulated board)")
        if self.channel is not None and self.model != "e364x":
            raise ValueError("channel is of a supply (e364x): a multimeter has none")
        return self

    def emulator_options(self) -> list[str]:
        channel = [] if self.channel is None else ["--channel", str(self.channel)]
        return [*super().emulator_options(), "--model", self.model, *channel]


class ScopeSpec(SourceSpec):
    """An oscilloscope with a current probe, one captured record after another (the extra `scpi`)."""

    kind: Literal["scope"]
    name: Name = "scope"
    resource: Name
    """A VISA resource: TCPIP::10.0.0.7::5025::SOCKET, USB0::..."""
    channel: int = Field(1, ge=1, le=8)
    a_per_v: float = Field(gt=0)
    """Amperes per volt of the probe: 10 for 100 mV/A."""
    supply_v: float = Field(gt=0)
    """Voltage of the supply; power is current times this."""
    record_s: float = Field(2.0, gt=0, le=60)
    points: int = Field(100_000, ge=100, le=4_000_000)
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})
