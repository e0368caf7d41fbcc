# SPDX-License-Identifier: Apache-2.0
"""Batch sizes, how often the plan is run, and in which order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QPushButton, QSpinBox

from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart, plan_or_default, planned
from monitor_app.gui.theme import with_text

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks

USUAL = (1, 2, 4, 8, 16, 32, 64)
MOST_CYCLES = 9999
ORDERS = {"listed": "in this order", "random": "in a random order"}


class BatchesPart(ProfilePart):
    """A button for each usual size, and a field for all of them."""

    title = "batch sizes and cycles"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.field = QLineEdit(placeholderText="1, 2, 4")
        self.field.setAccessibleName("Batch sizes")
        self.buttons = {size: QPushButton(str(size)) for size in USUAL}
        self.cycles = QSpinBox()
        self.cycles.setMaximum(MOST_CYCLES)
        self.cycles.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.cycles.setToolTip("How often the whole plan is run; 0: until you stop it")
        self.cycles.setFixedWidth(with_text(100))
        self.cycles.setSpecialValueText("until stopped")
        self.cycles.setAccessibleName("Cycles")
        self.order = Choice("Order of the runs")
        for key, words in ORDERS.items():
            self.order.addItem(words, key)
        for size, button in self.buttons.items():
            button.setObjectName("count")
            button.setCheckable(True)
            button.setAccessibleName(f"Batch size {size}")
            button.clicked.connect(self._switch)
        self.row(*self.buttons.values(), self.field, stretch=len(USUAL))
        self.row("cycles", self.cycles, self.order)
        self.field.textEdited.connect(self._type)
        self.cycles.valueChanged.connect(lambda _: self.edited.emit())
        self.order.activated.connect(lambda _: self.edited.emit())

    def _switch(self) -> None:
        """The usual sizes as the buttons are, and those others that the field has."""
        others = [each for each in self._sizes() if each not in USUAL]
        chosen = [size for size, button in self.buttons.items() if button.isChecked()]
        self.field.setText(", ".join(map(str, sorted([*chosen, *others], key=_rank))))
        self.edited.emit()

    def _type(self) -> None:
        self._show_buttons()
        self.edited.emit()

    def _show_buttons(self) -> None:
        sizes = self._sizes()
        for size, button in self.buttons.items():
            button.setChecked(size in sizes)

    def _sizes(self) -> list[int | str]:
        """What is no whole number stays a word, which the profile refuses."""
        words = re.split(r"[\s,;]+", self.field.text().strip(" ,;"))
        return [int(word) if word.isascii() and word.isdigit() and len(word) < 10 else word for word in words if word]

    def show_profile(self, profile: Profile) -> None:
        plan = plan_or_default(profile)
        self.setEnabled(profile.plan is not None)
        self.field.setText(", ".join(map(str, plan.batch_sizes)))
        self._show_buttons()
        self.cycles.blockSignals(True)
        self.cycles.setValue(plan.cycles)
        self.cycles.blockSignals(False)
        self.order.setCurrentIndex(self.order.findData(plan.order))

    def apply(self, profile: Profile) -> Profile:
        changes = {
            "batch_sizes": tuple(self._sizes()), "cycles": self.cycles.value(), "order": self.order.currentData(),
        }  # fmt: skip
        return planned(profile, changes)


def _rank(size: int | str) -> tuple[bool, int]:
    return (False, size) if isinstance(size, int) else (True, 0)
