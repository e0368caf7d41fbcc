# SPDX-License-Identifier: Apache-2.0
"""The dialogue with a PowerSensor3 before it streams: stop what runs, identify it, read its configuration."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from monitor_app.core.errors import HandshakeError
from monitor_app.sources.powersensor3.decoder import SENSORS
from monitor_app.sources.powersensor3.sensors import RECORD, parse_sensor

if TYPE_CHECKING:
    from monitor_app.sources.powersensor3.sensors import Sensor
    from monitor_app.sources.serial.transport import Transport

STOP, VERSION, READ_CONFIGURATION = b"X", b"V", b"R"
NEXT_RECORD = b"s"
"""Any byte works; this one is not a command, in case it is interpreted as one."""
CONFIGURATION_ENDS = b"D"
STOP_WORDS = b"\xff\x3f" * 2
_VERSION_LINE = re.compile(rb"([A-Z]\d{3})-(\d+\.\d+[ -~]*)\r?\n")
_NUMBERS = re.compile(r"\d+")
OLDEST = (1, 3)
"""Before, a sensor's record had no name of its pair."""

STOP_S, STOP_EVERY_S = 3.0, 0.6
ANSWER_S = 1.0
"""For one answer; the device itself waits 2 s for the host before it resets itself."""
QUIET_S = 0.15
"""The device pauses 0.1 s before it says that it has stopped."""


def introduce(transport: Transport, port: str) -> tuple[str, str, list[Sensor]]:
    """The controller, such as F411, the version of its firmware, and its eight sensors.

    Raises:
        HandshakeError: Something else is at the port, or nothing.
        SourceLostError: The port went away.
    """
    if not _is_stopped(transport) or (version := _version(transport)) is None:
        raise _wrong_device(port)
    if _release(version[1]) < OLDEST:
        raise HandshakeError(
            f"The PowerSensor3 at {port} has firmware {version[1]}, which keeps its sensors in another form: update "
            f"it to {'.'.join(map(str, OLDEST))} or later."
        )
    if (sensors := _configuration(transport)) is None:
        raise _wrong_device(port)
    return (*version, sensors)


def _is_stopped(transport: Transport) -> bool:
    """Whatever an earlier program left running; one that left in the middle of R is answered by this too.

    A stop word looks like sensor 7 at full scale, but two in a row, and nothing after them, are no frame.
    """
    deadline = time.monotonic() + STOP_S
    repeat_at, end = 0.0, b""
    while (now := time.monotonic()) < deadline:
        if now >= repeat_at:
            transport.write(STOP)
            repeat_at = now + STOP_EVERY_S
        data = transport.read(QUIET_S, eager=True)
        if not data and end == STOP_WORDS:
            return True
        end = (end + data)[-len(STOP_WORDS) :]
    return False


def _version(transport: Transport) -> tuple[str, str] | None:
    heard = b""
    deadline = time.monotonic() + ANSWER_S
    transport.write(VERSION)
    while time.monotonic() < deadline:
        heard += transport.read(QUIET_S, eager=True)
        if found := _VERSION_LINE.search(heard):
            return found[1].decode(), found[2].decode().strip()
    return None


def _release(version: str) -> tuple[int, ...]:
    """Its first two numbers."""
    return tuple(map(int, _NUMBERS.findall(version)[:2]))


def _configuration(transport: Transport) -> list[Sensor] | None:
    transport.write(READ_CONFIGURATION)
    sensors = []
    for _ in range(SENSORS):
        if (record := _exactly(transport, RECORD.size)) is None:
            return None
        sensors.append(parse_sensor(record))
        transport.write(NEXT_RECORD)
    return sensors if _exactly(transport, len(CONFIGURATION_ENDS)) == CONFIGURATION_ENDS else None


def _exactly(transport: Transport, n: int) -> bytes | None:
    """Exactly this many bytes; the device sends no more until the next command."""
    heard = b""
    deadline = time.monotonic() + ANSWER_S
    while len(heard) < n and time.monotonic() < deadline:
        heard += transport.read(QUIET_S, eager=True)
    return heard if len(heard) == n else None


def _wrong_device(port: str) -> HandshakeError:
    return HandshakeError(
        f"{port} does not answer as a PowerSensor3 does: check that it is the right port; "
        "if it is, unplug the device and plug it in again."
    )
