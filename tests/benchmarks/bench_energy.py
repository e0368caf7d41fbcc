# SPDX-License-Identifier: Apache-2.0
"""Is the energy of an image right within what it states? Runs of the emulated board, whose true power is known.

    python tests/benchmarks/bench_energy.py [CYCLES]

Records CYCLES x 10 runs (20 cycles are 200 runs, some nine minutes) with the whole bench at 50 kSa/s, takes the true
energy of each from the board's own equations and the times of its batches, and counts how many are right within the
expanded uncertainty (coverage factor 2) that the run states of itself. The board's wiggle about its load is left out
of the truth, since its phase is not known; it is in the measured values and their uncertainty.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.analysis.run.inputs import run_inputs
from monitor_app.analysis.run.results import run_result
from monitor_app.cli.record import record_profile
from monitor_app.emulators.board.boards import TX1, Edge, LoadState, follow, power
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROFILE = """
title = "Energy"
[[source]]
kind = "shunt"
emulate = "tx1"
[source.roles]
power = "total"
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.4
idle_s = 0.3
warm_up_s = 0.5
warm_up_batches = 1
timed_s = 0.8
timed_batches = 3
[plan]
networks = ["alexnet_2016", "bn_nin", "enet", "resnet18", "vgg16"]
batch_sizes = [1, 4]
order = "random"
cycles = {cycles}
"""
QUIET = replace(TX1, idle_w=0.0, activity_rms=0.0, ripple_w=0.0)
PANELS = 40


def main(cycles: int) -> None:
    """Record, compare, print."""
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder, "energy.plm")
        record_profile(PROFILE.format(cycles=cycles), "the benchmark", session, None, export=False, quiet=True)
        errors, stated = compare(session)
    right = float(np.mean(np.abs(errors) <= stated))
    print(
        f"{len(errors)} runs: {right:.1%} right within what they state; stated {np.median(stated):.2%} in the median, "
        f"{stated.max():.2%} at most; error {errors.mean():+.4%} in the mean, {np.abs(errors).max():.3%} at most"
    )


def compare(session: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Relative error and relative expanded uncertainty of the net energy of an image, of each run."""
    errors, stated = [], []
    with SessionReader(session) as reader:
        batches = reader.batches()
        for run in reader.runs():
            energy = run_result(run_inputs(reader, run)).energy
            if run.state != "done" or energy is None or energy.net is None:
                continue
            true_j = true_energy(batches[batches["run"] == run.id])
            errors.append(energy.net.j_per_image / true_j - 1)
            stated.append(COVERAGE_FACTOR * energy.net.budget.measured / true_j)
    return np.array(errors), np.array(stated)


def true_energy(batches: NDArray[np.void]) -> float:
    """Joules an image above idle over the timed batches, from the board's equations, by Gauss and Legendre."""
    zero_ns = int(batches["start_ns"][0])
    starts_s, ends_s = (batches["start_ns"] - zero_ns) * 1e-9, (batches["end_ns"] - zero_ns) * 1e-9
    edges = [
        Edge(float(time_s), busy)
        for pair in zip(starts_s, ends_s, strict=True)
        for time_s, busy in zip(pair, (True, False), strict=True)
    ]
    timed = batches["phase"] == "timed"
    nodes, weights = np.polynomial.legendre.leggauss(4)
    panels_s = np.linspace(starts_s[timed], ends_s[timed], PANELS + 1, axis=1)
    half = np.diff(panels_s)[..., np.newaxis] / 2
    times_s = (panels_s[:, :-1, np.newaxis] + half * (1 + nodes)).ravel()
    load, _, _ = follow(QUIET, LoadState(), edges, times_s)
    joules = float((half * weights).ravel() @ power(QUIET, load, times_s))
    return joules / int(batches["images"][timed].sum())


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["20"])[0]))
