# SPDX-License-Identifier: Apache-2.0
"""An oscilloscope (MSO-X 2024A) with a current probe around the supply line of the board.

It takes a record on :DIGitize or :SINGle and hands it out as the preamble says how to read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.emulators.board.boards import Edge, LoadState, at_the_meter, follow, power
from monitor_app.emulators.board.load_signal import Line
from monitor_app.emulators.scpi.device import MS, Instrument
from monitor_app.emulators.scpi.language import ScpiError, block, choice, number, real, switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from monitor_app.emulators.board.boards import Board
    from monitor_app.emulators.board.load_signal import LevelChange
    from monitor_app.emulators.scpi.device import Call

PROBE_V_PER_A = 0.1
MEMORY = 100_000
"""Samples of a record."""
MAX_RATE_HZ = 2e9
CHANNELS = 4
_SETTLE_NS = 10 * MS
_MAX_EDGES = 10_000
_NOISE_V = 4e-4
_TYPES = {"NORM": 0, "PEAK": 1, "AVER": 2, "HRES": 3}
_FORMATS = {"BYTE": 0, "WORD": 1}
_IDENTITY = "AGILENT TECHNOLOGIES,MSO-X 2024A,SIM-{seed},02.65 EMULATED"


class Probe:
    """A current probe, 100 mV/A, around the supply line.

    Args:
        board: what is fed; it has power from `origin_ns` on.
        origin_ns: a host time.
        seed: of the noise.
    """

    def __init__(self, board: Board, origin_ns: int, seed: int) -> None:
        self._board = board
        self._origin_ns = origin_ns
        self._noise = np.random.default_rng(seed)
        self._state = LoadState()
        self._edges: list[Edge] = []

    def change(self, changes: Iterable[LevelChange]) -> None:
        """Take changes of the load signal."""
        self._edges += [
            Edge((one.host_ns - self._origin_ns) * 1e-9, one.level) for one in changes if one.line is Line.BUSY
        ]
        self._edges.sort(key=lambda edge: edge.time_s)
        if len(self._edges) > _MAX_EDGES:
            self._pass(self._edges[-_MAX_EDGES // 2].time_s)

    def record(self, start_ns: int, interval_s: float, count: int) -> npt.NDArray[np.float64]:
        """Volts at the input of the scope."""
        times_s: npt.NDArray[np.float64] = interval_s * np.arange(count, dtype=np.float64)
        times_s += (start_ns - self._origin_ns) * 1e-9
        edges = self._pass(float(times_s[0]))
        later = [edge for edge in edges if edge.time_s <= times_s[-1]]
        load, *_ = follow(self._board, self._state, later, times_s)
        current_a, _ = at_the_meter(self._board, power(self._board, load, times_s))
        return PROBE_V_PER_A * current_a + _NOISE_V * self._noise.standard_normal(count)

    def _pass(self, time_s: float) -> list[Edge]:
        """Forget the edges before a time, but for what they did; those that are left."""
        past = [edge for edge in self._edges if edge.time_s < time_s]
        del self._edges[: len(past)]
        late = [Edge(max(edge.time_s, self._state.time_s), edge.busy) for edge in past]
        *_, self._state = follow(self._board, self._state, late, np.empty(0))
        return self._edges


_REMEMBERED = {
    "CHANnel#:DISPlay": "1", "CHANnel#:COUPling": "DC", "CHANnel#:PROBe": "+1.0E+00", "CHANnel#:UNITs": "VOLT",
    "CHANnel#:BWLimit": "0", "CHANnel#:INVert": "0", "CHANnel#:IMPedance": "ONEM", "CHANnel#:LABel": '"1"',
    "CHANnel#:PROBe:SKEW": "+0.0E+00", "TIMebase:MODE": "MAIN", "TIMebase:REFerence": "CENT", "TRIGger:SWEep": "AUTO",
    "TRIGger:MODE": "EDGE", "TRIGger:EDGE:SOURce": "CHAN1", "TRIGger:EDGE:LEVel": "+0.0E+00",
    "TRIGger:EDGE:SLOPe": "POS", "TRIGger:EDGE:COUPling": "DC", "TRIGger:HOLDoff": "+4.0E-08", "ACQuire:MODE": "RTIM",
    "ACQuire:COUNt": "+8", "ACQuire:COMPlete": "+100", "SYSTem:HEADer": "0",
}  # fmt: skip
"""Settings that change nothing that can be seen here, and what they are after a preset."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What was taken: codes of 16 bits, as the screen shows them."""

    codes: npt.NDArray[np.uint16]
    interval_s: float
    first_s: float
    volts: float
    """From the bottom of the screen to its top."""
    centre_v: float
    kind: str


