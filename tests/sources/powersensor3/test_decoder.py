# SPDX-License-Identifier: Apache-2.0
"""Bytes of a stream as frames, against a decoder that reads byte by byte as the protocol is described."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import HandshakeError
from monitor_app.core.samples import Quantity, Role
from monitor_app.sources.powersensor3.decoder import MAX_TAIL_BYTES, STAMP_US, DecoderState, decode
from monitor_app.sources.powersensor3.sensors import describe_sensors, parse_sensor
from tests.sources.powersensor3.device import ONE_PAIR, STOP_WORD, UNUSED, frame, record, word

if TYPE_CHECKING:
    from collections.abc import Iterable

Heard = list[tuple[int, tuple[int, ...], bool, int]]
"""(stamp, levels, marked, bytes skipped before it)"""

levels = st.tuples(*[st.integers(0, 1023)] * 8)
frames = st.builds(frame, st.integers(0, 10**6), levels, st.booleans())
garbage = st.binary(min_size=1, max_size=70)
words = st.builds(word, st.integers(0, 7), st.integers(0, 1023), st.integers(0, 1))
streams = st.lists(st.one_of(frames, frames, frames, garbage, words, st.binary(min_size=4, max_size=4)), max_size=12)


def slowly(stream: bytes) -> Heard:
    """One byte after another: a frame is its nine words in order, or else the first byte is dropped."""
    heard: Heard = []
    position = skipped = 0
    while position + 18 <= len(stream):
        if (found := _frame_at(stream, position)) is None:
            position, skipped = position + 1, skipped + 1
        else:
            heard.append((*found, skipped))
            position, skipped = position + 18, 0
    return heard


def _frame_at(stream: bytes, position: int) -> tuple[int, tuple[int, ...], bool] | None:
    told = []
    for k in range(9):
        first, second = stream[position + 2 * k], stream[position + 2 * k + 1]
        if not first & 0x80 or second & 0x80:
            return None
        told.append((first >> 4 & 7, second >> 6, (first & 0x0F) << 6 | second & 0x3F))
    sensors, marks, numbers = zip(*told, strict=True)
    if sensors != (7, 0, 1, 2, 3, 4, 5, 6, 7) or marks[0] != 1 or any(marks[2:]):
        return None
    return numbers[0], numbers[1:], bool(marks[1])


def heard(pieces: Iterable[bytes]) -> tuple[Heard, list[tuple[int, int]]]:
    """Frames, and the answers by the number of the frame before which they stood."""
    state, out, answers = DecoderState(), [], []
    for piece in pieces:
        decoded = decode(piece, state)
        state = decoded.state
        answers += [(len(out) + k, answer) for k, answer in decoded.answers.items()]
        f = decoded.frames
        out += [
            (int(stamp), tuple(row), bool(mark), int(skip))
            for stamp, row, mark, skip in zip(f.stamps, f.levels.tolist(), f.marked, f.skipped, strict=True)
        ]
    return out, answers


def split(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    ends = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in pairwise(ends)]


# -- frames ----------------------------------------------------------------------------------------


def test_the_frame_of_the_description():
    # 1 111 TTTT 0 1 TTTTTT, then 1 iii aaaa 0 m bbbbbb; sensor 0 at 0b1000000001 with the marker.
    stream = bytes([0xF0 | 0b1010, 0x40 | 0b110011, 0x80 | 0b1000, 0x40 | 0b000001])
    stream += b"".join(bytes([0x80 | sensor << 4 | 0b0001, 0b000010]) for sensor in range(1, 8))
    [(stamp, told, marked, skipped)], answers = heard([stream])
    assert (stamp, marked, skipped) == (0b1010110011, True, 0)
    assert told == (0b1000000001, *[0b0001000010] * 7)
    assert answers == []


@given(st.lists(st.tuples(st.integers(0, 10**6), levels, st.booleans()), min_size=1, max_size=30))
def test_what_was_sent_is_what_comes_out(sent):
    out, _ = heard([b"".join(frame(*one) for one in sent)])
    assert out == [(stamp % STAMP_US, told, marked, 0) for stamp, told, marked in sent]


@given(streams, st.lists(st.integers(0, 2000), max_size=20))
def test_any_split_into_reads_gives_the_same(parts, cuts):
    stream = b"".join(parts)
    assert heard(split(stream, cuts)) == heard([stream])
    assert heard(bytes([byte]) for byte in stream) == heard([stream])


@given(streams)
def test_it_agrees_with_reading_byte_by_byte(parts):
    stream = b"".join(parts)
    assert heard([stream])[0] == slowly(stream)


@given(st.lists(frames, min_size=1, max_size=12), st.data(), garbage)
def test_garbage_costs_the_frame_that_it_touches_and_no_other(sent, data, noise):
    stream = b"".join(sent)
    at = data.draw(st.integers(0, len(stream)))
    out, _ = heard([stream[:at] + noise + stream[at:]])
    untouched = [one for k, one in enumerate(sent) if not 18 * k < at < 18 * (k + 1)]
    told = [one[:3] for one in out]
    whole = [one[:3] for one in slowly(b"".join(untouched))]
    assert told[: at // 18] == whole[: at // 18]
    rest = len(whole) - at // 18
    assert told[len(told) - rest :] == whole[at // 18 :]
    assert len(out) <= len(sent)


@given(st.lists(frames, min_size=2, max_size=12), st.data())
def test_bytes_that_are_missing_cost_the_frames_they_were_in(sent, data):
    stream = b"".join(sent)
    start = data.draw(st.integers(0, len(stream)))
    stop = data.draw(st.integers(start, len(stream)))
    out, _ = heard([stream[:start] + stream[stop:]])
    whole = [one[:3] for one in slowly(stream)]
    before, after = start // 18, len(sent) - (stop + 17) // 18
    told = [one[:3] for one in out]
    assert told[:before] == whole[:before]
    assert told[len(told) - after :] == whole[len(whole) - after :]
    # Nothing else, but for what the halves of two may make together.
    assert len(out) <= before + after + 1 if start != stop else out == slowly(stream)


def test_a_full_sensor_7_is_no_stop_word():
    stream = b"".join(frame(50 * k, (0,) * 7 + (1023,)) for k in range(20))
    assert stream.endswith(STOP_WORD)
    out, _ = heard([stream])
    assert [told[7] for _, told, _, _ in out] == [1023] * 20


def test_four_bytes_between_two_frames_may_be_an_answer_and_others_are_not():
    stream = frame(0) + struct.pack("<I", 8 * 12345) + frame(50) + b"\x01\x02\x03" + frame(100) + frame(150)
    out, answers = heard([stream])
    assert answers == [(1, 8 * 12345)]
    assert [skipped for *_, skipped in out] == [0, 4, 3, 0]


def test_the_last_four_of_very_many_bytes_are_no_answer():
    _, answers = heard([frame(0), bytes(1000), frame(50)])
    assert answers == []
    _, answers = heard([frame(0), bytes(60) + frame(50)[:13], frame(50)[13:]])
    assert answers == []
    out, _ = heard([frame(0), *[bytes(1)] * 1000, frame(50)])
    assert [skipped for *_, skipped in out] == [0, 1000]


@given(st.lists(garbage, max_size=30))
def test_garbage_without_end_is_not_kept(pieces):
    state = DecoderState()
    for piece in pieces:
        state = decode(piece, state).state
        assert len(state.tail) <= MAX_TAIL_BYTES


# -- sensors ---------------------------------------------------------------------------------------


def described(*records: bytes, mean: tuple[float, ...] = (0.0,) * 8, **roles: Role):
    sensors = [parse_sensor(one) for one in (*records, *[UNUSED] * (8 - len(records)))]
    return describe_sensors("ps3", sensors, roles, mean)


@given(
    st.floats(-5, 5, width=32),
    st.one_of(st.floats(2**-10, 10, width=32), st.floats(-10, -(2**-10), width=32)),
    st.integers(0, 1023),
)
def test_a_level_means_what_the_calibration_says(vref, sensitivity, level):
    [signal], _ = described(record("a", vref, sensitivity))
    expected = (3.3 * level / 1023 - vref) / sensitivity
    assert signal.scale * level + signal.offset == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert signal.resolution == pytest.approx(3.3 / 1023 / abs(sensitivity))
    assert signal.dtype == "<u2"


def test_the_only_pair_has_the_names_that_other_meters_use():
    signals, columns = described(*ONE_PAIR, mean=(512.0, 341.0, *[0.0] * 6), power=Role.TOTAL)
    assert [(s.name, s.quantity, s.role) for s in signals] == [
        ("current", Quantity.CURRENT, Role.OTHER),
        ("voltage", Quantity.VOLTAGE, Role.OTHER),
        ("power", Quantity.POWER, Role.TOTAL),
    ]
    assert signals[2].product_of == ("current", "voltage")
    # One step of the current is 3.3 / 1023 / 0.12 A, and 341 levels are 1.1 V at the converter.
    assert signals[2].resolution == pytest.approx(3.3 / 1023 / 0.12 * (1.1 / 0.09), rel=1e-6)
    assert columns == (0, 1)


def test_pairs_are_named_as_the_device_names_them_stored_ones_first():
    signals, columns = described(
        UNUSED, UNUSED, *[record("12V", 1.65, 0.12)] * 2, *[record("slot", 1.65, 0.06)] * 2, **{"12V": Role.GPU}
    )
    assert [s.name for s in signals] == [
        "12V current", "12V voltage", "slot current", "slot voltage", "12V", "slot",
    ]  # fmt: skip
    assert [s.role for s in signals if s.product_of] == [Role.GPU, Role.OTHER]
    assert columns == (2, 3, 4, 5)


def test_a_sensor_without_its_partner_is_there_alone():
    signals, columns = described(record("in", 1.65, 0.12), UNUSED, UNUSED, record("out", 0.0, 0.09))
    assert [(s.name, s.quantity) for s in signals] == [
        ("in current", Quantity.CURRENT), ("out voltage", Quantity.VOLTAGE),
    ]  # fmt: skip
    assert columns == (0, 3)


@given(st.lists(st.sampled_from(["", "a", "a 2", "a current", "a voltage", "b"]), min_size=1, max_size=4))
def test_names_are_unique_whatever_the_pairs_are_called(pairs):
    signals, _ = described(*(record(pair, 1.65, 0.12) for pair in pairs for _ in range(2)))
    assert len({s.name for s in signals}) == len(signals) == 3 * len(pairs)


@pytest.mark.parametrize(
    ("vref", "sensitivity"),
    [(1.65, 0.0), (1.65, float("nan")), (float("nan"), 0.12), (float("inf"), 0.12), (1.65, float("-inf"))],
)
def test_a_calibration_that_cannot_be_is_named(vref, sensitivity):
    with pytest.raises(HandshakeError, match=r"^ps3: sensor 1 has an invalid calibration .*: set it with"):
        described(record("a", 1.65, 0.12), record("a", vref, sensitivity))


def test_the_calibration_of_a_sensor_that_is_not_in_use_does_not_matter():
    signals, _ = described(record("a", 1.65, 0.12), record("a", float("nan"), 0.0, in_use=False))
    assert [s.name for s in signals] == ["current"]


def test_no_sensor_in_use_is_said():
    with pytest.raises(HandshakeError, match="no sensor in use: switch"):
        described()


def test_names_that_fill_their_field_or_are_no_text_are_read():
    sensor = parse_sensor(record("sixteen letters!", 1.0, 1.0))
    assert sensor.pair_name == "sixteen letters!"
    odd = b"\xff" * 16 + b"a\0bc".ljust(16, b"\0") + struct.pack("<ff", 1.0, 2.0) + b"\1"
    assert parse_sensor(odd).pair_name == "a"
