# SPDX-License-Identifier: Apache-2.0
"""Opens the sheet New, and begins a recording with the profile that was put together in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from monitor_app.bench.client import ProfileFile
from monitor_app.core.package_data import profile_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.bench_controller import BenchController
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

    def show(self) -> None:
        """Show the sheet, which begins from the profile of the session that is open."""
        if self.sheet is None:
            self._open_sheet()
        if self.sheet is not None:
            self.sheet.show()
            self.sheet.raise_()
            self.sheet.activateWindow()

    def open_profile(self) -> None:
        """Show the sheet with a profile that the user chooses."""
        self.show()
        if self.sheet is not None:
            self.sheet.open_profile()

    def _open_sheet(self) -> None:
        from monitor_app.gui.new.sheet import NewSheet  # the instruments and networks take a while to load
        from monitor_app.gui.new.source_part import SourcePart

        sheet = NewSheet(self._parent, self._theme(), self._tasks)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.finished.connect(self._forget_sheet)
        sheet.start_asked.connect(self.start)
        sheet.part(SourcePart).know_bench(lambda: getattr(self._bench.client, "pid", None))
        recording = self._document.recording
        stored = recording.reader.meta().get("profile", "") if recording is not None else ""
        if stored:
            sheet.begin(stored, own=False)
        else:
            sheet.open_path(profile_path(FIRST_PROFILE), own=True)
        sheet.warn(ENDS_RECORDING if self._bench.live else "")
        self.sheet = sheet

    def _forget_sheet(self) -> None:
        self.sheet = None

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
        if self.sheet is not None:
            self.sheet.close()

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
