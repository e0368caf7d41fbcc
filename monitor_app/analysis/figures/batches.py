# SPDX-License-Identifier: Apache-2.0
"""Figures over all batch sizes: 3, 4 and 5 of the paper, and energy per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.figures.colours import NEUTRAL
from monitor_app.analysis.figures.groups import PAPER, groups_of
from monitor_app.analysis.figures.lines import front_line, level_budget, upright_budget
from monitor_app.analysis.figures.points import chart, plot
from monitor_app.analysis.figures.quantities import (
    ANSWER_TIME,
    BATCH,
    GROSS_ENERGY,
    MEMORY,
    NET_ENERGY,
    NET_POWER,
    TIME,
)
from monitor_app.analysis.statistics.pareto import Better
from monitor_app.charts.model import Line, Origin, Point, Series
from monitor_app.core import canziani2016 as paper
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.figures.groups import Group
    from monitor_app.analysis.figures.options import Options
    from monitor_app.analysis.figures.points import Plotted
    from monitor_app.charts.model import Chart

_WHOLE_SYSTEM = "the memory of the whole system"
_ACCOUNTS = {
    "pss": "the proportional set size of the process",
    "system": _WHOLE_SYSTEM,
    "cuda_allocated": "the memory of tensors on the GPU",
    "cuda_reserved": "the memory that torch reserved on the GPU",
    "nvml": "the GPU memory of the process by its driver",
}


def time_batch(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 3: time per image against batch size."""
    return chart(
        "time-batch",
        3,
        "Forward time per image against batch size",
        (BATCH, TIME),
        plot(groups_of(campaigns, options), BATCH, TIME, joined=True),
        "Mean time of a timed batch divided by the batch size; both axes are logarithmic. A falling line means that "
        "larger batches make the network faster. A line ends where the next batch does not fit into memory.",
    )


