# SPDX-License-Identifier: Apache-2.0
"""The calibration that a Power Profiler Kit II reports, and how its words become amperes with it. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANGES = 5
CODES = 1 << 14
_CODE_AND_RANGE = np.uint32((1 << 17) - 1)
_V_PER_COUNT = 1.8 / 163_840
_COUNTS_PER_CODE = 4
_NOMINAL_OHMS = (1031.64, 101.65, 10.15, 0.94, 0.043)
_LINE = re.compile(rb"^\s*(\w+): *([^\r\n]*?)\s*$", re.MULTILINE)

_FAST, _SLOW = 0.18, 0.06
"""Weight of the newest sample in the average that smooths changes to ranges 0 to 3, and to range 4."""
_MENDED = 3
"""Samples from a change of range on that the average replaces."""
_UNHEARD = 2
"""In the last range, this many of them do not enter the averages."""
_NEGLIGIBLE = 2.0**-60
_CHUNK = 8_192


@dataclass(frozen=True, slots=True)
class Calibration:
    """The constants of each range, most sensitive first.

    A code c is r = (4 c - zero) * 1.8 / 163840 / ohms, and the current is
    user_gain * (r * (square * r + gain) + (per_volt * supply voltage + offset)) amperes.
    """

    ohms: tuple[float, ...] = _NOMINAL_OHMS
    square: tuple[float, ...] = (1.0,) * RANGES
    gain: tuple[float, ...] = (1.0,) * RANGES
    zero: tuple[float, ...] = (0.0,) * RANGES
    per_volt: tuple[float, ...] = (0.0,) * RANGES
    offset: tuple[float, ...] = (0.0,) * RANGES
    user_gain: tuple[float, ...] = (1.0,) * RANGES

    def table(self, supply_v: float) -> NDArray[np.float64]:
        """Amperes of every code in every range: shape (RANGES * CODES,), range by range."""
        codes = np.arange(CODES)
        return np.concatenate([self._amperes(codes, index, supply_v) for index in range(RANGES)])

    @property
    def coarsest_step_a(self) -> float:
        """Amperes a code of the least sensitive range."""
        step_a = _COUNTS_PER_CODE * _V_PER_COUNT / self.ohms[-1]
        return abs(self.user_gain[-1] * self.gain[-1]) * step_a

    def _amperes(self, codes: NDArray[np.int64], index: int, supply_v: float) -> NDArray[np.float64]:
        r = (codes * _COUNTS_PER_CODE - self.zero[index]) * (_V_PER_COUNT / self.ohms[index])
        offset = self.per_volt[index] * supply_v + self.offset[index]
        return self.user_gain[index] * (r * (self.square[index] * r + self.gain[index]) + offset)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The device's description of itself."""

    calibration: Calibration
    nominal_ranges: tuple[int, ...]
    """Ranges for which it has no resistance, so that the nominal one stands."""
    hardware: str
    source_mode: bool | None
    """Whether it is in source mode now; None when it does not say."""
    simulated: bool


_KEYS = {"R": "ohms", "GS": "square", "GI": "gain", "O": "zero", "S": "per_volt", "I": "offset", "UG": "user_gain"}
_NEVER_ZERO = ("R", "GI", "UG")
"""Zero there is a constant that was never written."""


def parse_metadata(text: bytes) -> Metadata | None:
    """The description in an answer to the metadata command, up to its END; None if it is not one."""
    values = {key.decode(): value.decode("ascii", "replace") for key, value in _LINE.findall(text)}
    if not any(f"R{index}" in values for index in range(RANGES)):
        return None
    given = {key: [_number(values.get(f"{key}{index}"), key) for index in range(RANGES)] for key in _KEYS}
    nominal = Calibration()
    constants = {
        name: tuple(
            default if number is None else number
            for number, default in zip(given[key], getattr(nominal, name), strict=True)
        )
        for key, name in _KEYS.items()
    }
    return Metadata(
        calibration=Calibration(**constants),
        nominal_ranges=tuple(index for index, ohms in enumerate(given["R"]) if ohms is None),
        hardware=values.get("HW", ""),
        source_mode={"1": False, "2": True}.get(values.get("mode", "")),
        simulated=values.get("emulated", "0") != "0",
    )


