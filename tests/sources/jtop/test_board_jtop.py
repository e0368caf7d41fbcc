# SPDX-License-Identifier: Apache-2.0
"""The jtop service of a board elsewhere, asked by a child of the agent there."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import BoardLostError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import SampleBlock
from monitor_app.remote.link import Link
from monitor_app.sources.jtop.driver import JtopSource
from monitor_app.sources.jtop.places import Here, There
from tests.remote.agent.boards import FakeBoard
from tests.sources.jtop.service import stand_in
from tests.sources.jtop.test_driver import UPDATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_S = 60.0


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    fake = FakeBoard(tmp_path)
    with Link(fake.reached(), payload=fake.payload()) as made:
        made.connect()
        yield made


def blocks(source: JtopSource, count: int) -> list[SampleBlock]:
    found: list[SampleBlock] = []
    deadline_s = time.monotonic() + LONG_S
    while len(found) < count:
        assert time.monotonic() < deadline_s
        found += [each for each in source.read(0.2) if isinstance(each, SampleBlock)]
    return found


def test_the_same_signals_and_values_as_on_the_board_with_times_within_both_bounds(link: Link) -> None:
    with stand_in(first=UPDATE) as service:
        there = JtopSource("jtop", 0.1, python=sys.executable, socket=service.socket, place=There(lambda: link))
        here = JtopSource("jtop", 0.1, python=sys.executable, socket=service.socket, place=Here())
        try:
            began_ns = host_time_ns()
            here.open()
            there.open()
            assert there.info.signals == here.info.signals
            assert (there.info.model, there.info.firmware) == (here.info.model, here.info.firmware)
            for source in (here, there):
                for _ in range(3):
                    service.tell(publish=UPDATE)
                    (block,) = blocks(source, 1)
                    assert block.times_ns is not None
                    assert (block.times_bound_ns > 0) is (source is there)
                    within_ns = source.info.transport_bound_ns + block.times_bound_ns
                    # The service stamps between the start of this test and now, by the clock of this machine.
                    assert began_ns - within_ns <= block.times_ns[0] <= host_time_ns() + within_ns
        finally:
            here.close()
            there.close()


def test_a_clock_that_is_hours_ahead_is_turned_into_host_time(link: Link) -> None:
    class Ahead(Here):
        def host_ns(self, raw_ns: int) -> tuple[int, int]:
            return raw_ns - 10**13, 7

    with stand_in(first=UPDATE) as service:
        source = JtopSource("jtop", 0.1, python=sys.executable, socket=service.socket, place=Ahead())
        try:
            source.open()
            service.tell(publish=UPDATE)
            (block,) = blocks(source, 1)
        finally:
            source.close()
    assert block.times_ns is not None
    assert abs(int(block.times_ns[0]) + 10**13 - block.arrival_ns) < LONG_S * 1e9
    assert block.times_bound_ns == 7


def test_a_board_that_is_lost_is_said(link: Link) -> None:
    with stand_in(first=UPDATE) as service:
        source = JtopSource("jtop", 0.1, python=sys.executable, socket=service.socket, place=There(lambda: link))
        try:
            source.open()
            os.kill(link.hello.pid, signal.SIGKILL)
            with pytest.raises(SourceLostError, match="lost with the link to the board"):
                blocks(source, 10_000)
        finally:
            source.close()


def test_a_board_that_is_not_there_may_come(tmp_path: Path) -> None:
    def gone() -> Link:
        raise BoardLostError("board is not connected yet: wait a moment.")

    with pytest.raises(PortError, match="not connected yet"):
        There(gone)


def test_a_python_that_is_not_on_the_board_is_said(link: Link) -> None:
    source = JtopSource("jtop", 0.1, python="/nowhere/python3", place=There(lambda: link))
    with pytest.raises(PortError, match="/nowhere/python3"):
        source.open()
