# SPDX-License-Identifier: Apache-2.0
"""A simulated board behind a meter that prints lines of text on a pty.

    python -m monitor_app.emulators.lines --format edgepowermeter --board tx1 [--load-signal PATH] [--link PATH] ...

prints the port and runs until it is stopped. The energy log begins at the device's power-up.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.emulators.lines.csv_json import MAX_JSON_HZ, CsvMeter, JsonMeter, LabelledMeter
from monitor_app.emulators.lines.device import INPUT_HZ, MEMORY, Chip
from monitor_app.emulators.lines.edgepowermeter import EdgePowerMeter, OldEdgePowerMeter, RealTimeClock, Settings
from monitor_app.emulators.runtime.main import Emulator, EmulatorOptions, Parts, emulate, main

if TYPE_CHECKING:
    import argparse

    from monitor_app.emulators.runtime.loop import Device

FORMATS = ("edgepowermeter", "csv", "json", "labelled")
MIN_RATE_HZ = 1.0
MAX_RATE_HZ = {"csv": 2_000.0, "json": float(MAX_JSON_HZ), "labelled": 1_000.0}
_USUAL_RATE_HZ = {"csv": 1_000.0, "json": 100.0, "labelled": 100.0}


@dataclass(frozen=True, kw_only=True)
class LinesOptions(EmulatorOptions):
    """What to emulate, and where it is found."""

    format: str = "edgepowermeter"
    """One of FORMATS."""
    firmware: int = 2
    """Of an EdgePowerMeter: 2, or 1, which prints CSV lines and obeys nothing."""
    rate_hz: float | None = None
    """Lines a second, 1 to 2 000 of csv, to 400 of json and to 1 000 of labelled; an EdgePowerMeter's follows from its
    settings."""

    def check(self) -> None:
        super().check()
        if self.format not in FORMATS:
            raise SourceError(f"There is no format {self.format!r}; choose one of: {', '.join(FORMATS)}.")
        if self.firmware not in {1, 2}:
            raise SourceError(f"Firmware {self.firmware} cannot be emulated; choose 1 or 2 with --firmware.")
        if self.rate_hz is None:
            return
        largest = MAX_RATE_HZ.get(self.format)
        if largest is None:
            raise SourceError("An EdgePowerMeter's rate follows from its settings; leave --rate-hz out.")
        if not MIN_RATE_HZ <= self.rate_hz <= largest:
            raise SourceError(
                f"A rate of {self.rate_hz:g} Hz cannot be emulated; choose 1 to {largest:.0f} with --rate-hz."
            )


def run(options: LinesOptions) -> int:
    """Print the port and emulate until stopped; the exit code is 0.

    Raises:
        MonitorError: an option cannot be used.
    """
    options.check()
    return emulate(options, lambda parts: _device(options, parts), rate_hz=INPUT_HZ, channels=(), capacity=MEMORY)


def _device(options: LinesOptions, parts: Parts) -> Device:
    now_ns = host_time_ns()
    rate_hz = options.rate_hz or _USUAL_RATE_HZ.get(options.format)
    period_us = Settings().period_us if rate_hz is None else 1e6 / rate_hz
    chip = Chip(parts.sampler, parts.energy_log, options.seed, period_us)
    if options.format == "csv":
        return CsvMeter(chip, parts.queue, now_ns)
    if options.format == "json":
        return JsonMeter(chip, parts.queue, now_ns)
    if options.format == "labelled":
        return LabelledMeter(chip, parts.queue, now_ns)
    meter = EdgePowerMeter if options.firmware == 2 else OldEdgePowerMeter
    local_s = time.time() + time.localtime().tm_gmtoff
    return meter(chip, parts.queue, RealTimeClock(local_s, now_ns), now_ns)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", default=LinesOptions.format, help=f"one of: {', '.join(FORMATS)}")
    parser.add_argument(
        "--firmware",
        type=int,
        default=LinesOptions.firmware,
        metavar="N",
        help="of an edgepowermeter: 1 or 2",
    )
    parser.add_argument("--rate-hz", type=float, metavar="HZ", help="lines per second; for csv, json and labelled")


EMULATOR = Emulator(
    "lines",
    "Emulate a simulated board behind a meter that prints lines of text.",
    LinesOptions,
    _add_options,
    run,
)

if __name__ == "__main__":
    sys.exit(main(EMULATOR))
