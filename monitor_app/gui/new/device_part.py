# SPDX-License-Identifier: Apache-2.0
"""What the networks run on, and with which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from PySide6.QtWidgets import QCheckBox

from monitor_app.core.profile import Precision
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
DEVICES = {"cpu": "the processor", "cuda:0": "the first GPU", "emulated:tx1": "published figures, replayed"}


class DevicePart(ProfilePart):
    """Several precisions make one run each."""

    title = "device and precision"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.device = Choice("Device", editable=True)
        for k, (device, words) in enumerate(DEVICES.items()):
            self.device.addItem(device)
            self.device.setItemData(k, words, 3)  # ToolTipRole
        self.device.setMinimumWidth(150)
        self.precisions = {name: QCheckBox(name) for name in PRECISIONS}
        self.row(self.device, *self.precisions.values())
        self.device.editTextChanged.connect(self._type)
        for box in self.precisions.values():
            box.clicked.connect(lambda _: self.edited.emit())
        self._shown = ""

    def _type(self, text: str) -> None:
        if text != self._shown:
            self._shown = text
            self.edited.emit()

    def show_profile(self, profile: Profile) -> None:
        self._shown = profile.inference.device
        self.device.setCurrentText(self._shown)
        several = profile.plan.precisions if profile.plan is not None else ()
        for name, box in self.precisions.items():
            box.setChecked(name in (several or (profile.inference.precision,)))

    def apply(self, profile: Profile) -> Profile:
        """One precision is that of [inference]; several are those of the plan."""
        chosen = tuple(name for name, box in self.precisions.items() if box.isChecked())
        changes: dict[str, object] = {"device": self.device.currentText().strip()}
        if len(chosen) == 1 and chosen[0] != profile.inference.precision:
            changes["precision"] = chosen[0]
        changed: dict[str, object] = {"inference": profile.inference.model_copy(update=changes)}
        several = chosen if len(chosen) > 1 else ()
        if profile.plan is not None and several != profile.plan.precisions:
            changed["plan"] = profile.plan.model_copy(update={"precisions": several})
        return profile.model_copy(update=changed)
