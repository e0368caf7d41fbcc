# SPDX-License-Identifier: Apache-2.0
"""What one's own trace says of the meter that it takes: the bandwidth of the work, and what slower meters miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.bootstrap import Estimate
from monitor_app.analysis.findings.finding import CONFIDENCE, Finding, Statistic, Verdict, within
from monitor_app.analysis.findings.margins import Margins
from monitor_app.analysis.findings.paper import BANDWIDTH_HZ, SLOW_METERS_HZ
from monitor_app.analysis.findings.wording import interval, number
from monitor_app.analysis.integration import Integral
from monitor_app.analysis.steady import Readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARE = 0.99
"""Part of the power of the fluctuations that lies below the needed bandwidth."""
RESOLUTION_HZ = 4.0
OVERSAMPLED = 4.0
"""A meter must be so much faster than one it is to stand in for."""
PHASES = 24
"""Moments at which a slower meter may have begun."""
LEAST_TRACES = 3
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
    """What a meter of another rate makes of the same runs; relative errors of the net energy."""

    rate_hz: float
    run: Floats
    """Of a run, all runs and phases, shape (k,)."""
    batch: Floats
    """Of a single batch, likewise."""

    def of_run(self) -> float:
        """Error that 95 of 100 runs do not exceed."""
        return float(np.quantile(np.abs(self.run), 0.95))

    def of_batch(self) -> float:
        """Error that 95 of 100 batches do not exceed."""
        return float(np.quantile(np.abs(self.batch), 0.95))


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

    Power spectra by Welch (1967, IEEE Trans. Audio Electroacoust. 15:70) of the timed span less that of the idle one,
    which holds what regulators and the meter's own noise add at any time.
    """
    inside = (trace.power.times_ns >= trace.start_ns[0]) & (trace.power.times_ns <= trace.end_ns[-1])
    frequencies, busy = _spectrum(trace.power.values[inside], trace.rate_hz)
    _, idle = _spectrum(trace.idle, trace.rate_hz)
    if busy is None or idle is None or frequencies is None:
        return None
    added = np.maximum(busy - idle, 0.0)
    sums = np.cumsum(added)
    if sums[-1] <= 0:
        return None
    return float(frequencies[np.searchsorted(sums, SHARE * sums[-1])])


def missed_at(traces: Sequence[Trace], rate_hz: float) -> Missed:
    """What a meter that reads the power at that rate, at once and rarely, would have made of these runs."""
    runs: list[float] = []
    batches: list[Floats] = []
    for trace in traces:
        whole = Integral(trace.power)
        idle_w = float(trace.idle.mean())
        true = _net_j(whole, trace, idle_w)
        step = max(round(trace.rate_hz / rate_hz), 1)
        for phase in np.unique(np.linspace(0, step, PHASES, endpoint=False).astype(int)):
            seen = Readings(trace.power.times_ns[phase::step], trace.power.values[phase::step])
            if len(seen.values) < 2:
                continue
            found = _net_j(Integral(seen), trace, idle_w)
            runs.append(float(found.sum() / true.sum()) - 1)
            batches.append(found / true - 1)
    return Missed(rate_hz, np.array(runs), np.concatenate(batches) if batches else np.empty(0))


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
    fast = usable(traces, 2 * BANDWIDTH_HZ / OVERSAMPLED)
    found = np.array([hz for trace in fast if (hz := bandwidth_hz(trace)) is not None])
    statistics: tuple[Statistic, ...] = ()
    if len(found) < LEAST_TRACES:
        verdict = Verdict.NOT_ENOUGH_DATA
        sentence = (
            f"The spectra of {LEAST_TRACES} runs are needed, by a meter of {2 * BANDWIDTH_HZ:.0f} values a second or "
            "more."
        )
    else:
        needed = _middle(found)
        verdict = within(needed, BANDWIDTH_HZ / margins.bandwidth, BANDWIDTH_HZ * margins.bandwidth)
        statistics = (
            Statistic("Bandwidth of 99 % of the fluctuations, median of the runs", needed, "Hz"),
            Statistic("Values a second that it takes", _scaled(needed, 2.0), "1/s"),
        )
        sentence = (
            f"99 % of the fluctuations that the work adds to the power lie below {interval(needed, 'Hz')}, median of "
            f"{len(found)} runs, so at least {number(2 * needed.value)} values a second are needed to see them."
        )
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
    missed = [missed_at(each, rate_hz) for each, rate_hz in zip(fast, SLOW_METERS_HZ, strict=True) if each]
    statistics: tuple[Statistic, ...] = ()
    caution = ""
    if len(missed) < len(SLOW_METERS_HZ) or min(len(each) for each in fast) < LEAST_TRACES:
        verdict = Verdict.NOT_ENOUGH_DATA
        sentence = f"{LEAST_TRACES} runs of a second or more are needed, by a meter many times faster."
    else:
        short = [each.of_batch() > margins.meter for each in missed]
        verdict = Verdict.HOLDS if all(short) else Verdict.DOES_NOT_HOLD
        statistics = tuple(
            Statistic(f"Error of the energy of {what} at {each.rate_hz:g} values a second", _exact(100 * error), "%")
            for each in missed
            for what, error in (("a batch", each.of_batch()), ("a run", each.of_run()))
        )
        told = "; ".join(
            f"at {each.rate_hz:g} values a second the net energy of a batch is wrong by up to "
            f"{number(100 * each.of_batch())} % and that of a whole run by up to {number(100 * each.of_run())} %"
            for each in missed
        )
        sentence = f"In 95 of 100 cases, {told}."
        good = [each for each in missed if each.of_run() <= margins.meter]
        if good:
            rates = " and ".join(f"{each.rate_hz:g}" for each in good)
            caution = f"For the mean over runs as long as these, {rates} values a second would have been enough."
    return Finding(
        key="slow-meters",
        claim="Meters of 12 and of 2 values a second are too slow to measure what a network takes.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure=_FIGURE,
        margin=f"{margins.meter:.0%} of the net energy of a batch, in 95 of 100 cases",
        caution=caution,
        simulated=simulated,
    )


def _net_j(integral: Integral, trace: Trace, idle_w: float) -> Floats:
    seconds = (trace.end_ns - trace.start_ns) * _S
    net: Floats = integral.between(trace.start_ns, trace.end_ns) - idle_w * seconds
    return net


def _spectrum(values: Floats, rate_hz: float) -> tuple[Floats | None, Floats | None]:
    """Frequencies above 0 in Hz, and the power of the fluctuations at each; None of too few samples."""
    size = round(rate_hz / RESOLUTION_HZ)
    if size < 8 or len(values) < size:
        return None, None
    starts = np.arange(0, len(values) - size + 1, max(size // 2, 1))
    window = np.hanning(size)
    pieces = np.lib.stride_tricks.sliding_window_view(values, size)[starts]
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * window
    power = (np.abs(np.fft.rfft(pieces, axis=1)) ** 2).mean(axis=0)
    # The two lowest bins hold what the window smears of the mean, and drifts, which any meter sees.
    frequencies: Floats = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float64)
    return frequencies[2:], power[2:]


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
