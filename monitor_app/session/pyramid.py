# SPDX-License-Identifier: Apache-2.0
"""The pyramid of summaries: samples are folded into entries, and entries into larger ones.

An entry summarises a group of consecutive sample indices: the number of samples (fewer than its size where some
were lost), their minimum, maximum, mean and variance. Level 1 groups 64 samples, each further level 16
entries of the one below. Variance instead of mean square, because a millivolt of noise on 19 V would be lost
in the rounding of a square; merging variances is exact (Chan, Golub and LeVeque 1983).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = 64
FACTOR = 16
LEVELS = 6

Entries = NDArray[np.void]
"""Structured array of ENTRY."""

STORED = np.dtype([("n", "<u4"), ("var", "<f4"), ("min", "<f8"), ("max", "<f8"), ("mean", "<f8")])
"""One group in a summary row; the groups of a row follow each other without a gap."""
ENTRY = np.dtype([("start", "<i8"), ("n", "<i8"), ("min", "<f8"), ("max", "<f8"), ("var", "<f8"), ("mean", "<f8")])
"""The same in memory, with the index of the group's first sample."""


def entry_size(level: int) -> int:
    """Samples an entry of this level stands for; level 0 is the sample itself."""
    return 1 if level == 0 else BASE * int(FACTOR) ** (level - 1)


def entries_of_samples(index: NDArray[np.int64], values: NDArray[np.float64]) -> Entries:
    """Each sample as an entry of its own."""
    entries = np.zeros(len(values), ENTRY)
    entries["start"] = index
    entries["n"] = 1
    entries["min"] = entries["max"] = entries["mean"] = values
    return entries


def fold_samples(first: int, values: NDArray[np.float64], size: int) -> Entries:
    """Consecutive samples folded into groups whose starts are multiples of size; the ends may be partial.

    The same as folding them one by one as entries, an order of magnitude faster.
    """
    n = len(values)
    if n == 0:
        return np.zeros(0, ENTRY)
    group = np.arange(first // size, (first + n - 1) // size + 1)
    edges = np.maximum(group * size - first, 0)
    counts = np.diff(np.append(edges, n))
    mean = np.add.reduceat(values, edges) / counts
    deviation = values - np.repeat(mean, counts)
    entries = np.zeros(len(group), ENTRY)
    entries["start"] = group * size
    entries["n"] = counts
    entries["min"] = np.minimum.reduceat(values, edges)
    entries["max"] = np.maximum.reduceat(values, edges)
    entries["mean"] = mean
    entries["var"] = np.add.reduceat(deviation * deviation, edges) / counts
    return entries


@np.errstate(over="ignore", invalid="ignore")  # a damaged file may hold any number
def fold(entries: Entries, size: int) -> Entries:
    """Entries in order of start, folded into groups of size samples; empty groups do not appear."""
    entries = entries[entries["n"] > 0]
    if len(entries) == 0:
        return entries
    group = entries["start"] // size
    edges = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    n = entries["n"].astype(np.float64)
    total = np.add.reduceat(n, edges)
    mean = np.add.reduceat(n * entries["mean"], edges) / total
    repeats = np.diff(np.append(edges, len(entries)))
    spread = entries["var"] + (entries["mean"] - np.repeat(mean, repeats)) ** 2
    folded = np.zeros(len(edges), ENTRY)
    folded["start"] = group[edges] * size
    folded["n"] = np.add.reduceat(entries["n"], edges)
    folded["min"] = np.minimum.reduceat(entries["min"], edges)
    folded["max"] = np.maximum.reduceat(entries["max"], edges)
    folded["mean"] = mean
    folded["var"] = np.add.reduceat(n * spread, edges) / total
    return folded


@np.errstate(over="ignore", invalid="ignore")
def whole(entries: Entries) -> tuple[int, float, float, float, float]:
    """All entries, at least one, as one group: number of samples, minimum, maximum, mean and variance."""
    n = entries["n"].astype(np.float64)
    total = n.sum()
    mean = n @ entries["mean"] / total
    variance = n @ (entries["var"] + (entries["mean"] - mean) ** 2) / total
    least, most = float(entries["min"].min()), float(entries["max"].max())
    return int(entries["n"].sum()), least, most, float(mean), float(variance)


def pack(entries: Entries) -> bytes:
    """Entries of consecutive groups as a summary row's blob."""
    stored = np.empty(len(entries), STORED)
    for name in ("n", "min", "max", "var", "mean"):
        stored[name] = entries[name]
    return stored.tobytes()


def unpack(first: int, size: int, data: bytes) -> Entries:
    """A summary row's blob as entries; groups without samples are left out."""
    return unpack_rows([(first, data)], size)


def unpack_rows(rows: Sequence[tuple[int, bytes]], size: int) -> Entries:
    """The blobs of rows in order, with the index at which each begins, as entries without the empty groups.

    All at once: a picture takes hundreds of rows, and numpy's structured arrays are slow to join.
    """
    blobs = [data[: len(data) // STORED.itemsize * STORED.itemsize] for _, data in rows]
    counts = np.array([len(blob) // STORED.itemsize for blob in blobs], np.int64)
    stored = np.frombuffer(b"".join(blobs), STORED)
    before = np.cumsum(counts) - counts
    begins = np.repeat(np.array([first for first, _ in rows], np.int64) - size * before, counts)
    entries = np.empty(len(stored), ENTRY)
    entries["start"] = begins + size * np.arange(len(stored))
    for name in ("n", "min", "max", "var", "mean"):
        entries[name] = stored[name]
    return entries if (entries["n"] > 0).all() else entries[entries["n"] > 0]


_NONE: Entries = np.zeros(0, ENTRY)


class Pyramid:
    """The summaries of one signal while it is recorded: takes samples, returns the entries that are complete.

    ``pending`` continues those of an earlier part: for each level from 1 the entries of the level below whose group
    is not complete yet.
    """

    def __init__(self, pending: Sequence[Entries] = ()) -> None:
        self._pending: list[list[Entries]] = [[], *([each] if len(each) else [] for each in pending)]
        self._pending += [[] for _ in range(LEVELS + 1 - len(self._pending))]
        """By level: entries of the one below whose group is not complete yet, in pieces."""

    def add(self, first: int, values: NDArray[np.float64]) -> list[Entries]:
        """Entries of level 1, 2, ... that are complete with these samples. ``first`` never decreases."""
        return self._rise(fold_samples(first, values, BASE), first + len(values))

    def finish(self) -> list[Entries]:
        """The entries that are not complete, as they are."""
        return self._rise(_NONE, None)

    def _rise(self, entries: Entries, end: int | None) -> list[Entries]:
        final: list[Entries] = []
        for level in range(1, LEVELS + 1):
            size, waiting = entry_size(level), self._pending[level]
            if len(entries):
                waiting.append(entries)
            # Most blocks complete no group of most levels, whose entries are then left as they are.
            if not waiting or (end is not None and (int(waiting[0]["start"][0]) // size + 1) * size > end):
                entries = _NONE
            else:
                folded = fold(np.concatenate(waiting), size)
                complete = len(folded) if end is None else int(np.searchsorted(folded["start"], end - size, "right"))
                entries, rest = folded[:complete], folded[complete:]
                self._pending[level] = [rest] if len(rest) else []
            final.append(entries)
        return final


def contiguous_runs(entries: Entries, size: int) -> list[Entries]:
    """Entries cut where groups are missing, so that each piece can be a row."""
    if len(entries) == 0:
        return []
    breaks = np.flatnonzero(np.diff(entries["start"]) != size) + 1
    return np.split(entries, breaks)
