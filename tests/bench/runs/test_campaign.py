# SPDX-License-Identifier: Apache-2.0
"""A small campaign on the emulated board, its recording killed in the middle and resumed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.core.errors import SessionError
from monitor_app.core.runs import RunState
from monitor_app.inference.replay import load_of
from monitor_app.session.reader import SessionReader
from tests.conftest import Tries

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from tests.typed import Command, Typist

PROFILE = """
title = "A small campaign"

[[source]]
kind = "shunt"
emulate = "tx1"

[source.roles]
power = "total"

[inference]
device = "emulated:tx1"

[protocol]
settle_s = 0.3
power_check = false
idle_s = 0.3
warm_up_s = 0.3
warm_up_batches = 1
warm_up_max_s = 1.0
timed_s = 0.5
timed_batches = 3
fresh_process = true

[plan]
networks = ["alexnet_2016", "bn_nin", "inception_v3_2016"]
batch_sizes = [1, 32, 64]
order = "random"
seed = 3
accuracy = "once"
images = "published"
"""
RUNS = 9
SEED = 0
"""Of the inference, by default: it decides which network draws how much. That of the plan is of the order."""


def record(typist: Typist, profile: Path, session: Path) -> Command:
    """In a session of its own, as every command that is typed so."""
    words = ["record", str(profile), "-o", str(session), "--quiet"]
    with open(os.devnull, "rb+") as nothing:
        return typist.start(words, nothing.fileno(), nothing.fileno(), 2, folder=profile.parent)


def resume(typist: Typist, session: Path) -> None:
    done = typist.run(["record", "-o", str(session), "--resume", "--quiet"], folder=session.parent)
    assert done.returncode == 0, done.stderr


def runs_done(session: Path) -> int:
    try:
        with SessionReader(session) as reader:
            return sum(run.state in {"done", "does_not_fit"} for run in reader.runs())
    except SessionError:  # it is being created
        return 0


@pytest.fixture(scope="module")
def session(typist: Typist, tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    return Tries(lambda _: recorded(typist, tmp_path_factory.mktemp("campaign")))


@pytest.fixture(scope="module")
def campaign(session: Tries[Path]) -> Tries[Campaign]:
    return session.then(assembled)


def assembled(session: Path) -> Campaign:
    with SessionReader(session) as reader:
        return campaign_of(reader)


def recorded(typist: Typist, folder: Path) -> Path:
    profile, session = folder / "small.toml", folder / "small.plm"
    profile.write_text(PROFILE)
    first = record(typist, profile, session)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if runs_done(session) >= 4:
                break
        time.sleep(1.0)  # into the next run
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert 4 <= runs_done(session) < RUNS
    resume(typist, session)
    return session


def found(campaign: Campaign, network: str, batch_size: int) -> Cell:
    [cell] = [c for c in campaign.cells if (c.network, c.batch_size) == (network, batch_size)]
    return cell


def test_no_run_is_lost_and_none_is_done_twice(session: Path) -> None:
    with SessionReader(session) as reader:
        runs = reader.runs()
    finished = Counter((run.network, run.batch_size) for run in runs if run.state in {"done", "does_not_fit"})
    assert len(finished) == RUNS
    assert set(finished.values()) == {1}
    cut_off = [run for run in runs if run.state == RunState.CANCELLED.value]
    assert len(runs) == RUNS + len(cut_off)
    assert len({run.id for run in runs}) == len(runs)


def test_the_order_is_shuffled_and_kept_by_the_seed(session: Path) -> None:
    with SessionReader(session) as reader:
        order = [(run.network, run.batch_size) for run in reader.runs() if run.state != RunState.CANCELLED.value]
    assert order != sorted(order)


def test_what_does_not_fit_says_with_what_size_and_the_rest_goes_on(session: Path, campaign: Campaign) -> None:
    smaller, larger = (found(campaign, "inception_v3_2016", size) for size in (32, 64))
    assert (smaller.fits, larger.fits) == (False, False)
    with SessionReader(session) as reader:
        said = [run.error for run in reader.runs() if run.state == RunState.DOES_NOT_FIT.value]
    assert any("with 32 images at a time" in str(text) or "with 64 images at a time" in str(text) for text in said)
    assert found(campaign, "inception_v3_2016", 1).fits is True


@pytest.mark.realtime
def test_times_memory_and_accuracy_are_those_that_were_published(campaign: Campaign) -> None:
    cell = found(campaign, "alexnet_2016", 32)
    assert cell.seconds_per_image is not None
    assert cell.seconds_per_image.value == pytest.approx(6.3e-3, rel=0.02)
    assert (cell.memory_kind, cell.memory_bytes) == ("system", 381_000_000)
    assert cell.top1 is not None
    assert cell.top1.value == pytest.approx(0.5461, abs=1e-5)
    assert cell.paper_name == "AlexNet"


@pytest.mark.realtime
def test_power_and_energy_are_those_of_the_emulated_board(campaign: Campaign) -> None:
    measured = [cell for cell in campaign.cells if cell.fits]
    assert len(measured) == 7
    for cell in measured:
        assert cell.net_w is not None
        true_w = 11.8 * load_of(cell.paper_name or "", cell.batch_size, SEED)
        assert cell.net_w.value == pytest.approx(true_w, abs=0.5), cell.label
        assert cell.net_j_per_image is not None
        assert cell.seconds_per_image is not None
        true_j = true_w * cell.seconds_per_image.value
        assert cell.net_j_per_image.value == pytest.approx(true_j, rel=0.06), cell.label


def test_everything_in_it_is_marked_as_simulated(campaign: Campaign) -> None:
    assert campaign.simulated
    assert all(cell.times_simulated and cell.power_simulated for cell in campaign.cells)


def test_the_warm_up_says_what_it_found(session: Path) -> None:
    with SessionReader(session) as reader:
        done = [run for run in reader.runs() if run.state == RunState.DONE.value]
    assert {run.steady for run in done} <= {0, 1}
    for run in done:
        begins = "Shown to be steady" if run.steady else "Not shown to be steady"
        assert (run.warm_up_note or "").startswith(begins)


def test_accuracy_is_measured_once_for_a_network(session: Path) -> None:
    with SessionReader(session) as reader:
        batches = reader.batches()
        networks = {run.id: run.network for run in reader.runs() if run.state == RunState.DONE.value}
    judged = {*batches["run"][batches["phase"] == "accuracy"].tolist()} & {*networks}
    evaluated = Counter(networks[run] for run in judged)
    assert evaluated == {"alexnet_2016": 1, "bn_nin": 1, "inception_v3_2016": 1}


def test_a_session_that_is_complete_has_nothing_left_to_run(session: Path, typist: Typist) -> None:
    with SessionReader(session) as reader:
        before = len(reader.runs())
    resume(typist, session)
    with SessionReader(session) as reader:
        assert len(reader.runs()) == before
