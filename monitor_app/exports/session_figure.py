# SPDX-License-Identifier: Apache-2.0
"""What the figure of a session shows, read and worked out but not yet drawn. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app import __version__
from monitor_app.analysis.run.signals import powers_of_sources, total_power
from monitor_app.analysis.session_summary import summarise
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.core.errors import ExportError
from monitor_app.core.runs import Phase, RunState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.results import RunResult
    from monitor_app.analysis.session_summary import SessionSummary
    from monitor_app.core.estimate import Proportion
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import SignalRow, SourceRow, SpanRow
    from monitor_app.session.waveform import Envelope

MOST_OTHERS = 4
"""More lines than that cannot be told apart in black and white."""
_COMPUTED = frozenset({"sum", "difference"})
_AT_WORK = (Phase.WARM_UP.value, Phase.TIMED.value, Phase.ACCURACY.value)
_ENDED_BADLY = {RunState.FAILED.value, RunState.CANCELLED.value}


@dataclass(frozen=True, slots=True)
class Work:
    """A run while it keeps the board busy, from the start of its warm-up to its last image."""

    start_ns: int
    end_ns: int
    title: str
    batch_size: int
    state: str
    """Empty, or how it ended if not well."""
    timed_ns: tuple[int, int] | None
    """From the first timed pass to the last."""
    p50_s: float | None
    top1: Proportion | None
    accuracy_note: str


@dataclass(frozen=True, slots=True)
class Latencies:
    """One value a forward pass, at the middle of it."""

    at_ns: NDArray[np.int64]
    seconds: NDArray[np.float64]
    timed: NDArray[np.bool_]
    """False for a pass of the warm-up or of the accuracy measurement."""


@dataclass(frozen=True, slots=True)
class RunningAccuracy:
    """Share of right answers so far, after batches of one run, with its 95 % interval; 0 to 1."""

    at_ns: NDArray[np.int64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OtherPower:
    """The power that another instrument saw."""

    name: str
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Note:
    """A statement of the footer; one in alarm stands out."""

    text: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """Everything that is drawn. Times are host nanoseconds; zero_ns is the session's first sample."""

    title: str
    subtitle: str
    simulated: bool
    zero_ns: int
    start_ns: int
    end_ns: int
    power: Envelope | None
    power_name: str
    others: list[OtherPower]
    idle_w: float | None
    full_w: float | None
    holes: list[tuple[int, int]]
    work: list[Work]
    has_runs: bool
    latencies: Latencies
    accuracy: list[RunningAccuracy]
    notes: list[Note]


def figure_of(reader: SessionReader, columns: int, start_s: float | None, end_s: float | None) -> Figure:
    """The part from start_s to end_s, in seconds since the first sample, in about so many columns.

    Raises ExportError when the session has nothing there.
    """
    extent = reader.extent()
    if extent is None:
        raise ExportError(f"{reader.path} has no samples to draw.")
    start_ns = extent.start_ns if start_s is None else extent.start_ns + round(start_s * 1e9)
    end_ns = extent.end_ns if end_s is None else extent.start_ns + round(end_s * 1e9)
    start_ns, end_ns = max(start_ns, extent.start_ns), min(end_ns, extent.end_ns)
    if end_ns <= start_ns:
        raise ExportError(f"The session lasts {extent.duration_s:.3f} s: choose a part that lies within it.")
    summary, signal = summarise(reader), total_power(reader)
    envelope = reader.envelope(signal.id, start_ns, end_ns, columns) if signal else None
    return Figure(
        title=summary.title or reader.path.stem,
        subtitle=_subtitle(summary),
        simulated=summary.simulated,
        zero_ns=extent.start_ns,
        start_ns=start_ns,
        end_ns=end_ns,
        power=envelope,
        power_name=_name(reader, signal) if signal else "",
        others=_others(reader, signal, (start_ns, end_ns), columns),
        idle_w=summary.idle_w,
        full_w=summary.full_w,
        holes=_holes(reader, signal, start_ns, end_ns),
        work=_work(reader, summary.runs, extent.end_ns),
        has_runs=bool(summary.runs),
        latencies=_latencies(reader, start_ns, end_ns),
        accuracy=[curve for result in summary.runs if (curve := _running(reader, result.run.id, columns))],
        notes=_notes(reader, summary, signal, envelope, (start_ns, end_ns)),
    )


def _subtitle(summary: SessionSummary) -> str:
    sources = [each.source for each in summary.sources if each.source.kind not in _COMPUTED]
    parts = [_introduced(source) for source in sources]
    if summary.started_utc:
        parts.append(f"started {summary.started_utc:%Y-%m-%d %H:%M:%S} UTC")
    return "  ·  ".join(parts)


def _introduced(source: SourceRow) -> str:
    what, which = source.model or source.name, source.serial_number or source.name
    return f"{what} ({which})" if which != what else what


