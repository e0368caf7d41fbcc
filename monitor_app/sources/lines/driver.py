# SPDX-License-Identifier: Apache-2.0
"""An instrument that sends lines of text: an EdgePowerMeter, or any whose columns a profile names."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.errors import SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity
from monitor_app.sources.accuracy import INA226, described_by
from monitor_app.sources.base import Connected
from monitor_app.sources.lines.decoder import Layout
from monitor_app.sources.lines.described_meter import Column, TextLines
from monitor_app.sources.lines.edgepowermeter import EdgePowerMeter
from monitor_app.sources.serial.transport import SerialTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.core.samples import Reading, SampleBlock, SourceInfo
    from monitor_app.sources.lines.described_meter import LinesSpec
    from monitor_app.sources.serial.transport import Transport

SILENCE_S, SILENT_LINES = 2.0, 10
EAGER_BELOW_HZ = 500.0
"""Above, several lines a read cost less; they are laid out evenly, or have their stamps."""
EDGEPOWERMETER_COLUMNS = (
    Column(name="current", field=2, quantity=Quantity.CURRENT),
    Column(name="voltage", field=1, quantity=Quantity.VOLTAGE),
)
FIRST_FIRMWARE = Layout("csv", (2, 1), (1.0, 1.0), (0.0, 0.0), comments=(b"#", b"[", b"=", b"Timestamp"))
"""Of an EdgePowerMeter that knows no commands: date and time, volts, amperes, watts."""

logger = logging.getLogger(__name__)


class _Dialect(Protocol):
    """The protocol of one kind of instrument."""

    @property
    def malformed(self) -> int: ...

    @property
    def last_rejected(self) -> bytes | None: ...

    def begin(self, transport: Transport) -> SourceInfo | None: ...

    def take(self, data: bytes, since_ns: int, arrival_ns: int) -> list[SampleBlock]: ...

    def end(self, transport: Transport) -> None: ...


class LinesSource(Connected["Transport"]):
    """The instrument on one port, as the profile describes it."""

    def __init__(
        self,
        name: str,
        port: str,
        spec: LinesSpec,
        open_transport: Callable[[str], Transport] | None = None,
    ) -> None:
        super().__init__(name)
        self._port = port
        self._spec = spec
        self._open_transport = open_transport or partial(SerialTransport, baud=spec.baud)
        self._dialect: _Dialect | None = None

    @property
    def malformed_lines(self) -> int:
        """Lines that did not fit and were left out, since open."""
        return 0 if self._dialect is None else self._dialect.malformed

    def open(self) -> None:
        """Connect and listen until the lines are understood. Raises PortError, HandshakeError."""
        self.close()
        self._link = self._open_transport(self._port)
        try:
            self._info = self._begin(self._link)
        except BaseException:
            self.close()
            raise
        self._complained = False
        self._since_ns = self._heard_ns = self._fitted_ns = host_time_ns()
        self._silence_s = max(SILENCE_S, SILENT_LINES / self._info.rate_hz)

    def read(self, timeout_s: float) -> list[Reading]:
        """Samples with their times. Raises SourceLostError when the instrument is gone or was reset."""
        transport, dialect = self._require(), self._dialect
        assert dialect is not None, "found out by open"
        data = transport.read(timeout_s, eager=self.info.rate_hz < EAGER_BELOW_HZ)
        arrival_ns = host_time_ns()
        readings: list[Reading] = [*dialect.take(data, self._since_ns, arrival_ns)]
        self._since_ns = arrival_ns
        self._heard_ns = arrival_ns if data else self._heard_ns
        self._fitted_ns = arrival_ns if readings else self._fitted_ns
        if dialect.last_rejected is not None and not self._complained:
            self._complained = True
            logger.warning("%s: a line does not fit and is left out: %r", self._name, dialect.last_rejected[:80])
        self._check_silence(arrival_ns)
        return readings

    def _leave(self, link: Transport) -> None:
        """Send the command to stop, if the profile gives one."""
        if self._dialect is not None:
            self._dialect.end(link)

    def _begin(self, transport: Transport) -> SourceInfo:
        spec = self._spec
        if spec.format == "edgepowermeter":
            meter = EdgePowerMeter(self._name, self._port, spec.roles, spec.start, spec.stop)
            self._dialect = meter
            info = meter.begin(transport)
            if info is not None:
                return described_by(info, INA226)
            lines = TextLines(self._name, self._port, spec, FIRST_FIRMWARE, EDGEPOWERMETER_COLUMNS)
            self._dialect = lines
            info = lines.begin(transport)
            info = replace(info, model="EdgePowerMeter", firmware="1", simulated=info.simulated or meter.emulated)
            return described_by(info, INA226)
        lines = TextLines(self._name, self._port, spec, _layout(spec), spec.columns)
        self._dialect = lines
        return lines.begin(transport)

    def _check_silence(self, now_ns: int) -> None:
        if now_ns - self._fitted_ns <= self._silence_s * 1e9:
            return
        if now_ns - self._heard_ns <= self._silence_s * 1e9:
            raise SourceLostError(f"{self._name} on {self._port} sends nothing that fits any more: was it reset?")
        raise SourceLostError(f"{self._name} on {self._port} fell silent: check its power and its cable.")


def _layout(spec: LinesSpec) -> Layout:
    columns = spec.columns
    return Layout(
        "csv" if spec.format == "edgepowermeter" else spec.format,
        tuple(column.name if column.field is None else column.field for column in columns),
        tuple(column.scale for column in columns),
        tuple(column.offset for column in columns),
        None if spec.time is None else spec.time.field,
        spec.separator,
    )
