# SPDX-License-Identifier: Apache-2.0
"""A simulated board behind a PowerSensor3 on a pty.

    python -m monitor_app.emulators.powersensor3 --board tx1 [--load-signal PATH] [--link PATH] [--energy-log FILE] ...

prints the port and runs until it is stopped. The first pair of sensors is in the supply of the board, the others
are in some of its rails; the energy log is of the first.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.emulators.powersensor3.device import FRAME_RATE_HZ, PowerSensor3Device
from monitor_app.emulators.powersensor3.sensors import PAIRS, Sensors
from monitor_app.emulators.runtime.main import Emulator, EmulatorOptions, Parts, emulate, main

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True, kw_only=True)
class PowerSensor3Options(EmulatorOptions):
    """What to emulate, and where it is found."""

    pairs: int = PAIRS
    """Pairs of sensors that are connected, 1 to 4; the others are not in use, though their levels are sent."""

    def check(self) -> None:
        super().check()
        if not 1 <= self.pairs <= PAIRS:
            raise SourceError(f"{self.pairs} pairs of sensors cannot be connected; choose 1 to {PAIRS} with --pairs.")


def run(options: PowerSensor3Options) -> int:
    """Print the port and emulate until stopped; the exit code is 0.

    Raises:
        MonitorError: an option cannot be used.
    """

    def make(parts: Parts) -> PowerSensor3Device:
        sensors = Sensors(options.board, options.pairs, options.seed)
        return PowerSensor3Device(sensors, parts.sampler, parts.queue, parts.energy_log)

    return emulate(options, make, rate_hz=FRAME_RATE_HZ, channels=())


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pairs", type=int, default=PowerSensor3Options.pairs, metavar="N", help=f"pairs in use, 1 to {PAIRS}"
    )


EMULATOR = Emulator(
    "powersensor3",
    "Emulate a simulated board behind a PowerSensor3.",
    PowerSensor3Options,
    _add_options,
    run,
)

if __name__ == "__main__":
    sys.exit(main(EMULATOR))
