# SPDX-License-Identifier: Apache-2.0
"""What the rows of a session can hold: a repair leaves out all others. Each function raises where a row cannot be."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from monitor_app.core.markers import Marker
from monitor_app.core.runs import RIGHT, UNANSWERED, WRONG, Phase, RunState
from monitor_app.core.samples import Quantity, Role
from monitor_app.session import rows
from monitor_app.session.time_map import LARGEST
from monitor_app.session.waveform import ENCODINGS

if TYPE_CHECKING:
    from collections.abc import Callable

Row: TypeAlias = "tuple[Any, ...]"
IMPOSSIBLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""What these functions raise."""


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that others may belong to."""

    sources: frozenset[int]
    runs: frozenset[int]


def check_numbers(row: Row) -> None:
    """No number is infinite, or so large that sums overflow."""
    for value in row:
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise ValueError(f"{value} is too large")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number")


def _require(*conditions: bool) -> None:
    if not all(conditions):
        raise ValueError("a row that cannot be")


def source_row(row: Row) -> rows.SourceRow:
    """Words that cannot be read are left out, as its samples do not need them."""
    number, name, *words, rate_hz, lines, simulated, notes = row
    texts = [text if isinstance(text, str) else "" for text in (name or f"source {number}", *words)]
    found = rows.checked(rows.SourceRow, (number, *texts, rate_hz, _names(lines), simulated != 0, _names(notes)))
    _require(found.rate_hz > 0)
    return found


def _names(text: object) -> tuple[str, ...]:
    try:
        names = json.loads(str(text))
    except (ValueError, RecursionError):
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def signal_row(row: Row) -> rows.SignalRow:
    """Needs all that its samples need to be a quantity; a limit of its errors that cannot be read is not known."""
    number, source, name, quantity, role, encoding, scale, offset, resolution, accuracy, *factors = row
    name = name if isinstance(name, str) and name else f"signal {number}"
    role = role if role in [each.value for each in Role] else Role.OTHER.value
    limits = [value if isinstance(value, (int, float)) and value >= 0 else None for value in (resolution, accuracy)]
    values = (number, source, name, Quantity(quantity), Role(role), encoding, scale, offset, *limits, *factors)
    found = rows.checked(rows.SignalRow, values)
    _require(found.is_product or found.encoding in ENCODINGS, (found.factor_a is None) == (found.factor_b is None))
    return found


def gap_row(row: Row) -> rows.GapRow:
    """Its indices and times are in order."""
    found = rows.checked(rows.GapRow, row)
    _require(found.first >= 0, found.n >= 0, 0 <= found.start_ns <= found.end_ns)
    return found


def run_row(row: Row) -> rows.RunRow:
    """Its state is one that there is, and nothing it counts is negative."""
    found = rows.checked(rows.RunRow, row)
    RunState(found.state)
    _require(found.id > 0, found.batch_size > 0, found.threads >= 0, found.cycle >= 0)
    counts = (found.parameters, found.macs, found.operations, found.input_pixels, found.started_ns, found.ended_ns)
    _require(all(value is None or value >= 0 for value in counts))
    return found


def _text(known: Known, row: Row) -> None:
    _require(isinstance(row[0], str), isinstance(row[1], str))
    if row[0] in {"shift_ns", "parts", "durable_commits"}:
        int(row[1])


def _utc(known: Known, row: Row) -> None:
    _require(isinstance(row[0], int), isinstance(row[1], int), min(row[:2]) >= 0)


def _clock(known: Known, row: Row) -> None:
    value = rows.checked(rows.ClockRow, row)
    _require(value.source in known.sources, value.rate_hz > 0, value.bound_ns >= 0, value.host_ns >= 0)


def _alignment(known: Known, row: Row) -> None:
    value = rows.checked(rows.AlignmentRow, row)
    _require(value.source in known.sources, value.bound_ns >= 0, value.host_ns >= 0, abs(value.correlation) <= 1)


def _line_change(known: Known, row: Row) -> None:
    _require(all(isinstance(value, int) and value >= 0 for value in row), row[0] in known.sources)


def _span(known: Known, row: Row) -> None:
    value = rows.checked(rows.SpanRow, row)
    Phase(value.phase)
    end_ns = value.start_ns if value.end_ns is None else value.end_ns
    _require(value.run in known.runs, 0 <= value.start_ns <= end_ns)


def _batch(known: Known, row: Row) -> None:
    _, run, phase, start_ns, end_ns, images, top1, top5, device_ns = row
    Phase(phase)
    _require(all(isinstance(value, int) for value in (run, start_ns, end_ns, images)), run in known.runs)
    _require(images > 0, 0 <= start_ns <= end_ns)
    _require(all(value is None or (isinstance(value, int) and 0 <= value <= images) for value in (top1, top5)))
    _require(device_ns is None or (isinstance(device_ns, int) and device_ns >= 0))


def _memory(known: Known, row: Row) -> None:
    value = rows.checked(rows.MemoryRow, row)
    _require(value.run in known.runs, value.peak_bytes >= 0, value.floor_bytes >= 0)


def _answers(known: Known, row: Row) -> None:
    run, images, top1 = row
    _require(run in known.runs, isinstance(images, str), isinstance(top1, str))
    _require(not set(top1) - {RIGHT, WRONG, UNANSWERED})


def _run_fact(known: Known, row: Row) -> None:
    _require(row[0] in known.runs, isinstance(row[1], str), isinstance(row[2], str))


def _mark(known: Known, row: Row) -> None:
    rows.checked(rows.MarkRow, row)


def _marker(known: Known, row: Row) -> None:
    rows.checked(Marker, row)


def _log(known: Known, row: Row) -> None:
    rows.checked(rows.LogRow, row)


CHECKS: dict[str, Callable[[Known, Row], None]] = {
    "meta": _text, "environment": _text, "utc": _utc, "clock": _clock, "alignment": _alignment,
    "line_change": _line_change, "span": _span, "batch": _batch, "memory": _memory, "answers": _answers,
    "run_fact": _run_fact, "mark": _mark, "marker": _marker, "log": _log,
}  # fmt: skip
"""By table, in the order in which rows can belong to each other."""
