# SPDX-License-Identifier: Apache-2.0
"""Reads a session file, also while it is being written. One reader per thread.

Every query is a short transaction of its own, and where it has many rows several one after the other, so that a reader
never holds up the writer's checkpoints.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from monitor_app.core.errors import DamagedSessionError, NotASessionError
from monitor_app.core.estimate import Metric
from monitor_app.core.markers import Marker
from monitor_app.core.offered_load import parsed_load
from monitor_app.core.plain_text import visible, visible_lines, visible_row
from monitor_app.core.runs import LOAD, RIGHT, UNANSWERED, WRONG, ImageAnswers
from monitor_app.core.samples import Quantity, Role
from monitor_app.session import schema
from monitor_app.session.host_clock import SHIFT
from monitor_app.session.rows import (
    BATCH,
    PART,
    STAGE,
    WORK_SPAN,
    AlignmentRow,
    ClockRow,
    GapRow,
    LogRow,
    MarkRow,
    MemoryRow,
    MetricRow,
    ProgramRow,
    RunRow,
    SignalRow,
    SourceRow,
    SpanRow,
    WorkSpans,
    checked,
    require,
)
from monitor_app.session.time_map import rows_in_slices
from monitor_app.session.waveform import Waveform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.session.waveform import Envelope, Statistics


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Extent:
    """Host times between which the session has something to show."""

    start_ns: int
    end_ns: int
    newest_ns: int
    """End of the newest sample; earlier than ``end_ns`` where the recording ended without its instruments."""

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.start_ns) * 1e-9


class SessionReader:
    """A session file open for reading. Raises NotASessionError, NewerSessionError.

    Args:
        path: of the file.
        visible: give texts as they can be shown, without characters that a window or a terminal would act on.
    """

    def __init__(self, path: Path, *, visible: bool = False) -> None:
        self.path = path
        self._visible = visible
        self._opened = 0
        self._open()

    def _open(self) -> None:
        """Open the file, and note its state where it is not being written."""
        self._opened += 1
        self._log_path = f"{os.path.realpath(self.path)}-wal"  # beside the session, not beside a link to it
        live = self._is_live()
        self._final: tuple[int, ...] | None = self._stamp()
        self._db = schema.open_read_only(self.path)
        if live and self._is_live():
            self._final = None
        self._signals: dict[int, SignalRow] = {}
        self._waveforms: dict[int, Waveform] = {}

    def _follow(self) -> None:
        """Open a file again that was final and has been resumed: it was opened as immutable."""
        if self._final is None or (not self._is_live() and self._stamp() == self._final):
            return
        if self.path.exists():
            self._db.close()
            self._open()

    def _is_live(self) -> bool:
        return os.path.exists(self._log_path)

    def _stamp(self) -> tuple[int, ...]:
        """Differs once the file has changed; empty where it was moved."""
        try:
            status = self.path.stat()
        except OSError:
            return ()
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        self._db.close()

    def __enter__(self) -> SessionReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- waveforms -------------------------------------------------------------------------------

    def envelope(self, signal_id: int, start_ns: int, end_ns: int, columns: int) -> Envelope:
        """The signal between two host times as about ``columns`` groups of samples; see Waveform.envelope."""
        return self.waveform(signal_id).envelope(start_ns, end_ns, columns)

    def envelopes(self, signal_id: int, start_ns: int, end_ns: int, columns: int) -> Iterator[Envelope]:
        """The same in pieces, of a bounded size each; see Waveform.envelopes. Do nothing else with it meanwhile."""
        return self.waveform(signal_id).envelopes(start_ns, end_ns, columns)

    def statistics(self, signal_id: int, start_ns: int, end_ns: int) -> Statistics:
        """Exact count, minimum, maximum, mean, deviation and coverage of all samples in [start_ns, end_ns)."""
        return self.waveform(signal_id).statistics(start_ns, end_ns)

    def samples(self, signal_id: int, start_ns: int, end_ns: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Host time in ns and value in SI units of every sample in [start_ns, end_ns)."""
        return self.waveform(signal_id).samples(start_ns, end_ns)

    def waveform(self, signal_id: int) -> Waveform:
        """One signal. Ask for it each time: the file may be opened again between two calls."""
        self._follow()
        if signal_id not in self._waveforms:
            self._waveforms[signal_id] = Waveform(self._db, self._signal(signal_id), self._signal)
        return self._waveforms[signal_id]

    # -- rows ------------------------------------------------------------------------------------

    def version(self) -> tuple[int, int]:
        """Differs once something has been committed to the file: as long as it does not, all rows are as they were."""
        ((committed,),) = self._rows("PRAGMA data_version")
        return self._opened, committed

    def extent(self) -> Extent | None:
        """From the first sample of any source to the end of the recording, or None while there is no sample.

        That is the last sample, or the end of the gap after it where no instrument was there at the end.
        """
        starts, ends = [], []
        first: dict[int, int] = {}
        for signal in self.signals():
            if not signal.is_product:
                first.setdefault(signal.source, signal.id)
        for signal_id in first.values():
            if (span := self.waveform(signal_id).times.extent()) is not None:
                starts.append(span[0])
                ends.append(span[1])
        return Extent(min(starts), max(*ends, self._end_of_last_gap()), max(ends)) if starts else None

    def _end_of_last_gap(self) -> int:
        """Where all instruments were missing at the end, their last gap ends with the recording; 0 without a gap."""
        gaps = self._checked_rows(GapRow, "SELECT * FROM gap ORDER BY id DESC LIMIT 1")
        signals = (
            self._rows("SELECT id FROM signal WHERE source = ? ORDER BY id LIMIT 1", (gaps[0].source,)) if gaps else []
        )
        if not signals:
            return 0
        ((gap,), ((signal,),)) = gaps, signals
        times = self.waveform(signal).times
        last, rate_hz = times.last(), times.rate_hz()
        if last is None or rate_hz is None or gap.first != last[0] + 1:
            return 0
        # The length and the times of a gap tell the same; those of a damaged row do not.
        expected_ns = gap.n / rate_hz * 1e9
        return gap.end_ns if abs(gap.end_ns - last[1] - expected_ns) <= 0.5 * expected_ns + 2e9 else 0

    def meta(self) -> dict[str, str]:
        return self._texts("meta")

    def shift_ns(self) -> int:
        """Added to a host time of the last part to get the time in the file; not 0 after a reboot."""
        with self._damage():
            return int(self.meta().get(SHIFT, 0))

    def environment(self) -> dict[str, str]:
        return self._texts("environment")

    def utc_pairs(self) -> list[tuple[int, int]]:
        """(host_ns, utc_ns), about one a minute."""
        pairs = self._rows("SELECT host_ns, utc_ns FROM utc ORDER BY host_ns")
        with self._damage():
            for pair in pairs:
                require(pair[1], int)
        return pairs

    def sources(self) -> list[SourceRow]:
        rows = self._rows(
            "SELECT id, name, kind, model, serial_number, firmware, rate_hz, lines, simulated, notes "
            "FROM source ORDER BY id"
        )
        with self._damage():
            found = [checked(SourceRow, (*row[:7], _names(row[7]), bool(row[8]), _names(row[9]))) for row in rows]
        return list(map(self._shown, found))

    def signals(self) -> list[SignalRow]:
        """All signals, stored and derived, in the order in which their sources named them."""
        return [self._signal(signal_id) for (signal_id,) in self._rows("SELECT id FROM signal ORDER BY id")]

    def _signal(self, signal_id: int) -> SignalRow:
        if signal_id not in self._signals:
            rows = self._found("SELECT * FROM signal WHERE id = ?", (signal_id,))
            if not rows:
                raise NotASessionError(f"{self.path} has no signal {signal_id}.")
            number, source, name, quantity, role, *rest = rows[0]
            with self._damage():
                row = (number, source, name, Quantity(quantity), Role(role), *rest)
                self._signals[signal_id] = self._shown(checked(SignalRow, row))
        return self._signals[signal_id]

    def runs(self) -> list[RunRow]:
        runs = self._checked_rows(RunRow, "SELECT * FROM run ORDER BY id")
        facts = self._run_facts()
        return [replace(run, facts=facts[run.id]) if run.id in facts else run for run in runs]

    def _run_facts(self) -> dict[int, dict[str, str]]:
        if not self._has("run_fact"):
            return {}
        found: dict[int, dict[str, str]] = {}
        rows = self._rows("SELECT run, key, value FROM run_fact ORDER BY run, key")
        with self._damage():
            for run, key, value in rows:
                require(key, str)
                require(value, str)
                if key == LOAD:
                    parsed_load(value)
                found.setdefault(run, {})[key] = visible(value) if self._visible else value
        return found

    def spans(self, run_id: int | None = None) -> list[SpanRow]:
        """Phases of one run, or of all; the end of a phase that is running is None."""
        where = "" if run_id is None else "WHERE run = ?"
        return self._checked_rows(SpanRow, f"SELECT * FROM span {where} ORDER BY start_ns", _given(run_id))

    def batches(
        self,
        *,
        run_id: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        after_id: int = 0,
    ) -> NDArray[np.void]:
        """Structured array of BATCH, in order of id; top1, top5 and device_ns are -1 where not measured.

        A request without an arrival of its own arrived as its pass began.
        """
        conditions, values = [], []
        for condition, value in (("run = ?", run_id), ("start_ns >= ?", start_ns), ("start_ns < ?", end_ns)):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        arrivals = self._has("arrival")
        rows = self._rows(
            "SELECT id, run, phase, start_ns, end_ns, images, ifnull(top1, -1), ifnull(top5, -1), "
            f"ifnull(device_ns, -1), {'ifnull(arrival_ns, start_ns)' if arrivals else 'start_ns'} "
            f"FROM batch {'LEFT JOIN arrival ON batch = id ' if arrivals else ''}"
            f"WHERE {' AND '.join([*conditions, 'id > ?'])} ORDER BY id",
            values,
            after=after_id,
        )
        with self._damage():
            batches = np.array(rows, BATCH)
            known = [run for (run,) in self._found("SELECT id FROM run", ())]
            if not np.isin(batches["run"], np.array(known, np.int64)).all():
                raise ValueError("a batch of a run that is not there")
            right = (batches["images"] > 0) & (batches["start_ns"] <= batches["end_ns"])
            right &= batches["arrival_ns"] <= batches["start_ns"]
            if not (right & (batches["top1"] <= batches["images"]) & (batches["top5"] <= batches["images"])).all():
                raise ValueError("an impossible batch")
            return batches

    def stages(self, run_id: int, *, batch_id: int | None = None) -> NDArray[np.void]:
        """Structured array of STAGE, in order of the batches; empty where the run was not timed end to end."""
        if not self._has("stages"):
            return np.empty(0, STAGE)
        one = "" if batch_id is None else "AND batch.id = ? "
        rows = self._rows(
            f"SELECT stages.* FROM stages JOIN batch ON batch.id = stages.batch WHERE run = ? {one}ORDER BY batch",
            (run_id, *_given(batch_id)),
        )
        with self._damage():
            found = np.array([(row[0], row[1:]) for row in rows], STAGE)
            if (np.diff(found["stamps_ns"], axis=1) < 0).any():
                raise ValueError("an impossible stage")
            return found

    def zero_limits(self) -> dict[int, float]:
        """Limits of a constant error in SI units, by signal; those that no data sheet or profile gives are left out."""
        if not self._has("zero_limit"):
            return {}
        rows = self._rows("SELECT signal, most FROM zero_limit")
        with self._damage():
            found = {int(signal): float(most) for signal, most in rows}
            if not all(0 <= most < math.inf for most in found.values()):
                raise ValueError("an impossible limit of a zero")
        return found

    def answers(self, run_id: int) -> ImageAnswers | None:
        """The answer to each image; None where accuracy was not measured in that run, or is known as a count alone."""
        if not self._has("answers"):
            return None
        rows = self._rows("SELECT images_sha256, top1 FROM answers WHERE run = ?", (run_id,))
        with self._damage():
            found = [checked(ImageAnswers, row) for row in rows]
            if any(set(each.top1) - {RIGHT, WRONG, UNANSWERED} for each in found):
                raise ValueError("an impossible answer")
        return found[0] if found else None

    def programs(self) -> dict[int, ProgramRow]:
        """By run: the commands of the user's that were measured; other runs are those of networks."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'program'"):
            return {}
        return {row.run: row for row in self._checked_rows(ProgramRow, "SELECT * FROM program ORDER BY run")}

    def work_spans(
        self,
        *,
        run_id: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        after_id: int = 0,
    ) -> WorkSpans:
        """Marks of programs in order of id.

        Args:
            run_id: only those of this run.
            start_ns: only those that begin at this time or later.
            end_ns: only those that begin before.
            after_id: only those that were stored after this one.
        """
        if not self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'work_span'"):
            return WorkSpans((), np.empty(0, WORK_SPAN))
        conditions, values = [], []
        for condition, value in (("run = ?", run_id), ("start_ns >= ?", start_ns), ("start_ns < ?", end_ns)):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        rows = self._rows(
            "SELECT id, run, name, start_ns, ifnull(end_ns, start_ns), ifnull(images, -1) "
            f"FROM work_span WHERE {' AND '.join([*conditions, 'id > ?'])} ORDER BY id",
            values,
            after=after_id,
        )
        with self._damage():
            places: dict[str, int] = {}
            for row in rows:
                require(row[2], str)
                places.setdefault(row[2], len(places))
            spans = np.array([(*row[:2], places[row[2]], *row[3:]) for row in rows], WORK_SPAN)
            if not (spans["start_ns"] <= spans["end_ns"]).all() or (spans["images"] < -1).any():
                raise ValueError("an impossible mark")
            return WorkSpans(tuple(map(visible, places) if self._visible else places), spans)

    def parts(self, run_id: int) -> NDArray[np.void]:
        """Structured array of PART, in order of id: those of the timed passes of a run; most runs have none."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'part'"):
            return np.zeros(0, PART)
        rows = self._rows(
            "SELECT id, run, kind, start_ns, end_ns, units FROM part WHERE run = ? AND id > ? ORDER BY id",
            (run_id,),
            after=0,
        )
        with self._damage():
            parts = np.array(rows, PART)
            if not ((parts["units"] > 0) & (parts["start_ns"] <= parts["end_ns"])).all():
                raise ValueError("an impossible part of a pass")
            return parts

    def metrics(self, run_id: int) -> list[Metric]:
        """Accuracy of a run by a metric of the user's own, by name."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'metric'"):
            return []
        found = self._checked_rows(MetricRow, "SELECT * FROM metric WHERE run = ? ORDER BY name", (run_id,))
        return [Metric(each.name, each.value, each.low, each.high, each.items) for each in found]

    def memory(self, run_id: int | None = None) -> list[MemoryRow]:
        """Memory of one run, or of all."""
        where = "" if run_id is None else "WHERE run = ?"
        return self._checked_rows(MemoryRow, f"SELECT * FROM memory {where} ORDER BY run, kind", _given(run_id))

    def marks(self, after_id: int = 0) -> list[MarkRow]:
        return self._checked_rows(MarkRow, "SELECT * FROM mark WHERE id > ? ORDER BY id", after=after_id)

    def markers(self) -> list[Marker]:
        """What the user marked and measured, by number."""
        if not self._has("marker"):
            return []
        return self._checked_rows(Marker, "SELECT * FROM marker ORDER BY number")

    def gaps(self) -> list[GapRow]:
        gaps = self._checked_rows(GapRow, "SELECT * FROM gap WHERE id > ? ORDER BY id", after=0)
        return sorted(gaps, key=lambda gap: gap.start_ns)

    def clock(self, source_id: int, until_ns: int | None = None) -> ClockRow | None:
        """The clock fit of a source as it last stood, or as it stood at ``until_ns``."""
        return self._newest(ClockRow, "clock", source_id, until_ns)

    def clocks(self, source_id: int) -> list[ClockRow]:
        """All clock fits of a source, by rising time: about one a second."""
        return self._checked_rows(ClockRow, "SELECT * FROM clock WHERE source = ? ORDER BY host_ns", (source_id,))

    def alignment(self, source_id: int, until_ns: int | None = None) -> AlignmentRow | None:
        """The delay of a source as it was last found, or was before ``until_ns``; None where it never was."""
        return self._newest(AlignmentRow, "alignment", source_id, until_ns)

    def line_changes(self, source_id: int, line: int = 0) -> NDArray[np.int64]:
        """Array (n, 2) of sample index and level."""
        rows = self._rows(
            "SELECT sample, level FROM line_change WHERE source = ? AND line = ? AND sample > ? ORDER BY sample",
            (source_id, line),
            after=-1,
        )
        with self._damage():
            return np.array(rows, np.int64).reshape(-1, 2)

    def implausible(self, source_id: int) -> list[int]:
        """Indices of the samples of a source that a bit flipped on the line explains best, in rising order."""
        if not self._has("implausible"):
            return []
        rows = self._rows("SELECT sample FROM implausible WHERE source = ? ORDER BY sample", (source_id,))
        return [sample for (sample,) in rows]

    def log(self, after_id: int = 0) -> list[LogRow]:
        return self._checked_rows(LogRow, "SELECT * FROM log WHERE id > ? ORDER BY id", after=after_id)

    def time_at(self, signal_id: int, index: int) -> int:
        """Host time of a sample by its index."""
        return self.waveform(signal_id).times.time_at(index)

    def sample_rate_hz(self, signal_id: int) -> float | None:
        """Samples a second of host time over the whole session, or None with fewer than two rows of samples."""
        return self.waveform(signal_id).times.rate_hz()

    def lost_samples(self) -> int:
        """Samples that never arrived, over all sources."""
        return sum(gap.n for gap in self.gaps())

    def _texts(self, table: str) -> dict[str, str]:
        rows = self._rows(f"SELECT key, value FROM {table}")
        with self._damage():
            for row in rows:
                require(row[0], str)
                require(row[1], str)
        return {key: visible_lines(value) if self._visible else value for key, value in rows}

    def _checked_rows(
        self, row_type: type[_T], sql: str, values: Iterable[object] = (), after: int | None = None
    ) -> list[_T]:
        rows = self._rows(sql, values, after)
        with self._damage():
            return [self._shown(checked(row_type, row)) for row in rows]

    def _shown(self, row: _T) -> _T:
        return visible_row(row) if self._visible else row  # type: ignore[type-var]

    def _newest(self, row_type: type[_T], table: str, source_id: int, until_ns: int | None) -> _T | None:
        rows = self._checked_rows(
            row_type,
            f"SELECT * FROM {table} WHERE source = ? AND host_ns <= ? ORDER BY host_ns DESC LIMIT 1",
            (source_id, until_ns if until_ns is not None else 2**63 - 1),
        )
        return rows[0] if rows else None

    def _has(self, table: str) -> bool:
        """Whether the session is new enough to have a table."""
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def _rows(self, sql: str, values: Iterable[object] = (), after: int | None = None) -> list[Any]:
        self._follow()
        return self._found(sql, values, after)

    def _found(self, sql: str, values: Iterable[object], after: int | None = None) -> list[Any]:
        with self._damage():
            if after is not None:
                return list(rows_in_slices(self._db, sql, values, after))
            return self._db.execute(sql, tuple(values)).fetchall()

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """Turn the exceptions of a damaged file into NotASessionError."""
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, TypeError, OverflowError) as error:
            raise DamagedSessionError(self.path, error) from error


def _names(text: object) -> tuple[str, ...]:
    require(text, str)
    names = json.loads(str(text))
    require(names, list)
    for name in names:
        require(name, str)
    return tuple(names)


def _given(value: int | None) -> tuple[int, ...]:
    return () if value is None else (value,)
