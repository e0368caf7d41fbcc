# SPDX-License-Identifier: Apache-2.0

"""The inferences of an interval as charts: time and energy of batches, their folded power, its spectrum, its peak."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.distribution import cumulative, histogram
from monitor_app.analysis.run.folding import Folded, fold
from monitor_app.analysis.run.largest_window import largest_window
from monitor_app.analysis.run.latency import LatencySummary, summarise_latency
from monitor_app.analysis.statistics.spectrum import amplitude_density
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.core.estimate import Estimate, exact
from monitor_app.core.formatting import interval, number, span_of_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from monitor_app.analysis.run.largest_window import LargestWindow
    from monitor_app.analysis.run.pair import PairInputs

    Floats = NDArray[np.float64]

PERCENTILES = ((50, "p50"), (90, "p90"), (95, "p95"), (99, "p99"))
COLOUR = "#9d8cf2"
MOST_POINTS = 1500
"""Of a drawn line."""
PEAK_COLOUR = "#f2b134"
NO_BATCHES = "No batch lies wholly within this pair."
NO_POWER = "The session has no power of the board in this pair."
TOO_FEW = "A percentile is shown only where at least ten independent batches lie beyond it."
FOLDED_AXES = Axis("time since the start of a batch", "ms"), Axis("power", "W")
_S = 1e-9


def latency_histogram(inputs: PairInputs) -> Chart:
    """How long the batches took."""
    values, origin = 1e3 * inputs.latencies_s, origin_of(inputs.times_simulated)
    return _histogram(
        "latency-histogram", "Time of a batch: histogram", Axis("time of a batch", "ms"), values, inputs, origin
    )


def latency_cdf(inputs: PairInputs) -> Chart:
    """The same as a cumulative distribution, with percentiles and their intervals."""
    values, origin = 1e3 * inputs.latencies_s, origin_of(inputs.times_simulated)
    return _cdf(
        "latency-cdf", "Time of a batch: cumulative distribution", Axis("time of a batch", "ms"), values, inputs, origin
    )


def energy_histogram(inputs: PairInputs) -> Chart:
    """How much energy the batches took."""
    values, what, missing = _energies(inputs)
    axis = Axis(f"{what} of a batch", "mJ")
    origin = origin_of(inputs.power_simulated or inputs.times_simulated)
    return _histogram(
        "energy-histogram", f"{what.capitalize()} of a batch: histogram", axis, values, inputs, origin, missing
    )


def energy_cdf(inputs: PairInputs) -> Chart:
    """The same as a cumulative distribution."""
    values, what, missing = _energies(inputs)
    axis = Axis(f"{what} of a batch", "mJ")
    origin = origin_of(inputs.power_simulated or inputs.times_simulated)
    title = f"{what.capitalize()} of a batch: cumulative distribution"
    return _cdf("energy-cdf", title, axis, values, inputs, origin, missing)


def folded_chart(inputs: PairInputs) -> Chart:
    """The batches laid over each other at their start."""
    found = fold(inputs.detail, inputs.batches) if len(inputs.batches.images) else NO_BATCHES
    missing = (found,) if isinstance(found, str) else ()
    lines = () if isinstance(found, str) else tuple(folded_lines(found, origin_of(inputs.power_simulated)))
    caption = ""
    if not isinstance(found, str):
        caption = (
            f"{found.batches:,} of {inputs.name}, laid over each other at their start; the upright line is their "
            "median end. The band of the mean holds the whole mean of such batches with a probability of 95 %."
        )
    return Chart(
        "folded", None, "Mean waveform of a batch", *FOLDED_AXES, (), lines,
        caption=caption, missing=missing, simulated=inputs.power_simulated or inputs.times_simulated,
    )  # fmt: skip


def folded_lines(found: Folded, origin: Origin) -> Iterator[Line]:
    """The spread of the batches, their end, and in front of both the mean with its band."""
    x, (p05, p25, p75, p95) = as_tuple(1e3 * found.times_s), found.spread
    mean = as_tuple(found.mean)
    yield Line("5 to 95 % of the batches", x, mean, origin, as_tuple(p05), as_tuple(p95))
    yield Line("middle half of them", x, mean, origin, as_tuple(p25), as_tuple(p75))
    yield upright("median end", 1e3 * found.length_s, float(p05.min()), float(p95.max()), origin)
    yield Line("mean with its 95 % band", x, mean, origin, as_tuple(found.low), as_tuple(found.high))


def spectrum_chart(inputs: PairInputs) -> Chart:
    """Of the power in the whole pair."""
    power = inputs.detail
    missing: tuple[str, ...] = ()
    lines: list[Line] = []
    caption = ""
    rate_hz = _rate_hz(inputs)
    found = amplitude_density(power.values, rate_hz) if rate_hz else None
    if found is None:
        missing = (NO_POWER if len(power.values) < 2 else "The pair is too short for a spectrum.",)
    elif _has_gaps(inputs):
        missing = ("Samples are missing in this pair, and a spectrum needs all of them.",)
    else:
        x, y = _thinned_log(found.frequencies_hz, found.power)
        lines = [Line("power", as_tuple(x), as_tuple(y), origin_of(inputs.power_simulated))]
        caption = f"Amplitude spectral density (Welch, Hann window, {found.pieces} pieces){_part(inputs)}."
        at_hz = _batch_rate_hz(inputs)
        if at_hz is not None and x[0] <= at_hz <= x[-1]:
            lines.append(
                upright(
                    "rate of batches", at_hz, float(y.min()), float(y.max()), lines[0].origin, f"{number(at_hz)} Hz"
                )
            )
    return Chart(
        "spectrum", None, "Spectrum of the power", Axis("frequency", "Hz", Scale.LOG),
        Axis("amplitude density", "W/√Hz", Scale.LOG), (), tuple(lines), caption=caption, missing=missing,
        simulated=inputs.power_simulated,
    )  # fmt: skip


def window_chart(inputs: PairInputs, length_s: float, origin_ns: int) -> tuple[Chart, LargestWindow | None]:
    """The mean power over windows of a length, and the largest of them; times are since ``origin_ns``."""
    found = largest_window(inputs.power, round(length_s / _S))
    title = f"Mean power over {span_of_time(length_s)}"
    axes = Axis("start of the window", "s"), Axis("mean power", "W")
    if found is None:
        text = NO_POWER if len(inputs.power.values) < 2 else "No window of that length lies in this pair without a gap."
        return Chart("largest-window", None, title, *axes, (), missing=(text,)), None
    x, y = _thinned(((found.starts_ns - origin_ns) * _S).astype(np.float64), found.means_w)
    origin = origin_of(inputs.power_simulated)
    at_s = (found.start_ns - origin_ns) * _S
    label = f"{number(found.mean_w)} W"
    peak = Series("largest", PEAK_COLOUR, (Point(exact(at_s), exact(found.mean_w), label=label, short=label),), origin)
    caption = (
        f"The largest window begins at {at_s:.6f} s: {number(found.mean_w)} W, {number(found.energy_j)} J. "
        "Each point of the line is the mean power of the window that begins there."
    )
    line = Line("mean power of a window", as_tuple(x), as_tuple(y), origin, whole=True)
    chart = Chart(
        "largest-window", None, title, *axes, (peak,), (line,), caption=caption, simulated=inputs.power_simulated
    )
    return chart, found


# -- distributions -------------------------------------------------------------------------------


def _histogram(
    key: str, title: str, axis: Axis, values: Floats, inputs: PairInputs, origin: Origin, missing: tuple[str, ...] = ()
) -> Chart:
    lines: list[Line] = []
    if len(values):
        x, y = histogram(values).outline()
        zeros = np.zeros(len(y))
        lines.append(Line("batches", as_tuple(x), as_tuple(y), origin, as_tuple(zeros), as_tuple(y)))
        summary = _summary(values)
        lines += [
            upright(name, found.value, 0.0, float(y.max()), origin, interval(found, axis.unit))
            for name, found in _percentiles(summary)
        ]
    return Chart(
        key, None, title, axis, Axis("batches", ""), (), tuple(lines), caption=_caption(inputs, values, axis),
        missing=missing if len(values) else missing or (NO_BATCHES,), simulated=origin is Origin.SIMULATED,
    )  # fmt: skip


def _cdf(
    key: str, title: str, axis: Axis, values: Floats, inputs: PairInputs, origin: Origin, missing: tuple[str, ...] = ()
) -> Chart:
    lines: list[Line] = []
    points: list[Series] = []
    if len(values):
        x, y = cumulative(values)
        lines.append(Line("batches", as_tuple(x), as_tuple(100 * y), origin, whole=True))
        summary = _summary(values)
        places = {name: float(percent) for percent, name in (*PERCENTILES, (50, "median"))}
        for name, found in _percentiles(summary):
            label = f"{name}  {interval(found, axis.unit)}"
            points.append(Series(name, COLOUR, (Point(found, exact(places[name]), label=label, short=label),), origin))
    return Chart(
        key, None, title, axis, Axis("batches that took no more", "%"), tuple(points), tuple(lines),
        caption=_caption(inputs, values, axis), missing=missing if len(values) else missing or (NO_BATCHES,),
        simulated=origin is Origin.SIMULATED,
    )  # fmt: skip


def _summary(values: Floats) -> LatencySummary:
    """Of any series of batches in their order: its percentiles with their intervals."""
    return summarise_latency(values, resamples=300)


def _percentiles(summary: LatencySummary) -> list[tuple[str, Estimate]]:
    """Those that the batches support, and the median of these very batches in any case."""
    found = [("p50", summary.p50), ("p90", summary.p90), ("p95", summary.p95), ("p99", summary.p99)]
    known = [(name, each) for name, each in found if each is not None]
    return known if summary.p50 is not None else [("median", exact(summary.median_s)), *known]


def _caption(inputs: PairInputs, values: Floats, axis: Axis) -> str:
    if not len(values):
        return ""
    summary = _summary(values)
    few = f" {TOO_FEW}" if summary.p99 is None else ""
    largest = number(float(values.max()), axis.unit)
    return f"{inputs.name}: mean {interval(summary.mean, axis.unit)}, largest {largest}.{few}"


def _energies(inputs: PairInputs) -> tuple[Floats, str, tuple[str, ...]]:
    """Of each batch in mJ, what they are, and why there are none."""
    summary = inputs.energy
    if summary is None:
        return np.empty(0), "energy", (NO_BATCHES if inputs.run is None else NO_POWER,)
    figure, what = (summary.gross, "energy") if summary.net is None else (summary.net, "net energy")
    if figure.percentiles_j is None:
        return np.empty(0), what, ("The meter gives too few values in a batch for an energy of its own.",)
    return 1e3 * figure.batch_j, what, (summary.timing_warning,) if summary.timing_warning else ()


# -- lines ---------------------------------------------------------------------------------------


def origin_of(simulated: bool) -> Origin:
    """Of what was measured here."""
    return Origin.SIMULATED if simulated else Origin.MEASURED


def upright(title: str, at: float, low: float, high: float, origin: Origin, text: str = "") -> Line:
    """At one value of x."""
    return Line(title, (at, at), (low, high), origin, text=text)


def as_tuple(values: Floats) -> tuple[float, ...]:
    """For a chart."""
    return tuple(values.tolist())


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The largest value of each of ``MOST_POINTS`` groups, where there are more; what is no number is left out."""
    kept = np.isfinite(y)
    x, y = x[kept], y[kept]
    if len(x) <= MOST_POINTS:
        return x, y
    edges = np.arange(MOST_POINTS) * len(x) // MOST_POINTS
    best = [a + int(np.argmax(y[a:b])) for a, b in zip(edges, np.append(edges[1:], len(x)), strict=True)]
    return x[best], y[best]


