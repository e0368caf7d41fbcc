# SPDX-License-Identifier: Apache-2.0
"""Which cell of a candidate belongs to which cell of the baseline.

Cells are matched by network, batch size, and the conditions that a session sweeps over. A condition with one value in
each session is not matched: if the value differs, the cells are still compared, and the difference is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from monitor_app.analysis.campaign.cells import Conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell

_OF_ACCURACY = ("device", "precision", "compiled")
"""Conditions that may change the answers of a network."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell of the baseline, and the matching cell of the candidate, if any."""

    label: str
    """For people, unique."""
    baseline: Cell
    candidate: Cell | None


def pairs(baseline: Campaign, candidate: Campaign) -> tuple[Pair, ...]:
    """One for each cell of the baseline, in its order."""
    swept = _swept(baseline, candidate)
    there = {(cell.network, cell.batch_size, *_values(cell, swept)): cell for cell in candidate.cells}
    return tuple(
        Pair(_label(cell.label, cell, swept), cell, there.get((cell.network, cell.batch_size, *_values(cell, swept))))
        for cell in baseline.cells
    )


def accuracy_pairs(baseline: Campaign, candidate: Campaign) -> tuple[Pair, ...]:
    """One for each network with an accuracy in the baseline, and for each swept condition that may change it."""
    swept = [name for name in _swept(baseline, candidate) if name in _OF_ACCURACY]
    here, there = _with_accuracy(baseline, swept), _with_accuracy(candidate, swept)
    return tuple(Pair(_label(cell.title, cell, swept), cell, there.get(key)) for key, cell in here.items())


def condition_text(name: str, value: object) -> str:
    """A condition for people."""
    if isinstance(value, bool):
        return name.replace("_", " ") if value else f"not {name.replace('_', ' ')}"
    if name == "threads":
        return f"{value} threads"
    if name in {"power_mode", "clocks"}:
        return f"{name.replace('_', ' ')} {'as found' if value is None else value}"
    return str(value)


def _swept(*campaigns: Campaign) -> list[str]:
    """Conditions that have several values in one session."""
    names = [field.name for field in fields(Conditions)]
    return [
        name
        for name in names
        if any(len({getattr(cell.conditions, name) for cell in each.cells}) > 1 for each in campaigns)
    ]


def _with_accuracy(campaign: Campaign, swept: Sequence[str]) -> dict[tuple[object, ...], Cell]:
    found: dict[tuple[object, ...], Cell] = {}
    for cell in campaign.cells:
        if cell.top1 is not None:
            found.setdefault((cell.network, *_values(cell, swept)), cell)
    return found


def _values(cell: Cell, names: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(cell.conditions, name) for name in names)


def _label(label: str, cell: Cell, swept: Sequence[str]) -> str:
    texts = [condition_text(name, getattr(cell.conditions, name)) for name in swept]
    return ", ".join([label, *texts])
