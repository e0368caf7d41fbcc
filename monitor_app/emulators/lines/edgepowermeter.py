# SPDX-License-Identifier: Apache-2.0
"""The firmware of an EdgePowerMeter: version 2 with its commands and raw lines, and version 1, which only prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from monitor_app.emulators.lines.device import MAX_LINE, SHUNT_OHM, LineDevice

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.emulators.lines.device import Chip, Conversion
    from monitor_app.emulators.runtime.send_queue import SendQueue

VERSION = "2.0.0-emulated"
"""A real one does not say `emulated`."""
OLD_VERSION = "1.7-emulated"
PROTOCOL = 2
CSV_HEADER = "Timestamp,Voltage[V],Current[A],Power[W]"
AVERAGES = (1, 4, 16, 64, 128, 256, 512, 1024)
CONVERSION_US = (140, 204, 332, 588, 1100, 2116, 4156, 8244)
_FASTEST_US = 500
"""Duration of one pass of the main loop; it does not see every conversion that is shorter."""
_NS = 1e9
_Meaning = TypeVar("_Meaning")


@dataclass(frozen=True, slots=True)
class Settings:
    """What SAVE keeps."""

    avg: int = 1
    vct: int = 332
    ict: int = 588
    shunt: float = SHUNT_OHM
    oled: int = 1

    @property
    def period_us(self) -> int:
        """Of a conversion."""
        return (self.vct + self.ict) * self.avg

    @property
    def read_every(self) -> int:
        """One in this many conversions is seen."""
        return -(-_FASTEST_US // self.period_us)


class _RefusedError(Exception):
    """A command that is answered with !ERR and a reason."""


class RealTimeClock:
    """Holds local time and counts seconds by the host's clock."""

    def __init__(self, epoch_s: float, host_ns: int) -> None:
        self._epoch_s = epoch_s
        self._host_ns = host_ns

    def set(self, epoch_s: float, host_ns: int) -> None:
        """Set the time."""
        self._epoch_s, self._host_ns = epoch_s, host_ns

    def read(self, host_ns: int) -> float:
        """Seconds since 1970 of the local calendar."""
        return self._epoch_s + (host_ns - self._host_ns) / _NS

    def host_ns(self, epoch_s: int) -> int:
        """When that second began, or will begin."""
        return self._host_ns + round((epoch_s - self._epoch_s) * _NS)


