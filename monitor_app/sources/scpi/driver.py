# SPDX-License-Identifier: Apache-2.0
"""A power supply or multimeter that answers SCPI queries a few times a second."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from monitor_app.core.addresses import Resource
from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import EmulatedSpec, Name
from monitor_app.sources.accuracy import scpi_data_sheet
from monitor_app.sources.base import Connected, says_simulated
from monitor_app.sources.polling import Blocks, Clock, Schedule
from monitor_app.sources.scpi.visa import VisaLink

if TYPE_CHECKING:
    from monitor_app.core.samples import Reading
    from monitor_app.sources.scpi.visa import Identity

ANSWER_S, FIRST_ANSWER_S = 1.0, 3.0
"""A multimeter at its slowest integrates for seconds when it is first asked."""
TRIAL_POLLS = 3
FAILURES = 5
OVERLOAD = 9e36
"""What instruments answer in place of a value: 9.9E37 above their range, 9.91E37 for none."""
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

logger = logging.getLogger(__name__)


class ScpiSpec(EmulatedSpec):
    """A supply or multimeter that answers SCPI queries, through pyvisa (the extra `scpi`)."""

    kind: Literal["scpi"]
    name: Name = "scpi"
    resource: Resource | None = None
    """A VISA resource: ASRL/dev/ttyUSB0::INSTR, TCPIP::10.0.0.5::5025::SOCKET, USB0::..."""
    model: Literal["e364x", "dmm"] = "e364x"
    """e364x: a supply, voltage and current; dmm: a multimeter that measures the current."""
    channel: int | None = Field(None, ge=1, le=8)
    """The output of a supply that has several; by default the one that is selected at its front panel."""
    supply_v: float | None = Field(None, gt=0)
    """For a multimeter in the line of the current: the voltage of the supply."""
    interval_s: float = Field(0.25, ge=0.02, le=60)
    """Time between two queries; most supplies answer a few a second."""

    @model_validator(mode="after")
    def _one_of_resource_and_emulate(self) -> ScpiSpec:
        if (self.resource is None) == (self.emulate is None):
            raise ValueError("give either resource (a VISA resource) or emulate (a simulated board)")
        if self.channel is not None and self.model != "e364x":
            raise ValueError("channel is of a supply (e364x): a multimeter has none")
        return self

    def emulator_options(self) -> list[str]:
        channel = [] if self.channel is None else ["--channel", str(self.channel)]
        return [*super().emulator_options(), "--model", self.model, *channel]


class ScpiSource(Connected["VisaLink"]):
    """The instrument behind one VISA resource; ``resource`` is for one that the profile does not name."""

    def __init__(self, name: str, spec: ScpiSpec, resource: str | None = None) -> None:
        super().__init__(name)
        self._spec = spec
        self._resource = resource or spec.resource or ""

    def open(self) -> None:
        """Connect and try how long an answer takes. Raises PortError, HandshakeError, SourceError without pyvisa."""
        self.close()
        self._link = VisaLink(self._name, self._resource)
        self._in_step, self._failures = True, 0
        self._blocks = Blocks()
        try:
            if self._link.is_serial:
                self._link.write("SYST:REM")
            identity = self._link.identify()
            self._queries = self._usable_queries(self._link)
            slowest_s = self._slowest_poll_s(self._link)
        except BaseException:
            self.close()
            raise
        interval_s = max(self._spec.interval_s, slowest_s)
        # A poll that takes longer is left out: its time would be less certain than the bound says.
        self._longest_ns = round((interval_s + slowest_s) * 1e9)
        self._info = self._describe(identity, interval_s, slowest_s)
        self._schedule = Schedule(interval_s, Clock())

    def read(self, timeout_s: float) -> list[Reading]:
        """One poll when it is due. Raises SourceLostError."""
        link = self._require()
        slots = self._schedule.wait(timeout_s)
        if slots == 0:
            return []
        self._blocks.leave_out(slots - 1)
        start_ns = host_time_ns()
        values = self._poll(link)
        end_ns = host_time_ns()
        if values is None or end_ns - start_ns > self._longest_ns:
            self._blocks.leave_out()
            self._fail()
            return []
        self._failures = 0
        return [self._blocks.make(self._signals_of(values), (start_ns + end_ns) // 2, end_ns)]

    def _leave(self, link: VisaLink) -> None:
        """Give the front panel back."""
        if link.is_serial:
            link.write("SYST:LOC")

    def _usable_queries(self, link: VisaLink) -> tuple[str, ...]:
        """What to ask at each poll. A multimeter is set up once: after that READ? alone is faster."""
        if self._spec.model == "e364x":
            # Selected again with each question: another program, or a hand at the front panel, may change it.
            select = "" if self._spec.channel is None else f"INST:NSEL {self._spec.channel};:"
            return (f"{select}MEAS:VOLT?", f"{select}MEAS:CURR?")
        if _number(link.ask("MEAS:CURR:DC?", FIRST_ANSWER_S)) is None:
            raise self._refusal()
        if _number(link.ask("READ?", FIRST_ANSWER_S)) is not None:
            return ("READ?",)
        if not link.get_in_step():
            raise self._refusal()
        return ("MEAS:CURR:DC?",)

    def _slowest_poll_s(self, link: VisaLink) -> float:
        slowest_ns = 0
        for _ in range(TRIAL_POLLS):
            start_ns = host_time_ns()
            if self._poll(link) is None:
                raise self._refusal()
            slowest_ns = max(slowest_ns, host_time_ns() - start_ns)
        return slowest_ns * 1e-9

    def _refusal(self) -> HandshakeError:
        what = "voltage and current" if self._spec.model == "e364x" else "current"
        return HandshakeError(
            f"{self._name} does not report its {what}: check the model in the profile ({self._spec.model}"
            f"{'' if self._spec.channel is None else f', channel {self._spec.channel}'}) and what the instrument shows."
        )

    def _poll(self, link: VisaLink) -> list[float] | None:
        """The answers, or None when one did not come or was no number."""
        if not self._in_step:
            if link.is_serial:
                link.write("SYST:REM")  # it may have been switched off and on
            self._in_step = link.get_in_step()
        values = []
        for query in self._queries if self._in_step else ():
            value = _number(link.ask(query, ANSWER_S))
            if value is None or link.has_surplus():
                # The answer may still come, and would be taken for that to the next question.
                self._in_step = False
                break
            values.append(value)
        return values if self._in_step and max(map(abs, values)) < OVERLOAD else None

    def _fail(self) -> None:
        self._failures += 1
        logger.info("%s has not answered a poll in time with a number", self._name)
        if self._failures >= FAILURES:
            raise SourceLostError(
                f"{self._name} on {self._resource} has given no value {FAILURES} times in a row: "
                "check its power, its cable, and its range."
            )

    def _signals_of(self, values: list[float]) -> list[float]:
        """In the order of the stored signals."""
        if self._spec.model == "e364x":
            voltage, current = values
            return [current, voltage]
        [current] = values
        return [current] if self._spec.supply_v is None else [current, current * self._spec.supply_v]

    def _describe(self, identity: Identity, interval_s: float, poll_s: float) -> SourceInfo:
        self._sheet = scpi_data_sheet(identity.model, self._spec.channel)
        signals = [self._signal("current", Quantity.CURRENT)]
        notes = []
        if self._spec.model == "e364x":
            signals.append(self._signal("voltage", Quantity.VOLTAGE))
            signals.append(self._signal("power", Quantity.POWER, ("current", "voltage")))
            notes.append(f"Voltage and current are measured one after the other, within {poll_s * 1000:.0f} ms.")
        elif self._spec.supply_v is not None:
            signals.append(self._signal("power", Quantity.POWER))
            notes.append(
                f"Power is current times the {self._spec.supply_v:g} V of the profile; "
                "this instrument measures no voltage."
            )
        if interval_s > self._spec.interval_s:
            notes.append(f"It answers once in {interval_s:.2g} s, which is slower than the profile asks for.")
        notes += [] if self._sheet is None else [self._sheet.note]
        return SourceInfo(
            name=self._name,
            kind="scpi",
            model=f"{identity.maker} {identity.model}".strip(),
            serial_number=identity.serial_number,
            firmware=identity.firmware,
            rate_hz=1 / interval_s,
            signals=tuple(signals),
            simulated=says_simulated(identity.text) or identity.serial_number.startswith("SIM-"),
            transport_bound_ns=round((interval_s + poll_s) / 2 * 1e9),
            notes=tuple(notes),
        )

    def _signal(self, name: str, quantity: Quantity, product_of: tuple[str, str] | None = None) -> Signal:
        role = self._spec.roles.get(name, Role.OTHER)
        if self._sheet is None:
            return Signal(name, quantity, role, product_of=product_of)
        accuracy, zero = self._sheet.of(quantity), self._sheet.zero_of(quantity)
        return Signal(name, quantity, role, accuracy=accuracy, product_of=product_of, zero=zero)


def _number(answer: bytes | None) -> float | None:
    return float(answer) if answer is not None and _NUMBER.fullmatch(answer) else None
