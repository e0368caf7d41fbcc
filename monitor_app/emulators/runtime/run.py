# SPDX-License-Identifier: Apache-2.0
"""Puts an emulated device together with its board, its line and its load signal, and runs it."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from monitor_app.emulators.board.boards import BOARDS
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LoadSignalReceiver
from monitor_app.emulators.board.sampler import CHANNELS, SampleClock, Sampler
from monitor_app.emulators.runtime.faults import FaultyLine, parse_fault
from monitor_app.emulators.runtime.loop import StopSignals, serve
from monitor_app.emulators.runtime.send_queue import CAPACITY, SendQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from monitor_app.emulators.board.boards import Board
    from monitor_app.emulators.board.sampler import Channel
    from monitor_app.emulators.runtime.loop import Device
    from monitor_app.emulators.runtime.main import EmulatorOptions


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
    start_ns = perf_counter_ns()
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
