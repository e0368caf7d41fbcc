# SPDX-License-Identifier: Apache-2.0
"""Envelopes, statistics and samples of a small session, worked out by hand, and of one that is damaged."""

from __future__ import annotations

import math
import shutil
import sqlite3
from contextlib import closing
from dataclasses import fields

import numpy as np
import pytest

from monitor_app.core.errors import DamagedSessionError
from monitor_app.session import waveform
from monitor_app.session.pyramid import LEVELS, entry_size
from monitor_app.session.reader import SessionReader
from monitor_app.session.waveform import MANY_GAPS, Statistics, _folded, _grid, _Samples
from monitor_app.session.writer import SessionWriter

from .bench import CURRENT, PERIOD_NS, POWER, START_NS, VOLTAGE, put, shunt

COUNT, HOLE, AFTER = 2000, 60, 500
"""Samples of the first block, those that are missing, and those of the second."""
FIRST = 0


def ns(index: int) -> int:
    return START_NS + index * PERIOD_NS


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The current of a sample is a ten-thousandth of its index, less half an ampere; the voltage is 10 V."""
    path = tmp_path_factory.mktemp("waveform") / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    for first, n in ((FIRST, COUNT), (FIRST + COUNT + HOLE, AFTER)):
        put(writer, first, (np.arange(first, first + n, dtype="<u2"), np.full(n, 20_000, "<u2")))
    writer.close()
    return path


@pytest.fixture(scope="module")
def reader(path):
    with SessionReader(path) as found:
        yield found


@pytest.fixture
def damaged_by(path, tmp_path):
    """A reader of a copy in which a statement was carried out."""
    readers = []

    def of(sql: str) -> SessionReader:
        shutil.copy(path, tmp_path / "d.plm")
        with closing(sqlite3.connect(tmp_path / "d.plm")) as db:
            db.execute(sql)
            db.commit()
        readers.append(SessionReader(tmp_path / "d.plm"))
        return readers[-1]

    yield of
    for each in readers:
        each.close()


# -- statistics ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "expected", "coverage", "complete", "recorded_s"),
    [(5, 10, 0.5, False, 2.0), (10, 10, 1.0, True, 4.0), (11, 10, 1.1, True, 4.0), (9, 10, 0.9, False, 3.6),
     (1, 1, 1.0, True, 4.0), (0, 0, 0.0, False, 0.0), (3, 0, 0.0, False, 0.0), (0, 1, 0.0, False, 0.0)],
)  # fmt: skip
def test_only_what_was_recorded_counts(count, expected, coverage, complete, recorded_s):
    found = Statistics(count, -1.0, 5.0, 3.0, 9.0, expected, 4.0)
    assert (found.coverage, found.complete, found.deviation) == (pytest.approx(coverage), complete, 3)
    assert (found.recorded_s, found.integral) == pytest.approx((recorded_s, 3 * recorded_s))


def test_statistics_of_a_window_with_a_gap(reader):
    found = reader.statistics(POWER, ns(FIRST + COUNT - 100), ns(FIRST + COUNT + HOLE + 100))
    codes = np.r_[FIRST + COUNT - 100 : FIRST + COUNT, FIRST + COUNT + HOLE : FIRST + COUNT + HOLE + 100]
    watts = 10 * (codes * 1e-4 - 0.5)
    assert (found.count, found.expected, found.duration_s) == (200, 260, pytest.approx(260 * PERIOD_NS * 1e-9))
    assert (found.minimum, found.maximum) == pytest.approx((watts[0], watts[-1]))
    assert (found.mean, found.variance) == pytest.approx((watts.mean(), watts.var()))


def test_a_window_without_samples_has_no_statistics(reader):
    found = reader.statistics(CURRENT, ns(FIRST + COUNT + 1), ns(FIRST + COUNT + 11))
    assert (found.count, found.expected, found.duration_s) == (0, 10, pytest.approx(10 * PERIOD_NS * 1e-9))
    assert all(map(math.isnan, (found.minimum, found.maximum, found.mean, found.variance)))
    assert reader.statistics(CURRENT, ns(100), ns(100)).count == 0


def test_a_window_of_no_length_has_no_samples(reader):
    times_ns, values = reader.samples(POWER, ns(100), ns(100))
    assert (times_ns.tolist(), values.tolist()) == ([], [])
    assert len(reader.envelope(CURRENT, ns(100), ns(100), 10)) == 0


# -- envelopes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples_per_column", "level", "width"),
    [(0.0, 0, 1), (0.4, 0, 1), (1.4, 0, 1), (1.6, 0, 2), (63.4, 0, 63), (63.9, 0, 64), (64, 1, 64), (95, 1, 64),
     (97, 1, 128), (1023, 1, 1024), (1024, 2, 1024), (2500, 2, 2048), (16_383, 2, 16_384), (16_384, 3, 16_384),
     (262_144, 4, 262_144), (4_194_304, 5, 4_194_304), (67_108_864, 6, 67_108_864), (2**30, 6, 2**30),
     (2**31, 6, 2**31)],
)  # fmt: skip
def test_columns_are_read_from_the_highest_level_that_fits_them(samples_per_column, level, width):
    assert _grid(samples_per_column) == (level, width)


@pytest.mark.parametrize(
    ("columns", "width"), [(10_000, 1), (800, 1), (400, 2), (100, 8), (13, 62), (12, 64), (1, 768), (0, 768)]
)
def test_columns_begin_at_multiples_of_their_width_and_are_cut_at_the_ends(reader, columns, width):
    start, end = 101, 901
    found = reader.envelope(CURRENT, ns(start), ns(end), columns)
    edges = np.array([start, *range(-(-(start + 1) // width) * width, end, width), end])
    assert found.samples_per_column == width
    assert len(found) == len(edges) - 1
    assert found.count.tolist() == np.diff(edges).tolist()
    assert found.start_ns.tolist() == [ns(edge) for edge in edges[:-1]]
    assert found.end_ns.tolist() == [ns(edge) for edge in edges[1:]]
    assert found.minimum == pytest.approx(edges[:-1] * 1e-4 - 0.5)
    assert found.maximum == pytest.approx((edges[1:] - 1) * 1e-4 - 0.5)
    assert found.mean == pytest.approx((edges[1:] + edges[:-1] - 1) / 2e4 - 0.5)
    assert found.variance == pytest.approx((np.diff(edges) ** 2 - 1) / 12 * 1e-8, rel=1e-5, abs=1e-15)


@pytest.mark.parametrize(("start", "end"), [(101, 901), (0, 2560), (1990, 2070), (2005, 2010), (-50, 4000), (300, 300)])
@pytest.mark.parametrize("columns", [4000, 800, 100, 30, 3, 1])
@pytest.mark.parametrize("signal", [CURRENT, POWER])
def test_what_is_read_in_pieces_is_to_the_last_digit_what_is_read_at_once(
    reader, monkeypatch, start, end, columns, signal
):
    whole = list(reader.envelopes(signal, ns(start) + 7, ns(end) + 7, columns))
    assert len(whole) == 1
    monkeypatch.setattr(waveform, "AT_ONCE", 16)
    pieces = list(reader.envelopes(signal, ns(start) + 7, ns(end) + 7, columns))
    assert len(pieces) >= min(len(whole[0]) // 16, 2)
    joined = reader.envelope(signal, ns(start) + 7, ns(end) + 7, columns)
    for field in fields(waveform.Envelope):
        expected = np.asarray(getattr(whole[0], field.name))
        assert np.array_equal(expected, getattr(joined, field.name)), field.name
        assert expected.dtype == np.asarray(getattr(joined, field.name)).dtype


def test_nothing_of_a_recording_that_grows_meanwhile_is_no_damage(tmp_path, monkeypatch):
    writer = SessionWriter(tmp_path / "live.plm")
    writer.add_source(1, shunt())
    codes = np.full(100, 20_000, "<u2")
    put(writer, 0, (codes, codes))
    writer.commit()
    decoded, grown = waveform.Waveform._decoded, []

    def grows(*arguments):
        found = decoded(*arguments)
        if not grown:
            grown.append(put(writer, 100, (codes, codes)))
            writer.commit()
        return found

    monkeypatch.setattr(waveform.Waveform, "_decoded", grows)
    with SessionReader(tmp_path / "live.plm") as reader:
        assert len(reader.envelope(POWER, ns(300), ns(400), 10)) == 0
        assert len(reader.samples(POWER, ns(300), ns(400))[0]) == 0
        assert len(reader.envelope(POWER, ns(0), ns(400), 10_000)) >= 100
    writer.close()


def test_times_of_a_polled_source_are_the_same_in_pieces(tmp_path, monkeypatch):
    writer = SessionWriter(tmp_path / "polled.plm")
    writer.add_source(1, shunt())
    times = START_NS + np.cumsum(np.random.default_rng(3).integers(1, 10**7, 400))
    for k, time_ns in enumerate(times.tolist()):
        codes = np.full(1, k, "<u2")
        writer.write_block(1, k + 5 * (k > 200), (codes, codes), time_ns, time_ns)
    writer.close()
    window = int(times[3]), int(times[-3]), 200
    with SessionReader(tmp_path / "polled.plm") as reader:
        whole = reader.envelope(CURRENT, *window)
        monkeypatch.setattr(waveform, "AT_ONCE", 16)
        joined = reader.envelope(CURRENT, *window)
        assert len(list(reader.envelopes(CURRENT, *window))) > 10
    assert whole.start_ns.tolist() == joined.start_ns.tolist()
    assert whole.end_ns.tolist() == joined.end_ns.tolist()


@pytest.mark.parametrize(("start", "end"), [(100, 900), (1024, 2048), (64, 128), (0, 1), (1023, 2049), (1000, 1000)])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_entries_of_any_level_hold_the_samples_of_the_window_once(reader, start, end, level):
    entries = reader.waveform(VOLTAGE).entries(start, end, level)
    inside = [k for k in range(start, end) if FIRST <= k < FIRST + COUNT]
    assert entries["n"].sum() == len(inside)
    assert (np.diff(entries["start"]) > 0).all()
    whole = [k for k in range(start, end) if level and k % entry_size(level) == 0 and k + entry_size(level) <= end]
    assert [k for k in whole if k in entries["start"][entries["n"] > 1]] == whole


def test_summaries_end_with_the_last_group_of_their_level(reader, damaged_by):
    end = FIRST + COUNT + HOLE + AFTER
    for level in range(1, LEVELS + 1):
        assert reader.waveform(POWER).summary_end(level) == -(-end // entry_size(level)) * entry_size(level)
    assert damaged_by("DELETE FROM summary").waveform(POWER).summary_end(1) == 0


def test_where_summaries_are_missing_the_samples_are_read(damaged_by):
    window = ns(FIRST), ns(FIRST + COUNT)
    assert damaged_by("DELETE FROM summary").statistics(CURRENT, *window).count == COUNT
    assert damaged_by("DELETE FROM summary WHERE level > 1").statistics(CURRENT, *window).count == COUNT


def samples_of(*rows: tuple[int, int, int, int]) -> _Samples:
    """Each has its index as its value."""
    index = np.concatenate([first + np.arange(n) for first, n, *_ in rows])
    return _Samples(np.array(rows, np.int64), index.astype(float))


def test_samples_have_their_indices_and_times():
    found = samples_of((10, 3, 1000, 1201), (20, 1, 3000, 3000), (21, 2, 3100, 3150))
    assert found.index().tolist() == [10, 11, 12, 20, 21, 22]
    assert found.times_ns().tolist() == [1000, 1100, 1201, 3000, 3100, 3150]
    assert [part.tolist() for part in found.within(11, 22)] == [[11, 12, 20, 21]] * 2
    assert [part.tolist() for part in found.within(13, 20)] == [[], []]


@pytest.mark.parametrize("gaps", [0, 1, MANY_GAPS, MANY_GAPS + 1])
def test_samples_are_folded_alike_with_few_gaps_and_with_many(gaps):
    found = samples_of(*[(100 + 7 * k, 5, 0, 4) for k in range(gaps + 1)])
    index = found.index()[1:-1]
    folded = _folded(found, int(index[0]), int(index[-1]) + 1, 10)
    groups, counts = np.unique(index // 10, return_counts=True)
    assert folded["start"].tolist() == (10 * groups).tolist()
    assert folded["n"].tolist() == counts.tolist()
    assert folded["min"].tolist() == [index[index // 10 == group].min() for group in groups]
    assert folded["max"].tolist() == [index[index // 10 == group].max() for group in groups]
    assert len(_folded(found, 98, 100, 10)) == 0


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "UPDATE samples SET data = substr(data, 2) WHERE signal = 1 AND first = 0",
            "current at sample 0 has a wrong",
        ),
        ("UPDATE samples SET data = 5 WHERE signal = 2 AND first > 10", "voltage at sample 2060 has a wrong length"),
        (
            "UPDATE samples SET data = zeroblob(length(data) + 1) WHERE signal = 1",
            "current at sample 0 has a wrong length",
        ),
        ("UPDATE signal SET encoding = '<f8' WHERE id = 1", "current is encoded as '<f8'"),
        ("DELETE FROM samples WHERE signal = 2 AND first > 10", "the factors of power do not match"),
    ],
)
def test_samples_that_cannot_be_are_named(damaged_by, sql, says):
    with pytest.raises(DamagedSessionError, match=says):
        damaged_by(sql).samples(POWER, ns(0), ns(5000))


@pytest.mark.parametrize("change", ["data = substr(data, 2)", "data = zeroblob(32 * n + 1)", "n = n - 1", "data = 7"])
def test_a_summary_of_a_wrong_length_is_named(damaged_by, change):
    with pytest.raises(DamagedSessionError, match="a summary of power has a wrong length"):
        damaged_by(f"UPDATE summary SET {change} WHERE level = 1 AND first < 64").statistics(POWER, ns(1), ns(2000))
