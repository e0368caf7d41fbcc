# SPDX-License-Identifier: Apache-2.0
"""From the instruments that a profile names to sources that can be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.emulator import EmulatedShunt
from monitor_app.sources.shunt import ShuntSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.core import profile
    from monitor_app.core.samples import PowerSource


@dataclass(frozen=True, slots=True)
class Instrument:
    """How to reach an instrument, again and again."""

    make_source: Callable[[], PowerSource]
    emulated: EmulatedShunt | None = None

    @property
    def lamp(self) -> Path | None:
        """Where a simulated board wants to be told that a network is running."""
        return self.emulated.lamp if self.emulated else None

    def close(self) -> None:
        """End what was started for it; calling it twice is fine."""
        if self.emulated is not None:
            self.emulated.close()


def make_instrument(spec: profile.ShuntSpec) -> Instrument:
    """The instrument of one [[source]] table."""
    if spec.emulate is not None:
        emulated = EmulatedShunt(spec)
        return Instrument(lambda: ShuntSource(spec.name, emulated.port(), spec.roles), emulated)
    port = spec.port
    assert port is not None, "a profile gives port or emulate"
    return Instrument(lambda: ShuntSource(spec.name, port, spec.roles))
