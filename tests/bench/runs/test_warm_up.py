# SPDX-License-Identifier: Apache-2.0
"""A warm-up ends when latency, power and temperature have been shown to be steady, in sessions that do or do not drift.

The batches are handed over in groups, as a child reports them; the session holds what sensors showed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.runs.warm_up import WarmUpJudge
from monitor_app.core.errors import NotASessionError
from monitor_app.core.profile import Protocol
from monitor_app.core.runs import Batch, Phase
from monitor_app.core.samples import Quantity, Role
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.bench.sensors import START_NS, TEMPERATURE, S, add_sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PROTOCOL = Protocol(warm_up_s=1, warm_up_batches=5, warm_up_max_s=60, timed_s=5, timed_batches=10)
"""Two percent in five seconds is what may change."""
LATENCY_S = 0.02


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SessionWriter]:
    made = SessionWriter(tmp_path / "s.plm")
    yield made
    made.close()


def batches(latency_s: Callable[[float], float], seconds: float, shift_ns: int = 0) -> list[Batch]:
    """Back to back, each as long as its start says."""
    made, now_ns = [], START_NS - shift_ns
    while now_ns < START_NS - shift_ns + seconds * S:
        end_ns = now_ns + round(latency_s((now_ns + shift_ns - START_NS) / S) * S)
        made.append(Batch(Phase.WARM_UP, now_ns, end_ns, 1))
        now_ns = end_ns
    return made


@dataclass(frozen=True)
class Outcome:
    ended_s: float | None
    """When the judge first said that it is steady; None: never."""
    steady: bool
    note: str
    judge: WarmUpJudge


def judged(
    session: Path,
    latency_s: Callable[[float], float] = lambda _: LATENCY_S,
    *,
    protocol: Protocol = PROTOCOL,
    seconds: float = 60.0,
    shift_ns: int = 0,
) -> Outcome:
    """As the bench does it: groups of batches, until it is steady or the time is over."""
    ended_s = None
    with WarmUpJudge(session, protocol, shift_ns) as judge:
        done = batches(latency_s, seconds, shift_ns)
        for first, last in pairwise([*range(0, len(done), 3), len(done)]):
            if judge.steady_with(done[first:last]):
                ended_s = judge.warmed_s
                break
        return Outcome(ended_s, bool(judge.verdict and judge.verdict.steady), judge.note(), judge)


def noisy(level: float, slope_per_s: float = 0.0) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Of one percent, in a power that begins at the level."""
    return lambda t: level * (1 + slope_per_s * t + 0.01 * np.random.default_rng(1).standard_normal(len(t)))


def test_steady_latency_and_power_end_it_early(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0), rate_hz=1000)
    outcome = judged(writer.path)
    assert outcome.ended_s is not None
    assert 1 <= outcome.ended_s < 10
    verdict = outcome.judge.verdict
    assert verdict is not None
    assert verdict.power is not None
    assert verdict.power.level == pytest.approx(12.0, rel=0.01)
    assert outcome.note.startswith("Shown to be steady after ")
    assert "latency " in outcome.note
    assert "power " in outcome.note
    assert outcome.note.endswith(" in 5 s.")


def test_a_latency_that_drifts_never_does(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0), rate_hz=1000)
    outcome = judged(writer.path, lambda t: LATENCY_S * (1 + 0.01 * t), seconds=30)
    assert (outcome.ended_s, outcome.steady) == (None, False)
    # 1 % of the first latency a second, of one that has grown by a quarter meanwhile.
    assert outcome.note.startswith("Not shown to be steady in 30.0 s")
    assert "latency +4" in outcome.note


def test_a_power_that_drifts_never_does_though_the_latency_is_steady(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0, -0.01), rate_hz=1000)
    outcome = judged(writer.path, seconds=30)
    assert (outcome.ended_s, outcome.steady) == (None, False)
    assert "latency +0 " in outcome.note
    assert "power -" in outcome.note


def test_a_power_that_settles_ends_it_once_it_has_settled(writer: SessionWriter) -> None:
    add_sensor(writer, 1, lambda t: 12 - 4 * np.exp(-t / 3), rate_hz=1000)
    outcome = judged(writer.path)
    assert outcome.ended_s is not None
    # What is left then, 4 exp(-t / 3) W, is 2 % of 12 W from 8.5 s on; the window begins at half of the time.
    assert 6 < outcome.ended_s < 25


def test_a_board_that_heats_up_never_does(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0), rate_hz=1000)
    add_sensor(writer, 2, lambda t: 25.0, what=TEMPERATURE, rate_hz=5)
    add_sensor(writer, 3, lambda t: 40 + 0.6 * t, what=TEMPERATURE, rate_hz=5)
    outcome = judged(writer.path, seconds=30)
    assert (outcome.ended_s, outcome.steady) == (None, False)
    assert "temperature +3 ± " in outcome.note


def test_without_a_meter_latency_alone_is_judged(writer: SessionWriter) -> None:
    outcome = judged(writer.path)
    assert outcome.steady
    assert "power" not in outcome.note
    assert not judged(writer.path, lambda t: LATENCY_S * (1 + 0.02 * t), seconds=20).steady


