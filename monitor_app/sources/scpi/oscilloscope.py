# SPDX-License-Identifier: Apache-2.0
"""An oscilloscope with a current probe: one captured record after another, each one block.

The host knows when it armed the scope and when the record was complete. The record fills that time but for the
slack, and half the slack is the uncertainty of its times.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from monitor_app.core.addresses import Resource
from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.sources.accuracy import scope_data_sheet
from monitor_app.sources.base import Connected, says_simulated
from monitor_app.sources.scpi.visa import VisaLink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.samples import Reading
    from monitor_app.sources.accuracy import DataSheet
    from monitor_app.sources.scpi.visa import Identity

TRIAL_S = 0.1
"""Length of the record that is captured at the beginning, to measure how long arming and answering take."""
PATIENCE_S = 5.0
"""How much longer than its own length a record may take."""
ANSWER_S = 2.0
BYTES_PER_S = 20_000.0
"""No link is slower than this."""
MARGIN_NS = 5_000_000
CONTRADICTION = 0.01
"""A record may be shorter than the host's clock says by this fraction of its length: the clocks differ."""
FAILURES = 3
PREAMBLE_FIELDS = 10
DTYPES: dict[int, np.dtype[Any]] = {0: np.dtype("u1"), 1: np.dtype(">u2")}
"""By the preamble's format: BYTE, WORD."""

logger = logging.getLogger(__name__)


class ScopeSpec(SourceSpec):
    """An oscilloscope with a current probe, one captured record after another (the extra `scpi`)."""

    kind: Literal["scope"]
    name: Name = "scope"
    resource: Resource
    """A VISA resource: TCPIP::10.0.0.7::5025::SOCKET, USB0::..."""
    channel: int = Field(1, ge=1, le=8)
    a_per_v: float = Field(gt=0)
    """Amperes per volt of the probe: 10 for 100 mV/A."""
    supply_v: float = Field(gt=0)
    """Voltage of the supply; power is current times this."""
    record_s: float = Field(2.0, gt=0, le=60)
    points: int = Field(100_000, ge=100, le=4_000_000)
    roles: dict[str, Role] = Field(default_factory=lambda: {"power": Role.TOTAL})


@dataclass(frozen=True, slots=True)
class Record:
    """A captured record."""

    volts: NDArray[np.float64]
    interval_s: float
    start_s: float
    """When the first point was, against the trigger."""
    step_v: float
    """One step of the converter, as the record is written."""

    @property
    def duration_s(self) -> float:
        return len(self.volts) * self.interval_s


def read_record(preamble: str, data: bytes) -> Record:
    """A record from its preamble and the bytes of its block (without the block's header).

    The preamble is ``format,type,points,count,xinc,xorg,xref,yinc,yorg,yref``; WORD data has its high byte first.

    Raises:
        ValueError: The two do not fit, or the data are text.
    """
    scale = _scale(preamble)
    if len(data) != scale.points * scale.dtype.itemsize:
        raise ValueError(f"{len(data)} bytes are not {scale.points} points")
    codes = np.frombuffer(data, scale.dtype).astype(np.float64)
    volts = (codes - scale.y_reference) * scale.y_increment + scale.y_origin
    return Record(volts, scale.x_increment, -scale.x_reference * scale.x_increment + scale.x_origin, scale.y_increment)


