# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001, RUF002 (typography: dashes, minus and micro signs)
"""Numbers and times as people read them. Decimals are fixed by size, so that digits do not jump."""

from __future__ import annotations

import math

from monitor_app.core.samples import Quantity

NOTHING = "–"
"""Shown where nothing was measured."""
CELSIUS = "°C"
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))
QUANTITIES = {
    Quantity.POWER: "power", Quantity.CURRENT: "current", Quantity.VOLTAGE: "voltage",
    Quantity.TEMPERATURE: "temperature", Quantity.FREQUENCY: "frequency", Quantity.LEVEL: "level",
}  # fmt: skip


def fixed(value: float | None, decimals: int) -> str:
    """With thousands separated; a dash for None and for what is not a number."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def three_digits(value: float | None) -> str:
    """About three significant digits without an exponent: 230, 23.1, 2.31."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    return fixed(value, 0 if size >= 99.95 else 1 if size >= 9.995 else 2)


def duration(seconds: float | None) -> str:
    """0:38, 12:05, 1:02:05."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    minutes, s = divmod(max(math.floor(seconds + 0.5), 0), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def long_duration(seconds: float) -> str:
    """In the unit a person would use: 40 minutes, 6 hours, 37 days."""
    for size, unit in ((86_400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= 2 * size:
            return f"{min(seconds / size, 9_999):,.0f} {unit}s"
    return f"{max(seconds, 0):.0f} s"


def size(byte_count: float) -> str:
    """51 MB, 7.9 GB."""
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if byte_count >= factor:
            value = byte_count / factor
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{byte_count / 1e3:.0f} kB"


def sample_rate(rate_hz: float) -> str:
    """50.000 kSa/s."""
    for factor, unit in ((1e6, "MSa/s"), (1e3, "kSa/s")):
        if rate_hz >= factor:
            return f"{rate_hz / factor:.3f} {unit}"
    return f"{rate_hz:.1f} Sa/s"


def span_of_time(seconds: float) -> str:
    """Four digits with a prefix: 4.812 s, 19.60 ms, 240.0 µs."""
    size_s = abs(seconds)
    if size_s >= 60:
        return duration(seconds)
    for factor, unit in ((1.0, "s"), (1e-3, "ms")):
        if size_s >= factor:
            return f"{_four(seconds / factor)} {unit}"
    return f"{_four(seconds * 1e6)} µs"


def _four(value: float) -> str:
    whole = len(str(int(abs(value))))
    return fixed(value, max(4 - whole, 0))


def engineering(value: float | None, unit: str, *, exact: bool = False) -> str:
    """With the prefix that leaves one to three digits before the point: 1.20 mA, 62.9 J; ``exact`` adds a digit.

    What has no unit, or degrees, gets no prefix.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if unit in {"", CELSIUS}:
        return f"{fixed(value, 2 if exact else 1)} {unit}".strip()
    for factor, prefix in PREFIXES:
        if abs(value) >= factor:
            return f"{_four(value / factor) if exact else three_digits(value / factor)} {prefix}{unit}"
    return f"0 {unit}" if value == 0 else f"{three_digits(value * 1e9)} n{unit}"


def unit_of(quantity: Quantity) -> str:
    """The unit of a quantity as it is written."""
    return CELSIUS if quantity is Quantity.TEMPERATURE else quantity.value


def scale_of(size: float, unit: str) -> tuple[float, str]:
    """Factor and unit in which values up to ``size`` are read on an axis: 0.07 A as 70 mA, 1.3e9 Hz as 1.3 GHz."""
    if unit in {"", CELSIUS}:
        return 1.0, unit
    for factor, prefix in PREFIXES:
        if size >= factor * (0.1 if factor == 1.0 else 1.0):
            return 1 / factor, prefix + unit
    return 1.0, unit


def clock_bound(bound_ns: int | None) -> str:
    """± 0.21 ms, ± 4 µs; a dash while it is not known."""
    if bound_ns is None:
        return f"± {NOTHING}"
    return f"± {bound_ns / 1e6:.2f} ms" if bound_ns >= 100_000 else f"± {bound_ns / 1e3:.0f} µs"


def clock_time(seconds: float, step_s: float) -> str:
    """A time since the start of the session with as many decimals as the step needs: 0:05, 12:00.25."""
    decimals = 0 if step_s >= 1 else min(math.ceil(-math.log10(step_s) - 1e-9), 7)
    ticks = round(abs(seconds) * 10**decimals)
    whole, part = divmod(ticks, 10**decimals)
    sign = "−" if seconds < 0 and ticks else ""
    fraction = f".{part:0{decimals}}" if decimals else ""
    return f"{sign}{duration(whole)}{fraction}"
