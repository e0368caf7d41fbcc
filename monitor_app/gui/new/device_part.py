# SPDX-License-Identifier: Apache-2.0
"""What the networks run on and by, and with which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from PySide6.QtWidgets import QCheckBox

from monitor_app.core.back_ends import BACK_ENDS, back_end_title
from monitor_app.core.profile import Precision
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
DEVICES = {"cpu": "the processor", "cuda:0": "the first GPU", "emulated:tx1": "published figures, replayed"}
AUTO = "by the file"
"""In place of a back end: PyTorch, and for a file of another back end that one."""
TOOL_TIP = 3
NO_IMAGES, DEMO = "no images", "demo"


class DevicePart(ProfilePart):
    """Several precisions make one run each."""

    title = "device and precision"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.device = Choice("Device", editable=True)
        for k, (device, words) in enumerate(DEVICES.items()):
            self.device.addItem(device)
            self.device.setItemData(k, words, TOOL_TIP)
        self.device.setMinimumWidth(150)
        self.precisions = {name: QCheckBox(name) for name in PRECISIONS}
        self.row(self.device, *self.precisions.values())
        self.back_end = Choice("Back end")
        self.back_end.addItem(AUTO, ("auto",))
        for name, row in BACK_ENDS.items():
            self.back_end.addItem(row.title, (name,))
            extra = f"the extra {row.extra}" if row.extra else "comes with the board"
            self.back_end.setItemData(self.back_end.count() - 1, f"{', '.join(row.precisions)}; {extra}", TOOL_TIP)
        self.calibration = Choice("Images for the calibration of int8", editable=True)
        self.calibration.addItems([NO_IMAGES, DEMO])
        self.calibration.setMinimumWidth(150)
        self.row("run by", self.back_end, "int8 calibrated with", self.calibration)
        self.device.editTextChanged.connect(self._type)
        self.calibration.editTextChanged.connect(self._name_images)
        self.back_end.activated.connect(lambda _: self.edited.emit())
        for box in self.precisions.values():
            box.clicked.connect(lambda _: self.edited.emit())
        self._shown = ""
        self._named = NO_IMAGES

    def _type(self, text: str) -> None:
        if text != self._shown:
            self._shown = text
            self.edited.emit()

    def _name_images(self, text: str) -> None:
        if text != self._named:
            self._named = text
            self.edited.emit()

    def show_profile(self, profile: Profile) -> None:
        self._shown = profile.inference.device
        self.device.setCurrentText(self._shown)
        several = profile.plan.precisions if profile.plan is not None else ()
        for name, box in self.precisions.items():
            box.setChecked(name in (several or (profile.inference.precision,)))
        back_ends = profile.plan.back_ends if profile.plan is not None else ()
        self._show_back_ends(back_ends or (profile.inference.back_end,))
        self._named = profile.inference.calibration or NO_IMAGES
        self.calibration.setCurrentText(self._named)

    def _show_back_ends(self, names: tuple[str, ...]) -> None:
        """Several, which only the text can name, are an entry of their own."""
        while self.back_end.count() > len(BACK_ENDS) + 1:
            self.back_end.removeItem(self.back_end.count() - 1)
        if len(names) > 1:
            self.back_end.addItem(" + ".join(AUTO if name == "auto" else back_end_title(name) for name in names), names)
        data = [tuple(self.back_end.itemData(k)) for k in range(self.back_end.count())]
        self.back_end.setCurrentIndex(data.index(tuple(names)))

    def apply(self, profile: Profile) -> Profile:
        """One precision or back end is that of [inference]; several are those of the plan."""
        chosen = tuple(name for name, box in self.precisions.items() if box.isChecked())
        changes: dict[str, object] = {"device": self.device.currentText().strip()}
        if len(chosen) == 1 and chosen[0] != profile.inference.precision:
            changes["precision"] = chosen[0]
        back_ends = tuple(self.back_end.currentData())
        if len(back_ends) == 1:
            changes["back_end"] = back_ends[0]
        images = self.calibration.currentText().strip()
        changes["calibration"] = None if images in {"", NO_IMAGES} else images
        changed: dict[str, object] = {"inference": profile.inference.model_copy(update=changes)}
        several = {
            "precisions": chosen if len(chosen) > 1 else (),
            "back_ends": back_ends if len(back_ends) > 1 else (),
        }
        if profile.plan is not None and any(getattr(profile.plan, key) != value for key, value in several.items()):
            changed["plan"] = profile.plan.model_copy(update=several)
        return profile.model_copy(update=changed)
