# SPDX-License-Identifier: Apache-2.0
"""What one's own trace says of the meter that it takes: the bandwidth of the work, and what slower meters miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.decimation import Spans, averaged, most_off, read_at_once, remaining
from monitor_app.analysis.findings.finding import CONFIDENCE, Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.margins import Margins
from monitor_app.analysis.findings.paper import BANDWIDTH_HZ, SLOW_METERS_HZ
from monitor_app.analysis.run.integration import Integral
from monitor_app.analysis.statistics.spectrum import added_bandwidth_hz, spectrum
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, listed, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.run.steadiness import Readings

    Floats = NDArray[np.float64]

SHARE = 0.99
"""Part of the power of the fluctuations that lies below the needed bandwidth."""
OVERSAMPLED = 4.0
"""A meter must be so much faster than one it is to stand in for."""
PHASES = 24
"""Moments at which a slower meter may have begun."""
LEAST_TRACES = 3
FULL = 0.9
"""Share of the band of a meter above which fluctuations may go on beyond it."""
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
    """What a meter of another rate makes of the same runs: relative errors of the net energy.

    That of a run is that of the mean swing above idle too, for the times are known.
    """

    rate_hz: float
    averages: bool
    """Its values are means over its period; else readings of a moment."""
    runs: tuple[Floats, ...]
    """Of each run, from all phases, shape (p,)."""
    batches: tuple[Floats, ...]
    """Of the batches of each run, likewise, shape (k,)."""
    left: float
    """Standard deviation of the power during a run that means over its period have, as a share; median of the runs."""

    def of_run(self) -> float:
        """Error that 95 of 100 runs do not exceed."""
        return most_off(self.runs).value

    def of_batch(self) -> float:
        """Error that 95 of 100 batches do not exceed."""
        return most_off(self.batches).value


def meter_findings(
    traces: Sequence[Trace],
    margins: Margins = Margins(),  # noqa: B008
    *,
    simulated: bool = False,
) -> tuple[Finding, ...]:
    """The needed bandwidth (C10), and whether meters of 12 and 2 values a second suffice (C11)."""
    return _bandwidth_finding(traces, margins, simulated), _slow_meters_finding(traces, margins, simulated)


def bandwidth_hz(trace: Trace) -> float | None:
    """Below which 99 % of the fluctuations lie that the work adds to the power; None where there are none to see.

    What regulators and the meter's own noise add at any time is told from it by the spectrum of the idle time.
    """
    busy, idle = spectrum(_busy(trace), trace.rate_hz), spectrum(trace.idle, trace.rate_hz)
    return None if busy is None or idle is None else added_bandwidth_hz(busy, idle, SHARE)


def missed_at(traces: Sequence[Trace], rate_hz: float, *, averages: bool = False) -> Missed:
    """What a meter of that rate would have made of these runs, from every moment at which it may have begun."""
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
    """The traces that are fast enough to stand for a meter of that rate, and hold two of its values."""
    return tuple(
        trace
        for trace in traces
        if trace.rate_hz >= OVERSAMPLED * rate_hz
        and len(trace.idle) > 1
        and (trace.power.times_ns[-1] - trace.power.times_ns[0]) * _S >= 2 / rate_hz
    )


def _bandwidth_finding(traces: Sequence[Trace], margins: Margins, simulated: bool) -> Finding:
    # What lies above half the rate comes back below it; so the band must reach the end of the margin.
    least_hz = 2 * BANDWIDTH_HZ * margins.bandwidth
    fast = [trace for trace in traces if trace.rate_hz >= least_hz]
    found = np.array([hz for trace in fast if (hz := bandwidth_hz(trace)) is not None])
    statistics: tuple[Statistic, ...] = ()
    verdict = Verdict.NOT_ENOUGH_DATA
    sentence = f"Traces of {LEAST_TRACES} runs of a second are needed, by a meter of {least_hz:.0f} values a second."
    if len(found) >= LEAST_TRACES:
        needed = _middle(found)
        statistics = (
            Statistic("Bandwidth of 99 % of the fluctuations, median of the runs", needed, "Hz"),
            Statistic("Values a second that it takes", _scaled(needed, 2.0), "1/s"),
        )
        sentence = (
            f"99 % of the fluctuations that the work adds to the power lie below {interval(needed, 'Hz')}, median of "
            f"{len(found)} runs, so at least {number(2 * needed.value)} values a second are needed to see them."
        )
        if needed.value > FULL * min(trace.rate_hz for trace in fast) / 2:
            sentence = (
                f"The fluctuations fill the band of the meter, up to {interval(needed, 'Hz')}; a faster one is needed."
            )
        else:
            verdict = within(needed, BANDWIDTH_HZ / margins.bandwidth, BANDWIDTH_HZ * margins.bandwidth)
    return Finding(
        key="bandwidth",
        claim="The current of a working board has components up to 1.4 kHz, so 2.8 kSa/s are needed to see it.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure=_FIGURE,
        margin=f"A factor of {margins.bandwidth:g} about {BANDWIDTH_HZ:.0f} Hz",
        caution="",
        simulated=simulated,
    )


def _slow_meters_finding(traces: Sequence[Trace], margins: Margins, simulated: bool) -> Finding:
    fast = [usable(traces, rate_hz) for rate_hz in SLOW_METERS_HZ]
    statistics: tuple[Statistic, ...] = ()
    verdict, caution = Verdict.NOT_ENOUGH_DATA, ""
    sentence = f"{LEAST_TRACES} runs of a second or more are needed, by a meter many times faster."
    if min(len(each) for each in fast) >= LEAST_TRACES:
        missed = [
            missed_at(each, rate_hz, averages=averages)
            for each, rate_hz in zip(fast, SLOW_METERS_HZ, strict=True)
            for averages in (False, True)
        ]
        of_batch, of_run = ([most_off(each) for each in part] for part in _errors_of(missed))
        verdict = all_of(*(_too_slow(error, margins.meter) for error in of_batch))
        statistics = (
            *_slow_statistics("a batch", missed, of_batch),
            *_slow_statistics("a run, and of its mean swing", missed, of_run),
            *(
                Statistic(
                    f"Fluctuation left in means at {each.rate_hz:g} values a second", _exact(100 * each.left), "%"
                )
                for each in missed
                if each.averages
            ),
        )
        told = "; ".join(
            f"{_meter_words(each)} is wrong by up to {number(100 * batch.value)} % for a batch and "
            f"{number(100 * run.value)} % for a whole run"
            for each, batch, run in zip(missed, of_batch, of_run, strict=True)
        )
        sentence = f"In 95 of 100 cases net energy by {told}."
        good = [each for each, run in zip(missed, of_run, strict=True) if run.high <= margins.meter]
        if good:
            meters = listed([_meter_words(m) for m in good], most=6)
            caution = f"For the mean over runs as long as these {meters} would do."
    return Finding(
        key="slow-meters",
        claim="Meters of 12 and of 2 values a second are too slow to measure what a network takes.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure=_FIGURE,
        margin=f"{margins.meter:.0%} of the net energy of a batch, in 95 of 100 cases, by readings and by means",
        caution=caution,
        simulated=simulated,
    )


def _errors_of(missed: Sequence[Missed]) -> tuple[list[tuple[Floats, ...]], list[tuple[Floats, ...]]]:
    return [each.batches for each in missed], [each.runs for each in missed]


def _slow_statistics(what: str, missed: Sequence[Missed], errors: Sequence[Estimate]) -> tuple[Statistic, ...]:
    return tuple(
        Statistic(f"Error of {what}, by {_meter_words(each)}", _scaled(error, 100), "%")
        for each, error in zip(missed, errors, strict=True)
    )


def _meter_words(missed: Missed) -> str:
    return f"{missed.rate_hz:g} {'means' if missed.averages else 'readings'} a second"


def _too_slow(error: Estimate, margin: float) -> Verdict:
    if error.low > margin:
        return Verdict.HOLDS
    return Verdict.DOES_NOT_HOLD if error.high <= margin else Verdict.NOT_ENOUGH_DATA


def _busy(trace: Trace) -> Floats:
    inside = (trace.power.times_ns >= trace.start_ns[0]) & (trace.power.times_ns <= trace.end_ns[-1])
    values: Floats = trace.power.values[inside]
    return values


def _middle(values: Floats) -> Estimate:
    """The median, with an interval by redrawing."""
    random = np.random.default_rng(0)
    drawn = np.median(values[random.integers(len(values), size=(2000, len(values)))], axis=1)
    low, high = np.quantile(drawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Estimate(float(np.median(values)), float(low), float(high))


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor)


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)
