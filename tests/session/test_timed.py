# SPDX-License-Identifier: Apache-2.0
"""Samples that bring their own times: every one is found at its time, by the file's own tables and by the reader."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.samples import Quantity, Signal, SourceInfo
from monitor_app.session.reader import SessionReader
from monitor_app.session.time_map import _offset
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

START_NS = 4_000_000_000_000
MS = 1_000_000
INFO = SourceInfo(
    "rails", "test", "m", "1", "1", 25.0,
    (
        Signal("current", Quantity.CURRENT), Signal("voltage", Quantity.VOLTAGE),
        Signal("power", Quantity.POWER, product_of=("current", "voltage")),
    ),
)  # fmt: skip
CURRENT, VOLTAGE, POWER = 1, 2, 3


def wrote(path: Path, blocks: Sequence[tuple[int, np.ndarray]], commit_every: int = 3) -> np.ndarray:
    """Blocks of (first, times); the current of a sample is its index, the voltage is 2 V."""
    writer = SessionWriter(path)
    writer.add_source(1, INFO)
    for k, (first, times_ns) in enumerate(blocks):
        index = np.arange(first, first + len(times_ns))
        writer.write_timed_block(1, first, (index.astype("<f4"), np.full(len(index), 2, "<f4")), times_ns)
        if k % commit_every == 0:
            writer.commit()
    writer.close()
    return np.concatenate([times_ns for _, times_ns in blocks])


def uneven(rng: np.random.Generator, sizes: Sequence[int], holes: Sequence[int]) -> list[tuple[int, np.ndarray]]:
    """Blocks with steps between 20 and 60 ms; a hole is as long as its samples would have been."""
    blocks, first, now_ns = [], 0, START_NS
    for size, hole in zip(sizes, holes, strict=True):
        now_ns += hole * 40 * MS
        first += hole
        times_ns = now_ns + np.cumsum(rng.integers(20 * MS, 60 * MS, size))
        blocks.append((first, times_ns))
        first, now_ns = first + size, int(times_ns[-1])
    return blocks


sizes = st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0, 0, 0, 1, 40])), min_size=1, max_size=60)


@given(sizes, st.integers(0, 2**31))
@settings(max_examples=20)
def test_every_sample_is_found_at_its_time(tmp_path_factory, shape, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("timed") / "s.plm"
    blocks = uneven(rng, [size for size, _ in shape], [hole for _, hole in shape])
    times_ns = wrote(path, blocks)
    index = np.concatenate([np.arange(first, first + len(times)) for first, times in blocks])
    with SessionReader(path) as reader:
        got_ns, power = reader.samples(POWER, START_NS, 2**60)
        assert got_ns.tolist() == times_ns.tolist()
        assert power.tolist() == (2.0 * index).tolist()
        # A window that begins and ends at samples has just those between, and all of them at their times.
        a, b = sorted(rng.integers(0, len(times_ns), 2).tolist())
        window = (int(times_ns[a]), int(times_ns[b]) + 1)
        assert reader.samples(CURRENT, *window)[1].tolist() == index[a : b + 1].tolist()
        envelope = reader.envelope(CURRENT, *window, 100_000)
        assert envelope.samples_per_column == 1
        assert envelope.start_ns.tolist() == times_ns[a : b + 1].tolist()
        assert envelope.mean.tolist() == index[a : b + 1].tolist()
        assert (envelope.end_ns >= envelope.start_ns).all()
        found = reader.statistics(CURRENT, *window)
        assert found.count == b + 1 - a
        assert found.mean == pytest.approx(index[a : b + 1].mean())
        if len(times_ns) > 1:  # a single one says nothing of how many there should be
            assert found.expected == index[b] - index[a] + 1


def test_columns_of_several_samples_begin_and_end_at_samples(tmp_path):
    (_, times_ns), = blocks = uneven(np.random.default_rng(3), [1000], [0])  # fmt: skip
    wrote(tmp_path / "s.plm", blocks)
    with SessionReader(tmp_path / "s.plm") as reader:
        envelope = reader.envelope(CURRENT, int(times_ns[0]), int(times_ns[-1]) + 1, 100)
        assert envelope.samples_per_column == 10
        assert envelope.start_ns.tolist() == times_ns[::10].tolist()
        assert envelope.end_ns[:-1].tolist() == times_ns[10::10].tolist()
        assert envelope.minimum.tolist() == list(range(0, 1000, 10))


def test_columns_that_are_cut_begin_and_end_with_the_window(tmp_path):
    (_, times_ns), = blocks = uneven(np.random.default_rng(5), [1000], [0])  # fmt: skip
    wrote(tmp_path / "s.plm", blocks)
    with SessionReader(tmp_path / "s.plm") as reader:
        envelope = reader.envelope(CURRENT, int(times_ns[5]), int(times_ns[995]), 99)
        assert envelope.samples_per_column == 10
        assert envelope.start_ns.tolist() == [times_ns[5], *times_ns[10:995:10]]
        assert envelope.end_ns.tolist() == [*times_ns[10:995:10], times_ns[995]]
        assert envelope.count.tolist() == [5, *[10] * 98, 5]


def test_the_place_in_a_row_is_the_first_sample_that_is_not_before_the_time():
    for step_ns in (0.3, 0.5, 1.0, 1.5, 2.5, 3.0, 10 / 3, 7.25):
        times_ns = [round(k * step_ns) for k in range(200)]
        for elapsed_ns in range(-12, 50):
            assert _offset(elapsed_ns, step_ns) == next(k for k, t in enumerate(times_ns) if t >= elapsed_ns)
    # Where a time lies between two nanoseconds, the division may round up to the sample after it.
    step_ns = 180.29999999999998
    assert [_offset(elapsed_ns, step_ns) for elapsed_ns in (33_355, 33_356, 33_357)] == [185, 185, 186]
    assert round(185 * step_ns) == 33_356


def test_with_a_hole_after_every_sample_each_column_has_what_there_is(tmp_path):
    blocks = uneven(np.random.default_rng(4), [1] * 600, [0] + [1] * 599)
    times_ns = wrote(tmp_path / "s.plm", blocks, commit_every=50)
    with SessionReader(tmp_path / "s.plm") as reader:
        envelope = reader.envelope(CURRENT, int(times_ns[0]), int(times_ns[-1]) + 1, 120)
        assert envelope.samples_per_column == 10
        assert set(envelope.count.tolist()) <= {4, 5}
        assert envelope.count.sum() == 600
        found = reader.statistics(CURRENT, int(times_ns[0]), int(times_ns[-1]) + 1)
        assert (found.count, found.expected) == (600, 1199)


def test_a_stall_in_the_middle_of_rows_does_not_shift_what_is_beside_it(tmp_path):
    """Rows of several samples, between which time goes on and no index is left out."""
    even = START_NS + MS * np.arange(100)
    blocks = [(0, even), (100, even + 5_000 * MS)]
    times_ns = wrote(tmp_path / "s.plm", blocks)
    with SessionReader(tmp_path / "s.plm") as reader:
        envelope = reader.envelope(CURRENT, int(times_ns[50]), int(times_ns[-1]) + 1, 1000)
        assert envelope.start_ns.tolist() == times_ns[50:].tolist()


def test_evenly_spaced_samples_of_a_block_share_a_row_and_others_have_their_own(tmp_path):
    even = START_NS + np.round(np.arange(1000) * 333_333.3).astype(np.int64)
    crooked = even[-1] + MS * np.array([1, 2, 4, 5, 6])
    wrote(tmp_path / "s.plm", [(0, even), (1000, crooked)])
    with closing(sqlite3.connect(tmp_path / "s.plm")) as db:
        rows = db.execute("SELECT first, n, t_first_ns, t_last_ns FROM samples WHERE signal = 1 ORDER BY first")
        assert rows.fetchall() == [
            (0, 1000, even[0], even[-1]), *((1000 + k, 1, t, t) for k, t in enumerate(crooked.tolist()))
        ]  # fmt: skip
