# SPDX-License-Identifier: Apache-2.0
"""A microcontroller with a shunt chip (INA226) that prints lines of text: what all of these have in common.

Nothing here reads a clock or touches a line: `receive` takes bytes in, the send queue holds what goes out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from monitor_app.emulators.board.energy_log import EnergyLog
    from monitor_app.emulators.board.sampler import Sampler
    from monitor_app.emulators.runtime.send_queue import SendQueue

SHUNT_OHM = 0.02
BUS_V, SHUNT_V = 1.25e-3, 2.5e-6
"""One count of the chip's registers."""
INPUT_HZ = 20_000.0
"""The chip integrates: the board is sampled this often, and every conversion is a mean of several samples."""
MEMORY = 4 * 1024
"""Bytes that the microcontroller holds for a host that does not read."""
# A change of the load signal travels this long at most, unless its sender was put off between stamp and send.
SETTLE_NS = 3_000_000
_BATCH_US = 10_000
_MAX_AT_ONCE = 20_000
_NOISE_COUNTS = 0.4
_MAX_BUS, _MAX_SHUNT = 32_767, 32_767
_LOOP_US = (2, 20)
"""How long the main loop takes to see that a conversion is ready."""
MAX_LINE = 95


class Conversion(NamedTuple):
    """What the chip's registers held when a conversion was ready."""

    seq: int
    time_us: int
    """Of the device's clock, since its power-up."""
    bus: int
    shunt: int

    @property
    def volts(self) -> float:
        """At the load."""
        return self.bus * BUS_V

    @property
    def amperes(self) -> float:
        """Through the shunt."""
        return self.shunt * SHUNT_V / SHUNT_OHM


class Chip:
    """Converts without pause and counts.

    Args:
        sampler: the board, sampled `INPUT_HZ` times a second of the device's clock.
        energy_log: counts all samples.
        seed: of the noise.
        period_us: of a conversion, nominal.
    """

    def __init__(self, sampler: Sampler, energy_log: EnergyLog, seed: int, period_us: float) -> None:
        self._sampler = sampler
        self._energy_log = energy_log
        self._random = np.random.default_rng(seed)
        self._seq = 0
        self.configure(period_us)

    def configure(self, period_us: float, every: int = 1) -> None:
        """Begin a conversion of another length, of which only one in `every` is read."""
        self.period_us = period_us * every
        self._width = period_us * 1e-6 * INPUT_HZ
        self._begun = float(self._sampler.next)

    def reset(self, host_ns: int) -> None:
        """Begin again as after power-up."""
        self._energy_log.write()
        self._sampler.restart(host_ns)
        self._energy_log.restart(self._sampler.next)
        self._seq = 0
        self._begun = float(self._sampler.next)

    def time_us(self, host_ns: int) -> int:
        """The device's clock."""
        return int(self._sampler.clock.count_at(host_ns) / INPUT_HZ * 1e6)

    def due_ns(self) -> int:
        """When some conversions are ready."""
        ahead_us = max(self.period_us, _BATCH_US // self.period_us * self.period_us)
        return self._sampler.clock.begun_ns(math.ceil(self._begun + ahead_us * 1e-6 * INPUT_HZ)) + SETTLE_NS

    def take(self, host_ns: int) -> Iterator[Conversion]:
        """The conversions that were ready a moment before `host_ns`."""
        step = self.period_us * 1e-6 * INPUT_HZ
        while (count := self._ready(host_ns, step)) > 0:
            ends = self._begun + step * np.arange(1, count + 1)
            first = self._sampler.next
            taken = self._sampler.take(round(ends[-1]) - first)
            self._energy_log.add(taken)
            self._begun = float(ends[-1])
            last = np.rint(ends).astype(np.int64) - first
            start = np.maximum(np.rint(ends - self._width).astype(np.int64) - first, 0)
            bus = self._counts(taken.voltage_v, start, last, BUS_V, _MAX_BUS)
            shunt = self._counts(taken.current_a * SHUNT_OHM, start, last, SHUNT_V, _MAX_SHUNT)
            times_us = ends / INPUT_HZ * 1e6 + self._random.integers(*_LOOP_US, size=count)
            for one in zip(times_us.astype(np.int64).tolist(), bus, shunt, strict=True):
                yield Conversion(self._seq & 0xFFFF_FFFF, *one)
                self._seq += 1

    def _ready(self, host_ns: int, step: float) -> int:
        settled = self._sampler.clock.count_at(host_ns - SETTLE_NS)
        return int(min(settled - self._begun, _MAX_AT_ONCE) / step)

    def _counts(
        self,
        values: npt.NDArray[np.float64],
        start: npt.NDArray[np.int64],
        end: npt.NDArray[np.int64],
        unit: float,
        largest: int,
    ) -> list[int]:
        sums = np.concatenate(([0.0], np.cumsum(values)))
        means = (sums[end] - sums[start]) / (end - start)
        noisy = means / unit + _NOISE_COUNTS * self._random.standard_normal(len(means))
        counts: list[int] = np.clip(np.rint(noisy), -largest - 1, largest).astype(np.int64).tolist()
        return counts


class LineDevice:
    """Reads commands line by line and prints; a subclass is the firmware.

    Args:
        chip: what is printed of.
        queue: takes what the device sends.
        ending: of the lines that it prints.
    """

    def __init__(self, chip: Chip, queue: SendQueue, ending: str = "\n") -> None:
        self.chip = chip
        self._queue = queue
        self._ending = ending
        self._input = bytearray()

    def receive(self, chunk: bytes, host_ns: int) -> None:
        """Obey the lines that end in `chunk`, whose last byte was read at `host_ns`."""
        *lines, rest = (bytes(self._input) + chunk).split(b"\n")
        # What is longer than any command is only known to have been too long.
        self._input = bytearray(rest[: MAX_LINE + 1])
        for line in lines:
            self.obey(line.rstrip(b"\r").decode("ascii", errors="replace").strip(), host_ns)

    def tick(self, host_ns: int) -> None:
        """Print the conversions that are ready."""
        self.show(list(self.chip.take(host_ns)), host_ns)

    def due_ns(self) -> int | None:
        """When the next conversions are ready."""
        return self.chip.due_ns()

    def reset(self, host_ns: int) -> None:
        """Begin again as after power-up."""
        self._input.clear()
        self.chip.reset(host_ns)
        self.begin(host_ns)

    def say(self, line: str) -> None:
        """Print a line that must not be lost."""
        self._queue.put((line + self._ending).encode())

    def offer(self, line: str) -> None:
        """Print a line of data, if there is room."""
        self._queue.offer((line + self._ending).encode())

    def begin(self, host_ns: int) -> None:
        """Print what is printed after power-up."""
        raise NotImplementedError

    def obey(self, line: str, host_ns: int) -> None:
        """Act on a command."""
        raise NotImplementedError

    def show(self, conversions: list[Conversion], host_ns: int) -> None:
        """Print conversions."""
        raise NotImplementedError
