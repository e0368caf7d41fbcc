# SPDX-License-Identifier: Apache-2.0
"""What is written is what is read: waveforms at every zoom, exact statistics, rows, the map of index to time."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.errors import DiskFullError, NotASessionError, SessionError
from monitor_app.core.offered_load import OfferedLoad
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import LineChanges, Quantity, Role, Signal, SourceInfo
from monitor_app.session import time_map
from monitor_app.session.pyramid import LEVELS
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter

from .bench import (
    CURRENT,
    PERIOD_NS,
    POWER,
    RATE_HZ,
    START_NS,
    VOLTAGE,
    S,
    Truth,
    gap,
    noise,
    put,
    shunt,
    steady,
    write_rich,
)
from .parts import groups_of

SIGNALS = (CURRENT, VOLTAGE, POWER)
WAITING = ("COMMIT", "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL")


@pytest.fixture(scope="module", params=["closed", "open", "one commit"])
def session(request, tmp_path_factory):
    """Some 400 000 samples in blocks of all sizes with holes of all sizes, and the plain truth."""
    path = tmp_path_factory.mktemp("session") / "noise.plm"
    rng = np.random.default_rng(11)
    truth = Truth()
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    first = 0
    for number in range(160):
        first += int(rng.choice([0, 0, 0, 0, 0, 1, 63, 700, 40_000]))
        n = int(rng.choice([1, 10, 500, 2500, 12_000]))
        put(writer, first, noise(rng, n), truth)
        first += n
        if request.param != "one commit" and number % 3 == 0:
            writer.commit(durable=number % 9 == 0)
    if request.param == "open":
        writer.commit()
    else:
        writer.close()
    with SessionReader(path) as reader:
        yield reader, truth
    if request.param == "open":
        writer.close()


def windows(seed: int, truth: Truth, count: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    begin, end = int(truth.time_ns[0]), int(truth.time_ns[-1]) + PERIOD_NS
    out = [
        (begin, end),
        (begin - S, end + S),
        (begin, begin + 1),
        (end - PERIOD_NS, end),
        (end, end + S),
        (begin, begin),
    ]
    for _ in range(count):
        a = int(rng.integers(begin - S, end))
        out.append((a, a + int(10 ** rng.uniform(3, 11))))
    return out


@pytest.mark.parametrize("signal", SIGNALS)
def test_statistics_of_any_window_are_those_of_its_samples(session, signal):
    reader, truth = session
    for start_ns, end_ns in windows(1, truth, 60):
        inside = truth.of(signal)[(truth.time_ns >= start_ns) & (truth.time_ns < end_ns)]
        told = reader.statistics(signal, start_ns, end_ns)
        assert told.count == len(inside)
        assert told.duration_s == pytest.approx((end_ns - start_ns) * 1e-9)
        assert told.expected == pytest.approx((end_ns - start_ns) / PERIOD_NS, abs=1)
        if len(inside):
            assert (told.minimum, told.maximum) == (inside.min(), inside.max())
            assert told.mean == pytest.approx(inside.mean(), rel=1e-12, abs=1e-12)
            assert told.variance == pytest.approx(inside.var(), rel=1e-6, abs=1e-15)
            assert told.deviation == pytest.approx(inside.std(), rel=1e-6, abs=1e-9)
            # What was not recorded has no energy: to a sample at each end, the sum of the samples there are.
            least, most = sorted(
                inside.sum() * PERIOD_NS * 1e-9 + inside.mean() * PERIOD_NS * 1e-9 * k for k in (-1, 1)
            )
            assert least - 1e-12 <= told.integral <= most + 1e-12
        else:
            assert np.isnan([told.mean, told.minimum, told.maximum, told.variance]).all()


@pytest.mark.parametrize("columns", [1, 3, 200, 1920, 100_000])
@pytest.mark.parametrize("signal", SIGNALS)
def test_the_columns_of_an_envelope_hold_every_sample_once(session, signal, columns):
    reader, truth = session
    for start_ns, end_ns in windows(columns, truth, 6):
        inside = (truth.time_ns >= start_ns) & (truth.time_ns < end_ns)
        index, values = truth.index[inside], truth.of(signal)[inside]
        told = reader.envelope(signal, start_ns, end_ns, columns)
        assert int(told.count.sum()) == len(values)
        if not len(values):
            continue
        width = told.samples_per_column
        groups, edges = groups_of(index, width)
        assert len(told) == len(groups)
        counts = np.diff(np.append(edges, len(index)))
        np.testing.assert_array_equal(told.count, counts)
        np.testing.assert_array_equal(told.minimum, np.minimum.reduceat(values, edges))
        np.testing.assert_array_equal(told.maximum, np.maximum.reduceat(values, edges))
        mean = np.add.reduceat(values, edges) / counts
        np.testing.assert_allclose(told.mean, mean, rtol=1e-12, atol=1e-12)
        variance = np.add.reduceat((values - np.repeat(mean, counts)) ** 2, edges) / counts
        np.testing.assert_allclose(told.variance, variance, rtol=1e-6, atol=1e-14)
        assert (told.end_ns > told.start_ns).all()
        assert (told.start_ns[1:] >= told.end_ns[:-1]).all()
        first_ns = START_NS + np.maximum(groups * width, index[0]) * PERIOD_NS
        assert np.abs(told.start_ns - first_ns).max() <= max(PERIOD_NS, 2)


def test_about_as_many_columns_as_asked_for_and_every_sample_when_there_is_room(session):
    reader, truth = session
    begin, end = int(truth.time_ns[0]), int(truth.time_ns[-1]) + PERIOD_NS
    periods = (end - begin) // PERIOD_NS
    for columns in (100, 1000, 2000):
        width = reader.envelope(CURRENT, begin, end, columns).samples_per_column
        assert 0.6 <= periods / width / columns <= 1.7
    near = reader.envelope(CURRENT, begin, begin + 500 * PERIOD_NS, 1000)
    assert near.samples_per_column == 1


@pytest.mark.parametrize("signal", SIGNALS)
def test_samples_are_those_of_the_window_with_their_times(session, signal):
    reader, truth = session
    for start_ns, end_ns in windows(5, truth, 15):
        inside = (truth.time_ns >= start_ns) & (truth.time_ns < end_ns)
        times, values = reader.samples(signal, start_ns, end_ns)
        np.testing.assert_array_equal(times, truth.time_ns[inside])
        np.testing.assert_array_equal(values, truth.of(signal)[inside])


def test_every_index_has_its_time_in_gaps_and_beyond_the_end_too(session):
    reader, truth = session
    for index in [0, 1, int(truth.index[-1]), int(truth.index[-1]) + 1000, *range(0, int(truth.index[-1]), 9973)]:
        # A row of a single sample has no period of its own; its neighbour's is as good.
        assert reader.time_at(POWER, index) == pytest.approx(START_NS + index * PERIOD_NS, abs=2)


def test_extent_and_rate_are_those_of_the_samples(session):
    reader, truth = session
    extent = reader.extent()
    assert (extent.start_ns, extent.end_ns) == (truth.time_ns[0], truth.time_ns[-1] + PERIOD_NS)
    assert extent.duration_s == pytest.approx((truth.index[-1] + 1 - truth.index[0]) * PERIOD_NS * 1e-9)
    assert reader.sample_rate_hz(POWER) == pytest.approx(RATE_HZ, rel=1e-12)


# -- odd periods -----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 400), st.integers(3, 50_001)), min_size=1, max_size=4), st.data())
def test_a_sample_is_in_the_window_that_begins_at_its_time(tmp_path_factory, rows, data):
    """Times are whole nanoseconds, periods are not: rounding must not push a sample out of its own window."""
    path = tmp_path_factory.mktemp("odd") / "odd.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    first, t_first_ns = 0, START_NS
    for n, thousandths in rows:
        t_last_ns = t_first_ns + (n - 1) * thousandths // 2
        writer.write_block(1, first, noise(np.random.default_rng(n), n), t_first_ns, t_last_ns)
        writer.commit()
        first, t_first_ns = first + n, t_last_ns + thousandths // 2
    writer.close()
    with SessionReader(path) as reader:
        times, values = reader.samples(CURRENT, START_NS - S, START_NS + 10 * S)
        assert len(times) == first
        k = data.draw(st.integers(0, first - 1))
        same, value = reader.samples(CURRENT, int(times[k]), int(times[k]) + 1)
        assert int(times[k]) in same.tolist()
        assert values[k] in value.tolist()
        assert reader.statistics(CURRENT, START_NS - S, int(times[k])).count == np.searchsorted(times, times[k])


# -- gaps ------------------------------------------------------------------------------------------


def test_coverage_is_the_share_of_the_window_that_is_there(tmp_path):
    """A second of samples, two lost, one more; windows that begin, end, or lie in the hole or beyond the ends."""
    writer = SessionWriter(tmp_path / "gap.plm")
    writer.add_source(1, shunt())
    put(writer, 0, steady(2, RATE_HZ))
    gap(writer, RATE_HZ, 2 * RATE_HZ)
    put(writer, 3 * RATE_HZ, steady(2, RATE_HZ))
    writer.close()
    cases = [(0, 1, 1), (0, 4, 0.5), (0.5, 1.5, 0.5), (0, 2, 0.5), (2, 4, 0.5), (2.5, 3.5, 0.5), (1.5, 2.5, 0),
             (3, 5, 0.5), (-1, 1, 0.5), (5, 6, 0), (-2, -1, 0)]  # fmt: skip
    with SessionReader(tmp_path / "gap.plm") as reader:
        for start_s, end_s, share in cases:
            told = reader.statistics(POWER, START_NS + round(start_s * S), START_NS + round(end_s * S))
            assert told.coverage == pytest.approx(share, abs=1e-4), (start_s, end_s)
            assert told.expected == pytest.approx((end_s - start_s) * RATE_HZ, abs=1)
        [row] = reader.gaps()
        assert (row.first, row.n, row.reason, row.source) == (RATE_HZ, 2 * RATE_HZ, "lost on the way", 1)
        assert reader.lost_samples() == 2 * RATE_HZ
        assert len(reader.envelope(POWER, START_NS + S, START_NS + 3 * S, 100)) == 0


def test_a_session_without_samples_has_none(tmp_path):
    writer = SessionWriter(tmp_path / "empty.plm")
    writer.add_source(1, shunt())
    writer.close()
    with SessionReader(tmp_path / "empty.plm") as reader:
        assert reader.extent() is None
        assert reader.statistics(POWER, 0, S).count == 0
        assert reader.statistics(POWER, 0, S).coverage == 0
        assert len(reader.envelope(POWER, 0, S, 10)) == 0
        assert len(reader.samples(POWER, 0, S)[0]) == 0
        assert reader.sample_rate_hz(POWER) is None
        assert reader.runs() == []
        assert reader.clock(1) is None
        with pytest.raises(NotASessionError):
            reader.time_at(POWER, 0)


# -- rows ------------------------------------------------------------------------------------------


def test_rows_are_read_as_they_were_written(tmp_path):
    write_rich(tmp_path / "rich.plm")
    with SessionReader(tmp_path / "rich.plm") as reader:
        assert reader.meta()["title"] == "Known bench"
        assert reader.environment() == {"torch": "2.13.0"}
        assert reader.utc_pairs() == [(START_NS, 1_700_000_000_000_000_000)]
        [source] = reader.sources()
        assert (source.name, source.kind, source.model, source.serial_number, source.firmware) == (
            "shunt", "shunt", "TX1 shunt", "SIM-1", "1.0",
        )  # fmt: skip
        assert (source.rate_hz, source.lines, source.simulated) == (RATE_HZ, ("busy",), True)
        current, voltage, power = reader.signals()
        assert [s.name for s in (current, voltage, power)] == ["current", "voltage", "power"]
        assert (current.encoding, current.scale, current.zero_offset, current.quantity) == (
            "<u2", 0.0001, -0.5, Quantity.CURRENT,
        )  # fmt: skip
        assert (power.encoding, power.factor_a, power.factor_b, power.role) == (
            "product",
            current.id,
            voltage.id,
            Role.TOTAL,
        )
        assert power.is_product
        assert not voltage.is_product
        assert [run.state for run in reader.runs()] == ["done", "done", "failed"]
        assert reader.runs()[0].macs == 1_814_083_944
        assert reader.runs()[2].error == "It does not fit."
        assert [span.phase for span in reader.spans(1)] == ["idle_before", "warm_up", "timed", "idle_after"]
        assert len(reader.spans()) == 8
        assert [mark.text for mark in reader.marks()] == ["here"]
        assert reader.marks(after_id=1) == []
        assert [line.text for line in reader.log()] == ["a line"]
        assert reader.line_changes(1).tolist() == [[3 * RATE_HZ, 1], [7 * RATE_HZ, 0]]
        assert reader.line_changes(1, line=3).shape == (0, 2)
        assert reader.clock(1).rate_hz == pytest.approx(50_000.25)
        assert reader.clock(1, until_ns=START_NS + 2 * S).bound_ns == 40_000
        assert reader.clock(1, until_ns=START_NS) is None
        with pytest.raises(NotASessionError):
            reader.statistics(99, 0, 1)


def test_batches_are_found_by_run_time_and_number(tmp_path):
    write_rich(tmp_path / "rich.plm")
    with SessionReader(tmp_path / "rich.plm") as reader:
        batches = reader.batches()
        assert len(batches) == 25
        assert (np.diff(batches["id"]) > 0).all()
        assert set(batches[batches["phase"] == "timed"]["top1"]) == {-1}
        accuracy = reader.batches(run_id=2, start_ns=START_NS + 14 * S, end_ns=START_NS + 15 * S)
        assert accuracy[["top1", "top5"]].tolist() == [(7, 9), (9, 10)]
        assert reader.batches(after_id=int(batches["id"][-2]))["id"].tolist() == [batches["id"][-1]]
        assert len(reader.batches(run_id=77)) == 0


def test_a_phase_that_goes_on_has_no_end(tmp_path):
    writer = SessionWriter(tmp_path / "live.plm")
    writer.add_run(1, 1, RunSpec("vgg16"), "VGG-16", RunState.RUNNING)
    writer.open_span(1, 1, Phase.TIMED, START_NS)
    writer.commit()
    with SessionReader(tmp_path / "live.plm") as reader:
        assert reader.spans()[0].end_ns is None
        writer.close_span(1, START_NS + S)
        assert reader.spans()[0].end_ns is None
        writer.commit()
        assert reader.spans()[0].end_ns == START_NS + S
    writer.close()


@pytest.mark.parametrize("dtype", ["<u2", "<i2", "<f4"])
def test_every_encoding_is_kept_bit_for_bit(tmp_path, dtype):
    signal = Signal("volt", Quantity.VOLTAGE, dtype=dtype, scale=0.25, offset=-3.0)
    info = SourceInfo("s", "k", "m", "n", "f", 1000.0, (signal,))
    codes = np.array([0, 1, 100, 32_767], dtype)
    writer = SessionWriter(tmp_path / "e.plm")
    writer.add_source(1, info)
    writer.write_block(1, 0, (codes,), 0, 3_000_000)
    writer.close()
    with SessionReader(tmp_path / "e.plm") as reader:
        assert reader.samples(1, 0, S)[1].tolist() == (0.25 * codes.astype(float) - 3.0).tolist()


# -- not written, half written ---------------------------------------------------------------------


def test_a_file_that_exists_is_never_written_over(tmp_path):
    path = tmp_path / "mine.plm"
    path.write_bytes(b"precious")
    with pytest.raises(SessionError, match="exists already: choose another name"):
        SessionWriter(path)
    assert path.read_bytes() == b"precious"


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(SessionError, match="choose a folder you can write to"):
        SessionWriter(tmp_path / "nowhere" / "a.plm")


def test_a_full_disk_ends_the_file_at_the_last_commit(tmp_path):
    path = tmp_path / "full.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    truth = Truth()
    rng = np.random.default_rng(3)
    put(writer, 0, noise(rng, 20_000), truth)
    writer.commit()
    # SQLite answers as it does on a full disk, without one.
    pages = writer._db.execute("PRAGMA page_count").fetchone()[0]
    writer._db.execute(f"PRAGMA max_page_count = {pages + 3}")
    put(writer, 20_000, noise(rng, 20_000))
    with pytest.raises(DiskFullError, match=r"The disk is full: .* is complete up to now"):
        writer.commit()
    writer.close()
    writer.close()
    with SessionReader(path) as reader:
        for signal in SIGNALS:
            told = reader.statistics(signal, START_NS, START_NS + S)
            assert told.count == 20_000
            assert told.mean == pytest.approx(truth.of(signal).mean(), rel=1e-12)
            assert int(reader.envelope(signal, START_NS, START_NS + S, 10).count.sum()) == 20_000


def test_a_full_disk_is_told_by_whichever_call_meets_it(tmp_path):
    writer = SessionWriter(tmp_path / "full.plm")
    writer.commit()
    pages = writer._db.execute("PRAGMA page_count").fetchone()[0]
    writer._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFullError):
        writer.write_log(0, "info", "x" * 100_000)
    writer.close()


def test_what_was_not_committed_is_not_seen(tmp_path):
    path = tmp_path / "live.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    writer.commit()
    with SessionReader(path) as reader:
        put(writer, 0, steady(1, 1000))
        assert reader.extent() is None
        writer.commit()
        assert reader.statistics(POWER, START_NS, START_NS + S).count == 1000
    writer.close()


def test_closing_leaves_a_single_file(tmp_path):
    write_rich(tmp_path / "one.plm")
    assert [p.name for p in tmp_path.iterdir()] == ["one.plm"]
    with SessionReader(tmp_path / "one.plm") as reader:
        reader.extent()
        assert [p.name for p in tmp_path.iterdir()] == ["one.plm"]
    assert [p.name for p in tmp_path.iterdir()] == ["one.plm"]


def test_a_durable_commit_waits_for_the_disk_and_the_next_ones_do_not(tmp_path):
    """A disk that loses its power cannot be had here: SQLite's own word for it is what is looked at."""
    writer = SessionWriter(tmp_path / "d.plm")
    waits, statements = [], []
    writer._db.set_trace_callback(statements.append)
    for durable in (False, True, False):
        statements.clear()
        writer.commit(durable=durable)
        waits.append([each.split()[-1] for each in statements if each in WAITING])
        assert writer._db.execute("PRAGMA synchronous").fetchone() == (1,)
    assert waits == [["COMMIT"], ["COMMIT", "FULL", "COMMIT", "NORMAL"], ["COMMIT"]]
    writer.close()


