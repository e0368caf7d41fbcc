# SPDX-License-Identifier: Apache-2.0
"""The firmware of a Nordic PPK2: what it answers and sends, in simulated time.

Nothing here reads a clock or touches a line.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.emulators.ppk2.meter import CALIBRATION, MAX_A, RANGES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from monitor_app.emulators.board.energy_log import EnergyLog
    from monitor_app.emulators.board.sampler import Sampler, Taken
    from monitor_app.emulators.ppk2.meter import Meter
    from monitor_app.emulators.runtime.send_queue import SendQueue

SAMPLE_RATE_HZ = 100_000.0
SHARE = 1 / 8
"""Of the board's power, so that it fits 5 V and 1 A."""
SAMPLES_PER_WAKE = 900
# Samples leave the device this late, as over USB; a change of the load signal seldom travels longer.
SETTLE_NS = 400_000
PIECE_BYTES = 64
PIECE_NS = 1_000_000
MIN_MV, MAX_MV = 800, 5_000

_MAX_SAMPLES_AT_ONCE = 10 * SAMPLES_PER_WAKE
# Of the counter a loss of a multiple of 64 samples leaves no trace.
_SAMPLES_PER_TRANSFER = 300
_BOOT_NS = 300_000_000


class Command(IntEnum):
    """What a host sends, as far as the firmware knows it."""

    AVERAGE_START = 0x06
    AVERAGE_STOP = 0x07
    DEVICE_RUNNING_SET = 0x0C
    REGULATOR_SET = 0x0D
    SET_POWER_MODE = 0x11
    SPIKE_FILTER_ON = 0x15
    SPIKE_FILTER_OFF = 0x16
    GET_METADATA = 0x19
    RESET = 0x20
    SET_USER_GAINS = 0x25


class Mode(IntEnum):
    """Where the current comes from."""

    AMPERE = 1
    SOURCE = 2


@dataclass(frozen=True)
class Settings:
    """What commands change, as after power-up."""

    vdd_mv: int
    mode: Mode = Mode.SOURCE
    running: bool = False
    """Whether the supply is switched through in source mode."""


