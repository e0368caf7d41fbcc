# SPDX-License-Identifier: Apache-2.0
"""What holds for every source, whatever is behind it: one life of each, from before it is opened to after."""

from __future__ import annotations

import gc
import math
import os
import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from monitor_app.core.errors import PortError, SourceError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, SampleBlock, SourceInfo, TimeMark
from monitor_app.sources.registry import KINDS
from tests.conftest import TRIES, Tries
from tests.sources.every_source import CASES

if TYPE_CHECKING:
    from monitor_app.core.samples import Reading
    from tests.sources.every_source import Subject

READ_S = 0.05
MOMENT_S = 0.4
LOSS_S = 30.0


@dataclass
class Life:
    """What a source did and said."""

    subject: Subject
    info: SourceInfo
    readings: list[Reading] = field(default_factory=list)
    """Of a moment, with nothing wrong."""
    later: list[Reading] = field(default_factory=list)
    """On from there, until it had lost something."""
    reopened: list[Reading] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    complaints: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    """Threads, processes and descriptors that were still there after close."""

    @property
    def blocks(self) -> list[SampleBlock]:
        return [reading for reading in (*self.readings, *self.later) if isinstance(reading, SampleBlock)]


def held() -> set[str]:
    """Everything that a source might keep."""
    gc.collect()
    fds = {f"descriptor {fd} of {os.readlink(f'/proc/self/fd/{fd}')}" for fd in os.listdir("/proc/self/fd") if _is(fd)}
    threads = {f"thread {thread.name}" for thread in threading.enumerate()}
    return fds | threads | {f"process {child.pid}" for child in psutil.Process().children(recursive=True)}


def _is(fd: str) -> bool:
    return Path(f"/proc/self/fd/{fd}").is_symlink()


def read(subject: Subject, into: list[Reading], waits_s: list[float]) -> list[SampleBlock]:
    subject.turn()
    began = time.perf_counter()
    readings = subject.source.read(READ_S)
    waits_s.append(time.perf_counter() - began)
    into += readings
    return [reading for reading in readings if isinstance(reading, SampleBlock)]


def lived(subject: Subject) -> Life:
    source, complaints = subject.source, {}
    before = held()
    source.close()
    source.close()
    for what, ask in {"info before open": lambda: source.info, "read before open": lambda: source.read(READ_S)}.items():
        try:
            ask()
        except (PortError, SourceLostError) as error:
            complaints[what] = str(error)
    subject.turn()
    source.open()
    life = Life(subject, source.info, complaints=complaints)
    enough = time.monotonic() + MOMENT_S
    while time.monotonic() < enough or len(life.blocks) < 2:
        read(subject, life.readings, life.waits_s)
    subject.lose()
    deadline = time.monotonic() + LOSS_S
    while not any(block.lost_before for block in read(subject, life.later, life.waits_s)):
        assert time.monotonic() < deadline, "nothing was lost, or nobody counted it"
    source.close()
    source.close()
    life.left = sorted(held() - before)
    try:
        source.read(READ_S)
    except SourceLostError as error:
        complaints["read after close"] = str(error)
    source.open()
    while not read(subject, life.reopened, []):
        assert time.monotonic() < deadline + LOSS_S, "it gave nothing when it was opened again"
    source.close()
    return life


@pytest.fixture(scope="module", params=CASES)
def life(request: pytest.FixtureRequest) -> Tries[Life]:
    return Tries(lambda _: life_of(request.param))


def life_of(case: str) -> Life:
    """One life; a new one where a busy machine kept the emulator from answering, or the line from being read, in time.

    That an instrument which never answers is refused is tested where its driver is.
    """
    for _ in range(TRIES - 1):
        with suppress(SourceError, AssertionError):
            return one_life(case)
    return one_life(case)


def one_life(case: str) -> Life:
    with CASES[case]() as subject:
        try:
            return lived(subject)
        finally:
            subject.source.close()


def test_every_kind_that_a_profile_knows_is_here() -> None:
    assert {name.split()[0].replace("jetson", "jetson-rails") for name in CASES} >= set(KINDS) - {"lines"}


def test_describes_itself(life: Life) -> None:
    info = life.info
    assert (info.name, info.kind, info.simulated) == ("it", life.subject.kind, life.subject.simulated)
    assert info.model
    assert 0 < info.rate_hz < math.inf
    assert info.transport_bound_ns > 0
    assert all(note.endswith(".") and "\n" not in note for note in info.notes)
    assert len(set(info.lines)) == len(info.lines)


def test_its_signals_have_names_units_and_roles(life: Life) -> None:
    signals = life.info.signals
    names = [signal.name for signal in signals]
    assert len(set(names)) == len(names)
    assert {s.name: (s.quantity, s.role) for s in signals} == life.subject.signals
    assert signals == (*life.info.stored_signals, *life.info.derived_signals)
    for signal in signals:
        assert signal.dtype in {"<u2", "<i2", "<f4"}
        assert signal.scale != 0
        assert signal.resolution is None or 0 < signal.resolution < math.inf
        assert signal.accuracy is None or 0 < signal.accuracy < 1
    stored = {signal.name: signal.quantity for signal in life.info.stored_signals}
    for power in life.info.derived_signals:
        assert power.product_of is not None
        assert {stored[factor] for factor in power.product_of} == {Quantity.CURRENT, Quantity.VOLTAGE}


