# SPDX-License-Identifier: Apache-2.0
"""Sessions recorded in several parts, and the plain truth of what is in them, read without the reader."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.session.host_clock import HostClock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.session.reader import SessionReader

S = 1_000_000_000


@dataclass
class Clock:
    """Stands in for the clocks of the machine."""

    boot_id: str = "first"
    host_ns: int = 1000 * S
    utc_ns: int = 1_700_000_000 * S

    def __call__(self) -> HostClock:
        return HostClock(self.boot_id, self.host_ns, self.utc_ns)

    def wait(self, seconds: float) -> None:
        self.host_ns += round(seconds * S)
        self.utc_ns += round(seconds * S)

    def reboot(self, seconds: float) -> None:
        """So long after it was switched off it is up, and its clock has gone for a minute."""
        self.boot_id += "'"
        self.utc_ns += round(seconds * S)
        self.host_ns = 60 * S


def crashed(path: Path, name: str) -> Path:
    """What would be left of a session now if its writer were killed, as a file of its own."""
    left = path.with_name(name)
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{left}{suffix}")
    return left


@dataclass(frozen=True)
class Raw:
    """Every sample of a signal, from the table itself."""

    index: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    value: NDArray[np.float64]


def raw(path: Path, signal: int) -> Raw:
    """By plain SQL and numpy, as docs/session-format.md says."""
    with closing(sqlite3.connect(path)) as db:
        encoding, scale, zero, a, b = db.execute(
            "SELECT encoding, scale, zero_offset, factor_a, factor_b FROM signal WHERE id = ?", (signal,)
        ).fetchone()
        rows = db.execute(
            "SELECT first, n, t_first_ns, t_last_ns, data FROM samples WHERE signal = ? ORDER BY first", (signal,)
        ).fetchall()
    if encoding == "product":
        one, other = raw(path, a), raw(path, b)
        assert np.array_equal(one.index, other.index)
        return Raw(one.index, one.time_ns, one.value * other.value)
    steps = [np.arange(n) for _, n, *_ in rows]
    return Raw(
        _joined([row[0] + step for row, step in zip(rows, steps, strict=True)], np.int64),
        _joined(
            [
                row[2] + np.round(step * ((row[3] - row[2]) / max(row[1] - 1, 1))).astype(np.int64)
                for row, step in zip(rows, steps, strict=True)
            ],
            np.int64,
        ),
        _joined([scale * np.frombuffer(row[4], encoding).astype(float) + zero for row in rows], np.float64),
    )


def _joined(parts: Iterable[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype), *parts])


def groups_of(index: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The groups of a rising series of indices, and where each begins in it."""
    of = index // size
    edges = np.flatnonzero(np.diff(of, prepend=-1))
    return of[edges], edges


def check_windows(reader: SessionReader, signal: int, truth: Raw, windows: Iterable[tuple[int, int]]) -> None:
    """Statistics, samples and envelopes of these windows are those of the samples themselves."""
    for start_ns, end_ns in windows:
        inside = (truth.time_ns >= start_ns) & (truth.time_ns < end_ns)
        values, index = truth.value[inside], truth.index[inside]
        told = reader.statistics(signal, start_ns, end_ns)
        assert told.count == len(values)
        times_ns, samples = reader.samples(signal, start_ns, end_ns)
        assert np.array_equal(times_ns, truth.time_ns[inside])
        assert np.array_equal(samples, values)
        if not len(values):
            assert len(reader.envelope(signal, start_ns, end_ns, 10)) == 0
            continue
        assert (told.minimum, told.maximum) == (values.min(), values.max())
        assert told.mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-12)
        assert told.variance == pytest.approx(values.var(), rel=1e-6, abs=1e-12)
        for columns in (1, 300, 100_000):
            check_envelope(reader, signal, (start_ns, end_ns), columns, index, values)


def check_envelope(
    reader: SessionReader, signal: int, window: tuple[int, int], columns: int, index: np.ndarray, values: np.ndarray
) -> None:
    """Each sample of the window is in one column, and in the right one."""
    told = reader.envelope(signal, *window, columns)
    _, edges = groups_of(index, told.samples_per_column)
    counts = np.diff(np.append(edges, len(index)))
    assert np.array_equal(told.count, counts)
    assert np.array_equal(told.minimum, np.minimum.reduceat(values, edges))
    assert np.array_equal(told.maximum, np.maximum.reduceat(values, edges))
    np.testing.assert_allclose(told.mean, np.add.reduceat(values, edges) / counts, rtol=1e-12, atol=1e-12)
    assert (np.diff(told.start_ns) > 0).all()
    assert (told.end_ns >= told.start_ns).all()


def check_summaries(path: Path, signal: int, truth: Raw, *, all_levels: bool) -> None:
    """What the file holds in summaries is final, agrees with the samples, and leaves out no group but the last.

    Args:
        path: Of a session that was closed, or cut off.
        signal: Its number.
        truth: Its samples.
        all_levels: The session was closed: the last groups are there too.
    """
    entry = np.dtype([("n", "<u4"), ("var", "<f4"), ("min", "<f8"), ("max", "<f8"), ("mean", "<f8")])
    with closing(sqlite3.connect(path)) as db:
        for level in range(1, 7):
            size = 64 * 16 ** (level - 1)
            rows = db.execute(
                "SELECT first, n, data FROM summary WHERE signal = ? AND level = ? ORDER BY first", (signal, level)
            ).fetchall()
            begins = _joined([first + size * np.arange(n) for first, n, _ in rows], np.int64)
            assert (np.diff(begins) > 0).all(), "no group twice"
            assert (begins % size == 0).all()
            assert [len(data) for *_, data in rows] == [32 * n for _, n, _ in rows]
            told = np.frombuffer(b"".join(data for *_, data in rows), entry)
            groups, edges = groups_of(truth.index, size)
            counts = np.diff(np.append(edges, len(truth.index)))
            if not all_levels:
                groups, edges, counts = groups[: len(told)], edges[: len(told)], counts[: len(told)]
            held = told["n"] > 0
            assert np.array_equal(begins[held] // size, groups)
            assert np.array_equal(told["n"][held], counts)
            if len(edges):
                upto = truth.value[: int(edges[-1] + counts[-1])]
                assert np.array_equal(told["min"][held], np.minimum.reduceat(upto, edges))
                assert np.array_equal(told["max"][held], np.maximum.reduceat(upto, edges))
                np.testing.assert_allclose(told["mean"][held], np.add.reduceat(upto, edges) / counts, rtol=1e-12)
