# SPDX-License-Identifier: Apache-2.0
"""Figures of the properties of networks that do not depend on the hardware: 1, 2 and 10 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.figures.colours import PAPER
from monitor_app.analysis.figures.groups import ANSWERS, groups_of, identity, once
from monitor_app.analysis.figures.points import chart, plot
from monitor_app.analysis.figures.quantities import DENSITY, PARAMETERS, TOP1, Quantity, work, work_words
from monitor_app.charts.model import Axis, Origin, Scale
from monitor_app.core.estimate import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.analysis.figures.groups import Group
    from monitor_app.analysis.figures.options import Options
    from monitor_app.charts.model import Chart
    from monitor_app.core.estimate import Estimate


def top1(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 1: accuracy of each network, in rising order."""
    return _bars(
        campaigns,
        options,
        TOP1,
        ("top1", 1, "Top-1 accuracy by network"),
        "Fraction of images whose first answer is right, with one central crop and a single model. Networks are in the "
        "order of their accuracy; filled bars are of this session, and outlines are published values.",
    )


def top1_operations(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 2: accuracy against operations, parameters as area."""
    x, name = work(macs=options.macs), work_words(macs=options.macs)
    plots = plot(once(groups_of(campaigns, options, ANSWERS), TOP1), x, TOP1, size=PARAMETERS, of_network=True)
    counted = "each a multiply and an add" if options.macs else "with multiplies and adds counted separately"
    return chart(
        "top1-operations",
        2,
        f"Top-1 accuracy against {name}",
        (x, TOP1),
        plots,
        f"Top-1 accuracy against {name} per image, {counted}; the area of a "
        "bubble is the number of parameters. Further up and to the left is better.",
        size=PARAMETERS,
    )


def density(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 10: accuracy per million parameters."""
    return _bars(
        campaigns,
        options,
        DENSITY,
        ("density", 10, "Information density"),
        "Top-1 accuracy divided by the number of parameters in millions. Higher bars: more accuracy per parameter.",
    )


def _bars(
    campaigns: Sequence[Campaign], options: Options, y: Quantity, head: tuple[str, int, str], caption: str
) -> Chart:
    groups = once(groups_of(campaigns, options, ANSWERS), y)
    names = _categories(groups, y)
    places = {key: place for place, key in enumerate(names)}
    x = Quantity(
        Axis("Network", "", Scale.CATEGORY, tuple(names.values())),
        _place_among(places),
        y.lacking,
        lambda _: False,
        Origin.EXACT,
    )
    key, number, title = head
    return chart(key, number, title, (x, y), plot(groups, x, y, of_network=True), caption, bars=True)


def _categories(groups: Sequence[Group], y: Quantity) -> dict[str, str]:
    """Titles by identity, in rising order of their values; a measured value counts before a published one."""
    values: dict[str, float] = {}
    titles: dict[str, str] = {}
    for cell in (cell for group in groups for cell in group.cells):
        value = y.of(cell)
        if value is not None:
            values.setdefault(identity(cell), value.value)
            titles.setdefault(identity(cell), cell.title)
    taken = list(titles.values())
    # A network of the paper and another network may have the same title.
    named = {
        key: title if taken.count(title) == 1 else f"{title} ({'as plotted' if key in PAPER else key})"
        for key, title in titles.items()
    }
    return {key: named[key] for key in sorted(values, key=values.__getitem__)}


def _place_among(places: dict[str, int]) -> Callable[[Cell], Estimate | None]:
    def place(cell: Cell) -> Estimate | None:
        at = places.get(identity(cell))
        return None if at is None else exact(at)

    return place
