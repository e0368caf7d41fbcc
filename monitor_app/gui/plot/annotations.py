# SPDX-License-Identifier: Apache-2.0

"""Run names, levels, marks and gaps as values, and the placing of labels. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from monitor_app.core.formatting import live, metric_words, number, short_fraction, span_of_time, three_digits
from monitor_app.core.runs import Phase
from monitor_app.core.samples import NO_INSTRUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor_app.analysis.run.results import RunResult
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.subject import Subject

BELOW_BASELINE_PX = 4
"""How far letters reach below the line that they stand on, and a little more."""
MEASURED = frozenset({Phase.WARM_UP.value, Phase.TIMED.value, Phase.ACCURACY.value})
PHASE_NAMES = {
    Phase.COOL_DOWN.value: "cool", Phase.LOAD.value: "load",
    Phase.IDLE_BEFORE.value: "idle", Phase.WARM_UP.value: "warm-up",
    Phase.TIMED.value: "timed", Phase.ACCURACY.value: "accuracy", Phase.IDLE_AFTER.value: "idle",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interval:
    """A named interval of time, in s since the start of the session."""

    start_s: float
    end_s: float
    name: str
    strong: bool = False
    run_id: int | None = None
    """Of an interval that is a whole run."""
    growing: bool = False
    """Whether it has not ended: it reaches to the newest sample."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An interval in which samples of a source are missing, in s since the start of the session."""

    start_s: float
    end_s: float
    name: str
    source: int


@dataclass(frozen=True, slots=True)
class Note:
    """A value with its name, beside the pane at its height."""

    value: float
    name: str
    text: str
    line: bool = False
    """Whether a line at this value goes through the pane."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run has measured, drawn where it is; times in s since the start of the session, None where not known."""

    start_s: float
    end_s: float
    full_w: float | None
    p50_ms: float | None
    growing: bool = False
    """Whether the run has not ended: it reaches to the newest sample."""


_G = TypeVar("_G", Interval, RunFigures)


