# SPDX-License-Identifier: Apache-2.0
"""What Canziani, Paszke and Culurciello published for the Jetson TX1, as a campaign like any other.

Accuracy, parameters and operations are as plotted. Times and memory were read off pictures, with the error of that as
their interval (of memory, quantities.MEMORY has it). Power was never given for a network, only for all of them
together, so no cell has one; an energy is a time multiplied by that one power.
"""

from __future__ import annotations

import csv
import math
from functools import cache

from monitor_app.analysis.campaign.cells import Campaign, Cell, Conditions
from monitor_app.analysis.statistics.intervals import Z_95
from monitor_app.core.estimate import Estimate, Proportion
from monitor_app.core.package_data import resource_path
from monitor_app.core.runs import MemoryKind

NET_W = 11.8
"""Over all networks at full load, above idle."""
NET_SD_W = 0.7
IDLE_W = 1.30
MEMORY_FLOOR_MB = 200.0
"""What no network took less than; for those of less than SMALL_MB of weights."""
SMALL_MB = 100.0
MEMORY_SLOPE = 1.30
"""MB of memory for each MB of weights, for larger ones."""

_TIME_ERROR = 0.02
"""Of what was read off the picture."""
_IMAGES = 50_000
_ENERGY_ERROR = math.hypot(_TIME_ERROR, Z_95 * NET_SD_W / NET_W)


@cache
def published() -> Campaign:
    """All networks and batch sizes of the paper; ``fits`` is None where it gives no time.

    Raises:
        MonitorError: its tables did not come with this installation.
    """
    times, memory = _table("time_ms"), _table("memory_mb")
    cells = [
        _cell(row, batch_size, times[name].get(str(batch_size), ""), memory.get(name, {}).get(str(batch_size), ""))
        for name, row in _table("networks").items()
        for batch_size in sorted(int(column) for column in times[name] if column != "network")
    ]
    return Campaign("", "Canziani et al. 2016", "Jetson TX1", "", False, tuple(cells))


def _cell(row: dict[str, str], batch_size: int, time_ms: str, memory_mb: str) -> Cell:
    time = _within(float(time_ms) * 1e-3, _TIME_ERROR) if time_ms else None
    top1 = round(float(row["top1_percent"]) / 100 * _IMAGES)
    return Cell(
        network=row["network"],
        title=row["network"],
        paper_name=row["network"],
        batch_size=batch_size,
        conditions=Conditions("cuda:0", "fp32", 1, False, False, None, None),
        run_ids=(),
        fits=True if time else None,
        message="" if time else "no time is published",
        parameters=round(float(row["parameters_millions"]) * 1e6),
        macs=round(float(row["true_gmacs"]) * 1e9),
        operations=round(float(row["operations_g"]) * 1e9),
        seconds_per_image=time,
        p99_s=None,
        full_w=None,
        idle_w=None,
        net_w=None,
        gross_j_per_image=time and _within((NET_W + IDLE_W) * time.value, _ENERGY_ERROR),
        net_j_per_image=time and _within(NET_W * time.value, _ENERGY_ERROR),
        memory_bytes=round(float(memory_mb) * 1e6) if memory_mb else None,
        memory_kind=MemoryKind.SYSTEM.value if memory_mb else None,
        top1=Proportion(top1, _IMAGES, top1 / _IMAGES, top1 / _IMAGES),
        top5=None,
        weights_sha256=None,
        steady=None,
        times_simulated=False,
        power_simulated=False,
    )


def _within(value: float, error: float) -> Estimate:
    return Estimate(value, value * (1 - error), value * (1 + error))


def _table(name: str) -> dict[str, dict[str, str]]:
    """Rows by network."""
    with resource_path(f"reference/canziani2016_{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["network"]: row for row in csv.DictReader(file)}