class Ppk2Device:
    """Obeys commands and streams samples into `queue`.

    Args:
        hardware: number of the unit, as the metadata report it.
        supply_v: of the supply that feeds the board in ampere mode; also what the regulator is set to at first.
        meter: what converts.
        sampler: takes what a board draws that is eight times as large.
        queue: takes what the device sends.
        energy_log: counts the energy that the board really got, from each start of the stream.
    """

    def __init__(
        self,
        hardware: int,
        supply_v: float,
        meter: Meter,
        sampler: Sampler,
        queue: SendQueue,
        energy_log: EnergyLog,
    ) -> None:
        self.streaming = False
        self._hardware = hardware
        self._supply_v = supply_v
        self._meter = meter
        self._sampler = sampler
        self._queue = queue
        self._energy_log = energy_log
        self._settings = self._initial = Settings(vdd_mv=round(supply_v * 1000))
        self._gains = [1.0] * RANGES
        self._inbox = bytearray()
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._deaf_until_ns: int | None = None
        # Bytes that follow the command, and what to do with them.
        self._commands: dict[int, tuple[int, Callable[[bytes, int], None]]] = {
            Command.AVERAGE_START: (0, self._start),
            Command.AVERAGE_STOP: (0, self._stop),
            Command.DEVICE_RUNNING_SET: (1, self._set_running),
            Command.REGULATOR_SET: (2, self._set_regulator),
            Command.SET_POWER_MODE: (1, self._set_mode),
            # The samples are filtered by the host, whatever this says.
            Command.SPIKE_FILTER_ON: (0, self._ignore),
            Command.SPIKE_FILTER_OFF: (0, self._ignore),
            Command.GET_METADATA: (0, self._tell_metadata),
            Command.RESET: (0, self._restart),
            Command.SET_USER_GAINS: (5, self._set_gain),
        }

    def receive(self, chunk: bytes, host_ns: int) -> None:
        """Obey the commands that end in `chunk`, whose last byte was read at `host_ns`."""
        self._inbox += chunk
        while self._inbox:
            if self._deaf_until_ns is not None and host_ns < self._deaf_until_ns:
                self._inbox.clear()
                return
            size, obey = self._commands.get(self._inbox[0], (len(self._inbox) - 1, self._ignore))
            if len(self._inbox) <= size:
                return
            following = bytes(self._inbox[1 : 1 + size])
            del self._inbox[: 1 + size]
            obey(following, host_ns)

    def due_ns(self) -> int | None:
        """When to call `tick` next; None while there is nothing to send."""
        due = [self._pieces[0][0]] if self._pieces else []
        if self.streaming:
            due.append(self._sampler.clock.begun_ns(self._sampler.next + SAMPLES_PER_WAKE - 1) + SETTLE_NS)
        return min(due, default=None)

    def tick(self, host_ns: int) -> None:
        """Take the samples that are due, or follow the board while nothing streams; send what is due of an answer."""
        self._send_pieces(host_ns)
        settled = self._begun(host_ns - SETTLE_NS)
        if not self.streaming:
            self._sampler.skip(settled)
        elif settled >= self._sampler.next + SAMPLES_PER_WAKE:
            self._send(min(settled, self._sampler.next + _MAX_SAMPLES_AT_ONCE))

    def reset(self, host_ns: int) -> None:
        """Begin again as after power-up; the gains are in flash memory."""
        if self.streaming:
            self._energy_log.write()
        self.streaming = False
        self._settings = self._initial
        self._inbox.clear()
        self._pieces.clear()
        self._queue.clear()
        self._sampler.restart(host_ns)
        self._deaf_until_ns = host_ns + _BOOT_NS

    # Commands.

    def _start(self, _: bytes, host_ns: int) -> None:
        if self.streaming:
            return
        self._send_pieces(None)
        self.streaming = True
        self._sampler.skip(self._begun(host_ns))
        self._meter.settle()
        self._energy_log.restart(self._sampler.next)

    def _stop(self, _: bytes, host_ns: int) -> None:
        if self.streaming:
            self._send(self._begun(host_ns))
            self._energy_log.write()
        self.streaming = False

    def _set_running(self, following: bytes, host_ns: int) -> None:
        self._change(host_ns, replace(self._settings, running=following[0] != 0))

    def _set_regulator(self, following: bytes, host_ns: int) -> None:
        wanted_mv = int.from_bytes(following, "big")
        self._change(host_ns, replace(self._settings, vdd_mv=min(max(wanted_mv, MIN_MV), MAX_MV)))

    def _set_mode(self, following: bytes, host_ns: int) -> None:
        if following[0] in set(Mode):
            self._change(host_ns, replace(self._settings, mode=Mode(following[0])))

    def _set_gain(self, following: bytes, _: int) -> None:
        number, gain = struct.unpack("<Bf", following)
        if number < RANGES and math.isfinite(gain):
            self._gains[number] = gain

    def _restart(self, _: bytes, host_ns: int) -> None:
        self.reset(host_ns)

    def _ignore(self, _: bytes, _host_ns: int) -> None:
        pass

    def _change(self, host_ns: int, settings: Settings) -> None:
        if self.streaming:
            self._send(self._begun(host_ns))
        self._settings = settings

    # Metadata.

    def _tell_metadata(self, _: bytes, host_ns: int) -> None:
        text = self._metadata().encode()
        self._pieces += [
            (host_ns + at // PIECE_BYTES * PIECE_NS, text[at : at + PIECE_BYTES])
            for at in range(0, len(text), PIECE_BYTES)
        ]
        self._send_pieces(host_ns)

    def _send_pieces(self, host_ns: int | None) -> None:
        while self._pieces and (host_ns is None or self._pieces[0][0] <= host_ns):
            self._queue.put(self._pieces.popleft()[1])

    def _metadata(self) -> str:
        def lines(key: str, values: list[float], places: int) -> list[str]:
            return [f"{key}{number}: {value:.{places}f}" for number, value in enumerate(values)]

        return "".join(
            line + "\n"
            for line in (
                "Calibrated: 1",
                *lines("R", [one.r_ohm for one in CALIBRATION], 4),
                *lines("GS", [one.gs for one in CALIBRATION], 4),
                *lines("GI", [one.gi for one in CALIBRATION], 4),
                *lines("O", [one.o for one in CALIBRATION], 4),
                f"VDD: {self._settings.vdd_mv}",
                f"HW: {self._hardware}",
                f"mode: {self._settings.mode:d}",
                *lines("S", [one.s for one in CALIBRATION], 9),
                *lines("I", [one.i for one in CALIBRATION], 9),
                *lines("UG", self._gains, 6),
                # What a real unit prints of a constant that was never set.
                "IA: -nan",
                "emulated: 1",
                "END",
            )
        )

    # Samples.

    def _begun(self, host_ns: int) -> int:
        """Samples begun by then, the one that is being taken included."""
        return int(self._sampler.clock.count_at(host_ns)) + 1

    def _send(self, end: int) -> None:
        while self._sampler.next < end:
            taken = self._sampler.take(min(SAMPLES_PER_WAKE, end - self._sampler.next))
            current_a, voltage_v = self._supply(taken)
            energy_j = float(np.sum(current_a)) * voltage_v / self._sampler.clock.rate_hz
            self._energy_log.add(replace(taken, energy_j=energy_j))
            samples = self._samples(taken, current_a)
            for start in range(0, len(samples), _SAMPLES_PER_TRANSFER):
                self._queue.offer(samples[start : start + _SAMPLES_PER_TRANSFER].tobytes())

    def _supply(self, taken: Taken) -> tuple[npt.NDArray[np.float64], float]:
        settings = self._settings
        if settings.mode is Mode.SOURCE and not settings.running:
            return np.zeros(len(taken.busy)), 0.0
        voltage_v = settings.vdd_mv / 1000 if settings.mode is Mode.SOURCE else self._supply_v
        return np.minimum(SHARE * taken.current_a * taken.voltage_v / voltage_v, MAX_A), voltage_v

    def _samples(self, taken: Taken, current_a: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
        samples = self._meter.convert(current_a, self._settings.vdd_mv / 1000)
        counter = np.arange(taken.first, taken.first + len(samples)) & 0x3F
        samples |= counter.astype(np.uint32) << np.uint32(18)
        samples |= taken.busy.astype(np.uint32) << np.uint32(24)
        samples |= taken.sync.astype(np.uint32) << np.uint32(25)
        return samples.astype("<u4", copy=False)
