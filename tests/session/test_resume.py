# SPDX-License-Identifier: Apache-2.0
"""A session that is resumed: after a crash, after a reboot, days later; once, twice and more often."""

from __future__ import annotations

import random
import shutil
import signal as signals
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.clock import ClockState, Delay
from monitor_app.core.errors import NewerSessionError, NotASessionError, SessionError
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import LineChanges, Quantity, Role, Signal, SourceInfo
from monitor_app.session import resume as append
from monitor_app.session.files import settle
from monitor_app.session.host_clock import HostClock, shift_of
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter

from .bench import ANSWERS, CURRENT, PERIOD_NS, POWER, RATE_HZ, VOLTAGE, noise, shunt, steady, write_rich
from .parts import Clock, S, check_summaries, check_windows, crashed, raw

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (CURRENT, VOLTAGE, POWER)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks of a machine that sleeps and is rebooted at will."""
    clock = Clock()
    monkeypatch.setattr("monitor_app.session.resume.read_host_clock", clock)
    monkeypatch.setattr("monitor_app.session.writer.read_host_clock", clock)
    return clock


def record(writer: SessionWriter, clock: Clock, count: int, *, first: int = 0, source: int = 1, seed: int = 0) -> None:
    """This number of samples of noise, taken from now on, with the time that it takes."""
    codes = noise(np.random.default_rng(seed), count)
    end_ns = clock.host_ns + (count - 1) * PERIOD_NS
    writer.write_block(source, first, codes, clock.host_ns, end_ns)
    clock.wait(count / RATE_HZ)


# -- samples and summaries -------------------------------------------------------------------------

part = st.tuples(
    st.lists(st.tuples(st.sampled_from([1, 63, 64, 700, 5000, 20_000]), st.sampled_from([0, 0, 1, 100, 3000])),
             max_size=8),
    st.sampled_from(["closed", "killed"]),
    st.sampled_from([0.0, 0.00003, 0.7, 30.0, 86_400.0 * 20]),
    st.booleans(),
)  # fmt: skip


@settings(max_examples=6, deadline=None)
@given(st.lists(part, min_size=2, max_size=5), st.integers(0, 2**31))
def test_across_any_number_of_parts_all_is_as_the_samples_say(tmp_path_factory, parts, seed):
    path, clock, rng = tmp_path_factory.mktemp("parts") / "0.plm", Clock(), np.random.default_rng(seed)
    ends = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(append, "read_host_clock", clock)
        patch.setattr("monitor_app.session.writer.read_host_clock", clock)
        for number, (blocks, end, pause_s, reboot) in enumerate(parts):
            writer = SessionWriter.resume(path) if number else SessionWriter(path)
            writer.write_utc(clock.host_ns, clock.utc_ns)
            writer.add_source(1, shunt())
            first = int(rng.integers(0, 5000)) if number else 0
            for n, hole in blocks:
                clock.wait(hole / RATE_HZ)
                first += hole
                record(writer, clock, n, first=first, seed=int(rng.integers(2**31)))
                first += n
                if rng.integers(2):
                    writer.commit()
            ends.append(clock.host_ns + writer.shift_ns)
            last = number == len(parts) - 1
            if end == "killed" and not last:
                writer.commit()
                left = crashed(path, f"{number + 1}.plm")
                writer.close()
                path = left
            else:
                writer.close()
            clock.reboot(pause_s) if reboot else clock.wait(pause_s)
    with SessionReader(path) as reader:
        for signal in SIGNALS:
            truth = raw(path, signal)
            assert len(truth.index) == sum(n for blocks, *_ in parts for n, _ in blocks)
            assert (np.diff(truth.time_ns) > 0).all()
            check_summaries(path, signal, truth, all_levels=True)
            if len(truth.index):
                check_windows(reader, signal, truth, windows(rng, truth.time_ns, ends))


def windows(rng: np.random.Generator, times_ns: np.ndarray, ends: list[int]) -> Iterator[tuple[int, int]]:
    """The whole, one that ends or begins with each part, and some others."""
    begin, end = int(times_ns[0]), int(times_ns[-1]) + 1
    yield begin - S, end + S
    for time_ns in ends[:-1]:
        yield begin, time_ns
        yield time_ns, end
        yield time_ns - 100 * PERIOD_NS, end
    for _ in range(3):
        a, b = sorted(rng.choice(times_ns, 2).tolist())
        yield a, b


def test_after_a_kill_in_any_commit_the_summaries_are_whole_and_final(tmp_path, clock):
    path = tmp_path / "0.plm"
    for number in range(12):
        writer = SessionWriter.resume(path) if number else SessionWriter(path)
        writer.add_source(1, shunt())
        first = 0
        for k, n in enumerate([16_384, 10, 17_000, 1024, 5000]):
            record(writer, clock, n, first=first, seed=10 * number + k)
            first += n
            writer.commit()
        left = crashed(path, f"{number + 1}.plm")
        writer.close()
        for signal in SIGNALS:
            check_summaries(left, signal, raw(left, signal), all_levels=False)
        path = left
        clock.wait(0.1)
    SessionWriter.resume(path).close()
    for signal in SIGNALS:
        truth = raw(path, signal)
        assert len(truth.index) == 12 * 39_418
        check_summaries(path, signal, truth, all_levels=True)


def resuming(path: Path, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("resuming.py")), str(path), str(number)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_is_killed_three_times_loses_nothing_it_had_committed(tmp_path, seed):
    path, told = tmp_path / "killed.plm", []
    chance = random.Random(seed)
    for number in range(4):
        with resuming(path, number) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            count = 0
            for _ in range(chance.randrange(1, 40)):
                count = int(process.stdout.readline())
            if number < 3:
                process.send_signal(signals.SIGKILL)
            else:
                process.stdin.close()
                count = int((process.stdout.read().split() or [count])[-1])
        assert process.returncode == (-signals.SIGKILL if number < 3 else 0)
        told.append(count)
    current, voltage = raw(path, CURRENT), raw(path, VOLTAGE)
    parts = np.round(voltage.value / 0.0005).astype(int)
    assert (np.diff(parts) >= 0).all()
    for number, count in enumerate(told):
        codes = np.round((current.value[parts == number] + 0.5) / 0.0001).astype(int)
        assert len(codes) >= count, "what was committed is there"
        assert np.array_equal(codes, np.arange(len(codes)) % 65_536)
    assert (np.diff(current.time_ns) >= 0).all()
    rng = np.random.default_rng(seed)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with SessionReader(path) as reader:
        assert [run.state for run in reader.runs()] == ["cancelled"] * 3 + ["running"]
        assert [gap.n for gap in reader.gaps()] == [0, 0, 0]
        for signal in SIGNALS:
            truth = raw(path, signal)
            check_summaries(path, signal, truth, all_levels=True)
            begin, end = int(truth.time_ns[0]), int(truth.time_ns[-1]) + 1
            assert reader.statistics(signal, begin, end).count == len(truth.value)
            for gap in reader.gaps():
                inside = (truth.time_ns > gap.start_ns) & (truth.time_ns < gap.end_ns)
                assert not inside.any()
            for _ in range(10):
                a, b = sorted(rng.integers(begin, end, 2).tolist())
                inside = (truth.time_ns >= a) & (truth.time_ns < b)
                stats = reader.statistics(signal, a, b)
                assert stats.count == inside.sum()
                if stats.count:
                    assert (stats.minimum, stats.maximum) == (truth.value[inside].min(), truth.value[inside].max())
                    assert stats.mean == pytest.approx(truth.value[inside].mean(), rel=1e-12)


def test_a_pause_counts_as_missing_and_takes_its_time(tmp_path, clock):
    """10 s, a pause of 5 s with a reboot, 10 s."""
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    start_ns = clock.host_ns
    writer.write_utc(clock.host_ns, clock.utc_ns)
    writer.add_source(1, shunt())
    record(writer, clock, 10 * RATE_HZ)
    writer.close()
    clock.reboot(5)
    writer = SessionWriter.resume(path)
    writer.add_source(1, shunt())
    record(writer, clock, 10 * RATE_HZ)
    writer.close()
    cases = [(0, 25, 20 / 25), (10, 15, 0), (11, 14, 0), (5, 12.5, 5 / 7.5), (12.5, 20, 5 / 7.5), (8, 17, 4 / 9)]
    with SessionReader(path) as reader:
        for start_s, end_s, share in cases:
            told = reader.statistics(POWER, start_ns + round(start_s * S), start_ns + round(end_s * S))
            assert told.coverage == pytest.approx(share, abs=1e-5), (start_s, end_s)
        [gap] = reader.gaps()
        assert (gap.n, gap.reason) == (0, "the recording was interrupted")
        assert (gap.start_ns, gap.end_ns) == (start_ns + 10 * S, start_ns + 15 * S)
        assert reader.lost_samples() == 0
        assert reader.sample_rate_hz(POWER) == pytest.approx(RATE_HZ, rel=1e-9)
        assert reader.extent().duration_s == pytest.approx(25, abs=1e-4)
        # No column of a picture lies within the pause, and those beside it are where their samples are.
        picture = reader.envelope(POWER, start_ns, start_ns + 25 * S, 1000)
        column_ns = round(picture.samples_per_column * PERIOD_NS)
        inside = (picture.start_ns >= gap.start_ns) & (picture.end_ns <= gap.end_ns)
        assert not inside.any()
        beside = picture.start_ns[np.searchsorted(picture.start_ns, gap.start_ns) :][:2]
        assert abs(beside[0] - gap.end_ns) <= column_ns
        index = raw(path, POWER).index
        for k in (0, 10 * RATE_HZ - 1, 10 * RATE_HZ, 20 * RATE_HZ - 1):
            wanted_ns = start_ns + k * PERIOD_NS + (5 * S if k >= 10 * RATE_HZ else 0)
            assert reader.time_at(POWER, int(index[k])) == wanted_ns


def test_a_polled_source_goes_on_at_its_own_pace_and_not_at_that_it_was_to_have(tmp_path, clock):
    """A source that was to be asked 25 times a second and was asked 20 times: an hour is 72 000 samples long."""
    info = SourceInfo("rails", "test", "m", "1", "1", 25.0, (Signal("power", Quantity.POWER),))
    path = tmp_path / "s.plm"
    for number in range(2):
        writer = SessionWriter.resume(path) if number else SessionWriter(path)
        writer.add_source(1, info)
        times_ns = clock.host_ns + 50_000_000 * np.arange(400) + np.random.default_rng(1).integers(0, 10**7, 400)
        writer.write_timed_block(1, 0, (np.ones(400, "<f4"),), times_ns)
        clock.wait(20)
        writer.close()
        clock.wait(3600)
    index = raw(path, 1).index
    assert index[400] - index[399] == pytest.approx(72_000, rel=2e-3)


def test_samples_that_seem_older_than_those_before_the_pause_are_put_after_them(tmp_path, clock):
    """What a meter held back while it was opened; in time they are some milliseconds off, and none is lost."""
    path = tmp_path / "s.plm"
    for number in range(2):
        writer = SessionWriter.resume(path) if number else SessionWriter(path)
        writer.add_source(1, shunt())
        clock.wait(-20_000 / RATE_HZ * number)
        record(writer, clock, 5000, seed=1)
        record(writer, clock, 5000, first=5000, seed=2)
        times_ns = clock.host_ns + PERIOD_NS * np.arange(300)
        writer.write_timed_block(1, 10_000, noise(np.random.default_rng(3), 300), times_ns)
        clock.wait(300 / RATE_HZ)
        writer.close()
    truth = raw(path, CURRENT)
    assert len(truth.index) == 20_600
    assert (np.diff(truth.time_ns) > 0).all()
    assert (np.diff(truth.index) == 1).all()


# -- time ------------------------------------------------------------------------------------------

UTC = 1_700_000_000 * S
RAW = "CLOCK_MONOTONIC_RAW"


@pytest.mark.parametrize(
    ("what", "clock", "meta", "pairs", "last_ns", "shift_ns"),
    [
        ("the same boot", HostClock("a", 90 * S, UTC + 90 * S), {"boot_id": "a", "clock": RAW}, [(0, UTC)],
         50 * S, 0),
        ("the same boot, recorded by the clock of earlier versions", HostClock("a", 90 * S, UTC + 120 * S),
         {"boot_id": "a"}, [(0, UTC)], 50 * S, 30 * S),
        ("a boot that was shifted before", HostClock("b", 90 * S, UTC + 200 * S),
         {"boot_id": "b", "clock": RAW, "shift_ns": str(70 * S)}, [(100 * S, UTC)], 120 * S, 70 * S),
        ("a reboot", HostClock("b", 10 * S, UTC + 500 * S), {"boot_id": "a"}, [(100 * S, UTC)], 160 * S, 590 * S),
        ("another machine, up for longer", HostClock("b", 9000 * S, UTC + 500 * S), {"boot_id": "a"},
         [(100 * S, UTC)], 160 * S, -8400 * S),
        ("a date that was set back", HostClock("b", 10 * S, UTC - 500 * S), {"boot_id": "a"}, [(100 * S, UTC)],
         160 * S, 150 * S + 1),
        ("a date that was not set in the first part", HostClock("b", 10 * S, UTC), {"boot_id": "a"}, [(100 * S, 0)],
         160 * S, 150 * S + 1),
        ("no pair of times", HostClock("b", 10 * S, UTC), {"boot_id": "a"}, [], 160 * S, 150 * S + 1),
        ("no times at all", HostClock("b", 10 * S, UTC), {"boot_id": "a"}, [], None, 0),
        ("no boot ids, clocks that went on", HostClock("", 90 * S, UTC + 91 * S), {}, [(0, UTC)], 50 * S, 0),
        ("no boot ids, clocks that did not", HostClock("", 9 * S, UTC + 90 * S), {}, [(0, UTC)], 50 * S, 81 * S),
        ("a boot id that is not told any more", HostClock("", 9 * S, UTC + 90 * S), {"boot_id": "a"}, [(0, UTC)],
         50 * S, 81 * S),
        ("the same boot and times from far ahead", HostClock("a", 90 * S, UTC), {"boot_id": "a", "clock": RAW},
         [(0, UTC)], 500 * S, 410 * S + 1),
    ],
)  # fmt: skip
def test_the_shift_puts_a_new_part_where_utc_says_and_never_before_the_last(
    what, clock, meta, pairs, last_ns, shift_ns
):
    assert shift_of(clock, meta, pairs, last_ns) == shift_ns, what
    if last_ns is not None:
        assert clock.host_ns + shift_ns > last_ns


def write_all(writer: SessionWriter, at: int) -> None:
    """Whatever takes a time, on the caller's clock."""
    writer.write_utc(at, UTC)
    writer.add_source(1, shunt())
    writer.write_block(1, 7, steady(1, 10), at, at + 9 * PERIOD_NS)
    writer.write_timed_block(1, 17, steady(1, 2), np.array([at + 20 * PERIOD_NS, at + 23 * PERIOD_NS]))
    writer.write_gap(1, 19, 3, at + 24 * PERIOD_NS, at + 27 * PERIOD_NS, "lost on the way")
    writer.write_clock(1, at, ClockState(50_000.0, 40_000))
    writer.write_alignment(1, at, Delay(1_000, 5_000, 0.99))
    run = writer.next_run_id
    writer.add_run(run, 1, RunSpec("vgg16"), "VGG-16", RunState.WAITING)
    writer.start_run(run, at)
    writer.open_span(writer.next_span_id, run, Phase.TIMED, at)
    writer.close_span(writer.next_span_id, at + S)
    writer.write_batches(run, [Batch(Phase.TIMED, at, at + S, 1, device_ns=5)])
    writer.end_run(run, RunState.DONE, None, at + S)
    writer.write_mark(at, "note", "here")
    writer.write_log(at, "warning", "a line")


