# SPDX-License-Identifier: Apache-2.0
"""Writes a session file. Used from one thread; nothing is on disk before ``commit``."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.errors import DiskFullError, SessionError
from monitor_app.session import schema
from monitor_app.session.summary import FACTOR, LEVELS, Entries, Pyramid, contiguous_runs, entry_size, pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.core.clock import ClockState, Delay
    from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
    from monitor_app.core.samples import LineChanges, Signal, SourceInfo


@dataclass(slots=True)
class _Channel:
    """A stored or derived signal while it grows."""

    id: int
    signal: Signal
    pyramid: Pyramid = field(default_factory=Pyramid)
    waiting: list[list[Entries]] = field(default_factory=lambda: [[] for _ in range(LEVELS)])
    """Per level: final entries not yet worth a row of their own."""


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    codes: tuple[NDArray[np.generic], ...]
    times_ns: NDArray[np.int64]
    """Of every sample, or of the first and the last where they are evenly spaced."""
    even: bool

    @property
    def end(self) -> int:
        return self.first + len(self.codes[0])


@dataclass(slots=True)
class _Source:
    info: SourceInfo
    stored: list[_Channel]
    derived: list[_Channel]
    blocks: list[_Block] = field(default_factory=list)
    """Blocks since the last commit."""


class SessionWriter:
    """A session file being written. Any call may raise DiskFullError or SessionError; then only close is left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = schema.create(path)
        except FileExistsError as error:
            raise SessionError(f"{path} exists already: choose another name or remove it first.") from error
        except (OSError, sqlite3.Error) as error:
            raise SessionError(f"{path} cannot be created ({error}): choose a folder you can write to.") from error
        self._failed = False
        self._execute("BEGIN")
        self._sources: dict[int, _Source] = {}
        self._signal_count = 0

    # -- what was there --------------------------------------------------------------------------

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Facts about the session as a whole: versions, board, host, profile text."""
        self._execute_many("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def set_environment(self, values: Mapping[str, str]) -> None:
        """Facts about what the networks ran on: library versions, threads, power mode."""
        self._execute_many("INSERT OR REPLACE INTO environment VALUES (?, ?)", values.items())

    def write_utc(self, host_ns: int, utc_ns: int) -> None:
        """One pair of monotonic and UTC time."""
        self._execute("INSERT OR REPLACE INTO utc VALUES (?, ?)", (host_ns, utc_ns))

    def add_source(self, source_id: int, info: SourceInfo) -> None:
        """A source and its signals; before the first of its blocks."""
        self._execute(
            "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (source_id, info.name, info.kind, info.model, info.serial_number, info.firmware, info.rate_hz,
             json.dumps(info.lines), int(info.simulated), json.dumps(info.notes)),
        )  # fmt: skip
        stored = [self._add_signal(source_id, signal, {}) for signal in info.stored_signals]
        ids = {channel.signal.name: channel.id for channel in stored}
        derived = [self._add_signal(source_id, signal, ids) for signal in info.derived_signals]
        self._sources[source_id] = _Source(info, stored, derived)

    def _add_signal(self, source_id: int, signal: Signal, ids: dict[str, int]) -> _Channel:
        self._signal_count += 1
        factors = [ids[name] for name in signal.product_of] if signal.product_of else [None, None]
        self._execute(
            "INSERT INTO signal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._signal_count, source_id, signal.name, signal.quantity.value, signal.role.value,
             "product" if signal.product_of else signal.dtype, signal.scale, signal.offset,
             signal.resolution, signal.accuracy, *factors),
        )  # fmt: skip
        return _Channel(self._signal_count, signal)

    # -- samples ---------------------------------------------------------------------------------

    def write_block(
        self,
        source_id: int,
        first: int,
        codes: tuple[NDArray[np.generic], ...],
        t_first_ns: int,
        t_last_ns: int,
    ) -> None:
        """Samples ``first`` to ``first + n - 1``; ``first`` never goes back and holes are losses."""
        times_ns = np.array([t_first_ns, t_last_ns], np.int64)
        self._sources[source_id].blocks.append(_Block(first, codes, times_ns, even=True))

    def write_timed_block(
        self, source_id: int, first: int, codes: tuple[NDArray[np.generic], ...], times_ns: NDArray[np.int64]
    ) -> None:
        """As write_block, for samples of which each has a time of its own; the times rise."""
        self._sources[source_id].blocks.append(_Block(first, codes, times_ns, even=False))

    def write_gap(self, source_id: int, first: int, n: int, start_ns: int, end_ns: int, reason: str) -> None:
        """Samples ``first`` to ``first + n - 1`` never arrived."""
        self._execute(
            "INSERT INTO gap (source, first, n, start_ns, end_ns, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (source_id, first, n, start_ns, end_ns, reason),
        )

    def write_line_changes(self, source_id: int, changes: LineChanges) -> None:
        """Changes of the digital lines, with sample indices counted as in write_block."""
        rows = zip(changes.line.tolist(), changes.index.tolist(), changes.level.tolist(), strict=True)
        self._execute_many(
            "INSERT OR REPLACE INTO line_change VALUES (?, ?, ?, ?)", ((source_id, *row) for row in rows)
        )

    def write_clock(self, source_id: int, host_ns: int, state: ClockState) -> None:
        """The clock fit of a source as it stood at host_ns."""
        self._execute(
            "INSERT OR REPLACE INTO clock VALUES (?, ?, ?, ?, ?)",
            (source_id, host_ns, state.rate_hz, state.bound_ns, state.method.value),
        )

    def write_alignment(self, source_id: int, host_ns: int, delay: Delay) -> None:
        """How late a source shows what the board does, found from a train of pulses played at host_ns."""
        self._execute(
            "INSERT OR REPLACE INTO alignment VALUES (?, ?, ?, ?, ?)",
            (source_id, host_ns, delay.delay_ns, delay.bound_ns, delay.correlation),
        )

    # -- runs ------------------------------------------------------------------------------------

    def add_run(self, run_id: int, cycle: int, spec: RunSpec, title: str, state: RunState) -> None:
        """A run as planned."""
        self._execute(
            "INSERT INTO run (id, cycle, network, title, batch_size, precision, device, threads, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (run_id, cycle, spec.network, title, spec.batch_size, spec.precision, spec.device, spec.threads,
             state.value),
        )  # fmt: skip

    def update_run(self, run_id: int, **columns: str | int | None) -> None:
        """Set columns of a run as they become known."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self._execute(f"UPDATE run SET {names} WHERE id = ?", (*columns.values(), run_id))

    def open_span(self, span_id: int, run_id: int, phase: Phase, start_ns: int) -> None:
        """A phase has begun; its end is null until close_span."""
        self._execute("INSERT INTO span VALUES (?, ?, ?, ?, NULL)", (span_id, run_id, phase.value, start_ns))

    def close_span(self, span_id: int, end_ns: int) -> None:
        self._execute("UPDATE span SET end_ns = ? WHERE id = ?", (end_ns, span_id))

    def write_batches(self, run_id: int, batches: Iterable[Batch]) -> None:
        """Forward passes that have ended."""
        self._execute_many(
            "INSERT INTO batch (run, phase, start_ns, end_ns, images, top1, top5) VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((run_id, b.phase.value, b.start_ns, b.end_ns, b.images, b.top1, b.top5) for b in batches),
        )

    def write_mark(self, host_ns: int, kind: str, text: str, run_id: int | None = None) -> None:
        """Something worth seeing on the time axis."""
        self._execute("INSERT INTO mark (host_ns, kind, text, run) VALUES (?, ?, ?, ?)", (host_ns, kind, text, run_id))

    def write_log(self, host_ns: int, level: str, text: str) -> None:
        self._execute("INSERT INTO log (host_ns, level, text) VALUES (?, ?, ?)", (host_ns, level, text))

    # -- durability ------------------------------------------------------------------------------

    def commit(self, *, durable: bool = False) -> None:
        """Make everything since the last commit readable by others.

        It then survives the death of this process; with ``durable`` also a loss of power.
        """
        for source in self._sources.values():
            self._store_blocks(source)
        self._execute("COMMIT")
        if durable:
            # May not change inside a transaction, so the sync rides on an empty one after the commit.
            self._execute("PRAGMA synchronous = FULL")
            self._execute("BEGIN")
            self._execute("INSERT OR REPLACE INTO meta VALUES ('durable_commits', ?)", (str(self._tick()),))
            self._execute("COMMIT")
            self._execute("PRAGMA synchronous = NORMAL")
        self._execute("BEGIN")

    def _tick(self) -> int:
        row = self._execute("SELECT value FROM meta WHERE key = 'durable_commits'").fetchone()
        return int(row[0]) + 1 if row else 1

    def close(self) -> None:
        """Write what is waiting and leave a single file behind, if nobody else has it open."""
        if self._failed:
            return
        try:
            for source in self._sources.values():
                self._store_blocks(source)
                for channel in (*source.stored, *source.derived):
                    self._store_entries(channel, channel.pyramid.finish(), at_least=1)
            self._execute("COMMIT")
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.close()

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise self._given_up(error) from error

    def _execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        try:
            self._db.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise self._given_up(error) from error

    def _given_up(self, error: sqlite3.DatabaseError) -> SessionError:
        """Take back what is half written, so that the file ends at the last commit, and say why."""
        self._failed = True
        with contextlib.suppress(sqlite3.DatabaseError):
            self._db.execute("ROLLBACK")
        self._db.close()
        if "full" in str(error):
            return DiskFullError(
                f"The disk is full: {self.path} is complete up to now; make room and start a new session."
            )
        return SessionError(f"{self.path} cannot be written ({error}): check the disk it is on.")

    def _store_blocks(self, source: _Source) -> None:
        blocks, source.blocks = source.blocks, []
        start = 0
        for k in range(1, len(blocks) + 1):
            if k == len(blocks) or blocks[k].first != blocks[k - 1].end or blocks[k].even != blocks[k - 1].even:
                self._store_run(source, blocks[start:k])
                start = k

    def _store_run(self, source: _Source, blocks: list[_Block]) -> None:
        """Consecutive samples as rows, and what they add to the summaries."""
        first = blocks[0].first
        values: dict[str, NDArray[np.float64]] = {}
        for k, channel in enumerate(source.stored):
            codes = np.concatenate([block.codes[k] for block in blocks]).astype(channel.signal.dtype, copy=False)
            self._execute_many(
                "INSERT INTO samples (signal, first, n, t_first_ns, t_last_ns, data) VALUES (?, ?, ?, ?, ?, ?)",
                _rows(channel.id, blocks, codes),
            )
            values[channel.signal.name] = channel.signal.scale * codes.astype(np.float64) + channel.signal.offset
        for channel in source.derived:
            a, b = channel.signal.product_of or ("", "")
            values[channel.signal.name] = values[a] * values[b]
        for channel in (*source.stored, *source.derived):
            self._store_entries(channel, channel.pyramid.add(first, values[channel.signal.name]), at_least=FACTOR)

    def _store_entries(self, channel: _Channel, levels: list[Entries], *, at_least: int) -> None:
        """Summary rows. Level 1 at once; higher ones by the dozen, for readers can do without their tail."""
        for level, entries in enumerate(levels, start=1):
            waiting = channel.waiting[level - 1]
            if len(entries):
                waiting.append(entries)
            if not waiting or (level > 1 and sum(map(len, waiting)) < at_least):
                continue
            channel.waiting[level - 1] = []
            for run in contiguous_runs(np.concatenate(waiting), entry_size(level)):
                self._execute(
                    "INSERT INTO summary (signal, level, first, n, data) VALUES (?, ?, ?, ?, ?)",
                    (channel.id, level, int(run["start"][0]), len(run), pack(run)),
                )


