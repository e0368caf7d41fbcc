# SPDX-License-Identifier: Apache-2.0
"""The command line of every emulator; it joins the device, its board, its line and its load signal, and runs them."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from monitor_app.core.errors import MonitorError, SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.emulators.board.boards import BOARDS
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LoadSignalReceiver
from monitor_app.emulators.board.sampler import CHANNELS, SampleClock, Sampler
from monitor_app.emulators.runtime.faults import FaultyLine, parse_fault
from monitor_app.emulators.runtime.loop import StopSignals, serve
from monitor_app.emulators.runtime.send_queue import CAPACITY, SendQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor_app.emulators.board.boards import Board
    from monitor_app.emulators.board.sampler import Channel
    from monitor_app.emulators.runtime.loop import Device


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


Options = TypeVar("Options", bound=EmulatorOptions)


@dataclass(frozen=True)
class Emulator(Generic[Options]):
    """An emulated instrument as its ``__main__`` module describes it."""

    kind: str
    """Its folder in monitor_app.emulators."""
    description: str
    """For `--help`."""
    options: type[Options]
    add_options: Callable[[argparse.ArgumentParser], None]
    """Adds the options that not every emulator has; their destinations are fields of `options`."""
    run: Callable[[Options], int]
    """Prints the port and emulates until stopped; the exit code. Raises MonitorError if an option cannot be used."""


def main(emulator: Emulator[Options], arguments: Sequence[str] | None = None, *, program: str | None = None) -> int:
    """Emulate as the command line says; 1 and a sentence on stderr if that is not possible.

    Args:
        emulator: what to emulate.
        arguments: by default those of this process.
        program: the name of the command in `--help`; by default that of the module.
    """
    try:
        return emulator.run(parse(emulator, arguments, program=program))
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:
        # Who started it has ended before it was told the port; at exit Python writes once more what it could not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parse(
    emulator: Emulator[Options], arguments: Sequence[str] | None = None, *, program: str | None = None
) -> Options:
    """The options of a command line, not yet checked. Raises SystemExit on `--help` and on an unknown option."""
    program = program or f"python -m monitor_app.emulators.{emulator.kind}"
    parser = argparse.ArgumentParser(
        prog=program, description=f"{emulator.description} It prints its port and runs until it is stopped."
    )
    add_common_options(parser)
    emulator.add_options(parser)
    values = vars(parser.parse_args(arguments))
    values["faults"] = tuple(values["faults"])
    return emulator.options(**values)


@dataclass(frozen=True)
class Parts:
    """What a device is made with."""

    sampler: Sampler
    """The board on the device's converter; `sampler.clock` is the device's clock."""
    queue: SendQueue
    """What the device sends."""
    energy_log: EnergyLog
    """Counts the energy of all samples that are taken."""


def receive_load_signal(stack: ExitStack, path: Path | None) -> LoadSignalReceiver | None:
    """A receiver at the path until the stack ends, or None without a path. Raises SourceError."""
    return None if path is None else stack.enter_context(closing(LoadSignalReceiver(path)))


def emulate(
    options: EmulatorOptions,
    make: Callable[[Parts], Device],
    *,
    rate_hz: float,
    channels: Sequence[Channel] = CHANNELS,
    capacity: int = CAPACITY,
    boards: Mapping[str, Board] = BOARDS,
) -> int:
    """Print the port and run the device until it has to stop; the exit code is 0.

    Args:
        options: the common ones.
        make: gives the device.
        rate_hz: nominal; the device's true one is off by `options.clock_ppm`.
        channels: what `Taken.codes` hold; none for a device that makes its own of `current_a` and `voltage_v`.
        capacity: memory of the device for unsent bytes.
        boards: what stands for each of `BOARDS`, for a device that cannot feed or measure these.

    Raises:
        MonitorError: an option cannot be used, or no port is available.
    """
    options.check()
    start_ns = host_time_ns()
    clock = SampleClock(start_ns, rate_hz * (1.0 + options.clock_ppm * 1e-6))
    faults = [parse_fault(fault) for fault in options.faults]
    with ExitStack() as stack:
        stop = stack.enter_context(closing(StopSignals(options.until_stdin_closes)))
        energy_log = stack.enter_context(closing(EnergyLog(options.energy_log, clock.rate_hz)))
        load_signal = receive_load_signal(stack, options.load_signal)
        line = stack.enter_context(closing(FaultyLine(options.link, faults, options.seed, start_ns)))
        sampler = Sampler(boards[options.board], clock, options.seed, channels)
        queue = SendQueue(capacity)
        device = make(Parts(sampler, queue, energy_log))
        sys.stdout.write(line.path + "\n")
        sys.stdout.flush()
        serve(device, queue, line, sampler, load_signal, stop)
    return 0