TIMES = {
    "samples": ("t_first_ns", "t_last_ns"), "gap": ("start_ns", "end_ns"), "clock": ("host_ns",),
    "alignment": ("host_ns",), "run": ("started_ns", "ended_ns"), "span": ("start_ns", "end_ns"),
    "batch": ("start_ns", "end_ns"), "mark": ("host_ns",), "log": ("host_ns",), "utc": ("host_ns",),
}  # fmt: skip


def test_every_time_that_is_written_is_shifted_and_nothing_else(tmp_path, clock):
    alone, both = tmp_path / "alone.plm", tmp_path / "both.plm"
    writer = SessionWriter(alone)
    write_all(writer, 60 * S)
    writer.close()
    writer = SessionWriter(both)
    writer.write_utc(clock.host_ns, clock.utc_ns)
    writer.close()
    clock.reboot(1234)
    writer = SessionWriter.resume(both)
    assert writer.shift_ns == (1000 + 1234 - 60) * S
    write_all(writer, clock.host_ns)
    writer.close()
    for table, columns in TIMES.items():
        with closing(sqlite3.connect(alone)) as one, closing(sqlite3.connect(both)) as other:
            names = [name for _, name, *_ in one.execute(f"PRAGMA table_info({table})")]
            wanted = one.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            found = other.execute(f"SELECT * FROM {table} WHERE {columns[0]} > {1500 * S} ORDER BY 1, 2").fetchall()
        assert wanted
        shifts = [writer.shift_ns if name in columns else 0 for name in names]
        assert found == [
            tuple(value + shift if shift else value for value, shift in zip(row, shifts, strict=True)) for row in wanted
        ], table
    with SessionReader(both) as reader:
        assert reader.shift_ns() == writer.shift_ns
    with SessionReader(alone) as reader:
        assert reader.shift_ns() == 0


