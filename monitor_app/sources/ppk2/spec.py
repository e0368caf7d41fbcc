# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of a Power Profiler Kit II."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.source_specs import Name, SerialSpec


class Ppk2Spec(SerialSpec):
    """A Nordic Power Profiler Kit II. It measures current only; the voltage is what it or the user supplies."""

    kind: Literal["ppk2"]
    name: Name = "ppk2"
    mode: Literal["source", "ampere"] = "ampere"
    """source: the kit supplies the device; ampere: it measures in the line of another supply."""
    supply_v: float = Field(3.3, ge=0.8, le=5.0)
    """Voltage that the kit supplies (source) or that the other supply gives (ampere). Power is current times this."""
    sync_line: str = "D1"

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--supply-v", str(self.supply_v)]
