# SPDX-License-Identifier: Apache-2.0
"""Exports from the window: the picture at once, a table by a process of its own (table_process.py).

A table of a long session takes a while, and the window must neither stop nor slow down for it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QProcess
from PySide6.QtWidgets import QFileDialog, QProgressDialog

from monitor_app.core.errors import ExportError, MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.session.reader import SessionReader

ROWS_PER_S = 1_500_000
"""What the export writes on a slow machine, for the estimate."""
SHOW_AFTER_MS = 800


class Exports:
    """What is in view of the session, of the signals that are shown."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.table: TableExport | None = None

    @property
    def _span_s(self) -> tuple[float, float]:
        """What is in view of the session, in seconds from its start."""
        view = self._window.view
        return max(view.start_s, 0.0), min(view.end_s, self._window.edge_s)

    def export_view(self) -> None:
        """A picture."""
        window, span_s = self._window, self._span_s
        if window.recording is None:
            return
        target = ask_target(window, "Export picture", ".png", window.recording.reader.path)
        if target is None:
            return
        try:
            export_picture(window.recording.reader, target, span_s, dark=window.theme.name == "dark")
        except MonitorError as error:
            self._tell(str(error), failed=True)
        else:
            self._tell(f"The picture is in {target}.", failed=False)

    def export_samples(self) -> None:
        """Every sample as a table for each source, written beside the window's own work."""
        window, (start_s, end_s) = self._window, self._span_s
        recording, signals = window.recording, window.selected.traces.signals
        if recording is None or not signals:
            return
        target = ask_target(window, "Export samples", ".csv", recording.reader.path)
        if target is not None and end_s > start_s:
            rates = [recording.rate_hz(source) for source in {signal.source for signal in signals}]
            self.table = TableExport(
                window, recording.reader.path, target, (start_s, end_s), [signal.id for signal in signals],
                round((end_s - start_s) * sum(rates)), lambda sentence, failed: self._tell(sentence, failed=failed),
            )  # fmt: skip

    def _tell(self, sentence: str, *, failed: bool) -> None:
        notice = self._window.parts.notice
        (notice.alarm if failed else notice.note)(sentence)


class TableExport:
    """One table being written. ``tell`` is given the sentence of how it ended, and whether it went wrong."""

    def __init__(
        self, parent: QWidget, session: Path, target: Path, span_s: tuple[float, float], signal_ids: Sequence[int],
        rows: int, tell: Callable[[str, bool], None],
    ) -> None:  # fmt: skip
        self._target = target
        self._tell = tell
        self._cancelled = False
        self.process = QProcess(parent)
        self.process.finished.connect(self._end)
        label = f"Writing {rows:,} rows to {target.name}, about {max(rows / ROWS_PER_S, 1):.0f} s"
        self._progress = QProgressDialog(label, "Cancel", 0, 0, parent)
        self._progress.setMinimumDuration(SHOW_AFTER_MS)
        self._progress.canceled.connect(self._cancel)
        start_s, end_s = span_s
        words = [
            "-m",
            "monitor_app.gui.session.table_process",
            str(session),
            str(target),
            f"{start_s:.9f}",
            f"{end_s:.9f}",
        ]
        self.process.start(sys.executable, [*words, *map(str, signal_ids)])

    def _cancel(self) -> None:
        self._cancelled = True
        self.process.terminate()

    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._progress.canceled.disconnect(self._cancel)
        self._progress.close()
        self._progress.deleteLater()
        if self._cancelled:
            self._tell("The export was cancelled; nothing was written.", False)
        elif code == 0 and status is QProcess.ExitStatus.NormalExit:
            written = bytes(self.process.readAllStandardOutput().data()).decode(errors="replace").strip()
            self._tell(f"The samples in view are in {written.replace(chr(10), ' and ') or self._target}.", False)
        else:
            said = bytes(self.process.readAllStandardError().data()).decode(errors="replace").strip()
            self._tell(said.splitlines()[-1] if said else "The export ended without a word; see the log.", True)


def ask_target(parent: QWidget, title: str, suffix: str, session: Path) -> Path | None:
    """Where to write; None when the user thinks better of it."""
    name, _ = QFileDialog.getSaveFileName(parent, title, f"{session.stem}{suffix}", f"*{suffix}")
    return Path(name) if name else None


def export_picture(reader: SessionReader, target: Path, span_s: tuple[float, float], *, dark: bool) -> None:
    """The part of the session in view as a PNG. Raises ExportError."""
    from monitor_app.exports.session_png import write_png  # font and layout code that few sessions need

    start_s, end_s = span_s
    if end_s <= start_s:
        raise ExportError("There is nothing in view to export.")
    write_png(reader, target, start_s=start_s, end_s=end_s, theme="dark" if dark else "light")
