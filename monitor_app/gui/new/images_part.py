# SPDX-License-Identifier: Apache-2.0
"""On which labelled images accuracy is measured, if any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton

from monitor_app.core.errors import MonitorError
from monitor_app.core.runs import is_emulated
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart, plan_or_default, planned
from monitor_app.gui.panels.parts import dim_label
from monitor_app.inference.datasets import Dataset, find_dataset

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Task, Tasks

NONE, DEMO, FOLDER = "none", "the demo's twenty photographs", "a folder of your own"
REPLAY = "as published, replayed"
REPLAY_NAME = "published"
"""How the profiles of an emulated board name its images, none of which are read; elsewhere it is a folder."""
WITHOUT = "Accuracy is not measured."
REPLAYED = "Accuracy is the published one."


class ImagesPart(ProfilePart):
    """A folder is looked at beside the window, since it may hold fifty thousand."""

    title = "images for accuracy"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.kind = Choice("Images")
        self.kind.addItems([NONE, DEMO, FOLDER])
        self.accuracy = Choice("How often accuracy is measured")
        for key, words in (("every", "in every run"), ("once", "once for each network")):
            self.accuracy.addItem(words, key)
        self.folder = QLineEdit(placeholderText="folder")
        self.folder.setAccessibleName("Folder of images")
        self.browse = QPushButton("Browse…")
        self.found = dim_label()
        self.found.setWordWrap(True)
        self._counted: str | None = None
        self._host = ""
        """The board that has the images; empty where they are on this machine."""
        self._emulated = False
        """Whether the device replays what was published."""
        self._task: Task | None = None
        self.row(self.kind, self.accuracy)
        self.row(self.folder, self.browse, stretch=0)
        self.column.addWidget(self.found)
        self.kind.activated.connect(self._choose)
        self.accuracy.activated.connect(lambda _: self.edited.emit())
        self.folder.textEdited.connect(lambda _: self._change())
        self.browse.clicked.connect(self._browse)

    @property
    def images(self) -> str | None:
        """As a profile names them."""
        kind = self.kind.currentText()
        return {NONE: None, DEMO: "demo", REPLAY: REPLAY_NAME}.get(kind, self.folder.text().strip() or None)

    def _choose(self) -> None:
        self._show_folder()
        if self.kind.currentText() == FOLDER and not self.folder.text():
            self._browse()
        self._change()

    def _change(self) -> None:
        self._describe(self.images)
        self.edited.emit()

    def _browse(self) -> None:
        chosen = self.ask_folder()
        if chosen:
            self.folder.setText(chosen)
            self._change()

    def ask_folder(self) -> str:
        """Empty when the user cancels."""
        return QFileDialog.getExistingDirectory(self, "Folder of labelled images", self.folder.text())

    def _show_folder(self) -> None:
        for widget in (self.folder, self.browse):
            widget.setVisible(self.kind.currentText() == FOLDER)

    def show_profile(self, profile: Profile) -> None:
        plan = plan_or_default(profile)
        self.setEnabled(profile.plan is not None)
        self._offer_replay(on=is_emulated(profile.inference.device))
        kinds = {None: NONE, "demo": DEMO} | ({REPLAY_NAME: REPLAY} if self._emulated else {})
        self.kind.setCurrentText(kinds.get(plan.images, FOLDER))
        if plan.images not in kinds:
            self.folder.setText(plan.images or "")
        self.accuracy.setCurrentIndex(self.accuracy.findData(plan.accuracy))
        self._show_folder()
        self.browse.setEnabled(profile.board is None)
        self._host = profile.board.host if profile.board is not None else ""
        self._describe(plan.images)

    def _offer_replay(self, *, on: bool) -> None:
        """As a choice: only an emulated board has something to replay."""
        self._emulated = on
        at = self.kind.findText(REPLAY)
        if on and at < 0:
            self.kind.insertItem(1, REPLAY)
        elif not on and at >= 0:
            self.kind.removeItem(at)

    def apply(self, profile: Profile) -> Profile:
        return planned(profile, {"images": self.images, "accuracy": self.accuracy.currentData()})

    def _describe(self, images: str | None) -> None:
        if self._emulated and images:
            self._stop_counting()
            self.found.setText(REPLAYED)
        else:
            self._count(images)

    def _stop_counting(self) -> None:
        self._counted = None
        if self._task is not None:
            self._task.stop()
            self._task = None

    def _count(self, images: str | None) -> None:
        if images == self._counted and images is not None and not self._host:
            return
        self._stop_counting()
        self._counted = images
        if images is None:
            self.found.setText(WITHOUT)
            return
        if self._host:
            self.found.setText(f"Looked for on {self._host} when the plan begins.")
            return
        self.found.setText("looking…")
        self._task = self.tasks.start(lambda _: find_dataset(images), self._show_count)

    def _show_count(self, result: object) -> None:
        self._task = None
        if isinstance(result, MonitorError):
            self.found.setText(str(result))
        elif isinstance(result, Dataset):
            count = len(result.images)
            images = "1 labelled image" if count == 1 else f"{count:,} labelled images"
            self.found.setText(images if count else f"{WITHOUT} There are {result.reason}.")
