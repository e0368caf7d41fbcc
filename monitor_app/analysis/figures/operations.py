# SPDX-License-Identifier: Apache-2.0
"""Figures of memory, time and power against the size of a network, at one batch size: 6, 7 and 8 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.campaign.memory_model import fit_memory
from monitor_app.analysis.campaign.published import published
from monitor_app.analysis.figures.batches import memory_account, power_numbers, power_words, quoted_numbers
from monitor_app.analysis.figures.groups import PAPER, at_batch, groups_of
from monitor_app.analysis.figures.lines import Law, fitted
from monitor_app.analysis.figures.points import chart, plot
from monitor_app.analysis.figures.quantities import (
    MEMORY_LINEAR,
    NET_POWER,
    PARAMETERS,
    TIME_LINEAR,
    WEIGHTS,
    work,
    work_words,
)
from monitor_app.charts.model import Line, Origin
from monitor_app.core import canziani2016 as paper
from monitor_app.core.formatting import interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.figures.options import Options
    from monitor_app.analysis.figures.points import Plotted
    from monitor_app.charts.model import Chart


def memory_parameters(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 6: memory against parameters, at batch 1."""
    plots = plot(at_batch(groups_of(campaigns, options), 1), WEIGHTS, MEMORY_LINEAR)
    lines: list[Line] = _quoted_memory(plots) if options.paper else []
    extra = {"slope as quoted (paper)": paper.MEMORY_SLOPE} if options.paper else {}
    for each in plots:
        drawn, numbers = _memory_model(each)
        lines += drawn
        extra |= numbers
    return chart(
        "memory-parameters",
        6,
        "Memory against parameters at batch 1",
        (WEIGHTS, MEMORY_LINEAR),
        plots,
        f"The fitted line is a floor up to a knee and grows linearly from there. {memory_account(campaigns)}",
        lines=lines,
        extra=extra,
    )


def operations_time(campaigns: Sequence[Campaign], options: Options, batch_size: int) -> Chart:
    """Figure 7: operations against time per image."""
    counted, name = work(macs=options.macs), work_words(macs=options.macs)
    plots = plot(at_batch(groups_of(campaigns, options), batch_size), TIME_LINEAR, counted, size=PARAMETERS)
    lines: list[Line] = []
    extra: dict[str, float] = {}
    for each in plots:
        drawn, numbers = fitted(each, Law(f"{name} [G] = {{slope}} t {{+intercept}}, t in ms"))
        lines += drawn
        extra |= numbers
    return chart(
        f"operations-time-b{batch_size}",
        7,
        f"{counted.axis.title} against time per image at batch {batch_size}",
        (TIME_LINEAR, counted),
        plots,
        f"Where bubbles lie on a line, {name} predict time; the slope of the line is the rate of {name} in G "
        "per ms. The area of a bubble is the number of parameters.",
        lines=lines,
        size=PARAMETERS,
        extra=extra,
    )


def operations_power(campaigns: Sequence[Campaign], options: Options, batch_size: int) -> Chart:
    """Figure 8: operations against net power."""
    groups = at_batch(groups_of(campaigns, options), batch_size)
    counted, name = work(macs=options.macs), work_words(macs=options.macs)
    plots = plot(groups, NET_POWER, counted, size=PARAMETERS)
    return chart(
        f"operations-power-b{batch_size}",
        8,
        f"{counted.axis.title} against net power at batch {batch_size}",
        (NET_POWER, counted),
        plots,
        f"Bubbles in one column draw the same power regardless of their {name}. The area of a bubble is the number "
        f"of parameters. {power_words(groups)}",
        lines=_quoted_power(plots, macs=options.macs) if options.paper else (),
        size=PARAMETERS,
        extra=power_numbers(groups) | (quoted_numbers() if options.paper else {}),
    )


def _quoted_memory(plots: Sequence[Plotted]) -> list[Line]:
    """The paper's floor, and its slope from the end of the floor to the largest network."""
    level, end, slope = paper.MEMORY_FLOOR_MB, paper.FLOOR_ENDS_MB, paper.MEMORY_SLOPE
    last = max((point.x.value for each in plots for point in each.points), default=end)
    across = (0.0, end, last) if last > end else (0.0, end)
    up = (level, level, level + slope * (last - end)) if last > end else (level, level)
    text = f"never below {level:g} MB, and {slope:.2f} MB for each MB of weights above {end:g} MB"
    return [Line("Quoted", across, up, Origin.QUOTED, text=text, group=PAPER)]


def _memory_model(plotted: Plotted) -> tuple[tuple[Line, ...], dict[str, float]]:
    """The broken line of the finding memory-parameters, and its numbers for `Chart.extra`."""
    x, y = plotted.xy
    found = fit_memory(x, y)
    if found is None:
        return (), {}
    floor, knee, slope, last = found.floor.value, found.knee.value, found.slope, float(x.max())
    line = Line(
        "Fit",
        (min(float(x.min()), knee), knee, last),
        (floor, floor, floor + slope.value * (last - knee)),
        Origin.COMPUTED if plotted.group.paper else Origin.FITTED,
        text=(
            f"{interval(found.floor, 'MB')} up to {interval(found.knee, 'MB')} of parameters, then "
            f"{interval(slope)} MB per MB{' (SIMULATED)' if plotted.simulated else ''}"
        ),
        group=plotted.group.name,
    )
    numbers = {"floor": floor, "knee": knee, "slope": slope.value, "points": float(len(x))}
    return (line,), {f"{key}{plotted.group.suffix}": value for key, value in numbers.items()}


def _quoted_power(plots: Sequence[Plotted], *, macs: bool) -> list[Line]:
    mean, sd = paper.NET_W, paper.NET_DEVIATION_W
    named = (
        ("Net power", mean, f"{mean:g} W over all networks"),
        ("One standard deviation less", mean - sd, f"{mean - sd:g} W"),
        ("One standard deviation more", mean + sd, f"{mean + sd:g} W"),
    )
    drawn = [point.y.value for each in plots for point in each.points]
    counts = [cell.macs if macs else cell.operations for cell in published().cells]
    counted = [count / 1e9 for count in counts if count is not None]
    top = max(drawn + counted)
    return [Line(title, (x, x), (0.0, top), Origin.QUOTED, text=text, group=PAPER) for title, x, text in named]
