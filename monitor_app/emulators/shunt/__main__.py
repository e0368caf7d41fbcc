# SPDX-License-Identifier: Apache-2.0
"""A simulated board behind an external shunt, a meter that speaks docs/shunt-protocol.md on a pty.

    python -m monitor_app.emulators.shunt --board tx1 [--load-signal PATH] [--link PATH] [--fault FAULT] ...

prints the port and runs until it is stopped.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.emulators.board.load_signal import Line
from monitor_app.emulators.board.sampler import CHANNELS
from monitor_app.emulators.runtime.main import Emulator, EmulatorOptions, Parts, emulate, main
from monitor_app.emulators.runtime.send_queue import capacity_for
from monitor_app.emulators.shunt.device import ShuntDevice
from monitor_app.emulators.shunt.frames import Identity

if TYPE_CHECKING:
    import argparse

FIRMWARE = "emulator 1.0"
LINES = tuple(line.name.lower() for line in Line)
MIN_RATE_HZ = 100.0
MAX_RATE_HZ = 1_000_000.0
_BYTES_PER_SAMPLE = 2 * len(CHANNELS)


@dataclass(frozen=True, kw_only=True)
class ShuntOptions(EmulatorOptions):
    """What to emulate, and where it is found."""

    rate_hz: float = 50_000.0
    """Nominal sample rate, 100 to 1 000 000."""

    def check(self) -> None:
        super().check()
        if not MIN_RATE_HZ <= self.rate_hz <= MAX_RATE_HZ:
            raise SourceError(
                f"A rate of {self.rate_hz:g} Hz cannot be emulated; choose 100 to 1000000 with --rate-hz."
            )


def run(options: ShuntOptions) -> int:
    """Print the port and emulate until stopped; the exit code is 0.

    Raises:
        MonitorError: an option cannot be used.
    """
    options.check()

    def make(parts: Parts) -> ShuntDevice:
        return ShuntDevice(_identity(options), parts.sampler, parts.queue, parts.energy_log, host_time_ns)

    capacity = capacity_for(options.rate_hz * _BYTES_PER_SAMPLE)
    return emulate(options, make, rate_hz=options.rate_hz, capacity=capacity)


def _identity(options: ShuntOptions) -> Identity:
    return Identity(
        model=f"{options.board.upper()} shunt",
        serial=f"SIM-{options.seed}",
        firmware=FIRMWARE,
        rate_hz=options.rate_hz,
        channels=CHANNELS,
        lines=LINES,
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate-hz", type=float, default=ShuntOptions().rate_hz, metavar="HZ")


EMULATOR = Emulator(
    "shunt",
    "Emulate a simulated board behind an external shunt.",
    ShuntOptions,
    _add_options,
    run,
)

if __name__ == "__main__":
    sys.exit(main(EMULATOR))
