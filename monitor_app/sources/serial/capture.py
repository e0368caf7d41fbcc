# SPDX-License-Identifier: Apache-2.0
"""The bytes of a serial instrument in a file, with their times, and their replay at the same times.

The file (docs/capture-format.md) holds what went both ways, so that a driver that is played to hears each answer
after its own question.
"""

from __future__ import annotations

import json
import struct
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from monitor_app.core.errors import PortError, SourceError, SourceLostError
from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from monitor_app.sources.serial.transport import Transport

FORMAT = "monitor-app capture"
VERSION = 1
FROM_DEVICE, TO_DEVICE = 0, 1
MAX_RECORD_BYTES = 64 * 1024 * 1024
ASK_S = 0.001
QUESTION_S = 2.0
"""An answer does not wait longer for its question: a newer driver may ask less than the one that was captured."""
_RECORD = struct.Struct("<qBI")


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes that went one way."""

    time_ns: int
    """Since the beginning of the capture; of bytes from the device, when they had been read."""
    direction: int
    data: bytes


class Capture:
    """A capture file being written. Raises SourceError."""

    def __init__(self, path: Path, header: Mapping[str, object]) -> None:
        self._path = path
        self.received_bytes = 0
        try:
            self._file: IO[bytes] = path.open("xb")
        except FileExistsError as error:
            raise SourceError(f"{path} exists already: choose another name or remove it first.") from error
        except OSError as error:
            raise SourceError(
                f"{path} cannot be written ({error.strerror}): choose a folder you can write to."
            ) from error
        self._began_ns = host_time_ns()
        self._write(json.dumps({"format": FORMAT, "version": VERSION, **header}).encode() + b"\n")

    def add(self, direction: int, data: bytes) -> None:
        """Bytes that went just now."""
        if direction == FROM_DEVICE:
            self.received_bytes += len(data)
        self._write(_RECORD.pack(host_time_ns() - self._began_ns, direction, len(data)) + data)

    def close(self) -> None:
        """Complete the file; calling it twice is fine."""
        try:
            self._file.close()
        except OSError as error:
            raise self._full(error) from error

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._full(error) from error

    def _full(self, error: OSError) -> SourceError:
        return SourceError(f"{self._path} cannot be written ({error.strerror}): make room on its disk.")


class CapturingTransport:
    """A transport whose bytes all go into a capture too."""

    def __init__(self, inner: Transport, capture: Capture) -> None:
        self._inner = inner
        self._capture = capture

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        data = self._inner.read(timeout_s, eager=eager)
        if data:
            self._capture.add(FROM_DEVICE, data)
        return data

    def write(self, data: bytes) -> None:
        self._inner.write(data)
        self._capture.add(TO_DEVICE, data)

    def close(self) -> None:
        self._inner.close()


class ReplayTransport:
    """The device side of a captured conversation. Raises PortError where the file is none."""

    def __init__(self, path: str) -> None:
        self._name = path
        self._file = _open(path)
        try:
            read_header(self._file, path)
            self._records = _records(self._file, path)
            self._next = next(self._records, None)
        except BaseException:
            self._file.close()
            raise
        self._start_ns = host_time_ns()
        """When the capture would have begun; later by as long as answers had to wait for their questions."""
        self._questions = 0
        """What has been written here less what had been written there."""

    @property
    def over(self) -> bool:
        """Everything has been played, or the reader has closed it."""
        return self._next is None or self._file.closed

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        """The bytes whose time has come. Raises SourceLostError at the end of the file."""
        deadline_ns = host_time_ns() + round(timeout_s * 1e9)
        while self._next is not None:
            record, now_ns = self._next, host_time_ns()
            late_ns = now_ns - (self._start_ns + record.time_ns)
            if record.direction == TO_DEVICE:
                if self._questions <= 0 and late_ns < QUESTION_S * 1e9:
                    # A driver asks between two reads, so this one ends.
                    time.sleep(max(min(ASK_S, (deadline_ns - now_ns) * 1e-9), 0))
                    return b""
                self._questions -= 1
                self._start_ns += max(late_ns, 0)
            elif now_ns - late_ns > deadline_ns:
                time.sleep(max(deadline_ns - now_ns, 0) * 1e-9)
                return b""
            else:
                time.sleep(max(-late_ns, 0) * 1e-9)
            self._next = next(self._records, None)
            if record.direction == FROM_DEVICE:
                return record.data
        raise SourceLostError(f"{self._name} has been played to its end.")

    def write(self, data: bytes) -> None:
        """A question; its answer may come now."""
        self._questions += 1

    def close(self) -> None:
        self._file.close()


def header_of(path: Path) -> dict[str, object]:
    """What a capture says of itself: kind, spec, port, utc_ns. Raises PortError."""
    with _open(str(path)) as file:
        return read_header(file, str(path))


def read_header(file: IO[bytes], name: str) -> dict[str, object]:
    """The first line of a capture. Raises PortError."""
    try:
        header = json.loads(file.readline(1_000_000))
    except ValueError as error:
        raise PortError(f"{name} is not a capture of this program.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise PortError(f"{name} is not a capture of this program.")
    if header.get("version") != VERSION:
        raise PortError(f"{name} is a capture of version {header.get('version')}; this program reads {VERSION}.")
    return header


def _open(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise PortError(f"The capture {path} cannot be read ({error.strerror}): check the name.") from error


def _records(file: IO[bytes], name: str) -> Iterator[Record]:
    """To the end of the file, or to where it was cut off."""
    while len(head := file.read(_RECORD.size)) == _RECORD.size:
        time_ns, direction, length = _RECORD.unpack(head)
        if direction not in {FROM_DEVICE, TO_DEVICE} or not 0 <= length <= MAX_RECORD_BYTES:
            raise SourceLostError(f"{name} is damaged and cannot be played further.")
        yield Record(time_ns, direction, file.read(length))
