# SPDX-License-Identifier: Apache-2.0
"""Times and indices of a few rows of samples, each worked out by hand."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from monitor_app.core.errors import DamagedSessionError, NotASessionError
from monitor_app.session import time_map
from monitor_app.session.time_map import LARGEST, TimeMap, checked_index, checked_rows, interpolated, query

EVEN, SINGLE, FASTER = (10, 5, 1000, 1400), (20, 1, 3000, 3000), (22, 4, 3300, 3450)
"""first, n, t_first_ns, t_last_ns; 10 to 14 every 100 ns, 15 to 19 and 21 are missing, 22 to 25 every 50 ns."""
ROWS = (EVEN, SINGLE, FASTER)


@pytest.fixture
def db():
    with closing(sqlite3.connect(":memory:")) as found:
        found.execute("CREATE TABLE samples (signal, first, n, t_first_ns, t_last_ns)")
        found.execute("INSERT INTO samples VALUES (2, 0, 100, 0, 9900)")
        yield found


@pytest.fixture
def times(db):
    def of(*rows: tuple[int, int, int, int]) -> TimeMap:
        db.executemany("INSERT INTO samples VALUES (1, ?, ?, ?, ?)", rows)
        return TimeMap(db, 1)

    return of


def test_the_extent_ends_a_period_after_the_last_sample(times):
    assert times(*ROWS).extent() == (1000, 3500)
    assert times().last() == (25, 3450)
    assert times().rate_hz() == pytest.approx(15 * 1e9 / 2450)


def test_a_signal_without_samples_has_no_extent_and_no_rate(times):
    empty = times()
    assert (empty.extent(), empty.last(), empty.rate_hz()) == (None, None, None)
    assert (empty.index_at(5), empty.nominal_index_at(5)) == (0, 0)
    assert (empty.ends(3, 3).shape, empty.knots(np.empty((0, 4), np.int64), empty.ends(3, 3)).shape) == ((0, 2), (0, 2))
    with pytest.raises(NotASessionError, match="has no samples"):
        empty.time_at(0)


@pytest.mark.parametrize(
    ("host_ns", "index"),
    [(0, 10), (999, 10), (1000, 10), (1001, 11), (1100, 11), (1101, 12), (1400, 14), (1401, 20), (3000, 20),
     (3001, 22), (3300, 22), (3301, 23), (3350, 23), (3450, 25), (3451, 26), (10**9, 26)],
)  # fmt: skip
def test_the_index_at_a_time_is_the_first_sample_not_before_it(times, host_ns, index):
    assert times(*ROWS).index_at(host_ns) == index


@pytest.mark.parametrize(
    ("host_ns", "index"),
    [(750, 8), (850, 9), (900, 9), (901, 10), (999, 10), (1000, 10), (1001, 11), (1400, 14),
     # five are missing, so six steps of 267 ns lie between two samples
     (1401, 15), (1667, 15), (1668, 16), (2733, 19), (2734, 20), (2999, 20), (3000, 20),
     (3001, 21), (3150, 21), (3151, 22), (3299, 22), (3301, 23), (3450, 25),
     (3451, 26), (3500, 26), (3501, 27), (4450, 45)],
)  # fmt: skip
def test_the_nominal_index_counts_what_is_missing(times, host_ns, index):
    assert times(*ROWS).nominal_index_at(host_ns) == index


@pytest.mark.parametrize(
    ("index", "time_ns"),
    [
        (8, 800),
        (10, 1000),
        (14, 1400),
        (15, 1500),
        (19, 1900),
        (20, 3000),
        (21, 3267),
        (22, 3300),
        (25, 3450),
        (27, 3550),
    ],
)
def test_the_time_of_a_missing_sample_is_by_the_row_before_it(times, index, time_ns):
    assert times(*ROWS).time_at(index) == time_ns


def test_a_row_of_one_sample_has_the_period_to_the_next_where_none_is_before(times):
    both = times((10, 1, 1000, 1000), (14, 3, 1800, 1900))
    assert (both.time_at(9), both.time_at(12)) == (800, 1400)
    assert both.extent() == (1000, 1950)


def test_a_single_sample_has_no_period(times):
    alone = times((10, 1, 1000, 1000))
    assert (alone.extent(), alone.rate_hz(), alone.last()) == ((1000, 1000), None, (10, 1000))
    assert [alone.nominal_index_at(at) for at in (0, 1000, 5000)] == [10, 10, 10]
    assert [alone.index_at(at) for at in (0, 1000, 1001)] == [10, 10, 11]
    assert alone.time_at(99) == 1000


def test_rows_side_by_side_are_no_overlap(times):
    assert times((10, 5, 1000, 1400), (15, 1, 1500, 1500)).extent() == (1000, 1600)
    assert times().nominal_index_at(1450) == 15


def test_rows_that_overlap_are_damage(times):
    with pytest.raises(DamagedSessionError, match="rows of samples overlap at 14"):
        times((10, 5, 1000, 1400), (14, 1, 1500, 1500)).extent()
    with pytest.raises(DamagedSessionError, match="rows of samples overlap at 14"):
        times().nominal_index_at(1450)


def test_samples_that_end_before_they_begin_are_damage(times):
    with pytest.raises(DamagedSessionError, match="end before they begin"):
        times((10, 2, 1000, 1100), (20, 2, 700, 800)).extent()
    assert times().rate_hz() is None


def test_a_last_row_that_ends_after_the_first_begins_is_an_extent(times):
    assert times((10, 2, 1000, 1100), (20, 2, 900, 1200)).extent() == (1000, 1500)


def test_one_time_for_the_first_and_the_last_sample_is_an_extent(times):
    still = times((10, 2, 1000, 1000))
    assert (still.extent(), still.rate_hz()) == ((1000, 1000), None)


def test_the_ends_of_a_window_are_knots_and_so_are_those_of_the_rows_within(times):
    whole, rows = times(*ROWS), np.array(ROWS)
    assert whole.ends(12, 23).tolist() == [[12, 1200], [23, 3350]]
    assert whole.ends(12, 13).tolist() == [[12, 1200], [13, 1300]]
    assert whole.knots(rows, whole.ends(12, 23)).tolist() == [
        [12, 1200], [14, 1400], [20, 3000], [20, 3000], [22, 3300], [23, 3350],
    ]  # fmt: skip
    assert whole.knots(rows, whole.ends(14, 22)).tolist() == [[14, 1400], [20, 3000], [20, 3000], [22, 3300]]


def test_times_between_knots_lie_on_straight_lines():
    knots = np.array([[10, 2**60], [12, 2**60 + 200], [20, 2**60 + 1000]])
    assert (interpolated(knots, np.array([10, 11, 12, 16, 20])) - 2**60).tolist() == [0, 100, 200, 600, 1000]
    assert interpolated(knots[:0], np.array([1, 2])).tolist() == [0, 0]
    assert interpolated(knots, np.array([], np.int64)).tolist() == []


@pytest.mark.parametrize("value", [-1, LARGEST, 2**62, 2**64, "5", 5.0, None, b"5"])
def test_what_is_no_index_is_damage(db, value):
    with pytest.raises(DamagedSessionError, match="an index or time of"):
        checked_index(db, value)
    with pytest.raises(DamagedSessionError, match="an index or time of"):
        checked_rows(db, [(value, 1, 0, 0)])


@pytest.mark.parametrize("row", [(10, 0, 1000, 1000), (10, 2, 1000, 999)])
def test_a_row_without_samples_or_that_ends_before_it_begins_is_damage(times, db, row):
    with pytest.raises(DamagedSessionError, match="a row of samples at 10 cannot be"):
        times(row).last()
    with pytest.raises(DamagedSessionError, match="a row of samples cannot be"):
        checked_rows(db, [EVEN, (20, *row[1:])])


def test_rows_are_checked_all_at_once(db):
    largest = (LARGEST - 1, 1, LARGEST - 1, LARGEST - 1)
    assert checked_rows(db, [(0, 1, 0, 0), (1, 1, 0, 0), largest]).tolist() == [[0, 1, 0, 0], [1, 1, 0, 0], [*largest]]
    assert checked_rows(db, [(*EVEN, b"codes")]).tolist() == [[*EVEN]]
    assert checked_rows(db, []).shape == (0, 4)
    assert checked_index(db, 0) == 0
    assert checked_index(db, LARGEST - 1) == LARGEST - 1
    with pytest.raises(DamagedSessionError, match="rows of samples overlap"):
        checked_rows(db, [EVEN, (15, 4, 1500, 1800), (18, 1, 1900, 1900)])


@pytest.mark.parametrize("longest_s", [0.0, 3600.0])
def test_slices_are_the_rows_that_one_query_would_give(db, monkeypatch, longest_s):
    monkeypatch.setattr(time_map, "SNAPSHOT_S", longest_s)
    db.executemany("INSERT INTO samples VALUES (3, ?, ?, 0, 0)", [(k, 1000 + k) for k in range(200)])
    sql = "SELECT first, n FROM samples WHERE signal = ? AND first > ? ORDER BY first"
    assert query(db, sql, (3,), after=4) == [(k, 1000 + k) for k in range(5, 200)]


def test_what_cannot_be_asked_for_is_damage(db):
    with pytest.raises(DamagedSessionError, match="no such table"):
        query(db, "SELECT * FROM absent", ())
    with pytest.raises(DamagedSessionError):
        query(db, "SELECT * FROM samples WHERE first = ?", (2**64,))
