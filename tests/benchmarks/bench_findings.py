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
    print(f"| board ({draws} draws each) | truth | holds | does not hold | undecided |")
    print("|---|---|---|---|---|")
    for board in BOARDS:
        found, truth = rates(board, draws), board.truth.value if board.truth else "at the margin"
        row = " | ".join(f"{rate:.1%}" for rate in (found.holds, found.does_not_hold, found.undecided))
        print(f"| {board.name} | {truth} | {row} |", flush=True)
    for trace_board in TRACE_BOARDS:
        found_rates = trace_rates(trace_board, max(draws // 5, 1))
        holds, does_not_hold = found_rates[Verdict.HOLDS], found_rates[Verdict.DOES_NOT_HOLD]
        row = f"{holds:.1%} | {does_not_hold:.1%} | {1 - holds - does_not_hold:.1%}"
        print(f"| {trace_board.name}, a fifth of the draws | {trace_board.truth.value} | {row} |", flush=True)


if __name__ == "__main__":
    main()
