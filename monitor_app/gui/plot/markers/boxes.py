# SPDX-License-Identifier: Apache-2.0
"""The statistics of an interval as the boxes beside its markers, one for each pane. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.core.formatting import NOTHING, fixed, precise, unit_of
from monitor_app.core.models.units import worded
from monitor_app.core.samples import Quantity
from monitor_app.gui.plot.legend import LETTERS
from monitor_app.gui.plot.plot_state import BoxColumn, StatBox
from monitor_app.gui.session.interval_statistics import image_energy, measured, work_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.session.interval_statistics import ImageEnergy
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal, ShownSignals
    from monitor_app.gui.theme import Theme
    from monitor_app.session.waveform import Statistics

NAMES = ("mean", "std", "rms", "min", "max", "p-p")
INTEGRALS = {Quantity.POWER: ("energy", "J", "Wh"), Quantity.CURRENT: ("charge", "C", "Ah")}
"""Name, SI unit, and the unit of an hour."""
HOUR_S = 3600.0


def boxes_of(
    recording: Recording, shown: ShownSignals, start_s: float, end_s: float, theme: Theme, *, hours: bool
) -> tuple[StatBox | None, ...]:
    """Of all panes from top to bottom, None where there is nothing; ``hours`` gives energy in Wh and charge in Ah."""
    panes = [measured(recording, signals, start_s, end_s) for signals in shown.panes] or [[]]
    boxes = [_box(pane, theme, hours=hours) for pane in panes]
    if not recording.has_runs:
        return tuple(boxes)
    power = recording.power
    board = None
    if power is not None:
        board = recording.statistics(power.id, recording.host_ns(start_s), recording.host_ns(end_s))
    return (*boxes, _latency_box(recording, board, start_s, end_s, theme), None)


def _box(pane: Sequence[tuple[ShownSignal, Statistics]], theme: Theme, *, hours: bool) -> StatBox | None:
    if not any(s.count for _, s in pane):
        return None
    quantity = pane[0][0].signal.quantity
    integral = INTEGRALS.get(quantity)
    columns = tuple(
        BoxColumn(
            LETTERS[each.slot] if len(pane) > 1 else "",
            theme.of_trace(quantity, each.slot),
            _texts(s, unit_of(quantity), integral, hours=hours),
        )
        for each, s in pane
    )
    worst = min((s for _, s in pane), key=lambda s: s.coverage)
    # Never 100 % where a sample is missing.
    warning = "" if worst.complete else f"recorded {fixed(min(100 * worst.coverage, 99.99), 2)} %"
    return StatBox((*NAMES, integral[0]) if integral else NAMES, columns, warning, integral is not None)


def _texts(s: Statistics, unit: str, integral: tuple[str, str, str] | None, *, hours: bool) -> tuple[str, ...]:
    if not s.count:
        return (NOTHING,) * (len(NAMES) + (integral is not None))
    values = (s.mean, s.deviation, math.hypot(s.mean, s.deviation), s.minimum, s.maximum, s.maximum - s.minimum)
    texts = tuple(precise(value, unit) for value in values)
    if integral is None:
        return texts
    total = precise(s.integral / HOUR_S, integral[2]) if hours else precise(s.integral, integral[1])
    return (*texts, total if s.complete else f"≥ {total}")


def _latency_box(
    recording: Recording, board: Statistics | None, start_s: float, end_s: float, theme: Theme
) -> StatBox | None:
    if board is None or not board.count:
        images, unit = work_between(recording, start_s, end_s)
        return StatBox((worded("images", unit),), (BoxColumn("", theme.latency, (f"{images:,}",)),)) if images else None
    energy = image_energy(recording, board, start_s, end_s)
    if not energy.images:
        return None
    texts = (f"{energy.images:,}", _per_image(energy))
    names = worded("images", energy.unit), worded("net energy / image", energy.unit)
    return StatBox(names, (BoxColumn("", theme.latency, texts),))


def _per_image(energy: ImageEnergy) -> str:
    if energy.withheld:
        return "withheld: samples missing"
    return precise(energy.per_image_j, "J") if energy.per_image_j is not None else "idle power not known"
