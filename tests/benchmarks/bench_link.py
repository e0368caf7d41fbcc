# SPDX-License-Identifier: Apache-2.0
"""The bound of a link's clock, and the true error, over an sshd of its own on loopback with a clock 12345 s ahead.

    python tests/benchmarks/bench_link.py [SECONDS] [--late FRACTION] [--along BYTES_PER_S] [--busy LOOPS]

Each way is watched for SECONDS (60 by default); the first half is left out of the table. The offset of the two clocks
is known exactly, since they are one clock in two time namespaces. `--late`: that fraction of the packets of the slow
ways comes up to 50 ms later. `--along`: so much output of a child goes through the same pipe. `--busy`: so many loops
keep processors busy meanwhile.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from monitor_app.core.host_time import host_time_ns
from monitor_app.remote.link import Link
from tests.remote.conftest import AHEAD_S, PIPES, SshBoard, run_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = {
    "loopback": None,
    "2 ± 1 ms each way": (2, 1, 2, 1),
    "2 ± 1 ms up, 0.2 ± 0.1 ms down": (2, 1, 0.2, 0.1),
}
EVERY_S = 0.05
LATE_MS = 50.0


@contextmanager
def link_over(board: SshBoard, way: tuple[float, ...] | None, late: float) -> Iterator[Link]:
    words = ""
    if way is not None:
        words = " ".join(map(str, (sys.executable, PIPES, "delay", board.port, *way, late, LATE_MS)))
    with Link(board.board(board.config(f"ProxyCommand {words}\n" if words else "")), payload=board.payload) as link:
        link.connect()
        yield link


@contextmanager
def talking(link: Link, folder: Path, bytes_per_s: float) -> Iterator[None]:
    """A child that writes so much, in place of one that the agent knows."""
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {PIPES} talk {bytes_per_s}\n")
    program.chmod(0o755)
    child = link.start_child("replay", python=str(program))
    read = 0

    def drain() -> None:
        nonlocal read
        try:
            while True:
                read += sum(map(len, child.lines(1.0)))
        except EOFError:
            return

    thread = threading.Thread(target=drain)
    thread.start()
    began_s = time.monotonic()
    yield
    print(f"along: {read / (time.monotonic() - began_s) / 1e6:.2f} MB/s", file=sys.stderr, flush=True)
    child.close()
    thread.join()


@contextmanager
def busy(loops: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.wait()


def watch(link: Link, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times since the start in s, bounds and errors in us."""
    rows, start_s = [], time.monotonic()
    while (at_s := time.monotonic() - start_s) < seconds:
        host_ns = host_time_ns()
        board_ns = np.array([host_ns + AHEAD_S * 1_000_000_000])
        error_ns = int(link.clock.host_ns(board_ns)[0]) - host_ns
        rows.append((at_s, link.clock.bound_ns(board_ns) / 1e3, abs(error_ns) / 1e3))
        time.sleep(EVERY_S)
    columns = np.array(rows).T
    return columns[0], columns[1], columns[2]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bound and error of a link's clock.")
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("--late", type=float, default=0.0)
    parser.add_argument("--along", type=float, default=0.0)
    parser.add_argument("--busy", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    given = options()
    print("| way | first bound | bound p50 (p95) | error p50 (worst) | outside |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, run_sshd(Path(folder)) as board, busy(given.busy):
        for name, way in WAYS.items():
            with ExitStack() as stack:
                link = stack.enter_context(link_over(board, way, given.late))
                if given.along:
                    stack.enter_context(talking(link, Path(folder), given.along))
                at_s, bound, error = watch(link, given.seconds)
            late = at_s > given.seconds / 2
            p50, p95 = np.percentile(bound[late], [50, 95])
            print(
                f"| {name} | {bound[0]:.0f} us | {p50:.0f} us ({p95:.0f} us) | {np.median(error[late]):.0f} us "
                f"({error[late].max():.0f} us) | {int((error > bound).sum())} of {len(bound)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
