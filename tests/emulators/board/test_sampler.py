# SPDX-License-Identifier: Apache-2.0
"""Samples of the simulated board: what they hold, the two lines, and that cutting does not matter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.load_signal import LevelChange, Line
from monitor_app.emulators.board.sampler import CURRENT, VOLTAGE, SampleClock, Sampler

RATE_HZ = 1_000_000.0
ORIGIN_NS = 77_000_000_000
US = 1_000
CHANGES = st.lists(st.tuples(st.integers(0, 5_000), st.booleans(), st.sampled_from(Line)), max_size=12)


def sampler(seed=1, channels=(CURRENT, VOLTAGE), rate_hz=RATE_HZ) -> Sampler:
    return Sampler(TX1, SampleClock(ORIGIN_NS, rate_hz), seed, channels)


def change(one: Sampler, *changes: tuple[int, bool, Line]) -> None:
    """Changes at these microseconds after power-up."""
    one.change([LevelChange(ORIGIN_NS + at * US, level, line) for at, level, line in changes], ORIGIN_NS)


def test_the_sync_line_shows_at_its_sample():
    one = sampler()
    change(one, (100, True, Line.SYNC), (250, False, Line.SYNC))
    taken = one.take(400)
    assert np.flatnonzero(taken.sync).tolist() == list(range(100, 250))
    assert not taken.busy.any()
    assert taken.changes == [(100, Line.SYNC, True), (250, Line.SYNC, False)]


def test_the_sync_line_draws_no_power():
    plain, driven = sampler(), sampler()
    change(driven, (10, True, Line.SYNC), (20, False, Line.SYNC), (900, True, Line.SYNC))
    before, after = plain.take(1_000), driven.take(1_000)
    assert after.energy_j == before.energy_j
    assert after.codes.tolist() == before.codes.tolist()


def test_both_lines_may_change_at_one_sample():
    one = sampler()
    change(one, (100, True, Line.SYNC), (100, True, Line.BUSY))
    taken = one.take(200)
    assert taken.changes == [(100, Line.BUSY, True), (100, Line.SYNC, True)]
    assert taken.levels[99:101].tolist() == [0, 3]


def test_a_level_that_was_there_before_the_first_sample_is_no_change():
    one = sampler()
    change(one, (100, True, Line.SYNC))
    one.skip(200)
    taken = one.take(10)
    assert taken.sync.all()
    assert taken.changes == []


@settings(max_examples=60)
@given(changes=CHANGES, cuts=st.lists(st.integers(1, 4_999), max_size=5, unique=True))
def test_any_split_gives_the_same_samples(changes, cuts):
    whole, parts = sampler(), sampler()
    change(whole, *changes)
    change(parts, *changes)
    expected = whole.take(5_000)
    bounds = [0, *sorted(cuts), 5_000]
    taken = [parts.take(end - start) for start, end in itertools.pairwise(bounds)]
    assert np.array_equal(np.concatenate([one.codes for one in taken]), expected.codes)
    assert np.array_equal(np.concatenate([one.levels for one in taken]), expected.levels)
    assert np.allclose(np.concatenate([one.current_a for one in taken]), expected.current_a, rtol=1e-9, atol=0.0)
    moved = [(one.first + sample, line, level) for one in taken for sample, line, level in one.changes]
    assert moved == expected.changes
    assert sum(one.energy_j for one in taken) == pytest.approx(expected.energy_j, rel=1e-12)


@settings(max_examples=30)
@given(changes=CHANGES, count=st.integers(1, 5_000))
def test_the_energy_is_that_of_the_samples(changes, count):
    one = sampler()
    change(one, *changes)
    taken = one.take(count)
    assert taken.energy_j == pytest.approx(np.sum(taken.current_a * taken.voltage_v) / RATE_HZ, rel=1e-12)


def test_the_codes_stand_for_the_values():
    one = sampler()
    change(one, (500, True, Line.BUSY))
    taken = one.take(5_000)
    for column, channel, true in ((0, CURRENT, taken.current_a), (1, VOLTAGE, taken.voltage_v)):
        error_codes = taken.codes[:, column] - true / channel.scale - channel.zero
        assert abs(np.mean(error_codes)) < 0.1
        assert np.max(np.abs(error_codes)) < 10.0


def test_a_device_may_choose_its_channels_or_none():
    assert sampler(channels=()).take(10).codes.shape == (10, 0)
    three = sampler(channels=(VOLTAGE, CURRENT, VOLTAGE)).take(10)
    volts = VOLTAGE.scale * (three.codes[:, [0, 2]] - VOLTAGE.zero)
    assert volts == pytest.approx(np.tile(three.voltage_v[:, np.newaxis], 2), abs=0.01)


def test_the_board_does_not_notice_that_the_device_starts_anew():
    kept, restarted = sampler(), sampler()
    for one in (kept, restarted):
        change(one, (0, True, Line.BUSY), (0, True, Line.SYNC), (34_000, False, Line.SYNC))
        one.take(20_000)
    kept.skip(30_000)
    restarted.restart(ORIGIN_NS + 30_000 * US)
    expected, taken = kept.take(5_000), restarted.take(5_000)
    assert (restarted.clock.origin_ns, taken.first) == (ORIGIN_NS + 30_000 * US, 0)
    assert taken.current_a == pytest.approx(expected.current_a, rel=1e-6)
    assert taken.levels.tolist() == expected.levels.tolist()
    assert taken.changes == expected.changes == [(4_000, Line.SYNC, False)]
