# SPDX-License-Identifier: Apache-2.0
"""The options that every emulator has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.emulators.board.boards import BOARDS
from monitor_app.emulators.runtime.faults import parse_fault

if TYPE_CHECKING:
    import argparse

MAX_CLOCK_PPM = 10_000.0


@dataclass(frozen=True, kw_only=True)
class EmulatorOptions:
    """What to emulate, and where it is found."""

    board: str = "tx1"
    load_signal: Path | None = None
    """Unix socket on which the board receives when it is busy; without one it stays idle."""
    link: Path | None = None
    """Symbolic link to the port."""
    seed: int = 1
    """Of the noise and the faults; also makes the serial number. 0 to 2**32 - 1."""
    clock_ppm: float = 0.0
    """How much faster than nominal the device's clock runs, up to 10 000 either way."""
    energy_log: Path | None = None
    """File for the energy that the board really draws."""
    faults: tuple[str, ...] = ()
    """As `parse_fault` reads them."""
    until_stdin_closes: bool = False
    """Stop when standard input closes, so that the emulator does not outlive its parent."""

    def check(self) -> None:
        """Raise SourceError, a sentence that names the option, if one cannot be used."""
        if self.board not in BOARDS:
            raise SourceError(f"There is no simulated board {self.board!r}; choose one of: {', '.join(BOARDS)}.")
        if not 0 <= self.seed < 2**32:
            raise SourceError(f"The seed {self.seed} is out of range; choose 0 to {2**32 - 1} with --seed.")
        if not abs(self.clock_ppm) <= MAX_CLOCK_PPM:
            raise SourceError(
                f"A clock error of {self.clock_ppm:g} ppm is too much; choose up to 10000 with --clock-ppm."
            )
        for fault in self.faults:
            parse_fault(fault)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of `EmulatorOptions`."""
    defaults = EmulatorOptions()
    parser.add_argument("--board", default=defaults.board, help=f"one of: {', '.join(BOARDS)}")
    parser.add_argument(
        "--load-signal",
        "--lamp",
        type=Path,
        metavar="PATH",
        help="socket that receives the load signal: when the board is busy",
    )
    parser.add_argument("--link", type=Path, metavar="PATH", help="make a symbolic link to the port")
    parser.add_argument("--seed", type=int, default=defaults.seed, metavar="N", help="seed of the noise and the faults")
    parser.add_argument(
        "--clock-ppm", type=float, default=defaults.clock_ppm, metavar="PPM", help="error of the instrument's clock"
    )
    parser.add_argument(
        "--energy-log",
        "--account",
        type=Path,
        metavar="FILE",
        help="append the energy that the board really draws to this file",
    )
    parser.add_argument(
        "--fault",
        dest="faults",
        action="append",
        default=[],
        metavar="FAULT",
        help="KIND@SECONDS[:AMOUNT][/EVERY]: garbage, drop, stall, reset or unplug; may be given again",
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when standard input closes")