def _number(text: str | None, key: str) -> float | None:
    """A constant of the calibration, or None where the device has none (-nan, or never written)."""
    try:
        number = float(text or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) and (number or key not in _NEVER_ZERO) else None


@dataclass(frozen=True, slots=True)
class FilterState:
    """What the spike filter carries from one sample to the next."""

    fast: float | None = None
    slow: float | None = None
    last_range: int | None = None
    since_change: int = _MENDED
    """Samples since the range changed."""


def amperes(
    words: NDArray[np.uint32], table: NDArray[np.float64], state: FilterState | None
) -> tuple[NDArray[np.float64], FilterState | None]:
    """Currents of consecutive words, through the spike filter unless ``state`` is None.

    When it changes its range the device gives a few wrong samples; as in the maker's program, the first three are
    replaced by a rolling average of what came before and of them.
    """
    currents = table[words & _CODE_AND_RANGE]
    if state is None:
        return currents, None
    for start in range(0, len(words), _CHUNK):
        part = slice(start, start + _CHUNK)
        ranges = (words[part] >> np.uint32(14)).astype(np.uint8) & np.uint8(7)
        currents[part], state = _without_spikes(currents[part], ranges, state)
    return currents, state


def _without_spikes(
    raw: NDArray[np.float64], ranges: NDArray[np.uint8], state: FilterState
) -> tuple[NDArray[np.float64], FilterState]:
    first = ranges[0] if state.last_range is None else np.uint8(state.last_range)
    changed = np.flatnonzero(ranges != np.concatenate(([first], ranges[:-1])))
    if len(changed) == 0 and state.since_change >= _MENDED:
        return raw, FilterState(
            _average_after(raw, _FAST, state.fast),
            _average_after(raw, _SLOW, state.slow),
            int(ranges[-1]),
            state.since_change,
        )
    since = _samples_since(changed, len(raw), state.since_change)
    mended = np.flatnonzero(since < _MENDED)
    heard = ~((since < _UNHEARD) & (ranges == RANGES - 1))
    fast, slow = (
        _averages(raw[heard], weight, before) for weight, before in ((_FAST, state.fast), (_SLOW, state.slow))
    )
    so_far = np.cumsum(heard)
    result = raw.copy()
    result[mended] = np.where(ranges[mended] == RANGES - 1, slow[so_far[mended]], fast[so_far[mended]])
    return result, FilterState(float(fast[-1]), float(slow[-1]), int(ranges[-1]), int(since[-1]))


def _samples_since(changed: NDArray[np.intp], n: int, before: int) -> NDArray[np.int64]:
    """For each of n samples, how many have passed since the last change, up to _MENDED."""
    last = np.full(n, -1 - before, np.int64)
    last[changed] = changed
    np.maximum.accumulate(last, out=last)
    since: NDArray[np.int64] = np.minimum(np.arange(n) - last, _MENDED)
    return since


def _averages(values: NDArray[np.float64], weight: float, before: float | None) -> NDArray[np.float64]:
    """The rolling average before the first value and after each: shape (n + 1,).

    y[k] = weight * x[k] + (1 - weight) * y[k - 1], by doubling: after a round each y holds twice as many terms,
    and what those further back would add is below the last bit.
    """
    result = np.empty(len(values) + 1)
    # The first value of all is its own average.
    result[0] = before if before is not None else values[0]
    result[1:] = weight * values
    kept, reach = 1 - weight, 1
    while reach < len(result) and kept > _NEGLIGIBLE:
        result[reach:] += kept * result[:-reach]
        kept, reach = kept * kept, 2 * reach
    return result


def _average_after(values: NDArray[np.float64], weight: float, before: float | None) -> float:
    """The rolling average after the last value."""
    start = float(values[0]) if before is None else before
    weights = _WEIGHTS[weight][-len(values) :]
    return float(values[-len(weights) :] @ weights + (1 - weight) ** len(values) * start)


def _weights(weight: float) -> NDArray[np.float64]:
    """Of the newest values in an average, oldest first, as far as they count."""
    n = math.ceil(math.log(_NEGLIGIBLE) / math.log(1 - weight))
    return np.asarray(weight * (1 - weight) ** np.arange(n)[::-1], np.float64)


_WEIGHTS = {weight: _weights(weight) for weight in (_FAST, _SLOW)}
