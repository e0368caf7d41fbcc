# SPDX-License-Identifier: Apache-2.0
"""The rows of a damaged session file, past the pages that cannot be read."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeAlias

from monitor_app.session import schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row: TypeAlias = "tuple[Any, ...]"


class DamagedFile:
    """A damaged file, its tables row by row."""

    def __init__(self, path: Path) -> None:
        self.unreadable: list[str] = []
        """Tables of which parts could not be read."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.text_factory = lambda text: text.decode("utf-8", "replace")
        try:
            self._tables = self._definitions()
        except BaseException:
            self._db.close()
            raise

    def _definitions(self) -> dict[str, str]:
        self._db.execute("PRAGMA trusted_schema = OFF")
        self._db.execute("PRAGMA writable_schema = ON")  # a file that was cut off is opened all the same
        found = self._db.execute("SELECT type, name, sql FROM sqlite_master")
        return {name: sql for kind, name, sql in found if kind == "table"}

    def close(self) -> None:
        self._db.close()

    def rows(self, table: str) -> Iterator[Row]:
        """All rows that can be read, in the order of their key."""
        (sql,) = (sql for kind, name, sql in schema.expected_schema() if (kind, name) == ("table", table))
        if self._tables.get(table) != sql:
            if table not in schema.ADDED:
                self._note(table)
            return iter(())
        if "WITHOUT ROWID" in sql:
            return self._by_primary_key(table)
        return self._by_rowid(table)

    def _by_primary_key(self, table: str) -> Iterator[Row]:
        """From the first row as far as it goes, then from the last one."""
        seen: set[Row] = set()
        for order in ("ASC", "DESC"):
            key = ", ".join(f"{name} {order}" for name in self._key(table))
            try:
                for row in self._db.execute(f"SELECT * FROM {table} ORDER BY {key}"):
                    if row not in seen:
                        seen.add(row)
                        yield row
            except (sqlite3.Error, OverflowError):
                self._note(table)
            else:
                return

    def _key(self, table: str) -> list[str]:
        columns = self._db.execute(f"PRAGMA table_info({table})").fetchall()
        return [name for _, name in sorted((row[5], row[1]) for row in columns if row[5])]

    def _by_rowid(self, table: str) -> Iterator[Row]:
        after: int | None = -(2**62)
        while after is not None:
            try:
                cursor = self._db.execute(
                    f"SELECT rowid, * FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid", (after,)
                )
                for number, *row in cursor:
                    if number <= after:
                        raise sqlite3.DatabaseError("a page is its own child")
                    after = number
                    yield tuple(row)
                return
            except (sqlite3.Error, OverflowError, MemoryError):
                self._note(table)
                after = self._next_readable(table, after)

    def _next_readable(self, table: str, after: int) -> int | None:
        """The key before the next row that can be read; None where there is none."""
        low = max(after, 0)
        for power in range(41):
            high = low + 2**power
            if self._readable(table, high):
                break
        else:
            return None
        bad, good = low, high
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if self._readable(table, middle) else (middle, good)
        return good if self._readable(table, good) else None

    def _readable(self, table: str, after: int) -> bool:
        try:
            row = self._db.execute(
                f"SELECT rowid, * FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT 1", (after,)
            ).fetchone()
        except (sqlite3.Error, OverflowError, MemoryError):
            return False
        return row is not None and row[0] > after

    def _note(self, table: str) -> None:
        if table not in self.unreadable:
            self.unreadable.append(table)
