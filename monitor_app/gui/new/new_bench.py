# SPDX-License-Identifier: Apache-2.0
"""Opens the sheet New, and begins a recording with the profile that was put together in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from monitor_app.bench.client import ProfileFile
from monitor_app.core.files.package_data import profile_path
from monitor_app.gui.new.preload import Preload

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.new.sheet import NewSheet
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.tasks import Tasks
    from monitor_app.gui.theme import Theme

FIRST_PROFILE = "simulated-tx1"
"""What the sheet begins from where no session is open."""
ENDS_RECORDING = "Start ends the recording in progress first, and asks what becomes of it."


class NewBench(QObject):
    """At most one sheet; the window goes on beside it."""

    alarm = Signal(str)
    note = Signal(str)

    def __init__(
        self, parent: QWidget, document: Document, bench: BenchController, tasks: Tasks, theme: Callable[[], Theme]
    ) -> None:
        super().__init__(parent)
        self._parent, self._document, self._bench, self._theme = parent, document, bench, theme
        self._tasks = tasks
        self._files: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0
        self._next: ProfileFile | None = None
        """What is begun once the recording in progress has ended."""
        self.sheet: NewSheet | None = None
        bench.ended.connect(self._begin_next)

    def load_soon(self, busy: Callable[[], bool]) -> None:
        """Load what the sheet needs while the window rests, and is not ``busy`` with a measurement."""
        Preload(self, busy)

    def show(self) -> None:
        """Show the sheet as it was closed; a new one begins from the profile of the session that is open."""
        sheet = self.sheet or self._made()
        self.sheet = sheet
        sheet.offer_stored(self._stored)
        sheet.warn(ENDS_RECORDING if self._bench.live else "")
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    def open_profile(self) -> None:
        """Show the sheet with a profile that the user chooses."""
        self.show()
        if self.sheet is not None:
            self.sheet.open_profile()

    def set_theme(self) -> None:
        """The window has another one."""
        if self.sheet is not None:
            self.sheet.toml.set_theme(self._theme())

    @property
    def _stored(self) -> str:
        """The profile that the session on screen holds; empty where there is none."""
        recording = self._document.recording
        return recording.reader.meta().get("profile", "") if recording is not None else ""

    def _made(self) -> NewSheet:
        from monitor_app.gui.new.sheet import NewSheet  # the instruments and networks take a while to load
        from monitor_app.gui.new.source_part import SourcePart

        sheet = NewSheet(self._parent, self._theme(), self._tasks)
        sheet.start_asked.connect(self.start)
        sheet.part(SourcePart).know_bench(lambda: getattr(self._bench.client, "pid", None))
        if self._stored:
            sheet.begin(self._stored, own=False)
        else:
            sheet.open_path(profile_path(FIRST_PROFILE), own=True)
        return sheet

    # -- start -----------------------------------------------------------------------------------

    def start(self, text: str, trusted: bool) -> None:
        """Record with this profile; what is recorded now is ended, and saved or discarded, once the user has said so.

        ``trusted``: the user has named the code that it runs, if any.
        """
        wanted = ProfileFile(self._written(text), trusted)
        if self._bench.live:
            if not self._document.decide_at_close():
                return
            self._next = wanted
            self._bench.stop_recording()
        elif not self._document.leave() or not self._bench.begin(wanted):
            return
        sheet, self.sheet = self.sheet, None
        if sheet is not None:
            sheet.close()
            sheet.deleteLater()

    def _begin_next(self) -> None:
        wanted, self._next = self._next, None
        if wanted is not None and self._document.make_way():
            self._bench.begin(wanted)

    def _written(self, text: str) -> Path:
        """The profile in a file of its own, for this bench and those that repeat it; gone with the window."""
        self._files = self._files or tempfile.TemporaryDirectory(prefix="monitor-app-")
        self._count += 1
        path = Path(self._files.name) / f"new-{self._count}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def wait(self) -> None:
        """As at the end of the program."""
        if self._files is not None:
            self._files.cleanup()
            self._files = None
