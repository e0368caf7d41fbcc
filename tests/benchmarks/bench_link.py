# SPDX-License-Identifier: Apache-2.0
"""The bound of a link's clock, and the true error, over an sshd of its own on loopback with a clock 12345 s ahead.

    python tests/benchmarks/bench_link.py [SECONDS]

Each way is watched for SECONDS (60 by default); the first half is left out of the table. The offset of the two clocks
is known exactly, since they are one clock in two time namespaces.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import contextmanager
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


@contextmanager
def link_over(board: SshBoard, way: tuple[float, ...] | None) -> Iterator[Link]:
    words = "" if way is None else " ".join(map(str, (sys.executable, PIPES, "delay", board.port, *way)))
    with Link(board.board(board.config(f"ProxyCommand {words}\n" if words else "")), payload=board.payload) as link:
        link.connect()
        yield link


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


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    print("| way | first bound | bound p50 (p95) | error p50 (worst) | outside |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, run_sshd(Path(folder)) as board:
        for name, way in WAYS.items():
            with link_over(board, way) as link:
                at_s, bound, error = watch(link, seconds)
            late = at_s > seconds / 2
            p50, p95 = np.percentile(bound[late], [50, 95])
            print(
                f"| {name} | {bound[0]:.0f} us | {p50:.0f} us ({p95:.0f} us) | {np.median(error[late]):.0f} us "
                f"({error[late].max():.0f} us) | {int((error > bound).sum())} of {len(bound)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
