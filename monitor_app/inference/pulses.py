# SPDX-License-Identifier: Apache-2.0
"""A load-step sequence, by which a bench without a sync line finds how late its instruments are."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.inference.messages import Pulses
    from monitor_app.inference.passes import BusySignal

SIZE = 384
"""Of the square matrices that are multiplied: a few milliseconds on a small board."""


def expected_s(command: Pulses) -> float:
    """How long a sequence takes, without the start of its process, seconds."""
    return command.longest_s + command.pulses * (command.shortest_s + command.longest_s)


def play(
    command: Pulses, load_signal: BusySignal, stopped: Callable[[], bool], work: Callable[[], object]
) -> list[int]:
    """Host times of the edges: busy, idle, busy, ..., idle. An even number, fewer where it was stopped.

    Args:
        command: the number of pulses, and the range of their lengths.
        load_signal: high while busy.
        stopped: asked before each pulse; True ends the sequence.
        work: keeps the device busy for a few milliseconds.
    """
    rng = random.Random(command.seed)
    edges: list[int] = []
    work()  # the first call loads libraries
    time.sleep(command.longest_s)
    for _ in range(command.pulses):
        if stopped():
            break
        edges.append(_busy(work, load_signal, rng.uniform(command.shortest_s, command.longest_s)))
        edges.append(host_time_ns())
        load_signal.set(False, edges[-1])
        # Unequal intervals: a periodic sequence would fit at every period.
        time.sleep(rng.uniform(command.shortest_s, command.longest_s))
    return edges


def _busy(work: Callable[[], object], load_signal: BusySignal, seconds: float) -> int:
    """Work for this long; the host time at which it began."""
    began_ns = host_time_ns()
    load_signal.set(True, began_ns)
    while host_time_ns() - began_ns < seconds * 1e9:
        work()
    return began_ns
