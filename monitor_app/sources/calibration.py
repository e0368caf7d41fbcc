# SPDX-License-Identifier: Apache-2.0
"""Gain and zero of a meter from what it showed at known loads. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

COVERAGE = 2.0
"""Standard uncertainties of a mean that count towards the limit."""


@dataclass(frozen=True, slots=True)
class Level:
    """One load: what it was, and the mean that the meter showed of it, in A or in W."""

    true: float
    shown: float
    uncertainty: float
    """Standard uncertainty of the mean, from the meter's noise."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """``true = gain * (shown - zero)``; None: the loads do not show it."""

    gain: float | None
    zero: float | None
    accuracy: float | None
    """Relative limit of what is left: of the reference, of the noise, of a meter that is not a straight line."""


def calibrate(levels: Sequence[Level], reference_accuracy: float, *, with_zero: bool = True) -> Calibration:
    """The straight line through the loads.

    Args:
        levels: One or more loads. A single one of 0 gives the zero alone, any other single one the gain alone.
        reference_accuracy: Relative limit of the error of ``true``.
        with_zero: False: the line goes through 0, as it must where the profile has no zero (a power).

    Raises:
        SourceError: The meter shows nothing of the load, or all loads are the same.
    """
    true, shown = np.array([each.true for each in levels]), np.array([each.shown for each in levels])
    if len(levels) == 1 and true[0] == 0 and with_zero:
        return Calibration(None, float(shown[0]), None)
    if len(levels) > 1 and with_zero:
        if np.ptp(shown) <= COVERAGE * max(each.uncertainty for each in levels):
            raise SourceError("The meter shows the same at all loads: set loads that differ, and check its wires.")
        slope, intercept = np.polyfit(shown, true, 1).tolist()
        gain, zero = slope, -intercept / slope
    else:
        if not float(shown @ shown) or not float(true @ shown) > 0:
            raise SourceError("The meter shows nothing of the load, or shows it reversed: check its wires.")
        gain, zero = float(true @ shown) / float(shown @ shown), 0.0
    largest = float(np.abs(true).max())
    rest = float(np.abs(true - gain * (shown - zero)).max()) / largest
    noise = COVERAGE * gain * max(each.uncertainty for each in levels) / largest
    return Calibration(gain, zero if len(levels) > 1 and with_zero else None, reference_accuracy + noise + rest)


def profile_lines(calibration: Calibration, date: str, reference: str, signal: str | None) -> list[str]:
    """The lines of a [[source]] table, as TOML; ``signal`` where the source has more than one current or power."""

    def line(key: str, value: float) -> str:
        return f"{key} = " + (f"{value:.6g}" if signal is None else f"{{ {json.dumps(signal)} = {value:.6g} }}")

    values = {"gain": calibration.gain, "zero_a": calibration.zero, "accuracy": calibration.accuracy}
    lines = [line(key, value) for key, value in values.items() if value is not None]
    return [*lines, f"calibrated = {json.dumps(f'{date} against {reference}', ensure_ascii=False)}"]