class Scope(Instrument):
    """Channel 1 has the probe; the others have nothing."""

    def __init__(self, probe: Probe, seed: int, clock_ppm: float = 0.0) -> None:
        self._probe = probe
        self._stretch = 1.0 / (1.0 + clock_ppm * 1e-6)
        super().__init__(_IDENTITY.format(seed=seed))
        self._armed: tuple[int, int] | None = None
        self._record: _Record | None = None
        self.preset()
        # As it was set when the probe was clamped on: the supply current from 0 to 0.8 A.
        self._set(range_v=0.16)
        self._add_settings()
        self.add("DIGitize", self._digitize, range(CHANNELS + 1), self._record_ns)
        self.add("SINGle", self._single)
        self.add("RUN", self._run)
        self.add("STOP", self._stop)
        self.add("OPERegister:CONDition?", self._condition)
        self.add("WAVeform:PREamble?", self._preamble)
        self.add("WAVeform:DATA?", self._data)
        self.add("WAVeform:POINts", self._set_points, range(1, 3))
        self.add("WAVeform:POINts?", lambda call: f"{self._view(call)[1]:+d}")
        for position, word in enumerate(("XINCrement", "XORigin", "XREFerence", "YINCrement", "YORigin", "YREFerence")):
            self.add(f"WAVeform:{word}?", partial(self._field, position + 4))
        self.add("ACQuire:SRATe[:ANALog]?", lambda _: real(1.0 / self._interval()[0]))
        self.add("CHANnel#?", self._channel_settings)
        self.add("TIMebase?", self._time_settings)
        self.add("ACQuire:POINts[:ANALog]?", lambda _: f"{self._interval()[1]:+d}")

    def preset(self) -> None:
        self._values: dict[str, float | str | bool] = {}
        self._set(range_v=40.0, offset_v=0.0, range_s=1e-3, position_s=0.0, kind="NORM", count=8.0)
        self._set(format="BYTE", unsigned=True, order="MSBF", mode="NORM", points=1000.0, source="CHAN1")
        self._armed = None
        self._record = None

    def power_up(self, host_ns: int) -> None:
        super().power_up(host_ns)
        self._set(range_v=0.16)

    # Settings.

    def _add_settings(self) -> None:
        divisions_x, divisions_y = 10.0, 8.0
        self._setting("TIMebase:RANGe", "range_s", _within(2e-8, 500.0))
        self._setting("TIMebase:SCALe", "range_s", _within(2e-9, 50.0), divisions_x)
        self._setting("TIMebase:POSition", "position_s", _within(-500.0, 500.0))
        self._setting("CHANnel#:RANGe", "range_v", _within(8e-3, 40.0, "V"))
        self._setting("CHANnel#:SCALe", "range_v", _within(1e-3, 5.0, "V"), divisions_y)
        self._setting("CHANnel#:OFFSet", "offset_v", _within(-50.0, 50.0, "V"))
        self._setting("ACQuire:TYPE", "kind", lambda text: choice(text, "NORMal", "HRESolution"))
        self._setting("WAVeform:FORMat", "format", lambda text: choice(text, "BYTE", "WORD"))
        self._setting("WAVeform:BYTeorder", "order", lambda text: choice(text, "MSBFirst", "LSBFirst"))
        self._setting("WAVeform:UNSigned", "unsigned", switch)
        self._setting("WAVeform:POINts:MODE", "mode", lambda text: choice(text, "NORMal", "MAXimum", "RAW"))
        self._setting("WAVeform:SOURce", "source", _source)
        # These change nothing that can be seen here.
        for form, usual in _REMEMBERED.items():
            self.remember(form, usual)

    def _setting(self, form: str, name: str, read: Callable[[str], float | str | bool], per: float = 1.0) -> None:
        def write(call: Call) -> None:
            value = read(call.arguments[0])
            # Only the channel with the probe has settings that matter.
            if not ("#" in form and call.suffix != 1):
                self._set(**{name: value * per if isinstance(value, float) else value})

        def answer(_: Call) -> str:
            value = self._values[name]
            if isinstance(value, bool):
                return str(int(value))
            return real(value / per) if isinstance(value, float) else value

        self.add(form, write, 1)
        self.add(f"{form}?", answer)

    def _set(self, **values: float | str | bool) -> None:
        self._values.update(values)

    def _number(self, name: str) -> float:
        return float(self._values[name])

    def _channel_settings(self, call: Call) -> str:
        return (
            f":CHAN{call.suffix}:RANG {real(self._number('range_v'))};OFFS {real(self._number('offset_v'))};COUP DC;"
            'IMP ONEM;DISP 1;BWL 0;INV 0;LAB "1";UNIT VOLT;PROB +1E+00;PROB:SKEW +0.00E+00;STYP SING'
        )

    def _time_settings(self, _call: Call) -> str:
        range_s, position_s = real(self._number("range_s")), real(self._number("position_s"))
        return f":TIM:MODE MAIN;REF CENT;MAIN:RANG {range_s};POS {position_s}"

    def _set_points(self, call: Call) -> None:
        text = call.arguments[0].upper()
        points = MEMORY if text in {"MAX", "MAXIMUM"} else number(text)
        if not 100 <= points <= 8e6:
            raise ScpiError(-222, "Data out of range")
        self._set(points=float(int(points)))

    # Records.

    def _interval(self) -> tuple[float, int]:
        """Seconds from sample to sample, and how many there are."""
        count = int(min(MEMORY, self._number("range_s") * MAX_RATE_HZ))
        return self._number("range_s") / count, count

    def _record_ns(self) -> int:
        return round(self._number("range_s") * self._stretch * 1e9) + _SETTLE_NS

    def _digitize(self, call: Call) -> None:
        for argument in call.arguments:
            _source(argument)
        self._take(call.begun_ns)

    def _single(self, call: Call) -> None:
        self._record = None
        self._armed = (call.now_ns, call.now_ns + self._record_ns())

    def _run(self, _call: Call) -> None:
        self._armed = None
        self._record = None

    def _stop(self, call: Call) -> None:
        self._finish(call)
        self._armed = None

    def _condition(self, call: Call) -> str:
        self._finish(call)
        running = 8
        return f"{running if self._record is None else 0:+d}"

    def _finish(self, call: Call) -> None:
        if self._armed is not None and call.now_ns >= self._armed[1]:
            self._take(self._armed[0])

    def _take(self, start_ns: int) -> None:
        interval_s, count = self._interval()
        volts = self._probe.record(start_ns, interval_s * self._stretch, count)
        range_v, centre_v = self._number("range_v"), self._number("offset_v")
        # High resolution averages what it has no memory for.
        levels = 4_096 if self._values["kind"] == "HRES" else 256
        steps = np.rint((volts - centre_v) / (range_v / levels)) + levels // 2
        # The lowest code of all stands for what was not sampled.
        codes = np.clip(steps, levels // 256, levels - 1).astype(np.uint16) * (65_536 // levels)
        first_s = self._number("position_s") - self._number("range_s") / 2
        kind = str(self._values["kind"])
        self._record = _Record(codes.astype(np.uint16), interval_s, first_s, range_v, centre_v, kind)
        self._armed = None

    # What is handed out.

    def _view(self, call: Call) -> tuple[_Record, int]:
        self._finish(call)
        if self._record is None or self._values["source"] != "CHAN1":
            raise ScpiError(-230, "Data corrupt or stale")
        return self._record, int(min(self._number("points"), len(self._record.codes)))

    def _preamble(self, call: Call) -> str:
        record, points = self._view(call)
        levels = 65_536 if self._values["format"] == "WORD" else 256
        reference = levels // 2 if self._values["unsigned"] else 0
        return (
            f"{_FORMATS[str(self._values['format'])]:+d},{_TYPES[record.kind]:+d},{points:+d},+1,"
            f"{real(record.interval_s * len(record.codes) / points)},{real(record.first_s)},+0,"
            f"{real(record.volts / levels)},{real(record.centre_v)},{reference:+d}"
        )

    def _field(self, position: int, call: Call) -> str:
        return self._preamble(call).split(",")[position]

    def _data(self, call: Call) -> bytes:
        record, points = self._view(call)
        codes = record.codes[np.arange(points) * len(record.codes) // points].astype(np.int32)
        if self._values["format"] == "BYTE":
            codes >>= 8
            codes -= 0 if self._values["unsigned"] else 128
            return block(codes.astype(np.uint8).tobytes())
        codes -= 0 if self._values["unsigned"] else 32_768
        order = ">" if self._values["order"] == "MSBF" else "<"
        return block(codes.astype(np.uint16).astype(f"{order}u2").tobytes())


def _within(lowest: float, highest: float, unit: str = "S") -> Callable[[str], float]:
    def read(text: str) -> float:
        value = number(text, unit)
        if not lowest <= value <= highest:
            raise ScpiError(-222, "Data out of range")
        return value

    return read


def _source(text: str) -> str:
    return choice(text, *(f"CHANnel{channel}" for channel in range(1, CHANNELS + 1)))
