# SPDX-License-Identifier: Apache-2.0
"""A dialogue in lines with an instrument that VISA names. Only this module uses pyvisa, which is an optional extra."""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor_app.core.addresses import check_resource
from monitor_app.core.errors import HandshakeError, PortError, SourceError, SourceLostError

if TYPE_CHECKING:
    from types import ModuleType

OPEN_S, IDENTITY_S, IN_STEP_S = 3.0, 1.0, 1.0
IDENTITY_TRIES = 3
QUIET_S, WRITE_S = 0.1, 2.0
_SERIAL = re.compile(r"ASRL(?P<port>/.+?)(::INSTR)?", re.IGNORECASE)
_NETWORK = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What an instrument answers to ``*IDN?``."""

    text: str

    @property
    def maker(self) -> str:
        return self._part(0)

    @property
    def model(self) -> str:
        return self._part(1) or self.text

    @property
    def serial_number(self) -> str:
        """Empty where the instrument has none, which it reports as 0."""
        return "" if self._part(2) == "0" else self._part(2)

    @property
    def firmware(self) -> str:
        return self._part(3)

    def _part(self, k: int) -> str:
        parts = [part.strip() for part in self.text.split(",")]
        return parts[k] if k < len(parts) else ""


class VisaLink:
    """An open resource. Its questions are answered in the order in which they are asked, or not at all."""

    def __init__(self, name: str, resource: str) -> None:
        """Raises PortError with what to do, SourceError when pyvisa is not there."""
        try:
            self._name, self._resource = name, check_resource(resource)
        except ValueError as error:
            raise PortError(f"{error}.") from error
        self._visa = _library()
        self._lock = _locked_port(resource)
        self._instrument: Any = None
        self._identity = b""
        try:
            self._instrument = _opened(self._visa, resource)
            self._instrument.write_termination = "\n"
            self._instrument.read_termination = "\n"
            if self.is_serial:
                self._set_line()
        except BaseException:
            self.close()
            raise

    @property
    def is_serial(self) -> bool:
        """It is on a serial line, where an instrument must be switched to remote control."""
        return self._resource.upper().startswith("ASRL")

    @property
    def is_stream(self) -> bool:
        """It is a stream of bytes, in which only line ends separate one answer from the next."""
        return self.is_serial or self._resource.upper().endswith("SOCKET")

    def identify(self) -> Identity:
        """Ask who it is, more than once. Raises HandshakeError."""
        for _ in range(IDENTITY_TRIES):
            answer = self.ask("*IDN?", IDENTITY_S)
            if answer:
                while self.has_surplus(QUIET_S):
                    pass  # an answer to one of the questions before
                self._identity = answer
                return Identity(answer.decode("ascii", "replace"))
        raise HandshakeError(
            f"{self._resource} does not answer *IDN?: check that the instrument is on and which interface it listens to"
            f"{' (RS-232, 9600 baud, 8 bits, no parity)' if self.is_serial else ''}."
        )

    def has_surplus(self, timeout_s: float = 0.0) -> bool:
        """Whether there is a line more than there were questions, as when noise has made two of an answer."""
        return self.is_stream and self.hear(timeout_s) is not None

    def get_in_step(self) -> bool:
        """After a missing or invalid answer: discard whatever may still come."""
        self.write("*IDN?")
        deadline = time.monotonic() + IN_STEP_S
        while (left_s := deadline - time.monotonic()) > 0:
            line = self.hear(left_s)
            if line is not None and line.endswith(self._identity):
                return True
        return False

    def write(self, command: str) -> None:
        """Raises SourceLostError."""
        try:
            self._instrument.timeout = WRITE_S * 1000
            self._instrument.write(command)
        except (self._visa.errors.VisaIOError, OSError, TypeError) as error:
            raise self._lost(error) from error

    def hear(self, timeout_s: float) -> bytes | None:
        """The next line without its end, or None when none came in time. Raises SourceLostError."""
        try:
            self._instrument.timeout = max(timeout_s * 1000, 1)
            line: bytes = self._instrument.read_raw()
        except (self._visa.errors.VisaIOError, OSError, TypeError) as error:
            if self._is_timeout(error):
                return None
            raise self._lost(error) from error
        return line.strip()

    def ask(self, command: str, timeout_s: float) -> bytes | None:
        """The answer to a question, or None when none came in time. Raises SourceLostError."""
        self.write(command)
        return self.hear(timeout_s)

    def ask_block(self, command: str, timeout_s: float) -> bytes | None:
        """The bytes of a definite-length block (#, digits, length, bytes), or None. Raises SourceLostError."""
        try:
            self._instrument.timeout = timeout_s * 1000
            return bytes(self._instrument.query_binary_values(command, datatype="s", container=bytes))
        except ValueError:
            return None
        except (self._visa.errors.VisaIOError, OSError, TypeError) as error:
            if self._is_timeout(error):
                return None
            raise self._lost(error) from error

    def close(self) -> None:
        """Close the resource; calling it twice is fine."""
        instrument, self._instrument = self._instrument, None
        lock, self._lock = self._lock, None
        try:
            if instrument is not None:
                instrument.close()
        except (self._visa.errors.Error, OSError):
            pass  # it has gone already
        finally:
            if lock is not None:
                os.close(lock)

    def _set_line(self) -> None:
        """As the supplies have it: two stop bits always; DTR and DSR say when they may be written to."""
        constants = self._visa.constants
        self._instrument.baud_rate = 9600
        self._instrument.data_bits = 8
        self._instrument.parity = constants.Parity.none
        self._instrument.stop_bits = constants.StopBits.two
        self._instrument.flow_control = constants.ControlFlow.dtr_dsr

    def _is_timeout(self, error: Exception) -> bool:
        code = getattr(error, "error_code", None)
        return isinstance(code, int) and code == int(self._visa.constants.StatusCode.error_timeout)

    def _lost(self, error: Exception) -> SourceLostError:
        return SourceLostError(
            f"{self._name} on {self._resource} went away ({_reason(error)}): check its power and its cable."
        )


def _library() -> ModuleType:
    try:
        for module in ("pyvisa", "pyvisa_py"):
            importlib.import_module(module)
    except ImportError as error:
        raise SourceError(
            "Instruments that answer SCPI need pyvisa, which is not installed: run `pip install 'inferwatt[scpi]'`."
        ) from error
    return importlib.import_module("pyvisa")


def _locked_port(resource: str) -> int | None:
    """A descriptor that keeps others off a serial port, which pyvisa does not do. Raises PortError."""
    match = _SERIAL.fullmatch(resource)
    if match is None:
        return None
    port = match["port"]
    descriptor = None
    try:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
        raise _port_error(port, error) from error
    return descriptor


def _port_error(port: str, error: OSError) -> PortError:
    if error.errno in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
        return PortError(f"There is no port {port}: plug the instrument in, or see `monitor-app sources`.")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PortError(f"You may not open {port}: run `sudo usermod -aG dialout $USER`, then log out and in again.")
    if error.errno in {errno.EBUSY, errno.EAGAIN}:
        return PortError(f"{port} is in use by another program: `fuser -v {port}` shows which; close it.")
    return PortError(f"{port} cannot be opened ({_reason(error)}).")


def _opened(visa: ModuleType, resource: str) -> Any:
    """The open resource. Raises PortError."""
    network = _NETWORK.fullmatch(resource)
    if network is not None:
        try:
            socket.getaddrinfo(network["host"], None, socket.AF_INET)
        except OSError as error:
            raise PortError(f"There is no host {network['host']}: check the address in the resource.") from error
    try:
        # A wrong resource name must not make pyvisa search the network for instruments.
        return visa.ResourceManager("@py").open_resource(resource, open_timeout=round(OPEN_S * 1000))
    except visa.errors.VisaIOError as error:
        raise PortError(
            f"{resource!r} is not a VISA resource that can be opened ({_reason(error)}): write it like "
            "ASRL/dev/ttyUSB0::INSTR or TCPIP::10.0.0.5::5025::SOCKET."
        ) from error
    except Exception as error:  # for much of what can go wrong pyvisa-py has no class of its own
        raise PortError(f"{resource} cannot be opened ({_reason(error)}): check the cable and the address.") from error


def _reason(error: Exception) -> str:
    """What the system or the library says, on one line and without its own full stop."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