def test_dates_are_right_in_each_part(tmp_path, clock):
    path = tmp_path / "s.plm"
    for number in range(3):
        writer = SessionWriter.resume(path) if number else SessionWriter(path)
        writer.write_utc(clock.host_ns, clock.utc_ns)
        writer.write_mark(clock.host_ns, "note", str(clock.utc_ns))
        writer.close()
        clock.reboot(100 * 3600)
    with SessionReader(path) as reader:
        pairs = np.array(reader.utc_pairs())
        for mark in reader.marks():
            host_ns, utc_ns = pairs[np.argmin(np.abs(pairs[:, 0] - mark.host_ns))].tolist()
            assert utc_ns + mark.host_ns - host_ns == int(mark.text)
        assert reader.meta()["parts"] == "3"


def test_within_one_boot_of_this_machine_nothing_is_shifted(tmp_path):
    """With the real clocks."""
    path = tmp_path / "s.plm"
    SessionWriter(path).close()
    writer = SessionWriter.resume(path)
    assert writer.shift_ns == 0
    writer.close()
    with SessionReader(path) as reader:
        assert len(reader.meta()["boot_id"]) == 36


# -- sources ---------------------------------------------------------------------------------------


def meter(name: str, serial_number: str = "1") -> SourceInfo:
    return SourceInfo(name, "test", "m", serial_number, "1", 1000.0, (Signal("power", Quantity.POWER, Role.TOTAL),))


