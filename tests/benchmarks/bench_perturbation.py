# SPDX-License-Identifier: Apache-2.0
"""What does measuring do to what is measured? Latency of a network with the whole monitor over without it.

    python tests/benchmarks/bench_perturbation.py [NETWORK] [ROUNDS]

Without: the inference child alone, driven by a loop that does nothing else. With: the window, the bench, the
emulated meter at 50 kSa/s, and the same child. In turn, for drift of the machine to cancel; one torch thread.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from monitor_process import NETWORK_PROFILE, monitor

from monitor_app.core.runs import Phase
from monitor_app.inference import messages
from monitor_app.inference.process import InferenceChild
from monitor_app.session.reader import SessionReader

TIMED_S = 8.0


def main(network: str, rounds: int) -> None:
    """Measure in turn, print ratios of each round and their medians."""
    ratios = []
    for k in range(rounds):
        order = (without, with_monitor) if k % 2 == 0 else (with_monitor, without)
        measured = {measure.__name__: measure(network) for measure in order}
        alone, watched = measured["without"], measured["with_monitor"]
        ratios.append((watched[0] / alone[0], watched[1] / alone[1]))
        print(
            f"{k + 1:2d}: without {alone[0]:6.2f} / {alone[1]:6.2f} ms, with {watched[0]:6.2f} / {watched[1]:6.2f} ms, "
            f"ratio of medians {ratios[-1][0]:.3f}, of p99 {ratios[-1][1]:.3f}"
        )
    median, p99 = np.median(ratios, axis=0)
    print(f"{network}: median of {rounds} rounds: ratio of medians {median:.3f}, of p99 {p99:.3f}")


def without(network: str) -> tuple[float, float]:
    """p50 and p99 in ms of the child alone."""
    rows: list[messages.Row] = []
    with InferenceChild() as child:
        for command in (
            messages.Load(network, threads=1),
            messages.WarmUp(1, 2.0, 10),
            messages.Time(1, TIMED_S, 30),
        ):
            child.send(command)
            while True:
                event = child.receive(60)
                if isinstance(event, messages.Batches) and event.phase is Phase.TIMED:
                    rows += event.rows
                if isinstance(event, (messages.Loaded, messages.PhaseDone)):
                    break
    return quantiles(np.array([(row[0], row[1]) for row in rows]))


def with_monitor(network: str) -> tuple[float, float]:
    """The same of the child under the whole monitor."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / "profile.toml"
        profile.write_text(NETWORK_PROFILE.format(network=network, timed_s=TIMED_S))
        with monitor(profile, folder) as running:
            running.wait_for_runs()
            session = running.session
            assert session is not None
            with SessionReader(session) as reader:
                batches = reader.batches()
    timed = batches[batches["phase"] == Phase.TIMED.value]
    return quantiles(np.stack((timed["start_ns"], timed["end_ns"]), axis=1))


def quantiles(spans: np.ndarray) -> tuple[float, float]:
    """p50 and p99 of end minus start, in ms."""
    p50, p99 = np.percentile((spans[:, 1] - spans[:, 0]) * 1e-6, (50, 99))
    return float(p50), float(p99)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "resnet18", int(sys.argv[2]) if len(sys.argv) > 2 else 6)
