# SPDX-License-Identifier: Apache-2.0
"""Times as the axis and the cursor write them: since the start of the session, or by the clock on the wall. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from monitor_app.core.formatting import clock_time

if TYPE_CHECKING:
    from datetime import datetime

DAY_S = 86_400
LONG_STEP_S = 60.0
"""From this step on, midnight is written as the new date."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class TimeLabels:
    """Times are given in s since the start of the session; without a date they are written as such."""

    day: date | None = None
    """Of the start."""
    day_s: float = 0.0
    """Seconds from midnight to the start."""
    zone: str = ""
    """Such as UTC+2."""

    def text(self, seconds: float, step_s: float) -> str:
        """A time, with as many decimals as the step needs."""
        if self.day is None:
            return clock_time(seconds, step_s)
        decimals = 0 if step_s >= 1 else min(math.ceil(-math.log10(step_s) - 1e-9), 7)
        whole, part = divmod(round((self.day_s + seconds) * 10**decimals), 10**decimals)
        minutes, s = divmod(whole % DAY_S, 60)
        fraction = f".{part:0{decimals}}" if decimals else ""
        return f"{minutes // 60:02}:{minutes % 60:02}:{s:02}{fraction}"

    def exact(self, seconds: float, step_s: float) -> str:
        """A time alone, which has to say of which zone it is."""
        return f"{self.text(seconds, step_s)} {self.zone}".rstrip()

    def ticks(self, start_s: float, end_s: float, step_s: float) -> list[tuple[float, str]]:
        """The times to label, in s since the start, with their labels; by the clock they are round there."""
        ahead_s = self.day_s if self.day is not None else 0.0
        first, last = math.ceil((start_s + ahead_s) / step_s - 1e-9), math.floor((end_s + ahead_s) / step_s + 1e-9)
        return [(k * step_s - ahead_s, self._label(k * step_s - ahead_s, step_s)) for k in range(first, last + 1)]

    def dated(self, seconds: float, text: str) -> str:
        """A label with the date before it, where there is one."""
        if self.day is None or text == self._date(seconds):
            return text
        return f"{self._date(seconds)}  {text}"

    def _label(self, seconds: float, step_s: float) -> str:
        if self.day is not None and step_s >= LONG_STEP_S and round(self.day_s + seconds) % DAY_S == 0:
            return self._date(seconds)
        return self.text(seconds, step_s)

    def _date(self, seconds: float) -> str:
        assert self.day is not None
        day = self.day + timedelta(days=math.floor((self.day_s + seconds) / DAY_S + 1e-9))
        return f"{day.day} {_MONTHS[day.month - 1]}"


RELATIVE = TimeLabels()


def wall_clock(started: datetime) -> TimeLabels:
    """By the clock of this computer's zone, as it was at the start of a session; ``started`` has a zone of its own."""
    local = started.astimezone()
    day_s = local.hour * 3600 + local.minute * 60 + local.second + 1e-6 * local.microsecond
    return TimeLabels(local.date(), day_s, _zone(local.utcoffset() or timedelta()))


def _zone(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"  # noqa: RUF001
