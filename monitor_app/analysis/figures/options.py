# SPDX-License-Identifier: Apache-2.0
"""The choices of a reader that apply to all figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.canziani2016 import LARGE_BATCH, SMALL_BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.campaign.cells import Campaign

PAPER_BATCHES = (SMALL_BATCH, LARGE_BATCH)


@dataclass(frozen=True, slots=True)
class Budgets:
    """The limits of an application; None: no line is drawn."""

    time_s: float | None = None
    """Time per image: that of a batch divided by its size."""
    answer_s: float | None = None
    """Time until the answer: that of the whole batch."""
    energy_j: float | None = None
    """Energy per image."""


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every figure of a report or a window."""

    paper: bool = True
    """Overlay the values that Canziani et al. published for the Jetson TX1."""
    headline_batches: tuple[int, ...] = PAPER_BATCHES
    """Batch sizes of the figures that show one batch size; each has a figure of its own."""
    gross: bool = False
    """Energy of the whole board in place of that above idle."""
    macs: bool = False
    """Multiply-accumulates in place of the paper's operations, which are withheld for grouped convolutions."""
    back_ends: bool = False
    """Further figures that compare back ends and precisions."""
    budgets: Budgets = Budgets()


def headline_batches(campaigns: Sequence[Campaign]) -> tuple[int, ...]:
    """The paper's batch sizes, or if one was not run, the smallest one and the largest one up to the paper's."""
    sizes = sorted({size for campaign in campaigns for size in campaign.batch_sizes})
    if not sizes or set(PAPER_BATCHES) <= set(sizes):
        return PAPER_BATCHES
    few = [size for size in sizes if size <= PAPER_BATCHES[-1]] or sizes[:1]
    return tuple(dict.fromkeys((few[0], few[-1])))
