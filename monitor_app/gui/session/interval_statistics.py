# SPDX-License-Identifier: Apache-2.0
"""What was measured in an interval: each signal over every sample of it, and the energy of its images. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.models.units import IMAGE, shared_unit
from monitor_app.gui.session.subject import levels_of, run_within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal
    from monitor_app.session.waveform import Statistics

LEAST_COVERAGE = 0.99
"""Fraction of an interval that must have been recorded for an energy per image."""


@dataclass(frozen=True, slots=True)
class ImageEnergy:
    """Energy of the board net of its idle power, and the images of an interval; None where idle is not known."""

    images: int
    net_j: float | None
    per_image_j: float | None
    """None also where there are no images, or too little of the interval was recorded."""
    withheld: bool
    """Whether ``per_image_j`` is missing because samples are."""
    unit: str = IMAGE
    """What an image stands for here."""


def measured(
    recording: Recording, signals: Iterable[ShownSignal], start_s: float, end_s: float
) -> list[tuple[ShownSignal, Statistics]]:
    """Each signal with its statistics."""
    start_ns, end_ns = recording.host_ns(start_s), recording.host_ns(end_s)
    return [(each, recording.statistics(each.signal.id, start_ns, end_ns)) for each in signals]


def image_energy(recording: Recording, power: Statistics, start_s: float, end_s: float) -> ImageEnergy:
    """``power``: of the board, over the interval."""
    idle_w = _idle_w(recording, start_s, end_s)
    images, unit = work_between(recording, start_s, end_s)
    if idle_w is None:
        return ImageEnergy(images, None, None, withheld=False, unit=unit)
    net_w = power.mean - idle_w
    # Images were counted over the whole interval, so energy over a part of it says nothing about one of them.
    covered = power.coverage >= LEAST_COVERAGE
    per_image_j = net_w * power.duration_s / images if images and covered else None
    return ImageEnergy(images, net_w * power.recorded_s, per_image_j, withheld=bool(images) and not covered, unit=unit)


def work_between(recording: Recording, start_s: float, end_s: float) -> tuple[int, str]:
    """How many units of work ended in an interval, and what they are; `MIXED` where they are of several kinds."""
    batches = recording.batches.between(start_s, end_s)
    runs = {run.id: run for run in recording.runs}
    found = [runs[int(run)] for run in np.unique(batches["run"]) if int(run) in runs]
    count = sum(int(batches["images"][batches["run"] == run.id].sum()) * run.units_of_item for run in found)
    return count, shared_unit(run.unit for run in found)


def _idle_w(recording: Recording, start_s: float, end_s: float) -> float | None:
    """Of the run in the interval, or the latest there is."""
    run = run_within(recording, (start_s, end_s))
    own_w = levels_of(recording, run).idle_w if run is not None else None
    return own_w if own_w is not None else recording.levels.idle_w
