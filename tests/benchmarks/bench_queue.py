# SPDX-License-Identifier: Apache-2.0
"""Waiting under Poisson arrivals against the closed form of an M/D/1 queue, and what it costs to wait for an arrival.

    python -m tests.benchmarks.bench_queue [SECONDS]

The emulated board answers in real time at 50 %, 80 % and 90 % of its capacity. Then 2 000 waits by sleeping, and by
sleeping and looking at the clock for the last 200 us: how late each is, and what share of a core it takes.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from monitor_app.analysis.run.load.queueing import Queue, waiting_estimate
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import Phase
from monitor_app.inference.arrivals import requests_for
from monitor_app.inference.messages import Batches, Time
from monitor_app.inference.passes import NoLoadSignal
from monitor_app.inference.replay import Replayer

PASS_S = 0.01
SPIN_NS = 200_000


def main() -> None:
    """Print a line for each load, and for each way of waiting."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    for utilisation in (0.5, 0.8, 0.9):
        _queue(utilisation, seconds)
    for spin_ns in (0, SPIN_NS):
        _waits(spin_ns)


def _queue(utilisation: float, seconds: float) -> None:
    groups: list[Batches] = []
    command = Time(1, seconds, 1, arrivals="poisson", rate_hz=utilisation / PASS_S, seed=1)
    replayer = Replayer(NoLoadSignal(), groups.append, lambda: False)
    replayer.run_for(Phase.TIMED, 1, iter(lambda: PASS_S, None), requests_for(command))
    rows = np.array([row[:2] for group in groups for row in group.rows], np.int64)
    arrived = np.array([at for group in groups for at in group.arrivals_ns], np.int64)
    ready = np.maximum(arrived, np.concatenate((arrived[:1], rows[:-1, 1])))
    waits_s = (rows[:, 0] - arrived) * 1e-9
    queue = Queue(command.rate_hz, (rows[:, 1] - ready) * 1e-9, (rows[:, 0] - ready) * 1e-9)
    found = waiting_estimate(waits_s, queue)
    true_s = utilisation * PASS_S / (2 * (1 - utilisation))
    print(
        f"{utilisation:.0%}: {len(waits_s)} requests, waiting {1e3 * found.value:.2f} ({1e3 * found.low:.2f} to "
        f"{1e3 * found.high:.2f}) ms; M/D/1 {1e3 * true_s:.2f} ms, of these passes {1e3 * queue.mean_wait_s:.2f} ms"
    )


def _waits(spin_ns: int, count: int = 2000) -> None:
    late_ns, began, cpu = [], time.monotonic(), time.process_time()
    for _ in range(count):
        due_ns = host_time_ns() + 2_000_000
        time.sleep(max(due_ns - spin_ns - host_time_ns(), 0) * 1e-9)
        while host_time_ns() < due_ns:
            pass
        late_ns.append(host_time_ns() - due_ns)
    share = (time.process_time() - cpu) / (time.monotonic() - began)
    p50, p99 = np.percentile(late_ns, (50, 99)) / 1e3
    name = "sleep and look" if spin_ns else "sleep"
    print(f"{name}: late by {p50:.0f} us (p50), {p99:.0f} us (p99); {share:.1%} of a core at {count} waits of 2 ms")


if __name__ == "__main__":
    main()