def test_blocks_are_as_their_signals_say(life: Life) -> None:
    dtypes = [signal.dtype for signal in life.info.stored_signals]
    for block in life.blocks:
        assert [codes.dtype.str for codes in block.codes] == dtypes
        assert {codes.shape for codes in block.codes} == {(len(block),)}
        assert len(block) > 0
        assert all(np.isfinite(codes).all() for codes in block.codes)


def test_indices_rise_by_what_came_and_what_was_lost(life: Life) -> None:
    blocks = life.blocks
    assert [b.first_index - b.lost_before for b in blocks[1:]] == [b.first_index + len(b) for b in blocks[:-1]]
    assert all(block.lost_before >= 0 for block in blocks)


@pytest.mark.realtime
def test_nothing_is_lost_until_something_goes_wrong(life: Life) -> None:
    if life.subject.kind == "scope":
        return  # it is blind between two records, and says so
    assert sum(r.lost_before for r in life.readings if isinstance(r, SampleBlock)) == 0


def test_what_is_lost_is_counted(life: Life) -> None:
    assert sum(r.lost_before for r in life.later if isinstance(r, SampleBlock)) > 0


def test_times_rise_and_are_not_after_the_arrival(life: Life) -> None:
    blocks = life.blocks
    arrivals = [block.arrival_ns for block in blocks]
    assert arrivals == sorted(arrivals)
    if not life.subject.polled:
        assert all(block.times_ns is None for block in blocks)
        return
    times_ns = np.concatenate([block.times_ns for block in blocks])
    assert (np.diff(times_ns) > 0).all()
    assert [len(block.times_ns) for block in blocks] == [len(block) for block in blocks]
    assert all(block.times_ns[-1] <= block.arrival_ns + life.info.transport_bound_ns for block in blocks)


def test_marks_lie_between_the_question_and_its_answer(life: Life) -> None:
    marks = [reading for reading in life.readings if isinstance(reading, TimeMark)]
    assert bool(marks) == (not life.subject.polled)
    assert all(mark.earliest_ns <= mark.latest_ns for mark in marks)
    now = host_time_ns()
    assert all(mark.latest_ns < now for mark in marks)


def test_changes_of_lines_are_of_its_samples(life: Life) -> None:
    for block in life.blocks:
        changes = block.changes
        assert len(changes.index) == len(changes.line) == len(changes.level)
        assert ((changes.index >= block.first_index) & (changes.index < block.first_index + len(block))).all()
        assert (changes.line < max(len(life.info.lines), 1)).all()
        assert np.isin(changes.level, (0, 1)).all()


@pytest.mark.realtime
def test_measures_what_is_there(life: Life) -> None:
    name, watts, tolerance = life.subject.watts
    blocks = [r for r in life.readings if isinstance(r, SampleBlock)]
    by_name = {
        signal.name: signal.scale * np.concatenate([b.codes[k] for b in blocks]).astype(float) + signal.offset
        for k, signal in enumerate(life.info.stored_signals)
    }
    power = next(signal for signal in life.info.signals if signal.name == name)
    values = by_name[name] if power.product_of is None else np.prod([by_name[f] for f in power.product_of], axis=0)
    assert values.mean() == pytest.approx(watts, abs=tolerance)


@pytest.mark.realtime
def test_a_read_takes_about_as_long_as_it_may(life: Life) -> None:
    """Half of them at least: the machine may be busy, and a scope fetches a record for as long as it takes."""
    assert statistics.median(life.waits_s) < READ_S + 0.2 + life.subject.answer_s


def test_says_in_a_sentence_that_it_is_not_open(life: Life) -> None:
    assert life.complaints == {
        "info before open": "it has not been opened.",
        "read before open": "it is not connected: connect it first.",
        "read after close": "it is not connected: connect it first.",
    }


def test_lets_go_of_everything(life: Life) -> None:
    assert life.left == []


def test_can_be_opened_again(life: Life) -> None:
    assert any(isinstance(reading, SampleBlock) for reading in life.reopened)


NO_DATA_SHEET = {"csv with a time", "csv without a time", "json", "labelled", "hwmon"}
"""Meters of any maker: the profile says how accurate they are."""


def test_every_power_has_the_accuracy_of_a_data_sheet(life: Life, request: pytest.FixtureRequest) -> None:
    case = request.node.callspec.params["life"]
    stated = {s.name: s.accuracy for s in life.info.signals if s.quantity is Quantity.POWER}
    if case in NO_DATA_SHEET:
        assert set(stated.values()) == {None}
        return
    assert all(limit is not None and 0 < limit < 0.2 for limit in stated.values()), stated
    if case != "shunt":  # which states it itself
        assert any("is taken to be right within" in note for note in life.info.notes)
