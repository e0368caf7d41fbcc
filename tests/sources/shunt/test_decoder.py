# SPDX-License-Identifier: Apache-2.0
"""Bytes to messages, however they are cut and whatever is thrown between them."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.errors import HandshakeError
from monitor_app.sources.shunt import decoder
from monitor_app.sources.shunt.decoder import (
    DecoderState,
    DeviceError,
    DeviceInfo,
    Pong,
    Samples,
    Started,
    Stopped,
    decode,
)
from tests.sources.shunt import device
from tests.sources.shunt.device import DATA, ERROR, INFO, PONG, STARTED, STOPPED, Frame, info, wire

OPEN = DecoderState(channels=2)
code = st.one_of(st.integers(0, 65_535), st.sampled_from([0, 1, 255, 256, 32_768, 65_535]))


@dataclass
class Stream:
    """Frames one after the other, some samples lost between them, and what else a device says."""

    frames: list[Frame]
    wires: list[bytes]


@st.composite
def streams(draw, most_frames: int = 6) -> Stream:
    first = draw(st.sampled_from([0, 250, 2**32 - 3, 10**13]))
    frames, wires = [], []
    for seq in range(draw(st.integers(1, most_frames))):
        first += draw(st.sampled_from([0, 0, 0, 1, 500]))
        codes = draw(st.lists(st.tuples(code, code), min_size=1, max_size=40))
        offsets = sorted(draw(st.sets(st.integers(0, len(codes) - 1), max_size=3)))
        frame = Frame(first, codes, [(k, 0, k % 2) for k in offsets], flags=seq % 2, seq=seq)
        first += len(codes)
        frames.append(frame)
        wires.append(frame.wire())
        if draw(st.booleans()):
            nonce = draw(st.integers(0, 2**32 - 1))
            wires.append(wire(PONG, struct.pack("<IQHI", nonce, first, 1234, 99)))
    return Stream(frames, wires)


def read_all(pieces: list[bytes], state: DecoderState = OPEN) -> tuple[list[object], DecoderState]:
    messages: list[object] = []
    for piece in pieces:
        decoded = decode(piece, state)
        messages += decoded.messages
        state = decoded.state
    return messages, state


def samples_of(messages: list[object]) -> dict[int, tuple[int, ...]]:
    """Every sample by its index; an index told twice is an error of the decoder."""
    told: dict[int, tuple[int, ...]] = {}
    for message in messages:
        if isinstance(message, Samples):
            for k, row in enumerate(message.codes.tolist()):
                assert message.first + k not in told
                told[message.first + k] = tuple(row)
    return told


def truth(frames: list[Frame]) -> dict[int, tuple[int, ...]]:
    return {frame.first + k: sample for frame in frames for k, sample in enumerate(frame.codes)}


def changes_of(messages: list[object]) -> list[tuple[int, int, int]]:
    return [
        (message.first + int(offset), int(line), int(level))
        for message in messages
        if isinstance(message, Samples)
        for offset, line, level in message.changes
    ]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@settings(max_examples=60)
@given(streams(), st.lists(st.integers(0, 4000), max_size=30))
def test_any_split_into_reads_gives_the_same(stream, places):
    data = b"".join(stream.wires)
    messages, state = read_all(cut(data, places))
    assert samples_of(messages) == truth(stream.frames)
    assert changes_of(messages) == [
        (frame.first + offset, line, level) for frame in stream.frames for offset, line, level in frame.changes
    ]
    assert [m for m in messages if isinstance(m, Pong)] == [m for m in read_all([data])[0] if isinstance(m, Pong)]
    assert (state.remainder, state.damaged_frames) == (b"", 0)


@settings(max_examples=20)
@given(streams(most_frames=3))
def test_byte_by_byte_is_the_same_as_all_at_once(stream):
    data = b"".join(stream.wires)
    assert samples_of(read_all([data[k : k + 1] for k in range(len(data))])[0]) == truth(stream.frames)


@settings(max_examples=40)
@given(streams())
def test_messages_come_in_the_order_of_the_wire(stream):
    [messages] = [decode(b"".join(stream.wires), OPEN).messages]
    position = -1
    for message in messages:
        assert isinstance(message, Samples | Pong)
        here = message.first if isinstance(message, Samples) else int(message.index)
        assert here >= position
        position = here


@settings(max_examples=60)
@given(streams(), st.lists(st.tuples(st.integers(0, 12), st.binary(min_size=1, max_size=80)), max_size=4))
def test_garbage_between_frames_costs_no_sample_when_a_zero_ends_it(stream, garbage):
    pieces = list(stream.wires)
    for place, noise in garbage:
        pieces.insert(min(place, len(pieces)), noise + b"\0")
    messages, _ = read_all([b"".join(pieces)])
    assert samples_of(messages) == truth(stream.frames)


@settings(max_examples=100)
@given(
    streams(),
    st.lists(
        st.tuples(
            st.sampled_from(["insert", "delete", "flip"]), st.integers(0, 10**6), st.binary(min_size=1, max_size=30)
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.integers(0, 4000), max_size=5),
)
def test_damage_anywhere_costs_the_frames_it_touches_and_no_others(stream, damages, places):
    """Each wire piece is damaged or not; only the damaged ones, and one that runs into another, may be missing."""
    pieces = [bytearray(piece) for piece in stream.wires]
    touched: set[int] = set()
    for kind, where, noise in damages:
        number = where % len(pieces)
        piece = pieces[number]
        position = (where // len(pieces)) % max(len(piece), 1)
        if kind == "insert":
            piece[position:position] = noise
        elif kind == "delete":
            del piece[position : position + len(noise)]
        else:
            piece[position : position + 1] = noise[:1]
        touched |= {number}
        if not piece.endswith(b"\0"):
            touched |= {number + 1}
    untouched, number = [], 0
    for frame in stream.frames:
        number = next(k for k in range(number, len(stream.wires)) if stream.wires[k] == frame.wire())
        # A piece that lost its closing zero takes the next one with it, however many of those there are.
        if number not in touched and not (number and not pieces[number - 1].endswith(b"\0")):
            untouched.append(frame)
        number += 1
    messages, _ = read_all(cut(b"".join(map(bytes, pieces)), places))
    told, right = samples_of(messages), truth(stream.frames)
    assert truth(untouched).items() <= told.items()
    assert told.items() <= right.items()


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_noise_alone_never_raises_and_gives_no_sample(pieces):
    messages, state = read_all(pieces)
    assert samples_of(messages) == {}
    assert state.damaged_frames <= b"".join(pieces).count(b"\0")


# -- single frames ---------------------------------------------------------------------------------


def test_consecutive_frames_are_joined_and_a_hole_parts_them():
    a, b = Frame(100, [(1, 2)] * 3, [(0, 0, 1)], flags=1), Frame(103, [(3, 4)] * 2, [(0, 0, 0), (1, 0, 1)], dropped=0)
    c = Frame(106, [(5, 6)], dropped=1)
    joined, after = decode(a.wire() + b.wire() + c.wire(), OPEN).messages
    assert (joined.first, len(joined.codes), after.first) == (100, 5, 106)
    assert changes_of([joined]) == [(100, 0, 1), (103, 0, 0), (104, 0, 1)]
    assert (joined.dropped, after.dropped) == (0, 1)
    assert (joined.line_levels, after.line_levels) == (1, 0)


def test_a_change_at_the_first_sample_is_told_with_that_sample():
    frame = Frame(7, [(1, 1)], [(0, 0, 1)], flags=1)
    [samples] = decode(frame.wire(), OPEN).messages
    assert changes_of([samples]) == [(7, 0, 1)]
    assert samples.line_levels == 1


@pytest.mark.parametrize("n", [1, 1999, 2000])
def test_frames_of_every_size_allowed_are_read(n):
    frame = Frame(0, [(k & 0xFFFF, 0x8000) for k in range(n)])
    assert samples_of(list(decode(frame.wire(), OPEN).messages)) == truth([frame])


def malformed() -> dict[str, bytes]:
    frame = Frame(0, [(1, 2), (3, 4)])
    body = frame.body()
    return {
        "one byte short": body[:-1],
        "one byte long": body + b"\x01",
        "one sample short": body[:-4],
        "header cut": body[:10],
        "no body": b"",
        "n says more": frame.body(n=3),
        "n says less": frame.body(n=1),
        "n is zero": Frame(0, [(1, 2)]).body(n=0)[:20],
        "three channels": frame.body(channels=3),
        "one channel": frame.body(channels=1),
        "no channels": frame.body(channels=0),
        "changes promised": body[:18] + b"\x02\x00" + body[20:],
        "too many samples": Frame(0, [(1, 2)] * 2001).body(),
    }


@pytest.mark.parametrize("body", malformed().values(), ids=malformed().keys())
def test_a_data_frame_of_a_wrong_shape_is_dropped_whole_and_counted(body):
    good = Frame(50, [(7, 8)])
    decoded = decode(wire(DATA, body) + good.wire(), OPEN)
    assert samples_of(list(decoded.messages)) == truth([good])
    assert decoded.state.damaged_frames == 1


def test_a_frame_at_the_longest_is_read_and_one_byte_more_is_garbage():
    """1 type + 20 header + codes + 2 sum; changes, of 4 bytes each, fill what whole samples leave."""
    eight = DecoderState(channels=8)
    codes = [(1, 2, 3, 4, 5, 6, 7, 8)] * 1022
    room = 16_384 - 3 - 20 - 16 * len(codes)
    fits = Frame(0, codes, [(k, 0, k % 2) for k in range(room // 4)])
    assert len(fits.body()) + 3 <= 16_384 < len(fits.body()) + 3 + 4
    too_long = Frame(0, codes, [(k, 0, k % 2) for k in range(room // 4 + 1)])
    assert samples_of(list(decode(fits.wire(), eight).messages)) == truth([fits])
    for pieces in ([too_long.wire()], cut(too_long.wire(), [16_000])):
        messages, state = read_all([*pieces, fits.wire()], eight)
        assert samples_of(messages) == truth([fits])
        assert state.damaged_frames == 1


def test_the_longest_frame_without_a_zero_is_read_and_one_byte_more_is_garbage():
    """An error's text may have any length; a code byte is added for the frame and for each 254 bytes of it."""
    longest = wire(ERROR, b"\x03" + b"a" * 16_380)
    assert len(longest) == 16_384 + 16_384 // 254 + 1 + 1
    assert decode(longest, OPEN).messages == (DeviceError(3, "a" * 16_380),)
    decoded = decode(wire(ERROR, b"\x03" + b"a" * 16_381), OPEN)
    assert (decoded.messages, decoded.state.damaged_frames) == ((), 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(16_440, 40_000), st.lists(st.integers(0, 40_000), max_size=8))
