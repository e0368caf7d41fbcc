# SPDX-License-Identifier: Apache-2.0
"""Home-made meters: two that print values, with commas between or after labels, and one that prints JSON objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor_app.emulators.lines.device import LineDevice

if TYPE_CHECKING:
    from monitor_app.emulators.lines.device import Chip, Conversion
    from monitor_app.emulators.runtime.send_queue import SendQueue

MAX_JSON_HZ = 400
REMIND_US = 300_000
"""How often it repeats that it is simulated, for hosts that open the port later."""
_ENDING = "\r\n"
"""As Arduino's println."""


class CsvMeter(LineDevice):
    """Prints `time_us,current_mA,voltage_V` from power-up on and knows no commands."""

    def __init__(self, chip: Chip, queue: SendQueue, host_ns: int) -> None:
        super().__init__(chip, queue, _ENDING)
        self.begin(host_ns)

    def begin(self, host_ns: int) -> None:
        self._remind_us = 0
        self.say("# SIMULATED current and voltage meter")
        self.say("time_us,current_mA,voltage_V")

    def obey(self, line: str, host_ns: int) -> None:
        pass

    def show(self, conversions: list[Conversion], host_ns: int) -> None:
        for conversion in conversions:
            if conversion.time_us - self._remind_us >= REMIND_US:
                self._remind_us = conversion.time_us
                self.offer("# SIMULATED")
            self.offer(self.line(conversion))

    def line(self, conversion: Conversion) -> str:
        """What it prints of one conversion."""
        return f"{conversion.time_us},{conversion.amperes * 1e3:.3f},{conversion.volts:.5f}"


class LabelledMeter(CsvMeter):
    """Prints `Voltage(V):5.01,Current(mA):12.3` from power-up on, as for Arduino's serial plotter."""

    def begin(self, host_ns: int) -> None:
        self._remind_us = 0
        self.say("# SIMULATED current and voltage meter")

    def line(self, conversion: Conversion) -> str:
        return f"Voltage(V):{conversion.volts:.5f},Current(mA):{conversion.amperes * 1e3:.3f}"


class JsonMeter(LineDevice):
    """Prints JSON objects between START and STOP; its other commands are PING and SR (samples a second)."""

    def __init__(self, chip: Chip, queue: SendQueue, host_ns: int) -> None:
        super().__init__(chip, queue, _ENDING)
        self._power_up_us = chip.period_us
        self.begin(host_ns)

    def begin(self, host_ns: int) -> None:
        self._streaming = False
        self.chip.configure(self._power_up_us)
        self._tell(type="INFO", msg="INA226 bridge ready, SIMULATED", chip="INA226", addr="0x40")

    def obey(self, line: str, host_ns: int) -> None:
        if not line:
            return
        name, *arguments = line.split()
        if name.upper() == "PING" and not arguments:
            self._tell(type="PONG")
        elif name.upper() in {"START", "STOP"} and not arguments:
            # What was ready before the command came is not part of what it asks for.
            self.tick(host_ns)
            self._streaming = name.upper() == "START"
            # For hosts that missed what it sent at power-up.
            self._tell(type="ACK", cmd=name.upper(), **({"msg": "SIMULATED"} if self._streaming else {}))
        elif name == "SR" and arguments:
            rate_hz = min(max(_whole(arguments[0]), 1), MAX_JSON_HZ)
            self.tick(host_ns)
            self.chip.configure(1e6 / rate_hz)
            self._tell(type="ACK", cmd="SR", hz=rate_hz)
        else:
            self._tell(type="ERR", msg="Unknown cmd", line=line)

    def show(self, conversions: list[Conversion], host_ns: int) -> None:
        if not self._streaming:
            return
        for one in conversions:
            self.offer(
                f'{{"v":1,"chip":"INA226","seq":{one.seq},"t_us":{one.time_us},'
                f'"current":{one.amperes:.6f},"voltage":{one.volts:.5f}}}'
            )

    def _tell(self, **what: str | int) -> None:
        self.say(json.dumps({"v": 1, **what}, separators=(",", ":")))


def _whole(word: str) -> int:
    """As a microcontroller reads a number: 0 where there is none."""
    digits = ""
    for character in word:
        if not character.isdigit():
            break
        digits += character
    return int(digits or "0")
