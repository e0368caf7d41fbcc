# SPDX-License-Identifier: Apache-2.0
"""When a polled source asks, and how it counts."""

from __future__ import annotations

import errno
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.sources.polling import Blocks, NumberFile, Schedule

from .polled import START_NS, FakeTime

MS = 1_000_000


def test_polls_keep_to_the_grid_whatever_each_of_them_takes():
    time = FakeTime()
    schedule = Schedule(0.1, time.clock)
    polls = []
    for took_s in (0.03, 0.001, 0.09, 0.0, 0.04):
        assert schedule.wait(1.0) == 1
        polls.append(time.now_ns - START_NS)
        time.go(took_s)
    assert polls == [100 * MS, 200 * MS, 300 * MS, 400 * MS, 500 * MS]


def test_waiting_ends_with_the_time_allowed_and_does_not_spin():
    time = FakeTime()
    schedule = Schedule(0.1, time.clock)
    assert [schedule.wait(0.04), schedule.wait(0.04)] == [0, 0]
    assert time.now_ns == START_NS + 80 * MS
    assert schedule.wait(0.04) == 1
    assert time.now_ns == START_NS + 100 * MS
    assert len(time.slept) == 3


def test_no_time_allowed_is_no_sleep():
    time = FakeTime()
    assert Schedule(0.1, time.clock).wait(0.0) == 0
    assert time.slept == []


@given(late=st.lists(st.floats(0, 3), min_size=1, max_size=20))
def test_every_slot_is_accounted_for_and_polls_never_crowd(late):
    time = FakeTime()
    schedule = Schedule(0.05, time.clock)
    slots, polls = 0, []
    for seconds in late:
        time.go(seconds)
        while (due := schedule.wait(0.02)) == 0:
            pass
        slots += due
        polls.append(time.now_ns)
    # Half an interval early or late is still the same slot.
    assert abs(slots * 50 * MS - (polls[-1] - START_NS)) <= 25 * MS
    assert all(after - before >= 25 * MS - 1 for before, after in itertools.pairwise(polls))


def test_polls_left_out_are_a_hole_in_the_count():
    blocks = Blocks()
    first = blocks.make([1.0], 10, 11)
    blocks.leave_out()
    blocks.leave_out(2)
    second = blocks.make([2.0], 20, 21)
    third = blocks.make([3.0], 30, 31)
    assert [(b.first_index, b.lost_before) for b in (first, second, third)] == [(0, 0), (4, 3), (5, 0)]
    assert [b.times_ns.tolist() for b in (first, second, third)] == [[10], [20], [30]]


def test_a_file_is_read_anew_through_one_descriptor(tmp_path):
    path = tmp_path / "energy_uj"
    path.write_text("1234567890123\n")
    file = NumberFile(path)
    assert file.read() == 1_234_567_890_123
    path.write_text("-5\n")
    assert file.read() == -5
    path.write_text("")
    with pytest.raises(OSError, match="no number") as caught:
        file.read()
    assert caught.value.errno == errno.ENODATA
    file.close()
    file.close()