def _thinned_log(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Root mean squares of groups that are equally wide on a logarithmic axis."""
    if len(x) <= MOST_POINTS // 2:
        return x, y
    edges = np.unique(np.searchsorted(x, np.geomspace(x[0], x[-1], MOST_POINTS // 2)))
    sizes = np.diff(np.append(edges, len(x)))
    return np.add.reduceat(x, edges) / sizes, np.sqrt(np.add.reduceat(y**2, edges) / sizes)


def _rate_hz(inputs: PairInputs) -> float | None:
    times = inputs.detail.times_ns
    return None if len(times) < 2 else 1e9 / float(np.median(np.diff(times)))


def _has_gaps(inputs: PairInputs) -> bool:
    steps = np.diff(inputs.detail.times_ns)
    return bool((steps > 2 * np.median(steps)).any())


def _part(inputs: PairInputs) -> str:
    """Which part of a long pair was looked at."""
    times = inputs.detail.times_ns
    length_s = float(times[-1] - times[0]) * _S
    whole_s = (inputs.end_ns - inputs.start_ns) * _S
    return f" of the middle {span_of_time(length_s)} of the pair" if length_s < 0.9 * whole_s else ""


def _batch_rate_hz(inputs: PairInputs) -> float | None:
    starts = inputs.batches.start_ns
    if len(starts) < 2:
        return None
    between_s = float(np.median(np.diff(starts))) * _S
    return 1 / between_s if between_s > 0 and math.isfinite(between_s) else None
