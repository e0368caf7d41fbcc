# SPDX-License-Identifier: Apache-2.0
"""Markers as they are painted: their labels, the rows of their banners, and their boxes. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.formatting import exact_interval
from monitor_app.gui.plot.markers.boxes import boxes_of
from monitor_app.gui.plot.markers.layout import MOST_ROWS
from monitor_app.gui.plot.plot_state import ShownMarker
from monitor_app.gui.plot.scales.time_labels import RELATIVE, TimeLabels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor_app.core.markers import Marker
    from monitor_app.gui.plot.plot_state import StatBox
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignals
    from monitor_app.gui.theme import Theme

SINGLE_STEP_S = 1e-4
"""Digits of the time of a single marker."""


def shown_markers(
    recording: Recording,
    markers: Sequence[Marker],
    active: int | None,
    boxes: Mapping[Marker, tuple[StatBox | None, ...]],
    theme: Theme,
    times: TimeLabels = RELATIVE,
) -> tuple[ShownMarker, ...]:
    """All of them with the boxes there are; the ``active`` one is the last."""
    rows = _rows(markers)
    painted = [
        ShownMarker(
            marker.number, recording.seconds(marker.start_ns),
            recording.seconds(marker.end_ns) if marker.end_ns is not None else None,
            _labels(marker, recording.seconds(marker.start_ns), times),
            theme.markers[marker.colour % len(theme.markers)], rows[marker.number], marker.number == active,
            boxes.get(marker, ()),
        )
        for marker in markers
    ]  # fmt: skip
    return tuple(sorted(painted, key=lambda each: each.active))


def stored_markers(recording: Recording, shown: ShownSignals, theme: Theme) -> tuple[ShownMarker, ...]:
    """Those that the session holds, with the boxes of all pairs."""
    markers = recording.reader.markers()
    boxes = {
        marker: boxes_of(
            recording, shown, recording.seconds(marker.start_ns), recording.seconds(marker.end_ns), theme, hours=False
        )
        for marker in markers
        if marker.end_ns is not None
    }
    return shown_markers(recording, markers, None, boxes, theme)


def _labels(marker: Marker, start_s: float, times: TimeLabels) -> tuple[str, ...]:
    number = str(marker.number)
    named = [number, marker.name] if marker.name else [number]
    if marker.end_ns is None:
        at = times.text(start_s, SINGLE_STEP_S)
        return "  ".join((*named, at)), "  ".join(named), number
    length = exact_interval(marker.end_ns - marker.start_ns)
    return "  ".join((*named, length)), f"{number}  {length}", number


def _rows(markers: Sequence[Marker]) -> dict[int, int]:
    """For each marker the first row of banners in which none overlaps it in time; at most MOST_ROWS."""
    rows: dict[int, int] = {}
    ends: list[int] = []
    for marker in sorted(markers, key=lambda each: each.start_ns):
        row = next((k for k, end_ns in enumerate(ends) if end_ns < marker.start_ns), len(ends))
        row = min(row, MOST_ROWS - 1)
        end_ns = marker.start_ns if marker.end_ns is None else marker.end_ns
        ends[row : row + 1] = [max(end_ns, ends[row]) if row < len(ends) else end_ns]
        rows[marker.number] = row
    return rows
