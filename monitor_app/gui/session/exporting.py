# SPDX-License-Identifier: Apache-2.0
"""Exports from the window: a picture is written by a thread, a table by a process of its own (table_process.py).

A table of a long session takes a while, and the window must neither stop nor slow down for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QThread, Signal
from PySide6.QtGui import QImageWriter
from PySide6.QtWidgets import QFileDialog

from monitor_app.core.errors import ExportError
from monitor_app.core.files.atomic_file import completed
from monitor_app.gui.process_job import ProcessJob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.rows import SignalRow

ROWS_PER_S = 1_500_000
"""Speed of the export on a slow machine, for the estimate of its time."""


class Exports(QObject):
    """Writes files while the window keeps running; announces where they are, or what went wrong."""

    note = Signal(str)
    alarm = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
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
        if target is None:
            return
        start_s, end_s = span_s
        rates = [recording.rate_hz(source) for source in {signal.source for signal in signals}]
        rows = round((end_s - start_s) * sum(rates))
        job = ProcessJob(
            self._parent, f"Writing {rows:,} rows to {target.name}, about {max(rows / ROWS_PER_S, 1):.0f} s",
            "monitor_app.gui.session.table_process", str(recording.reader.path), str(target), f"{start_s:.9f}",
            f"{end_s:.9f}", *(str(signal.id) for signal in signals),
        )  # fmt: skip
        job.cancelled.connect(lambda: self.note.emit("The export was cancelled; nothing was written."))
        job.failed.connect(lambda said: self.alarm.emit(said[-1] if said else "The export ended without a message."))
        job.done.connect(
            lambda files: self.note.emit(f"The samples in view were saved as {' and '.join(files) or target}.")
        )

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
    with completed(target) as file:
        file.write(bytes(buffer.data().data()))


def ask_target(parent: QWidget, title: str, suffix: str, session: Path) -> Path | None:
    """Where to write; None when the user cancels."""
    name, _ = QFileDialog.getSaveFileName(parent, title, f"{session.stem}{suffix}", f"*{suffix}")
    return Path(name) if name else None
