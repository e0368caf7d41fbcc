# SPDX-License-Identifier: Apache-2.0
"""What a part of the sheet is: it shows one section of a profile, and edits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from monitor_app.core.profile import Plan
from monitor_app.gui.panels.parts import Label, SectionHeader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks


class ProfilePart(QWidget):
    """A new part is a file with such a class and a line in ``sheet.PARTS``.

    ``show_profile`` is called with the profile whenever something else has changed it; the part keeps what it needs
    of it. ``edited`` says that the user has changed this part; ``apply`` then gives the profile with the change.
    """

    title: ClassVar[str]
    stretch: ClassVar[int] = 0
    """Its part of the height that no part needs."""
    edited = Signal()

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self.tasks = tasks
        self.head = QHBoxLayout()
        self.head.setSpacing(14)
        self.head.addWidget(SectionHeader(self.title))
        self.head.addStretch(1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        self.column.addLayout(self.head)

    def show_profile(self, profile: Profile) -> None:
        """Show this section of it; announces nothing."""
        raise NotImplementedError

    def apply(self, profile: Profile) -> Profile:
        """The profile with this section as the user has it now; it need not be valid."""
        raise NotImplementedError

    def row(self, *widgets: QWidget | str, stretch: int = -1) -> QHBoxLayout:
        """A row of the part: words and widgets; the one at ``stretch`` takes the room that is left."""
        row = QHBoxLayout()
        row.setSpacing(8)
        for k, each in enumerate(widgets):
            row.addWidget(each if isinstance(each, QWidget) else Label(each), 1 if k == stretch else 0)
        if stretch < 0:
            row.addStretch(1)
        self.column.addLayout(row)
        return row


def planned(profile: Profile, changes: Mapping[str, object]) -> Profile:
    """The profile with these values in its plan; one without a plan stays as it is."""
    if profile.plan is None:
        return profile
    return profile.model_copy(update={"plan": profile.plan.model_copy(update=dict(changes))})


def plan_or_default(profile: Profile) -> Plan:
    """Its plan, or where it has none what one would be without further words."""
    return profile.plan or Plan.model_construct(networks=())
