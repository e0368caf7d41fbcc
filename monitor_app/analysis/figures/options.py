# SPDX-License-Identifier: Apache-2.0
"""What a reader may choose about all figures."""

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
    """What an application can afford; None: no line is drawn."""

    time_s: float | None = None
    """Of an image: time of a batch over its size."""
    answer_s: float | None = None
    """Until the answer is there: time of the whole batch."""
    energy_j: float | None = None
    """Of an image."""


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every figure of a report or a window."""

    paper: bool = True
    """Lay the values that Canziani et al. published for the Jetson TX1 over the measured ones."""
    headline_batches: tuple[int, ...] = PAPER_BATCHES
    """Batch sizes of the figures that show one batch size; each has a figure of its own."""
    gross: bool = False
    """Energy of the whole board in place of what lies above idle."""
    budgets: Budgets = Budgets()


def headline_batches(campaigns: Sequence[Campaign]) -> tuple[int, ...]:
    """Those of the paper, or where one was not run, the smallest and the largest up to it that were."""
    sizes = sorted({size for campaign in campaigns for size in campaign.batch_sizes})
    if not sizes or set(PAPER_BATCHES) <= set(sizes):
        return PAPER_BATCHES
    few = [size for size in sizes if size <= PAPER_BATCHES[-1]] or sizes[:1]
    return tuple(dict.fromkeys((few[0], few[-1])))