@dataclass(frozen=True, slots=True)
class Annotations:
    """Everything that is written on the panes; times are in s since the start of the session."""

    runs: tuple[Interval, ...] = ()
    """Runs from the first to the last forward pass."""
    phases: tuple[Interval, ...] = ()
    figures: tuple[RunFigures, ...] = ()
    """Of the runs that have any."""
    gaps: tuple[Gap, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    """Time in s and text."""
    levels: tuple[Note, ...] = ()
    """Idle and full, in this order, where known."""
    swing: str = ""
    latency: tuple[Note, ...] = ()
    latency_note: str = ""
    """What it counts from, and the rates, where requests had arrivals of their own."""
    accuracy: tuple[Note, ...] = ()
    accuracy_note: str = ""
    """Why no accuracy was measured."""

    def with_deadline(self, deadline_ms: float | None, misses: tuple[int, int] | None) -> Annotations:
        """With the deadline of a batch, and how many of those in view have missed it."""
        if deadline_ms is None or misses is None:
            return self
        missed, timed = misses
        notes = [Note(deadline_ms, "limit", f"{number(deadline_ms)} ms", line=True)]
        if timed:
            notes.append(Note(deadline_ms, "missed", f"{missed:,}"))
        return replace(self, latency=(*self.latency, *notes))

    def reaching(self, edge_s: float) -> Annotations:
        """With what has not ended reaching to the newest sample, whose time it is: rows are read less often."""
        runs, phases = _reaching(self.runs, edge_s), _reaching(self.phases, edge_s)
        if runs is self.runs and phases is self.phases:
            return self
        return replace(self, runs=runs, phases=phases, figures=_reaching(self.figures, edge_s))


def _reaching(intervals: tuple[_G, ...], edge_s: float) -> tuple[_G, ...]:
    if not any(each.growing and each.end_s != edge_s for each in intervals):
        return intervals
    return tuple(replace(each, end_s=edge_s) if each.growing else each for each in intervals)


def annotate(recording: Recording, subject: Subject, *, with_levels: bool) -> Annotations:
    """The annotations of a session as it stands; ``with_levels`` where the power of the board is shown.

    Levels, latencies and accuracy are those of the subject.
    """
    bounds = _bounds(recording)
    levels = subject.levels if with_levels else None
    run, result = subject.run, subject.result
    notes = [(levels.idle_w, "idle"), (levels.full_w, "full")] if levels else []
    return Annotations(
        runs=tuple(_runs(recording, bounds)),
        phases=tuple(_phases(recording)),
        figures=tuple(_figures(recording, bounds, with_levels=with_levels)),
        gaps=tuple(_gaps(recording)),
        # A lost source is shown by its gap and by the source panel.
        marks=tuple((recording.seconds(m.host_ns), "" if m.kind == "lost" else m.text) for m in recording.marks),
        # Idle is the ground of all runs; the full power of a run is drawn where that run is.
        levels=tuple(Note(w, n, " ".join(live(w, "W")), line=n == "idle") for w, n in notes if w is not None),
        swing=" ".join(live(levels.swing_w, "W")) if levels and levels.swing_w is not None else "",
        latency=tuple(_latency_notes(result)),
        latency_note=_load_note(result),
        accuracy=tuple(_accuracy_notes(result)),
        accuracy_note=_accuracy_note(run.accuracy_note if run else None, result),
    )


def _gaps(recording: Recording) -> list[Gap]:
    """Gaps of the measured sources, with the name of the source where there are several."""
    measured = [source for source in recording.sources if source.kind not in NO_INSTRUMENTS]
    names = {source.id: f"{source.name}  " if len(measured) > 1 else "" for source in measured}
    return [
        Gap(
            recording.seconds(gap.start_ns),
            recording.seconds(gap.end_ns),
            f"{names[gap.source]}{gap.n:,} lost",
            gap.source,
        )
        for gap in recording.gaps
        if gap.source in names
    ]


def _phases(recording: Recording) -> list[Interval]:
    return [
        Interval(
            recording.seconds(span.start_ns),
            recording.seconds(span.end_ns) if span.end_ns is not None else recording.edge_s,
            PHASE_NAMES.get(span.phase, span.phase),
            strong=span.phase == Phase.TIMED.value,
            growing=span.end_ns is None,
        )
        for span in recording.spans
        if span.phase in MEASURED
    ]


def _bounds(recording: Recording) -> dict[int, tuple[float, float, bool]]:
    """Of each run, start and end of what is measured, in s, and whether it goes on."""
    bounds: dict[int, tuple[int, int]] = {}
    growing = {span.run for span in recording.spans if span.phase in MEASURED and span.end_ns is None}
    for span in recording.spans:
        if span.phase in MEASURED:
            end_ns = span.end_ns if span.end_ns is not None else recording.newest_ns
            start_ns, last_ns = bounds.get(span.run, (span.start_ns, end_ns))
            bounds[span.run] = (min(start_ns, span.start_ns), max(last_ns, end_ns))
    return {
        run: (recording.seconds(start), recording.seconds(end), run in growing) for run, (start, end) in bounds.items()
    }


def _runs(recording: Recording, bounds: dict[int, tuple[float, float, bool]]) -> list[Interval]:
    titles = {
        run.id: run.title if run.own_program else f"{run.title}  ·  batch {run.batch_size}" for run in recording.runs
    }
    return [
        Interval(start_s, end_s, titles.get(run, ""), run_id=run, growing=growing)
        for run, (start_s, end_s, growing) in bounds.items()
    ]


def _figures(
    recording: Recording, bounds: dict[int, tuple[float, float, bool]], *, with_levels: bool
) -> Iterator[RunFigures]:
    for run, (start_s, end_s, growing) in bounds.items():
        result = recording.results.get(run)
        if result is None:
            continue
        full_w = result.power.full_w if with_levels and result.power is not None else None
        p50_ms = 1e3 * result.latency.median_s if result.latency is not None else None
        if full_w is not None or p50_ms is not None:
            yield RunFigures(start_s, end_s, full_w, p50_ms, growing=growing)


def _latency_notes(result: RunResult | None) -> list[Note]:
    if result is None or result.latency is None:
        return []
    p99 = result.latency.p99
    named = (("p50", result.latency.median_s), ("p99", p99.value if p99 else None))
    return [Note(1e3 * s, name, span_of_time(s)) for name, s in named if s is not None]


def _load_note(result: RunResult | None) -> str:
    if result is None or result.load is None:
        return ""
    load = result.load
    offered = "" if load.offered_hz is None else f"{three_digits(load.offered_hz)}/s offered, "
    steady = ", not steady" if load.overload else ""
    return f"from arrival: {offered}{three_digits(load.achieved_hz)}/s answered{steady}"


def _accuracy_notes(result: RunResult | None) -> list[Note]:
    if result is None or result.top1 is None:
        return []
    p = result.top1
    return [Note(100 * p.value, *short_fraction(p))]


def _accuracy_note(reason: str | None, result: RunResult | None) -> str:
    if result is not None and result.metrics:
        return metric_words(result.metrics)
    return f"not measured: {reason}" if reason else ""


def clear_of(baseline: float, heights: Iterable[float], line_px: float) -> float:
    """The baseline of a text of this height, moved above the lines at ``heights`` that would run through it."""
    for y in sorted(heights, reverse=True):
        if baseline - line_px < y < baseline + BELOW_BASELINE_PX:
            baseline = y - BELOW_BASELINE_PX
    return baseline


def spread_apart(positions: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """The positions, moved as little as needed to be at least ``least`` apart and from ``low`` to ``high``."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    placed = [min(max(positions[k], low), high) for k in order]
    for k in range(1, len(placed)):
        placed[k] = max(placed[k], placed[k - 1] + least)
    limit = high
    for k in reversed(range(len(placed))):
        placed[k] = min(placed[k], limit)
        limit = placed[k] - least
    result = [0.0] * len(placed)
    for k, position in zip(order, placed, strict=True):
        result[k] = position
    return result
