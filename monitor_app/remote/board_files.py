# SPDX-License-Identifier: Apache-2.0
"""Small files of a board, laid into a folder here, so that what looks at a machine's files can look at a board's."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.remote.link import Link


@contextlib.contextmanager
def board_files(link: Link, patterns: Sequence[str]) -> Iterator[Path]:
    """A copy of files of a board, below a folder that stands for its root. Raises BoardError."""
    with tempfile.TemporaryDirectory(prefix="monitor-app-") as name:
        root = Path(name).resolve()
        for path, text in link.snapshot(patterns).files.items():
            file = root / path.lstrip("/")
            if root not in file.resolve().parents:
                continue  # the answer of another machine, which must not lead elsewhere
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("utf-8", "surrogateescape"))
        yield root
