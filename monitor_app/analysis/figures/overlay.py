# SPDX-License-Identifier: Apache-2.0
"""Two runs of a session laid over each other: their power since the start, one batch of each, and what differs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.figures.inferences import FOLDED_AXES, as_tuple, origin_of
from monitor_app.analysis.run.folding import Folded, difference, fold
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import decimals_of, fixed, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.compare.two_runs import RunChange
    from monitor_app.analysis.run.pair import PairInputs

    Floats = NDArray[np.float64]
    Two = tuple[PairInputs, PairInputs]

COLUMNS = 700
"""Of a drawn run."""
REAL, WITHIN = "#9d8cf2", "#8a939e"
NO_POWER = "The session has no power of the board."
CAUTION = "What changes from one run to the next is in no interval: only repetitions show it."
_S = 1e-9


def run_name(inputs: PairInputs) -> str:
    """Of one of the two."""
    run = inputs.run
    return "" if run is None else f"run {run.id}, {run.label}"


def traces_chart(two: Two) -> Chart:
    """The power of both since their first timed batch: means with the least and the largest sample of each column."""
    lines = tuple(line for each in two if (line := _trace(each)) is not None)
    return Chart(
        "overlay", None, "Power of both runs", Axis("time since the first timed batch", "s"), Axis("power", "W"), (),
        lines, caption="Bands reach from the least to the largest sample.", missing=() if lines else (NO_POWER,),
        simulated=any(each.power_simulated for each in two),
    )  # fmt: skip


def folded_chart(two: Two) -> tuple[Chart, Chart]:
    """The mean waveforms of a batch of both, and the second less the first."""
    found = [fold(each.detail, each.batches) for each in two]
    missing = tuple(f"{run_name(each)}: {why}" for each, why in zip(two, found, strict=True) if isinstance(why, str))
    simulated = any(each.power_simulated or each.times_simulated for each in two)
    title, key = "Mean waveform of a batch of both runs", "overlay-folded"
    less = f"{run_name(two[1])} less {run_name(two[0])}"
    first, second = found
    if isinstance(first, str) or isinstance(second, str):
        both = Chart(key, None, title, *FOLDED_AXES, (), missing=missing, simulated=simulated)
        none = Chart("overlay-difference", None, DIFFERENCE, *FOLDED_AXES, (), missing=missing, simulated=simulated)
        return both, none
    lines = tuple(_mean(each, folded) for each, folded in zip(two, (first, second), strict=True))
    caption = "Batches are aligned at their start. Each band holds the whole mean with a probability of 95 %."
    both = Chart(key, None, title, *FOLDED_AXES, (), lines, caption=caption, simulated=simulated)
    return both, _difference(first, second, less, origin_of(simulated), simulated=simulated)


DIFFERENCE = "Difference of the mean waveforms"


def changes_chart(two: Two, changes: tuple[RunChange, ...]) -> Chart:
    """By how many percent each quantity differs, with its interval."""
    simulated = any(each.power_simulated or each.times_simulated for each in two)
    series = []
    for real, name, colour in ((True, "a real difference", REAL), (False, "no difference is shown", WITHIN)):
        points = tuple(
            Point(_place(k), _percent(each.ratio), label=each.name, short=f"{_whole_percent(each.ratio)} %")
            for k, each in enumerate(changes)
            if each.real is real
        )
        if points:
            series.append(Series(name, colour, points, origin_of(simulated)))
    names = tuple(each.name for each in changes)
    zero = Line("no change", (-0.5, len(names) - 0.5), (0.0, 0.0), Origin.GIVEN)
    caption = " ".join([*(each.sentence for each in changes), CAUTION]) if changes else ""
    missing = () if changes else ("Neither run has results that can be compared.",)
    axis = Axis("", "", Scale.CATEGORY, names)
    change = Axis(f"change from run {_id(two[0])} to run {_id(two[1])}", "%")
    return Chart(
        "overlay-changes", None, "What differs", axis, change, tuple(series), (zero,) if changes else (),
        caption=caption, missing=missing, simulated=simulated,
    )  # fmt: skip


def _id(inputs: PairInputs) -> int:
    return 0 if inputs.run is None else inputs.run.id


def _place(k: int) -> Estimate:
    return Estimate(float(k), float(k), float(k), 1.0)


def _whole_percent(ratio: Estimate) -> str:
    """With the digits that its interval supports."""
    percent = _percent(ratio)
    half = max(percent.value - percent.low, percent.high - percent.value)
    return fixed(percent.value, decimals_of(percent.value, half if math.isfinite(half) else None))


def _percent(ratio: Estimate) -> Estimate:
    value, low, high = (100 * (each - 1) for each in (ratio.value, ratio.low, ratio.high))
    return Estimate(value, low, high, ratio.level)


def _trace(inputs: PairInputs) -> Line | None:
    power, batches = inputs.power, inputs.batches
    if not len(power.values) or not len(batches.start_ns):
        return None
    x = (power.times_ns - int(batches.start_ns[0])) * _S
    edges = np.unique(np.arange(COLUMNS) * len(x) // COLUMNS)
    sizes = np.diff(np.append(edges, len(x)))
    means = [np.add.reduceat(each, edges) / sizes for each in (x, power.values)]
    low, high = np.minimum.reduceat(power.values, edges), np.maximum.reduceat(power.values, edges)
    origin = origin_of(inputs.power_simulated)
    return Line(
        run_name(inputs), as_tuple(means[0]), as_tuple(means[1]), origin, as_tuple(low), as_tuple(high), whole=True
    )


def _mean(inputs: PairInputs, folded: Folded) -> Line:
    x = as_tuple(1e3 * folded.times_s)
    origin = origin_of(inputs.power_simulated)
    return Line(
        run_name(inputs), x, as_tuple(folded.mean), origin, as_tuple(folded.low), as_tuple(folded.high), whole=True
    )


def _difference(first: Folded, second: Folded, less: str, origin: Origin, *, simulated: bool) -> Chart:
    found = difference(first, second)
    x = as_tuple(1e3 * found.times_s)
    line = Line(less, x, as_tuple(found.mean), origin, as_tuple(found.low), as_tuple(found.high), whole=True)
    zero = Line("no difference", (x[0], x[-1]), (0.0, 0.0), Origin.GIVEN)
    during = (found.times_s >= 0) & (found.times_s <= min(first.length_s, second.length_s))
    fraction = float(found.real[during].mean())
    if fraction:
        largest = float(found.mean[during][np.argmax(np.abs(found.mean[during]))])
        words = (
            f"Zero lies outside the band during {100 * fraction:.0f} % of the time that both run: there the power "
            f"really differs, by up to {number(abs(largest), 'W')}."
        )
    else:
        words = "Zero lies in the band at all times that both run: no difference is shown."
    caption = f"{words} The band holds the whole difference with a probability of 95 %."
    axes = FOLDED_AXES[0], Axis("difference of power", "W")
    return Chart("overlay-difference", None, DIFFERENCE, *axes, (), (line, zero), caption=caption, simulated=simulated)
