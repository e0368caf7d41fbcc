# SPDX-License-Identifier: Apache-2.0
"""A small simulated board on a Nordic PPK2 on a pty.

    python -m monitor_app.emulators.ppk2 --board tx1 [--supply-v V] [--load-signal PATH] [--link PATH] ...

prints the port and runs until it is stopped. The board draws an eighth of what the one it is named after does.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.emulators.ppk2.device import MAX_MV, MIN_MV, SAMPLE_RATE_HZ, Ppk2Device
from monitor_app.emulators.ppk2.meter import Meter
from monitor_app.emulators.runtime.main import Emulator, EmulatorOptions, Parts, emulate, main

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True, kw_only=True)
class Ppk2Options(EmulatorOptions):
    """What to emulate, and where it is found."""

    supply_v: float = 5.0
    """Of the supply that feeds the board in ampere mode, 0.8 to 5."""
    spikes: bool = True
    """Whether the first samples after a change of range are wrong, as those of a real one are."""

    def check(self) -> None:
        super().check()
        if not MIN_MV <= self.supply_v * 1000 <= MAX_MV:
            raise SourceError(
                f"A supply of {self.supply_v:g} V cannot be emulated; choose {MIN_MV / 1000:g} to {MAX_MV / 1000:g} "
                "with --supply-v."
            )


def run(options: Ppk2Options) -> int:
    """Print the port and emulate until stopped; the exit code is 0.

    Raises:
        MonitorError: an option cannot be used.
    """

    def make(parts: Parts) -> Ppk2Device:
        meter = Meter(options.seed, options.spikes)
        return Ppk2Device(options.seed, options.supply_v, meter, parts.sampler, parts.queue, parts.energy_log)

    return emulate(options, make, rate_hz=SAMPLE_RATE_HZ, channels=())


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--supply-v",
        type=float,
        default=Ppk2Options.supply_v,
        metavar="V",
        help="voltage of the supply that feeds the board in ampere mode",
    )
    parser.add_argument(
        "--no-spikes",
        dest="spikes",
        action="store_false",
        help="leave out the spikes after a change of range",
    )


EMULATOR = Emulator(
    "ppk2",
    "Emulate a small simulated board on a Nordic Power Profiler Kit II.",
    Ppk2Options,
    _add_options,
    run,
)

if __name__ == "__main__":
    sys.exit(main(EMULATOR))
