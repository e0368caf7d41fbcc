# SPDX-License-Identifier: Apache-2.0
"""How often is the verdict of a finding wrong? Boards whose truth is known, drawn again and again.

    python tests/benchmarks/bench_findings.py [DRAWS]

Prints a line a board: what is true of it, and how often each verdict came. At the margin both are errors.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from monitor_app.analysis.findings.finding import Verdict
from tests.analysis.findings.boards import BOARDS, DRAWS, rates
from tests.analysis.findings.traces import TRACE_BOARDS, trace_rates


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS
    print("| board | truth | draws | holds | does not hold | undecided |")
    print("|---|---|---|---|---|---|")
    for board in BOARDS:
        found, truth = rates(board, draws), board.truth.value if board.truth else "at the margin"
        show(board.name, truth, draws, found.holds, found.does_not_hold)
    fewer = max(draws // 5, 1)
    for trace_board in TRACE_BOARDS:
        by_verdict = trace_rates(trace_board, fewer)
        holds, does_not_hold = by_verdict[Verdict.HOLDS], by_verdict[Verdict.DOES_NOT_HOLD]
        show(trace_board.name, trace_board.truth.value, fewer, holds, does_not_hold)


def show(name: str, truth: str, draws: int, holds: float, does_not_hold: float) -> None:
    row = " | ".join(f"{rate:.1%}" for rate in (holds, does_not_hold, max(1 - holds - does_not_hold, 0.0)))
    print(f"| {name} | {truth} | {draws:,} | {row} |", flush=True)


if __name__ == "__main__":
    main()
