# SPDX-License-Identifier: Apache-2.0
"""A simulated board behind an external shunt, a meter that speaks docs/shunt-protocol.md on a pty.

    python -m monitor_app.emulators.shunt --board tx1 [--lamp PATH] [--link PATH] [--account FILE] ...

prints the port and runs until it is stopped.
"""

from __future__ import annotations

import argparse
import selectors
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

from monitor_app.core.errors import MonitorError, SourceError
from monitor_app.emulators.account import Account
from monitor_app.emulators.board import BOARDS
from monitor_app.emulators.frames import Identity
from monitor_app.emulators.lamp import LampReceiver
from monitor_app.emulators.pty_link import PtyLink
from monitor_app.emulators.sampler import CHANNELS, SampleClock, Sampler
from monitor_app.emulators.send_queue import SendQueue
from monitor_app.emulators.shunt_device import ShuntDevice
from monitor_app.emulators.stop_signals import StopSignals

FIRMWARE = "emulator 1.0"
LINES = ("busy",)
MIN_RATE_HZ = 100.0
MAX_RATE_HZ = 200_000.0
MAX_CLOCK_PPM = 10_000.0
_RETRY_S = 0.010


@dataclass(frozen=True)
class ShuntOptions:
    """What to emulate, and where it is found."""

    board: str = "tx1"
    lamp: Path | None = None
    """Unix socket by which the board is told when it is busy; without one it stays idle."""
    link: Path | None = None
    """Symbolic link to the port."""
    rate_hz: float = 50_000.0
    """Nominal sample rate, 100 to 200 000."""
    seed: int = 1
    """Of the noise; also makes the serial number. 0 to 2**32 - 1."""
    clock_ppm: float = 0.0
    """How much faster than nominal the sample clock runs, up to 10 000 either way."""
    account: Path | None = None
    """File for the energy the board really drew."""
    until_stdin_closes: bool = False
    """End with standard input, so that no parent is outlived."""


def run(options: ShuntOptions) -> int:
    """Print the port and emulate until stopped; the exit code is 0.

    Raises:
        MonitorError: an option cannot be used.
    """
    _check(options)
    clock = SampleClock(perf_counter_ns(), options.rate_hz * (1.0 + options.clock_ppm * 1e-6))
    with ExitStack() as stack:
        stop = stack.enter_context(closing(StopSignals(options.until_stdin_closes)))
        account = stack.enter_context(closing(Account(options.account, clock.rate_hz)))
        lamp = stack.enter_context(closing(LampReceiver(options.lamp))) if options.lamp else None
        link = stack.enter_context(closing(PtyLink(options.link)))
        queue = SendQueue()
        sampler = Sampler(BOARDS[options.board], clock, options.seed)
        device = ShuntDevice(_identity(options), sampler, clock, queue, account, perf_counter_ns)
        sys.stdout.write(link.path + "\n")
        sys.stdout.flush()
        _serve(device, queue, link, sampler, lamp, stop)
    return 0


def _serve(
    device: ShuntDevice,
    queue: SendQueue,
    link: PtyLink,
    sampler: Sampler,
    lamp: LampReceiver | None,
    stop: StopSignals,
) -> None:
    # Not epoll: it refuses a regular file as standard input.
    with selectors.PollSelector() as selector:
        stop.watch(selector)
        selector.register(link, selectors.EVENT_READ)
        if lamp is not None:
            selector.register(lamp, selectors.EVENT_READ)
        while not stop.stopped:
            ready = {key.fd for key, _ in selector.select(_timeout_s(device, queue))}
            stop.look(ready)
            chunk = link.read() if link.fileno() in ready else b""
            now_ns = perf_counter_ns()
            # Before the command, which may be the STOP that follows the board's last change.
            if lamp is not None and lamp.fileno() in ready:
                sampler.change(lamp.read(), now_ns)
            device.receive(chunk, now_ns)
            device.tick(now_ns)
            queue.flush(link.write)


def _timeout_s(device: ShuntDevice, queue: SendQueue) -> float | None:
    due_ns = device.due_ns()
    if due_ns is not None:
        return max(0.0, (due_ns - perf_counter_ns()) * 1e-9)
    return _RETRY_S if queue else None


def _identity(options: ShuntOptions) -> Identity:
    return Identity(
        model=f"{options.board.upper()} shunt",
        serial=f"SIM-{options.seed}",
        firmware=FIRMWARE,
        rate_hz=options.rate_hz,
        channels=CHANNELS,
        lines=LINES,
    )


def _check(options: ShuntOptions) -> None:
    if options.board not in BOARDS:
        raise SourceError(f"There is no simulated board {options.board!r}; choose one of: {', '.join(BOARDS)}.")
    if not MIN_RATE_HZ <= options.rate_hz <= MAX_RATE_HZ:
        raise SourceError(f"A rate of {options.rate_hz:g} Hz cannot be emulated; choose 100 to 200000 with --rate-hz.")
    if not 0 <= options.seed < 2**32:
        raise SourceError(f"The seed {options.seed} is out of range; choose 0 to {2**32 - 1} with --seed.")
    if not abs(options.clock_ppm) <= MAX_CLOCK_PPM:
        raise SourceError(
            f"A clock error of {options.clock_ppm:g} ppm is too much; choose up to 10000 with --clock-ppm."
        )


def _parse(arguments: list[str] | None) -> ShuntOptions:
    parser = argparse.ArgumentParser(prog="python -m monitor_app.emulators.shunt", description=run.__doc__)
    defaults = ShuntOptions()
    parser.add_argument("--board", default=defaults.board, help=f"one of: {', '.join(BOARDS)}")
    parser.add_argument("--lamp", type=Path, metavar="PATH", help="socket that tells when the board is busy")
    parser.add_argument("--link", type=Path, metavar="PATH", help="make a symbolic link to the port")
    parser.add_argument("--rate-hz", type=float, default=defaults.rate_hz, metavar="HZ")
    parser.add_argument("--seed", type=int, default=defaults.seed, metavar="N")
    parser.add_argument("--clock-ppm", type=float, default=defaults.clock_ppm, metavar="PPM")
    parser.add_argument("--account", type=Path, metavar="FILE", help="append the energy really drawn")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with standard input")
    return ShuntOptions(**vars(parser.parse_args(arguments)))


def main(arguments: list[str] | None = None) -> int:
    """Emulate as the command line says; 1 and a sentence on stderr if that cannot be."""
    try:
        return run(_parse(arguments))
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
