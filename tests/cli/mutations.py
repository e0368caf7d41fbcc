# SPDX-License-Identifier: Apache-2.0
"""Sessions damaged in every way that a disk, a program or a person can think of, one for each seed.

`mutate` is a pure function of a whole session and a seed, so what it finds can be found again by its number.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import ClockState, Delay
from monitor_app.core.runs import Batch, ImageAnswers, MemoryKind, MemoryUse, Phase, RunSpec, RunState
from monitor_app.core.samples import LineChanges, Quantity, Role, Signal, SourceInfo
from monitor_app.session.schema import PAGE_BYTES
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

S = 1_000_000_000
START_NS = 5_000 * S
RATE_HZ = 500
NETWORKS = ("alexnet", "resnet18", "vgg16")
RUN_S = 4
"""Of which a second is idle before and one after the timed batches."""
BATCHES = 12


def write_whole(path: Path) -> None:
    """Three runs with all phases on two instruments, one of them polled; small, so that much of it can be damaged."""
    rng = np.random.default_rng(1)
    writer = SessionWriter(path)
    writer.set_meta({"title": "Whole", "program": "monitor-app test", "completed_utc_ns": "1", "profile": "title = 1"})
    writer.set_environment({"torch": "2", "board": "a board"})
    writer.write_utc(START_NS, 1_700_000_000 * S)
    writer.add_source(1, _shunt())
    writer.add_source(2, _polled())
    runs_s = RUN_S * len(NETWORKS)
    for second in range(runs_s):
        watts = 8.0 if second % RUN_S in {1, 2} else 2.0
        codes = (
            (watts / 10 / 0.0001 + 5000 + rng.normal(0, 5, RATE_HZ)).astype("<u2"),
            np.full(RATE_HZ, 20_000, "<u2"),
        )
        step_ns = S // RATE_HZ
        first_ns = START_NS + second * S
        if second == runs_s - 1:
            codes = (codes[0][RATE_HZ // 2 :], codes[1][RATE_HZ // 2 :])
            writer.write_gap(1, second * RATE_HZ, RATE_HZ // 2, first_ns, first_ns + S // 2, "lost on the way")
            first_ns += S // 2
        n = len(codes[0])
        writer.write_block(1, (second + 1) * RATE_HZ - n, codes, first_ns, first_ns + (n - 1) * step_ns)
        times_ns = START_NS + second * S + np.sort(rng.integers(0, S, 5))
        polled = (np.full(5, watts, "<f4"), np.full(5, 40.0, "<f4"), np.full(5, 998e6, "<f4"))
        writer.write_timed_block(2, second * 5, polled, times_ns)
        writer.commit()
    for source in (1, 2):
        writer.write_clock(source, START_NS + S, ClockState(float(RATE_HZ), 40_000))
    writer.write_alignment(1, START_NS, Delay(1_000_000, 5_000, 0.99))
    writer.write_line_changes(1, LineChanges(np.array([RATE_HZ, 2 * RATE_HZ]), np.zeros(2, np.uint8), np.array([1, 0])))
    for k, network in enumerate(NETWORKS):
        _write_run(writer, k + 1, network, START_NS + k * RUN_S * S)
    writer.write_mark(START_NS + S, "note", "here")
    writer.write_log(START_NS, "warning", "a line")
    writer.close()


def _shunt() -> SourceInfo:
    signals = (
        Signal("current", Quantity.CURRENT, Role.OTHER, "<u2", 0.0001, -0.5, 0.0001, 0.001),
        Signal("voltage", Quantity.VOLTAGE, Role.OTHER, "<u2", 0.0005, 0.0, 0.0005, 0.001),
        Signal("power", Quantity.POWER, Role.TOTAL, accuracy=0.002, product_of=("current", "voltage")),
    )
    return SourceInfo("shunt", "shunt", "TX1 shunt", "SIM-1", "1.0", RATE_HZ, signals, ("busy",), True, ("A note.",))


def _polled() -> SourceInfo:
    signals = (
        Signal("VDD_IN", Quantity.POWER, Role.OTHER, "<f4", resolution=0.001),
        Signal("heat", Quantity.TEMPERATURE, Role.OTHER, "<f4"),
        Signal("clock", Quantity.FREQUENCY, Role.CPU, "<f4"),
    )
    return SourceInfo("rails", "jetson", "INA3221", "1-0040", "", 5.0, signals, simulated=True)


def _write_run(writer: SessionWriter, run_id: int, network: str, start_ns: int) -> None:
    writer.add_run(run_id, 1, RunSpec(network, 4, "fp32", "emulated:tx1", 2), network.title(), RunState.WAITING)
    spans = [(Phase.IDLE_BEFORE, 0, 0.9), (Phase.WARM_UP, 0.9, 1), (Phase.TIMED, 1, 2.8), (Phase.ACCURACY, 2.8, 3)]
    for k, (phase, begin_s, end_s) in enumerate([*spans, (Phase.IDLE_AFTER, 3, 4)]):
        writer.open_span(run_id * 10 + k, run_id, phase, start_ns + round(begin_s * S))
        writer.close_span(run_id * 10 + k, start_ns + round(end_s * S))
    writer.update_run(
        run_id, state=RunState.DONE.value, started_ns=start_ns, ended_ns=start_ns + RUN_S * S, parameters=61_000_000,
        macs=700_000_000, operations=1_400_000_000, input_pixels=224, weights="torchvision", dataset="demo",
        weights_sha256=f"{run_id}" * 64, steady=1,
    )  # fmt: skip
    begins = [start_ns + S + k * 150 * S // 1000 for k in range(BATCHES)]
    writer.write_batches(run_id, [Batch(Phase.TIMED, at, at + (130 + k) * S // 1000, 4) for k, at in enumerate(begins)])
    writer.write_batches(run_id, [Batch(Phase.WARM_UP, start_ns + 9 * S // 10, start_ns + S, 4)])
    at = start_ns + 28 * S // 10
    writer.write_batches(run_id, [Batch(Phase.ACCURACY, at, at + S // 10, 10, 7, 9)])
    writer.write_answers(run_id, ImageAnswers("ab" * 32, "1111111000"))
    writer.write_memory(run_id, [MemoryUse(MemoryKind.PSS, 900_000_000, 200_000_000)])


# -- what is done to it ----------------------------------------------------------------------------

Chance = np.random.Generator

TEXTS = (
    "", "'; DROP TABLE run; --", "\x1b[31mred\x1b]0;title\x07", "=1+1", "<script>alert(1)</script>", "\0", "[bold]x[/",
    "..\\..\\up", "../" * 30, "x" * 100_000, "\u202egnp.exe", "{}", "[1]", "nan", "-1e999", "done", "timed", "A", "W",
    "total", "power", "<f4", "product", "\udc80".encode("utf-8", "surrogatepass"),
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 63, 64, 2**31 - 1, 2**31, 2**32, 2**53, 2**60, 2**60 - 1, 2**63 - 1, -(2**63), 10**9, 5_000 * S,
    0.0, -0.0, 0.5, 1e-300, 1e300, 1.7976931348623157e308, -1e300, 5e-324, float("inf"), float("-inf"),
)  # fmt: skip
OTHERS: tuple[object, ...] = (None, b"", b"\xff", bytes(7), b"\x00\x00\xc0\x7f" * 500, bytes(32), "3", "3.5", 2.5, 7)
FLOATS = (float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 3.4e38, 0.0, 5e-324)


def mutate(whole: bytes, path: Path, seed: int) -> str:
    """Write a damaged copy of a session; the name of what was done. The same for the same seed."""
    chance = np.random.default_rng(seed)
    path.write_bytes(whole)
    name = list(KINDS)[seed % len(KINDS)]
    KINDS[name](path, chance)
    return name


def _cut(path: Path, chance: Chance) -> None:
    data = path.read_bytes()
    size = (
        chance.integers(len(data)) if chance.random() < 0.5 else PAGE_BYTES * chance.integers(len(data) // PAGE_BYTES)
    )
    path.write_bytes(data[: int(size)])


def _flip(path: Path, chance: Chance) -> None:
    data = np.fromfile(path, np.uint8)
    places = np.flatnonzero(data) if chance.random() < 0.7 else np.arange(len(data))
    chosen = chance.choice(places, int(chance.choice([1, 2, 30])))
    data[chosen] ^= np.uint8(1) << chance.integers(0, 8, len(chosen)).astype(np.uint8)
    data.tofile(path)


def _pages(path: Path, chance: Chance) -> None:
    data = np.fromfile(path, np.uint8).reshape(-1, PAGE_BYTES)
    a, b = chance.choice(np.arange(int(chance.integers(2)), len(data)), 2)
    how = chance.integers(4)
    if how == 0:
        data[a] = 0
    elif how == 1:
        data[a] = chance.integers(0, 256, PAGE_BYTES)
    elif how == 2:
        data[[a, b]] = data[[b, a]]
    else:
        data[a] = data[b]
    data.tofile(path)


def _header(path: Path, chance: Chance) -> None:
    data = np.fromfile(path, np.uint8)
    places = chance.integers(0, 112, int(chance.integers(1, 4)))
    data[places] = chance.integers(0, 256, len(places))
    data.tofile(path)


def _set(path: Path, chance: Chance, values: Sequence[object]) -> None:
    """One to three columns of a row, of some rows or of all get another value, whatever their declaration says."""
    with _unbound(path) as db:
        for _ in range(int(chance.integers(1, 4))):
            table, column = _column(db, chance)
            value = values[int(chance.integers(len(values)))]
            rows = [f"rowid = {int(chance.integers(1, 20))}", "rowid % 2 = 0", "TRUE"][int(chance.integers(3))]
            if not _has_rowid(db, table):
                rows = "TRUE"
            text = value.decode("latin-1") if isinstance(value, bytes) and chance.random() < 0.2 else value
            with suppress(sqlite3.Error):  # two rows of one key
                db.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {rows}", (text,))


def _shift(path: Path, chance: Chance) -> None:
    """Numbers are off by some: indices, times, counts."""
    with _unbound(path) as db:
        for _ in range(int(chance.integers(1, 3))):
            table, column = _column(db, chance)
            rows = f"rowid >= {int(chance.integers(1, 20))}" if _has_rowid(db, table) else "TRUE"
            by = int(chance.choice([1, -1, 2, 64, -64, 500, S, -S, 3600 * S, -(2**31), 2**40]))
            change = f"{column} + {by}" if chance.random() < 0.8 else f"{column} * {int(chance.choice([-1, 2, 1000]))}"
            with suppress(sqlite3.Error):
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = {change} WHERE {rows}")


def _blobs(path: Path, chance: Chance) -> None:
    """Impossible numbers in samples and summaries, lengths kept."""
    with _unbound(path) as db:
        table = str(chance.choice(["samples", "summary"]))
        rows = db.execute(f"SELECT id, data FROM {table}").fetchall()
        for k in chance.choice(len(rows), min(len(rows), int(chance.integers(1, 6)))):
            row, data = rows[int(k)]
            dtype = ["<f4", "<f8", "<u2", "<u4"][int(chance.integers(4))]
            size = len(data) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize
            values = np.frombuffer(data[:size], dtype).copy()
            if not len(values):
                continue
            with np.errstate(all="ignore"):
                odd = np.array([FLOATS[int(chance.integers(len(FLOATS)))]]).astype(dtype)
            values[chance.integers(0, len(values), 5)] = odd
            if chance.random() < 0.2:
                values[:] = odd
            db.execute(f"UPDATE {table} SET data = ? WHERE id = ?", (values.tobytes() + data[size:], row))


def _double(path: Path, chance: Chance) -> None:
    """Rows are there twice, as they are or at the next index; their unique index is gone, or only seems to be whole."""
    with _unbound(path, no_keys=True) as db:
        table = str(chance.choice(["samples", "samples", "summary", "batch", "span", "run", "gap", "signal", "source"]))
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
        kept = list(columns)
        if "first" in columns:
            kept[columns.index("first")] = f"first + {int(chance.choice([0, 1, 2, -1, 64, 500]))}"
        if table in {"run", "signal", "source"}:
            kept = [f"id || '-' || {name}" if name == "name" else name for name in kept]
        some = ["TRUE", "id % 3 = 0", f"id = {int(chance.integers(1, 20))}"][int(chance.integers(3))]
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,))
        indices = [(name, sql) for name, sql in found if sql]
        for name, _ in indices:
            db.execute(f"DROP INDEX {name}")
        with suppress(sqlite3.Error):
            db.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(kept)} FROM {table} WHERE {some}")
        if chance.random() < 0.7:
            for _, sql in indices:
                db.execute(sql.replace("UNIQUE ", ""))
            db.execute("PRAGMA writable_schema = ON")
            db.executemany("UPDATE sqlite_master SET sql = ? WHERE name = ?", [(sql, name) for name, sql in indices])


def _drop_indices(path: Path, chance: Chance) -> None:
    with _unbound(path) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL")]
        for name in names if chance.random() < 0.2 else [names[int(chance.integers(len(names)))]]:
            db.execute(f"DROP INDEX {name}")


def _views(path: Path, chance: Chance) -> None:
    """Views in place of tables, triggers, computed columns, an index with an expression."""
    with _unbound(path) as db:
        table = _table(db, chance)
        for statement in (
            (f"ALTER TABLE {table} RENAME TO hidden", f"CREATE VIEW {table} AS SELECT * FROM hidden"),
            (
                f"ALTER TABLE {table} RENAME TO hidden",
                f"CREATE VIEW {table} AS WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n) "
                "SELECT hidden.* FROM hidden, n",
            ),
            (f"CREATE TRIGGER odd BEFORE UPDATE ON {table} BEGIN DELETE FROM meta; END",),
            (f"CREATE INDEX odd ON {table} (abs(1))",),
            (f"CREATE TABLE other AS SELECT * FROM {table}",),
            ("CREATE VIRTUAL TABLE words USING fts5(text)",),
        )[int(chance.integers(6))]:
            with suppress(sqlite3.Error):
                db.execute(statement)


def _schema(path: Path, chance: Chance) -> None:
    with _unbound(path) as db:
        table = _table(db, chance)
        statement = [
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} RENAME TO other",
            f"ALTER TABLE {table} ADD COLUMN mood TEXT",
            f"UPDATE sqlite_master SET sql = replace(sql, 'INTEGER', 'TEXT') WHERE name = '{table}'",
            f"UPDATE sqlite_master SET rootpage = rootpage + 1 WHERE name = '{table}'",
            "UPDATE sqlite_master SET rootpage = 2 WHERE type = 'table'",
            "UPDATE sqlite_master SET sql = 'CREATE TABLE x (' WHERE type = 'table'",
            f"PRAGMA user_version = {int(chance.integers(0, 9))}",
            f"DELETE FROM {table}",
        ][int(chance.integers(9))]
        db.execute("PRAGMA writable_schema = ON")
        with suppress(sqlite3.Error):
            db.execute(statement)


def _delete(path: Path, chance: Chance) -> None:
    with _unbound(path) as db:
        for _ in range(int(chance.integers(1, 3))):
            table = _table(db, chance)
            some = f"rowid = {int(chance.integers(1, 20))}" if _has_rowid(db, table) else "TRUE"
            db.execute(f"DELETE FROM {table} WHERE {some if chance.random() < 0.7 else 'TRUE'}")


def _swap(path: Path, chance: Chance) -> None:
    """Values of one column trade places between rows."""
    with _unbound(path) as db:
        table, column = _column(db, chance)
        if not _has_rowid(db, table):
            return
        rows = db.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        mixed = chance.permutation(len(rows))
        for (row, _), k in zip(rows, mixed, strict=True):
            with suppress(sqlite3.Error):
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = ?", (rows[int(k)][1], row))


KINDS: dict[str, Callable[[Path, Chance], None]] = {
    "cut off": _cut,
    "bits": _flip,
    "pages": _pages,
    "header": _header,
    "wrong types": lambda path, chance: _set(path, chance, OTHERS),
    "numbers": lambda path, chance: _set(path, chance, NUMBERS),
    "more numbers": lambda path, chance: _set(path, chance, NUMBERS),
    "nulls": lambda path, chance: _set(path, chance, [None]),
    "texts": lambda path, chance: _set(path, chance, TEXTS),
    "shifted": _shift,
    "more shifted": _shift,
    "blobs": _blobs,
    "doubled": _double,
    "indices": _drop_indices,
    "views": _views,
    "schema": _schema,
    "deleted": _delete,
    "swapped": _swap,
}


class _unbound(closing[sqlite3.Connection]):  # noqa: N801
    """A session whose columns take anything; what they were declared as is put back at the end."""

    def __init__(self, path: Path, *, no_keys: bool = False) -> None:
        self._path = path
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA writable_schema = ON")
        self._declared = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
        db.close()
        self._keys = not no_keys
        super().__init__(sqlite3.connect(path, isolation_level=None))

    def __exit__(self, *_: object) -> None:
        self.thing.close()
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path, isolation_level=None)) as db:
            db.execute("PRAGMA writable_schema = ON")
            for name, sql in self._declared:
                db.execute(
                    "UPDATE sqlite_master SET sql = ? WHERE name = ? AND sql = ?",
                    (sql, name, str(sql).replace(" NOT NULL", "")),
                )
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _table(db: sqlite3.Connection, chance: Chance) -> str:
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
    tables = [name for (name,) in names]
    heavy = [name for name in ("samples", "samples", "batch", "run", "span", "signal") if name in tables]
    return str(chance.choice(tables + heavy))


def _column(db: sqlite3.Connection, chance: Chance) -> tuple[str, str]:
    table = _table(db, chance)
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    return table, columns[int(chance.integers(len(columns)))]


def _has_rowid(db: sqlite3.Connection, table: str) -> bool:
    try:
        db.execute(f"SELECT rowid FROM {table} LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
    return True
