# SPDX-License-Identifier: Apache-2.0
"""Bytes to and from a serial port. Only this module uses pyserial; tests put their own transport in its place."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sys
import time
from dataclasses import dataclass
from typing import Protocol

import serial
import serial.tools.list_ports
from serial.urlhandler import protocol_socket

from monitor_app.core.addresses import check_port
from monitor_app.core.errors import PortError, SourceLostError

COALESCE_S = 0.004
"""Waiting this long for more after the first byte makes a few large reads of many small ones."""
PATIENT_READS = 15
"""After this many, one read does not wait: the clock fit needs a sample seen as early as possible now and then."""
LINE_BUFFER_BYTES = 2_048
"""Read at the latest when this much is expected to wait there: half of what a terminal holds."""
CHUNK_BYTES = 65_536
SMOOTHING = 0.2
LIST_TRIES = 3
LIST_ERRORS = (OSError, TypeError, ValueError, AttributeError)
"""What pyserial raises where a device goes away while the list of ports is read."""


class Transport(Protocol):
    """A byte stream to an instrument."""

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        """What has come, after waiting at most timeout_s; eager does not wait for more. Raises SourceLostError."""

    def write(self, data: bytes) -> None:
        """Raises SourceLostError."""

    def close(self) -> None:
        """Calling it twice is fine."""


class SerialTransport:
    """A serial port of this machine or on the network. USB ports ignore the baud rate; a UART needs the right one."""

    def __init__(self, port: str, baud: int = 115_200) -> None:
        """Raises PortError with the command that solves it."""
        self._name = port
        try:
            check_port(port)
        except ValueError as error:
            raise PortError(f"{error}.") from error
        try:
            self._port = serial.serial_for_url(port, baudrate=baud, timeout=0.0, write_timeout=1.0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise _port_error(port, error) from error
        self._patient_reads = 0
        self._bytes_per_s = 1.0
        """How fast data has been coming lately."""
        # Where the port is a file the system is asked directly; a port on the network is asked through pyserial.
        self._descriptor: int | None = self._port.fileno() if isinstance(self._port, serial.Serial) else None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # Without it an FTDI chip holds bytes back for 16 ms; others, and pseudo-terminals, do not know it.
            self._port.set_low_latency_mode(True)

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        """What has come, after waiting at most timeout_s for the first byte."""
        try:
            self._port.timeout = timeout_s
            data = bytes(self._port.read(1))
            if not data:
                return b""
            self._patient_reads = 0 if eager or self._patient_reads >= PATIENT_READS else self._patient_reads + 1
            return data + (self._coalesced() if self._patient_reads else self._available())
        except (serial.SerialException, OSError, TypeError) as error:
            raise SourceLostError(f"{self._name} went away ({_reason(error)}): check the cable.") from error

    def _coalesced(self) -> bytes:
        """All that comes within a few milliseconds, fetched so often that the line's small buffer never fills."""
        began, chunks = time.monotonic(), []
        pause_s = min(COALESCE_S, LINE_BUFFER_BYTES / self._bytes_per_s)
        while True:
            time.sleep(pause_s)
            chunks.append(self._available())
            elapsed_s = time.monotonic() - began
            if elapsed_s >= COALESCE_S:
                break
        data = b"".join(chunks)
        self._bytes_per_s += SMOOTHING * (max(len(data), 1) / elapsed_s - self._bytes_per_s)
        return data

    def _available(self) -> bytes:
        """What is there now. One look too many costs less than the question how much there is."""
        if isinstance(self._port, protocol_socket.Serial):
            return self._available_of_socket()
        if self._descriptor is None:
            return bytes(self._port.read(self._port.in_waiting))
        chunks = []
        while chunk := os.read(self._descriptor, CHUNK_BYTES):
            chunks.append(chunk)
            if len(chunk) < LINE_BUFFER_BYTES:
                break
        return b"".join(chunks)

    def _available_of_socket(self) -> bytes:
        """A socket says of what waits there only whether it is more than nothing, so as much as fits is asked for."""
        self._port.timeout = 0.0
        try:
            return bytes(self._port.read(CHUNK_BYTES))
        except (serial.SerialException, OSError):
            return b""  # the next read reports it; what came before the end is not lost

    def write(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._port.write(data)
        except (serial.SerialException, OSError, TypeError) as error:
            raise SourceLostError(f"{self._name} takes no commands ({_reason(error)}): check the cable.") from error

    def close(self) -> None:
        """Close the port."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.close()


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port as the system knows it."""

    device: str
    description: str
    serial_number: str | None
    usb: bool
    vid: int | None = None
    pid: int | None = None
    interface: str = ""
    """Where the device sits and which of its interfaces this is, such as 1-2:1.0; empty where unknown."""


def serial_ports() -> list[SerialPort]:
    """All ports but those without hardware (such as unused ttyS).

    Raises:
        PortError: The system's list cannot be read now.
    """
    for _ in range(LIST_TRIES - 1):
        # pyserial reads several files for each device; one that is unplugged meanwhile makes it raise various errors.
        with contextlib.suppress(*LIST_ERRORS):
            return _listed()
    try:
        return _listed()
    except LIST_ERRORS as error:
        raise PortError(f"The list of serial ports cannot be read now ({error}): try again.") from error


def _listed() -> list[SerialPort]:
    return [
        SerialPort(
            port.device, port.description, port.serial_number, port.vid is not None,
            port.vid, port.pid, port.location or "",
        )
        for port in serial.tools.list_ports.comports()
        if port.hwid != "n/a" or port.vid is not None
    ]  # fmt: skip


def access_advice(device: str) -> str:
    """What to do where a port may not be opened, one sentence."""
    # By its path: what a user started from a virtual environment sudo does not find by name.
    beside = os.path.join(os.path.dirname(sys.executable), "monitor-app")
    program = shlex.quote(beside) if os.path.exists(beside) else "monitor-app"
    return (
        f"You may not open {device}: run `sudo {program} sources --install-udev` and plug it in again, "
        "or `sudo usermod -aG dialout $USER` and log in again."
    )


def _port_error(port: str, error: Exception) -> PortError:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT or not (os.path.exists(port) or "://" in port):
        return PortError(f"There is no port {port}: plug the instrument in, or see `monitor-app sources`.")
    if number == errno.EACCES:
        return PortError(access_advice(port))
    if number in {errno.EBUSY, errno.EAGAIN} or "lock" in str(error):
        return PortError(f"{port} is in use by another program: `fuser -v {port}` shows which; close it.")
    return PortError(f"{port} cannot be opened ({_reason(error)}).")


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else str(error)
