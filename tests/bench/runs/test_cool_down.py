# SPDX-License-Identifier: Apache-2.0
"""A run waits for a cool board, but neither for ever nor without saying what it waited for in vain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.runs import cool_down
from monitor_app.bench.runs.cool_down import hottest_c, wait_until_cool
from monitor_app.bench.runs.inference_link import CancelledError
from monitor_app.core.errors import SessionError
from monitor_app.core.samples import Quantity, Role
from monitor_app.session.writer import SessionWriter
from tests.bench.sensors import POWER, START_NS, TEMPERATURE, S, add_sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# -- how warm it is ----------------------------------------------------------------------------------


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SessionWriter]:
    made = SessionWriter(tmp_path / "s.plm")
    yield made
    made.close()


def at(seconds: float) -> int:
    return START_NS + round(seconds * S)


def test_it_is_the_hottest_of_all_sensors_as_it_was_lately(writer: SessionWriter) -> None:
    add_sensor(writer, 1, lambda t: 40.0 + t, what=TEMPERATURE, rate_hz=1)
    add_sensor(writer, 2, lambda t: 30.0, what=TEMPERATURE, rate_hz=1)
    # The mean of what was read at 25, 26, ... 30 s.
    assert hottest_c(writer.path, at(30)) == pytest.approx(40 + 27.5)
    assert hottest_c(writer.path, at(0.5)) == pytest.approx(40)


def test_a_sensor_that_has_fallen_silent_does_not_count(writer: SessionWriter) -> None:
    add_sensor(writer, 1, lambda t: 90.0, what=TEMPERATURE, rate_hz=1, seconds=10)
    add_sensor(writer, 2, lambda t: 30.0, what=TEMPERATURE, rate_hz=1, seconds=60)
    assert hottest_c(writer.path, at(12)) == pytest.approx(90)
    assert hottest_c(writer.path, at(20)) == pytest.approx(30)
    assert hottest_c(writer.path, at(70)) is None


def test_watts_are_no_temperature(writer: SessionWriter) -> None:
    assert hottest_c(writer.path, at(30)) is None
    add_sensor(writer, 1, lambda t: 90.0, what=POWER)
    add_sensor(writer, 2, lambda t: 1.0, what=("duty", Quantity.LEVEL, Role.OTHER))
    assert hottest_c(writer.path, at(30)) is None


def test_a_session_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SessionError):
        hottest_c(tmp_path / "nothing.plm", 0)


# -- waiting -----------------------------------------------------------------------------------------


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What has been waited; time stands still but for that."""
    spent: list[float] = []
    monkeypatch.setattr(cool_down, "time", SimpleNamespace(monotonic=lambda: 1e5 + sum(spent)))
    return spent


def cooling(waited: list[float], from_c: float, per_s: float) -> Callable[[], float]:
    return lambda: from_c - per_s * sum(waited)


def test_a_cool_board_is_not_waited_for(waited: list[float]) -> None:
    assert wait_until_cool(lambda: 45.0, 45.0, 300.0, waited.append) is None
    assert waited == []


def test_a_warm_one_is_waited_for_until_it_is_cool(waited: list[float]) -> None:
    assert wait_until_cool(cooling(waited, 60, 0.5), 45.0, 300.0, waited.append) is None
    assert sum(waited) == pytest.approx(30, abs=1)


@pytest.mark.parametrize("most_s", [1e-9, 10.0])
def test_one_that_stays_warm_is_waited_for_no_longer_than_was_said(waited: list[float], most_s: float) -> None:
    note = wait_until_cool(cooling(waited, 60, 0.1), 45.0, most_s, waited.append)
    assert note is not None
    assert "above 45 °C" in note
    assert note.startswith("The board was still at 5" if most_s > 1 else "The board was still at 60 °C")
    assert most_s <= sum(waited) <= most_s + 1


def test_without_a_thermometer_the_run_begins_soon_and_says_that_nobody_knows(waited: list[float]) -> None:
    note = wait_until_cool(lambda: None, 45.0, 300.0, waited.append)
    assert note is not None
    assert note.startswith("No temperature was measured")
    assert 0 < sum(waited) <= 6


def test_a_thermometer_that_takes_a_moment_to_begin_is_listened_to(waited: list[float]) -> None:
    assert wait_until_cool(lambda: None if sum(waited) < 3 else 60 - sum(waited), 45.0, 300.0, waited.append) is None
    assert sum(waited) == pytest.approx(15, abs=1)


def test_who_is_told_to_stop_stops_waiting() -> None:
    def wait(seconds: float) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        wait_until_cool(lambda: 60.0, 45.0, 300.0, wait)
