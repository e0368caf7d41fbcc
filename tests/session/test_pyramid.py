# SPDX-License-Identifier: Apache-2.0
"""Summaries against plain numpy, for any splitting into blocks and any holes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.session.pyramid import (
    ENTRY,
    LEVELS,
    STORED,
    Pyramid,
    contiguous_runs,
    entries_of_samples,
    entry_size,
    fold,
    fold_samples,
    pack,
    unpack,
    unpack_rows,
)


def expected(index: np.ndarray, values: np.ndarray, size: int) -> list[tuple[int, int, float, float, float, float]]:
    """start, n, min, max, mean, var of each group that has a sample."""
    groups = index // size
    out = []
    for group in np.unique(groups):
        inside = values[groups == group]
        out.append((int(group) * size, len(inside), inside.min(), inside.max(), inside.mean(), inside.var()))
    return out


def agrees(entries: np.ndarray, wanted: list[tuple[int, int, float, float, float, float]]) -> None:
    assert [tuple(e) for e in entries[["start", "n", "min", "max"]].tolist()] == [row[:4] for row in wanted]
    scale = max((abs(row[4]) for row in wanted), default=1.0) or 1.0
    np.testing.assert_allclose(entries["mean"], [row[4] for row in wanted], rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(entries["var"], [row[5] for row in wanted], rtol=1e-9, atol=1e-14 * scale**2)


@st.composite
def signals(draw, most: int = 3000) -> list[tuple[int, np.ndarray]]:
    """Blocks in order, with holes between some of them, of 19 V with a little noise or of anything."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset, spread = draw(st.sampled_from([(19.0, 1e-3), (0.0, 1.0), (-5.0, 100.0), (3.0, 0.0)]))
    first = draw(st.sampled_from([0, 1, 63, 64, 1000, 10**12 + 7]))
    blocks = []
    for _ in range(draw(st.integers(1, 8))):
        first += draw(st.sampled_from([0, 0, 0, 1, 17, 64, 5000]))
        n = draw(st.one_of(st.integers(1, 130), st.integers(1, most)))
        blocks.append((first, offset + spread * rng.standard_normal(n)))
        first += n
    return blocks


