# SPDX-License-Identifier: Apache-2.0
"""What does measuring do to what is measured? Latency of a network with the whole monitor over without it.

    python tests/benchmarks/bench_perturbation.py [NETWORK] [ROUNDS]
    python tests/benchmarks/bench_perturbation.py agent [NETWORK] [ROUNDS]

Without: the inference child alone, driven by a loop that does nothing else. With: the window, the bench, the
emulated meter at 50 kSa/s, and the same child. In turn, for drift of the machine to cancel; one torch thread.

`agent`: what runs on a board that is reached over ssh. One child all the time, and beside it the agent, which is
stopped half of the time, in turn. It is asked for the clock five times a second, and sweeps nine files 25 times a
second.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from monitor_process import NETWORK_PROFILE, monitor

from monitor_app.core.runs import Phase
from monitor_app.inference import messages
from monitor_app.inference.process import InferenceChild
from monitor_app.session.reader import SessionReader

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.remote.agent.boards import FakeBoard, RunningAgent

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

TIMED_S, AGENT_TIMED_S = 8.0, 0.5
"""The second is short: what else the machine does changes within seconds."""
QUESTION_S, SWEEP_S, FILES = 0.2, 0.04, 9


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


def beside_the_agent(network: str, rounds: int) -> None:
    """The same for the agent of a board, which is stopped (SIGSTOP) for what counts as without."""
    ratios = []
    with InferenceChild() as child, agent() as process:
        answer(child, messages.Load(network, threads=1))
        answer(child, messages.WarmUp(1, 5.0, 10))
        for k in range(rounds):
            found = {}
            for watched in (False, True) if k % 2 == 0 else (True, False):
                process.send_signal(signal.SIGCONT if watched else signal.SIGSTOP)
                found[watched] = quantiles(answer(child, messages.Time(1, AGENT_TIMED_S, 10)))[0]
            ratios.append(found[True] / found[False])
            print(f"{k + 1:3d}: without {found[False]:6.2f} ms, with {found[True]:6.2f} ms, ratio {ratios[-1]:.3f}")
        process.send_signal(signal.SIGCONT)
    low, high = median_interval(np.array(ratios))
    print(
        f"{network} beside the agent: {rounds} rounds: ratio of medians {np.median(ratios):.4f} "
        f"(95 %: {low:.4f} to {high:.4f})"
    )


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """Of the median, by order statistics."""
    half = 0.98 * len(values) ** 0.5
    low, high = int(len(values) / 2 - half), int(np.ceil(len(values) / 2 + half))
    ordered = np.sort(values)
    return float(ordered[max(low, 0)]), float(ordered[min(high, len(values) - 1)])


def answer(child: InferenceChild, command: messages.Command) -> np.ndarray:
    """Start and end of the timed batches of a command."""
    rows: list[messages.Row] = []
    child.send(command)
    while True:
        event = child.receive(60)
        if isinstance(event, messages.Batches) and event.phase is Phase.TIMED:
            rows += event.rows
        if isinstance(event, (messages.Loaded, messages.PhaseDone)):
            return np.array([(row[0], row[1]) for row in rows])


@contextlib.contextmanager
def agent() -> Iterator[subprocess.Popen[bytes]]:
    """One that is being used; while it is stopped its answers are waited for."""
    with tempfile.TemporaryDirectory() as folder:
        board = FakeBoard(Path(folder))
        paths = [f"/sys/rail{number}" for number in range(FILES)]
        for path in paths:
            board.file(path, "1234\n")
        ended = threading.Event()

        def use(running: RunningAgent) -> None:
            while not ended.wait(QUESTION_S):
                running.ask("clock")

        with RunningAgent(board, lease_s=600.0) as running:
            running.hello()
            running.say("sweep", paths=paths, interval_s=SWEEP_S, burst=0)
            running.ask("clock")
            asking = threading.Thread(target=use, args=(running,))
            asking.start()
            yield running.process
            ended.set()
            asking.join()


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
    if sys.argv[1:2] == ["agent"]:
        del sys.argv[1]
        main = beside_the_agent
    main(sys.argv[1] if len(sys.argv) > 1 else "resnet18", int(sys.argv[2]) if len(sys.argv) > 2 else 6)
