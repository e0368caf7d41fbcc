# SPDX-License-Identifier: Apache-2.0
"""The paper's values for the Jetson TX1 as a campaign, so that figures and findings treat them like a measured one.

Accuracy, parameters and operations are as plotted. Times and memory were read from pictures; the error of reading is
the interval of a time (that of memory is in figures.quantities). The paper gives power for all networks together and
for no single one, so no cell has a power, and an energy is a time multiplied by that one power.
"""

from __future__ import annotations

import math
from functools import cache

from monitor_app.analysis.campaign.cells import Campaign, Cell, Conditions
from monitor_app.analysis.statistics.intervals import Z_95
from monitor_app.core import canziani2016 as paper
from monitor_app.core.estimate import Estimate, Proportion
from monitor_app.core.runs import MemoryKind

_ENERGY_ERROR = math.hypot(paper.TIME_ERROR, Z_95 * paper.NET_DEVIATION_W / paper.NET_W)


@cache
def published() -> Campaign:
    """All networks and batch sizes of the paper; ``fits`` is None where it gives no time.

    Raises:
        MonitorError: its tables did not come with this installation.
    """
    cells = [_cell(network, size) for network in paper.published().values() for size in network.batch_sizes]
    return Campaign("", "Canziani et al. 2016", paper.BOARDS["tx1"], "", False, tuple(cells))


def _cell(network: paper.Published, batch_size: int) -> Cell:
    time_ms, memory_mb = network.time_ms.get(batch_size), network.memory_mb.get(batch_size)
    time = None if time_ms is None else _within(time_ms * 1e-3, paper.TIME_ERROR)
    return Cell(
        network=network.name,
        title=network.name,
        paper_name=network.name,
        batch_size=batch_size,
        conditions=Conditions("cuda:0", "fp32", 1, False, False, None, None),
        run_ids=(),
        fits=True if time else None,
        message="" if time else "no time is published",
        parameters=network.parameters,
        macs=network.macs,
        operations=network.operations,
        seconds_per_image=time,
        p99_s=None,
        full_w=None,
        idle_w=None,
        net_w=None,
        gross_j_per_image=time and _within((paper.NET_W + paper.IDLE_W) * time.value, _ENERGY_ERROR),
        net_j_per_image=time and _within(paper.NET_W * time.value, _ENERGY_ERROR),
        memory_bytes=None if memory_mb is None else round(memory_mb * 1e6),
        memory_kind=None if memory_mb is None else MemoryKind.SYSTEM.value,
        top1=None if network.top1_percent is None else _exactly(network.top1_percent),
        top5=None,
        weights_sha256=None,
        steady=None,
        times_simulated=False,
        power_simulated=False,
    )


def _exactly(percent: float) -> Proportion:
    correct = round(percent / 100 * paper.IMAGES)
    return Proportion(correct, paper.IMAGES, correct / paper.IMAGES, correct / paper.IMAGES)


def _within(value: float, error: float) -> Estimate:
    return Estimate(value, value * (1 - error), value * (1 + error))
