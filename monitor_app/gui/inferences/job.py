# SPDX-License-Identifier: Apache-2.0
"""What the window asks for, and a thread that computes it: an interval of a minute takes a second or two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, QThread, Signal

from monitor_app.analysis.compare.check import CompareError
from monitor_app.analysis.compare.two_runs import run_changes
from monitor_app.analysis.figures import inferences, overlay
from monitor_app.analysis.figures.work import work_charts
from monitor_app.analysis.program_summary import program_summary
from monitor_app.analysis.run.correlation import Correlations
from monitor_app.analysis.run.inputs import run_inputs
from monitor_app.analysis.run.pair import EFFORT, PairInputs, pair_inputs
from monitor_app.analysis.run.results import run_result
from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import exact_interval, listed
from monitor_app.core.runs import Phase
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.analysis.run.largest_window import LargestWindow
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.charts.model import Chart


NO_PROGRAM = "This session holds no program of yours: record one with `monitor-app run PROFILE -- COMMAND`."


@dataclass(frozen=True, slots=True)
class PairRequest:
    """The inferences between two host times."""

    session: Path
    start_ns: int
    end_ns: int
    origin_ns: int
    """Start of the session."""
    window_s: float
    """Length of the largest window that is looked for."""
    name: str = ""
    """Of the pair."""


@dataclass(frozen=True, slots=True)
class OverlayRequest:
    """Two runs of a session, by their ids."""

    session: Path
    first: int
    second: int
    origin_ns: int


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """The spans that a program of the user's has marked, in all its repetitions."""

    session: Path
    origin_ns: int


Request: TypeAlias = PairRequest | OverlayRequest | WorkRequest


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found."""

    request: Request
    title: str
    charts: tuple[Chart, ...]
    words: str = ""
    """One line about all of them."""
    window: LargestWindow | None = None
    inputs: PairInputs | None = None
    """To compute other charts from, without reading again."""

    @property
    def window_s(self) -> float | None:
        """Length of the window that was looked for."""
        return self.request.window_s if isinstance(self.request, PairRequest) else None

    @property
    def origin_ns(self) -> int:
        """Start of the session."""
        return self.request.origin_ns


class AnalysisJob(QThread):
    """Computes one request; whoever asks for another one interrupts it and forgets it."""

    progressed = Signal(object, float)
    """(this job, fraction that is done, 0 to 1)"""
    computed = Signal(object, object)
    """(this job, Analysis)"""
    failed = Signal(object, str)
    """(this job, one sentence)"""

    def __init__(self, parent: QObject, request: Request, known: Analysis | None = None) -> None:
        super().__init__(parent)
        self._request, self._known = request, known

    def run(self) -> None:
        try:
            found = analyse(self._request, self._known, self._go_on)
        except MonitorError as error:
            self.failed.emit(self, str(error))
            return
        if found is not None:
            self.computed.emit(self, found)

    def _go_on(self, fraction: float) -> bool:
        self.progressed.emit(self, fraction)
        return not self.isInterruptionRequested()


def analyse(request: Request, known: Analysis | None, go_on: Callable[[float], bool]) -> Analysis | None:
    """``go_on`` is told the fraction that is done, and says whether to continue; None where it does not.

    ``known``: an analysis whose readings and charts are used where they are of the same pair. Raises NotASessionError
    for a damaged session.
    """
    if isinstance(request, OverlayRequest):
        return _overlay(request, go_on)
    if isinstance(request, WorkRequest):
        return _work(request, go_on)
    if known is not None and known.inputs is not None and _same_pair(known.request, request):
        inputs, charts = known.inputs, list(known.charts[:-1])
    else:
        inputs, charts = _read(request), []
    for k, make in enumerate(STEPS[len(charts) :]):
        if not go_on(0.5 + 0.4 * k / len(STEPS)):
            return None
        charts.append(make(inputs))
    if not go_on(0.9):
        return None
    chart, window = inferences.window_chart(inputs, request.window_s, request.origin_ns)
    name = f"pair {request.name}" if request.name else "pair"
    words = f"{inputs.name}  ·  {exact_interval(request.end_ns - request.start_ns)}"
    return Analysis(request, f"Inferences of the {name}", (*charts, chart), words, window and window.alone, inputs)


def _overlay(request: OverlayRequest, go_on: Callable[[float], bool]) -> Analysis | None:
    """Both runs laid over each other; None where it is cancelled."""
    with SessionReader(request.session, visible=True) as reader:
        correlations = Correlations(reader)
        inputs: list[PairInputs] = []
        results: list[RunResult] = []
        for k, run_id in enumerate((request.first, request.second)):
            if not go_on(0.4 * k):
                return None
            run = next(each for each in reader.runs() if each.id == run_id)
            results.append(run_result(run_inputs(reader, run, EFFORT, correlations)))
            inputs.append(pair_inputs(reader, *_timed(reader, run_id), run_id))
    if not go_on(0.8):
        return None
    two = inputs[0], inputs[1]
    changes = run_changes(results[0], results[1])
    charts = (overlay.traces_chart(two), *overlay.folded_chart(two), overlay.changes_chart(two, changes))
    real = [each.name for each in changes if each.real]
    words = f"really different: {listed(real)}" if real else "no difference is shown"
    title = f"{overlay.run_name(two[0])}  and  {overlay.run_name(two[1])}"
    return Analysis(request, title, charts, f"{title}  ·  {words}")


def _work(request: WorkRequest, go_on: Callable[[float], bool]) -> Analysis | None:
    """Each name as distributions; None where it is cancelled. Raises CompareError where there is no program."""
    if not go_on(0.1):
        return None
    with SessionReader(request.session, visible=True) as reader:
        summary = program_summary(reader)
    if summary is None:
        raise CompareError(NO_PROGRAM)
    repetitions = f"  ·  {len(summary.repetitions)} repetitions" if len(summary.repetitions) > 1 else ""
    lost = f"  ·  {summary.lost:,} marks were lost" if summary.lost else ""
    return Analysis(request, f"Spans of {summary.title}", work_charts(summary), f"{summary.title}{repetitions}{lost}")


def _timed(reader: SessionReader, run_id: int) -> tuple[int, int]:
    """From the first to the last of the timed batches of a run."""
    rows = reader.batches(run_id=run_id)
    rows = rows[rows["phase"] == Phase.TIMED.value]
    if not len(rows):
        raise CompareError(f"Run {run_id} has no timed batches: choose two runs that were timed.")
    return int(rows["start_ns"].min()), int(rows["end_ns"].max())


def _same_pair(one: Request, other: PairRequest) -> bool:
    return isinstance(one, PairRequest) and replace(one, window_s=other.window_s) == other


STEPS: tuple[Callable[[PairInputs], Chart], ...] = (
    inferences.latency_histogram, inferences.latency_cdf, inferences.energy_histogram, inferences.energy_cdf,
    inferences.folded_chart, inferences.spectrum_chart,
)  # fmt: skip


def _read(request: PairRequest) -> PairInputs:
    with SessionReader(request.session, visible=True) as reader:
        return pair_inputs(reader, request.start_ns, request.end_ns)
