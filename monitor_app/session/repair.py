# SPDX-License-Identifier: Apache-2.0
"""What can be saved of a damaged session, as a new session; the damaged file is only ever read.

Rows are read from a private copy one by one, past the pages that cannot be read. Where its header or its tables are
damaged, they are replaced by those of a new session, whose tables lie in the same places. A row that holds what
cannot be is left out. Samples are written anew with their summaries, and where some are missing that were there, the
copy has a gap that says so.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import MonitorError, NotASessionError, SessionError
from monitor_app.core.formatting import size
from monitor_app.core.samples import Signal, SourceInfo
from monitor_app.session import rows, schema
from monitor_app.session.possible_rows import (
    CHECKS,
    IMPOSSIBLE,
    Known,
    check_numbers,
    gap_row,
    run_row,
    signal_row,
    source_row,
)
from monitor_app.session.reader import SessionReader
from monitor_app.session.salvage import DamagedFile
from monitor_app.session.source_state import INTERRUPTED
from monitor_app.session.time_map import LARGEST
from monitor_app.session.writer import SessionWriter
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from monitor_app.session.salvage import Row

LOST = "lost with a damaged part of the file"
"""Reason of a gap where samples were that could not be saved."""
SLACK_S = 86_400.0
"""Samples may be this much later than their index says: an index or time beyond is damage."""
_WAITING_ROWS = 100_000
_STORE_EVERY = 1000


@dataclass(slots=True)
class Repaired:
    """What is in the copy, and what is not."""

    samples: int = 0
    lost_samples: int = 0
    """Known to be missing: between others, or in rows that hold what cannot be."""
    seconds: float = 0.0
    """From the first to the last sample of the copy."""
    lost_s: float = 0.0
    """The time of the lost samples, of the source that lost most."""
    runs: int = 0
    lost_runs: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Rows that were left out, by table."""
    unreadable: list[str] = field(default_factory=list)
    """Tables of which parts could not be read; how much was in them is not known."""
    cut_bytes: int = 0
    """Of the file, that are missing at its end."""

    @property
    def whole(self) -> bool:
        """Nothing is known to be lost."""
        return not (self.lost_samples or self.lost_runs or self.dropped or self.unreadable or self.cut_bytes)

    @property
    def sentences(self) -> list[str]:
        """What was saved and what was lost."""
        saved = f"Saved: {self.samples} samples over {self.seconds:.3f} s and {self.runs} runs."
        if self.whole:
            return [saved, "Nothing is known to be lost."]
        least = "at least " if self.unreadable or self.cut_bytes else ""
        lost = [f"Lost: {least}{self.lost_samples} samples ({self.lost_s:.3f} s) and {self.lost_runs} runs."]
        if self.cut_bytes:
            lost.append(f"The file is cut off: {size(self.cut_bytes)} are missing at its end.")
        if self.dropped:
            listed = ", ".join(f"{count} of {table}" for table, count in sorted(self.dropped.items()))
            lost.append(f"Rows that could not be used: {listed}.")
        if self.unreadable:
            lost.append(f"Parts that could not be read, of unknown size: of {', '.join(self.unreadable)}.")
        return [saved, *lost]

    def drop(self, table: str, count: int = 1) -> None:
        """Count rows that were left out."""
        if count:
            self.dropped[table] = self.dropped.get(table, 0) + count


def repair(file: Path, copy: Path) -> Repaired:
    """Save what can be read of a session into a new one.

    Raises:
        NotASessionError: There is no such file, or nothing of it can be read.
        SessionError: The copy exists already or cannot be written, or the session is being recorded.
    """
    if not file.is_file():
        raise NotASessionError(f"There is no file {file}: check the name.")
    if os.path.lexists(copy):
        raise SessionError(f"{copy} exists already: choose another name.")
    if is_written(file):
        raise SessionError(f"{file} is being recorded: end the recording first.")
    try:
        with tempfile.TemporaryDirectory(prefix=".repair-", dir=copy.parent) as name:
            made, found = _best(file, Path(name))
            _check(made)
            found.cut_bytes = _cut_bytes(file)
            _sign(made, found)
            _place(made, copy)
            return found
    except FileExistsError as error:
        raise SessionError(f"{copy} exists already: choose another name.") from error
    except OSError as error:
        raise SessionError(f"{copy} cannot be written ({error.strerror or error}): choose another folder.") from error


def _place(made: Path, copy: Path) -> None:
    """Give the copy its name, and replace nothing that has appeared there meanwhile."""
    try:
        os.link(made, copy)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(copy):
            raise
        made.rename(copy)