def _rows(signal: int, blocks: list[_Block], codes: NDArray[np.generic]) -> Iterator[tuple[object, ...]]:
    """One row for evenly spaced samples, for others one each: within a row times are evenly spaced."""
    first = blocks[0].first
    if blocks[0].even:
        t_first_ns, t_last_ns = int(blocks[0].times_ns[0]), int(blocks[-1].times_ns[-1])
        yield signal, first, len(codes), t_first_ns, t_last_ns, codes.tobytes()
        return
    for block in blocks:
        begin, n = block.first - first, block.end - block.first
        size = n if _is_even(block.times_ns) else 1
        for k, t_first_ns, t_last_ns in zip(
            range(begin, begin + n, size), block.times_ns[::size].tolist(), block.times_ns[size - 1 :: size].tolist(),
            strict=True,
        ):  # fmt: skip
            yield signal, first + k, size, t_first_ns, t_last_ns, codes[k : k + size].tobytes()


def _is_even(times_ns: NDArray[np.int64]) -> bool:
    """To the nanosecond, so that a reader finds the same times from the first and the last."""
    steps = np.arange(len(times_ns)) * (int(times_ns[-1] - times_ns[0]) / max(len(times_ns) - 1, 1))
    return bool((np.abs(times_ns - times_ns[0] - np.round(steps)) <= 1).all())
