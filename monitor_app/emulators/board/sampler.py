# SPDX-License-Identifier: Apache-2.0
"""The simulated board on a shunt amplifier and a converter: samples with their levels, codes and energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor_app.emulators.board.boards import Edge, LoadState, at_the_meter, follow, power
from monitor_app.emulators.board.load_signal import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from monitor_app.emulators.board.boards import Board
    from monitor_app.emulators.board.load_signal import LevelChange


CODES = 65_536


@dataclass(frozen=True)
class Channel:
    """One input with the calibration its device holds: value = scale * (code - zero)."""

    name: str
    unit: str
    scale: float
    """SI units per code."""
    zero: float
    accuracy: float
    """Relative accuracy of `scale`, 0 if unknown."""
    noise_codes: float
    """Standard deviation of the amplifier's noise."""


# Neither a round scale nor a round zero, so that tests notice a host that assumes nominal values.
CURRENT = Channel("current", "A", scale=7.6917e-5, zero=32_805.25, accuracy=0.001, noise_codes=1.6)
VOLTAGE = Channel("voltage", "V", scale=4.6013e-4, zero=12.5, accuracy=0.0005, noise_codes=1.2)


class Converter:
    """Takes all its channels at the same instant.

    The noise is drawn sample by sample, so that any split into calls gives the same codes.
    """

    def __init__(self, channels: Sequence[Channel], seed: int) -> None:
        self._scale = np.array([channel.scale for channel in channels])
        self._zero = np.array([channel.zero for channel in channels])
        self._noise_codes = np.array([channel.noise_codes for channel in channels], dtype=np.float32)
        self._noise = np.random.default_rng(seed)

    def digitise(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
        """Codes of `values`, both n samples by C channels, in the channels' units.

        Values out of range are clipped to the first or the last code.
        """
        codes = values / self._scale
        codes += self._zero
        codes += self._noise_codes * self._noise.standard_normal(values.shape, dtype=np.float32)
        np.rint(codes, out=codes)
        np.maximum(codes, 0, out=codes)
        np.minimum(codes, CODES - 1, out=codes)
        digitised: npt.NDArray[np.uint16] = codes.astype(np.uint16)
        return digitised


CHANNELS = (CURRENT, VOLTAGE)
_NS = 1e9
# No load signal of this host can be ahead of its clock; a change far in the future would wait for ever.
_MAX_AHEAD_NS = 1_000_000_000


@dataclass(frozen=True)
class SampleClock:
    """Sample `i` is taken at `origin_ns + i / rate_hz` of the host's clock."""

    origin_ns: int
    rate_hz: float
    """As it really is, the crystal's error included."""

    def count_at(self, host_ns: int) -> float:
        """The sample being taken at `host_ns`, and how far it has gone."""
        return (host_ns - self.origin_ns) * self.rate_hz / _NS

    def begun_ns(self, sample: int) -> int:
        """A time just after `sample` is taken: `count_at` has reached it."""
        begun_ns = self.origin_ns + int(sample * _NS / self.rate_hz) + 1
        # After months the rounding of doubles is a few nanoseconds.
        while self.count_at(begun_ns) < sample:
            begun_ns += 1
        return begun_ns


class LineChange(NamedTuple):
    """A line has another level than one sample before."""

    sample: int
    """Counted from the first that was taken."""
    line: Line
    level: bool


@dataclass(frozen=True)
class Taken:
    """Samples in a row."""

    first: int
    current_a: npt.NDArray[np.float64]
    """What the board draws at each sample, without noise and rounding."""
    voltage_v: npt.NDArray[np.float64]
    codes: npt.NDArray[np.uint16]
    """n samples by C channels."""
    levels: npt.NDArray[np.uint8]
    """Bit `line` is the level of that line at each sample."""
    changes: list[LineChange]
    """Of both lines, in order."""
    energy_j: float
    """What the board drew, without noise and rounding."""

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def busy(self) -> npt.NDArray[np.bool_]:
        """Whether the board is busy at each sample."""
        return self._line(Line.BUSY)

    @property
    def sync(self) -> npt.NDArray[np.bool_]:
        """Level of the sync line at each sample."""
        return self._line(Line.SYNC)

    def _line(self, line: Line) -> npt.NDArray[np.bool_]:
        return (self.levels & (1 << line)).astype(np.bool_)


class _Due(NamedTuple):
    """A change of a line that has not been sampled yet."""

    time_s: float
    line: Line
    level: bool


class Sampler:
    """Takes samples of a board in order, and knows which sample comes next.

    Args:
        board: what is measured; it has power from the clock's origin on.
        clock: when samples are taken.
        seed: of the noise.
        channels: what is converted to codes, those in A and those in V; none gives no codes.
    """

    def __init__(self, board: Board, clock: SampleClock, seed: int, channels: Sequence[Channel] = CHANNELS) -> None:
        self.next = 0
        self.clock = clock
        self._board = board
        self._board_ns = clock.origin_ns
        # Age of the board at sample 0.
        self._since_s = 0.0
        self._units = [channel.unit for channel in channels]
        self._converter = Converter(channels, seed)
        self._state = LoadState()
        self._sync = False
        self._due: list[_Due] = []
        self._last_s = 0.0
        self._levels: int | None = None

    def change(self, changes: Iterable[LevelChange], host_ns: int) -> None:
        """Take changes of the load signal; one whose time has been sampled already acts on the next sample."""
        self._due += [
            _Due((at_ns - self._board_ns) / _NS, line, level)
            for at_ns, level, line in changes
            if at_ns <= host_ns + _MAX_AHEAD_NS
        ]
        self._due.sort(key=lambda due: due.time_s)

    def restart(self, host_ns: int) -> None:
        """Count from 0 again from `host_ns` on, as after the device's power-up; the board has not noticed."""
        self.clock = SampleClock(host_ns, self.clock.rate_hz)
        self._since_s = (host_ns - self._board_ns) / _NS
        self.next = 0
        self.skip(0)

    def skip(self, sample: int) -> None:
        """Skip to `sample` without taking those before it; never back."""
        self.next = max(self.next, sample)
        edges, sync = self._due_until(self._since_s + self.next / self.clock.rate_hz)
        *_, self._state = follow(self._board, self._state, edges, np.empty(0))
        self._sync = sync[-1].level if sync else self._sync
        self._levels = None

    def take(self, count: int) -> Taken:
        """The next `count` samples, at least one."""
        first, self.next = self.next, self.next + count
        times_s = np.arange(first, self.next) / self.clock.rate_hz
        times_s += self._since_s
        edges, sync = self._due_until(float(times_s[-1]))
        load, busy, self._state = follow(self._board, self._state, edges, times_s)
        levels = busy.view(np.uint8) | self._sync_levels(sync, times_s)
        power_w = power(self._board, load, times_s)
        current_a, voltage_v = at_the_meter(self._board, power_w)
        changes = _changes(self._levels, levels) if edges or sync else []
        self._levels = int(levels[-1])
        self._last_s = float(times_s[-1])
        return Taken(
            first=first,
            current_a=current_a,
            voltage_v=voltage_v,
            codes=self._digitise(current_a, voltage_v),
            levels=levels,
            changes=changes,
            energy_j=float(np.sum(power_w)) / self.clock.rate_hz,
        )

    def _digitise(
        self, current_a: npt.NDArray[np.float64], voltage_v: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.uint16]:
        values = np.empty((len(current_a), len(self._units)))
        for channel, unit in enumerate(self._units):
            values[:, channel] = current_a if unit == "A" else voltage_v
        return self._converter.digitise(values)

    def _sync_levels(self, sync: list[_Due], times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        levels = np.full(len(times_s), self._sync << Line.SYNC, dtype=np.uint8)
        for due in sync:
            levels[np.searchsorted(times_s, due.time_s) :] = due.level << Line.SYNC
            self._sync = due.level
        return levels

    def _due_until(self, time_s: float) -> tuple[list[Edge], list[_Due]]:
        due = [one for one in self._due if one.time_s <= time_s]
        del self._due[: len(due)]
        earliest_s = max(self._last_s, self._state.time_s)
        edges = [Edge(max(one.time_s, earliest_s), one.level) for one in due if one.line is Line.BUSY]
        return edges, [one for one in due if one.line is Line.SYNC]


def _changes(before: int | None, levels: npt.NDArray[np.uint8]) -> list[LineChange]:
    changed = np.bitwise_xor(levels, np.concatenate(([levels[0] if before is None else before], levels[:-1])))
    return [
        LineChange(sample, line, bool(levels[sample] >> line & 1))
        for sample in np.flatnonzero(changed).tolist()
        for line in Line
        if changed[sample] >> line & 1
    ]