class ScopeSource(Connected["VisaLink"]):
    """The oscilloscope behind one VISA resource."""

    def __init__(self, name: str, spec: ScopeSpec) -> None:
        super().__init__(name)
        self._spec = spec

    def open(self) -> None:
        """Connect, set the record up and try one. Raises PortError, HandshakeError, SourceError without pyvisa."""
        self.close()
        self._link = VisaLink(self._name, self._spec.resource)
        self._armed_ns: int | None = None
        self._in_step, self._failures = True, 0
        self._end: tuple[int, int] | None = None
        """Index and time at which the last record ended."""
        try:
            identity = self._link.identify()
            self._set_up(self._link)
            slack_ns, step_v = self._try(self._link)
            self._link.write(f":TIMebase:RANGe {self._spec.record_s:g}")
        except BaseException:
            self.close()
            raise
        # Twice what the trial showed: a scope does not always take the same time.
        self._bound_ns = slack_ns + MARGIN_NS
        self._info = self._describe(identity, step_v)

    def read(self, timeout_s: float) -> list[Reading]:
        """The record, once it is complete; fetching it may exceed the timeout. Raises SourceLostError."""
        link = self._require()
        armed_ns = self._arm(link)
        if armed_ns is None:
            return []
        answer = link.hear(timeout_s)
        now_ns = host_time_ns()
        if answer is None:
            if now_ns - armed_ns > (self._spec.record_s + PATIENCE_S) * 1e9:
                raise SourceLostError(f"{self._name} does not complete its record: check that it triggers.")
            return []
        self._armed_ns = None
        record = self._fetch(link) if answer == b"1" else None
        block = None if record is None else self._block(record, armed_ns, now_ns)
        # The next one is started at once, to keep the time between two records short.
        self._in_step = record is not None
        self._arm(link)
        if block is None:
            self._fail()
            return []
        self._failures = 0
        return [block]

    def _set_up(self, link: VisaLink) -> None:
        for command in (
            f":TIMebase:RANGe {min(TRIAL_S, self._spec.record_s):g}",
            ":TRIGger:SWEep AUTO",
            f":WAVeform:SOURce CHANnel{self._spec.channel}",
            ":WAVeform:FORMat WORD",
            ":WAVeform:BYTeorder MSBFirst",
            ":WAVeform:UNSigned 1",
            ":WAVeform:POINts:MODE RAW",
            f":WAVeform:POINts {self._spec.points}",
        ):
            link.write(command)

    def _try(self, link: VisaLink) -> tuple[int, float]:
        """Slack in ns and converter step in volts of a short record. Raises HandshakeError."""
        armed_ns = self._arm(link)
        answer = link.hear(min(TRIAL_S, self._spec.record_s) + PATIENCE_S)
        complete_ns = host_time_ns()
        self._armed_ns = None
        preamble = link.ask(":WAVeform:PREamble?", ANSWER_S) if answer == b"1" else None
        if armed_ns is None or preamble is None:
            raise HandshakeError(
                f"{self._name} captures no record: check channel {self._spec.channel} and its trigger."
            )
        try:
            scale = _scale(preamble.decode("ascii", "replace"))
        except ValueError as error:
            raise HandshakeError(
                f"{self._name} describes its record in a way that this program cannot read ({error})."
            ) from error
        duration_ns = scale.points * scale.x_increment * 1e9
        slack_ns = complete_ns - armed_ns - duration_ns
        if slack_ns < -CONTRADICTION * duration_ns - MARGIN_NS:
            raise HandshakeError(
                f"{self._name} says that its record lasts {duration_ns * 1e-9:.3g} s and gave it after "
                f"{(complete_ns - armed_ns) * 1e-9:.3g} s: its times cannot be trusted; set it to run in real time."
            )
        return max(round(slack_ns), 0), scale.y_increment

    def _arm(self, link: VisaLink) -> int | None:
        """Begin a record unless one is under way; when it was begun, or None where the scope is out of step."""
        if self._armed_ns is None:
            if not self._in_step:
                self._in_step = link.get_in_step()
                if not self._in_step:
                    self._fail()
                    return None
            self._armed_ns = host_time_ns()
            link.write(f":DIGitize CHANnel{self._spec.channel};*OPC?")
        return self._armed_ns

    def _fetch(self, link: VisaLink) -> Record | None:
        """The record, or None where it did not come whole."""
        preamble = link.ask(":WAVeform:PREamble?", ANSWER_S)
        data = None
        if preamble is not None:
            data = link.ask_block(":WAVeform:DATA?", ANSWER_S + 2 * self._spec.points / BYTES_PER_S)
        if preamble is None or data is None:
            return None
        try:
            return read_record(preamble.decode("ascii", "replace"), data)
        except ValueError as error:
            logger.warning("%s: a record is left out: %s", self._name, error)
            return None

    def _block(self, record: Record, armed_ns: int, complete_ns: int) -> SampleBlock | None:
        """The record with its times; None where they are less certain than the bound says."""
        period_ns = record.interval_s * 1e9
        slack_ns = complete_ns - armed_ns - record.duration_s * 1e9
        if not -CONTRADICTION * record.duration_s * 1e9 - MARGIN_NS <= slack_ns <= 2 * self._bound_ns:
            logger.warning(
                "%s: a record is left out: its time is known only to %.3f s", self._name, abs(slack_ns) * 1e-9
            )
            return None
        start_ns = armed_ns + round(slack_ns / 2)
        index, lost = 0, 0
        if self._end is not None:
            end_index, end_ns = self._end
            start_ns = max(start_ns, end_ns)
            lost = round((start_ns - end_ns) / period_ns)
            index = end_index + lost
        times_ns = start_ns + np.round(np.arange(len(record.volts)) * period_ns).astype(np.int64)
        self._end = (index + len(times_ns), start_ns + math.ceil(len(times_ns) * period_ns))
        current = record.volts * self._spec.a_per_v
        return SampleBlock(
            first_index=index,
            codes=(current.astype("<f4"), (current * self._spec.supply_v).astype("<f4")),
            arrival_ns=host_time_ns(),
            lost_before=lost,
            times_ns=times_ns,
        )

    def _fail(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            raise SourceLostError(
                f"{self._name} has given no usable record {FAILURES} times in a row: see the log, and connect it again."
            )

    def _describe(self, identity: Identity, step_v: float) -> SourceInfo:
        spec = self._spec
        step_a = step_v * spec.a_per_v
        sheet = scope_data_sheet(spec.a_per_v)
        return SourceInfo(
            name=self._name,
            kind="scope",
            model=f"{identity.maker} {identity.model}".strip(),
            serial_number=identity.serial_number,
            firmware=identity.firmware,
            rate_hz=spec.points / spec.record_s,
            signals=(
                self._signal("current", Quantity.CURRENT, step_a, sheet),
                self._signal("power", Quantity.POWER, step_a * spec.supply_v, sheet),
            ),
            simulated=says_simulated(identity.text) or identity.serial_number.startswith("SIM-"),
            transport_bound_ns=self._bound_ns,
            notes=(
                f"It captures records of {spec.record_s:g} s one after another; nothing is recorded while one is "
                "fetched.",
                f"Power is current times the {spec.supply_v:g} V of the profile; this instrument measures no voltage.",
                sheet.note,
            ),
        )

    def _signal(self, name: str, quantity: Quantity, step: float, sheet: DataSheet) -> Signal:
        role = self._spec.roles.get(name, Role.OTHER)
        return Signal(name, quantity, role, resolution=step, accuracy=sheet.of(quantity), zero=sheet.zero_of(quantity))


@dataclass(frozen=True, slots=True)
class _Scale:
    """What a preamble says."""

    dtype: np.dtype[Any]
    points: int
    x_increment: float
    x_origin: float
    x_reference: float
    y_increment: float
    y_origin: float
    y_reference: float


def _scale(preamble: str) -> _Scale:
    """Raises ValueError."""
    fields = [float(text) for text in preamble.split(",")]
    if len(fields) != PREAMBLE_FIELDS or not all(map(math.isfinite, fields)):
        raise ValueError(f"a preamble of {len(fields)} numbers")
    dtype = DTYPES.get(int(fields[0]))
    if dtype is None:
        raise ValueError(f"format {fields[0]:g}, where 0 (BYTE) and 1 (WORD) are known")
    if fields[2] < 1 or fields[4] <= 0 or fields[7] <= 0:
        raise ValueError("no points, or points without a distance")
    return _Scale(dtype, int(fields[2]), *fields[4:])
