# SPDX-License-Identifier: Apache-2.0
"""Reads in a thread of its own what the lists of sessions show; what has not changed is read once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QThread

from monitor_app.core.errors import MonitorError
from monitor_app.gui.session_files.facts import SessionFacts, facts_of
from monitor_app.session.files import keep_promises, unsaved_folder, unsaved_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtCore import QObject

    KnownFacts: TypeAlias = dict[Path, tuple[tuple[int, ...], SessionFacts]]
    """Of each session with the times and sizes of its files, by which a change is noticed."""

log = logging.getLogger(__name__)


class Look(QThread):
    """At the folder of unsaved sessions, but for the one that the window shows, and at the ``recent`` ones."""

    def __init__(
        self, parent: QObject, known: KnownFacts, *, keep: bool, shown: Path | None, recent: Sequence[Path] = ()
    ) -> None:
        """``keep``: save first what was promised a name. ``known`` is added to."""
        super().__init__(parent)
        self.kept: list[Path] = []
        """Sessions that were saved under the names they had been promised."""
        self.found: list[SessionFacts] = []
        """Those that were never saved, the newest first."""
        self.recent: list[SessionFacts] = []
        """Those of the recent ones that are still there, in their order."""
        self._known, self._keep, self._shown, self._recent = known, keep, shown, recent

    def run(self) -> None:
        try:
            folder = unsaved_folder()
            self.kept = keep_promises(folder) if self._keep else []
            paths = [path for path in unsaved_sessions(folder) if path != self._shown]
            self.found = [self._facts(path) for path in reversed(paths)]
        except (OSError, MonitorError):
            log.warning("The unsaved recordings cannot be listed", exc_info=True)
        for path in dict.fromkeys((*self.kept, *self._recent)):
            try:
                self.recent.append(self._facts(path))
            except OSError:
                continue  # it is gone, or lies on a disk that is

    def _facts(self, path: Path) -> SessionFacts:
        """Raises OSError."""
        state = _state(path)
        known = self._known.get(path)
        if known is None or known[0] != state:
            known = self._known[path] = state, facts_of(path, with_trace=True)
        return known[1]


def _state(path: Path) -> tuple[int, ...]:
    """Times and sizes of its files. Raises OSError."""
    stats = [path.stat()]
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists():
        stats.append(wal.stat())
    return tuple(number for each in stats for number in (each.st_mtime_ns, each.st_size))
