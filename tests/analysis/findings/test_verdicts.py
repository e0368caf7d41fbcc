# SPDX-License-Identifier: Apache-2.0
"""Verdicts on boards whose truth is known, over a sample of seeded draws: no error comes more often than 1 in 20.

`tests/benchmarks/bench_findings.py` draws hundreds and shows the rates.
"""

from __future__ import annotations

import math

import pytest

from monitor_app.analysis.findings.finding import Verdict
from tests.analysis.findings.boards import BOARDS, SAMPLE, Board, rates

LEVEL = 0.06
"""What an error of one in twenty may be, with the approximations of the bootstrap and of AICc."""
SLACK = 3 * math.sqrt(LEVEL * (1 - LEVEL) / SAMPLE)
"""Three binomial deviations: a sample that is right exceeds it once in a thousand."""
OTHER = {Verdict.HOLDS: Verdict.DOES_NOT_HOLD, Verdict.DOES_NOT_HOLD: Verdict.HOLDS}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_verdict_is_seldom_wrong_and_the_truth_is_found(board: Board) -> None:
    found = rates(board, SAMPLE)
    wrong = (Verdict.HOLDS, Verdict.DOES_NOT_HOLD) if board.truth is None else (OTHER[board.truth],)
    for verdict in wrong:
        assert found.of(verdict) <= LEVEL + SLACK
    if board.truth is not None:
        assert found.of(board.truth) >= board.power - 3 * math.sqrt(board.power * (1 - board.power) / SAMPLE)
