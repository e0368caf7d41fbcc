# SPDX-License-Identifier: Apache-2.0
"""Puts an emulated device together with its board, its line and its lamp, and lets it live."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from monitor_app.emulators.board.boards import BOARDS
from monitor_app.emulators.board.energy_log import Account
from monitor_app.emulators.board.load_signal import LampReceiver
from monitor_app.emulators.board.sampler import CHANNELS, SampleClock, Sampler
from monitor_app.emulators.runtime.faults import FaultyLine, parse_fault
from monitor_app.emulators.runtime.loop import serve
from monitor_app.emulators.runtime.send_queue import CAPACITY, SendQueue
from monitor_app.emulators.runtime.stop_signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor_app.emulators.board.adc import Channel
    from monitor_app.emulators.board.boards import Board
    from monitor_app.emulators.runtime.loop import Device
    from monitor_app.emulators.runtime.options import EmulatorOptions


@dataclass(frozen=True)
class Parts:
    """What a device is made with."""

    sampler: Sampler
    """The board on the device's converter; `sampler.clock` is the device's clock."""
    queue: SendQueue
    """What the device sends."""
    account: Account
    """To be told of all that is taken."""


def emulate(
    options: EmulatorOptions,
    make: Callable[[Parts], Device],
    *,
    rate_hz: float,
    channels: Sequence[Channel] = CHANNELS,
    capacity: int = CAPACITY,
    boards: Mapping[str, Board] = BOARDS,
) -> int:
    """Print the port and let the device live until it has to stop; the exit code is 0.

    Args:
        options: the common ones.
        make: gives the device.
        rate_hz: nominal; the device's true one is off by `options.clock_ppm`.
        channels: what `Taken.codes` hold; none for a device that makes its own of `current_a` and `voltage_v`.
        capacity: memory of the device for what it has still to send, bytes.
        boards: what stands for each of `BOARDS`, for a device that could not feed or measure these.

    Raises:
        MonitorError: an option cannot be used, or the port is not to be had.
    """
    options.check()
    start_ns = perf_counter_ns()
    clock = SampleClock(start_ns, rate_hz * (1.0 + options.clock_ppm * 1e-6))
    faults = [parse_fault(fault) for fault in options.faults]
    with ExitStack() as stack:
        stop = stack.enter_context(closing(StopSignals(options.until_stdin_closes)))
        account = stack.enter_context(closing(Account(options.energy_log, clock.rate_hz)))
        lamp = stack.enter_context(closing(LampReceiver(options.load_signal))) if options.load_signal else None
        line = stack.enter_context(closing(FaultyLine(options.link, faults, options.seed, start_ns)))
        sampler = Sampler(boards[options.board], clock, options.seed, channels)
        queue = SendQueue(capacity)
        device = make(Parts(sampler, queue, account))
        sys.stdout.write(line.path + "\n")
        sys.stdout.flush()
        serve(device, queue, line, sampler, lamp, stop)
    return 0
