# SPDX-License-Identifier: Apache-2.0
"""All figures of a campaign as data: the paper's ten, and further ones. Campaigns in, charts out; no drawing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from string import ascii_lowercase
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from monitor_app.analysis.figures import accuracy, batches, networks, operations
from monitor_app.analysis.figures import back_ends as comparison
from monitor_app.analysis.figures.options import Budgets, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.charts.model import Chart

    Figure: TypeAlias = Callable[[Sequence[Campaign], Options], Chart]
    AtBatch: TypeAlias = Callable[[Sequence[Campaign], Options, int], Chart]

__all__ = ["FIGURES", "charts_of", "figures_for", "Options", "Budgets"]


def charts_of(campaigns: Sequence[Campaign], options: Options = Options()) -> list[Chart]:  # noqa: B008, it is frozen
    """Every figure of those campaigns, compared where there are several; without any, what the paper published.

    Raises:
        MonitorError: the paper's tables did not come with this installation.
    """
    return [
        figure(campaigns, options)
        for figure in figures_for(options.headline_batches, back_ends=options.back_ends).values()
    ]


def figures_for(headline_batches: Sequence[int], *, back_ends: bool = False) -> Mapping[str, Figure]:
    """All figures by key, in the order of a report: the paper's by their numbers, then the others.

    With ``back_ends`` those that compare back ends and precisions are among them.
    """
    figures: dict[str, Figure] = {
        "top1": networks.top1,
        "top1-operations": networks.top1_operations,
        "time-batch": batches.time_batch,
        "power-batch": batches.power_batch,
        "memory-batch": batches.memory_batch,
        "memory-parameters": operations.memory_parameters,
        **_at_each("operations-time", operations.operations_time, headline_batches),
        **_at_each("operations-power", operations.operations_power, headline_batches),
        **_at_each("top1-throughput", accuracy.top1_throughput, headline_batches),
        "density": networks.density,
        "energy-batch": batches.energy_batch,
        **_at_each("top1-time", accuracy.top1_time, headline_batches),
        **_at_each("top1-energy", accuracy.top1_energy, headline_batches),
        "time-energy": batches.time_energy,
    }
    if back_ends:
        figures |= _BACK_ENDS
    return MappingProxyType(figures)


def _at_each(key: str, figure: AtBatch, batch_sizes: Sequence[int]) -> dict[str, Figure]:
    panels = ascii_lowercase if len(batch_sizes) > 1 else [""]
    return {
        f"{key}-b{batch_size}": partial(_at, figure, batch_size, panel)
        for batch_size, panel in zip(batch_sizes, panels, strict=False)
    }


def _at(figure: AtBatch, batch_size: int, panel: str, campaigns: Sequence[Campaign], options: Options) -> Chart:
    return replace(figure(campaigns, options, batch_size), panel=panel)


def _in_panel(figure: Figure, panel: str, campaigns: Sequence[Campaign], options: Options) -> Chart:
    return replace(figure(campaigns, options), panel=panel)


_BACK_ENDS: dict[str, Figure] = {
    "back-ends-time": partial(_in_panel, comparison.back_ends_time, "a"),
    "back-ends-energy": partial(_in_panel, comparison.back_ends_energy, "b"),
    "back-ends-top1": partial(_in_panel, comparison.back_ends_top1, "c"),
    "back-ends-memory": partial(_in_panel, comparison.back_ends_memory, "d"),
}
FIGURES = figures_for(Options().headline_batches)
"""Those of batch 1 and 16; `figures_for` gives those of other sizes."""
