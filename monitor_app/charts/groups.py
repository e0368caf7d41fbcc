# SPDX-License-Identifier: Apache-2.0
"""Compared sessions in one chart: which marks belong to which, and names without what the legend says already. No Qt.

Series of compared groups end with the name of the group: ResNet-50 (fp16), ResNet-50 (paper).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.charts.contents import SOLID, points_of
from monitor_app.charts.model import Origin

if TYPE_CHECKING:
    from monitor_app.charts.model import Chart, Point, Series

_ENDING = re.compile(r" \(([^()]+)\)$")
_BATCH = re.compile(r" b\d+$")
_PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Groups:
    """What was measured, in as many groups as are compared; one where nothing is."""

    keys: tuple[tuple[int, str], ...]
    """Session and name of each."""
    simulated: frozenset[tuple[int, str]]
    batch: str
    """How the labels of all points end, where they end alike."""

    def shape(self, series: Series, point: Point) -> int:
        """Which of the groups; 0 for the first and for what was not measured here."""
        key = self._key(series, point)
        return self.keys.index(key) if key in self.keys else 0

    def name(self, index: int) -> str:
        """For the legend, with its origin."""
        session, name = self.keys[index]
        origin = Origin.SIMULATED if self.keys[index] in self.simulated else Origin.MEASURED
        return f"{name or f'session {session + 1}'}, {origin.value}"

    def short(self, series: Series) -> str:
        """Of a series: the network."""
        return _without(series.name, self._endings())

    def label(self, point: Point) -> str:
        """Of a point: what tells it from the others."""
        return _without(point.label, self._endings()).removesuffix(self.batch)

    def _endings(self) -> frozenset[str]:
        return frozenset({name for _, name in self.keys} | {_PAPER})

    def _key(self, series: Series, point: Point) -> tuple[int, str]:
        ending = _ending(series.name)
        return point.campaign, ending if any(name == ending for _, name in self.keys) else ""


def groups_of(chart: Chart) -> Groups:
    """Sessions, and within them what the endings of all names tell apart."""
    own = [(series, point) for series, point in points_of(chart) if series.origin in SOLID]
    told = all(_ending(series.name) for series, _ in own)
    keys = dict.fromkeys((point.campaign, _ending(series.name) if told else "") for series, point in own)
    measured = {
        (point.campaign, _ending(series.name) if told else "")
        for series, point in own
        if series.origin is not Origin.SIMULATED
    }
    endings = frozenset({name for _, name in keys} | {_PAPER})
    batches = {
        found[0] if (found := _BATCH.search(_without(point.label, endings))) else ""
        for _, point in points_of(chart)
        if point.label
    }
    return Groups(tuple(keys), frozenset(keys) - measured, batches.pop() if len(batches) == 1 else "")


def _ending(name: str) -> str:
    found = _ENDING.search(name)
    return found[1] if found else ""


def _without(name: str, endings: frozenset[str]) -> str:
    ending = _ending(name)
    return name[: -len(ending) - 3] if ending and ending in endings else name
