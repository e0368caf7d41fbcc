# SPDX-License-Identifier: Apache-2.0
"""Reads an instrument that sends lines of text as a profile describes them, and does not identify itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SerialSpec, Table
from monitor_app.sources.base import says_simulated
from monitor_app.sources.lines.decoder import NO_CHECKSUM, LinesState, decode
from monitor_app.sources.lines.timestamps import FIT_NS, ArrivalTimes, StampTimes, blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.samples import SampleBlock
    from monitor_app.sources.lines.decoder import DecodedLines, Layout
    from monitor_app.sources.serial.transport import Transport

STALE_S = 0.05
"""Bytes that lay in the system's buffers before the port was opened are discarded in this time."""
PATIENCE_S, LISTEN_S = 5.0, 0.5
"""How long to wait for lines, and to listen to them before the first gets its time."""
TRANSPORT_NS = 1_000_000
BITS_PER_BYTE = 10
RATES = (0.5, 2.0)
"""A time column whose rate against the clock lies outside these limits is in another unit."""


class Column(Table):
    """One quantity of a line of text."""

    name: Name
    """Of the signal."""
    field: str | Annotated[int, Field(ge=0)] | None = None
    """Key of a JSON object, label, heading of a CSV column, or its number from 0; by default the name."""
    quantity: Quantity
    scale: float = 1.0
    """SI units per unit of the text: 0.001 for mA."""
    offset: float = 0.0


class TimeColumn(Table):
    """The instrument's own time stamp on a line; without one, lines have the time of their arrival."""

    field: str | Annotated[int, Field(ge=0)]
    scale_s: float = Field(gt=0)
    """Seconds per unit of the text: 1e-6 for microseconds."""


