# SPDX-License-Identifier: Apache-2.0
"""What a report of a fault should contain, in one file: logs, versions, surroundings and settings. No Qt widgets."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QThread

from monitor_app.core.errors import ExportError, MonitorError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.log import state_folder
from monitor_app.gui.help.versions import surroundings, versions
from monitor_app.gui.settings import settings_file

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

VARIABLES = ("QT_", "XDG_", "DISPLAY", "WAYLAND_DISPLAY", "LANG", "LC_", "OMP_", "CUDA_VISIBLE")
"""Of the environment, those that begin so: what changes how the program looks and runs."""


class BundleJob(QThread):
    """Writes the bundle while the window keeps running; ``session`` goes in as well, unless it is None."""

    def __init__(self, parent: QObject, target: Path, session: Path | None) -> None:
        super().__init__(parent)
        self.target = target
        self.problem = ""
        """One sentence, once it has failed."""
        self._session = session
        self._facts = {"versions.txt": versions(), "surroundings.txt": {**surroundings(), **_variables()}}

    def run(self) -> None:
        try:
            self._write()
        except (MonitorError, OSError, sqlite3.Error) as error:
            self.problem = str(error) if isinstance(error, ExportError) else f"The bundle was not saved: {error}."

    def _write(self) -> None:
        with completed(self.target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, facts in self._facts.items():
                bundle.writestr(name, "".join(f"{key}: {value}\n" for key, value in facts.items()))
            for path in (*sorted(state_folder().glob("*.log*")), settings_file()):
                if path.is_file():
                    bundle.write(path, path.name)
            if self._session is not None:
                with tempfile.TemporaryDirectory(dir=self.target.parent, prefix=".bundle-") as folder:
                    copy = Path(folder) / "session.plm"
                    _copy(self._session, copy)
                    bundle.write(copy, self._session.name)


def _copy(session: Path, copy: Path) -> None:
    """All that a session holds at this moment, also while it is recorded."""
    source = sqlite3.connect(f"{session.resolve().as_uri()}?mode=ro", uri=True)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _variables() -> dict[str, str]:
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)}
