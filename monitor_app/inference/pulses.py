# SPDX-License-Identifier: Apache-2.0
"""A train of busy and idle, by which a bench without a sync line finds how late its instruments are."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.inference.measure import BusyLamp
    from monitor_app.inference.messages import Pulses

SIZE = 384
"""Of the square matrices that are multiplied: a few milliseconds on a small board."""


def play(command: Pulses, lamp: BusyLamp, stopped: Callable[[], bool]) -> list[int]:
    """Host times of the edges: busy, idle, busy, ..., idle. An even number, fewer where it was stopped."""
    torch.set_num_threads(command.threads)
    device = torch.device(command.device)
    factor = torch.randn(SIZE, SIZE, device=device)
    rng = random.Random(command.seed)
    edges: list[int] = []
    _work(factor, device)  # the first multiplication loads libraries
    time.sleep(command.longest_s)
    for _ in range(command.pulses):
        if stopped():
            break
        edges.append(_busy(factor, device, lamp, rng.uniform(command.shortest_s, command.longest_s)))
        edges.append(time.perf_counter_ns())
        lamp.set(False, edges[-1])
        # Unlike intervals: a train that repeats itself would fit at every repetition.
        time.sleep(rng.uniform(command.shortest_s, command.longest_s))
    return edges


def _busy(factor: torch.Tensor, device: torch.device, lamp: BusyLamp, seconds: float) -> int:
    """Multiply for so long; when it began."""
    began_ns = time.perf_counter_ns()
    lamp.set(True, began_ns)
    while time.perf_counter_ns() - began_ns < seconds * 1e9:
        _work(factor, device)
    return began_ns


def _work(factor: torch.Tensor, device: torch.device) -> None:
    with torch.inference_mode():
        torch.mm(factor, factor)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
