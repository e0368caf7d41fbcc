# SPDX-License-Identifier: Apache-2.0
"""What the window remembers from one start to the next. Nothing in it is needed: what cannot be read is ignored."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QSettings

from monitor_app.core.files.own_profiles import own_profiles_folder

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)
T = TypeVar("T", str, int, float, bool, list)  # type: ignore[type-arg]  # of JSON


def settings_file() -> Path:
    """Where the window keeps its settings."""
    return own_profiles_folder().parent / "window.ini"


class Settings:
    """Values as JSON under names, in an INI file; without a file they are remembered until the program ends."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._values: dict[str, str] = {}
        self._file = None if path is None else QSettings(str(path), QSettings.Format.IniFormat)
        if self._file is not None and (status := self._file.status()) is not QSettings.Status.NoError:
            log.warning("The settings in %s cannot be read (%s) and are ignored", path, status.name)

    def read(self, name: str, default: T) -> T:
        """The value of this name where there is one of the kind of the default."""
        if self._file is not None:
            self._file.sync()  # another window may have written it meanwhile
        text = self._values.get(name) if self._file is None else self._file.value(name)
        if text is None:
            return default
        try:
            value = json.loads(str(text))
        except ValueError:
            value = None
        if isinstance(value, type(default)):
            return value
        log.warning("The setting %s = %.80r in %s is ignored: it is no %s", name, text, self._path, type(default))
        return default

    def write(self, name: str, value: object) -> None:
        """Remember it at once; where that cannot be done, the log says so."""
        text = json.dumps(value)
        if self._file is None:
            self._values[name] = text
            return
        self._file.setValue(name, text)
        self._file.sync()
        if self._file.status() is QSettings.Status.AccessError:
            log.warning("The setting %s cannot be written to %s", name, self._path)

    def reset(self) -> None:
        """Forget everything; another start is as the first."""
        self._values.clear()
        if self._file is not None:
            self._file.clear()
            self._file.sync()


def reset_settings() -> None:
    """Forget what the window has remembered, whatever is in the file, or in its place."""
    try:
        os.unlink(settings_file())
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("The settings in %s cannot be removed: %s", settings_file(), error)
