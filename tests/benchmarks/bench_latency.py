# SPDX-License-Identifier: Apache-2.0
"""Is a latency of ours that of torch.utils.benchmark? Both on one network in one process, in turn.

    python tests/benchmarks/bench_latency.py [NETWORK] [ROUNDS]

Ours is the very loop of the inference child (measure.Runner), its batches reported to nobody. One torch thread.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.benchmark import Timer

from monitor_app.core.runs import Phase
from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.inputs import random_arrays
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Batches, Load
from monitor_app.inference.passes import NoLoadSignal

if TYPE_CHECKING:
    from monitor_app.inference.back_ends.pytorch import TorchModel

PASSES = 60


def main(network: str, rounds: int) -> None:
    """Measure in turn, print the ratio of each round and its median."""
    running = PyTorch().load(Load(network, threads=1))
    ours(running, PASSES)
    ratios = []
    for k in range(rounds):
        order = (ours, theirs) if k % 2 == 0 else (theirs, ours)
        medians = {measure.__name__: measure(running, PASSES) for measure in order}
        ratios.append(medians["ours"] / medians["theirs"])
        print(f"{k + 1:2d}: ours {medians['ours']:7.3f} ms, torch {medians['theirs']:7.3f} ms, ratio {ratios[-1]:.4f}")
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    print(f"{network}: ratio of medians {middle:.4f}, middle half of the rounds {low:.4f} to {high:.4f}")


def ours(running: TorchModel, passes: int) -> float:
    """Median in ms by the loop of the child."""
    rows = []

    def keep(event: Batches) -> None:
        rows.extend(event.rows)

    Runner(running, NoLoadSignal(), keep, lambda: False).run_for(Phase.TIMED, 1, 0.0, passes)
    return float(np.median([(row[1] - row[0]) * 1e-6 for row in rows]))


def theirs(running: TorchModel, passes: int) -> float:
    """Median in ms by torch's own timer, a pass a measurement."""
    images = running.prepare(random_arrays(running.inputs, 1, 0))
    with torch.inference_mode():
        timer = Timer("module(images)", globals={"module": running.module, "images": images}, num_threads=1)
        times = [timer.timeit(1).mean * 1e3 for _ in range(passes)]
    return float(np.median(times))


if __name__ == "__main__":
    torch.manual_seed(0)
    main(*(sys.argv[1:2] or ["resnet18"]), int((sys.argv[2:3] or ["9"])[0]))
