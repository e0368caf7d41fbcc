# SPDX-License-Identifier: Apache-2.0
"""The traces of a session, and the errors that meters of other rates would have made on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Margins
from monitor_app.analysis.findings.trace import Missed, Trace, missed_at, usable
from monitor_app.analysis.run.inputs import Readings, delay_of, idle_spans
from monitor_app.analysis.run.signals import total_power
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.core.estimate import exact
from monitor_app.core.runs import Phase, RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow, SignalRow

MOST_TRACES = 12
MOST_S = 4.0
MOST_SAMPLES = 500_000
AROUND_NS = 1_000_000_000
FIGURE_NUMBER = 15
"""It follows the figures that are made from cells."""
RATES_HZ = (1.0, 2.0, 5.0, 12.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0)
_COLOURS = {"a batch": "#c2410c", "a run": "#0369a1"}


def meter_chart(traces: Sequence[Trace], *, simulated: bool = False) -> Chart:
    """Error of the net energy of these runs by meters of lower rates, computed from their decimated traces."""
    series = _error_series(traces, Origin.SIMULATED if simulated else Origin.MEASURED)
    limit = 100 * Margins().meter
    lines = (
        (Line(f"Margin of {limit:g} %", (RATES_HZ[0], series[0].points[-1].x.value), (limit, limit), Origin.GIVEN),)
        if series
        else ()
    )
    return Chart(
        key="meter-rate",
        number=FIGURE_NUMBER,
        title="Error of energy against the sample rate of the meter",
        x=Axis("Samples per second", "1/s", Scale.LOG),
        y=Axis("Error of net energy", "%", Scale.LOG),
        series=series,
        lines=lines,
        caption=(
            "Errors of the energies that slower meters would have measured, computed from the recorded traces by "
            "leaving out samples; 95 of 100 starts of sampling have a smaller one. A point is the largest error at its "
            "rate or any higher one, since a rate that happens to fit the periods of the load errs less by chance. A "
            "meter whose point lies below the margin is sufficient."
        ),
        missing=() if series else ("No run was recorded at a sample rate that is high enough to be reduced.",),
        simulated=simulated,
    )


def traces_of(reader: SessionReader, without: Collection[int] = ()) -> tuple[Trace, ...]:
    """The timed spans of up to twelve completed runs, spread evenly over the session; none without a total power.

    ``without`` are runs to leave out, as their power is not that of their network.
    """
    signal = total_power(reader)
    if signal is None:
        return ()
    done = [run for run in reader.runs() if run.state == RunState.DONE.value and run.id not in without]
    chosen = (
        [done[k] for k in np.unique(np.linspace(0, len(done) - 1, MOST_TRACES).round().astype(int))] if done else []
    )
    found = [_trace(reader, signal, run) for run in chosen]
    return tuple(trace for trace in found if trace is not None)


def _trace(reader: SessionReader, signal: SignalRow, run: RunRow) -> Trace | None:
    batches = reader.batches(run_id=run.id)
    batches = batches[batches["phase"] == Phase.TIMED.value]
    idle = idle_spans(reader.spans(run.id))
    if not len(batches) or not idle:
        return None
    delay_ns = delay_of(reader, signal.source, int(batches["end_ns"][-1]))
    start_ns, end_ns = batches["start_ns"] + delay_ns, batches["end_ns"] + delay_ns
    kept = end_ns <= start_ns[0] + max(MOST_S * 1e9, float(end_ns[0] - start_ns[0]))
    start_ns, end_ns = start_ns[kept], end_ns[kept]
    rate_hz = reader.sample_rate_hz((signal.factor_a or signal.id) if signal.is_product else signal.id)
    if rate_hz is None:
        return None
    power = _samples(reader, signal, int(start_ns[0]) - AROUND_NS, int(end_ns[-1]) + AROUND_NS, rate_hz)
    longest = max(idle, key=lambda span: span[1] - span[0])
    quiet = _samples(reader, signal, longest[0] + delay_ns, longest[1] + delay_ns, rate_hz)
    if len(power.values) < 2 or power.times_ns[0] > start_ns[0] or power.times_ns[-1] < end_ns[-1]:
        return None
    step = _step(len(power.values))
    return Trace(
        Readings(power.times_ns[::step], power.values[::step]), rate_hz / step, start_ns, end_ns, quiet.values[::step]
    )


def _samples(reader: SessionReader, signal: SignalRow, start_ns: int, end_ns: int, rate_hz: float) -> Readings:
    most_ns = round(MOST_SAMPLES * 16 / rate_hz * 1e9)
    return Readings(*reader.samples(signal.id, start_ns, min(end_ns, start_ns + most_ns)))


def _step(count: int) -> int:
    """Only every n-th sample of a fast meter is kept, as its bandwidth is far above that of the work."""
    return max(count // MOST_SAMPLES, 1)


def _error_series(traces: Sequence[Trace], origin: Origin) -> tuple[Series, ...]:
    tried = [missed_at(fast, rate_hz) for rate_hz in RATES_HZ if (fast := usable(traces, rate_hz))]
    missed = [each for each in tried if each.runs]
    if not missed:
        return ()
    return tuple(
        Series(
            f"Energy of {what}",
            _COLOURS[what],
            tuple(
                Point(exact(each.rate_hz), exact(100 * error), label=f"{what} at {each.rate_hz:g}/s")
                for each, error in zip(missed, _at_or_above(missed, of_batch=what == "a batch"), strict=True)
                if error > 0
            ),
            origin,
            joined=True,
        )
        for what in _COLOURS
    )


def _at_or_above(missed: Sequence[Missed], *, of_batch: bool) -> list[float]:
    """The largest error at each rate or a higher one, of meters by rising rate."""
    errors = [each.of_batch() if of_batch else each.of_run() for each in missed]
    return [float(error) for error in np.maximum.accumulate(errors[::-1])[::-1]]
