# SPDX-License-Identifier: Apache-2.0
"""The figures of a selected stretch of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from monitor_app.core.samples import Quantity
from monitor_app.gui.heading import Heading
from monitor_app.gui.wording import engineering, fixed, span_of_time

if TYPE_CHECKING:
    from monitor_app.gui.recording import Recording
    from monitor_app.session.rows import SignalRow


def selection_figures(recording: Recording, signal: SignalRow, start_s: float, end_s: float) -> dict[str, str]:
    """What the stretch comes to; rows that do not apply are left out."""
    s = recording.reader.statistics(signal.id, recording.host_ns(start_s), recording.host_ns(end_s))
    unit = signal.quantity.value
    figures = {"Δt": span_of_time(end_s - start_s)}
    if s.count == 0:
        return figures | {"coverage": "no samples"}
    figures |= {
        "mean": engineering(s.mean, unit, exact=True),
        "min … max": f"{fixed(s.minimum, 3)} … {fixed(s.maximum, 3)} {unit}",
        "std": engineering(s.deviation, unit, exact=True),
    }
    if signal.quantity is Quantity.POWER:
        figures |= _energies(recording, s.mean, start_s, end_s)
    elif signal.quantity is Quantity.CURRENT:
        figures["charge"] = engineering(s.integral, "C", exact=True)
    return figures | {"coverage": f"{100 * s.coverage:.2f} %"}


def _energies(recording: Recording, mean_w: float, start_s: float, end_s: float) -> dict[str, str]:
    seconds = end_s - start_s
    figures = {"energy": engineering(mean_w * seconds, "J", exact=True)}
    idle_w = recording.levels.idle_w
    images = int(recording.batches.between(start_s, end_s)["images"].sum())
    if idle_w is not None:
        figures["net"] = engineering((mean_w - idle_w) * seconds, "J", exact=True)
    figures["images"] = f"{images:,}"
    if images and idle_w is not None:
        figures["per image"] = engineering((mean_w - idle_w) * seconds / images, "J", exact=True)
    return figures


class SelectionPanel(QWidget):
    """Hidden while nothing is selected."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._shown: dict[str, str] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addWidget(Heading("selection"))
        column.addLayout(self._grid)
        self._labels: list[tuple[QLabel, QLabel]] = []
        self.hide()

    def show_figures(self, figures: dict[str, str] | None) -> None:
        """None hides the panel."""
        self.setVisible(figures is not None)
        if figures is None or figures == self._shown:
            return
        self._shown = figures
        while len(self._labels) < len(figures):
            self._add_row()
        for k, (name, value) in enumerate(self._labels):
            texts = list(figures.items())[k] if k < len(figures) else ("", "")
            name.setText(texts[0])
            value.setText(texts[1])

    def _add_row(self) -> None:
        name, value = QLabel(), QLabel()
        name.setObjectName("dim")
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = len(self._labels)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(value, row, 1)
        self._labels.append((name, value))