def _best(file: Path, folder: Path) -> tuple[Path, Repaired]:
    """The copy that holds most, of those from the file as it is, without its -wal, and with a new first page."""
    best: tuple[Path, Repaired] | None = None
    for number, prepare in enumerate((_with_wal, _alone, _with_first_page)):
        damaged, made = folder / f"{number}.damaged", folder / f"{number}.plm"
        if not prepare(file, damaged):
            continue
        found = _saved(damaged, made)
        for path in (damaged, Path(f"{damaged}-wal"), Path(f"{damaged}-shm")):
            path.unlink(missing_ok=True)
        if found is not None and (best is None or _worth(found) > _worth(best[1])):
            best = made, found
        if found is not None and found.whole:
            break
    if best is None:
        raise NotASessionError(f"Nothing of {file} can be read as a session: there is nothing to save.")
    return best


def _sign(made: Path, found: Repaired) -> None:
    """Say in the copy what it lacks."""
    with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('repaired', ?)", (" ".join(found.sentences),))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _cut_bytes(file: Path) -> int:
    """By the number of pages in the header, where that has not been damaged itself."""
    with file.open("rb") as stream:
        header = stream.read(32)
    pages = int.from_bytes(header[28:32], "big")
    there = file.stat().st_size
    plausible = header[16:18] == schema.PAGE_BYTES.to_bytes(2, "big") and pages * schema.PAGE_BYTES < 1000 * there
    return max(pages * schema.PAGE_BYTES - there, 0) if plausible else 0


def _worth(found: Repaired) -> tuple[int, ...]:
    return found.samples, found.runs, -len(found.unreadable), -sum(found.dropped.values())


def _with_wal(file: Path, damaged: Path) -> bool:
    shutil.copyfile(file, damaged)
    wal = Path(f"{file.resolve()}-wal")
    if wal.exists():
        shutil.copyfile(wal, f"{damaged}-wal")
    return True


def _alone(file: Path, damaged: Path) -> bool:
    if not Path(f"{file.resolve()}-wal").exists():
        return False
    shutil.copyfile(file, damaged)
    return True


def _with_first_page(file: Path, damaged: Path) -> bool:
    """With the header and the definitions of a new session: the tables of all sessions begin on the same pages."""
    shutil.copyfile(file, damaged)
    fresh = Path(f"{damaged}-fresh")
    schema.create(fresh).close()
    pages = math.ceil(damaged.stat().st_size / schema.PAGE_BYTES)
    page = bytearray(fresh.read_bytes()[: schema.PAGE_BYTES])
    fresh.unlink()
    page[18:20] = b"\x01\x01"  # read without a -wal
    page[28:32] = pages.to_bytes(4, "big")
    page[32:40] = bytes(8)  # no free pages
    with damaged.open("r+b") as stream:
        stream.write(page)
        stream.truncate(pages * schema.PAGE_BYTES)
    return True


def _check(made: Path) -> None:
    """Whether the copy is a session that can be read."""
    with SessionReader(made) as reader:
        for signal in reader.signals():
            reader.waveform(signal.id).times.extent()
        for read in (
            reader.extent,
            reader.meta,
            reader.utc_pairs,
            reader.runs,
            reader.spans,
            reader.gaps,
            reader.batches,
        ):
            read()


# -- writing the copy ------------------------------------------------------------------------------


def _saved(damaged: Path, made: Path) -> Repaired | None:
    """Write a session with what is readable; None where it has not even a source."""
    found = Repaired()
    try:
        with contextlib.closing(DamagedFile(damaged)) as source:
            saved = _write(source, made, found)
            found.unreadable = source.unreadable
            return found if saved else None
    except (sqlite3.Error, MonitorError):
        return None


def _write(damaged: DamagedFile, made: Path, found: Repaired) -> bool:
    sources = {row.id: row for row in _good(damaged, "source", source_row, found)}
    signals = {row.id: row for row in _good(damaged, "signal", signal_row, found)}
    gaps = list(_good(damaged, "gap", gap_row, found))
    writer = SessionWriter(made)
    streams: dict[int, _Stream] = {}
    try:
        for source in sources.values():
            own = [signal for signal in signals.values() if signal.source == source.id]
            info = _info(source, own, signals)
            if not info.stored_signals:
                found.drop("source")
                continue
            writer.add_source(source.id, info)
            stored = tuple(signal for signal in own if not signal.is_product)
            streams[source.id] = _Stream(writer, source, stored, [gap for gap in gaps if gap.source == source.id])
        by_signal = {signal.id: stream for stream in streams.values() for signal in stream.signals}
        for row in damaged.rows("samples"):
            stream = by_signal.get(row[1]) if isinstance(row[1], int) else None
            if stream is None or not stream.add(row):
                found.drop("samples")
                count = row[3] if isinstance(row[3], int) and 0 < row[3] < 2**31 else 0
                if stream is None:
                    found.lost_samples += count
                else:
                    stream.refused += count
        ends = []
        for stream in streams.values():
            found.drop("samples", stream.finish())
            found.samples += stream.samples * len(stream.signals)
            found.lost_samples += max(stream.lost * len(stream.signals), stream.refused)
            found.lost_s = max(found.lost_s, stream.lost / stream.rate_hz)
            if stream.start_ns is not None:
                ends += [stream.start_ns, stream.last_ns]
        found.seconds = (max(ends) - min(ends)) * 1e-9 if ends else 0.0
    finally:
        writer.close()
    _write_rows(damaged, made, set(streams), gaps, found)
    return bool(streams)


