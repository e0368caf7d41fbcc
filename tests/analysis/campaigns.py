# SPDX-License-Identifier: Apache-2.0
"""Campaigns whose truth is known: made up, or the paper's own numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np

from monitor_app.analysis.campaign.cells import Campaign, Cell, Conditions
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.core.estimate import Estimate
from monitor_app.core.files.package_data import resource_path
from monitor_app.core.runs import ImageAnswers

BATCHES = (1, 2, 4, 8, 16, 32, 64)
IDLE_W = 1.30
NET_W = 11.8
IMAGES = 50_000

NAMES = {
    "AlexNet": "alexnet_2016",
    "BN-AlexNet": "bn_alexnet",
    "BN-NIN": "bn_nin",
    "ENet": "enet",
    "GoogLeNet": "googlenet_2016",
    "ResNet-18": "resnet18",
    "VGG-16": "vgg16",
    "VGG-19": "vgg19",
    "ResNet-34": "resnet34",
    "ResNet-50": "resnet50",
    "ResNet-101": "resnet101_2016",
    "ResNet-152": "resnet152_2016",
    "Inception-v3": "inception_v3_2016",
    "Inception-v4": "inception_v4_2016",
}
"""From the name in the reference to that in the registry."""

Values: TypeAlias = Mapping[str, Mapping[int, float | None]]
Power: TypeAlias = float | Callable[[str, int], float | None] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a network is, whatever it runs on."""

    parameters: int | None = None
    operations: int | None = None
    macs: int | None = None
    top1_percent: float | None = None
    """None: no weights."""


def campaign(
    times: Values | None = None,
    power: Power = NET_W,
    *,
    memory: Values | None = None,
    facts: Mapping[str, Facts] | None = None,
    idle_w: float | None = IDLE_W,
    width: float = 0.02,
    noise: float = 0.0,
    seed: int = 0,
    images: int = IMAGES,
    times_simulated: bool = False,
    power_simulated: bool = False,
    title: str = "Campaign",
    board: str = "Jetson TX1",
    device: str = "cuda:0",
    precision: str = "fp32",
    power_mode: str | None = None,
    clocks: str | None = None,
    path: str = "campaign.plm",
    environment: Mapping[str, str] | None = None,
) -> Campaign:
    """A campaign of those times, with everything else made to fit.

    Args:
        times: seconds an image, by title of the network as in the reference (or any other name) and by batch size.
            None for one that did not fit. None for all: the paper's.
        power: net watts of every cell, or of (title, batch size); None where it was not measured.
        memory: bytes, like ``times``; None for all: nothing was measured.
        facts: by title; the paper's for those of the paper that are not in it, nothing known for others.
        idle_w: None: no baseline, so no net power and no net energy.
        width: half of every interval, as a share of the value.
        noise: standard deviation by which times and powers are off, as a share, each on its own.
        seed: of the noise.
        images: on which accuracy was measured.
    """
    known = published_facts() | dict(facts or {})
    random = np.random.default_rng(seed)
    conditions = Conditions(device, precision, 4, False, False, power_mode, clocks)
    cells: list[Cell] = []
    for name, by_batch in (published_times() if times is None else times).items():
        for batch, seconds in sorted(by_batch.items()):
            watts = power(name, batch) if callable(power) else power
            of = known.get(name, Facts())
            right = None if of.top1_percent is None else round(of.top1_percent / 100 * images)
            off_s, off_w = (1 + noise * random.standard_normal(2)).tolist()
            time = None if seconds is None else _about(seconds * off_s, width)
            net = None if watts is None or time is None or idle_w is None else _about(watts * off_w, width)
            full = None if watts is None or time is None else _about(watts * off_w + (idle_w or 0.0), width)
            used = (memory or {}).get(name, {}).get(batch)
            cells.append(
                Cell(
                    network=NAMES.get(name, name.lower()),
                    title=name,
                    paper_name=name if name in NAMES else None,
                    batch_size=batch,
                    conditions=conditions,
                    run_ids=(len(cells) + 1,),
                    fits=seconds is not None,
                    message="" if time else f"{name} at batch {batch} does not fit in memory; take a smaller batch.",
                    parameters=of.parameters,
                    macs=of.macs,
                    operations=of.operations,
                    seconds_per_image=time,
                    p99_s=None if time is None else _about(time.value * batch * 1.1, width),
                    full_w=full,
                    idle_w=None if idle_w is None or full is None else _about(idle_w, width),
                    net_w=net,
                    gross_j_per_image=full and time and _about(full.value * time.value, 2 * width),
                    net_j_per_image=net and time and _about(net.value * time.value, 2 * width),
                    memory_bytes=None if used is None or time is None else round(used),
                    memory_kind=None if used is None or time is None else "system",
                    top1=None if right is None else wilson(right, images),
                    top5=None,
                    weights_sha256=None,
                    steady=None if time is None else True,
                    times_simulated=times_simulated,
                    power_simulated=power_simulated,
                    answers=None if right is None else answers_of(right, images),
                )
            )
    return Campaign(
        path,
        title,
        board,
        "2026-01-01T00:00:00+00:00",
        times_simulated or power_simulated,
        tuple(cells),
        environment or {},
    )


def answers_of(right: int, images: int, lost: int = 0, gained: int = 0) -> ImageAnswers:
    """As many right answers, the first ones; of these some lost, and of the wrong ones some gained."""
    first = "0" * lost + "1" * (right - lost)
    rest = "1" * gained + "0" * (images - right - gained)
    return ImageAnswers(f"{images} images", first + rest)


def published_campaign(width: float = 0.02, **changes: object) -> Campaign:
    """The paper's times, memory, parameters, operations and top-1, at 11.8 W for every cell; see ``campaign``.

    What the paper could not run does not fit.
    """
    return campaign(memory=published_memory(), width=width, **{"title": "Published"} | changes)  # type: ignore[arg-type]


@cache
def published_facts() -> dict[str, Facts]:
    """By name in the reference."""
    return {
        row["network"]: Facts(
            parameters=round(float(row["parameters_millions"]) * 1e6),
            operations=round(float(row["operations_g"]) * 1e9),
            macs=round(float(row["true_gmacs"]) * 1e9),
            top1_percent=float(row["top1_percent"]),
        )
        for row in _rows("networks")
    }


def published_times() -> dict[str, dict[int, float | None]]:
    """Seconds an image, by name and batch size."""
    return _by_batch("time_ms", 1e-3)


def published_memory() -> dict[str, dict[int, float | None]]:
    """Bytes, by name and batch size."""
    return _by_batch("memory_mb", 1e6)


def _by_batch(table: str, factor: float) -> dict[str, dict[int, float | None]]:
    return {
        row["network"]: {batch: float(row[str(batch)]) * factor if row[str(batch)] else None for batch in BATCHES}
        for row in _rows(table)
    }


@cache
def _rows(table: str) -> list[dict[str, str]]:
    with resource_path(f"reference/canziani2016_{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _about(value: float, width: float) -> Estimate:
    return Estimate(value, value * (1 - width), value * (1 + width))