class LinesSpec(SerialSpec):
    """Lines of text: those of an EdgePowerMeter, or CSV, JSON or labelled lines that the profile describes."""

    kind: Literal["lines"]
    name: Name = "lines"
    format: Literal["edgepowermeter", "csv", "json", "labelled"]
    baud: int = Field(115_200, ge=300, le=12_000_000)
    separator: str = Field(",", min_length=1, max_length=1)
    columns: tuple[Column, ...] = ()
    time: TimeColumn | None = None
    start: str | None = None
    """Sent once after opening, to make the instrument send; a line end is added."""
    stop: str | None = None
    """Sent before closing."""

    @property
    def port_baud(self) -> int:
        return self.baud

    @model_validator(mode="after")
    def _columns_are_named(self) -> LinesSpec:
        if self.format != "edgepowermeter" and not self.columns:
            raise ValueError("name the columns of the lines under [[source.columns]]")
        fields = [*(column.field for column in self.columns), *([] if self.time is None else [self.time.field])]
        if self.format == "labelled" and any(isinstance(field, int) for field in fields):
            raise ValueError("labelled lines have no numbered columns: give the label under field")
        return self

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--format", self.format]


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one read brought, before it has its times."""

    decoded: DecodedLines
    before: int
    """Lines that had come before it, and with it."""
    after: int
    since_ns: int
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class _Accepted:
    """The lines of it that are samples."""

    heard: _Heard
    index: NDArray[np.int64]
    values: NDArray[np.float64]
    stamps_ns: NDArray[np.int64] | None


class TextLines:
    """One connection to an instrument whose lines a profile describes."""

    def __init__(self, name: str, port: str, spec: LinesSpec, layout: Layout, columns: tuple[Column, ...]) -> None:
        self._name, self._port, self._spec = name, port, spec
        self._layout, self._columns = layout, columns
        self._state = LinesState()
        self._expected: int | None = None
        self._early: list[_Heard] = []
        self._rejected: bytes | None = None
        self._arrivals: ArrivalTimes | None = None
        self._stamps: StampTimes | None = None
        """One of them, once the lines have been listened to."""
        self._simulated = spec.emulate is not None
        self._bytes = 0

    @property
    def malformed(self) -> int:
        """Lines that did not fit, since the beginning."""
        return self._state.malformed

    @property
    def last_rejected(self) -> bytes | None:
        """One of them."""
        return self._rejected

    def begin(self, transport: Transport) -> SourceInfo:
        """Listen until the rate of the lines is known. Raises HandshakeError."""
        deadline = time.monotonic() + STALE_S
        while time.monotonic() < deadline and (stale := transport.read(0.0, eager=True)):
            self._decode(stale)
        if self._spec.start is not None:
            transport.write(self._spec.start.encode() + b"\n")
        self._early = self._listen(transport)
        # What did not fit until now was a heading, or what it says as it starts.
        self._rejected = None
        first, last = self._early[0], self._early[-1]
        lines = int(last.decoded.index[-1] - first.decoded.index[-1])
        span_s = (last.arrival_ns - first.arrival_ns) * 1e-9
        line_ns = self._bytes / (last.after - first.before) * BITS_PER_BYTE * 1e9 / self._spec.baud
        lead_ns = round((TRANSPORT_NS + line_ns) / 2)
        stamps = [heard.decoded.stamps for heard in self._early if heard.decoded.stamps is not None]
        if self._spec.time is None or not stamps or self._layout.time is None:
            self._rate_hz = lines / span_s
            self._arrivals = ArrivalTimes(lead_ns)
            note = "Its lines carry no time: their times follow from their arrivals, assuming an even interval."
            return self._describe(lead_ns + round(1.5e9 / self._rate_hz), note)
        unit_ns = self._spec.time.scale_s * 1e9
        self._rate_hz = lines / self._checked_span(float(stamps[-1][-1] - stamps[0][-1]) * unit_ns * 1e-9, span_s)
        self._stamps = StampTimes(unit_ns, lead_ns)
        note = "Its lines carry its own time, which is aligned with their earliest arrivals."
        return self._describe(lead_ns + FIT_NS + round(unit_ns * _step(np.concatenate(stamps))), note)

    def take(self, data: bytes, since_ns: int, arrival_ns: int) -> list[SampleBlock]:
        """The samples that are complete with these bytes, which came between the two times. Raises SourceLostError."""
        early, self._early = self._early, []
        accepted = [self._accept(heard) for heard in [*early, self._hear(data, since_ns, arrival_ns)]]
        return [block for some in accepted for block in self._blocks(some)]

    def end(self, transport: Transport) -> None:
        """Send the stop command of the profile, if it has one."""
        if self._spec.stop is not None:
            transport.write(self._spec.stop.encode() + b"\n")

    def _listen(self, transport: Transport) -> list[_Heard]:
        """Lines over half a second, or as long as it takes to have some of two reads. Raises HandshakeError."""
        heard: list[_Heard] = []
        since_ns, start = host_time_ns(), time.monotonic()
        while time.monotonic() - start < PATIENCE_S:
            data = transport.read(0.05, eager=True)
            arrival_ns = host_time_ns()
            self._bytes += len(data)
            now = self._hear(data, since_ns, arrival_ns)
            since_ns = arrival_ns
            if len(now.decoded.index):
                heard.append(now)
            if len(heard) > 1 and heard[-1].arrival_ns - heard[0].arrival_ns >= LISTEN_S * 1e9:
                return heard
        raise HandshakeError(self._complaint(bool(heard)))

    def _complaint(self, heard: bool) -> str:
        """Why the lines cannot be used."""
        port = self._port
        if heard:
            return f"{port} sends less than a line in {PATIENCE_S / 2:g} s: make the instrument send more often."
        if self._bytes == 0:
            return (
                f"{port} sends nothing: check that it is the right port and that the instrument is on, "
                "and give its start command, if it needs one, under `start`."
            )
        if self._layout.headings and self._state.places is None and self._state.whole:
            return (
                f"{port} has sent no heading with {', '.join(self._layout.headings)}: give the numbers of the columns "
                "(field = 0 is the first), or restart the instrument."
            )
        if self._rejected is None:
            return f"{port} sends bytes but no lines of text: check the baud rate, which is set to {self._spec.baud}."
        line = self._rejected[:60].decode("ascii", "replace")
        return f"{port} sends lines that do not fit the profile, such as {line!r}: check format, columns and baud."

    def _checked_span(self, stamp_s: float, clock_s: float) -> float:
        """Seconds by the instrument's time. It must run at a plausible rate. Raises HandshakeError."""
        if stamp_s <= 0:
            raise HandshakeError(f"{self._name} sends a time that does not rise: check the field of [source.time].")
        if not RATES[0] <= stamp_s / clock_s <= RATES[1]:
            raise HandshakeError(
                f"The time of {self._name} runs {stamp_s / clock_s:.3g} times as fast as the clock: "
                "check scale_s of [source.time]."
            )
        return stamp_s

    def _hear(self, data: bytes, since_ns: int, arrival_ns: int) -> _Heard:
        before = self._state.lines
        decoded = self._decode(data)
        return _Heard(decoded, before, self._state.lines, since_ns, arrival_ns)

    def _decode(self, data: bytes) -> DecodedLines:
        decoded = decode(data, self._state, self._layout)
        self._state = decoded.state
        self._rejected = decoded.rejected or self._rejected
        self._simulated = self._simulated or any(says_simulated(c.decode("ascii", "replace")) for c in decoded.comments)
        return decoded

    def _accept(self, heard: _Heard) -> _Accepted:
        """Leave out those with an impossible time."""
        decoded = heard.decoded
        if self._stamps is None or decoded.stamps is None:
            return _Accepted(heard, decoded.index, decoded.values, None)
        stamps_ns, kept = self._stamps.accept(decoded.stamps, heard.arrival_ns)
        if self._stamps.was_reset(self._rate_hz):
            raise SourceLostError(f"{self._name} restarted its time count: it was reset.")
        return _Accepted(heard, decoded.index[kept], decoded.values[kept], stamps_ns)

    def _blocks(self, some: _Accepted) -> list[SampleBlock]:
        if not len(some.index):
            return []
        heard = some.heard
        if self._stamps is not None and some.stamps_ns is not None:
            times_ns = self._stamps.place(some.stamps_ns, heard.arrival_ns)
        else:
            assert self._arrivals is not None, "the lines have been listened to"
            places, lines = some.index - heard.before, heard.after - heard.before
            times_ns = self._arrivals.times(places, lines, heard.since_ns, heard.arrival_ns)
        expected, self._expected = self._expected, int(some.index[-1]) + 1
        codes = tuple(column.astype("<f4") for column in some.values.T)
        return blocks(some.index, codes, times_ns, heard.arrival_ns, expected)

    def _describe(self, bound_ns: int, note: str) -> SourceInfo:
        roles = self._spec.roles
        signals = [Signal(c.name, c.quantity, roles.get(c.name, Role.OTHER)) for c in self._columns]
        currents = [s.name for s in signals if s.quantity is Quantity.CURRENT]
        voltages = [s.name for s in signals if s.quantity is Quantity.VOLTAGE]
        measures_power = any(s.quantity is Quantity.POWER or s.name == "power" for s in signals)
        if len(currents) == len(voltages) == 1 and not measures_power:
            role = roles.get("power", Role.OTHER)
            signals.append(Signal("power", Quantity.POWER, role, product_of=(currents[0], voltages[0])))
        return SourceInfo(
            name=self._name,
            kind="lines",
            model=f"{self._layout.format.upper()} lines",
            serial_number="",
            firmware="",
            rate_hz=self._rate_hz,
            signals=tuple(signals),
            simulated=self._simulated,
            transport_bound_ns=bound_ns,
            notes=(note, NO_CHECKSUM),
        )


def _step(stamps: NDArray[np.float64]) -> float:
    """The smallest difference that the stamps are written with: 0.001 when they have three decimals."""
    texts = [repr(stamp) for stamp in stamps.tolist()]
    decimals = [0 if "e" in text or text.endswith(".0") else len(text.partition(".")[2]) for text in texts]
    return float(10.0 ** -max(decimals))