class EdgePowerMeter(LineDevice):
    """Firmware 2: prints CSV lines after power-up, and raw lines on command."""

    def __init__(self, chip: Chip, queue: SendQueue, clock: RealTimeClock, host_ns: int) -> None:
        super().__init__(chip, queue)
        self._clock = clock
        self._saved = Settings()
        self._commands: dict[str, Callable[[list[str], int], None]] = {
            "HELLO": self._hello,
            "GET": self._get,
            "MODE": self._mode,
            "SET": self._set,
            "SYNC": self._sync,
            "SAVE": self._save,
        }
        self.begin(host_ns)

    def begin(self, host_ns: int) -> None:
        self._settings = self._saved
        self._raw = False
        self._streaming = True
        self._configure()
        self._anchor: tuple[int, int] | None = None
        self._next_second = int(self._clock.read(host_ns)) + 1
        self.say("# INA226 found at 0x40")
        self.say(f"# EdgePowerMeter v{VERSION} ready (protocol {PROTOCOL})")
        self.say(CSV_HEADER)

    def obey(self, line: str, host_ns: int) -> None:
        if not line:
            return
        if len(line) > MAX_LINE:
            self.say("!ERR ? line_too_long")
            return
        name, *arguments = line.upper().split()
        command = self._commands.get(name)
        try:
            if command is None:
                raise _RefusedError("unknown_command")
            command(arguments, host_ns)
        except _RefusedError as refused:
            self.say(f"!ERR {name} {refused}")

    def show(self, conversions: list[Conversion], host_ns: int) -> None:
        for conversion in conversions:
            self._pass_seconds(conversion.time_us)
            if not self._streaming:
                continue
            if self._raw:
                self.offer(f"D,{conversion.seq},{conversion.time_us},{conversion.bus},{conversion.shunt}")
            else:
                self.offer(self._csv(conversion, host_ns))

    # Commands; each prints one line that begins with "!".

    def _hello(self, _arguments: list[str], _host_ns: int) -> None:
        self.say(f"!HELLO,EdgePowerMeter,{VERSION},{PROTOCOL}")

    def _get(self, _arguments: list[str], _host_ns: int) -> None:
        now = self._settings
        self.say(
            f"!CFG,avg={now.avg},vct={now.vct},ict={now.ict},shunt={now.shunt:.5f},oled={now.oled},"
            f"stream={int(self._streaming)},mode={'RAW' if self._raw else 'CSV'},sqw=1,period_us={now.period_us}"
        )

    def _mode(self, arguments: list[str], _host_ns: int) -> None:
        [mode] = _given(arguments, 1)
        self._raw = _one_of(mode, {"RAW": True, "CSV": False})
        self.say("!OK MODE")
        if self._raw:
            self._tell_anchor()
        else:
            self.say(CSV_HEADER)

    def _set(self, arguments: list[str], _host_ns: int) -> None:
        name, value = _given(arguments, 2)
        if name == "STREAM":
            self._streaming = _one_of(value, {"0": False, "1": True})
        else:
            self._change(name, value)
        self.say("!OK SET")
        if name == "STREAM" and self._streaming and self._raw:
            self._tell_anchor()

    def _change(self, name: str, value: str) -> None:
        allowed = {"AVG": AVERAGES, "VCT": CONVERSION_US, "ICT": CONVERSION_US, "OLED": (0, 1)}
        if name == "SHUNT":
            self._settings = replace(self._settings, shunt=_ohms(value))
        elif name in allowed:
            number = _one_of(value, {str(number): number for number in allowed[name]})
            self._settings = replace(self._settings, **{name.lower(): number})
            if name != "OLED":
                self._configure()
        else:
            raise _RefusedError("unknown_parameter")

    def _sync(self, arguments: list[str], host_ns: int) -> None:
        given = " ".join(_given(arguments, 2))
        try:
            epoch_s = int(datetime.strptime(given, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp())
        except ValueError:
            raise _RefusedError("invalid_value") from None
        self._clock.set(epoch_s, host_ns)
        self._next_second = epoch_s + 1
        self._anchor = (self.chip.time_us(host_ns), epoch_s)
        self.say("!OK SYNC")
        if self._raw:
            self._tell_anchor()

    def _save(self, _arguments: list[str], _host_ns: int) -> None:
        self._saved = self._settings
        self.say("!OK SAVE")

    # Lines of data.

    def _configure(self) -> None:
        self.chip.configure(self._settings.period_us, self._settings.read_every)

    def _pass_seconds(self, until_us: int) -> None:
        """Report the seconds that began before a conversion was ready."""
        while (time_us := self.chip.time_us(self._clock.host_ns(self._next_second))) <= until_us:
            self._anchor = (time_us, self._next_second)
            self._next_second += 1
            if self._raw and self._streaming and time_us >= 0:
                self._tell_anchor()

    def _tell_anchor(self) -> None:
        if self._anchor is not None:
            time_us, epoch_s = self._anchor
            self.say(f"T,{time_us},{epoch_s},S")

    def _csv(self, conversion: Conversion, host_ns: int) -> str:
        age_us = self.chip.time_us(host_ns) - conversion.time_us
        # The shunt that was configured, which need not be the one it has.
        amperes = conversion.amperes * SHUNT_OHM / self._settings.shunt
        return _csv_line(self._clock.read(host_ns) - age_us * 1e-6, conversion.volts, amperes)


class OldEdgePowerMeter(LineDevice):
    """Firmware 1: prints CSV lines and knows no commands."""

    def __init__(self, chip: Chip, queue: SendQueue, clock: RealTimeClock, host_ns: int) -> None:
        super().__init__(chip, queue)
        self._clock = clock
        self.begin(host_ns)

    def begin(self, host_ns: int) -> None:
        self.say(f"=== EdgePowerMeter {OLD_VERSION} ===")
        self.say("[INFO] INA226 initialized")
        self.say(CSV_HEADER)

    def obey(self, line: str, host_ns: int) -> None:
        pass

    def show(self, conversions: list[Conversion], host_ns: int) -> None:
        for conversion in conversions:
            age_us = self.chip.time_us(host_ns) - conversion.time_us
            epoch_s = self._clock.read(host_ns) - age_us * 1e-6
            self.offer(_csv_line(epoch_s, conversion.volts, conversion.amperes))


def _csv_line(epoch_s: float, volts: float, amperes: float) -> str:
    milliseconds = int(epoch_s * 1e3)
    when = datetime.fromtimestamp(milliseconds // 1000, tz=timezone.utc)
    return f"{when:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d},{volts:.4f},{amperes:.4f},{volts * amperes:.4f}"


def _given(arguments: list[str], count: int) -> list[str]:
    if len(arguments) < count:
        raise _RefusedError("missing_argument")
    if len(arguments) > count:
        raise _RefusedError("invalid_value")
    return arguments


def _one_of(word: str, meanings: dict[str, _Meaning]) -> _Meaning:
    if word not in meanings:
        raise _RefusedError("invalid_value")
    return meanings[word]


def _ohms(word: str) -> float:
    try:
        ohms = float(word)
    except ValueError:
        raise _RefusedError("invalid_value") from None
    if not 1e-5 <= ohms <= 100.0:
        raise _RefusedError("invalid_value")
    return ohms
