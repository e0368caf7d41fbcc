# SPDX-License-Identifier: Apache-2.0
"""A train of busy and idle, by which a bench without a sync line finds how late its instruments are.

Imports torch only where there is real work to be made.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.inference.messages import Pulses
    from monitor_app.inference.passes import BusyLamp

SIZE = 384
"""Of the square matrices that are multiplied: a few milliseconds on a small board."""


def play(command: Pulses, lamp: BusyLamp, stopped: Callable[[], bool], work: Callable[[], object]) -> list[int]:
    """Host times of the edges: busy, idle, busy, ..., idle. An even number, fewer where it was stopped.

    Args:
        command: how many, and between which lengths.
        lamp: lit while busy.
        stopped: asked before each pulse; True ends the train.
        work: keeps the device busy for a few milliseconds.
    """
    rng = random.Random(command.seed)
    edges: list[int] = []
    work()  # the first time loads libraries
    time.sleep(command.longest_s)
    for _ in range(command.pulses):
        if stopped():
            break
        edges.append(_busy(work, lamp, rng.uniform(command.shortest_s, command.longest_s)))
        edges.append(time.perf_counter_ns())
        lamp.set(False, edges[-1])
        # Unlike intervals: a train that repeats itself would fit at every repetition.
        time.sleep(rng.uniform(command.shortest_s, command.longest_s))
    return edges


def multiplication(command: Pulses) -> Callable[[], None]:
    """Work for `play` on the device that the command names."""
    import torch

    torch.set_num_threads(command.threads)
    device = torch.device(command.device)
    factor = torch.randn(SIZE, SIZE, device=device)

    def multiply() -> None:
        with torch.inference_mode():
            torch.mm(factor, factor)
            if device.type == "cuda":
                torch.cuda.synchronize(device)

    return multiply


def _busy(work: Callable[[], object], lamp: BusyLamp, seconds: float) -> int:
    """Work for so long; when it began."""
    began_ns = time.perf_counter_ns()
    lamp.set(True, began_ns)
    while time.perf_counter_ns() - began_ns < seconds * 1e9:
        work()
    return began_ns