def _others(reader: SessionReader, total: SignalRow | None, window: tuple[int, int], columns: int) -> list[OtherPower]:
    """Of each other instrument its power; those of which this part has nothing are left out."""
    powers = [power for power in powers_of_sources(reader).values() if total is None or power.source != total.source]
    read = ((power, reader.envelope(power.id, *window, columns)) for power in sorted(powers, key=lambda p: p.source))
    return [OtherPower(_name(reader, power), envelope) for power, envelope in read if len(envelope)][:MOST_OTHERS]


def _name(reader: SessionReader, signal: SignalRow) -> str:
    source = next(each for each in reader.sources() if each.id == signal.source)
    return source.name if source.kind in _COMPUTED else f"{source.name} {signal.name}"


def _holes(reader: SessionReader, signal: SignalRow | None, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    return [
        (gap.start_ns, gap.end_ns)
        for gap in reader.gaps()
        if signal and gap.source == signal.source and gap.end_ns > start_ns and gap.start_ns < end_ns
    ]


def _work(reader: SessionReader, results: tuple[RunResult, ...], until_ns: int) -> list[Work]:
    work = []
    for result in results:
        spans = [span for span in reader.spans(result.run.id) if span.phase in _AT_WORK]
        if not spans:
            continue
        run = result.run
        work.append(
            Work(
                min(span.start_ns for span in spans),
                max(until_ns if span.end_ns is None else span.end_ns for span in spans),
                run.title or run.network,
                run.batch_size,
                run.state if run.state in _ENDED_BADLY else "",
                _timed(spans, until_ns),
                result.latency.median_s if result.latency else None,
                result.top1,
                run.accuracy_note or "",
            )
        )
    return sorted(work, key=lambda each: each.start_ns)


def _timed(spans: list[SpanRow], until_ns: int) -> tuple[int, int] | None:
    timed = [span for span in spans if span.phase == Phase.TIMED.value]
    return (timed[0].start_ns, timed[-1].end_ns or until_ns) if timed else None


def _latencies(reader: SessionReader, start_ns: int, end_ns: int) -> Latencies:
    batches = reader.batches(start_ns=start_ns, end_ns=end_ns)
    took_ns = batches["end_ns"] - batches["start_ns"]
    return Latencies(batches["start_ns"] + took_ns // 2, took_ns * 1e-9, batches["phase"] == Phase.TIMED.value)


def _running(reader: SessionReader, run_id: int, most: int) -> RunningAccuracy | None:
    batches = reader.batches(run_id=run_id)
    batches = batches[(batches["phase"] == Phase.ACCURACY.value) & (batches["top1"] >= 0)]
    if len(batches) == 0:
        return None
    correct, images = np.cumsum(batches["top1"]), np.cumsum(batches["images"])
    # An interval is a call of its own, and more of them than columns cannot be told apart.
    chosen = np.unique(np.linspace(0, len(batches) - 1, min(len(batches), most)).round().astype(int))
    shares = [wilson(int(correct[k]), int(images[k])) for k in chosen]
    values = np.array([(each.value, each.low, each.high) for each in shares if each])
    return RunningAccuracy(batches["end_ns"][chosen], values[:, 0], values[:, 1], values[:, 2])


def _notes(
    reader: SessionReader,
    summary: SessionSummary,
    signal: SignalRow | None,
    envelope: Envelope | None,
    window: tuple[int, int],
) -> list[Note]:
    notes = []
    if envelope is not None and len(envelope):
        width = envelope.samples_per_column
        notes.append(Note("every sample" if width == 1 else f"mean and min … max of {width:,} samples a column"))
    for each in summary.sources:
        if each.rate_hz and (signal is None or each.source.id == signal.source):
            notes.append(Note(_rate(each.rate_hz)))
    notes.append(Note(f"{summary.lost_samples:,} samples lost", alarm=summary.lost_samples > 0))
    bounds = [each.clock.bound_ns for each in summary.sources if each.clock is not None]
    notes.append(Note(f"clock ± {max(bounds) * 1e-6:.2f} ms" if bounds else "clock not known"))
    if signal:
        notes.append(Note(f"coverage {_percent(reader.statistics(signal.id, *window).coverage)}"))
    if not summary.complete:
        notes.append(Note("session not closed"))
    notes.append(Note(reader.meta().get("program", f"monitor-app {__version__}")))
    return notes


def _rate(rate_hz: float) -> str:
    return f"{rate_hz / 1000:.3f} kSa/s" if rate_hz >= 1000 else f"{rate_hz:.4g} Sa/s"


def _percent(share: float) -> str:
    """Never 100 % for what is not whole."""
    return "100 %" if share >= 1 else f"{min(share * 100, 99.99):.2f} %"