def test_endless_garbage_is_not_hoarded_and_counts_once(length, places):
    noise = (b"\x03\xff" * length)[:length]
    good = Frame(1, [(9, 9)])
    messages, state = [], OPEN
    for piece in cut(noise, places):
        decoded = decode(piece, state)
        state = decoded.state
        assert len(state.remainder) <= 17_000
        messages += decoded.messages
    decoded = decode(b"\0" + good.wire(), state)
    assert samples_of([*messages, *decoded.messages]) == truth([good])
    assert decoded.state.damaged_frames == 1


def test_data_before_info_is_ignored_and_is_no_damage():
    decoded = decode(Frame(0, [(1, 2)]).wire(), DecoderState())
    assert (decoded.messages, decoded.state.damaged_frames) == ((), 0)


def test_types_of_later_versions_are_ignored_and_are_no_damage():
    decoded = decode(wire(0x91, b"later") + wire(0x05, b"") + wire(0xA0, bytes(5000)), OPEN)
    assert (decoded.messages, decoded.state.damaged_frames) == ((), 0)


def test_empty_frames_mean_nothing():
    assert decode(b"\0\0\0" + wire(STOPPED, bytes(8)) + b"\0\0", OPEN) == decode(wire(STOPPED, bytes(8)), OPEN)