def power_batch(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 4: net power against batch size."""
    groups = groups_of(campaigns, options)
    plots = plot(groups, BATCH, NET_POWER, joined=True)
    return chart(
        "power-batch",
        4,
        "Net power against batch size",
        (BATCH, NET_POWER),
        plots,
        "Mean power of the board while batches run, minus idle power. "
        f"Flat, overlapping lines mean that power depends on neither batch size nor network. {power_words(groups)}",
        lines=_quoted_power(plots) if options.paper else (),
        extra=power_numbers(groups) | (quoted_numbers() if options.paper else {}),
    )


def memory_batch(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 5: memory against batch size."""
    return chart(
        "memory-batch",
        5,
        "Memory against batch size",
        (BATCH, MEMORY),
        plot(groups_of(campaigns, options), BATCH, MEMORY, joined=True),
        f"Peak memory minus the baseline of a process without a network. {memory_account(campaigns)}",
    )


def energy_batch(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Energy per image against batch size, with the knee of each network."""
    energy = GROSS_ENERGY if options.gross else NET_ENERGY
    plots = plot(groups_of(campaigns, options), BATCH, energy, joined=True)
    knees = [_knees(each) for each in plots]
    return chart(
        "energy-batch",
        11,
        "Energy per image against batch size",
        (BATCH, energy),
        plots,
        f"Energy per image {'of the whole board' if options.gross else 'above idle'} against batch size. A ring marks "
        f"the knee, the smallest batch within {NEAR - 1:.0%} of the least energy; its error bar covers the batches "
        f"that the intervals of the energies allow. {_knee_words(plots, knees)}",
        marks=_own_marks(plots, knees),
        extra={key: value for _, numbers in knees for key, value in numbers.items()},
    )


def time_energy(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Energy per image against the time until its answer, over all batch sizes."""
    energy = GROSS_ENERGY if options.gross else NET_ENERGY
    plots = plot(groups_of(campaigns, options), ANSWER_TIME, energy, joined=True)
    lines = [line for each in plots for line in front_line(each, Better.LOW, Better.LOW)]
    answer_s, energy_j = options.budgets.answer_s, options.budgets.energy_j
    if answer_s is not None:
        lines += upright_budget(answer_s * 1e3, "ms", plots)
    if energy_j is not None:
        lines += level_budget(energy_j, "J", plots)
    return chart(
        "time-energy",
        14,
        "Energy per image against the time until its answer",
        (ANSWER_TIME, energy),
        plots,
        "A larger batch can save energy, but each image then waits for the whole batch. Each line joins the batch "
        "sizes of a network. The Pareto front joins the points that no other point beats in both.",
        lines=lines,
    )


def power_numbers(groups: Sequence[Group]) -> dict[str, float]:
    """Mean and standard deviation of the net power of each measured group, for `Chart.extra`."""
    numbers: dict[str, float] = {}
    for each in groups:
        watts = [cell.net_w.value for cell in each.cells if cell.net_w is not None]
        if len(watts) > 1 and not each.paper:
            numbers[f"mean W{each.suffix}"] = float(np.mean(watts))
            numbers[f"standard deviation W{each.suffix}"] = float(np.std(watts, ddof=1))
    return numbers


def power_words(groups: Sequence[Group]) -> str:
    """The same as sentences, one for each measured group."""
    sentences = []
    for each in groups:
        numbers = power_numbers([each])
        if numbers:
            mean, deviation = numbers.values()
            sentences.append(
                each.labelled(f"The points have a mean of {mean:.2f} W and a standard deviation of {deviation:.2f} W.")
            )
    return " ".join(sentences)


def quoted_numbers() -> dict[str, float]:
    """The paper's values of power, for `Chart.extra`."""
    return {
        "mean W (paper)": paper.NET_W,
        "standard deviation W (paper)": paper.NET_DEVIATION_W,
        "idle W (paper)": paper.IDLE_W,
    }


def memory_account(campaigns: Sequence[Campaign]) -> str:
    """The kind of memory use, as a sentence."""
    kinds = dict.fromkeys(c.memory_kind for x in campaigns for c in x.cells if c.memory_kind)
    accounts = [_ACCOUNTS.get(kind, kind) for kind in kinds]
    if accounts == [_WHOLE_SYSTEM]:
        return f"Here and in the paper it is {_WHOLE_SYSTEM}."
    counted = f"Here it is {listed(accounts)}; in" if accounts else "In"
    return f"{counted} the paper it is {_WHOLE_SYSTEM}."


def _quoted_power(plots: Sequence[Plotted]) -> list[Line]:
    batches = [point.x.value for each in plots for point in each.points] or [1.0, 64.0]
    x = (min(batches), max(batches))
    low, mean, high = paper.NET_W - paper.NET_DEVIATION_W, paper.NET_W, paper.NET_W + paper.NET_DEVIATION_W
    text = f"{mean:g} W with a standard deviation of {paper.NET_DEVIATION_W:g} W over all networks"
    return [Line("Net power", x, (mean, mean), Origin.QUOTED, (low, low), (high, high), text, PAPER)]


def _own_marks(plots: Sequence[Plotted], knees: Sequence[tuple[Series, dict[str, float]]]) -> list[Series]:
    """Those of what was measured; of the paper where nothing was."""
    marks = [(each, series) for each, (series, _) in zip(plots, knees, strict=True) if series.points]
    own = [series for each, series in marks if not each.group.paper]
    return own or [series for _, series in marks]


def _knee_words(plots: Sequence[Plotted], knees: Sequence[tuple[Series, dict[str, float]]]) -> str:
    """The networks of each knee, in a sentence for each measured group."""
    sentences = []
    for each, (marks, _) in zip(plots, knees, strict=True):
        at: dict[int, list[str]] = {}
        for point in marks.points:
            at.setdefault(round(point.x.value), []).append(point.short)
        if at and not each.group.paper:
            where = "; ".join(f"at batch {batch} of {listed(networks)}" for batch, networks in sorted(at.items()))
            sentences.append(each.group.labelled(f"Knees are {where}."))
    return " ".join(sentences)


def _knees(plotted: Plotted) -> tuple[Series, dict[str, float]]:
    points, numbers = [], {}
    for series in plotted.series:
        at = {round(point.x.value): point for point in series.points}
        found = knee({batch: point.y for batch, point in at.items()})
        if found is None:
            continue
        marked = at[found.batch]
        between = "" if found.earliest == found.latest else f" ({found.earliest} to {found.latest})"
        label = f"Knee of {series.name}: batch {found.batch}{between}"
        x = Estimate(found.batch, found.earliest, found.latest)
        points.append(Point(x, marked.y, None, label, marked.run_id, marked.campaign, series.network))
        numbers[f"knee of {series.name}"] = float(found.batch)
    return Series("Knee", NEUTRAL, tuple(points), plotted.origin, group=plotted.group.name), numbers


NEAR = 1.10
"""Largest ratio of the energy per image at the knee to the least energy."""


@dataclass(frozen=True, slots=True)
class Knee:
    """The smallest batch whose energy per image is within 10 % of the least; ``earliest <= batch <= latest``.

    Only measured batches count: if the largest of them takes the least energy, a larger one may take even less.
    """

    batch: int
    earliest: int
    """The smallest batch that the intervals allow."""
    latest: int
    """The smallest batch that the intervals prove, or the one with the least energy."""


def knee(energy: Mapping[int, Estimate]) -> Knee | None:
    """The knee of energies by batch size; None for fewer than two of them or none above zero."""
    positive = {batch: energy[batch] for batch in sorted(energy) if energy[batch].value > 0}
    if len(positive) < 2:
        return None
    least_batch = min(positive, key=lambda batch: positive[batch].value)
    least = positive[least_batch]
    # The least lower end of any batch: the batch with the least value need not be the one with the least true value.
    lowest = min(each.low for each in positive.values())
    surest = min(each.high for each in positive.values())
    batch = next(b for b, e in positive.items() if e.value <= NEAR * least.value)
    earliest = next(b for b, e in positive.items() if b == batch or e.low <= NEAR * surest)
    latest = next(b for b, e in positive.items() if b >= batch and (b == least_batch or e.high <= NEAR * lowest))
    return Knee(batch, earliest, latest)
