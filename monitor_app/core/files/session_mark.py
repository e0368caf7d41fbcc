# SPDX-License-Identifier: Apache-2.0
"""How a session file is told from other files, without opening it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID = 0x504C4D31
"""'PLM1' in the header of an SQLite file; `file` and other tools recognise a session by it."""
SQLITE = b"SQLite format 3\0"
_PLACE = slice(68, 72)


def is_session(path: Path) -> bool:
    """Whether the file is a session by its first bytes. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_PLACE.stop)
    return head.startswith(SQLITE) and int.from_bytes(head[_PLACE], "big") == APPLICATION_ID
