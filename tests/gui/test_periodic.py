# SPDX-License-Identifier: Apache-2.0
"""Frames come as often as they show something new."""

from __future__ import annotations

from functools import partial

import pytest

from monitor_app.gui import periodic
from monitor_app.gui.periodic import INTERACTIVE_MS, RESTING_MS, PeriodicTasks, frame_ms


@pytest.mark.parametrize(
    ("width_s", "pixels", "interactive", "ms"),
    [
        (30.0, 1300, True, 16),
        (3.0, 1300, False, 33),
        (52.0, 1300, False, 40),
        (3600.0, 1300, False, 50),
        (30.0, 0, False, 50),
    ],
)
def test_a_frame_is_worth_a_pixel(width_s: float, pixels: int, interactive: bool, ms: int) -> None:
    assert frame_ms(width_s=width_s, pixels=pixels, interactive=interactive) == ms


def test_a_recorded_session_that_is_left_alone_needs_few_frames() -> None:
    assert frame_ms(width_s=3.0, pixels=1300, interactive=False, live=False) == RESTING_MS
    assert frame_ms(width_s=3.0, pixels=1300, interactive=True, live=False) == INTERACTIVE_MS


def test_late_tasks_are_done_several_at_once_and_others_one_by_one() -> None:
    done: list[int] = []
    tasks = PeriodicTasks([(0.2, partial(done.append, k)) for k in range(10)])
    tasks.do_all(10**12)
    done.clear()
    tasks.catch_up(10**12 + 250_000_000)  # all are due for 50 ms
    assert done == [0]
    tasks.catch_up(10**12 + 900_000_000)  # the others for 700 ms
    assert done == [*range(10), 0], "task 0 is late again"


def test_catching_up_ends_once_it_has_taken_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(periodic.time, "thread_time", lambda: 0.003 * len(done))  # each task takes 3 ms
    tasks = PeriodicTasks([(0.2, partial(done.append, k)) for k in range(10)])
    tasks.catch_up(10**12)
    assert done == [0, 1, 2]
    tasks.catch_up(10**12 + 1)
    assert done == [0, 1, 2, 3, 4, 5], "where it has stopped, the next one goes on"