def record_parts(path: Path, clock: Clock, *parts: list[SourceInfo]) -> None:
    """Each part has its sources in its own order, numbered from 1; a second of each."""
    for number, infos in enumerate(parts):
        writer = SessionWriter.resume(path) if number else SessionWriter(path)
        for k, info in enumerate(infos, 1):
            writer.add_source(k, info)
            codes = tuple(np.full(1000, 10 * number + k, signal.dtype) for signal in info.stored_signals)
            writer.write_block(k, 500, codes, clock.host_ns, clock.host_ns + 999_000_000)
        clock.wait(1)
        writer.close()
        clock.wait(1)


def test_sources_are_known_again_by_their_names_in_whatever_order_they_come(tmp_path, clock):
    path = tmp_path / "s.plm"
    a, b, c = meter("a"), meter("b"), meter("c")
    record_parts(path, clock, [a, b], [c, b, a], [b], [a, c])
    with SessionReader(path) as reader:
        assert [source.name for source in reader.sources()] == ["a", "b", "c"]
        values = {s.source: set(reader.samples(s.id, 0, 2**60)[1].tolist()) for s in reader.signals()}
        assert values == {1: {1, 13, 31}, 2: {2, 12, 21}, 3: {11, 32}}
        assert [(gap.source, gap.end_ns - gap.start_ns) for gap in reader.gaps() if gap.source == 1] == [
            (1, S), (1, 3 * S),
        ]  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        meter("a", "another"),
        replace(meter("a"), kind="sum"),
        replace(meter("a"), simulated=True),
        replace(meter("a"), rate_hz=2000.0),
        replace(meter("a"), lines=("busy",)),
        replace(meter("a"), signals=(Signal("power", Quantity.POWER, Role.GPU),)),
        replace(meter("a"), signals=(Signal("power", Quantity.CURRENT, Role.TOTAL),)),
        replace(meter("a"), signals=(Signal("power", Quantity.POWER, Role.TOTAL, "<u2"),)),
        replace(meter("a"), signals=(Signal("power", Quantity.POWER, Role.TOTAL, scale=2.0),)),
        replace(meter("a"), signals=(Signal("power", Quantity.POWER, Role.TOTAL, offset=1.0),)),
        replace(meter("a"), signals=(Signal("in", Quantity.POWER, Role.TOTAL),)),
        replace(meter("a"), signals=(*meter("a").signals, Signal("more", Quantity.CURRENT))),
    ],
)
def test_a_source_that_is_another_one_now_is_told_apart(tmp_path, clock, changed):
    path = tmp_path / "s.plm"
    record_parts(path, clock, [meter("a")], [changed], [changed], [meter("a")], [meter("a", "a third")])
    with SessionReader(path) as reader:
        assert [source.name for source in reader.sources()] == ["a", "a (2)", "a (3)"]
        first = {source.id: min(s.id for s in reader.signals() if s.source == source.id) for source in reader.sources()}
        values = {k: sorted(set(reader.samples(s, 0, 2**60)[1].tolist())) for k, s in first.items()}
        scale, offset = changed.signals[0].scale, changed.signals[0].offset
        assert values == {1: [1, 31], 2: [11 * scale + offset, 21 * scale + offset], 3: [41]}


