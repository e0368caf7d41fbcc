# SPDX-License-Identifier: Apache-2.0
"""What the session is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit

from monitor_app.gui.new.part import ProfilePart

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks


class TitlePart(ProfilePart):
    """One line."""

    title = "title"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.field = QLineEdit()
        self.field.setAccessibleName("Title of the session")
        self.field.textEdited.connect(lambda _: self.edited.emit())
        self.head.insertWidget(1, self.field, 1)

    def show_profile(self, profile: Profile) -> None:
        if self.field.text() != profile.title:
            self.field.setText(profile.title)

    def apply(self, profile: Profile) -> Profile:
        return profile.model_copy(update={"title": self.field.text()})