def flat(blocks: list[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.concatenate([np.arange(first, first + len(values)) for first, values in blocks]),
        np.concatenate([values for _, values in blocks]),
    )


def test_level_one_is_64_samples_and_each_further_16_times_as_many():
    assert [entry_size(level) for level in range(LEVELS + 1)] == [
        1, 64, 1024, 16_384, 262_144, 4_194_304, 67_108_864,
    ]  # fmt: skip


@settings(max_examples=40)
@given(signals(), st.sampled_from([1, 2, 7, 64, 100, 1024]))
def test_samples_fold_into_groups(blocks, size):
    for first, values in blocks:
        agrees(fold_samples(first, values, size), expected(*flat([(first, values)]), size))


@settings(max_examples=40)
@given(signals(), st.sampled_from([64, 128, 1024, 16_384]))
def test_entries_fold_into_larger_ones_whatever_is_missing(blocks, size):
    entries = np.concatenate([fold_samples(first, values, 64) for first, values in blocks])
    agrees(fold(entries, size), expected(*flat(blocks), size))


@settings(max_examples=20)
@given(signals(most=300))
def test_folding_samples_is_folding_them_one_by_one(blocks):
    for first, values in blocks:
        one_by_one = fold(entries_of_samples(np.arange(first, first + len(values)), values), 64)
        agrees(one_by_one, expected(*flat([(first, values)]), 64))


def test_folding_nothing_gives_nothing():
    assert len(fold(np.zeros(0, ENTRY), 64)) == 0
    assert len(fold(np.zeros(3, ENTRY), 64)) == 0
    assert len(fold_samples(5, np.empty(0), 64)) == 0


@settings(max_examples=40)
@given(signals())
def test_packed_entries_keep_all_but_the_last_bits_of_the_variance(blocks):
    entries = fold(np.concatenate([fold_samples(first, values, 64) for first, values in blocks]), 64)
    for run in contiguous_runs(entries, 64):
        data = pack(run)
        assert len(data) == 32 * len(run)
        back = unpack(int(run["start"][0]), 64, data)
        for name in ("start", "n", "min", "max", "mean"):
            np.testing.assert_array_equal(back[name], run[name])
        np.testing.assert_allclose(back["var"], run["var"], rtol=1e-6, atol=1e-40)


def test_the_layout_of_an_entry_is_as_documented():
    assert STORED.itemsize == 32
    assert {name: (str(kind), offset) for name, (kind, offset, *_) in STORED.fields.items()} == {
        "n": ("uint32", 0),
        "var": ("float32", 4),
        "min": ("float64", 8),
        "max": ("float64", 16),
        "mean": ("float64", 24),
    }


def test_unpacking_leaves_out_groups_without_samples_and_a_torn_end():
    entries = fold_samples(0, np.arange(192.0), 64)
    entries["n"][1] = 0
    assert unpack(0, 64, pack(entries) + b"torn")["start"].tolist() == [0, 128]


def test_rows_of_any_length_are_unpacked_together():
    parts = [fold_samples(first, np.arange(n, dtype=float), 64) for first, n in ((0, 192), (640, 64), (1280, 128))]
    rows = [(int(part["start"][0]), pack(part)) for part in parts]
    assert np.array_equal(unpack_rows(rows, 64), np.concatenate(parts))
    assert unpack_rows(rows, 64)["start"].tolist() == [0, 64, 128, 640, 1280, 1344]
    assert len(unpack_rows([], 64)) == 0


@settings(max_examples=40)
@given(signals())
def test_contiguous_runs_have_no_hole_and_together_are_all(blocks):
    entries = fold(np.concatenate([fold_samples(first, values, 64) for first, values in blocks]), 64)
    runs = contiguous_runs(entries, 64)
    assert np.array_equal(np.concatenate(runs), entries)
    for run in runs:
        assert (np.diff(run["start"]) == 64).all()
    for before, after in itertools.pairwise(runs):
        assert after["start"][0] > before["start"][-1] + 64


@settings(max_examples=50)
@given(signals(most=6000))
def test_a_pyramid_gives_every_entry_once_and_only_when_it_is_final(blocks):
    pyramid = Pyramid()
    given_so_far: list[list[np.ndarray]] = [[] for _ in range(LEVELS)]
    for first, values in blocks:
        for level, entries in enumerate(pyramid.add(first, values), start=1):
            given_so_far[level - 1].append(entries)
            # Nothing may still be added to a group that was given.
            assert (entries["start"] + entry_size(level) <= first + len(values)).all()
    for level, entries in enumerate(pyramid.finish(), start=1):
        given_so_far[level - 1].append(entries)
    index, values = flat(blocks)
    for level, pieces in enumerate(given_so_far, start=1):
        agrees(np.concatenate(pieces), expected(index, values, entry_size(level)))


def test_a_pyramid_continues_with_what_an_earlier_part_left():
    """A hundred samples came before: a whole group of level 1, and the beginning of the next one."""
    values, nothing = np.arange(2100.0), np.zeros(0, ENTRY)
    begun, whole = fold_samples(64, values[64:100], 64), fold_samples(0, values[:64], 64)
    resumed = Pyramid([begun, whole, *[nothing] * (LEVELS - 2)])
    added, left = resumed.add(100, values[100:]), resumed.finish()
    assert [entries["start"].tolist() for entries in added[:3]] == [list(range(64, 2048, 64)), [0, 1024], []]
    for level in range(2, LEVELS + 1):
        agrees(
            np.concatenate((added[level - 1], left[level - 1])), expected(np.arange(2100), values, entry_size(level))
        )


def test_a_millivolt_of_noise_on_a_large_offset_is_kept():
    values = 1e6 + 1e-3 * np.random.default_rng(1).standard_normal(4096)
    [one] = fold(fold_samples(0, values, 64), 4096)
    assert float(one["var"]) == pytest.approx(values.var(), rel=1e-6)