def test_two_meters_of_one_name_are_not_taken_for_one(tmp_path, clock):
    path = tmp_path / "s.plm"
    a, b = meter("a"), meter("a", "another")
    record_parts(path, clock, [a], [b, replace(meter("b"), name="a (2)")], [b])
    with SessionReader(path) as reader:
        assert [source.name for source in reader.sources()] == ["a", "a (2)", "a (2) (2)"]
        assert set(reader.samples(2, 0, 2**60)[1].tolist()) == {11, 21}


def test_no_source_is_gone_on_with_by_two(tmp_path, clock):
    path = tmp_path / "s.plm"
    other = meter("a (2)", "another")
    record_parts(path, clock, [meter("a"), other], [replace(other, name="a"), other])
    with SessionReader(path) as reader:
        assert [source.name for source in reader.sources()] == ["a", "a (2)", "a (2) (2)"]
        assert [set(reader.samples(k, 0, 2**60)[1].tolist()) for k in (1, 2, 3)] == [{1}, {2, 11}, {12}]


def test_a_name_with_a_number_that_the_user_gave_is_a_name(tmp_path, clock):
    path = tmp_path / "s.plm"
    record_parts(path, clock, [meter("a (2)")], [meter("a"), meter("a (2)")])
    with SessionReader(path) as reader:
        assert [source.name for source in reader.sources()] == ["a (2)", "a"]
        assert [set(reader.samples(k, 0, 2**60)[1].tolist()) for k in (1, 2)] == [{1, 12}, {11}]