def test_closing_beside_a_reader_leaves_everything_in_the_file_itself(tmp_path):
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    put(writer, 0, steady(1, 1000))
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM source").fetchone() == (0,)
        writer.close()
        assert (tmp_path / "s.plm-wal").stat().st_size == 0
        (tmp_path / "copy.plm").write_bytes(path.read_bytes())
    with SessionReader(tmp_path / "copy.plm") as reader:
        assert reader.statistics(POWER, START_NS, START_NS + S).count == 1000


def test_closing_writes_the_summaries_of_every_level(tmp_path):
    writer = SessionWriter(tmp_path / "s.plm")
    writer.add_source(1, shunt())
    put(writer, 0, steady(1, 100))
    writer.close()
    with closing(sqlite3.connect(tmp_path / "s.plm")) as db:
        rows = db.execute("SELECT level, sum(n) FROM summary WHERE signal = ? GROUP BY level ORDER BY level", (POWER,))
        assert rows.fetchall() == [(1, 2), *((level, 1) for level in range(2, LEVELS + 1))]


def test_line_changes_told_twice_are_kept_once(tmp_path):
    writer = SessionWriter(tmp_path / "l.plm")
    writer.add_source(1, shunt())
    changes = LineChanges(np.array([5]), np.zeros(1, np.uint8), np.ones(1, np.uint8))
    writer.write_line_changes(1, changes)
    writer.write_line_changes(1, changes)
    writer.add_run(1, 1, RunSpec("x"), "X", RunState.RUNNING)
    writer.write_batches(1, [Batch(Phase.TIMED, 1, 2, 1)])
    writer.close()
    with SessionReader(tmp_path / "l.plm") as reader:
        assert reader.line_changes(1).tolist() == [[5, 1]]


