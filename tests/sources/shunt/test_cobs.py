# SPDX-License-Identifier: Apache-2.0
"""Byte stuffing against vectors worked by hand from the rules of Cheshire and Baker (1999), and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import HandshakeError
from monitor_app.sources.shunt import cobs
from tests.sources.shunt.device import crc16, stuff

UP_TO_254 = bytes(range(1, 255))
VECTORS = [
    (b"", b"\x01"),
    (b"\0", b"\x01\x01"),
    (b"\0\0", b"\x01\x01\x01"),
    (b"\0\x11\0", b"\x01\x02\x11\x01"),
    (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
    (b"\x11\x22\x33\x44", b"\x05\x11\x22\x33\x44"),
    (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
    (UP_TO_254[:253], b"\xfe" + UP_TO_254[:253]),
    (b"\0" + UP_TO_254, b"\x01\xff" + UP_TO_254),
    (UP_TO_254 + b"\xff", b"\xff" + UP_TO_254 + b"\x02\xff"),
    (UP_TO_254 + b"\0", b"\xff" + UP_TO_254 + b"\x01\x01"),
    (UP_TO_254[1:] + b"\xff\0", b"\xff" + UP_TO_254[1:] + b"\xff\x01\x01"),
    (UP_TO_254[2:] + b"\xff\0\x01", b"\xfe" + UP_TO_254[2:] + b"\xff\x02\x01"),
    (UP_TO_254 * 2 + b"\x07", b"\xff" + UP_TO_254 + b"\xff" + UP_TO_254 + b"\x02\x07"),
]
frames = st.one_of(
    st.binary(max_size=600),
    # Long runs without a zero, which random bytes hardly ever give.
    st.lists(st.integers(0, 3).map(lambda k: [b"\0", b"\1", b"\xff" * 253, b"\x55" * 254][k]), max_size=8).map(
        b"".join
    ),
)


@pytest.mark.parametrize(("frame", "stuffed"), VECTORS)
def test_vectors(frame, stuffed):
    assert cobs.decode(stuffed) == frame
    assert cobs.encode(frame) == stuffed


def test_a_full_block_at_the_end_may_or_may_not_be_followed_by_an_empty_one():
    """The paper's encoder ends 254 bytes with an empty block; others leave it out."""
    assert cobs.decode(b"\xff" + UP_TO_254) == UP_TO_254
    assert cobs.decode(b"\xff" + UP_TO_254 + b"\x01") == UP_TO_254
    assert cobs.encode(UP_TO_254) in {b"\xff" + UP_TO_254, b"\xff" + UP_TO_254 + b"\x01"}


@given(frames)
def test_what_is_encoded_has_no_zero_and_decodes_to_itself(frame):
    stuffed = cobs.encode(frame)
    assert b"\0" not in stuffed
    assert len(stuffed) <= len(frame) + len(frame) // 254 + 1
    assert cobs.decode(stuffed) == frame


@given(frames)
def test_the_papers_encoder_is_understood(frame):
    assert cobs.decode(stuff(frame)) == frame


@pytest.mark.parametrize("stuffed", [b"\x02", b"\x05\x11\x22", b"\x03\x11\x22\x04\x33", b"\xff" + b"\x01" * 253])
def test_a_block_that_is_cut_short_is_no_frame(stuffed):
    assert cobs.decode(stuffed) is None


def test_the_check_value_is_the_published_one():
    assert cobs.seal(b"123456789") == stuff(b"123456789" + bytes([0xC3, 0x31])) + b"\0"


@given(frames.filter(bool))
def test_seal_and_unseal(body):
    sealed = cobs.seal(body)
    assert sealed.index(b"\0") == len(sealed) - 1
    assert cobs.unseal(sealed[:-1]) == body


@given(st.binary(min_size=1, max_size=300), st.integers(0, 301), st.integers(1, 255))
def test_one_damaged_byte_is_noticed(body, position, bits):
    """The sum finds every burst of up to sixteen bits."""
    checked = bytearray(body + crc16(body).to_bytes(2, "little"))
    checked[position % len(checked)] ^= bits
    assert cobs.unseal(stuff(bytes(checked))) is None


@pytest.mark.parametrize("frame", [b"", b"\x90", b"\x90\x00"])
def test_what_is_too_short_for_a_type_and_a_sum_is_no_frame(frame):
    assert cobs.unseal(cobs.encode(frame)) is None


def test_a_frame_without_a_type_cannot_be_sent():
    with pytest.raises(HandshakeError):
        cobs.seal(b"")
