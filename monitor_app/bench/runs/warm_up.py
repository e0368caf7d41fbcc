# SPDX-License-Identifier: Apache-2.0
"""Whether a warm-up has reached a steady state, judged while it runs, from its batches and from the session file."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.run.signals import temperatures, total_power
from monitor_app.analysis.run.steadiness import T_GROUPS, Limits, Verdict, judge, next_look
from monitor_app.core.errors import SessionError
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.analysis.run.steadiness import Trend
    from monitor_app.core.profile import Protocol
    from monitor_app.core.runs import Batch
    from monitor_app.session.rows import SignalRow

COLUMNS = 400
"""Means of power that are looked at; ten groups are made of those in the window."""
LEAST_WINDOW_S = 0.5
MOST_LEAST_WINDOW_S = 3.0

logger = logging.getLogger(__name__)


class WarmUpJudge:
    """The test of one warm-up. Times are host times; those of the session are later by ``shift_ns``."""

    def __init__(self, session: Path, protocol: Protocol, shift_ns: int = 0) -> None:
        least_s = min(max(protocol.warm_up_s / 2, LEAST_WINDOW_S), MOST_LEAST_WINDOW_S)
        self._limits = Limits(horizon_s=protocol.timed_s, least_s=least_s)
        self._timed_s, self._timed_batches = protocol.timed_s, protocol.timed_batches
        self._least_s, self._least_batches = protocol.warm_up_s, protocol.warm_up_batches
        self._shift_ns = shift_ns
        self._reader = SessionReader(session)
        self._power = total_power(self._reader)
        self._temperatures = temperatures(self._reader)
        self._start_ns: list[int] = []
        self._end_ns: list[int] = []
        self._next_look = 0
        self._unread = False
        """The session could not be read at the last look."""
        self.verdict: Verdict | None = None
        """The latest; None before there was enough to judge."""

    def close(self) -> None:
        """Close the session."""
        self._reader.close()

    def __enter__(self) -> WarmUpJudge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def steady_with(self, batches: Sequence[Batch]) -> bool:
        """Add batches; whether the shortest warm-up is over and the measured values have been shown to be steady."""
        self._start_ns += [batch.start_ns for batch in batches]
        self._end_ns += [batch.end_ns for batch in batches]
        if self.verdict is not None and self.verdict.steady:
            return True  # batches until the end of the phase do not change the verdict
        count = len(self._end_ns)
        if count < max(self._least_batches, self._next_look) or self.warmed_s < self._least_s:
            return False
        self._next_look = next_look(count)
        try:
            self.verdict, self._unread = self._judge(), False
        except SessionError as error:
            # Without a verdict the warm-up takes its longest time.
            logger.warning("The warm-up cannot be judged: %s", error)
            self._unread = True
            return False
        return self.verdict.steady

    @property
    def warmed_s(self) -> float:
        """From the start of the first batch to the end of the last."""
        return (self._end_ns[-1] - self._start_ns[0]) * 1e-9 if self._end_ns else 0.0

    def note(self) -> str:
        """The result in one sentence."""
        count = f"{len(self._end_ns)} batches" if len(self._end_ns) != 1 else "1 batch"
        after = f"{self.warmed_s:.1f} s and {count} of warm-up"
        verdict = self.verdict
        if self._unread:
            return f"Not shown to be steady in {after}: what was measured could not be read from the session."
        if verdict is None or verdict.batches == 0:
            return f"Not shown to be steady: {after} are too few to tell."
        if verdict.steady:
            return f"Shown to be steady after {after}: {self._changes(verdict)}."
        return f"Not shown to be steady in {after}: {self._changes(verdict)}."

    def _changes(self, verdict: Verdict) -> str:
        horizon_s = self._limits.horizon_s
        named = [("latency", verdict.latency, "%"), ("power", verdict.power, "%")]
        parts = [_change(name, trend, horizon_s, unit) for name, trend, unit in named if trend is not None]
        if verdict.temperature is not None:
            parts.append(_change("temperature", verdict.temperature, horizon_s, "K"))
        changes = ", ".join(parts) + f" in {horizon_s:.3g} s"
        unknown = [("power", self._power, verdict.power), ("temperature", self._temperatures, verdict.temperature)]
        few = [name for name, measured, trend in unknown if measured and trend is None]
        return f"{changes}; too few readings of {' and '.join(few)} to tell" if few else changes

    def _judge(self) -> Verdict:
        start_ns, end_ns = np.array(self._start_ns, np.int64), np.array(self._end_ns, np.int64)
        late = slice(len(end_ns) // 2, None)
        # The least number of batches may take longer than the least time.
        batches_s = self._timed_batches * float(np.median((end_ns - start_ns)[late])) * 1e-9
        self._limits = replace(self._limits, horizon_s=max(self._timed_s, batches_s))
        return judge(
            start_ns,
            end_ns,
            self._limits,
            power=self._readings(self._power),
            temperature=self._hottest(),
        )

    def _readings(self, signal: SignalRow | None) -> Readings | None:
        """Means since the first batch, in host time."""
        if signal is None:
            return None
        first_ns, last_ns = self._start_ns[0] + self._shift_ns, self._end_ns[-1] + self._shift_ns
        means = self._reader.envelope(signal.id, first_ns, last_ns, COLUMNS)
        return Readings((means.start_ns + means.end_ns) // 2 - self._shift_ns, means.mean)

    def _hottest(self) -> Readings | None:
        found = [readings for signal in self._temperatures if (readings := self._readings(signal)) is not None]
        found = [readings for readings in found if len(readings.values)]
        return max(found, key=lambda readings: float(readings.values[-1]), default=None)


def _change(name: str, trend: Trend, horizon_s: float, unit: str) -> str:
    scale = horizon_s * (100 / trend.level if unit == "%" and trend.level else 1)
    change, error = trend.slope_per_s * scale, T_GROUPS * trend.deviation_per_s * abs(scale)
    return f"{name} {change:+.2g} ± {error:.2g} {unit}"