def test_a_long_read_is_many_short_transactions(tmp_path, monkeypatch):
    monkeypatch.setattr(time_map, "SNAPSHOT_S", 0.0)
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    rng, truth = np.random.default_rng(1), Truth()
    for k in range(200):
        put(writer, k * 10, noise(rng, 10), truth)
        writer.write_mark(START_NS + k, "note", str(k))
        writer.commit()
    busy = []
    with SessionReader(path) as reader, closing(sqlite3.connect(path, timeout=0)) as other:
        # Called before each statement begins, when the one before it must have released its snapshot.
        reader._db.set_trace_callback(
            lambda _: busy.append(other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        )
        times_ns, values = reader.samples(CURRENT, START_NS, START_NS + S)
        np.testing.assert_array_equal(times_ns, truth.time_ns)
        np.testing.assert_allclose(values, truth.current)
        assert [mark.text for mark in reader.marks()] == [str(k) for k in range(200)]
    assert len(busy) >= 2 * 200 // 64
    assert all(row == (0, 0, 0) for row in busy)
    writer.close()


def test_arrivals_and_stages_come_back_with_their_batches(tmp_path):
    path = tmp_path / "load.plm"
    spec = RunSpec("a", load=OfferedLoad("poisson", 12.5, None, 1, True))
    stamps_ns = tuple(range(20, 26))
    with closing(SessionWriter(path)) as writer:
        writer.add_run(1, 1, spec, "A", RunState.RUNNING)
        writer.write_batches(1, [Batch(Phase.WARM_UP, 1, 2, 1)])
        writer.write_batches(
            1,
            [
                Batch(Phase.TIMED, 10, 15, 1, None, None, None, 7),
                Batch(Phase.TIMED, 20, 25, 1, None, None, None, 9, stamps_ns),
            ],
        )
        writer.write_batches(1, [Batch(Phase.TIMED, 30, 31, 1)])
    with SessionReader(path) as reader:
        batches = reader.batches(run_id=1)
        assert batches["arrival_ns"].tolist() == [1, 7, 9, 30]
        stages = reader.stages(1)
        assert stages["batch"].tolist() == [batches["id"][2]]
        assert stages["stamps_ns"].tolist() == [list(stamps_ns)]
        assert reader.runs()[0].load == spec.load
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DROP TABLE arrival")
        db.execute("DROP TABLE stages")
    with SessionReader(path) as reader:
        assert reader.batches()["arrival_ns"].tolist() == reader.batches()["start_ns"].tolist()
        assert len(reader.stages(1)) == 0


@pytest.mark.parametrize("damage", [
    "UPDATE arrival SET arrival_ns = 11", "UPDATE run_fact SET value = 'lunch' WHERE key = 'load'",
    "UPDATE stages SET copy_in_ns = 1",
])  # fmt: skip
def test_impossible_arrivals_loads_and_stages_are_damage(tmp_path, damage):
    path = tmp_path / "load.plm"
    with closing(SessionWriter(path)) as writer:
        writer.add_run(1, 1, RunSpec("a", load=OfferedLoad("poisson", 1.0)), "A", RunState.RUNNING)
        writer.write_batches(1, [Batch(Phase.TIMED, 10, 15, 1, None, None, None, 7, (10, 11, 12, 13, 14, 15))])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(damage)
    with SessionReader(path) as reader, pytest.raises(NotASessionError):
        (reader.runs(), reader.batches(), reader.stages(1))
