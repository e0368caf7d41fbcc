# SPDX-License-Identifier: Apache-2.0
"""What the networks must keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QGridLayout, QLineEdit

from monitor_app.analysis.require.limits import MISS_RATIO
from monitor_app.core.profile import Require
from monitor_app.gui.new.part import ProfilePart
from monitor_app.gui.panels.parts import Label, dim_label

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks

FIELDS = {
    "deadline_ms": ("deadline of a batch", "ms"),
    "max_miss_ratio": ("missed by at most", "of the batches (0 to 1)"),
    "p99_ms": ("p99 at most", "ms"),
    "max_energy_mj": ("energy at most", "mJ / image"),
    "max_power_w": ("power at most", "W"),
    "min_top1": ("top-1 at least", "%"),
}
"""The keys of [require], each with its words and its unit; two stand in a row."""
FIELD_PX = 80


class RequirePart(ProfilePart):
    """A field for each limit; an empty one limits nothing."""

    title = "requirements"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.fields: dict[str, QLineEdit] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for place, (name, (words, unit)) in enumerate(FIELDS.items()):
            field = QLineEdit()
            field.setFixedWidth(FIELD_PX)
            field.setAccessibleName(f"{words} {unit}")
            field.textEdited.connect(lambda _: self.edited.emit())
            for k, widget in enumerate((Label(words), field, dim_label(unit))):
                grid.addWidget(widget, place // 2, 3 * (place % 2) + k)
            self.fields[name] = field
        self.fields["max_miss_ratio"].setPlaceholderText(f"{MISS_RATIO:g}")
        grid.setColumnStretch(5, 1)
        self.column.addLayout(grid)

    def show_profile(self, profile: Profile) -> None:
        for name, field in self.fields.items():
            value = getattr(profile.require, name)
            text = "" if value is None else f"{value:.10g}"
            if _number(field.text()) != value:
                field.setText(text)

    def apply(self, profile: Profile) -> Profile:
        """What is no number is written as it is, so that reading it says what is wrong."""
        typed = {name: field.text().strip() for name, field in self.fields.items()}
        values: dict[str, Any] = {name: _number(text) or text for name, text in typed.items() if text}
        if not values and not profile.require:
            return profile
        return profile.model_copy(update={"require": Require.model_construct(_fields_set=set(values), **values)})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
