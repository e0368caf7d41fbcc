# SPDX-License-Identifier: Apache-2.0
"""Samples that only a bit flipped on the line explains are pointed out; load steps and pulses are not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.sources.implausible import JumpState, lone_jumps

LEAST = np.array([512.0])


def found(values: list[float], first: int = 0, cuts: tuple[int, ...] = ()) -> list[int]:
    """In blocks that end at the cuts."""
    state, indices = JumpState(), []
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(values)}), len(values)]
    for start, end in itertools.pairwise(edges):
        block = np.array(values[start:end], "<u2")[:, None]
        more, state = lone_jumps(first + start, block, LEAST, state)
        indices += more.tolist()
    return indices


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100] * 5 + [612] + [100] * 5, [5]),
        ([700] * 5 + [188] + [700] * 5, [5]),
        ([100] * 5 + [611] + [100] * 5, []),  # less than half of the range
        ([100] * 5 + [900] * 5, []),  # a load step
        ([900] * 5 + [100] * 5, []),
        ([100] * 5 + [900, 900] + [100] * 5, []),  # a short pulse
        ([100, 300, 500, 700, 900, 700, 500], []),  # a slow one
        ([100, 900] * 6, [*range(1, 11)]),  # all of them, and not more
        ([100] * 4 + [500, 900] + [100] * 4, []),  # two samples long
        ([100] * 4 + [1000] + [400] * 4, []),  # it does not come back
        ([900], []), ([100, 900], []), ([100, 900, 100], [1]), ([], []),
    ],
)  # fmt: skip
def test_one_lone_sample_that_jumps_and_returns(values: list[float], expected: list[int]) -> None:
    assert found(values) == expected
    assert found(values, first=1000) == [1000 + k for k in expected]


@given(
    st.lists(st.sampled_from([0, 3, 500, 512, 520, 1023]), max_size=40),
    st.lists(st.integers(0, 40), max_size=12),
)
def test_how_a_stream_is_split_changes_nothing(values: list[float], cuts: list[int]) -> None:
    assert found(values, cuts=tuple(cuts)) == found(values)


@given(st.lists(st.tuples(st.integers(0, 1023), st.integers(2, 9)), max_size=12))
def test_levels_that_last_are_never_pointed_out(levels: list[tuple[int, int]]) -> None:
    assert found([level for level, n in levels for _ in range(n)]) == []


def test_a_gap_begins_anew() -> None:
    state = lone_jumps(0, np.array([[100], [100], [900]]), LEAST, JumpState())[1]
    assert lone_jumps(4, np.array([[100], [100]]), LEAST, state)[0].tolist() == []
    assert lone_jumps(3, np.array([[100], [100]]), LEAST, state)[0].tolist() == [2]


def test_one_channel_of_several_is_enough() -> None:
    values = np.array([[1, 9], [1, 9], [1, 900], [1, 9], [3, 9], [1, 9]])
    assert lone_jumps(0, values, np.array([2.0, 512.0]), JumpState())[0].tolist() == [2, 4]
