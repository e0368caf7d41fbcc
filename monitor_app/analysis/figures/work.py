# SPDX-License-Identifier: Apache-2.0
"""The spans of a program as charts: for each name its energy and its time, as distributions with percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.figures.inferences import as_tuple, origin_of, upright
from monitor_app.analysis.program_summary import PERCENTS
from monitor_app.analysis.run.distribution import cumulative, histogram
from monitor_app.charts.model import Axis, Chart, Line
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.program_summary import NamedWork, ProgramSummary
    from monitor_app.charts.model import Origin

    Floats = NDArray[np.float64]

NO_SPANS = "The program has marked no spans: `monitor-app mark --where` prints the folder of the files for that."


def work_charts(summary: ProgramSummary) -> tuple[Chart, ...]:
    """Two distributions of each name; those of its energy first."""
    charts: list[Chart] = []
    for work in summary.work:
        charts += _energy_charts(work, simulated=summary.simulated)
        charts += _time_charts(work, simulated=summary.simulated)
    return tuple(charts) or (_nothing(),)


def work_histograms(summary: ProgramSummary, most: int) -> tuple[Chart, ...]:
    """Of the first `most` names: the energy of single spans, where the meter resolved them, and their time."""
    charts: list[Chart] = []
    for work in summary.work[:most]:
        charts += _energy_charts(work, simulated=summary.simulated)[:1] if len(work.each_j) else []
        charts += _time_charts(work, simulated=summary.simulated)[:1]
    return tuple(charts)


def _nothing() -> Chart:
    return Chart("work", None, "Spans", Axis("energy of a span", "mJ"), Axis("spans", ""), (), missing=(NO_SPANS,))


def _energy_charts(work: NamedWork, *, simulated: bool) -> list[Chart]:
    what = "net energy" if work.net_j is not None else "energy"
    energy = work.net_j or work.gross_j
    missing: tuple[str, ...] = ()
    if not len(work.each_j):
        missing = (work.reason or "Single spans are shorter than the meter resolves: only their mean is known.",)
    mean = "" if energy is None else f"mean {interval(energy, 'mJ', 1e3)}"
    if energy is None and work.at_most_j is not None:
        mean = f"on average no more than {number(1e3 * work.at_most_j, 'mJ')} of the whole board"
    percents = [] if work.percentiles_j is None else [1e3 * value for value in work.percentiles_j]
    per_image = "" if work.j_per_image is None else f"; {interval(work.j_per_image, 'mJ', 1e3)} per image"
    caption = f"{_count(work)}: {mean}{per_image}." if mean else f"{_count(work)}."
    axis = Axis(f"{what} of a span", "mJ")
    return _pair(f"energy of {work.name}", what, axis, 1e3 * work.each_j, percents, caption, missing, simulated)


def _time_charts(work: NamedWork, *, simulated: bool) -> list[Chart]:
    values = 1e3 * work.seconds
    percents = [1e3 * value for value in work.percentiles_s]
    caption = f"{_count(work)}: mean {number(float(values.mean()), 'ms')}, largest {number(float(values.max()), 'ms')}."
    # How long something took was measured, whatever the board is.
    del simulated
    return _pair(f"time of {work.name}", "time", Axis("time of a span", "ms"), values, percents, caption, (), False)


def _count(work: NamedWork) -> str:
    return f"{work.spans:,} spans “{work.name}”"


def _pair(
    key: str,
    what: str,
    axis: Axis,
    values: Floats,
    percents: Sequence[float],
    caption: str,
    missing: tuple[str, ...],
    simulated: bool,
) -> list[Chart]:
    """A histogram and a cumulative distribution."""
    origin, name = origin_of(simulated), key.partition(" of ")[2]
    outline: list[Line] = []
    steps: list[Line] = []
    if len(values):
        x, y = histogram(values).outline()
        zeros = as_tuple(np.zeros(len(y)))
        outline = [Line("spans", as_tuple(x), as_tuple(y), origin, zeros, as_tuple(y))]
        outline += _uprights(percents, float(y.max()), axis, origin)
        x, y = cumulative(values)
        steps = [Line("spans", as_tuple(x), as_tuple(100 * y), origin, whole=True)]
        steps += _uprights(percents, 100.0, axis, origin)
    title = f"{name}: {what}"
    return [
        Chart(
            f"{key}: histogram", None, f"{title}, histogram", axis, Axis("spans", ""), (), tuple(outline),
            caption=caption, missing=missing, simulated=simulated,
        ),
        Chart(
            f"{key}: distribution", None, f"{title}, distribution", axis,
            Axis("spans that took no more", "%"), (), tuple(steps), caption=caption, missing=missing,
            simulated=simulated,
        ),
    ]  # fmt: skip


def _uprights(percents: Sequence[float], top: float, axis: Axis, origin: Origin) -> list[Line]:
    return [
        upright(f"p{percent}", value, 0.0, top, origin, number(value, axis.unit))
        for percent, value in zip(PERCENTS, percents, strict=False)
        if percent in (5, 50, 95)
    ]
