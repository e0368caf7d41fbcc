# SPDX-License-Identifier: Apache-2.0
"""What is read at the time under the mouse: the values of each pane, and the latency of a batch that ended there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.formatting import engineering, span_of_time, unit_of
from monitor_app.gui.plot.plot_state import Cursor
from monitor_app.gui.plot.scales.time_labels import RELATIVE, TimeLabels
from monitor_app.gui.session.curve_style import CurveStyle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.plot.trace_curve import TraceCurve
    from monitor_app.gui.plot.trace_pane import TracePane
    from monitor_app.gui.session.recording import Recording


NAME_APART = "   "
"""Between a value and the name of its signal."""


def cursor_at(
    seconds: float, pixel_s: float, recording: Recording, panes: Sequence[TracePane], times: TimeLabels = RELATIVE
) -> Cursor:
    """The values at a time, and the latency of a batch that ended within a few pixels of it."""
    lines = [
        tuple(line for curve in pane.curves for line in _of_curve(curve, recording, seconds, len(pane.curves) > 1))
        for pane in panes
    ]
    when = times.exact(seconds, max(pixel_s, 1e-6))
    return Cursor(seconds, ((when, *lines[0]), *lines[1:]), _latency(recording, seconds, pixel_s))


def _of_curve(curve: TraceCurve, recording: Recording, seconds: float, named: bool) -> tuple[str, ...]:
    """Mean, and minimum and maximum where a pixel has several samples; one line where the pane has several signals."""
    group = curve.group_at(seconds)
    if group is None:
        return ()
    signal = curve.shown.signal
    mean, low, high = (engineering(value, unit_of(signal.quantity), exact=True) for value in group)
    if named:
        return (f"{mean}{NAME_APART}{recording.labels.get(signal.id, signal.name)}",)
    if group[1] == group[2]:
        return (mean,)
    if curve.style is CurveStyle.DEVIATION:
        return mean, f"± {engineering(group[2] - group[0], unit_of(signal.quantity), exact=True)}"
    return mean, f"{low} … {high}"


def _latency(recording: Recording, seconds: float, pixel_s: float) -> tuple[str, ...]:
    batch = recording.batches.last_before(seconds + 4 * pixel_s)
    if batch is None or seconds - float(batch["end_s"]) > max(10 * pixel_s, 2e-3 * batch["latency_ms"]):
        return ()
    return (span_of_time(1e-3 * float(batch["latency_ms"])),)
