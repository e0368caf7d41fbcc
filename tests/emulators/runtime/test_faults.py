# SPDX-License-Identifier: Apache-2.0
"""Each fault on a real pseudo-terminal, in simulated time, byte by byte."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import PortError, SourceError
from monitor_app.emulators.runtime.faults import Fault, FaultyLine, Happening, Kind, parse_fault

MS = 1_000_000
S = 1_000 * MS
# No stretch of 16 bytes in it comes twice.
SENT = random.Random(1).randbytes(3_000)


class Port:
    """A line with faults, and a host that has opened its port."""

    def __init__(self, *faults: str, seed: int = 1, link: object = None) -> None:
        self.line = FaultyLine(link, [parse_fault(fault) for fault in faults], seed, start_ns=0)
        self.host = os.open(self.line.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.got = b""

    def send(self, data: bytes, piece: int = 500) -> bytes:
        """Send in pieces as a queue does, and give what the host has got of it."""
        before = len(self.got)
        for start in range(0, len(data), piece):
            rest = data[start : start + piece]
            while rest:
                rest = rest[self.line.write(rest) :]
                self.receive()
        return self.got[before:]

    def receive(self) -> None:
        try:
            while chunk := os.read(self.host, 65_536):
                self.got += chunk
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self.host)
        self.line.close()


@pytest.fixture
def plug():
    ports: list[Port] = []

    def make(*faults: str, **options: object) -> Port:
        ports.append(Port(*faults, **options))
        return ports[-1]

    yield make
    for port in ports:
        port.close()


def common(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are the same."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("garbage@5:64", Fault(Kind.GARBAGE, 5.0, 64.0)),
        ("drop@5:37", Fault(Kind.DROP, 5.0, 37.0)),
        ("stall@5:1.5", Fault(Kind.STALL, 5.0, 1.5)),
        ("reset@8", Fault(Kind.RESET, 8.0, 0.0)),
        ("unplug@10:2", Fault(Kind.UNPLUG, 10.0, 2.0)),
        ("unplug@0.5:.25/30", Fault(Kind.UNPLUG, 0.5, 0.25, 30.0)),
        ("garbage@1", Fault(Kind.GARBAGE, 1.0, 64.0)),
        ("reset@0/0.5", Fault(Kind.RESET, 0.0, 0.0, 0.5)),
    ],
)
def test_a_fault_is_read(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "garbage@",
        "melt@5",
        "garbage@5:0",
        "garbage@5:1.5",
        "drop@5:70000",
        "stall@5:0",
        "reset@5:1",
        "unplug@-1",
        "unplug@nan",
        "stall@5:2/1",
        "garbage@5/0",
        "garbage@5:64/",
        "stall@1e3",
        "unplug@999999",
        "drop@5:37 ",
        "drop@\u0665",
    ],
)
def test_what_cannot_be_had_is_told_in_a_sentence_that_lists_what_can(text):
    with pytest.raises(SourceError) as told:
        parse_fault(text)
    assert repr(text) in str(told.value)
    assert all(kind.value in str(told.value) for kind in Kind)


@given(st.text(max_size=20))
def test_nothing_else_than_that_sentence_can_come_of_a_text(text):
    try:
        fault = parse_fault(text)
    except SourceError:
        return
    assert fault.at_s >= 0.0


def test_without_faults_every_byte_passes_and_nothing_is_due(plug):
    port = plug()
    assert port.line.due_ns() is None
    assert port.send(SENT) == SENT
    os.write(port.host, b"hello")
    assert port.line.read() == b"hello"


def test_garbage_gets_into_the_stream_and_takes_nothing_out(plug):
    port = plug("garbage@5:64")
    assert port.line.advance(5 * S - 1) == []
    assert port.send(SENT) == SENT
    assert port.line.due_ns() == 5 * S
    assert port.line.advance(5 * S) == []
    got = port.send(SENT)
    at = common(got, SENT)
    assert at < 256
    assert len(got) == len(SENT) + 64
    assert got[at + 64 :] == SENT[at:]
    assert port.line.due_ns() is None
    assert port.send(SENT) == SENT


def test_as_many_bytes_vanish_as_were_asked_for_and_no_others(plug):
    port = plug("drop@5:37")
    port.line.advance(5 * S)
    got = port.send(SENT)
    at = common(got, SENT)
    assert at < 256
    assert got == SENT[:at] + SENT[at + 37 :]
    assert port.send(SENT) == SENT


def test_a_drop_goes_on_over_many_writes(plug):
    port = plug("drop@0:2000")
    port.line.advance(0)
    got = port.send(SENT, piece=18)
    at = common(got, SENT)
    assert got == SENT[:at] + SENT[at + 2_000 :]


@given(piece=st.integers(1, 3_000))
def test_a_seed_makes_the_same_faults_however_the_bytes_are_cut(piece):
    streams = []
    for seed, size in ((7, 3_000), (7, piece), (8, 3_000)):
        port = Port("garbage@1:20/1", "drop@1:9/1", seed=seed)
        try:
            for second in range(1, 4):
                port.line.advance(second * S)
                port.send(SENT, size)
            streams.append(port.got)
        finally:
            port.close()
    assert streams[0] == streams[1]
    assert streams[0] != streams[2]
    assert len(streams[0]) == 3 * (len(SENT) + 20 - 9)


def test_more_garbage_than_the_line_takes_at_once_comes_in_order(plug):
    port = plug("garbage@0:65536")
    port.line.advance(0)
    got = port.send(SENT)
    assert len(got) == len(SENT) + 65_536
    at = common(got, SENT)
    assert got[at + 65_536 :] == SENT[at:]


def test_nothing_passes_while_it_stalls_and_everything_afterwards(plug):
    port = plug("stall@1:1.5")
    port.line.advance(1 * S)
    assert not port.line.passing
    assert port.line.plugged
    os.write(port.host, b"hello")
    assert port.line.write(SENT) == 0
    assert port.line.read() == b""
    assert port.line.due_ns() == 2_500 * MS
    port.line.advance(2_500 * MS - 1)
    assert not port.line.passing
    port.line.advance(2_500 * MS)
    assert port.line.due_ns() is None
    assert port.line.read() == b"hello"
    assert port.send(SENT) == SENT


def test_a_reset_is_told_once_each_time(plug):
    port = plug("reset@1/2")
    told = {ms: port.line.advance(ms * MS) for ms in range(0, 6_000, 500)}
    assert [ms for ms, happened in told.items() if happened] == [1_000, 3_000, 5_000]
    assert {happening for happened in told.values() for happening in happened} == {Happening.RESET}
    assert port.line.due_ns() == 7 * S


def test_an_unplugged_port_hangs_up_and_comes_back_at_the_link(plug, tmp_path):
    link = tmp_path / "port"
    port = plug("unplug@10:2", link=link)
    assert port.line.advance(10 * S) == [Happening.UNPLUGGED]
    assert os.read(port.host, 100) == b""
    with pytest.raises(OSError, match="Input/output"):
        os.write(port.host, b"anyone?")
    assert not os.path.lexists(link)
    assert port.line.fileno() == -1
    assert (port.line.plugged, port.line.passing) == (False, False)
    assert port.line.write(SENT) == 0
    assert port.line.read() == b""
    assert port.line.due_ns() == 12 * S
    assert port.line.advance(12 * S) == [Happening.PLUGGED]
    assert os.readlink(link) == port.line.path
    again = os.open(link, os.O_RDWR | os.O_NOCTTY)
    assert port.line.write(b"here") == 4
    assert os.read(again, 100) == b"here"
    os.close(again)


def test_what_was_to_strike_is_gone_with_the_plug(plug):
    port = plug("garbage@1:64", "stall@1:50", "unplug@2:1", "garbage@2.5:64")
    for ms in (1_000, 2_000, 2_500, 3_000):
        port.line.advance(ms * MS)
    os.close(port.host)
    port.host = os.open(port.line.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    assert port.line.passing
    assert port.send(SENT) == SENT


def test_a_link_that_cannot_be_made_again_is_told_in_a_sentence(plug, tmp_path):
    link = tmp_path / "port"
    port = plug("unplug@1:1", link=link)
    port.line.advance(1 * S)
    link.write_text("mine")
    with pytest.raises(PortError, match="--link"):
        port.line.advance(2 * S)
    assert link.read_text() == "mine"
