# SPDX-License-Identifier: Apache-2.0
"""What Canziani, Paszke and Culurciello (2016) published of fourteen networks on a Jetson TX1. No torch.

Numbers of single networks are read from the tables in resources/reference. Times and memory between two published
batch sizes are interpolated; beyond them there are none.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.files.package_data import resource_text

if TYPE_CHECKING:
    from collections.abc import Mapping

NET_W = 11.8
"""Mean net power over all networks at full load; the paper gives it for no single network."""
NET_DEVIATION_W = 0.7
"""Standard deviation of that net power."""
IDLE_W = 1.30
IMAGES = 50_000
"""Validation images that accuracy was measured on."""
SMALL_BATCH, LARGE_BATCH = 1, 16
"""The two batch sizes of figures 7, 8 and 9; the larger one is the largest that all networks fit in."""
LARGEST_BATCH = 64
ALEXNETS = ("AlexNet", "BN-AlexNet")
ALEXNET_SPEED_UP = 3.0
"""Time of an image at batch 1 over that at `LARGEST_BATCH`."""
MEMORY_FLOOR_MB = 200.0
"""Memory of the networks that have up to `FLOOR_ENDS_MB` of parameters; no network took less."""
FLOOR_ENDS_MB = 100.0
MEMORY_SLOPE = 1.30
"""MB of memory for each MB of parameters, for networks with more of them."""
BANDWIDTH_HZ = 1400.0
"""Highest frequency that the paper saw in the current of a board at work."""
SLOW_METERS_HZ = (12.0, 2.0)
"""Rates of the meters that the paper found too slow."""
DENSITIES = {
    "AlexNet": 0.896,
    "BN-AlexNet": 0.935,
    "BN-NIN": 7.248,
    "ENet": 11.672,
    "GoogLeNet": 9.828,
    "ResNet-18": 5.951,
    "VGG-16": 0.510,
    "VGG-19": 0.492,
    "ResNet-34": 3.361,
    "ResNet-50": 2.973,
    "ResNet-101": 1.739,
    "ResNet-152": 1.292,
    "Inception-v3": 3.293,
    "Inception-v4": 2.537,
}
"""Points of top-1 for each million parameters, exact from figure 10."""
DENSITY_RATIOS = (("ENet", "AlexNet", 13.03), ("ENet", "VGG-19", 23.71))
"""Computed from the densities."""

TIME_ERROR = 0.02
"""Relative error of times, which were read from a picture."""
MEMORY_ERROR = 0.03
"""The same of memory."""

BOARDS = {"tx1": "Jetson TX1"}
"""The boards that figures were published for, and their names for people."""
FLOOR_BYTES = 900_000_000
"""Memory in use on a TX1 before a network is loaded. Chosen here; the paper gives only the use beyond it."""

_TABLES = "reference/canziani2016_{}.csv"


@dataclass(frozen=True, slots=True)
class Published:
    """What was published of one network."""

    name: str
    """Its name in the paper."""
    parameters: int
    macs: int
    """Multiply-accumulates of one image."""
    operations: int
    """As plotted: multiplies and adds counted separately."""
    top1_percent: float | None
    """Of one central crop of `IMAGES` validation images; None: not published."""
    batch_sizes: tuple[int, ...]
    """All batch sizes that were tried, rising."""
    time_ms: Mapping[int, float]
    """Of one image, by batch size; a batch size that did not fit into memory has no time."""
    too_big: int | None
    """The smallest batch size that did not fit into the board's memory; None: all that were tried fitted."""
    memory_mb: Mapping[int, float]
    """Of the whole system beyond its idle use, by batch size, in millions of bytes; empty: not published."""

    def fits(self, batch_size: int) -> bool:
        """False where this batch size or a smaller one was published as too large for the memory."""
        return self.too_big is None or batch_size < self.too_big

    def batch_s(self, batch_size: int) -> float | None:
        """Time of a batch; None where the batch size lies outside the published ones."""
        image_ms = _between(self.time_ms, batch_size)
        return None if image_ms is None else image_ms * batch_size / 1e3

    def net_memory_bytes(self, batch_size: int) -> int | None:
        """Memory beyond the idle use of the system; None where the batch size lies outside the published ones."""
        megabytes = _between(self.memory_mb, batch_size)
        return None if megabytes is None else round(megabytes * 1e6)


@cache
def published() -> Mapping[str, Published]:
    """All fourteen networks, by their names in the paper."""
    times, memories = _rows("time_ms"), _rows("memory_mb")
    return {
        name: Published(
            name=name,
            parameters=round(float(row["parameters_millions"]) * 1e6),
            macs=round(float(row["true_gmacs"]) * 1e9),
            operations=round(float(row["operations_g"]) * 1e9),
            top1_percent=float(row["top1_percent"]) if row["top1_percent"] else None,
            batch_sizes=tuple(sorted(map(int, times[name]))),
            time_ms=_values(times[name]),
            too_big=min((int(size) for size, text in times[name].items() if not text), default=None),
            memory_mb=_values(memories.get(name, {})),
        )
        for name, row in _rows("networks").items()
    }


def _rows(table: str) -> dict[str, dict[str, str]]:
    """The rows of a table by network, each without that column."""
    lines = resource_text(_TABLES.format(table)).splitlines()
    return {row.pop("network"): row for row in csv.DictReader(lines)}


def _values(row: Mapping[str, str]) -> dict[int, float]:
    return {int(size): float(text) for size, text in row.items() if text}


def _between(values: Mapping[int, float], batch_size: int) -> float | None:
    """By log-log interpolation between batch sizes; None outside of them."""
    if batch_size in values:
        return values[batch_size]
    if not values or not min(values) < batch_size < max(values):
        return None
    return math.exp(np.interp(math.log(batch_size), np.log(list(values)), np.log(list(values.values()))))
