# SPDX-License-Identifier: Apache-2.0
"""Frames as bytes, against hand-worked vectors and a second reading of the protocol."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.emulators.board.load_signal import Line
from monitor_app.emulators.board.sampler import CURRENT, VOLTAGE, LineChange
from monitor_app.emulators.shunt import frames
from tests.emulators.shunt import protocol

# Cheshire and Baker's rules worked by hand.
VECTORS = [
    (b"", b"\x01"),
    (b"\0", b"\x01\x01"),
    (b"\0\0", b"\x01\x01\x01"),
    (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
    (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
    (bytes(range(1, 255)), b"\xff" + bytes(range(1, 255))),
    (bytes(range(0, 255)), b"\x01\xff" + bytes(range(1, 255))),
    (bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff"),
    (bytes(range(2, 256)) + b"\0", b"\xff" + bytes(range(2, 256)) + b"\x01\x01"),
]


@pytest.mark.parametrize(("plain", "stuffed"), VECTORS)
def test_cobs_vectors(plain, stuffed):
    assert frames.cobs(plain) == stuffed
    assert frames.uncobs(stuffed) == plain


@given(
    st.binary(max_size=600)
    | st.builds(lambda n, tail: b"\x07" * n + tail, st.integers(250, 1030), st.binary(max_size=5))
)
def test_cobs_is_read_by_an_independent_decoder_and_holds_no_zero(data):
    stuffed = frames.cobs(data)
    assert 0 not in stuffed
    assert protocol.unstuff(stuffed) == data
    assert frames.uncobs(protocol.stuff(data)) == data


@pytest.mark.parametrize("wrong", [b"\x05\x01", b"\x00", b"\x03\x01\x00", b"\x02\x01\x00\x01"])
def test_what_cobs_cannot_have_made_is_refused(wrong):
    assert frames.uncobs(wrong) is None


def test_crc_check_value():
    assert frames.crc(b"123456789") == 0x31C3
    assert protocol.crc16(b"123456789") == 0x31C3


def test_info_layout():
    identity = frames.Identity("TX1 shunt", "SIM-1", "emulator", 50_000.0, (CURRENT, VOLTAGE), ("busy", "sync"))
    [(kind, body)] = protocol.split(frames.info(identity))
    assert kind == 0x81
    assert body[:8] == bytes([1, 2, 2, 1]) + (50_000_000).to_bytes(4, "little")
    assert body[8:56] == b"TX1 shunt".ljust(16, b"\0") + b"SIM-1".ljust(16, b"\0") + b"emulator".ljust(16, b"\0")
    current, voltage, line = body[56:100], body[100:144], body[144:]
    for part, name, unit, channel in (
        (current, b"current", b"A", CURRENT),
        (voltage, b"voltage", b"V", VOLTAGE),
    ):
        assert part[:20] == name.ljust(16, b"\0") + unit.ljust(4, b"\0")
        assert part[20:36] == struct.pack("<d", channel.scale) + struct.pack("<d", channel.zero)
        assert part[36:44] == struct.pack("<f", channel.accuracy) + bytes(4)
    assert line == b"busy\0\0\0\0sync\0\0\0\0"


def test_data_layout():
    codes = np.array([[0x0102, 0x0304], [0x0506, 0x0708]], dtype=np.uint16)
    wire = frames.data(
        seq=65_536 + 5,
        first=2**40 + 3,
        dropped=2**32 + 9,
        codes=codes,
        levels=2,
        changes=[LineChange(1, Line.BUSY, True), LineChange(258, Line.SYNC, False)],
    )
    [(kind, body)] = protocol.split(wire)
    assert kind == 0x90
    head = "02 02 0500 0300000000010000 09000000 0200 0200"
    assert body == bytes.fromhex(head + "0100 00 01  0201 01 00" + "02010403 06050807")


@given(
    bodies=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=5),
    cut=st.integers(1, 50),
)
def test_the_reader_finds_frames_cut_anywhere(bodies, cut):
    stream = b"\0" + b"\0".join(protocol.wire(kind, body) for kind, body in bodies)
    reader = frames.FrameReader()
    found = [one for at in range(0, len(stream), cut) for one in reader.read(stream[at : at + cut])]
    assert found == bodies


def test_the_reader_drops_damaged_and_endless_frames_and_goes_on():
    reader = frames.FrameReader()
    damaged = bytearray(protocol.wire(4, b"abcd"))
    damaged[3] ^= 1
    assert list(reader.read(b"\x01\x02garbage\0" + damaged)) == []
    for _ in range(40):
        assert list(reader.read(b"\x55" * 4_096)) == []
    assert list(reader.read(b"\0" + protocol.wire(1))) == [(1, b"")]


def test_the_longest_frame_is_read_and_one_byte_more_is_not():
    reader = frames.FrameReader()
    longest = bytes(16_384 - 3)
    assert list(reader.read(frames.frame(4, longest))) == [(4, longest)]
    solid = b"\x07" * (16_384 - 3)
    assert list(reader.read(frames.frame(4, solid))) == [(4, solid)]
    assert list(reader.read(frames.frame(4, solid + b"\x07"))) == []
