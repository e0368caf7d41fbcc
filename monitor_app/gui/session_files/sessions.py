# SPDX-License-Identifier: Apache-2.0
"""Sessions other than the one that is shown: recent ones, those that were never saved, and damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QThread, Signal
from PySide6.QtWidgets import QFileDialog

from monitor_app.core.formatting import duration, listed, size
from monitor_app.gui.process_job import ProcessJob
from monitor_app.gui.session_files.facts import facts_of
from monitor_app.gui.session_files.look import Look
from monitor_app.gui.session_files.new_window import new_window
from monitor_app.gui.session_files.unsaved_dialog import UnsavedDialog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.session.document import Document
    from monitor_app.gui.session_files.look import KnownFacts
    from monitor_app.gui.session_files.start_page import StartPage
    from monitor_app.gui.settings import Settings

MOST_RECENT = 10


class Sessions(QObject):
    """``document`` shows the one that is chosen."""

    alarm = Signal(str)
    note = Signal(str)
    offered = Signal(str, str, object, bool)
    """(sentence, words of a button, what it does, whether something went wrong)"""

    def __init__(self, parent: QWidget, document: Document, settings: Settings) -> None:
        super().__init__(parent)
        self._parent, self._document, self._settings = parent, document, settings
        self._look: Look | None = None
        self._known: KnownFacts = {}
        self._announced = False
        """Whether the user has seen the unsaved recordings listed."""
        document.damaged.connect(self._offer_repair)
        document.saved.connect(self.add_recent)
        document.opened.connect(self._add_opened)
        document.busy.connect(self._offer_window)

    # -- recent ----------------------------------------------------------------------------------

    def recent_entries(self) -> list[tuple[str, Callable[[], object]]]:
        """Those that are still there, the last one first: what a menu says of each, and what opens it."""
        return [
            (text, lambda path=path: self._document.open_listed(path))  # type: ignore[misc]
            for each in self._recent()
            if (path := Path(each["path"])).is_file() and (text := _entry(path, each))
        ]

    def add_recent(self, path: Path) -> None:
        """It was opened or saved just now."""
        try:
            facts = facts_of(path)
        except OSError:
            return
        new = {"path": str(path.absolute()), "title": facts.title, "length_s": facts.length_s}
        others = [each for each in self._recent() if each["path"] != new["path"]]
        self._settings.write("recent", [new, *others][:MOST_RECENT])

    def _add_opened(self, same: bool) -> None:
        path = self._document.opened_path
        if path is not None and not same and not self._document.unsaved:
            self.add_recent(path)

    def _recent(self) -> list[dict[str, Any]]:
        kinds: dict[str, type | tuple[type, ...]] = {"path": str, "title": str, "length_s": (int, float)}
        return [
            each
            for each in self._settings.read("recent", [])
            if isinstance(each, dict) and all(isinstance(each.get(key), kind) for key, kind in kinds.items())
        ]

    # -- another window --------------------------------------------------------------------------

    def open_in_new_window(self) -> None:
        """Ask for a session and show it in another window."""
        path = self._document.ask_source()
        if path is not None:
            self.open_window(path)

    def open_window(self, path: Path | None = None) -> None:
        """Another window, on a session or on the start page; what is no session is said in this one."""
        if path is not None and not self._document.can_open(path):
            return
        if not new_window(path):
            self.alarm.emit("Another window could not be opened: see the log.")

    def _offer_window(self, path: Path | None) -> None:
        open_it = self.open_in_new_window if path is None else lambda: self.open_window(path)
        words = "Open in a new window…" if path is None else "Open in a new window"
        self.offered.emit("A recording is in progress in this window.", words, open_it, False)

    # -- unsaved ---------------------------------------------------------------------------------

    def announce_unsaved(self) -> None:
        """Keep what was promised before the last end of the program, and say what nobody has saved, once.

        The sentence would not survive the beginning of a session, so it waits for that.
        """
        if self._document.recording is None:
            self._document.opened.connect(self.announce_unsaved, Qt.ConnectionType.SingleShotConnection)
        else:
            self._start_look(keep=True, done=self._announce)

    def _announce(self, look: Look) -> None:
        for path in look.kept:
            self.add_recent(path)
        kept = f"Saved after an unexpected end: {listed(look.kept)}." if look.kept else ""
        found = [each for each in look.found if each.length_s > 0 or each.problem]
        if found and not self._announced:
            total = size(sum(each.size_bytes for each in found))
            count = "is 1 unsaved recording" if len(found) == 1 else f"are {len(found)} unsaved recordings"
            self.offered.emit(f"{kept} There {count} of {total}.".strip(), "Show", self.show_unsaved, False)
        elif kept:
            self.note.emit(kept)

    def show_unsaved(self) -> None:
        """A list of the sessions that were never saved."""
        dialog = UnsavedDialog(self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open_asked.connect(lambda path: self._document.open_listed(path, unsaved=True))
        dialog.list.saved.connect(self.add_recent)
        dialog.open()
        self._start_look(keep=False, done=lambda look: dialog.show_sessions(look.found))

    # -- start page ------------------------------------------------------------------------------

    def join(self, page: StartPage) -> None:
        """What is asked for on the start page is done, once for each page."""
        page.open_asked.connect(self._document.open)
        page.recent_asked.connect(self._document.open_listed)
        page.unsaved.open_asked.connect(lambda path: self._document.open_listed(path, unsaved=True))
        page.unsaved.saved.connect(self.add_recent)
        page.unsaved.saved.connect(lambda _: self.list_on(page))

    def list_on(self, page: StartPage) -> None:
        """Show on the start page what there is."""
        recent = [Path(each["path"]) for each in self._recent()]
        self._start_look(keep=not self._announced, done=lambda look: self._list(page, look), recent=recent)

    def _list(self, page: StartPage, look: Look) -> None:
        for path in look.kept:
            self.add_recent(path)
        self._announced = True
        page.show_sessions(look.found, look.recent)

    def _start_look(self, *, keep: bool, done: Callable[[Look], None], recent: Sequence[Path] = ()) -> None:
        self.wait()
        recording = self._document.recording
        shown = recording.reader.path if recording is not None else None
        look = Look(self, self._known, keep=keep, shown=shown, recent=recent)
        self._look = look
        look.finished.connect(lambda: done(look))
        look.start(QThread.Priority.LowPriority)

    def wait(self) -> None:
        """Until nothing is read in the background, as at the end of the program; what it has found is not shown."""
        if self._look is not None:
            self._look.finished.disconnect()
            self._look.wait()
            self._look.deleteLater()
            self._look = None

    # -- damaged ---------------------------------------------------------------------------------

    def _offer_repair(self, path: Path, sentence: str) -> None:
        self.offered.emit(sentence, "Save what can be read…", lambda: self.repair(path), True)

    def repair(self, path: Path) -> None:
        """Ask for a name, and save there what can be read of a damaged session, which is not changed."""
        copy = self.ask_copy(path)
        if copy is None:
            return
        label = f"Saving what can be read of {path.name} as {copy.name}"
        job = ProcessJob(self._parent, label, "monitor_app", "repair", str(path.absolute()), "-o", str(copy.absolute()))
        job.failed.connect(lambda said: self.alarm.emit(" ".join(said[-3:]) or "The repair ended without a message."))
        job.cancelled.connect(lambda: self.note.emit("The repair was cancelled; nothing was written."))
        job.done.connect(lambda said: self._offer_copy(said, copy))

    def _offer_copy(self, said: list[str], copy: Path) -> None:
        *sentences, written = said
        sentence = " ".join([*sentences, f"The copy is {written}."])
        self.offered.emit(sentence, "Open the copy", lambda: self._document.open_listed(copy), False)

    def ask_copy(self, path: Path) -> Path | None:
        """Where to save what can be read; None when the user cancels."""
        suggestion = str(path.with_name(f"{path.stem}-repaired.plm"))
        name, _ = QFileDialog.getSaveFileName(self._parent, "Save what can be read", suggestion, "Sessions (*.plm)")
        return Path(name) if name else None


def _entry(path: Path, each: dict[str, Any]) -> str:
    title = "" if each["title"] == path.stem else f"{each['title']}   ·   "
    return f"{path.name}   ·   {title}{duration(each['length_s'])}   ·   {size(path.stat().st_size)}"
