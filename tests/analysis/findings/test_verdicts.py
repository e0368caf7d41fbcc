# SPDX-License-Identifier: Apache-2.0
"""Verdicts on boards whose truth is known, over a sample of seeded draws: no error comes more often than 1 in 20.

`tests/benchmarks/bench_findings.py` draws hundreds and shows the rates.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from monitor_app.analysis.findings import chance
from monitor_app.analysis.findings.finding import Verdict
from monitor_app.analysis.findings.hyperbola import accuracy_and_time
from monitor_app.analysis.findings.table import Measured
from tests.analysis.findings.boards import BOARDS, MARGINS, OF_TIME, Board, hull, rates

LEVEL = 0.06
"""What an error of one in twenty may be, with the approximations of the bootstrap and of AICc."""
DRAWS, COSTLY_DRAWS = 150, 40
"""The second where each draw has its own draws of fronts, of which some suffice here."""
FRONTS = 120
OTHER = {Verdict.HOLDS: Verdict.DOES_NOT_HOLD, Verdict.DOES_NOT_HOLD: Verdict.HOLDS}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_verdict_is_seldom_wrong_and_the_truth_is_found(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chance, "DRAWS", FRONTS)
    draws = COSTLY_DRAWS if board.claim is accuracy_and_time else DRAWS
    found = rates(board, draws)
    wrong = (Verdict.HOLDS, Verdict.DOES_NOT_HOLD) if board.truth is None else (OTHER[board.truth],)
    for verdict in wrong:
        assert found.of(verdict) <= LEVEL + deviations(LEVEL, draws)
    if board.truth is not None:
        assert found.of(board.truth) >= board.power - deviations(board.power, draws)


@pytest.mark.parametrize(("noise", "seed", "certain"), [(1.5, 1, Verdict.HOLDS), (0.7, 0, Verdict.DOES_NOT_HOLD)])
def test_the_same_accuracies_decide_only_where_they_are_certain(noise: float, seed: int, certain: Verdict) -> None:
    drawn = hull(OF_TIME["hyperbola"], noise)(np.random.default_rng(seed))
    for points, verdict in ((0.05, certain), (3.0, Verdict.INCONCLUSIVE)):
        errors = np.full(len(drawn.top1.values), points)
        told = replace(drawn, top1=Measured(drawn.top1.values, errors))
        assert accuracy_and_time(told, MARGINS).verdict is verdict


def deviations(rate: float, draws: int) -> float:
    """Three binomial ones: a sample that is right exceeds them once in a thousand."""
    return 3 * math.sqrt(rate * (1 - rate) / draws)
