# SPDX-License-Identifier: Apache-2.0
"""What Canziani et al. 2016 published of a board: time, memory and accuracy of fourteen networks. No torch.

Read from the tables in resources/reference; sizes between two published ones are interpolated, none is made up
beyond them.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.package_data import resource_path

if TYPE_CHECKING:
    from collections.abc import Mapping

BOARDS = {"tx1": "Jetson TX1"}
"""Whose figures there are, and how people write it."""

FLOOR_BYTES = 900_000_000
"""Of a TX1 that has everything ready but the network. Chosen, not published: only what comes on top was."""

_TABLES = "reference/canziani2016_{}.csv"


@dataclass(frozen=True, slots=True)
class Published:
    """Of one network, by its name in the paper."""

    name: str
    top1_percent: float | None
    """Of one central crop of the 50 000 validation images."""
    time_ms: Mapping[int, float]
    """Of one image, by batch size."""
    too_big: int | None
    """The smallest batch size that did not fit into the board's memory; None: all that were tried did."""
    memory_mb: Mapping[int, float]
    """Of the whole system beyond its idle use, by batch size, in millions of bytes; empty: not published."""

    def fits(self, batch_size: int) -> bool:
        """Whether nothing that was published speaks against it."""
        return self.too_big is None or batch_size < self.too_big

    def batch_s(self, batch_size: int) -> float | None:
        """How long a batch takes; None: not published, and not between two that are."""
        image_ms = _between(self.time_ms, batch_size)
        return None if image_ms is None else image_ms * batch_size / 1e3

    def net_memory_bytes(self, batch_size: int) -> int | None:
        """Beyond the idle use of the system; None: not published, and not between two that are."""
        megabytes = _between(self.memory_mb, batch_size)
        return None if megabytes is None else round(megabytes * 1e6)


@cache
def published() -> Mapping[str, Published]:
    """All fourteen, by their names in the paper."""
    times, memories = _rows("time_ms"), _rows("memory_mb")
    return {
        name: Published(
            name=name,
            top1_percent=float(row["top1_percent"]) if row["top1_percent"] else None,
            time_ms=_values(times[name]),
            too_big=min((int(size) for size, text in times[name].items() if not text), default=None),
            memory_mb=_values(memories.get(name, {})),
        )
        for name, row in _rows("networks").items()
    }


def _rows(table: str) -> dict[str, dict[str, str]]:
    """The other columns of each row, by its network."""
    with resource_path(_TABLES.format(table)).open(encoding="utf-8", newline="") as lines:
        return {row.pop("network"): row for row in csv.DictReader(lines)}


def _values(row: Mapping[str, str]) -> dict[int, float]:
    return {int(size): float(text) for size, text in row.items() if text}


def _between(values: Mapping[int, float], batch_size: int) -> float | None:
    """On straight lines through the logarithms of sizes and values; None outside of them."""
    if batch_size in values:
        return values[batch_size]
    if not values or not min(values) < batch_size < max(values):
        return None
    return math.exp(np.interp(math.log(batch_size), np.log(list(values)), np.log(list(values.values()))))
