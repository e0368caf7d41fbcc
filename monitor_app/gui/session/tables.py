# SPDX-License-Identifier: Apache-2.0
"""What is copied as numbers: text with tabs, with SI units in the heads, as spreadsheets take it. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.core.formatting import unit_of
from monitor_app.core.models.units import IMAGE
from monitor_app.core.runs import Phase
from monitor_app.core.samples import Quantity
from monitor_app.gui.session.batch_log import PHASES
from monitor_app.gui.session.interval_statistics import measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal
    from monitor_app.session.rows import SignalRow

MOST_SAMPLES = 200_000
"""More make no sense on a clipboard: they are exported."""
INTEGRAL_UNITS = {Quantity.POWER: "J", Quantity.CURRENT: "C"}
STATISTICS_HEADS = (
    "signal", "unit", "mean", "std", "rms", "min", "max", "p-p", "integral", "integral unit", "start (s)", "end (s)",
    "recorded (s)", "origin",
)  # fmt: skip
BATCH_HEADS = ("run", "network", "batch size", "phase", "end (s)", "latency (s)", "images", "right", "origin")


def table_of(rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells as text; what would begin another cell or row becomes a space."""
    return "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)


def origin_of(recording: Recording) -> str:
    """Goes with every number that leaves the window."""
    return origin(simulated=recording.simulated)


def origin(*, simulated: bool) -> str:
    """The word of a column in which a table says where its numbers come from."""
    return "SIMULATED" if simulated else "measured"


def marked(text: str, *, simulated: bool) -> str:
    """A single number as it is copied."""
    return f"{text} (SIMULATED)" if simulated else text


def statistics_table(recording: Recording, signals: Sequence[ShownSignal], span_s: tuple[float, float]) -> str:
    """A row for each signal, over every sample of the interval; an integral is over what was recorded of it."""
    rows: list[Sequence[str]] = [STATISTICS_HEADS]
    for each, s in measured(recording, signals, *span_s):
        quantity = each.signal.quantity
        unit = INTEGRAL_UNITS.get(quantity, "")
        values = (s.mean, s.deviation, math.hypot(s.mean, s.deviation), s.minimum, s.maximum, s.maximum - s.minimum)
        rows.append(
            (
                recording.labels.get(each.signal.id, each.signal.name), unit_of(quantity),
                *(_number(value) if s.count else "" for value in values),
                _number(s.integral) if s.count and unit else "", unit if s.count else "",
                *(_number(value) for value in span_s), _number(s.recorded_s), origin_of(recording),
            )
        )  # fmt: skip
    return table_of(rows)


def samples_between(recording: Recording, signal: SignalRow, span_s: tuple[float, float]) -> int:
    """About how many samples of a signal there are in an interval."""
    return round((span_s[1] - span_s[0]) * recording.rate_hz(signal.source))


def samples_table(recording: Recording, signal: SignalRow, span_s: tuple[float, float]) -> str:
    """Every sample of a signal in an interval, with its time since the start of the session."""
    waveform = recording.reader.waveform(signal.id)
    times_ns, values = waveform.samples(*(recording.host_ns(seconds) for seconds in span_s))
    name = recording.labels.get(signal.id, signal.name)
    heads = f"time (s)\t{' '.join(name.split())} ({unit_of(signal.quantity)}, {origin_of(recording)})\n"
    seconds = (times_ns - (recording.origin_ns or 0)).tolist()
    lines = (f"{ns * 1e-9:.9f}\t{value:.9g}\n" for ns, value in zip(seconds, values.tolist(), strict=True))
    return heads + "".join(lines)


def batch_table(recording: Recording, start_s: float, end_s: float) -> str:
    """The batches that ended after ``start_s`` and by ``end_s``."""
    runs = {run.id: run for run in recording.runs}
    other = any(run.unit != IMAGE for run in recording.runs)
    rows: list[Sequence[str]] = [["items" if head == "images" and other else head for head in BATCH_HEADS]]
    for batch in recording.batches.between(start_s, math.nextafter(end_s, math.inf)):
        run, phase = runs.get(int(batch["run"])), PHASES[int(batch["phase"])]
        tested = phase is Phase.ACCURACY and batch["top1"] >= 0
        rows.append(
            (
                str(batch["run"]), run.title if run else "", str(run.batch_size) if run else "", phase.value,
                _number(float(batch["end_s"])), _number(1e-3 * float(batch["latency_ms"])), str(batch["images"]),
                str(batch["top1"]) if tested else "", origin_of(recording),
            )
        )  # fmt: skip
    return table_of(rows)


def _number(value: float) -> str:
    return f"{value:.9g}"
