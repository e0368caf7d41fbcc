# SPDX-License-Identifier: Apache-2.0
"""What a session holds of a plan: what is done is not run again, and what did not fit is not tried larger."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.runs.completed_runs import CompletedRuns, next_run, threads_for
from monitor_app.core.errors import SessionError
from monitor_app.core.runs import RunSpec, RunState
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from pathlib import Path

SPEC = RunSpec("vgg16", 16, "fp16", "cuda:0", 3, channels_last=True, compiled=True, power_mode="MAXN", clocks="max")


def completed_of(tmp_path: Path, *runs: tuple[int, RunSpec, RunState]) -> CompletedRuns:
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    for number, (cycle, spec, state) in enumerate(runs, start=1):
        writer.add_run(number, cycle, spec, "a title", state)
    writer.close()
    return CompletedRuns.of(path)


@pytest.mark.parametrize("state", [RunState.DONE, RunState.DOES_NOT_FIT])
def test_what_is_over_for_good_is_known_with_all_its_settings(tmp_path: Path, state: RunState) -> None:
    completed = completed_of(tmp_path, (2, SPEC, state))
    assert completed.state(2, SPEC) is state
    assert completed.state(1, SPEC) is None
    for other in (
        replace(SPEC, network="vgg19"), replace(SPEC, batch_size=8), replace(SPEC, precision="fp32"),
        replace(SPEC, device="cpu"), replace(SPEC, threads=1), replace(SPEC, channels_last=False),
        replace(SPEC, compiled=False), replace(SPEC, power_mode="15W"), replace(SPEC, clocks=None),
    ):  # fmt: skip
        assert completed.state(2, other) is None


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.RUNNING, RunState.FAILED, RunState.CANCELLED])
def test_what_was_cut_off_or_failed_is_run_again(tmp_path: Path, state: RunState) -> None:
    completed = completed_of(tmp_path, (1, SPEC, state))
    assert completed.state(1, SPEC) is None
    assert completed.too_big(SPEC) is None


def test_a_second_try_that_went_well_counts(tmp_path: Path) -> None:
    completed = completed_of(
        tmp_path, (1, SPEC, RunState.CANCELLED), (1, SPEC, RunState.FAILED), (1, SPEC, RunState.DONE)
    )
    assert completed.state(1, SPEC) is RunState.DONE


def test_the_run_that_measures_accuracy_is_the_same_run(tmp_path: Path) -> None:
    """The file does not tell in which run accuracy was due."""
    completed = completed_of(tmp_path, (1, replace(SPEC, accuracy=False), RunState.DONE))
    assert completed.state(1, SPEC) is completed.state(1, replace(SPEC, accuracy=False)) is RunState.DONE


def test_larger_batches_than_one_that_did_not_fit_do_not_either(tmp_path: Path) -> None:
    completed = completed_of(
        tmp_path,
        (1, replace(SPEC, batch_size=64), RunState.DOES_NOT_FIT),
        (1, replace(SPEC, batch_size=16), RunState.DOES_NOT_FIT),
        (1, replace(SPEC, batch_size=32), RunState.DOES_NOT_FIT),
        (1, replace(SPEC, batch_size=8), RunState.DONE),
    )
    assert [completed.too_big(replace(SPEC, batch_size=size)) for size in (1, 8, 15, 16, 17, 64, 128)] == [
        None, None, None, 16, 16, 16, 16,
    ]  # fmt: skip


def test_what_does_not_fit_does_so_in_every_power_mode_and_cycle_but_not_in_another_precision(tmp_path: Path) -> None:
    completed = completed_of(tmp_path, (1, SPEC, RunState.DOES_NOT_FIT))
    assert completed.too_big(replace(SPEC, power_mode="15W", clocks="default", accuracy=False)) == 16
    for other in (replace(SPEC, precision="fp32"), replace(SPEC, network="vgg19"), replace(SPEC, device="cpu")):
        assert completed.too_big(other) is None


def test_it_grows_while_the_plan_is_run() -> None:
    completed = CompletedRuns()
    completed.note(1, SPEC, RunState.CANCELLED)
    assert completed.state(1, SPEC) is None
    completed.note(1, SPEC, RunState.DOES_NOT_FIT)
    assert (completed.state(1, SPEC), completed.too_big(SPEC)) == (RunState.DOES_NOT_FIT, 16)
    completed.note(1, replace(SPEC, batch_size=4), RunState.DOES_NOT_FIT)
    assert completed.too_big(replace(SPEC, batch_size=4)) == 4


def test_what_is_no_session_says_so(tmp_path: Path) -> None:
    (tmp_path / "s.plm").write_bytes(b"no session")
    with pytest.raises(SessionError):
        CompletedRuns.of(tmp_path / "s.plm")


def test_a_session_goes_on_with_the_threads_that_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Jetson whose monitor was killed in a mode of two cores still has only two when it is started again."""
    begun = completed_of(tmp_path, (1, SPEC, RunState.DONE))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    free, fixed = (parse_profile(f'title = "x"\n[inference]\nthreads = {count}\n', "test") for count in (0, 5))
    assert (threads_for(free), threads_for(free, CompletedRuns()), threads_for(free, begun)) == (1, 1, 3)
    assert threads_for(fixed, begun) == 5


PLAN = 'title = "t"\n[inference]\nthreads = 1\n[plan]\nnetworks = ["resnet18"]\nbatch_sizes = [1, 2, 4]\n'


@pytest.mark.parametrize(
    ("plan", "states", "at"),
    [
        ("", [], None),
        ("", ["done", "cancelled"], 2),
        ("", ["done", "done", "running"], 3),
        ("", ["done", "failed", "cancelled"], 2),
        ("", ["done", "cancelled", "done"], None),
        ("", ["done", "done", "does_not_fit"], None),
        ("", ["done", "done", "failed"], None),
        ("cycles = 2\n", ["done", "done", "done"], 4),
        ("cycles = 2\n", ["done", "done", "done", "done", "cancelled"], 5),
        ("cycles = 0\n", ["done", "cancelled"], None),
    ],
)
def test_a_plan_that_was_stopped_is_resumed_at_its_first_run_that_is_left(
    tmp_path: Path, plan: str, states: list[str], at: int | None
) -> None:
    path, text = tmp_path / "s.plm", PLAN + plan
    specs = parse_profile(text, "it").run_specs(1)
    writer = SessionWriter(path)
    writer.set_meta({"profile": text})
    for number, state in enumerate(states):
        writer.add_run(number + 1, number // 3 + 1, specs[number % 3], "a title", RunState(state))
    writer.close()
    assert next_run(path) == at