class _Stream:
    """The samples of one source: rows of all its signals with the same place become one block."""

    def __init__(
        self,
        writer: SessionWriter,
        source: rows.SourceRow,
        signals: tuple[rows.SignalRow, ...],
        gaps: list[rows.GapRow],
    ) -> None:
        self.signals = signals
        self.rate_hz = source.rate_hz
        self.samples = self.lost = 0
        """Of each signal."""
        self.refused = 0
        """Of all signals, in rows that cannot be; where they left a hole they are lost as well."""
        self.start_ns: int | None = None
        self.last_ns = 0
        self._end = 0
        self._writer, self._id = writer, source.id
        self._gaps = sorted(gaps, key=lambda gap: gap.first)
        self._paused = {gap.first for gap in gaps if gap.reason == INTERRUPTED}
        self._waiting: dict[tuple[int, int, int, int], dict[int, bytes]] = {}
        self._held: _Block | None = None
        self._singles: list[_Block] = []
        """Samples of a polled source, a row each, that follow each other."""
        self._dropped = self._stored = 0

    def add(self, row: Row) -> bool:
        """A row of samples of one of the signals; False where it cannot be."""
        _, signal_id, first, n, t_first_ns, t_last_ns, data = row
        place = first, n, t_first_ns, t_last_ns
        signal = next(each for each in self.signals if each.id == signal_id)
        if not all(isinstance(value, int) and 0 <= value < LARGEST for value in place) or not isinstance(data, bytes):
            return False
        if n < 1 or t_last_ns < t_first_ns or len(data) != n * np.dtype(signal.encoding).itemsize:
            return False
        found = self._waiting.setdefault(place, {})
        found[signal_id] = data
        if len(found) == len(self.signals):
            del self._waiting[place]
            self._offer(_Block(*place, tuple(found[each.id] for each in self.signals)))
        elif len(self._waiting) > _WAITING_ROWS:
            self._dropped += len(self._waiting.pop(next(iter(self._waiting))))
        return True

    def finish(self) -> int:
        """Write what is held; how many rows were left out."""
        if self._held is not None:
            if self._follows(self._held, self._end, self.last_ns):
                self._accept(self._held)
            else:
                self._dropped += len(self.signals)
        self._write_singles()
        rest = [_Block(*place, ()) for place in self._waiting]
        last = max((block for block in rest if self._follows(block, self._end, self.last_ns)), default=None,
                   key=lambda block: block.end)  # fmt: skip
        if last is not None and self.start_ns is not None:
            self._writer.write_gap(self._id, self._end, last.end - self._end, self.last_ns, last.t_last_ns, LOST)
            self.lost += last.end - self._end
        return self._dropped + sum(map(len, self._waiting.values()))

    def _offer(self, block: _Block) -> None:
        """Hold a block until the next one shows that it is in its place."""
        held, self._held = self._held, block
        if held is None:
            return
        if self._follows(held, self._end, self.last_ns) and self._follows(block, held.end, held.t_last_ns):
            self._accept(held)
        elif self._follows(block, self._end, self.last_ns):
            self._dropped += len(self.signals)
        elif self._follows(held, self._end, self.last_ns):
            self._held = held  # the new one is out of place
            self._dropped += len(self.signals)
        else:
            self._dropped += len(self.signals)

    def _follows(self, block: _Block, end: int, last_ns: int) -> bool:
        if self.start_ns is None and end == 0:
            return True
        steps, elapsed_s = block.first - end, (block.t_first_ns - last_ns) * 1e-9
        if steps < 0 or elapsed_s < 0:
            return False
        return steps <= 2 * elapsed_s * self.rate_hz + 10 * self.rate_hz + 10 and (
            elapsed_s <= 2 * steps / self.rate_hz + SLACK_S
        )

    def _accept(self, block: _Block) -> None:
        if self.start_ns is None:
            self.start_ns = block.t_first_ns
        elif block.first > self._end and self._end not in self._paused:
            known = sum(gap.n for gap in self._gaps if self._end <= gap.first < block.first)
            missing = block.first - self._end - known
            if missing > 0:
                self._write_singles()
                self._writer.write_gap(self._id, self._end, missing, self.last_ns, block.t_first_ns, LOST)
                self.lost += missing
        if block.n > 1 or block.first != self._end or len(self._singles) >= _STORE_EVERY:
            self._write_singles()
        if block.n == 1:
            self._singles.append(block)
        else:
            self._writer.write_block(self._id, block.first, self._codes([block]), block.t_first_ns, block.t_last_ns)
            self._writer.store()
            self._stored += 1
            if self._stored % _STORE_EVERY == 0:
                self._writer.commit()
        self._end, self.last_ns = block.end, block.t_last_ns
        self.samples += block.n

    def _write_singles(self) -> None:
        blocks, self._singles = self._singles, []
        if blocks:
            times_ns = np.array([block.t_first_ns for block in blocks], np.int64)
            self._writer.write_timed_block(self._id, blocks[0].first, self._codes(blocks), times_ns)
            self._writer.commit()

    def _codes(self, blocks: list[_Block]) -> tuple[NDArray[np.generic], ...]:
        joined = [b"".join(block.data[k] for block in blocks) for k in range(len(self.signals))]
        return tuple(np.frombuffer(data, each.encoding) for data, each in zip(joined, self.signals, strict=True))


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    n: int
    t_first_ns: int
    t_last_ns: int
    data: tuple[bytes, ...]
    """Of each stored signal."""

    @property
    def end(self) -> int:
        return self.first + self.n


