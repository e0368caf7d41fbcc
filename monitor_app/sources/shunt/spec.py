# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of a shunt meter."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.source_specs import Name, SerialSpec


class ShuntSpec(SerialSpec):
    """A meter that speaks the shunt stream protocol (docs/shunt-protocol.md)."""

    kind: Literal["shunt"]
    name: Name = "shunt"
    rate_hz: float = Field(50_000.0, ge=100, le=1_000_000)
    """Sample rate of the emulated meter; a real one reports its own."""

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--rate-hz", str(self.rate_hz)]