def test_what_else_is_said_of_a_source_does_not_make_it_another(tmp_path, clock):
    path = tmp_path / "s.plm"
    voltage, current, power = shunt().signals[1], shunt().signals[0], shunt().signals[2]
    again = replace(
        shunt(), firmware="2.0", model="other", notes=(), rate_hz=RATE_HZ * 1.01,
        signals=(power, replace(voltage, resolution=1.0, accuracy=None), current),
    )  # fmt: skip
    for number, info in enumerate((shunt(), again)):
        writer = SessionWriter.resume(path) if number else SessionWriter(path)
        writer.add_source(1, info)
        codes = {"current": np.full(10, 6000, "<u2"), "voltage": np.full(10, 20_000, "<u2")}
        writer.write_block(
            1, 0, tuple(codes[s.name] for s in info.stored_signals), clock.host_ns, clock.host_ns + 9 * PERIOD_NS
        )
        clock.wait(1)
        writer.close()
    with SessionReader(path) as reader:
        assert len(reader.sources()) == 1
        assert reader.samples(CURRENT, 0, 2**60)[1] == pytest.approx([0.1] * 20)
        assert reader.samples(POWER, 0, 2**60)[1] == pytest.approx([1.0] * 20)


def test_indices_and_numbers_of_a_part_lead_to_those_of_the_file(tmp_path, clock):
    """Gaps, line changes and clocks of a source that is number 2 in one part and 1 in the next."""
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, meter("a"))
    writer.add_source(2, shunt())
    record(writer, clock, 1000, source=2)
    writer.close()
    clock.wait(1)
    writer = SessionWriter.resume(path)
    writer.add_source(1, shunt())
    record(writer, clock, 1000, first=40)
    writer.write_line_changes(1, LineChanges(np.array([45]), np.zeros(1, np.uint8), np.ones(1, np.uint8)))
    writer.write_gap(1, 1040, 10, clock.host_ns, clock.host_ns + 10 * PERIOD_NS, "lost on the way")
    writer.write_clock(1, clock.host_ns, ClockState(50_001.0, 40_000))
    clock.wait(10 / RATE_HZ)
    record(writer, clock, 1000, first=1050)
    writer.close()
    with SessionReader(path) as reader:
        began = 1000 + RATE_HZ  # after a second's pause
        assert reader.line_changes(2).tolist() == [[began + 5, 1]]
        assert [(gap.source, gap.first, gap.n) for gap in reader.gaps()] == [(2, 1000, 0), (2, began + 1000, 10)]
        assert reader.clock(2).rate_hz == pytest.approx(50_001)
        assert reader.clock(1) is None
        index = raw(path, 2).index
        assert index.tolist() == [*range(1000), *range(began, began + 1000), *range(began + 1010, began + 2010)]


def test_a_source_that_never_said_anything_begins_with_the_part_in_which_it_does(tmp_path, clock):
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    writer.close()
    writer = SessionWriter.resume(path)
    writer.add_source(1, shunt())
    record(writer, clock, 100, first=3)
    writer.close()
    with SessionReader(path) as reader:
        assert len(reader.sources()) == 1
        assert reader.gaps() == []
        assert reader.statistics(POWER, 0, 2**60).count == 100


# -- runs ------------------------------------------------------------------------------------------


def test_what_was_running_is_ended_when_the_session_was(tmp_path, clock):
    path = tmp_path / "0.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    for run, state in ((1, RunState.DONE), (2, RunState.FAILED), (3, RunState.RUNNING), (4, RunState.WAITING)):
        writer.add_run(run, 1, RunSpec("vgg16"), "VGG-16", state)
    writer.start_run(1, clock.host_ns)
    writer.end_run(1, RunState.DONE, None, clock.host_ns + 5)
    writer.end_run(2, RunState.FAILED, "It does not fit.", clock.host_ns + 5)
    writer.start_run(3, clock.host_ns)
    writer.open_span(1, 3, Phase.LOAD, clock.host_ns)
    writer.close_span(1, clock.host_ns + 10)
    writer.open_span(2, 3, Phase.TIMED, clock.host_ns + 10)
    record(writer, clock, RATE_HZ)
    last_ns = clock.host_ns - PERIOD_NS
    writer.commit()
    path = crashed(path, "1.plm")
    writer.close()
    clock.wait(60)
    writer = SessionWriter.resume(path)
    assert (writer.next_run_id, writer.next_span_id) == (5, 3)
    writer.add_run(5, 1, RunSpec("vgg16"), "VGG-16", RunState.RUNNING)
    writer.close()
    with SessionReader(path) as reader:
        runs = reader.runs()
        assert [run.state for run in runs] == ["done", "failed", "cancelled", "cancelled", "running"]
        assert [run.error for run in runs] == [
            None, "It does not fit.", "The recording was interrupted.", "The recording was interrupted.", None,
        ]  # fmt: skip
        assert [run.ended_ns for run in runs[2:]] == [last_ns, None, None]
        assert [span.end_ns for span in reader.spans()] == [clock.host_ns - 61 * S + 10, last_ns]


def test_a_new_session_counts_from_one(tmp_path):
    writer = SessionWriter(tmp_path / "s.plm")
    assert (writer.next_run_id, writer.next_span_id, writer.shift_ns) == (1, 1, 0)
    writer.close()


