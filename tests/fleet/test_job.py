# SPDX-License-Identifier: Apache-2.0
"""One board to the end of its plan: when it is tried again, when it is given up, and what is left of a cut start."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.runs import RunState
from monitor_app.fleet import job as module
from monitor_app.fleet.job import Job, State, record_board
from monitor_app.fleet.lab import Retry
from monitor_app.fleet.progress import progress_of
from monitor_app.fleet.recorder import recorder_environment
from monitor_app.session.files import CREATION_S, discard_unbegun_session
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.profile_reader import parse_profile
from tests.cli.program import monitor_app
from tests.fleet.labs import PROFILE, write_lab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = PROFILE.format(port='emulate = "tx1"') + '[plan]\nnetworks = ["alexnet_2016", "bn_nin"]\n'
RETRY = Retry(first_s=1.0, longest_s=5.0, give_up_s=20.0)
SPECS = parse_profile(TEXT, "it").run_specs(3)


class Pauses:
    """Recordings that end as told; the pauses between them, which take no time."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.job = Job("it", TEXT, str(folder), RETRY)
        self.seen: list[float] = []
        self.told: list[tuple[State, str]] = []
        monkeypatch.setattr(module, "_wait", self._wait)
        self._monkeypatch = monkeypatch

    def run(self, attempt: Callable[[int], str]) -> State:
        tries = iter(range(1000))
        self._monkeypatch.setattr(module, "_attempt", lambda job, stopped: attempt(next(tries)))
        return record_board(self.job, stopped=lambda: False, tell=lambda state, text: self.told.append((state, text)))

    def _wait(self, over: Callable[[], bool], longest_s: float | None, stopped: Callable[[], bool]) -> None:
        assert longest_s is not None
        self.seen.append(longest_s)

    def write(self, *states: RunState) -> None:
        writer = SessionWriter(self.job.session, resume=self.job.session.exists())
        for spec, state in zip(SPECS, states, strict=False):
            writer.add_run(writer.next_run_id, 1, spec, "a title", state)
            writer.next_run_id += 1
        writer.close()


@pytest.fixture
def pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pauses:
    return Pauses(tmp_path, monkeypatch)


def test_pauses_grow_to_the_longest_and_at_last_it_is_given_up_with_the_reason(pauses: Pauses) -> None:
    assert pauses.run(lambda _: "There is no port.") is State.FAILED
    assert pauses.seen == [1, 2, 4, 5, 5, 5]
    state, sentence = pauses.told[-1]
    assert state is State.FAILED
    assert sentence == "Given up after 0:22 of waiting. There is no port."
    assert any(
        state is State.WAITING and text.startswith("There is no port. The next try is at")
        for state, text in pauses.told
    )


def test_a_further_run_makes_the_pauses_short_again(pauses: Pauses) -> None:
    def attempt(number: int) -> str:
        if number == 3:
            pauses.write(RunState.DONE)
        if number == 5:
            pauses.write(RunState.DONE, RunState.DONE)
        return "It ended."

    assert pauses.run(attempt) is State.DONE
    assert pauses.seen == [1, 2, 4, 1, 2]


def test_a_run_that_has_failed_twice_is_not_waited_for(pauses: Pauses) -> None:
    pauses.write(RunState.FAILED, RunState.DONE)
    assert pauses.run(lambda _: pauses.write(RunState.FAILED) or "It failed.") is State.FAILED
    assert pauses.seen == []


def test_what_did_not_fit_is_done(pauses: Pauses) -> None:
    pauses.write(RunState.DONE, RunState.DOES_NOT_FIT)
    assert pauses.run(lambda _: pytest.fail("nothing is left")) is State.DONE


def test_a_damaged_session_is_said_and_not_touched(pauses: Pauses) -> None:
    pauses.job.session.write_bytes(b"no session, but something")
    assert pauses.run(lambda _: pytest.fail("it cannot be resumed")) is State.FAILED
    assert "is damaged or not a session file" in pauses.told[-1][1]
    assert pauses.job.session.read_bytes() == b"no session, but something"


def test_a_session_whose_creation_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    session, profile = tmp_path / "it.plm", parse_profile(TEXT, "it")
    session.touch()
    assert progress_of(profile, session).left == 2
    assert not discard_unbegun_session(session)  # it may be being created now
    past = time.time() - 2 * CREATION_S
    os.utime(session, (past, past))
    assert discard_unbegun_session(session)
    assert not session.exists()
    SessionWriter(session).close()
    os.utime(session, (past, past))
    assert not discard_unbegun_session(session)
    assert session.exists()


def test_only_what_a_nanny_has_set_is_taken_out(tmp_path: Path) -> None:
    environment = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "65536", "HOME": "/h"}
    assert recorder_environment(environment, nanny=True) == {"HOME": "/h"}
    assert recorder_environment(environment, nanny=False) == environment


def test_without_dask_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "monitor_app.fleet.engine", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    lab = write_lab(tmp_path, "left")
    done = monitor_app("fleet", str(lab), "-o", str(tmp_path / "runs"))
    assert done.returncode == 1
    assert "pip install 'inferwatt[fleet]'" in done.stderr
    assert not (tmp_path / "runs").exists()
    monkeypatch.delitem(sys.modules, "monitor_app.fleet.engine", raising=False)
