# SPDX-License-Identifier: Apache-2.0
"""The name, the exact times and the colour of a marker, typed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit

from monitor_app.gui.keyboard import name_fields

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from monitor_app.core.markers import Marker
    from monitor_app.gui.theme import Theme

MOST_LETTERS = 80
_TIME = re.compile(r"(?:(?P<hours>\d+):)?(?:(?P<minutes>\d+):)?(?P<seconds>\d+(?:[.,]\d*)?)\s*s?")
NO_TIME = "Type a time as 12.5 or 1:02.5."
BACKWARDS = "The end must not be before the start."
OUTSIDE = "The recording lasts from 0 to {edge} s."
SWATCH_PX = 14


class MarkerDialog(QDialog):
    """Times are in s since the start of the session; the length and the end follow each other."""

    chosen = Signal(object)
    """The Marker as it was typed."""

    def __init__(self, parent: QWidget, marker: Marker, theme: Theme, origin_ns: int, edge_ns: int) -> None:
        super().__init__(parent)
        self._marker, self._origin_ns, self._edge_ns = marker, origin_ns, edge_ns
        self.setWindowTitle(f"Marker {marker.number}")
        self.name = QLineEdit(marker.name, maxLength=MOST_LETTERS)
        self.start = QLineEdit(_seconds(marker.start_ns - origin_ns))
        self.end, self.length = QLineEdit(), QLineEdit()
        self.colour = QComboBox()
        for k, colour in enumerate(theme.markers, start=1):
            swatch = QPixmap(SWATCH_PX, SWATCH_PX)
            swatch.fill(QColor(colour))
            self.colour.addItem(QIcon(swatch), str(k))
        self.colour.setCurrentIndex(marker.colour % len(theme.markers))
        self.problem = QLabel()
        self.problem.setStyleSheet(f"color: {theme.alarm}")
        self._fill(marker)
        name_fields(self)
        self.name.setFocus()

    def _fill(self, marker: Marker) -> None:
        form = QFormLayout(self)
        form.addRow("&Name", self.name)
        form.addRow("&Start (s)" if marker.end_ns is not None else "&Time (s)", self.start)
        if marker.end_ns is not None:
            self.end.setText(_seconds(marker.end_ns - self._origin_ns))
            self.length.setText(_seconds(marker.end_ns - marker.start_ns))
            form.addRow("&End (s)", self.end)
            form.addRow("&Length (s)", self.length)
            self.end.textEdited.connect(self._follow_end)
            self.start.textEdited.connect(self._follow_end)
            self.length.textEdited.connect(self._follow_length)
        form.addRow("&Colour", self.colour)
        form.addRow(self.problem)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def _follow_end(self) -> None:
        start_ns, end_ns = _parsed(self.start.text()), _parsed(self.end.text())
        if start_ns is not None and end_ns is not None and end_ns >= start_ns:
            self.length.setText(_seconds(end_ns - start_ns))

    def _follow_length(self) -> None:
        start_ns, length_ns = _parsed(self.start.text()), _parsed(self.length.text())
        if start_ns is not None and length_ns is not None:
            self.end.setText(_seconds(start_ns + length_ns))

    def accept(self) -> None:
        """Close with what was typed, or say what is wrong with it."""
        single = self._marker.end_ns is None
        start_ns = _parsed(self.start.text())
        end_ns = start_ns if single else _parsed(self.end.text())
        problem = self._problem(start_ns, end_ns)
        self.problem.setText(problem)
        if problem or start_ns is None or end_ns is None:
            return
        start_ns, end_ns = start_ns + self._origin_ns, end_ns + self._origin_ns
        self.chosen.emit(
            replace(
                self._marker, name=self.name.text().strip(), start_ns=start_ns, end_ns=None if single else end_ns,
                colour=self.colour.currentIndex(),
            )
        )  # fmt: skip
        super().accept()

    def _problem(self, start_ns: int | None, end_ns: int | None) -> str:
        if start_ns is None or end_ns is None:
            return NO_TIME
        if end_ns < start_ns:
            return BACKWARDS
        length_ns = self._edge_ns - self._origin_ns
        return OUTSIDE.format(edge=_seconds(length_ns)) if end_ns > length_ns else ""


def _seconds(time_ns: int) -> str:
    """Exactly, without trailing zeros."""
    whole, part = divmod(time_ns, 10**9)
    return f"{whole}.{part:09}".rstrip("0").rstrip(".")


def _parsed(text: str) -> int | None:
    """Nanoseconds; None where it is no time."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes = found["hours"], found["minutes"]
    if hours is not None and minutes is None:
        hours, minutes = None, hours
    whole, _, part = found["seconds"].replace(",", ".").partition(".")
    return ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(whole)) * 10**9 + int(f"{part:0<9}"[:9])
