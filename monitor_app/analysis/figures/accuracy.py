# SPDX-License-Identifier: Apache-2.0
"""Figures of accuracy against its cost, at one batch size: figure 9 of the paper, and the fronts of time and energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.figures.groups import at_batch, groups_of
from monitor_app.analysis.figures.lines import (
    Law,
    bounds,
    fitted,
    front_line,
    front_places,
    reciprocal,
    upright_budget,
)
from monitor_app.analysis.figures.points import chart, plot
from monitor_app.analysis.figures.quantities import GROSS_ENERGY, NET_ENERGY, THROUGHPUT, TIME, TOP1, work, work_words
from monitor_app.analysis.statistics.pareto import Better

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.figures.options import Options
    from monitor_app.analysis.figures.points import Plotted
    from monitor_app.analysis.figures.quantities import Quantity
    from monitor_app.charts.model import Chart, Line


def top1_throughput(campaigns: Sequence[Campaign], options: Options, batch_size: int) -> Chart:
    """Figure 9: accuracy against images per second."""
    plots = _plots(campaigns, options, batch_size, THROUGHPUT)
    _, extra = _laws(plots, Law("top-1 [%] = {intercept} {+slope} f, f in 1/s"), Better.HIGH)
    return chart(
        f"top1-throughput-b{batch_size}",
        9,
        f"Top-1 accuracy against images per second at batch {batch_size}",
        (THROUGHPUT, TOP1),
        plots,
        f"Top-1 accuracy against throughput; the area of a bubble is the number of {work_words(macs=options.macs)} per "
        "image. The line is the upper bound: no network lies in the shaded region above it. Of all straight lines with "
        "none above, it is the nearest to the networks on the Pareto front.",
        lines=bounds(plots, "top-1 [%] ≤ {intercept} {+slope} f, f in 1/s"),
        size=work(macs=options.macs),
        extra=extra,
    )


def top1_time(campaigns: Sequence[Campaign], options: Options, batch_size: int) -> Chart:
    """Accuracy against time per image, with the Pareto front, the hyperbola fitted to it and a budget of time."""
    plots = _plots(campaigns, options, batch_size, TIME)
    lines, extra = _laws(plots, Law("top-1 [%] = {intercept} {+slope} / t, t in ms", reciprocal), Better.LOW)
    limit_s = options.budgets.time_s
    limits = () if limit_s is None else upright_budget(limit_s * 1e3, "ms", plots, best=True)
    return chart(
        f"top1-time-b{batch_size}",
        12,
        f"Top-1 accuracy against time per image at batch {batch_size}",
        (TIME, TOP1),
        plots,
        "The step line is the Pareto front: the best accuracy at or below each time. The curve is a hyperbola fitted "
        "to the networks on it.",
        lines=(*_fronts(plots), *lines, *limits),
        size=work(macs=options.macs),
        extra=extra,
    )


def top1_energy(campaigns: Sequence[Campaign], options: Options, batch_size: int) -> Chart:
    """Accuracy against energy per image, with the Pareto front, the curve fitted to it and a budget of energy."""
    energy = GROSS_ENERGY if options.gross else NET_ENERGY
    plots = _plots(campaigns, options, batch_size, energy)
    lines, extra = _laws(plots, Law("top-1 [%] = {intercept} {+slope} / E, E in J", reciprocal), Better.LOW)
    limit_j = options.budgets.energy_j
    limits = () if limit_j is None else upright_budget(limit_j, "J", plots, best=True)
    return chart(
        f"top1-energy-b{batch_size}",
        13,
        f"Top-1 accuracy against energy per image at batch {batch_size}",
        (energy, TOP1),
        plots,
        "The step line is the Pareto front: the best accuracy at or below each energy. The curve is a fit of "
        "A - k/E through the middle of the networks on it, so some of them lie above it.",
        lines=(*_fronts(plots), *lines, *limits),
        size=work(macs=options.macs),
        extra=extra,
    )


def _plots(campaigns: Sequence[Campaign], options: Options, batch_size: int, x: Quantity) -> tuple[Plotted, ...]:
    return plot(at_batch(groups_of(campaigns, options), batch_size), x, TOP1, size=work(macs=options.macs))


def _fronts(plots: Sequence[Plotted]) -> tuple[Line, ...]:
    return tuple(line for each in plots for line in front_line(each, Better.LOW, Better.HIGH))


def _laws(plots: Sequence[Plotted], law: Law, x_better: Better) -> tuple[list[Line], dict[str, float]]:
    lines: list[Line] = []
    extra: dict[str, float] = {}
    for each in plots:
        drawn, numbers = fitted(each, law, front_places(each, x_better, Better.HIGH))
        lines += drawn
        extra |= numbers
    return lines, extra
