# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001, RUF002 (typography: dashes, minus and micro signs)
"""Numbers and times as text: the one place that decides how many digits are shown.

The rule of digits, everywhere in the window, the commands, the findings, the charts and the report:

- A value with an interval is shown to the second significant digit of the interval's half-width, and so are its ends:
  ``11.80 ± 0.24``, or ``5.0 (4.0 to 8.0)`` where the sides differ by more than a tenth.
- A value without an interval is shown to four significant digits without trailing zeros: ``0.01235``, ``1.5``,
  ``98,765``.
- No value has more than nine decimals: choose a unit in which it has fewer.
- A live readout has a fixed number of decimals, or three digits chosen by size, so that its digits do not jump.
- Thousands are separated by commas; there are no powers of ten. With a prefix, one to three digits stand before the
  point: ``1.20 mA``.
- None is `NOT_MEASURED` in a sentence and `NOTHING`, a dash, in a readout.

Files for programs (CSV, JSON) do not use this module: they hold full precision.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from monitor_app.core.estimate import Estimate
from monitor_app.core.samples import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.core.estimate import Metric, Proportion

NOT_MEASURED, DOES_NOT_FIT, NOT_KNOWN = "not measured", "does not fit", "not known"
NOTHING = "–"
"""Stands in a readout or a narrow column where nothing was measured."""
CELSIUS = "°C"
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))
QUANTITIES = {
    Quantity.POWER: "power", Quantity.CURRENT: "current", Quantity.VOLTAGE: "voltage",
    Quantity.TEMPERATURE: "temperature", Quantity.FREQUENCY: "frequency", Quantity.LEVEL: "level",
}  # fmt: skip
_PRECISE_DIGITS, _DIGITS, _LIVE_DIGITS, _INTERVAL_DIGITS = 5, 4, 3, 2
_MOST_DECIMALS = 9
_SMALL = 0.1
_ROUNDING = 1e-6
"""A half-width below this fraction of the value is an error of rounding, not an interval."""
_EVEN = 0.1
"""Sides of an interval that differ by less than this fraction are written as one ± number."""


def interval(estimate: Estimate | Proportion | None, unit: str = "", scale: float = 1.0) -> str:
    """An estimate times a positive ``scale``, in ``unit``: 12.3 ± 0.2 W, 12.3 (11.9 to 14.0) W, or the value alone."""
    if estimate is None:
        return NOT_MEASURED
    value, low, high = (scale * each for each in (estimate.value, estimate.low, estimate.high))
    below, above = value - low, high - value
    half = max(below, above)
    if not math.isfinite(half):
        return f"{number(value, unit)} (interval not known)"
    if half <= _ROUNDING * abs(value):
        return number(value, unit)
    decimals = decimals_of(value, half)
    if abs(above - below) <= _EVEN * half:
        text = f"{fixed(value, decimals)} ± {fixed(half, decimals)}"
    else:
        text = f"{fixed(value, decimals)} ({fixed(low, decimals)} to {fixed(high, decimals)})"
    return f"{text} {unit}".rstrip()


def without_interval(estimate: Estimate | None, scale: float = 1.0) -> str:
    """Only the value of an estimate, in the digits that its interval supports; for narrow columns."""
    if estimate is None:
        return NOTHING
    half = scale * max(estimate.value - estimate.low, estimate.high - estimate.value)
    if not math.isfinite(half) or half <= _ROUNDING * abs(scale * estimate.value):
        return number(scale * estimate.value)
    return fixed(scale * estimate.value, decimals_of(scale * estimate.value, half))


def plus_minus(value: float | None, half_width: float) -> str:
    """A value with the half-width of its interval, or its standard deviation: 11.80 ± 0.24."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if not math.isfinite(half_width) or half_width <= _ROUNDING * abs(value):
        return number(value)
    decimals = decimals_of(value, half_width)
    return f"{fixed(value, decimals)} ± {fixed(half_width, decimals)}"


def percent(fraction: Proportion) -> str:
    """A fraction of 0 to 1 with its interval, in percent and without the sign: 90 (70 to 97)."""
    return interval(fraction, scale=100)


MANY_IMAGES = 1000
"""From this number on, a count says less than the percentage, and is long."""


def metric_value(metric: Metric) -> str:
    """An accuracy by a metric of the user's own, with its interval where it has one: 0.612 ± 0.014."""
    if metric.low is None or metric.high is None:
        return number(metric.value)
    return interval(Estimate(metric.value, metric.low, metric.high))


def metric_words(metrics: Iterable[Metric]) -> str:
    """All of them with their names: mIoU 0.612 ± 0.014, recall 0.81; empty where there are none."""
    return ", ".join(f"{each.name} {metric_value(each)}" for each in metrics)


def percent_range(fraction: Proportion) -> str:
    """Only the interval of a fraction of 0 to 1, in whole percent: 70–97 %."""
    return f"{100 * fraction.low:.0f}–{100 * fraction.high:.0f} %"


def short_fraction(fraction: Proportion) -> tuple[str, str]:
    """A fraction of 0 to 1 where there is little room, and its interval: 14/20 and 48–85 %, 68.7 % and ± 0.4 %."""
    if fraction.images < MANY_IMAGES:
        return f"{fraction.correct}/{fraction.images}", percent_range(fraction)
    return f"{100 * fraction.value:.1f} %", f"± {50 * (fraction.high - fraction.low):.1f} %"


def number(value: float | None, unit: str = "") -> str:
    """A value without an interval, to four significant digits."""
    if value is None:
        return NOT_MEASURED
    if not math.isfinite(value):
        return f"{value:g}"
    text = fixed(value, decimals_of(value))
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}".rstrip()


