# SPDX-License-Identifier: Apache-2.0
"""The driver of a made-up instrument, with its table, and how it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from monitor_app.core.errors import SourceLostError
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.core.status import FoundSource
from monitor_app.sources.base import Described
from monitor_app.sources.polling import Blocks, Clock, Schedule

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.core.samples import Reading


class WindmillSpec(SourceSpec):
    """A windmill that feeds the board."""

    kind: Literal["windmill"]
    name: Name = "windmill"
    rate_hz: float = Field(50.0, gt=0)
    power_w: float


class WindmillSource(Described):
    def __init__(self, spec: WindmillSpec) -> None:
        super().__init__(spec.name)
        self._spec = spec
        self._schedule: Schedule | None = None

    def open(self) -> None:
        power = Signal("power", Quantity.POWER, Role.TOTAL)
        self._info = SourceInfo(self._name, "windmill", "Mill 1", "W-7", "", self._spec.rate_hz, (power,))
        self._clock, self._blocks = Clock(), Blocks()
        self._schedule = Schedule(1 / self._spec.rate_hz, self._clock)

    def read(self, timeout_s: float) -> list[Reading]:
        if self._schedule is None:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        if not self._schedule.wait(timeout_s):
            return []
        now_ns = self._clock.now_ns()
        return [self._blocks.make([self._spec.power_w], now_ns, now_ns)]

    def close(self) -> None:
        self._schedule = None


def find(root: Path) -> list[FoundSource]:
    return [FoundSource("windmill", "hill", "Mill 1", True, "ready", {"kind": "windmill", "power_w": 2.5})]