def test_what_is_unfinished_waits():
    whole = Frame(0, [(1, 2)]).wire()
    decoded = decode(whole[:-1], OPEN)
    assert decoded.messages == ()
    assert len(decode(b"\0", decoded.state).messages) == 1


# -- other messages --------------------------------------------------------------------------------


def test_info_is_who_it_is_and_how_it_is_calibrated():
    [message] = decode(wire(INFO, info(flags=1, lines=("busy", "trigger"))), DecoderState()).messages
    assert isinstance(message, DeviceInfo)
    assert (message.model, message.serial_number, message.firmware) == ("Bench shunt", "SN-0042", "3.1")
    assert message.rate_hz == pytest.approx(50_000)
    assert message.lines == ("busy", "trigger")
    assert message.emulated
    current, voltage = message.channels
    assert (current.name, current.unit, current.scale, current.zero) == ("current", "A", 0.0001, 32768.0)
    assert (voltage.name, voltage.unit, voltage.scale, voltage.zero) == ("voltage", "V", 0.0005, 0.0)
    assert current.accuracy == pytest.approx(0.001, rel=1e-6)


def test_info_says_how_many_channels_data_has():
    three = (device.CURRENT, device.VOLTAGE, device.channel("heat", "degC", 0.01, 0.0))
    frame = Frame(0, [(1, 2, 3)])
    decoded = decode(wire(INFO, info(three)) + frame.wire(), DecoderState())
    assert samples_of(list(decoded.messages)) == truth([frame])


