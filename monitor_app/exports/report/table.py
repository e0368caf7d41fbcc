# SPDX-License-Identifier: Apache-2.0
"""All cells of a campaign as a table; text says why a number is missing."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from monitor_app.analysis.campaign.cells import Conditions
from monitor_app.core.formatting import DOES_NOT_FIT, NOT_MEASURED, fixed, interval, metric_words, percent
from monitor_app.core.models.units import per_unit, shared_unit, worded
from monitor_app.exports.report.blocks import CellTable

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.core.estimate import Estimate

_HEAD = ("network", "batch", "ms / image", "images / s", "net W", "net J / image", "memory MB", "top-1 %", "origin")
_GENERATING = (
    "network", "batch", "first token ms", "tokens / s", "prefill net mJ / token", "decode net mJ / token", "origin",
)  # fmt: skip


def table_of(campaign: Campaign) -> CellTable:
    """One row per cell; conditions that differ between cells get a column each."""
    varying = [
        field.name
        for field in fields(Conditions)
        if len({getattr(cell.conditions, field.name) for cell in campaign.cells}) > 1
    ]
    unit = shared_unit(cell.unit for cell in campaign.cells)
    accuracy = "accuracy" if any(cell.metrics for cell in campaign.cells) else "top-1 %"
    heads = [accuracy if name == "top-1 %" else worded(name, unit) for name in _HEAD]
    head = (heads[0], *(name.replace("_", " ") for name in varying), *heads[1:])
    rows = tuple(
        (cell.title + per_unit(cell.unit, unit), *(_condition(cell, name) for name in varying), *_values(cell))
        for cell in campaign.cells
    )
    return CellTable(head, rows, tuple(cell.simulated for cell in campaign.cells))


def generating_table_of(campaign: Campaign) -> CellTable | None:
    """Prefill and decode, one row per cell of a model that generates; None where there is none."""
    cells = [cell for cell in campaign.cells if cell.first_token_s is not None or cell.tokens_per_s is not None]
    if not cells:
        return None
    rows = tuple(
        (
            cell.title,
            str(cell.batch_size),
            _number(cell, cell.first_token_s, 1e3),
            _number(cell, cell.tokens_per_s),
            _number(cell, cell.prefill_j_per_token, 1e3),
            _number(cell, cell.decode_j_per_token, 1e3),
            origin_of(cell),
        )
        for cell in cells
    )
    return CellTable(_GENERATING, rows, tuple(cell.simulated for cell in cells))


def notes_on_cells(campaign: Campaign) -> tuple[str, ...]:
    """Why cells were not measured, and notes on the others; a sentence that concerns several appears once."""
    of: dict[str, list[str]] = {}
    for cell in campaign.cells:
        for sentence in (cell.message, *cell.notes):
            if sentence:
                of.setdefault(sentence, []).append(cell.label)
    return tuple(f"{', '.join(labels)}: {sentence}" for sentence, labels in of.items())


def origin_of(cell: Cell) -> str:
    """Whether its numbers are measured or SIMULATED, and which."""
    if cell.times_simulated and cell.power_simulated:
        return "SIMULATED"
    if cell.times_simulated:
        return "times SIMULATED"
    return "power SIMULATED" if cell.power_simulated else "measured"


def reciprocal(estimate: Estimate) -> Estimate:
    """Of a positive quantity: seconds per image as images per second; infinite where an end touches zero."""
    value, high, low = (1 / each if each > 0 else math.inf for each in (estimate.value, estimate.low, estimate.high))
    return replace(estimate, value=value, low=low, high=high)


def _values(cell: Cell) -> tuple[str, ...]:
    time = cell.seconds_per_image
    memory = fixed(cell.memory_bytes / 1e6, 0) if cell.memory_bytes is not None else _absent(cell)
    return (
        str(cell.batch_size),
        _number(cell, time, 1e3),
        _number(cell, reciprocal(time) if time else None),
        _number(cell, cell.net_w),
        _number(cell, cell.net_j_per_image),
        memory,
        percent(cell.top1) if cell.top1 else metric_words(cell.metrics) or NOT_MEASURED,
        origin_of(cell) if cell.fits or cell.top1 else "",
    )


def _number(cell: Cell, estimate: Estimate | None, scale: float = 1.0) -> str:
    return _absent(cell) if estimate is None else interval(estimate, scale=scale)


def _absent(cell: Cell) -> str:
    return DOES_NOT_FIT if cell.fits is False else NOT_MEASURED


def _condition(cell: Cell, name: str) -> str:
    value = getattr(cell.conditions, name)
    return "unchanged" if value is None else "yes" if value is True else "no" if value is False else str(value)
