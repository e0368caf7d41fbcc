# SPDX-License-Identifier: Apache-2.0
"""Processor time of the agent on a board: asked for the clock ten times a second, with a sweep of nine files at 25 Hz.

    python tests/benchmarks/bench_agent.py [SECONDS] [PYTHON...]

The files are small ones of a disk, as those of a board take the time of their chip, in which the agent waits.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.remote.agent.boards import FakeBoard, RunningAgent

QUESTIONS_S = 0.1
SWEEP_S = 0.04


def percent_of_a_core(python: str, seconds: float, swept: bool) -> tuple[float, float]:
    """Use of a core by the agent in per cent, and its memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        board = FakeBoard(Path(folder))
        paths = [f"/sys/rail{number}" for number in range(9)]
        for path in paths:
            board.file(path, "1234\n")
        with RunningAgent(board, python) as agent:
            agent.hello()
            if swept:
                agent.say("sweep", paths=paths, interval_s=SWEEP_S, burst=0)
            agent.ask("clock")
            process = psutil.Process(agent.process.pid)
            before, began = process.cpu_times(), time.monotonic()
            while time.monotonic() - began < seconds:
                agent.ask("clock")
                time.sleep(QUESTIONS_S)
            after, took = process.cpu_times(), time.monotonic() - began
            used = after.user + after.system - before.user - before.system
            return 100 * used / took, process.memory_info().rss / 1e6


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    for python in sys.argv[2:] or [sys.executable]:
        for swept in (False, True):
            percent, megabytes = percent_of_a_core(python, seconds, swept)
            print(f"{python} {'with' if swept else 'without'} a sweep: {percent:.2f} % of a core, {megabytes:.1f} MB")


if __name__ == "__main__":
    main()
