# SPDX-License-Identifier: Apache-2.0
"""What a reader may choose about all figures."""

from __future__ import annotations

from dataclasses import dataclass


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
    headline_batches: tuple[int, ...] = (1, 16)
    """Batch sizes of the figures that show one batch size; each has a figure of its own."""
    gross: bool = False
    """Energy of the whole board in place of what lies above idle."""
    budgets: Budgets = Budgets()
