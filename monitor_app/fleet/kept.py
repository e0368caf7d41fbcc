# SPDX-License-Identifier: Apache-2.0
"""Analyses of sessions that are kept in the user's cache folder, so that asking again is quick.

One is used only for the very file that it was made of, by the very program that made it. Nothing is lost with the
folder, and nothing is kept of a session that is being recorded.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import pickle
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import monitor_app
from monitor_app.analysis.study import SessionAnalysis
from monitor_app.core.files.private_files import create_beside, open_private, private_folder
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from typing import BinaryIO

MOST_BYTES = 200_000_000
"""Of all that is kept; the ones that were not asked for the longest go first."""
SUFFIX = ".analysis"
_OURS = ("monitor_app.analysis.", "monitor_app.charts.", "monitor_app.core.")

logger = logging.getLogger(__name__)


def kept_folder() -> Path:
    """Where they lie (XDG base directory specification); not made."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "monitor-app" / "analyses"


def identity_of(session: Path) -> str | None:
    """What distinguishes this state of this file, read by this program; None where it may change any moment."""
    try:
        path = session.resolve(strict=True)
        found = path.stat()
    except OSError:
        return None
    if is_written(path) or path.with_name(f"{path.name}-wal").exists():
        return None
    # The name of the session is in its results.
    words = (str(session), str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, *_program())
    return hashlib.sha256(repr(words).encode("utf-8", "surrogatepass")).hexdigest()


def find(identity: str | None) -> SessionAnalysis | None:
    """The analysis of a session of this identity; None where it is not kept."""
    if identity is None:
        return None
    path = kept_folder() / f"{identity}{SUFFIX}"
    try:
        with open(open_private(path, os.O_RDONLY), "rb") as file:
            found = _Values(file).load()
        os.utime(path)
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, TypeError, AttributeError, ImportError, pickle.UnpicklingError) as error:
        logger.info("%s is not used: %s", path, error)
        return None
    return found if isinstance(found, SessionAnalysis) else None


def keep(identity: str | None, analysis: SessionAnalysis) -> None:
    """Keep one for the next time, where there is room."""
    if identity is None:
        return
    try:
        folder = private_folder(kept_folder())
        descriptor, part = create_beside(folder / f"{identity}{SUFFIX}")
        try:
            with open(descriptor, "wb") as file:
                pickle.dump(analysis, file, protocol=pickle.HIGHEST_PROTOCOL)
            part.replace(folder / f"{identity}{SUFFIX}")
        finally:
            part.unlink(missing_ok=True)
        _make_room(folder)
    except OSError as error:
        logger.info("An analysis is not kept: %s", error)


def _make_room(folder: Path) -> None:
    """Delete the oldest beyond `MOST_BYTES`."""
    files = sorted(((path.stat(), path) for path in folder.glob(f"*{SUFFIX}")), key=lambda each: -each[0].st_mtime_ns)
    total = 0
    for status, path in files:
        total += status.st_size
        if total > MOST_BYTES:
            with contextlib.suppress(FileNotFoundError):  # another process has made room as well
                path.unlink()


@cache
def _program() -> tuple[Any, ...]:
    """Changes with the version, and with any file of the program: a checkout keeps its version while it is changed."""
    root = Path(monitor_app.__file__).parent
    files = sorted(path for pattern in ("*.py", "*.csv") for path in root.rglob(pattern))
    states = [(str(path.relative_to(root)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return monitor_app.__version__, sys.version_info[:3], hashlib.sha256(repr(states).encode()).hexdigest()


class _Values(pickle.Unpickler):
    """Makes values of this program and nothing else, whatever the file says."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        if not module.startswith(_OURS) or "." in name:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        found = super().find_class(module, name)
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no value")
        return found