def test_it_is_the_power_of_the_whole_board_that_counts(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(3.0, 0.05), what=("GPU", Quantity.POWER, Role.GPU))
    add_sensor(writer, 2, noisy(12.0), rate_hz=1000)
    add_sensor(writer, 3, noisy(15.0, 0.05))
    outcome = judged(writer.path)
    assert outcome.steady
    assert outcome.judge.verdict is not None
    assert outcome.judge.verdict.power is not None
    assert outcome.judge.verdict.power.level == pytest.approx(12.0, rel=0.01)


def test_a_meter_of_one_reading_a_second_has_its_ten_readings_after_twenty_seconds(writer: SessionWriter) -> None:
    add_sensor(writer, 1, lambda t: 12.0, rate_hz=1)
    short = judged(writer.path, seconds=15)
    assert not short.steady
    assert short.note.endswith("in 5 s; too few readings of power to tell.")
    outcome = judged(writer.path)
    assert outcome.ended_s == pytest.approx(20, abs=2)


def test_a_meter_that_fell_silent_is_not_steady(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0), seconds=4)
    add_sensor(writer, 2, lambda t: 50.0, what=TEMPERATURE, rate_hz=10, seconds=4)
    strict = PROTOCOL.model_copy(update={"warm_up_s": 20.0})
    outcome = judged(writer.path, protocol=strict, seconds=25)
    assert not outcome.steady
    assert outcome.note.endswith("; too few readings of power and temperature to tell.")


def test_a_first_batch_that_compiles_does_not_count(writer: SessionWriter) -> None:
    outcome = judged(writer.path, lambda t: 30.0 if t == 0 else LATENCY_S, seconds=40)
    assert outcome.ended_s is not None
    assert 30 < outcome.ended_s < 36
    assert outcome.note.endswith(" in 5 s.")


def test_the_least_of_the_protocol_is_done_in_any_case(writer: SessionWriter) -> None:
    long = PROTOCOL.model_copy(update={"warm_up_s": 12.0})
    many = PROTOCOL.model_copy(update={"warm_up_batches": 1000})
    assert judged(writer.path, protocol=long).ended_s == pytest.approx(12, abs=0.5)
    assert judged(writer.path, protocol=many).ended_s == pytest.approx(1000 * LATENCY_S, abs=0.6)


def test_what_is_asked_is_how_much_changes_while_so_many_batches_are_timed(writer: SessionWriter) -> None:
    """A tenth of a percent a second is nothing in 5 s, and 4 % in the 40 s that 80 batches of half a second take."""

    def slow(t: float) -> float:
        return 0.5 * (1 + 0.001 * t)

    few = judged(writer.path, slow)
    many = judged(writer.path, slow, protocol=PROTOCOL.model_copy(update={"timed_batches": 80}))
    assert (few.steady, many.steady) == (True, False)
    # Ten batches of half a second, and eighty of what they have grown to.
    assert " % in 5.0" in few.note
    assert " % in 41" in many.note


def test_a_network_whose_batch_takes_three_minutes_is_not_called_steady(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0), seconds=200)
    outcome = judged(writer.path, lambda _: 180.0, seconds=1)
    assert not outcome.steady
    assert outcome.note == "Not shown to be steady: 180.0 s and 1 batch of warm-up are too few to tell."
    with WarmUpJudge(writer.path, PROTOCOL) as judge:
        assert judge.note() == "Not shown to be steady: 0.0 s and 0 batches of warm-up are too few to tell."


def test_a_session_that_is_gone_on_with_has_other_times_than_the_host(writer: SessionWriter) -> None:
    add_sensor(writer, 1, noisy(12.0, 0.01), rate_hz=1000)
    add_sensor(writer, 2, lambda t: 40 + 0.6 * t, what=TEMPERATURE)
    # Host times begin again with each start of the machine; what the file has is later by that.
    outcome = judged(writer.path, seconds=20, shift_ns=START_NS - 3 * S)
    assert "power +" in outcome.note
    assert "temperature +3 ± " in outcome.note


def test_what_still_comes_after_the_verdict_does_not_change_it(writer: SessionWriter) -> None:
    """The child ends its current batch, and that one may be slow."""
    with WarmUpJudge(writer.path, PROTOCOL) as judge:
        steady = batches(lambda _: 0.3, 30)
        assert any(judge.steady_with([each]) for each in steady[:20])
        said = judge.verdict
        end_ns = judge._end_ns[-1]
        assert judge.steady_with([Batch(Phase.WARM_UP, end_ns, end_ns + 60 * S, 1)])
        assert judge.verdict is said
        assert judge.note().startswith("Shown to be steady")


def test_a_session_that_cannot_be_read_for_a_moment_only_delays_the_verdict(
    writer: SessionWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_sensor(writer, 1, noisy(12.0), rate_hz=1000)
    envelope, looks = SessionReader.envelope, []

    def failing(*arguments: object) -> object:
        looks.append(arguments)
        if len(looks) < 30:
            raise NotASessionError("It cannot be read.")
        return envelope(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SessionReader, "envelope", failing)
    outcome = judged(writer.path)
    assert outcome.steady
    assert len(looks) >= 30
    looks.clear()
    never = judged(writer.path, seconds=1.5)
    assert not never.steady
    assert never.note.endswith("could not be read from the session.")


def test_a_session_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotASessionError):
        WarmUpJudge(tmp_path / "nothing.plm", PROTOCOL)
