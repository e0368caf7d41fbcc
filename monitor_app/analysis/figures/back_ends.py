# SPDX-License-Identifier: Apache-2.0
"""The same networks under several back ends and precisions: time, energy, accuracy and memory of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from monitor_app.analysis.figures.groups import ALL, at_batch, groups_of, word_of
from monitor_app.analysis.figures.points import chart, plot
from monitor_app.analysis.figures.quantities import GROSS_ENERGY, MEMORY, NET_ENERGY, TIME, TOP1, Quantity
from monitor_app.charts.model import Axis, Origin, Scale
from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.estimate import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell, Conditions
    from monitor_app.analysis.figures.options import Options
    from monitor_app.charts.model import Chart
    from monitor_app.core.estimate import Estimate

NUMBER = 16
_PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "int8")
_SETTINGS = ("back_end", "precision")
_OTHERS = tuple(name for name in ALL if name not in _SETTINGS)


def several_settings(campaigns: Sequence[Campaign]) -> bool:
    """Whether there is anything to compare: networks were run under more than one back end or precision."""
    return len(_settings(campaigns)) > 1


def back_ends_time(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 16a: time per image under each back end and precision."""
    return _panel(campaigns, options, TIME, ("back-ends-time", "Time per image"))


def back_ends_energy(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 16b: energy per image under each back end and precision."""
    energy = GROSS_ENERGY if options.gross else NET_ENERGY
    return _panel(campaigns, options, energy, ("back-ends-energy", energy.axis.title))


def back_ends_top1(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 16c: accuracy under each back end and precision."""
    return _panel(campaigns, options, TOP1, ("back-ends-top1", "Top-1 accuracy"))


def back_ends_memory(campaigns: Sequence[Campaign], options: Options) -> Chart:
    """Figure 16d: memory under each back end and precision."""
    return _panel(campaigns, options, MEMORY, ("back-ends-memory", "Net memory"))


def _panel(campaigns: Sequence[Campaign], options: Options, y: Quantity, head: tuple[str, str]) -> Chart:
    batch_size = options.headline_batches[0]
    names = _settings(campaigns)
    x = Quantity(
        Axis("Back end and precision", "", Scale.CATEGORY, names),
        partial(_place, {name: place for place, name in enumerate(names)}.get),
        lambda _: "",
        lambda _: False,
        Origin.EXACT,
    )
    groups = [group for group in groups_of(campaigns, options, _OTHERS) if not group.paper]
    key, title = head
    return chart(
        key,
        NUMBER,
        f"{title} by back end at batch {batch_size}",
        (x, y),
        plot(at_batch(groups, batch_size), x, y, joined=True),
        "Each line joins what one network needs under each back end and precision. The bars are 95 % intervals: where "
        "two of them overlap widely, the difference is not shown.",
    )


def _settings(campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    """Back ends in the order in which they are listed, each with its precisions from the widest to the narrowest."""
    found = {_setting(cell): cell.conditions for campaign in campaigns for cell in campaign.cells}
    return tuple(sorted(found, key=lambda setting: _rank(found[setting])))


def _rank(conditions: Conditions) -> tuple[int, int]:
    back_ends, precisions = list(BACK_ENDS), _PRECISIONS
    return (
        back_ends.index(conditions.back_end) if conditions.back_end in back_ends else len(back_ends),
        precisions.index(conditions.precision) if conditions.precision in precisions else len(precisions),
    )


def _setting(cell: Cell) -> str:
    return " ".join(word_of(name, getattr(cell.conditions, name)) for name in _SETTINGS)


def _place(place_of: Callable[[str], int | None], cell: Cell) -> Estimate | None:
    place = place_of(_setting(cell))
    return None if place is None else exact(place)