def test_a_session_that_goes_on_is_not_complete_until_it_is_again(tmp_path):
    path = tmp_path / "s.plm"
    write_rich(path)
    writer = SessionWriter.resume(path)
    with SessionReader(path) as reader:
        assert "completed_utc_ns" not in reader.meta()
        assert reader.meta()["parts"] == "2"
    writer.set_meta({"completed_utc_ns": "5"})
    writer.close()
    with SessionReader(path) as reader:
        assert reader.meta()["completed_utc_ns"] == "5"
        assert [run.state for run in reader.runs()] == ["done", "done", "failed"]
    assert [each.name for each in tmp_path.iterdir()] == ["s.plm"]


# -- others who have it open -----------------------------------------------------------------------


@contextmanager
def other_writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = resuming(path, 1)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_session_that_is_being_recorded_is_not_recorded_twice(tmp_path):
    path = tmp_path / "s.plm"
    refused = pytest.raises(SessionError, match=r"s\.plm is being recorded by another process: end that one first")
    with other_writer(path), refused:
        SessionWriter.resume(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["s.plm", "s.plm-shm", "s.plm-wal"]
    writer = SessionWriter.resume(path)
    with pytest.raises(SessionError, match="is being recorded"):
        SessionWriter.resume(path)
    writer.close()
    assert [each.name for each in tmp_path.iterdir()] == ["s.plm"]
    SessionWriter.resume(path).close()


def test_a_writer_that_was_refused_takes_nothing_from_the_one_that_writes(tmp_path, clock):
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    record(writer, clock, 1000)
    writer.commit()
    for _ in range(3):
        with pytest.raises(SessionError, match="is being recorded"):
            SessionWriter.resume(path)
    record(writer, clock, 1000, first=1000)
    writer.close()
    with SessionReader(path) as reader:
        assert reader.statistics(POWER, 0, 2**60).count == 2000


def test_a_link_to_a_session_is_the_session(tmp_path):
    path, link = tmp_path / "s.plm", tmp_path / "elsewhere" / "link.plm"
    link.parent.mkdir()
    link.symlink_to(path)
    writer = SessionWriter(path)
    writer.commit()
    with pytest.raises(SessionError, match="is being recorded"):
        SessionWriter.resume(link)
    writer.close()
    SessionWriter.resume(link).close()


def test_a_writer_whose_disk_is_full_lets_go_of_its_session(tmp_path):
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.commit()
    pages = writer._db.execute("PRAGMA page_count").fetchone()[0]
    writer._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SessionError):
        writer.write_log(0, "info", "x" * 100_000)
    SessionWriter.resume(path).close()
    writer.close()


@pytest.mark.parametrize("before", ["closed", "settled", "killed"])
def test_readers_that_are_open_see_the_session_go_on(tmp_path, clock, before):
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    record(writer, clock, 30_000)
    writer.commit()
    if before == "killed":
        path = crashed(path, "killed.plm")
    writer.close()
    if before == "settled":
        settle(path)
    count = 30_000
    with SessionReader(path) as reader:

        def counted() -> int:
            told = reader.statistics(POWER, 0, 2**60).count
            assert told == int(reader.envelope(CURRENT, 0, 2**60, 10).count.sum())
            return told

        assert counted() == count
        for number in range(3):
            clock.wait(1)
            writer = SessionWriter.resume(path)
            assert counted() == count
            writer.add_source(1, shunt())
            for k in range(40):  # more than fits in the -wal, so that pages of the file itself change
                record(writer, clock, 30_000, first=30_000 * k, seed=k)
                writer.commit()
                count += 30_000
                if number < 2:
                    assert counted() == count
            writer.close()
            assert counted() == count
        assert reader.meta()["parts"] == "4"
    with SessionReader(path) as reader:
        assert reader.statistics(POWER, 0, 2**60).count == count


def test_a_reader_that_did_not_look_while_a_session_went_on_sees_what_came(tmp_path, clock):
    path = tmp_path / "s.plm"
    record_parts(path, clock, [shunt()])
    with SessionReader(path) as reader:
        assert reader.statistics(POWER, 0, 2**60).count == 1000
        for number in range(2, 5):
            writer = SessionWriter.resume(path)
            writer.add_source(1, shunt())
            record(writer, clock, 1000, first=500)
            writer.close()
            assert [each.name for each in tmp_path.iterdir()] == ["s.plm"]
            assert reader.statistics(POWER, 0, 2**60).count == number * 1000


def test_a_reader_of_a_session_that_was_moved_away_reads_on(tmp_path):
    write_rich(tmp_path / "s.plm")
    with SessionReader(tmp_path / "s.plm") as reader:
        count = reader.statistics(POWER, 0, 2**60).count
        (tmp_path / "s.plm").rename(tmp_path / "t.plm")
        assert reader.statistics(POWER, 0, 2**60).count == count


# -- what cannot be resumed --------------------------------------------------------------------------


