# SPDX-License-Identifier: Apache-2.0
"""The open session as the window reads it: new rows at every frame, none of them twice. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.analysis.require.limits import Limits
from monitor_app.analysis.require.session import required_by
from monitor_app.analysis.run.correlation import Correlations
from monitor_app.analysis.run.inputs import IDLE_PHASES, LIVE, run_inputs
from monitor_app.analysis.run.results import run_result
from monitor_app.analysis.run.signals import sibling, total_power
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import Phase, RunState
from monitor_app.core.samples import COMPUTED, LINK, Quantity
from monitor_app.gui.session.batch_log import BatchLog
from monitor_app.gui.session.shown_signals import labels_of, usual_signals
from monitor_app.gui.session.work_log import WorkLog
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import ClockRow, GapRow, MarkRow, RunRow, SignalRow, SourceRow, SpanRow
    from monitor_app.session.waveform import Statistics

FINAL = frozenset({RunState.DONE.value, RunState.FAILED.value, RunState.CANCELLED.value})
NOW_S = 0.5
"""Present values are means over this time."""
NOW_SAMPLES = 3
SILENT_S, SILENT_SAMPLES = 2.0, 5
"""A recording that has had no sample for this long, and that a source should have given this many in, shows none."""
MOST_KEPT = 1000
"""Statistics of intervals."""
CUT_OFF = "cut off"
"""State of a run whose bench died, or whose recording was killed."""
_MIN_OPEN_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Levels:
    """The latest idle and full power in W; None while not known."""

    idle_w: float | None = None
    full_w: float | None = None

    @property
    def swing_w(self) -> float | None:
        return None if self.idle_w is None or self.full_w is None else self.full_w - self.idle_w


class Recording:
    """A session, live or recorded. ``advance`` at every frame, ``update_rows`` a few times a second."""

    def __init__(self, reader: SessionReader) -> None:
        self.reader = reader
        self.origin_ns: int | None = None
        self.newest_ns = 0
        self._sampled_ns = 0
        """End of the newest sample; that of the recording is later where no instrument is there any more."""
        self._grown_ns = host_time_ns()
        """When the newest samples were read."""
        self.batches = BatchLog()
        self.work = WorkLog()
        self.sources: list[SourceRow] = []
        self.signals: list[SignalRow] = []
        self.runs: list[RunRow] = []
        self.spans: list[SpanRow] = []
        self.gaps: list[GapRow] = []
        self.marks: list[MarkRow] = []
        self.clocks: dict[int, ClockRow] = {}
        self.lost_samples = 0
        self.implausible: dict[int, int] = {}
        """By source: how many samples a flipped bit explains best."""
        self.awaits_runs = False
        """Whether the bench has runs in its plan that are not in the file yet."""
        self.recorded_here = False
        """Whether a bench of this window records it."""
        self._cut_off = False
        self.require = Limits()
        """What the profile requires."""
        self.levels = Levels()
        self.results: dict[int, RunResult] = {}
        self.power: SignalRow | None = None
        """The power of the whole board."""
        self.usual: list[SignalRow] = []
        """What is shown until the user selects signals."""
        self.labels: dict[int, str] = {}
        """The name of each signal, with that of its source where several have the same name."""
        self._baselines_w: dict[int, float] = {}
        self._correlations: Correlations | None = None
        self._done = 0
        self._complete: dict[tuple[int, int, int], Statistics] = {}
        self._as_it_is: dict[tuple[int, int, int], Statistics] = {}
        """Those of intervals in which samples are missing, as long as nothing is added to the file."""
        self._version: tuple[int, int] | None = None
        """Of the file, when those were read."""
        self._rows_read: object = None
        """What the rows follow from, as it was when they were read."""
        self._results_read: object = None

    # -- at every frame --------------------------------------------------------------------------

    def advance(self) -> bool:
        """Whether the recording has become longer, by samples or by what is missing."""
        extent = self.reader.extent()
        if extent is None:
            return False
        if self.origin_ns is None:
            self.origin_ns = extent.start_ns
        grown = extent.end_ns != self.newest_ns
        if extent.newest_ns != self._sampled_ns:
            self._sampled_ns, self._grown_ns = extent.newest_ns, host_time_ns()
        self.newest_ns = extent.end_ns
        if grown:
            self.batches.update(self.reader, self.origin_ns)
        return grown

    @property
    def edge_s(self) -> float:
        return self.seconds(self.newest_ns) if self.origin_ns is not None else 0.0

    def seconds(self, host_ns: int) -> float:
        """Time since the first sample."""
        return (host_ns - (self.origin_ns or 0)) * 1e-9

    def host_ns(self, seconds: float) -> int:
        return round(seconds * 1e9) + (self.origin_ns or 0)

    # -- a few times a second --------------------------------------------------------------------

    def update_rows(self) -> None:
        """Sources, runs, spans, gaps, marks and levels as they stand now."""
        state = self.reader.version(), self.origin_ns
        if state != self._rows_read:
            self._read_rows()
            self._rows_read = state
        begun = any(run.state == RunState.RUNNING.value for run in self.runs)
        self._cut_off = begun and not self.recorded_here and not is_written(self.reader.path)
        self.levels = self._levels()

    def _read_rows(self) -> None:
        reader = self.reader
        if not self.sources:  # the profile comes with the first rows of the session
            self.require = required_by(reader)
        self.sources, self.signals = reader.sources(), reader.signals()
        self.power = total_power(reader)
        self.usual = usual_signals(reader)
        self.labels = labels_of(self.sources, self.signals)
        self.runs, self.spans, self.gaps = reader.runs(), reader.spans(), reader.gaps()
        if self.origin_ns is not None and any(run.own_program for run in self.runs):
            self.work.update(reader, self.origin_ns)
        self.marks += reader.marks(self.marks[-1].id if self.marks else 0)
        computed = {source.id for source in self.sources if source.kind in COMPUTED}
        self.lost_samples = sum(gap.n for gap in self.gaps if gap.source not in computed)
        self.implausible = {source.id: len(reader.implausible(source.id)) for source in self.sources}
        self.clocks = {s.id: row for s in self.sources if (row := reader.clock(s.id)) is not None}

    def update_results(self) -> None:
        """Read the results of the runs that may have changed."""
        state = self.reader.version(), self._rows_read
        if state != self._results_read:
            self._read_results()
            self._results_read = state

    def _read_results(self) -> None:
        done = sum(run.state in FINAL for run in self.runs)
        if self._correlations is None or done != self._done:
            self._done, self._correlations = done, Correlations(self.reader)
        for run in self.runs:
            known = self.results.get(run.id)
            final = known is not None and known.run.state in FINAL and known.up_to_date(self._correlations)
            if run.state != RunState.WAITING.value and not final:
                self.results[run.id] = result_of(self.reader, run, self._correlations)

    def _levels(self) -> Levels:
        """Idle of the latest baseline; full of the latest timed span or, before there is one, of the latest warm-up."""
        idle = next((s for s in reversed(self.spans) if s.phase in IDLE_PHASES and s.end_ns is not None), None)
        result = self.latest_result
        full_w = result.power.full_w if result is not None and result.power is not None else self._warm_w()
        return Levels(self._baseline_w(idle) if idle is not None else None, full_w)

    def _baseline_w(self, span: SpanRow) -> float | None:
        if span.id not in self._baselines_w:
            mean = self._mean_w(span.start_ns, span.end_ns or 0)
            if mean is None or (span.end_ns or 0) > self.newest_ns:
                return mean
            self._baselines_w[span.id] = mean
        return self._baselines_w[span.id]

    def _warm_w(self) -> float | None:
        """Over the second half of the latest warm-up, when the power has settled."""
        warm = next((s for s in reversed(self.spans) if s.phase == Phase.WARM_UP.value), None)
        if warm is None:
            return None
        end_ns = warm.end_ns if warm.end_ns is not None else self.newest_ns
        return self._mean_w((warm.start_ns + end_ns) // 2, end_ns) if end_ns - warm.start_ns > _MIN_OPEN_NS else None

    def _mean_w(self, start_ns: int, end_ns: int) -> float | None:
        if self.power is None:
            return None
        statistics = self.statistics(self.power.id, start_ns, end_ns)
        return statistics.mean if statistics.count else None

    # -- what the session contains ---------------------------------------------------------------

    @property
    def read_out(self) -> SignalRow | None:
        """The power that the read-outs show: the total, or the first one where no signal is declared the total."""
        return self.power or next((s for s in self.usual if s.quantity is Quantity.POWER), None)

    def beside(self, quantity: Quantity) -> SignalRow | None:
        """The current or voltage that belongs to the power of the read-outs, or the only one there is."""
        power = self.read_out
        if power is not None:
            return sibling(self.reader, power, quantity)
        alone = [s for s in self.signals if s.quantity is quantity]
        return alone[0] if len(alone) == 1 else None

    @property
    def silent_s(self) -> float:
        """For how long no sample has come although some should have; 0 while they come."""
        silent_s = (host_time_ns() - self._grown_ns) * 1e-9
        fastest_hz = max((self.rate_hz(source.id) for source in self.sources if source.kind != LINK), default=0.0)
        return silent_s if silent_s > max(SILENT_S, SILENT_SAMPLES / max(fastest_hz, 1e-3)) else 0.0

    def statistics(self, signal_id: int, start_ns: int, end_ns: int) -> Statistics:
        """Of all samples in [start_ns, end_ns); read once where none is missing, since then they are final.

        Else they are read again once something has been added to the file.
        """
        key = (signal_id, start_ns, end_ns)
        if (known := self._complete.get(key)) is not None:
            return known
        version = self.reader.version()
        if version != self._version:
            self._version, self._as_it_is = version, {}
        if (known := self._as_it_is.get(key)) is not None:
            return known
        found = self.reader.statistics(signal_id, start_ns, end_ns)
        kept = self._complete if found.complete else self._as_it_is
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = found
        return found

    def mean_between(self, signal: SignalRow | None, start_s: float, end_s: float) -> float | None:
        """Mean over an interval; None where nothing of it was recorded."""
        if signal is None or self.origin_ns is None:
            return None
        statistics = self.statistics(signal.id, self.host_ns(start_s), self.host_ns(end_s))
        return statistics.mean if statistics.count else None

    def mean_now(self, signal: SignalRow | None) -> float | None:
        """Mean over the last NOW_S, of a slow source over a few samples; None when no sample arrived in that time."""
        if signal is None or self.origin_ns is None or self.silent_s:
            return None
        over_s = max(NOW_S, NOW_SAMPLES / max(self.rate_hz(signal.source), 1e-3))
        statistics = self.statistics(signal.id, self.newest_ns - round(over_s * 1e9), self.newest_ns)
        return statistics.mean if statistics.count else None

    def rate_hz(self, source_id: int) -> float:
        """Sample rate as fitted, or as the source declares it."""
        clock = self.clocks.get(source_id)
        if clock is not None:
            return clock.rate_hz
        return next((s.rate_hz for s in self.sources if s.id == source_id), 0.0)

    @property
    def clock_bound_ns(self) -> int | None:
        """The largest bound of the clocks of the instruments; None while none is known."""
        known = (s.id for s in self.sources if s.id in self.clocks and s.kind != LINK)
        return max((self.clocks[k].bound_ns for k in known), default=None)

    @property
    def link_bound_ns(self) -> int | None:
        """That of the link to a board elsewhere, as it last stood; None where there is none."""
        return next((self.clocks[s.id].bound_ns for s in self.sources if s.id in self.clocks and s.kind == LINK), None)

    def state_of(self, run: RunRow) -> str:
        """The state of a run in words; one that no bench records any longer is cut off, whatever its row says."""
        return CUT_OFF if self._cut_off and run.state == RunState.RUNNING.value else run.state.replace("_", " ")

    @property
    def has_runs(self) -> bool:
        """Whether there are runs, or the bench has some in its plan."""
        return bool(self.runs) or self.awaits_runs

    @property
    def simulated(self) -> bool:
        return any(source.simulated for source in self.sources) or any(run.simulated for run in self.runs)

    @property
    def latest_result(self) -> RunResult | None:
        """Results of the current run once it has any, until then of the run before it."""
        timed = [run.id for run in self.runs if run.id in self.results and self.results[run.id].images]
        return self.results[timed[-1]] if timed else None

    @property
    def current_run(self) -> RunRow | None:
        """The run in progress, or the last one."""
        begun = [run for run in self.runs if run.state != RunState.WAITING.value]
        return begun[-1] if begun else None


def result_of(reader: SessionReader, run: RunRow, correlations: Correlations) -> RunResult:
    """As quickly as a window wants it."""
    return run_result(run_inputs(reader, run, LIVE, correlations))
