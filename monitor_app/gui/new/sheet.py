# SPDX-License-Identifier: Apache-2.0
"""The sheet New: parts that each edit a section of a profile, beside the text of the profile, with Start below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from monitor_app.bench.trust import code_in, question
from monitor_app.core.errors import MonitorError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.files.own_profiles import own_profiles_folder
from monitor_app.core.files.private_files import private_folder
from monitor_app.gui.bench.trust_dialog import ask_trust
from monitor_app.gui.new.batches_part import BatchesPart
from monitor_app.gui.new.beginnings import beginnings
from monitor_app.gui.new.board_part import BoardPart
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.device_part import DevicePart
from monitor_app.gui.new.draft import Draft, Origin
from monitor_app.gui.new.estimate_part import EstimatePart
from monitor_app.gui.new.images_part import ImagesPart
from monitor_app.gui.new.load_part import LoadPart
from monitor_app.gui.new.networks_part import NetworksPart
from monitor_app.gui.new.protocol_part import ProtocolPart
from monitor_app.gui.new.require_part import RequirePart
from monitor_app.gui.new.source_part import SourcePart
from monitor_app.gui.new.title_part import TitlePart
from monitor_app.gui.new.toml_view import TomlView
from monitor_app.gui.panels.parts import Label, dim_label
from monitor_app.gui.theme import with_text
from monitor_app.sources.profile_reader import read_profile_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.core.profile import Profile
    from monitor_app.gui.new.part import ProfilePart
    from monitor_app.gui.tasks import Tasks
    from monitor_app.gui.theme import Theme

PARTS: tuple[type[ProfilePart], ...] = (
    TitlePart, BoardPart, SourcePart, NetworksPart, BatchesPart, DevicePart, ProtocolPart, LoadPart, ImagesPart,
    RequirePart,
)  # fmt: skip
"""All parts, from top to bottom."""
P = TypeVar("P", bound="ProfilePart")
FIRST_PX = QSize(1180, 720)
PARTS_PX = 640
PROFILES = "Profiles (*.toml);;All files (*)"
BEGIN_FROM = "Begin from…"
STORED = "the session on screen"
NO_PLAN = "Record"


class NewSheet(QDialog):
    """Beside the window, which goes on: a recording is ended only by Start, and only after a question."""

    start_asked = Signal(str, bool)
    """(text of the profile, whether all code that it runs was named by the user)"""

    def __init__(self, parent: QWidget, theme: Theme, tasks: Tasks) -> None:
        super().__init__(parent)
        self.setWindowTitle("New")
        wanted = QSize(with_text(FIRST_PX.width()), FIRST_PX.height())
        self.resize(wanted.boundedTo(parent.size() - QSize(40, 40)))
        self.draft = Draft("", None)
        self._profile: Profile | None = None
        """The last one that was valid: what a part edits."""
        self._origin = Origin()
        self._folder: Path | None = None
        self._stored = ""
        self.parts: tuple[ProfilePart, ...] = tuple(part(tasks) for part in PARTS)
        self.estimate, self.toml = EstimatePart(tasks), TomlView(theme)
        self.beginning = Choice("Profile to begin from")
        self.message = dim_label()
        self.message.setWordWrap(True)
        self.open_file, self.save = QPushButton("Open profile…"), QPushButton("Save profile…")
        self.cancel, self.start = QPushButton("Close"), QPushButton("Start")
        self.start.setToolTip("Record with this profile, and run its plan (Ctrl+Enter)")
        self._arrange()
        self._connect()
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter in a field presses none of them

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(12)
        top = QHBoxLayout()
        top.setSpacing(8)
        for widget in (self.beginning, self.open_file, self.save):
            top.addWidget(widget)
        top.addWidget(self.message, 1)
        column.addLayout(top)
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.setHandleWidth(14)
        middle.setChildrenCollapsible(False)
        middle.addWidget(self._left())
        middle.addWidget(self._right())
        parts_px = with_text(PARTS_PX)
        middle.setSizes([parts_px, max(self.width() - parts_px, 1)])
        column.addWidget(middle, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        self.warning = Label()
        self.warning.setWordWrap(True)
        bottom.addWidget(self.warning, 1)
        bottom.addWidget(self.cancel)
        bottom.addWidget(self.start)
        column.addLayout(bottom)

    def _left(self) -> QWidget:
        inner, area = QWidget(), QScrollArea()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(16)
        for part in self.parts:
            column.addWidget(part, part.stretch)
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(440)
        return area

    def _right(self) -> QWidget:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(18)
        column.addWidget(self.toml, 1)
        column.addWidget(self.estimate)
        return right

    def _connect(self) -> None:
        for part in self.parts:
            part.edited.connect(lambda part=part: self._edit(part))
        self.toml.typed.connect(self._type)
        self.open_file.clicked.connect(self.open_profile)
        self.save.clicked.connect(self.save_profile)
        self.cancel.clicked.connect(self.reject)
        self.finished.connect(lambda _: self.toml.flush())
        self.start.clicked.connect(self._start)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self._start)
        QShortcut(QKeySequence("Ctrl+S"), self, self.save_profile)
        QShortcut(QKeySequence("Ctrl+O"), self, self.open_profile)
        self.beginning.activated.connect(self._begin)
        self.part(BoardPart).know_origin(self._allow)
        self._list_beginnings()

    def part(self, kind: type[P]) -> P:
        """The part of this kind."""
        return next(each for each in self.parts if isinstance(each, kind))

    # -- the profile -----------------------------------------------------------------------------

    def begin(self, text: str, *, own: bool) -> None:
        """Begin from a profile; ``own``: it is the user's or the program's, not just any file."""
        draft = Draft.of_text(text)
        self._origin = Origin() if own else Origin.elsewhere(draft)
        self._show(draft)

    def _edit(self, part: ProfilePart) -> None:
        """A part has changed: the others follow, and the text."""
        before = self._profile
        if before is not None:
            self._show(Draft.of_profile(part.apply(before)), but=part)

    def _type(self, text: str) -> None:
        """The text was typed: the parts follow where it is a profile, and wait where it is none."""
        self._show(Draft.of_text(text))

    def _show(self, draft: Draft, but: ProfilePart | None = None) -> None:
        self.draft = draft
        profile = draft.profile
        self.toml.show_draft(draft)
        if profile is not None:
            self._profile = profile
        for part in self.parts:
            part.setEnabled(profile is not None or part is but)
            if profile is not None and part is not but:
                part.show_profile(profile)
        self.estimate.show_profile(profile)
        self.start.setEnabled(profile is not None)
        self.save.setEnabled(profile is not None)
        self.start.setText(NO_PLAN if profile is not None and profile.plan is None else "Start")

    def _start(self) -> None:
        self.toml.flush()
        profile = self.draft.profile
        if profile is not None:
            self.start_asked.emit(self.draft.text, self._origin.trusts(profile))

    def _allow(self, profile: Profile, go_on: Callable[[], None]) -> None:
        """Go on where the user has named the code that this profile runs, or allows it now."""
        if self._origin.trusts(profile):
            go_on()
        else:
            ask_trust(self, question(code_in(profile)), lambda yes: go_on() if yes else None)

    def warn(self, sentence: str) -> None:
        """What Start will do besides."""
        self.warning.setText(sentence)
        self.warning.setObjectName("dim")

    # -- files -----------------------------------------------------------------------------------

    def offer_stored(self, text: str) -> None:
        """List the profile of the session on screen among those to begin from."""
        self._stored = text
        self._list_beginnings()

    def _list_beginnings(self) -> None:
        self.beginning.clear()
        self.beginning.addItem(BEGIN_FROM)
        if self._stored:
            self.beginning.addItem(STORED)
        for each in beginnings():
            self.beginning.addItem(each.name, each.path)

    def _begin(self, index: int) -> None:
        path = self.beginning.itemData(index)
        if self.beginning.itemText(index) == STORED:
            self.begin(self._stored, own=False)
        elif path is not None:
            self.open_path(path, own=True)

    def open_profile(self) -> None:
        """Ask for a profile and begin from it."""
        path = self.ask_source()
        if path is not None:
            self.open_path(path, own=False)

    def open_path(self, path: Path, *, own: bool) -> None:
        """Begin from the profile in this file."""
        try:
            text = read_profile_text(path)
        except MonitorError as error:
            self.message.setText(str(error))
            return
        self.message.setText(str(path.name))
        self._folder = None if own else path.parent
        self.begin(text, own=own)

    def save_profile(self) -> None:
        """Ask for a name and save the profile there."""
        self.toml.flush()
        if self.draft.profile is None:
            return
        target = self.ask_target()
        if target is None:
            return
        try:
            with completed(target) as file:
                file.write(self.draft.text.encode())
        except MonitorError as error:
            self.message.setText(str(error))
            return
        self.message.setText(f"Saved as {target}.")
        self._list_beginnings()

    def ask_source(self) -> Path | None:
        """Which profile to open; None when the user cancels."""
        name, _ = QFileDialog.getOpenFileName(self, "Open profile", str(self._folder or ""), PROFILES)
        return Path(name) if name else None

    def ask_target(self) -> Path | None:
        """Where to save the profile; None when the user cancels. Among the user's own it is known by its name."""
        folder = private_folder(own_profiles_folder())
        suggestion = "-".join(self.draft.profile.title.lower().split()) if self.draft.profile is not None else ""
        name, _ = QFileDialog.getSaveFileName(self, "Save profile", str(folder / f"{suggestion}.toml"), PROFILES)
        return Path(name) if name else None