def decimals_of(value: float, half_width: float | None = None) -> int:
    """How many decimals the rule gives a value with this half-width of its interval, or with none."""
    if half_width is not None and half_width > _ROUNDING * abs(value):
        return _decimals(half_width, _INTERVAL_DIGITS)
    return _decimals(value, _DIGITS)


def _decimals(value: float, digits: int) -> int:
    """Decimals that show ``digits`` significant digits; what rounds up to a power of ten has one fewer."""
    if not abs(value) > 0 or not math.isfinite(value):
        return 0
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    if decimals > 0 and round(abs(value), decimals) >= 10.0 ** (digits - decimals):
        decimals -= 1
    return max(0, min(decimals, _MOST_DECIMALS))


def fixed(value: float | None, decimals: int) -> str:
    """Value with thousands separated; a dash for None and for what is not a number."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def three_digits(value: float | None) -> str:
    """A live readout: 230, 23.1, 2.31, and two decimals below 1."""
    return _live(value, _LIVE_DIGITS)


def _live(value: float | None, digits: int) -> str:
    """Never more decimals than a number of one digit has, so that noise about zero does not move the point."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return fixed(value, min(_decimals(value, digits), digits - 1) if value else digits - 1)


def listed(parts: Iterable[object], most: int | None = None) -> str:
    """A, B and C; with ``most``, those beyond it are counted: A, B and 3 more."""
    texts = [str(part) for part in parts]
    if most is not None and len(texts) > most:
        texts = [*texts[: most - 1], f"{len(texts) - most + 1} more"]
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1]))) if texts else ""


def moment(utc: str) -> str:
    """A time in ISO 8601 as 2026-01-02 03:04:05 UTC; any other text unchanged."""
    try:
        return f"{datetime.fromisoformat(utc):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return utc


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
        if rate_hz >= factor - 0.05:  # 999.98 is 1.000 kSa/s, not 1000.0 Sa/s
            return f"{rate_hz / factor:.3f} {unit}"
    return f"{rate_hz:.1f} Sa/s"


def span_of_time(seconds: float) -> str:
    """Four digits with a prefix: 4.812 s, 19.60 ms, 240.0 µs."""
    size_s = abs(seconds)
    if size_s >= 60:
        return duration(seconds)
    for factor, unit in ((1.0, "s"), (1e-3, "ms")):
        if size_s >= factor:
            return f"{_live(seconds / factor, _DIGITS)} {unit}"
    return f"{_live(seconds * 1e6, _DIGITS)} µs"


def live(value: float | None, unit: str, decimals: int = 2) -> tuple[str, str]:
    """A live readout and its unit: with fixed decimals, and below a tenth of the unit with a prefix: 12.47 W, 1.20 mW.

    The fixed decimals of a small board would leave nothing of a microcontroller's power.
    """
    if value is None or not math.isfinite(value) or abs(value) >= _SMALL or value == 0:
        return fixed(value, decimals), unit
    text, _, prefixed = engineering(value, unit).partition(" ")
    return text, prefixed


def engineering(value: float | None, unit: str, *, exact: bool = False) -> str:
    """With the prefix that leaves one to three digits before the point: 1.20 mA, 62.9 J; ``exact`` adds a digit.

    What has no unit, or degrees, gets no prefix.
    """
    return _prefixed(value, unit, _DIGITS if exact else _LIVE_DIGITS)


def precise(value: float | None, unit: str) -> str:
    """As `engineering`, to five significant digits: 12.470 W, 1.2034 mAh; what has no prefix has three decimals."""
    return _prefixed(value, unit, _PRECISE_DIGITS)


def five_digits(value: float | None) -> str:
    """To five significant digits, without a unit: for several values that share one."""
    return fixed(value, _decimals(value, _PRECISE_DIGITS) if value else _PRECISE_DIGITS - 1)


def _prefixed(value: float | None, unit: str, digits: int) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    if unit in {"", CELSIUS}:
        return f"{fixed(value, digits - 2)} {unit}".strip()
    for factor, prefix in PREFIXES:
        if abs(value) >= factor:
            return f"{_live(value / factor, digits)} {prefix}{unit}"
    return f"0 {unit}" if value == 0 else f"{_live(value * 1e9, digits)} n{unit}"


def exact_interval(interval_ns: int) -> str:
    """A measured time, never in minutes: 31.2966 s, 1,234.5678 s, 19.6000 ms, 240.125 µs."""
    for unit_ns, unit, decimals in ((1e9, "s", 4), (1e6, "ms", 4), (1e3, "µs", 3)):
        if abs(interval_ns) >= unit_ns:
            return f"{fixed(interval_ns / unit_ns, decimals)} {unit}"
    return f"{interval_ns} ns"


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
    """± 2 s, ± 0.21 ms, ± 4 µs: at most two significant digits; a dash while it is not known."""
    if bound_ns is None:
        return f"± {NOTHING}"
    unit_ns, unit = (1e9, "s") if bound_ns >= 1e9 else (1e6, "ms") if bound_ns >= 1e5 else (1e3, "µs")
    text = fixed(bound_ns / unit_ns, _decimals(bound_ns / unit_ns, _INTERVAL_DIGITS))
    return f"± {text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"


def clock_time(seconds: float, step_s: float) -> str:
    """A time since the start of the session with as many decimals as the step needs: 0:05, 12:00.25."""
    decimals = 0 if step_s >= 1 else min(math.ceil(-math.log10(step_s) - 1e-9), 7)
    ticks = round(abs(seconds) * 10**decimals)
    whole, part = divmod(ticks, 10**decimals)
    sign = "−" if seconds < 0 and ticks else ""
    fraction = f".{part:0{decimals}}" if decimals else ""
    return f"{sign}{duration(whole)}{fraction}"
