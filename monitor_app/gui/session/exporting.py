# SPDX-License-Identifier: Apache-2.0
"""Exports from the window: a picture is written by a thread, a table by a process of its own (table_process.py).

A table of a long session takes a while, and the window must neither stop nor slow down for it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QProcess, QThread, Signal
from PySide6.QtGui import QImageWriter
from PySide6.QtWidgets import QFileDialog, QProgressDialog

from monitor_app.core.atomic_file import completed
from monitor_app.core.child_process import python_module
from monitor_app.core.errors import ExportError
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.rows import SignalRow

ROWS_PER_S = 1_500_000
"""Speed of the export on a slow machine, for the estimate of its time."""
SHOW_AFTER_MS = 800

log = logging.getLogger(__name__)


class Exports(QObject):
    """Writes files while the window keeps running; announces where they are, or what went wrong."""

    note = Signal(str)
    alarm = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.table: TableExport | None = None
        self._pictures: list[PictureExport] = []

    def export_picture(self, picture: QImage, session: Path) -> None:
        """Ask for a name and write a picture of this session there."""
        target = ask_target(self._parent, "Export picture", ".png", session)
        if target is not None:
            export = PictureExport(self, picture, target, session)
            self._pictures.append(export)
            export.finished.connect(self._end_pictures)
            export.start(QThread.Priority.LowPriority)

    def _end_pictures(self) -> None:
        """Announce those that have ended; a method of an object of the window's thread, so that it runs there."""
        for export in [each for each in self._pictures if each.isFinished()]:
            self._pictures.remove(export)
            if export.problem:
                self.alarm.emit(export.problem)
            else:
                self.note.emit(f"The picture was saved as {export.target}.")
            export.deleteLater()

    def export_samples(self, recording: Recording, signals: Sequence[SignalRow], span_s: tuple[float, float]) -> None:
        """Ask for a name and write every sample of these signals, a table for each source."""
        target = ask_target(self._parent, "Export samples", ".csv", recording.reader.path)
        if target is not None:
            rates = [recording.rate_hz(source) for source in {signal.source for signal in signals}]
            self.table = TableExport(
                self._parent, recording.reader.path, target, span_s, [signal.id for signal in signals],
                round((span_s[1] - span_s[0]) * sum(rates)),
            )  # fmt: skip
            self.table.note.connect(self.note)
            self.table.alarm.connect(self.alarm)

    def wait(self) -> None:
        """Until the pictures are written."""
        for export in self._pictures:
            export.wait()


class PictureExport(QThread):
    """A picture being encoded and written, which takes longer than a frame may."""

    def __init__(self, parent: QObject, picture: QImage, target: Path, session: Path) -> None:
        super().__init__(parent)
        self.target = target
        self.problem = ""
        """One sentence, once it has failed."""
        self._picture, self._session = picture, session

    def run(self) -> None:
        try:
            write_png(self._picture, self.target, self._session)
        except ExportError as error:
            self.problem = str(error)


def write_png(picture: QImage, target: Path, session: Path) -> None:
    """Write a picture of a session, whole or not at all. Raises ExportError."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"png")).write(picture):
        raise ExportError("The picture cannot be encoded as PNG: choose a smaller one.")
    with completed(target, session) as file:
        file.write(bytes(buffer.data().data()))


class TableExport(QObject):
    """Tables being written by a process of their own; announces how it ended."""

    note = Signal(str)
    alarm = Signal(str)

    def __init__(
        self, parent: QWidget, session: Path, target: Path, span_s: tuple[float, float], signal_ids: Sequence[int],
        rows: int,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._target = target
        self._cancelled = False
        self.process = QProcess(parent)
        self.process.finished.connect(self._end)
        label = f"Writing {rows:,} rows to {target.name}, about {max(rows / ROWS_PER_S, 1):.0f} s"
        self._progress = QProgressDialog(plain_tip(label), "Cancel", 0, 0, parent)
        self._progress.setMinimumDuration(SHOW_AFTER_MS)
        self._progress.canceled.connect(self._cancel)
        start_s, end_s = span_s
        program, *arguments = python_module(
            "monitor_app.gui.session.table_process",
            str(session),
            str(target),
            f"{start_s:.9f}",
            f"{end_s:.9f}",
            *map(str, signal_ids),
        )
        self.process.start(program, arguments)

    def _cancel(self) -> None:
        self._cancelled = True
        self.process.terminate()

    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._progress.canceled.disconnect(self._cancel)
        self._progress.close()
        self._progress.deleteLater()
        if self._cancelled:
            self.note.emit("The export was cancelled; nothing was written.")
        elif code == 0 and status is QProcess.ExitStatus.NormalExit:
            written = bytes(self.process.readAllStandardOutput().data()).decode(errors="replace").strip()
            self.note.emit(f"The samples in view were saved as {written.replace(chr(10), ' and ') or self._target}.")
        else:
            said = bytes(self.process.readAllStandardError().data()).decode(errors="replace").strip()
            log.error("The export failed with code %d: %s", code, said)
            self.alarm.emit(said.splitlines()[-1] if said else "The export ended without a message.")


def ask_target(parent: QWidget, title: str, suffix: str, session: Path) -> Path | None:
    """Where to write; None when the user cancels."""
    name, _ = QFileDialog.getSaveFileName(parent, title, f"{session.stem}{suffix}", f"*{suffix}")
    return Path(name) if name else None
