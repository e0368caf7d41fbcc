# SPDX-License-Identifier: Apache-2.0
"""Frames on a byte stream: consistent overhead byte stuffing (Cheshire and Baker 1999) with CRC-16/XMODEM."""

from __future__ import annotations

import binascii

from monitor_app.core.errors import HandshakeError


def decode(stuffed: bytes) -> bytes | None:
    """The frame of one stuffed piece between zeros, or None where it is not one.

    One step a zero byte of the frame, not one a byte: with straight binary codes that is a few a frame.
    """
    pieces = []
    position, end = 0, len(stuffed)
    while position < end:
        code = stuffed[position]
        following = position + code
        if code == 0 or following > end:
            return None
        pieces.append(stuffed[position + 1 : following])
        if code < 0xFF and following < end:
            pieces.append(b"\0")
        position = following
    return b"".join(pieces)


def encode(frame: bytes) -> bytes:
    """The frame stuffed, without its closing zero."""
    out = bytearray()
    for piece in (parts := frame.split(b"\0")):
        rest = piece
        while len(rest) >= 0xFE:
            out += b"\xff" + rest[:0xFE]
            rest = rest[0xFE:]
            if not rest and piece is parts[-1]:
                break
        else:
            out += bytes([len(rest) + 1]) + rest
    return bytes(out)


def seal(body: bytes) -> bytes:
    """A body as it is sent on the wire: with its CRC, stuffed, and ended by a zero."""
    if not body:
        raise HandshakeError("A frame without a type cannot be sent.")
    return encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")) + b"\0"


def unseal(stuffed: bytes) -> bytes | None:
    """The body of a piece between zeros, or None where it is damaged."""
    frame = decode(stuffed)
    if frame is None or len(frame) < 3 or binascii.crc_hqx(frame[:-2], 0) != int.from_bytes(frame[-2:], "little"):
        return None
    return frame[:-2]
