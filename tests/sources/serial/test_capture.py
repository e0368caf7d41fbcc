# SPDX-License-Identifier: Apache-2.0
"""What was captured plays back: the same bytes, at their own pace, each answer after its question."""

from __future__ import annotations

import json
import struct
import time
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.instruments import Replay
from monitor_app.core.errors import PortError, SourceError, SourceLostError
from monitor_app.sources.serial.capture import Capture, CapturingTransport, ReplayTransport, header_of

if TYPE_CHECKING:
    from pathlib import Path


class Echo:
    """A device that answers each question with the same bytes twice, in two reads."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.closed = 0

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        return self.waiting.pop(0) if self.waiting else b""

    def write(self, data: bytes) -> None:
        self.waiting += [data, data.upper()]

    def close(self) -> None:
        self.closed += 1


def captured(path: Path) -> None:
    capture = Capture(path, {"kind": "lines", "port": "/dev/ttyACM0"})
    transport = CapturingTransport(Echo(), capture)
    for question in (b"who", b"how much"):
        transport.write(question)
        transport.read(0)
        time.sleep(0.05)
        transport.read(0)
        assert transport.read(0) == b""
    transport.close()
    capture.close()
    capture.close()


def test_the_header_says_what_was_captured_and_the_records_are_as_documented(tmp_path: Path) -> None:
    captured(tmp_path / "a.capture")
    assert header_of(tmp_path / "a.capture")["kind"] == "lines"
    line, rest = (tmp_path / "a.capture").read_bytes().split(b"\n", 1)
    assert json.loads(line)["version"] == 1
    records = []
    while rest:
        time_ns, direction, length = struct.unpack_from("<qBI", rest)
        records.append((time_ns, direction, rest[13 : 13 + length]))
        rest = rest[13 + length :]
    assert [record[1:] for record in records] == [
        (1, b"who"), (0, b"who"), (0, b"WHO"), (1, b"how much"), (0, b"how much"), (0, b"HOW MUCH")
    ]  # fmt: skip
    times = [record[0] for record in records]
    assert times == sorted(times)
    assert times[2] - times[1] >= 50_000_000


@pytest.mark.realtime
def test_an_answer_waits_for_its_question_and_then_keeps_its_pace(tmp_path: Path) -> None:
    captured(tmp_path / "a.capture")
    replay = ReplayTransport(str(tmp_path / "a.capture"))
    assert replay.read(0.05) == b""
    replay.write(b"who")
    assert replay.read(1.0) == b"who"
    began = time.monotonic()
    assert replay.read(0.001) == b""
    assert replay.read(1.0) == b"WHO"
    assert time.monotonic() - began >= 0.04
    assert replay.read(0.2) == b""
    replay.write(b"how much")
    assert replay.read(1.0) + replay.read(1.0) == b"how muchHOW MUCH"
    assert replay.over
    with pytest.raises(SourceLostError, match="played to its end"):
        replay.read(0.1)
    replay.close()
    replay.close()


def test_a_question_that_is_not_asked_any_more_holds_nothing_up_for_long(tmp_path: Path) -> None:
    captured(tmp_path / "a.capture")
    replay = ReplayTransport(str(tmp_path / "a.capture"))
    deadline = time.monotonic() + 60
    while not (data := replay.read(0.05)):
        assert time.monotonic() < deadline
    assert data == b"who"
    replay.close()


def test_a_capture_that_was_cut_off_plays_up_to_there(tmp_path: Path) -> None:
    captured(tmp_path / "a.capture")
    whole = (tmp_path / "a.capture").read_bytes()
    (tmp_path / "b.capture").write_bytes(whole[:-4])
    replay = ReplayTransport(str(tmp_path / "b.capture"))
    replay.write(b"1")
    replay.write(b"2")
    got = b"".join(replay.read(0.5) for _ in range(4))
    with pytest.raises(SourceLostError, match="played to its end"):
        replay.read(0.5)
    assert got == b"whoWHOhow muchHOW "
    replay.close()


def test_a_replay_that_nobody_listens_to_any_more_is_over(tmp_path: Path) -> None:
    """A driver that gives up in the middle would else be played the beginning again, as if it were new."""
    captured(tmp_path / "a.capture")
    replay = Replay()
    transport = replay.open(str(tmp_path / "a.capture"))
    transport.write(b"who")
    assert transport.read(1.0) == b"who"
    assert not replay.over
    transport.close()
    assert replay.over
    with pytest.raises(PortError, match="has been played to its end"):
        replay.open(str(tmp_path / "a.capture"))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff\n", b"[]\n", b'{"format": "other"}\n', b'{"format": "monitor-app capture", "version": 9}\n'],
)
def test_what_is_no_capture_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(PortError, match="capture"):
        ReplayTransport(str(tmp_path / "x"))
    with pytest.raises(PortError, match="cannot be read"):
        ReplayTransport(str(tmp_path / "nothing"))


def test_damage_in_the_middle_is_an_end_and_not_an_invention(tmp_path: Path) -> None:
    captured(tmp_path / "a.capture")
    content = bytearray((tmp_path / "a.capture").read_bytes())
    content[content.index(b"\n") + 1 + 8] = 77
    (tmp_path / "a.capture").write_bytes(content)
    with pytest.raises(SourceLostError, match="damaged"):
        ReplayTransport(str(tmp_path / "a.capture"))


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(SourceError, match="exists already"):
        Capture(tmp_path / "a", {})
    with pytest.raises(SourceError, match="choose a folder"):
        Capture(tmp_path / "no" / "a", {})
