# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (micro and minus signs)
"""The exact range of values of a pane, typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit

from monitor_app.core.formatting import scale_of
from monitor_app.gui.keyboard import name_fields
from monitor_app.gui.plot.scales.value_scale import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.theme import Theme

_FACTORS = {"": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_NUMBER = r"(?P<number>[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)"
NO_VALUE = "Type a value as 12.5 or 300 m{unit}."
BACKWARDS = "The largest value must be above the smallest."
NOT_POSITIVE = "A logarithmic axis begins above zero."
LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class PaneRange:
    """A pane with the range that it shows, in its unit."""

    key: str
    title: str
    unit: str
    low: float
    high: float
    scale: Scale
    can_be_log: bool = True


class RangeDialog(QDialog):
    """Begins with the range that is shown; another pane can be chosen."""

    chosen = Signal(str, object, object)
    """(key of the pane, smallest and largest value or None to fit the values, Scale)"""

    def __init__(self, parent: QWidget, panes: Sequence[PaneRange], key: str, theme: Theme) -> None:
        super().__init__(parent)
        self._panes = list(panes)
        self.setWindowTitle("Range of values")
        self.pane, self.low, self.high = QComboBox(), QLineEdit(), QLineEdit()
        self.log = QCheckBox("&Logarithmic")
        for each in self._panes:
            self.pane.addItem(each.title)
        self.problem = QLabel()
        self.problem.setStyleSheet(f"color: {theme.alarm}")
        form = QFormLayout(self)
        for label, widget in (("&Pane", self.pane), ("&Smallest", self.low), ("L&argest", self.high)):
            form.addRow(label, widget)
        form.addRow(self.log)
        form.addRow(self.problem)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        fit = buttons.addButton("&Fit the values", QDialogButtonBox.ButtonRole.ResetRole)
        fit.clicked.connect(self.fit)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)
        name_fields(self)
        self.pane.currentIndexChanged.connect(self._fill)
        self.pane.setCurrentIndex(next((k for k, each in enumerate(self._panes) if each.key == key), 0))
        self._fill()
        self.low.setFocus()
        self.low.selectAll()

    @property
    def _chosen(self) -> PaneRange:
        return self._panes[self.pane.currentIndex()]

    @property
    def _scale(self) -> Scale:
        return Scale.LOG if self.log.isChecked() else Scale.LINEAR

    def _fill(self) -> None:
        shown = self._chosen
        self.low.setText(value_text(shown.low, shown.high, shown.unit))
        self.high.setText(value_text(shown.high, shown.high, shown.unit))
        self.log.setChecked(shown.scale is Scale.LOG)
        self.log.setEnabled(shown.can_be_log)
        self.problem.setText("")

    def fit(self) -> None:
        """Close and let the range fit the values again."""
        self.chosen.emit(self._chosen.key, None, self._scale)
        super().accept()

    def accept(self) -> None:
        """Close with what was typed, or say what is wrong with it."""
        low, high = (parsed(field.text(), self._chosen.unit) for field in (self.low, self.high))
        problem = self._problem(low, high)
        self.problem.setText(problem)
        if problem or low is None or high is None:
            return
        self.chosen.emit(self._chosen.key, (low, high), self._scale)
        super().accept()

    def _problem(self, low: float | None, high: float | None) -> str:
        if low is None or high is None:
            return NO_VALUE.format(unit=self._chosen.unit)
        if not low < high:
            return BACKWARDS
        return NOT_POSITIVE if low <= 0 and self.log.isChecked() else ""


def value_text(value: float, size: float, unit: str) -> str:
    """A value to edit, in the unit in which the axis is read."""
    factor, shown = scale_of(abs(size), unit) if len(unit) == 1 else (1.0, unit)
    return f"{value * factor:.6g} {shown}".rstrip()


def parsed(text: str, unit: str) -> float | None:
    """A value with or without prefix and unit, in the unit; None where it is none."""
    prefixes = "|".join(map(re.escape, filter(None, _FACTORS))) if len(unit) == 1 else ""
    pattern = rf"{_NUMBER}\s*(?P<prefix>(?:{prefixes})?)(?:{re.escape(unit)})?"
    found = re.fullmatch(pattern, text.strip().replace("−", "-"))
    if found is None:
        return None
    value = float(found["number"].replace(",", ".")) * _FACTORS[found["prefix"]]
    return value if abs(value) <= LARGEST else None
