# SPDX-License-Identifier: Apache-2.0
"""The measuring part of an emulated PPK2: five shunts that take turns, and codes for a given current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ranges = npt.NDArray[np.intp]

MAX_A = 1.0
"""The supply and its protection give no more."""
_VOLTS_PER_CODE = 1.8 / 163_840
# The converter has two bits less than the calibration counts in.
_CODE_STEP = 4
_TOP_CODE = 16_383
_NOISE_CODES = 0.7


@dataclass(frozen=True)
class Calibration:
    """Of one range, in the terms of the metadata: A = r (GS r + GI) + S Vdd + I, r = (4 code - O) volts / R."""

    r_ohm: float
    gs: float
    gi: float
    o: float
    s: float
    i: float


# Of the size real units have, and none of them what a host assumes that has not read them.
CALIBRATION = (
    Calibration(1003.4171, 0.0000, 1.0000, 112.9412, 0.000000048, -0.000000104),
    Calibration(101.2208, 112.7914, 0.9695, 75.4621, 0.000000596, -0.000001443),
    Calibration(10.3185, 18.0127, 0.9609, 64.6033, 0.000005281, -0.000016439),
    Calibration(0.9647, 2.4213, 0.9519, 51.4908, 0.000062577, -0.000174119),
    Calibration(0.0562, 0.0731, 0.9582, 84.9317, 0.000940743, -0.002388455),
)


RANGES = len(CALIBRATION)


class SwitchPoint(NamedTuple):
    """Between a range and the next one."""

    up_a: float
    down_a: float


_SWITCH_POINTS = (
    SwitchPoint(60e-6, 45e-6),
    SwitchPoint(600e-6, 450e-6),
    SwitchPoint(6e-3, 4.5e-3),
    SwitchPoint(70e-3, 55e-3),
)
# What the first samples in a range show too much, as a part of the current. The lowest shunt settles in two.
_SPIKE = np.array([0.8, 0.35, 0.12, 0.0])
_SPIKE_TOP = np.array([0.8, 0.35, 0.0, 0.0])
_SETTLED = len(_SPIKE) - 1


def codes_for(current_a: Floats, ranges: Ranges, vdd_v: float) -> Floats:
    """The codes, not rounded, that stand for a current in a range at a supply voltage."""
    # A row for each range, a column for each constant.
    table = np.array([(one.r_ohm, one.gs, one.gi, one.o, one.s * vdd_v + one.i) for one in CALIBRATION])
    r_ohm, gs, gi, o, offset_a = table[ranges].T
    above_a = current_a - offset_a
    # The root near above / GI, in the form that does not divide by GS.
    raw_a = 2.0 * above_a / (gi + np.sqrt(gi * gi + 4.0 * gs * above_a))
    codes: Floats = (raw_a * r_ohm / _VOLTS_PER_CODE + o) / _CODE_STEP
    return codes


class Meter:
    """Chooses the range, with hysteresis, and converts; any split into calls gives the same samples.

    Args:
        seed: of the noise.
        spikes: whether the first samples after a change of range are wrong, as they really are.
    """

    def __init__(self, seed: int, spikes: bool = True) -> None:
        self._noise = np.random.default_rng(seed)
        self._spikes = spikes
        self.settle()

    def settle(self) -> None:
        """Find the range again with the next current, without a transient."""
        self._range: int | None = None
        self._age = _SETTLED

    def convert(self, current_a: Floats, vdd_v: float) -> npt.NDArray[np.uint32]:
        """The low 17 bits of a sample, code and range, for each current in A (0 to 1)."""
        before = self._range if self._range is not None else int(follow_ranges(current_a[:1], 0)[0])
        ranges = follow_ranges(current_a, before)
        ages = self._ages(ranges, before)
        self._range, self._age = int(ranges[-1]), int(ages[-1])
        shown_a = current_a
        if self._spikes:
            shown_a = current_a * (1.0 + np.where(ranges == RANGES - 1, _SPIKE_TOP[ages], _SPIKE[ages]))
        codes = codes_for(shown_a, ranges, vdd_v)
        codes += _NOISE_CODES * self._noise.standard_normal(len(codes), dtype=np.float32)
        np.rint(codes, out=codes)
        np.clip(codes, 0, _TOP_CODE, out=codes)
        samples: npt.NDArray[np.uint32] = codes.astype(np.uint32) | (ranges.astype(np.uint32) << np.uint32(14))
        return samples

    def _ages(self, ranges: Ranges, before: int) -> Ranges:
        """Samples since the range was changed, up to what it takes to settle."""
        samples = np.arange(len(ranges))
        changed = np.diff(ranges, prepend=before) != 0
        last = np.maximum.accumulate(np.where(changed, samples, -1 - self._age))
        ages: Ranges = np.minimum(samples - last, _SETTLED)
        return ages


def follow_ranges(current_a: Floats, before: int) -> Ranges:
    """The range of each sample, after one in the range `before`."""
    samples = np.arange(1, len(current_a) + 1)
    ranges: Ranges = np.zeros(len(current_a), dtype=np.intp)
    for number, point in enumerate(_SWITCH_POINTS):
        up = current_a > point.up_a
        decided = np.maximum.accumulate(np.where(up | (current_a < point.down_a), samples, 0))
        ranges += np.concatenate(([before > number], up))[decided]
    return ranges
