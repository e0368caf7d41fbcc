# SPDX-License-Identifier: Apache-2.0
"""The status bar: resolution of the trace on the left; rate, losses, clock, load and disk on the right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout

from monitor_app.analysis.link import link_words
from monitor_app.core.formatting import clock_bound, long_duration, sample_rate, size
from monitor_app.core.samples import LINK, NO_INSTRUMENTS
from monitor_app.core.status import TROUBLE, SourceState
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.panels.parts import Shrinking
from monitor_app.gui.session.curve_style import CurveStyle

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme

APART = "   ·   "
LATELY_NS = 60_000_000_000
"""For so long after it, a loss is an alarm."""
LEAST_PX = 240
"""What is lost, or no longer there, is elided only below this width."""
LOST_TIP = "Samples that the instrument took but that never arrived"
AFTER_TIP = (
    "Clock: the largest possible error of a sample's time on the host's clock. "
    "Link: the same of a time of the board that the networks run on, where that is elsewhere. "
    "Monitor: processor time of the window and the bench together."
)
STOPPED = TROUBLE | {SourceState.DISCONNECTED}


def resolution_text(samples_per_column: int | None, style: CurveStyle = CurveStyle.ENVELOPE) -> str:
    """How many samples one pixel of the trace stands for."""
    if samples_per_column is None:
        return ""
    if samples_per_column == 1:
        return "every sample"
    return f"{style.short}, {samples_per_column:,} samples per pixel"


def quality_text(
    recording: Recording, status: BenchStatus | None, file_bytes: int, own_cpu: float
) -> tuple[str, str, str]:
    """The text before, of and after the number of lost samples, which stands out when it is not zero."""
    measured = [source for source in recording.sources if source.kind not in NO_INSTRUMENTS]
    rates = [sample_rate(recording.rate_hz(source.id)) for source in measured]
    lost = max(recording.lost_samples, sum(s.lost_samples for s in status.sources) if status else 0)
    # The largest of the instruments: the source panel shows that of each.
    after = [f"clock {clock_bound(recording.clock_bound_ns)}", *link_text(recording, status)]
    if status is not None:
        after.append(f"monitor {100 * (status.cpu_fraction + own_cpu):.0f} % of a core")
    after.append(f"session {size(file_bytes)}")
    if status is not None and status.disk_free_bytes:
        left = f", {long_duration(status.disk_left_s)}" if status.disk_left_s is not None else ""
        after.append(f"disk {size(status.disk_free_bytes)}{left} left")
    before = rates[0] if len(rates) == 1 else f"{len(rates)} sources" if rates else ""
    return before, f"{lost:,} lost", APART.join(after)


def link_text(recording: Recording, status: BenchStatus | None) -> list[str]:
    """The bound of the link to a board elsewhere; empty where there is no such board, or it is said as an alarm."""
    for source in status.sources if status else ():
        if source.kind == LINK:
            return [] if source.state in TROUBLE else [f"link {link_words(source)}"]
    bound_ns = recording.link_bound_ns
    return [] if bound_ns is None else [f"link {clock_bound(bound_ns)}"]


def stopped_text(state: WindowState) -> str:
    """Which sources give no samples while a bench records; empty where all do."""
    if not state.live or state.status is None:
        return ""
    names = [each.name for each in state.status.sources if each.state in STOPPED and each.kind != LINK]
    if state.silent_s:
        return f"no samples for {long_duration(state.silent_s)}"
    return f"no samples from {', '.join(names)}" if names else ""


def lost_link_text(state: WindowState) -> str:
    """What the link to a board elsewhere does in its place while a bench records; empty where there is no trouble."""
    sources = state.status.sources if state.live and state.status is not None else ()
    return APART.join(f"{s.name} {link_words(s)}" for s in sources if s.kind == LINK and s.state in TROUBLE)


def loses_samples(state: WindowState) -> bool:
    """Whether a recording in progress has lost samples lately; what it lost before is over."""
    recording = state.recording
    if recording is None or not state.live:
        return False
    since_ns = recording.newest_ns - LATELY_NS
    computed = {source.id for source in recording.sources if source.kind in NO_INSTRUMENTS}
    return any(gap.end_ns > since_ns for gap in recording.gaps if gap.source not in computed)


class StatusBar(Panel):
    """One line of dim text; losses stand out."""

    place = Place.BOTTOM
    period_s = 0.5

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.setFixedHeight(26)
        self.resolution, self._before, self._after = (Shrinking() for _ in range(3))
        self.lost = Shrinking(LEAST_PX)
        self._cost = OwnCost()
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 2)
        row.setSpacing(0)
        row.addWidget(self.resolution)
        row.addStretch()
        self.resolution.setObjectName("")
        for label in (self._before, self.lost, self._after):
            row.addWidget(label)

    @property
    def text(self) -> str:
        return "".join(label.whole for label in (self._before, self.lost, self._after))

    def show_state(self, state: WindowState) -> None:
        own_cpu, recording, status = self._cost.read(), state.recording, state.status
        if recording is None:
            for label in (self.resolution, self._before, self.lost, self._after):
                label.set_text("")
            return
        file_bytes = status.file_bytes if status and status.file_bytes else _size_of(recording.reader.path)
        before, lost, after = quality_text(recording, status, file_bytes, own_cpu)
        stopped = APART.join(filter(None, (lost_link_text(state), stopped_text(state))))
        lost = stopped or lost
        self.resolution.set_text(resolution_text(state.samples_per_column, state.style))
        self._before.set_text(before + APART if before else "")
        self.lost.set_text(lost, stopped or LOST_TIP)
        trouble = bool(stopped) or loses_samples(state)
        colour = self.theme.alarm if trouble else self.theme.text if recording.lost_samples else self.theme.dim
        self.lost.setStyleSheet(f"color: {colour}")
        self._after.set_text(APART + after, AFTER_TIP)


class OwnCost:
    """Fraction of a core that this process has used since it was last asked."""

    def __init__(self) -> None:
        self._before = (time.process_time(), time.perf_counter())

    def read(self) -> float:
        spent, now = time.process_time(), time.perf_counter()
        fraction = (spent - self._before[0]) / max(now - self._before[1], 1e-3)
        self._before = (spent, now)
        return fraction


def _size_of(path: Path) -> int:
    """Bytes of a session, with those that SQLite has yet to move into it."""
    wal = path.with_name(f"{path.name}-wal")
    return sum(p.stat().st_size for p in (path, wal) if p.exists())
