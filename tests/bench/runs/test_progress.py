# SPDX-License-Identifier: Apache-2.0
"""The estimate of what is left, in a time that the test decides."""

from __future__ import annotations

import pytest

from monitor_app.bench.runs.progress import START_S, PlanProgress
from monitor_app.core.profile import Protocol
from monitor_app.core.runs import Phase, RunState
from monitor_app.core.status import RunStatus

S = 1_000_000_000
PROTOCOL = Protocol(settle_s=0.5, idle_s=1.5, warm_up_s=2.0, timed_s=5.0)
PHASES_S = {Phase.LOAD: START_S, Phase.IDLE_BEFORE: 2.0, Phase.WARM_UP: 2.0, Phase.TIMED: 5.0, Phase.IDLE_AFTER: 2.0}


def begun() -> PlanProgress:
    progress = PlanProgress.of(PROTOCOL, accuracy=False)
    progress.begin_cycle([RunStatus(None, name, 1, RunState.WAITING.value) for name in ("a", "b")])
    return progress


def test_before_the_first_run_both_are_left() -> None:
    runs, left_s = begun().snapshot(0)
    assert [run.state for run in runs] == ["waiting", "waiting"]
    assert left_s == pytest.approx(2 * (START_S + 11))


def test_it_runs_down_second_by_second_and_ends_at_nothing() -> None:
    progress, now = begun(), 0.0
    for index in range(2):
        progress.begin_run(index, index + 1)
        for phase, seconds in PHASES_S.items():
            seconds = 0.5 if phase is Phase.LOAD and index else seconds
            progress.begin_phase(phase, round(now * S))
            before = progress.snapshot(round(now * S))[1]
            half = progress.snapshot(round((now + seconds / 2) * S))[1]
            assert before is not None
            assert half is not None
            assert before - half == pytest.approx(seconds / 2)
            now += seconds
            progress.end_phase(phase, round(now * S))
        progress.end_run(RunState.DONE)
    runs, left_s = progress.snapshot(round(now * S))
    assert left_s is None
    assert [run.fraction for run in runs] == [1.0, 1.0]


def test_a_phase_that_overruns_does_not_make_the_rest_negative() -> None:
    progress = begun()
    progress.begin_run(0, 1)
    progress.begin_phase(Phase.LOAD, 0)
    runs, left_s = progress.snapshot(1000 * S)
    assert left_s == pytest.approx(11 + START_S + 11)
    assert 0 < runs[0].fraction < 1


def test_the_next_run_is_expected_to_take_what_this_one_took() -> None:
    progress = begun()
    progress.begin_run(0, 1)
    progress.begin_phase(Phase.WARM_UP, 0)
    progress.end_phase(Phase.WARM_UP, 30 * S)
    assert progress.expected_s[Phase.WARM_UP] == pytest.approx(30.0)


def test_a_run_that_fails_keeps_how_far_it_came() -> None:
    progress = begun()
    progress.begin_run(0, 1)
    progress.begin_phase(Phase.LOAD, 0)
    progress.end_phase(Phase.LOAD, round(START_S * S))
    progress.end_run(RunState.FAILED, "It broke.")
    runs, _ = progress.snapshot(round(START_S * S))
    assert (runs[0].state, runs[0].message) == ("failed", "It broke.")
    assert 0 < runs[0].fraction < 1
    progress.cancel_waiting()
    assert progress.runs[1].state == "cancelled"
