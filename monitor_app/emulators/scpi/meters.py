# SPDX-License-Identifier: Apache-2.0
"""A bench supply (Agilent E3644A) that feeds the board, and a multimeter (34401A) in its supply line.

Both measure by integrating for a while, and answer a few times a second.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.emulators.scpi.device import MS, QUICK_NS, Instrument
from monitor_app.emulators.scpi.language import ScpiError, choice, number, real, switch

if TYPE_CHECKING:
    from monitor_app.emulators.board.energy_log import EnergyLog
    from monitor_app.emulators.board.sampler import Sampler
    from monitor_app.emulators.scpi.device import Call
    from monitor_app.emulators.scpi.language import Unit

INPUT_HZ = 2_000.0
"""How often the board is sampled."""
_LOOKS = 100
_KEPT = 20_000
# A change of the load signal travels this long at most, unless its sender was put off between stamp and send.
_SETTLE_NS = 3 * MS
_LOCAL = ("*IDN?", "*CLS", "*OPC?", "SYST")
"""What an instrument on RS-232 obeys before SYSTem:REMote."""


class History:
    """What the board drew lately."""

    def __init__(self, sampler: Sampler, energy_log: EnergyLog) -> None:
        self._sampler = sampler
        self._energy_log = energy_log
        self._rows = np.empty((0, 2))

    def restart(self, host_ns: int) -> None:
        """Forget, as without power."""
        self._energy_log.write()
        self._sampler.restart(host_ns)
        self._energy_log.restart(self._sampler.next)
        self._rows = np.empty((0, 2))

    def due_ns(self) -> int:
        """When to sample next."""
        return self._sampler.clock.begun_ns(self._sampler.next + _LOOKS) + _SETTLE_NS

    def look(self, host_ns: int, feeds: bool = True) -> None:
        """Follow the board up to a moment before `host_ns`; what it is not fed it does not draw."""
        count = int(self._sampler.clock.count_at(host_ns - _SETTLE_NS)) + 1 - self._sampler.next
        if count <= 0:
            return
        taken = self._sampler.take(count)
        if feeds:
            self._energy_log.add(taken)
        rows = np.column_stack((taken.current_a, taken.voltage_v)) * feeds
        self._rows = np.concatenate((self._rows, rows))[-_KEPT:]

    def mean(self, start_ns: int, end_ns: int) -> tuple[float, float]:
        """Current and voltage between two times in the past, in A and V."""
        clock = self._sampler.clock
        before = self._sampler.next - len(self._rows)
        start = max(int(clock.count_at(start_ns)) - before, 0)
        end = max(int(clock.count_at(end_ns)) - before, start + 1)
        current_a, voltage_v = self._rows[start:end].mean(axis=0)
        return float(current_a), float(voltage_v)


class _OnRs232(Instrument):
    """What both have in common: they must be switched to remote control, and they measure the board."""

    def __init__(self, identity: str, history: History, seed: int) -> None:
        super().__init__(identity)
        self._history = history
        self._noise = np.random.default_rng(seed)
        self._remote = False
        for form, remote in (("SYSTem:REMote", True), ("SYSTem:RWLock", True), ("SYSTem:LOCal", False)):
            self.add(form, partial(self._set_remote, remote))
        self.add("SYSTem:VERSion?", lambda _: "1997.0")
        self.add("SYSTem:BEEPer[:IMMediate]", lambda _: None)
        for form, usual in (("DISPlay[:WINDow][:STATe]", "1"), ("DISPlay[:WINDow]:TEXT[:DATA]", '""'),
                            ("SYSTem:BEEPer:STATe", "1")):  # fmt: skip
            self.remember(form, usual)
        self.add("DISPlay[:WINDow]:TEXT:CLEar", lambda _: None)

    def power_up(self, host_ns: int) -> None:
        super().power_up(host_ns)
        self._remote = False
        self._history.restart(host_ns)

    def allows(self, unit: Unit) -> None:
        if not (self._remote or unit.header.startswith(_LOCAL)):
            raise ScpiError(550, "Command not allowed in local")

    def due_ns(self) -> int | None:
        return self._history.due_ns()

    def look(self, host_ns: int) -> None:
        self._history.look(host_ns)

    def _set_remote(self, remote: bool, _call: Call) -> None:
        self._remote = remote

    def _read(self, value: float, sigma: float, step: float) -> str:
        """A value with its noise, in whole steps of the converter."""
        return real(step * round((value + sigma * self._noise.standard_normal()) / step))


class Supply(_OnRs232):
    """An E3644A, 20 V and 4 A, or with a second output an E3646A. Its output is on, since it feeds a board.

    The board needs the voltage that it has: settings can be asked for but not changed.

    Args:
        history: of the board.
        supply_v: of the board.
        seed: of the noise.
        channel: the output of an E3646A that the board is at; None is an E3644A, which has one.
    """

    MEASURING_NS = 150 * MS
    INTEGRATION_NS = 100 * MS
    LIMIT_A = 4.0
    READ_BACK_V, READ_BACK_A = 1e-3, 1e-4

    def __init__(self, history: History, supply_v: float, seed: int, channel: int | None = None) -> None:
        # The output is on before anybody presets it.
        self._on = True
        self._channel = channel or 1
        self._selected = 1
        model = "E3644A" if channel is None else "E3646A"
        super().__init__(f"Agilent Technologies,{model},SIM-{seed},1.7-5.0-1.0 EMULATED", history, seed)
        if channel is not None:
            self._add_selection()
        self.add("MEASure[:SCALar][:VOLTage][:DC]?", self._volts, takes_ns=self.MEASURING_NS)
        self.add("MEASure[:SCALar]:CURRent[:DC]?", self._amperes, takes_ns=self.MEASURING_NS)
        self.add("OUTPut[:STATe]", self._switch, 1, takes_ns=50 * MS)
        self.add("OUTPut[:STATe]?", lambda _: str(int(self._on)))
        settings = {"VOLTage": supply_v, "CURRent": self.LIMIT_A}
        for word, value in settings.items():
            for source in ("", "SOURce:"):
                form = f"{source}{word}[:LEVel][:IMMediate][:AMPLitude]"
                self.add(f"{form}?", partial(_tell, real(value)))
                self.add(form, _conflict, 1)
        self.add("APPLy?", lambda _: f'"{supply_v:.5f},{self.LIMIT_A:.5f}"')
        self.add("APPLy", _conflict, range(1, 3))
        for source in ("", "SOURce:"):
            self.add(f"{source}VOLTage:RANGe?", lambda _: "P20V")
            self.add(f"{source}VOLTage:RANGe", _only_high_range, 1)
            self.remember(f"{source}VOLTage:PROTection[:LEVel]", real(22.0))
            self.remember(f"{source}VOLTage:PROTection:STATe", "1")
            self.add(f"{source}VOLTage:PROTection:TRIPped?", lambda _: "0")
            self.add(f"{source}VOLTage:PROTection:CLEar", lambda _: None)
        self.add("STATus:QUEStionable:CONDition?", lambda _: "+2")
        self.remember("OUTPut:RELay[:STATe]", "0")
        self.remember("TRIGger[:SEQuence]:SOURce", "BUS")
        self.remember("TRIGger[:SEQuence]:DELay", real(0.0))

    def _add_selection(self) -> None:
        self.add("INSTrument:NSELect", self._select, 1)
        self.add("INSTrument:NSELect?", lambda _: f"{self._selected:+d}")
        self.add("INSTrument[:SELect]", self._select, 1)
        self.add("INSTrument[:SELect]?", lambda _: f"OUTP{self._selected}")
        self.remember("INSTrument:COUPle[:TRIGger]", "NONE")
        self.remember("OUTPut:TRACk[:STATe]", "0")
        # Constant voltage.
        self.add("STATus:QUEStionable:INSTrument:ISUMmary#:CONDition?", lambda _: "+2")

    def _select(self, call: Call) -> None:
        number = call.arguments[0].upper().removeprefix("OUTPUT").removeprefix("OUTP")
        if number not in {"1", "2"}:
            raise ScpiError(-222, "Data out of range")
        self._selected = int(number)

    def power_up(self, host_ns: int) -> None:
        super().power_up(host_ns)
        self._on = True
        self._selected = 1

    def preset(self) -> None:
        self._on = False

    def look(self, host_ns: int) -> None:
        self._history.look(host_ns, self._on)

    def _switch(self, call: Call) -> None:
        self.look(call.now_ns)
        self._on = switch(call.arguments[0])

    def _volts(self, call: Call) -> str:
        _, voltage_v = self._mean(call)
        return self._read(voltage_v, 5e-4, self.READ_BACK_V)

    def _amperes(self, call: Call) -> str:
        current_a, _ = self._mean(call)
        return self._read(current_a, 5e-5, self.READ_BACK_A)

    def _mean(self, call: Call) -> tuple[float, float]:
        self.look(call.now_ns)
        if self._selected != self._channel:
            return 0.0, 0.0
        margin_ns = (self.MEASURING_NS - self.INTEGRATION_NS) // 2
        return self._history.mean(call.begun_ns + margin_ns, call.now_ns - margin_ns)


class Multimeter(_OnRs232):
    """A 34401A that measures the direct current through it, up to 3 A."""

    PLC_NS = 20 * MS
    PLCS = (0.02, 0.2, 1.0, 10.0, 100.0)
    RANGES_A = (0.01, 0.1, 1.0, 3.0)
    STEP_A = 1e-6

    def __init__(self, history: History, seed: int) -> None:
        self._plc = 10.0
        self._reading: str | None = None
        super().__init__(f"HEWLETT-PACKARD,34401A,SIM-{seed},11-5-2 EMULATED", history, seed)
        self.add("MEASure:CURRent[:DC]?", self._measure, range(3), self._takes_preset_ns)
        self.add("CONFigure:CURRent[:DC]", self._configure, range(3))
        self.add("CONFigure?", lambda _: f'"CURR {real(self.RANGES_A[-1])},{real(self.STEP_A)}"')
        self.add("READ?", self._take, takes_ns=self._takes_ns)
        self.add("INITiate[:IMMediate]", self._initiate, takes_ns=self._takes_ns)
        self.add("FETCh?", self._fetch)
        for source in ("", "SENSe:"):
            self.add(f"{source}CURRent[:DC]:NPLCycles", self._set_plc, 1)
            self.add(f"{source}CURRent[:DC]:NPLCycles?", lambda _: real(self._plc))
            self.add(f"{source}CURRent[:DC]:RANGe", lambda call: self._check_range(call.arguments[:1]), 1)
            self.add(f"{source}CURRent[:DC]:RANGe?", lambda _: real(self.RANGES_A[-1]))
            self.add(f"{source}CURRent[:DC]:RANGe:AUTO", _accept_switch, 1)
            self.add(f"{source}CURRent[:DC]:RANGe:AUTO?", lambda _: "1")
            self.add(f"{source}CURRent[:DC]:RESolution?", lambda _: real(self.STEP_A))
            self.add(f"{source}FUNCtion", _only_current, 1)
            self.add(f"{source}FUNCtion?", lambda _: '"CURR"')
            self.remember(f"{source}ZERO:AUTO", "1")
            self.remember(f"{source}DETector:BANDwidth", real(20.0))
        for form, only, answer in (
            ("TRIGger:SOURce", _accept_immediate, "IMM"),
            ("TRIGger:COUNt", _only_one, real(1.0)),
            ("SAMPle:COUNt", _only_one, real(1.0)),
        ):
            self.add(form, only, 1)
            self.add(f"{form}?", partial(_tell, answer))
        self.remember("TRIGger:DELay", real(0.0))
        self.remember("TRIGger:DELay:AUTO", "1")
        self.remember("INPut:IMPedance:AUTO", "0")
        self.add("ROUTe:TERMinals?", lambda _: "FRON")

    def preset(self) -> None:
        self._plc = 10.0
        self._reading = None

    def _takes_ns(self) -> int:
        # Every reading is followed by one of the zero.
        return round(2 * self._plc * self.PLC_NS) + QUICK_NS

    def _takes_preset_ns(self) -> int:
        self._plc = 10.0
        return self._takes_ns()

    def _configure(self, call: Call) -> None:
        self._check_range(call.arguments)
        self.preset()

    def _measure(self, call: Call) -> str:
        self._check_range(call.arguments)
        return self._take(call)

    def _take(self, call: Call) -> str:
        self._initiate(call)
        return self._fetch(call)

    def _initiate(self, call: Call) -> None:
        self.look(call.now_ns)
        # An interval shorter than the sampling of the board holds one sample.
        end_ns = min(call.begun_ns + round(self._plc * self.PLC_NS), call.now_ns - 2 * _SETTLE_NS)
        current_a, _ = self._history.mean(call.begun_ns, end_ns)
        self._reading = self._read(current_a, 5e-6 / self._plc**0.5, self.STEP_A)

    def _fetch(self, _call: Call) -> str:
        if self._reading is None:
            raise ScpiError(-230, "Data corrupt or stale")
        return self._reading

    def _set_plc(self, call: Call) -> None:
        plc = number(call.arguments[0])
        if plc not in self.PLCS:
            raise ScpiError(-224, "Illegal parameter value")
        self._plc = plc

    def _check_range(self, arguments: tuple[str, ...]) -> None:
        words = ("DEF", "MIN", "MAX", "AUTO", "DEFAULT", "MINIMUM", "MAXIMUM")
        for argument in arguments:
            if argument.upper() not in words and not 0 < number(argument, "A") <= self.RANGES_A[-1]:
                raise ScpiError(-222, "Data out of range")


def _tell(answer: str, _call: Call) -> str:
    return answer


def _only_high_range(call: Call) -> None:
    if choice(call.arguments[0], "P20V", "HIGH", "P8V", "LOW") not in {"P20V", "HIGH"}:
        raise ScpiError(-221, "Settings conflict")


def _only_current(call: Call) -> None:
    if call.arguments[0].strip("\"'").upper().removesuffix(":DC") not in {"CURR", "CURRENT"}:
        raise ScpiError(-221, "Settings conflict")


def _accept_switch(call: Call) -> None:
    switch(call.arguments[0])


def _accept_immediate(call: Call) -> None:
    choice(call.arguments[0], "IMMediate")


def _conflict(_call: Call) -> None:
    raise ScpiError(-221, "Settings conflict")


def _only_one(call: Call) -> None:
    if number(call.arguments[0]) != 1:
        raise ScpiError(-222, "Data out of range")
