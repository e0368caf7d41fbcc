# SPDX-License-Identifier: Apache-2.0
"""Can this be trusted? What the picture is on the left; rate, losses, clock, cost and disk on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from monitor_app.core.formatting import clock_bound, long_duration, sample_rate, size
from monitor_app.gui.session.shown_signals import COMPUTED

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme

APART = "   ·   "


def picture_words(samples_per_column: int | None) -> str:
    """What one pixel of the trace stands for."""
    if samples_per_column is None:
        return ""
    if samples_per_column == 1:
        return "every sample"
    return f"envelope, {samples_per_column:,} samples a pixel"


def trust_words(
    recording: Recording, status: BenchStatus | None, file_bytes: int, own_cpu: float
) -> tuple[str, str, str]:
    """Before, at and after the number of lost samples, which stands out when it is not zero."""
    measured = [source for source in recording.sources if source.kind not in COMPUTED]
    rates = [sample_rate(recording.rate_hz(source.id)) for source in measured]
    lost = max(recording.lost_samples, sum(s.lost_samples for s in status.sources) if status else 0)
    bounds = [clock.bound_ns for clock in recording.clocks.values()]
    # The worst of them: each source has its own in the panel.
    after = [f"clock {clock_bound(max(bounds) if bounds else None)}"]
    if status is not None:
        after.append(f"monitor {100 * (status.cpu_fraction + own_cpu):.0f} % of a core")
    after.append(f"session {size(file_bytes)}")
    if status is not None and status.disk_free_bytes:
        left = f", {long_duration(status.disk_left_s)}" if status.disk_left_s is not None else ""
        after.append(f"disk {size(status.disk_free_bytes)}{left} left")
    before = rates[0] if len(rates) == 1 else f"{len(rates)} sources" if rates else ""
    return before, f"{lost:,} lost", APART.join(after)


class StatusBar(QWidget):
    """One line of quiet words; losses stand out."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setFixedHeight(26)
        self.picture, self._before, self.lost, self._after = (QLabel() for _ in range(4))
        self._theme = theme
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 2)
        row.setSpacing(0)
        row.addWidget(self.picture)
        row.addStretch()
        for label in (self._before, self.lost, self._after):
            label.setObjectName("dim")
            row.addWidget(label)
        self.lost.setToolTip("Samples that the instrument took and that never arrived")
        self._after.setToolTip(
            "Clock: how far a sample's time may be off the host's. Monitor: the window and the bench together."
        )

    @property
    def text(self) -> str:
        return "".join(label.text() for label in (self._before, self.lost, self._after))

    def show_words(self, picture: str, trust: tuple[str, str, str]) -> None:
        self.picture.setText(picture)
        before, lost, after = trust
        self._before.setText(before + APART if before else "")
        self.lost.setText(lost)
        self.lost.setStyleSheet("" if lost.startswith("0 ") else f"color: {self._theme.alarm}")
        self._after.setText(APART + after)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
