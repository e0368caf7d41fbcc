# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of a PowerSensor3."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.samples import Role
from monitor_app.core.source_specs import Name, SerialSpec


class PowerSensor3Spec(SerialSpec):
    """A PowerSensor3 with up to four pairs of current and voltage sensors."""

    kind: Literal["powersensor3"]
    name: Name = "powersensor3"
    roles: dict[str, Role] = Field(default_factory=dict)
    pairs: int | None = Field(None, ge=1, le=4)
    """Of the emulated device; by default four, or one where the roles name "power", the signal of a single pair."""

    def emulator_options(self) -> list[str]:
        pairs = self.pairs or (1 if "power" in self.roles else 4)
        return [*super().emulator_options(), "--pairs", str(pairs)]
