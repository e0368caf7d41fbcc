# SPDX-License-Identifier: Apache-2.0
"""The meter that a workload needs, from its recorded traces: its bandwidth, and the errors of slower meters."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Margins, Statistic, Verdict, against_paper, all_of, within
from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.run.integration import Integral
from monitor_app.analysis.statistics.bootstrap import percentile_interval, redraw
from monitor_app.analysis.statistics.spectrum import added_bandwidth_hz, spectrum
from monitor_app.core.canziani2016 import BANDWIDTH_HZ, SLOW_METERS_HZ
from monitor_app.core.estimate import exact
from monitor_app.core.formatting import interval, listed, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]
    Nanoseconds = NDArray[np.int64]

FRACTION = 0.99
"""Fraction of the power of the fluctuations that lies below the needed bandwidth."""
OVERSAMPLED = 4.0
"""Least ratio of the rate of a trace to the rate of a meter that is computed from it."""
PHASES = 24
"""Moments within its period at which a slower meter may have started."""
LEAST_TRACES = 3
FULL = 0.9
"""Fraction of the band of a meter; fluctuations that reach beyond it may continue above the band."""
_FIGURE = "meter-rate"
_S = 1e-9


@dataclass(frozen=True, slots=True)
class Trace:
    """The timed span of one run by an evenly sampling meter, with a second on either side where there is one."""

    power: Readings
    rate_hz: float
    start_ns: NDArray[np.int64]
    """Of each batch, shape (n,)."""
    end_ns: NDArray[np.int64]
    idle: Floats
    """Samples of power while the board was idle, W, shape (m,)."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Relative errors of the net energy of the same runs by a meter of another rate.

    The error of a run is also that of its mean power above idle, since the times are known.
    """

    rate_hz: float
    averages: bool
    """True: each value is the mean over a period. False: it is a sample of one moment."""
    runs: tuple[Floats, ...]
    """Of each run, for all phases, shape (p,)."""
    batches: tuple[Floats, ...]
    """Of the batches of each run, for all phases, shape (k,)."""
    left: float
    """Fraction of the standard deviation of power that means over a period keep; median of the runs."""

    def of_run(self) -> float:
        """Error that 95 of 100 runs do not exceed."""
        return _off(self.runs)

    def of_batch(self) -> float:
        """Error that 95 of 100 batches do not exceed."""
        return _off(self.batches)


def meter_findings(
    traces: Sequence[Trace],
    margins: Margins = Margins(),  # noqa: B008
    *,
    simulated: bool = False,
) -> tuple[Finding, ...]:
    """The needed bandwidth (C10), and whether meters of 12 and of 2 samples per second suffice (C11)."""
    return _bandwidth_finding(traces, margins, simulated), _slow_meters_finding(traces, margins, simulated)


def bandwidth_hz(trace: Trace) -> float | None:
    """Frequency below which 99 % of the fluctuations that the work adds to the power lie; None where none are seen.

    The spectrum of the idle time separates them from the noise of regulators and of the meter.
    """
    busy, idle = spectrum(_busy(trace), trace.rate_hz), spectrum(trace.idle, trace.rate_hz)
    return None if busy is None or idle is None else added_bandwidth_hz(busy, idle, FRACTION)


def missed_at(traces: Sequence[Trace], rate_hz: float, *, averages: bool = False) -> Missed:
    """The errors of a meter of that rate on these runs, for every moment at which it may have started."""
    runs: list[Floats] = []
    batches: list[Floats] = []
    left: list[float] = []
    for trace in traces:
        spans = Spans(trace.start_ns, trace.end_ns)
        whole = Integral(trace.power)
        idle_j = float(trace.idle.mean()) * (trace.end_ns - trace.start_ns) * _S
        true = whole.between(trace.start_ns, trace.end_ns) - idle_j
        step = max(round(trace.rate_hz / rate_hz), 1)
        phases = np.unique(np.linspace(0, step, PHASES, endpoint=False).astype(int)).tolist()
        seen = [
            averaged(whole, step, phase, spans) if averages else read_at_once(trace.power, step, phase, spans)
            for phase in phases
        ]
        found = [each - idle_j for each in seen if each is not None]
        if found:
            runs.append(np.array([each.sum() / true.sum() - 1 for each in found]))
            batches.append(np.concatenate([each / true - 1 for each in found]))
            left.append(remaining(_busy(trace), step))
    return Missed(rate_hz, averages, tuple(runs), tuple(batches), float(np.median(left)) if left else 0.0)


def usable(traces: Sequence[Trace], rate_hz: float) -> tuple[Trace, ...]:
    """The traces that are fast enough to compute a meter of that rate from, and long enough for two of its values."""
    return tuple(
        trace
        for trace in traces
        if trace.rate_hz >= OVERSAMPLED * rate_hz
        and len(trace.idle) > 1
        and (trace.power.times_ns[-1] - trace.power.times_ns[0]) * _S >= 2 / rate_hz
    )


def _bandwidth_finding(traces: Sequence[Trace], margins: Margins, simulated: bool) -> Finding:
    # Frequencies above half the sample rate are aliased below it, so the band must reach the end of the margin.
    least_hz = 2 * BANDWIDTH_HZ * margins.bandwidth
    fast = [trace for trace in traces if trace.rate_hz >= least_hz]
    found = np.array([hz for trace in fast if (hz := bandwidth_hz(trace)) is not None])
    statistics: tuple[Statistic, ...] = ()
    verdict = Verdict.NOT_ENOUGH_DATA
    sentence = (
        f"Traces of at least {LEAST_TRACES} runs of a second are needed, at {least_hz:.0f} samples per second or more."
    )
    if len(found) >= LEAST_TRACES:
        needed = _middle(found)
        statistics = (
            Statistic("Bandwidth of 99 % of the fluctuations, median of the runs", needed, "Hz"),
            Statistic("Needed sample rate", needed.scaled(2.0), "1/s"),
        )
        sentence = (
            f"99 % of the fluctuations that the work adds to the power lie below {interval(needed, 'Hz')} (median of "
            f"{len(found)} runs), so at least {number(2 * needed.value)} samples per second are needed to see them. "
            f"That is {against_paper(needed.value, BANDWIDTH_HZ, 'Hz')}."
        )
        if needed.value > FULL * min(trace.rate_hz for trace in fast) / 2:
            sentence = (
                f"The fluctuations fill the band of the meter, up to {interval(needed, 'Hz')}; a faster one is needed."
            )
        else:
            verdict = within(needed, BANDWIDTH_HZ / margins.bandwidth, BANDWIDTH_HZ * margins.bandwidth)
    return Finding(
        key="bandwidth",
        claim="The current of a board under load has components up to 1.4 kHz, so 2.8 kSa/s are needed to see them.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure=_FIGURE,
        margin=f"{BANDWIDTH_HZ:.0f} Hz within a factor of {margins.bandwidth:g}",
        caution="",
        simulated=simulated,
    )


def _slow_meters_finding(traces: Sequence[Trace], margins: Margins, simulated: bool) -> Finding:
    fast = [usable(traces, rate_hz) for rate_hz in SLOW_METERS_HZ]
    statistics: tuple[Statistic, ...] = ()
    verdict, caution = Verdict.NOT_ENOUGH_DATA, ""
    sentence = f"At least {LEAST_TRACES} runs of a second are needed, recorded by a meter that is several times faster."
    missed = [
        missed_at(each, rate_hz, averages=averages)
        for each, rate_hz in zip(fast, SLOW_METERS_HZ, strict=True)
        for averages in (False, True)
    ]
    if min(len(each.runs) for each in missed) >= LEAST_TRACES:
        of_batch, of_run = ([most_off(each) for each in part] for part in _errors_of(missed))
        verdict = all_of(*(_too_slow(error, margins.meter) for error in of_batch))
        statistics = (
            *_slow_statistics("a batch", missed, of_batch),
            *_slow_statistics("a run and of its mean power above idle", missed, of_run),
            *(
                Statistic(f"Fluctuation that remains in {_meter_words(each)}", exact(100 * each.left), "%")
                for each in missed
                if each.averages
            ),
        )
        errors = "; ".join(
            f"{_meter_words(each)}: {number(100 * batch.value)} % for a batch and {number(100 * run.value)} % for a "
            "whole run"
            for each, batch, run in zip(missed, of_batch, of_run, strict=True)
        )
        sentence = f"Largest error of net energy in 95 of 100 cases, by {errors}."
        good = [each for each, run in zip(missed, of_run, strict=True) if run.high <= margins.meter]
        if good:
            meters = listed([_meter_words(each) for each in good], most=6)
            caution = f"For the mean over runs of this length {meters} are sufficient."
    return Finding(
        key="slow-meters",
        claim="Meters of 12 and of 2 samples per second are too slow to measure the energy of a network.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure=_FIGURE,
        margin=f"An error of {margins.meter:.0%} of the net energy of a batch in 95 of 100 cases, by samples or means",
        caution=caution,
        simulated=simulated,
    )


def _errors_of(missed: Sequence[Missed]) -> tuple[list[tuple[Floats, ...]], list[tuple[Floats, ...]]]:
    return [each.batches for each in missed], [each.runs for each in missed]


def _slow_statistics(what: str, missed: Sequence[Missed], errors: Sequence[Estimate]) -> tuple[Statistic, ...]:
    return tuple(
        Statistic(f"Error of {what}, by {_meter_words(each)}", error.scaled(100), "%")
        for each, error in zip(missed, errors, strict=True)
    )


def _meter_words(missed: Missed) -> str:
    return f"{missed.rate_hz:g} {'means' if missed.averages else 'samples'} per second"


def _too_slow(error: Estimate, margin: float) -> Verdict:
    if error.low > margin:
        return Verdict.HOLDS
    return Verdict.DOES_NOT_HOLD if error.high <= margin else Verdict.INCONCLUSIVE


def _busy(trace: Trace) -> Floats:
    inside = (trace.power.times_ns >= trace.start_ns[0]) & (trace.power.times_ns <= trace.end_ns[-1])
    values: Floats = trace.power.values[inside]
    return values


def _middle(values: Floats) -> Estimate:
    """The median with a bootstrap interval."""
    return percentile_interval(float(np.median(values)), np.median(values[redraw(len(values))], axis=1))


MOST_OFF = 0.95
"""Fraction of the cases."""
_LEVELS = 2001
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans that energies are computed for, shapes (n,)."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds


def read_at_once(power: Readings, step: int, phase: int, spans: Spans) -> Floats | None:
    """Energy in J of each span from every ``step``-th sample from ``phase`` on, joined by straight lines.

    None where fewer than two samples are left.
    """
    seen = Readings(power.times_ns[phase::step], power.values[phase::step])
    return Integral(seen).between(spans.start_ns, spans.end_ns) if len(seen.values) > 1 else None


def averaged(whole: Integral, step: int, phase: int, spans: Spans) -> Floats | None:
    """The same from means over each ``step`` samples of a whole trace, each constant over its own period."""
    edges_ns = whole.times_ns[phase::step]
    if len(edges_ns) < 2:
        return None
    energy_j = whole.between(np.full(len(edges_ns), whole.times_ns[0]), edges_ns)
    return np.interp(spans.end_ns, edges_ns, energy_j) - np.interp(spans.start_ns, edges_ns, energy_j)


def remaining(values: Floats, step: int) -> float:
    """Standard deviation of means over ``step`` samples, as a fraction of that of the samples, shape (n,)."""
    if len(values) <= step or values.std() == 0:
        return 0.0
    sums = np.cumsum(np.append(0.0, values - values.mean()))
    return float(((sums[step:] - sums[:-step]) / step).std() / values.std())


def most_off(errors: Sequence[Floats]) -> Estimate:
    """The error that 95 of 100 cases do not exceed, from the cases of each run, with a bootstrap interval over runs.

    The cases hold every moment at which the meter may have started, so only the choice of runs is random.
    """
    sizes = np.array([len(each) for each in errors], dtype=np.float64)
    levels = np.quantile(np.abs(np.concatenate(errors)), np.linspace(0, 1, _LEVELS))
    below = np.stack([np.searchsorted(np.sort(np.abs(each)), levels, "right") for each in errors]).astype(np.float64)
    counts = _times_drawn(len(errors))
    reached = counts @ below >= MOST_OFF * (counts @ sizes)[:, np.newaxis]
    return percentile_interval(_off(errors), levels[reached.argmax(axis=1)])


def _off(errors: Sequence[Floats]) -> float:
    """The same without an interval, which takes a hundred times as long."""
    return float(np.quantile(np.abs(np.concatenate(errors)), MOST_OFF))


@functools.cache
def _times_drawn(runs: int) -> Floats:
    """How often each run is in each draw of the bootstrap, which are the same for all meters, shape (draws, runs)."""
    places = redraw(runs, _DRAWS) + runs * np.arange(_DRAWS)[:, np.newaxis]
    return np.bincount(places.ravel(), minlength=_DRAWS * runs).reshape(_DRAWS, runs).astype(np.float64)