def _write_rows(
    damaged: DamagedFile, made: Path, sources: set[int], gaps: Iterable[rows.GapRow], found: Repaired
) -> None:
    """All but the samples, into a copy that has those already."""
    with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as db:
        db.execute("BEGIN")
        runs = {run.id for run in _copied(db, damaged, "run", run_row, found)}
        found.runs = len(runs)
        found.lost_runs = found.dropped.get("run", 0)
        known = Known(frozenset(sources), frozenset(runs))
        for table, check in CHECKS.items():
            for _ in _copied(db, damaged, table, partial(check, known), found):
                pass
        kept = [gap for gap in gaps if gap.source in sources]
        db.executemany(
            "INSERT INTO gap (source, first, n, start_ns, end_ns, reason) VALUES (?, ?, ?, ?, ?, ?)",
            [(gap.source, gap.first, gap.n, gap.start_ns, gap.end_ns, gap.reason) for gap in kept],
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copied(
    db: sqlite3.Connection, damaged: DamagedFile, table: str, made_of: Callable[[Row], Any], found: Repaired
) -> Iterator[Any]:
    width = len(db.execute(f"PRAGMA table_info({table})").fetchall())
    places = ", ".join("?" * width)
    verb = "INSERT OR REPLACE" if table in {"meta", "environment"} else "INSERT OR IGNORE"
    for row, value in _good(damaged, table, lambda row: (row, made_of(row)), found):
        if db.execute(f"{verb} INTO {table} VALUES ({places})", row).rowcount == 1:
            yield value
        else:
            found.drop(table)


def _good(damaged: DamagedFile, table: str, made_of: Callable[[Row], Any], found: Repaired) -> Iterator[Any]:
    """The rows of a table that hold what they may, as values; the others are counted."""
    for row in damaged.rows(table):
        try:
            value = made_of(row)
            check_numbers(row[:1] if table == "utc" else row)  # UTC in ns is a larger number than any other
        except IMPOSSIBLE:
            found.drop(table)
        else:
            yield value


def _info(source: rows.SourceRow, own: list[rows.SignalRow], signals: dict[int, rows.SignalRow]) -> SourceInfo:
    """The source with those of its signals that can be read; a product needs both its factors."""
    stored = [signal for signal in own if not signal.is_product]
    names = {signal.id: signal.name for signal in stored}
    made = [_signal(signal, None) for signal in stored]
    for signal in own:
        factors = names.get(signal.factor_a or 0), names.get(signal.factor_b or 0)
        if signal.is_product and factors[0] is not None and factors[1] is not None:
            made.append(_signal(signal, (factors[0], factors[1])))
    return SourceInfo(
        source.name, source.kind, source.model, source.serial_number, source.firmware, source.rate_hz, tuple(made),
        source.lines, source.simulated, notes=source.notes,
    )  # fmt: skip


def _signal(row: rows.SignalRow, factors: tuple[str, str] | None) -> Signal:
    dtype = "" if factors else row.encoding
    return Signal(
        row.name, row.quantity, row.role, dtype, row.scale, row.zero_offset, row.resolution, row.accuracy, factors
    )