def test_a_device_that_changes_its_channels_in_mid_stream_is_followed():
    one = (device.CURRENT,)
    a, b = Frame(0, [(1, 2)]), Frame(1, [(3,)])
    decoded = decode(wire(INFO, info()) + a.wire() + wire(INFO, info(one)) + b.wire(), DecoderState())
    assert samples_of(list(decoded.messages)) == truth([a, b])


@pytest.mark.parametrize("channels", [1, 8])
def test_the_fewest_and_the_most_channels_and_lines(channels):
    many = tuple(device.channel(f"rail{k}", "V", 1.0, 0.0) for k in range(channels))
    lines = tuple(f"line{k}" for k in range(channels))
    [message] = decode(wire(INFO, info(many, lines)), DecoderState()).messages
    assert [c.name for c in message.channels] == [f"rail{k}" for k in range(channels)]
    assert message.lines == lines


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (info(version=2), "version 2"),
        (info(rate_mhz=0), "not valid"),
        (info(channels=()), "not valid"),
        (info(channels=(device.CURRENT,) * 9), "not valid"),
        (info(lines=("x",) * 9), "not valid"),
        (info()[:-1], "cut short"),
        (info()[:-3], "cut short"),
        (info(channels=(device.CURRENT, device.CURRENT)), "same name"),
        (info(channels=(device.channel("current", "A", float("nan"), 0.0),)), "calibration"),
        (info(channels=(device.channel("current", "A", 0.0, 0.0),)), "calibration"),
        (info(channels=(device.channel("current", "A", 1.0, float("inf")),)), "calibration"),
        (info(channels=(device.channel("current", "A", 1.0, 0.0, -0.5),)), "calibration"),
    ],
)
def test_an_introduction_that_cannot_be_used_is_refused_in_a_sentence(body, says):
    with pytest.raises(HandshakeError, match=says):
        decode(wire(INFO, body), DecoderState())


@pytest.mark.parametrize("body", [b"", info()[:20], info()[:60], info(lines=()).replace(b"SN-0042", b"\xff\xfe12345")])
def test_an_introduction_that_makes_no_sense_is_dropped(body):
    decoded = decode(wire(INFO, body), DecoderState())
    assert (decoded.messages, decoded.state.damaged_frames) == ((), 1)


def test_an_accuracy_of_nothing_a_slow_rate_and_no_lines_are_valid():
    exact = (device.channel("current", "A", -1.0, 0.0, 0.0),)
    [message] = decode(wire(INFO, info(exact, (), rate_mhz=1)), DecoderState()).messages
    assert (message.channels[0].accuracy, message.channels[0].scale) == (0, -1)
    assert (message.rate_hz, message.lines) == (0.001, ())


@pytest.mark.parametrize(("flags", "emulated"), [(0, False), (1, True), (2, False), (3, True)])
def test_the_lowest_flag_says_that_it_is_emulated(flags, emulated):
    [message] = decode(wire(INFO, info(flags=flags)), DecoderState()).messages
    assert message.emulated is emulated


def test_commands_are_those_of_the_protocol():
    ours = (decoder.HELLO, decoder.START, decoder.STOP, decoder.PING)
    assert ours == (device.HELLO, device.START, device.STOP, device.PING)


def test_pong():
    [pong] = decode(wire(PONG, struct.pack("<IQHI", 7, 10**12, 32_768, 1500)), OPEN).messages
    assert pong == Pong(7, 10**12 + 0.5, 1500)


def test_started_and_stopped():
    data = wire(STARTED, (2**40).to_bytes(8, "little")) + wire(STOPPED, (2**40 + 5).to_bytes(8, "little"))
    assert decode(data, OPEN).messages == (Started(2**40), Stopped(2**40 + 5))


def test_an_error_is_its_code_and_text():
    assert decode(wire(ERROR, b"\x03Wandler"), OPEN).messages == (DeviceError(3, "Wandler"),)
    [odd] = decode(wire(ERROR, b"\x03\xff"), OPEN).messages
    assert odd.code == 3
    assert decode(wire(ERROR) + wire(ERROR, b"\x05"), OPEN).messages == (DeviceError(0, ""), DeviceError(5, ""))


@pytest.mark.parametrize("kind", [STARTED, STOPPED, PONG])
@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_short_answer_is_dropped_and_counted(kind, length):
    decoded = decode(wire(kind, bytes(length)), OPEN)
    assert (decoded.messages, decoded.state.damaged_frames) == ((), 1)


def test_codes_are_unsigned_sixteen_bit_little_endian():
    [samples] = decode(Frame(0, [(0x0102, 0xFFFE)]).wire(), OPEN).messages
    assert samples.codes.dtype == np.dtype("<u2")
    assert samples.codes.tolist() == [[0x0102, 0xFFFE]]