def test_what_is_no_session_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "other.plm"
    path.write_bytes(b"precious" * 1000)
    with pytest.raises(NotASessionError, match=r"other\.plm"):
        SessionWriter.resume(path)
    assert path.read_bytes() == b"precious" * 1000
    with pytest.raises(NotASessionError, match="There is no file"):
        SessionWriter.resume(tmp_path / "nothing.plm")
    assert [each.name for each in tmp_path.iterdir()] == ["other.plm"]


@pytest.fixture(scope="module")
def rich(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("rich") / "rich.plm"
    write_rich(path)
    return path


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("PRAGMA user_version = 7", NewerSessionError),
        ("PRAGMA user_version = 0", SessionError),
        ("DROP TABLE gap", NotASessionError),
        ("UPDATE samples SET n = -1 WHERE signal = 1 AND first = 700000", NotASessionError),
        ("DELETE FROM samples WHERE signal = 1 AND first = 700000", NotASessionError),
        ("UPDATE signal SET factor_a = 99 WHERE id = 3", NotASessionError),
        ("UPDATE mark SET host_ns = 9223372036854775807", NotASessionError),
        ("INSERT INTO meta VALUES ('shift_ns', 'much')", SessionError),
        ("UPDATE meta SET value = 'many' WHERE key = 'parts'", NotASessionError),
        ("UPDATE utc SET utc_ns = 'noon'", NotASessionError),
    ],
)
def test_a_session_that_is_not_whole_is_refused(rich, tmp_path, statement, error):
    path = tmp_path / "odd.plm"
    shutil.copy(rich, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement.replace("INSERT INTO", "INSERT OR REPLACE INTO"))
    before = path.read_bytes()
    with pytest.raises(error, match=r"odd\.plm|The session is damaged"):
        SessionWriter.resume(path)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        assert "parts" not in statement or db.execute("SELECT value FROM meta WHERE key = 'parts'").fetchone() == (
            "many",
        )
        assert db.execute("SELECT value FROM meta WHERE key = 'completed_utc_ns'").fetchone() == ("1",)
    assert len(path.read_bytes()) == len(before)


def test_a_session_that_another_program_holds_is_not_waited_for_forever(rich, tmp_path):
    path = tmp_path / "held.plm"
    shutil.copy(rich, path)
    settle(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SessionError, match=r"held\.plm"):
            SessionWriter.resume(path)
    SessionWriter.resume(path).close()


def test_of_what_was_there_nothing_is_changed(rich, tmp_path):
    """A session is resumed and not a row of it changes but what must."""
    path = tmp_path / "s.plm"
    shutil.copy(rich, path)
    writer = SessionWriter.resume(path)
    writer.close()
    for table in (*TIMES, "environment", "source", "signal", "line_change", "memory"):
        with closing(sqlite3.connect(rich)) as one, closing(sqlite3.connect(path)) as other:
            sql = f"SELECT * FROM {table}"
            assert one.execute(sql).fetchall() == other.execute(sql).fetchall(), table


def test_a_session_of_before_the_answers_were_stored_is_read_and_resumed(tmp_path: Path) -> None:
    path = tmp_path / "earlier.plm"
    write_rich(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE answers")
    with SessionReader(path) as reader:
        assert reader.runs()
        assert reader.answers(2) is None
    writer = SessionWriter.resume(path)
    writer.write_answers(2, ANSWERS)
    writer.close()
    with SessionReader(path) as reader:
        assert reader.answers(2) == ANSWERS


def test_what_was_missing_when_a_part_ended_is_lost_once_and_the_pause_begins_after_it(tmp_path, clock):
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.write_utc(clock.host_ns, clock.utc_ns)
    writer.add_source(1, shunt())
    record(writer, clock, 100_000)
    lost_ns = clock.host_ns
    for missing_s in (1, 3):
        writer.write_open_gap(1, 100_000, missing_s * round(RATE_HZ), lost_ns, lost_ns + missing_s * S, "disconnected")
    clock.wait(3)
    writer.close()
    with SessionReader(path) as reader:
        assert [(gap.first, gap.n, gap.reason) for gap in reader.gaps()] == [(100_000, 150_000, "disconnected")]
        assert reader.extent().end_ns - reader.extent().newest_ns == pytest.approx(3 * S, abs=PERIOD_NS)
    clock.wait(10)
    writer = SessionWriter.resume(path)
    writer.add_source(1, shunt())
    record(writer, clock, 100_000)
    writer.close()
    with SessionReader(path) as reader:
        lost, pause = reader.gaps()
        assert (lost.n, pause.n, pause.reason) == (150_000, 0, "the recording was interrupted")
        assert pause.start_ns == pytest.approx(lost.end_ns, abs=2 * PERIOD_NS)
        assert pause.end_ns - pause.start_ns == pytest.approx(10 * S, abs=PERIOD_NS * 100)
        assert reader.extent().end_ns == reader.extent().newest_ns
        # The index follows the time through both.
        assert reader.waveform(1).times.last()[0] == pytest.approx(100_000 + 13 * RATE_HZ + 100_000, abs=100)
