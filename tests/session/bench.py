# SPDX-License-Identifier: Apache-2.0
"""Sessions of which everything is known: codes, holes, times, runs. Shared by the tests of session and analysis."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import ClockState, Delay
from monitor_app.core.runs import Batch, ImageAnswers, Phase, RunSpec, RunState
from monitor_app.core.samples import LineChanges, Quantity, Role, Signal, SourceInfo
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 50_000
PERIOD_NS = 20_000
START_NS = 5_000_000_000_000
UTC_OFFSET_NS = 1_700_000_000_000_000_000
ANSWERS = ImageAnswers("ab" * 32, "1111111000-1111111110")
"""Of run 2 of the rich session."""
CURRENT, VOLTAGE, POWER = 1, 2, 3
S = 1_000_000_000


def shunt(accuracy: float | None = 0.001, *, simulated: bool = True) -> SourceInfo:
    return SourceInfo(
        name="shunt",
        kind="shunt",
        model="TX1 shunt",
        serial_number="SIM-1",
        firmware="1.0",
        rate_hz=RATE_HZ,
        signals=(
            Signal("current", Quantity.CURRENT, Role.OTHER, "<u2", 0.0001, -0.5, 0.0001, accuracy),
            Signal("voltage", Quantity.VOLTAGE, Role.OTHER, "<u2", 0.0005, 0.0, 0.0005, accuracy),
            Signal(
                "power", Quantity.POWER, Role.TOTAL,
                accuracy=None if accuracy is None else 2 * accuracy, product_of=("current", "voltage"),
            ),
        ),
        lines=("busy",),
        simulated=simulated,
        notes=("It sees the whole board.",),
    )  # fmt: skip


@dataclass
class Truth:
    """All samples that were written, by plain numpy."""

    index: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    current: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    voltage: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @cached_property
    def power(self) -> NDArray[np.float64]:
        return self.current * self.voltage

    @cached_property
    def time_ns(self) -> NDArray[np.int64]:
        return START_NS + self.index * PERIOD_NS

    def of(self, signal: int) -> NDArray[np.float64]:
        return self.power if signal == POWER else {CURRENT: self.current, VOLTAGE: self.voltage}[signal]

    def add(self, first: int, codes: tuple[NDArray[np.uint16], NDArray[np.uint16]]) -> None:
        for derived in ("power", "time_ns"):
            self.__dict__.pop(derived, None)
        self.index = np.append(self.index, np.arange(first, first + len(codes[0])))
        self.current = np.append(self.current, 0.0001 * codes[0].astype(np.float64) - 0.5)
        self.voltage = np.append(self.voltage, 0.0005 * codes[1].astype(np.float64))


def noise(rng: np.random.Generator, n: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    return rng.integers(0, 65_536, n).astype("<u2"), rng.integers(23_000, 25_000, n).astype("<u2")


def put(writer: SessionWriter, first: int, codes: tuple[NDArray[np.uint16], ...], truth: Truth | None = None) -> None:
    """A block at the times that its indices have in these sessions."""
    n = len(codes[0])
    writer.write_block(1, first, codes, START_NS + first * PERIOD_NS, START_NS + (first + n - 1) * PERIOD_NS)
    if truth is not None:
        truth.add(first, codes)


def gap(writer: SessionWriter, first: int, n: int, reason: str = "lost on the way") -> None:
    writer.write_gap(1, first, n, START_NS + first * PERIOD_NS, START_NS + (first + n) * PERIOD_NS, reason)


def steady(watts: float, n: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Codes of a steady power at 10 V; a step of the current is 1 mW."""
    return np.full(n, round((watts / 10 + 0.5) / 0.0001), "<u2"), np.full(n, 20_000, "<u2")


def write_rich(path: Path, *, close: bool = True) -> SessionWriter:
    """One of everything: two runs with all phases, a gap, a mark, a log line; 20 s at 50 kSa/s.

    Idle is 2 W. Run 1 draws 8 W from 3 s to 7 s in 20 batches of 100 images; run 2 draws 5 W from 12 s to 14 s
    and 0.5 s of it are lost; run 3 failed before it began.
    """
    writer = SessionWriter(path)
    writer.set_meta({"title": "Known bench", "program": "monitor-app test", "completed_utc_ns": "1"})
    writer.set_environment({"torch": "2.13.0"})
    writer.write_utc(START_NS, UTC_OFFSET_NS)
    writer.add_source(1, shunt())
    writer.commit()
    plan = [(0, 3, 2.0), (3, 7, 8.0), (7, 12, 2.0), (12, 13, 5.0), (13.5, 14, 5.0), (14, 20, 2.0)]
    for start_s, end_s, watts in plan:
        put(writer, round(start_s * RATE_HZ), steady(watts, round((end_s - start_s) * RATE_HZ)))
        writer.commit()
    gap(writer, 13 * RATE_HZ, RATE_HZ // 2)
    writer.write_clock(1, START_NS + S, ClockState(50_000.5, 40_000))
    writer.write_clock(1, START_NS + 15 * S, ClockState(50_000.25, 30_000))
    writer.write_alignment(1, START_NS, Delay(1_000, 5_000, 0.99))
    writer.write_line_changes(
        1, LineChanges(np.array([3, 7]) * RATE_HZ, np.zeros(2, np.uint8), np.array([1, 0], np.uint8))
    )
    _write_runs(writer)
    writer.write_mark(START_NS + 4 * S, "note", "here")
    writer.write_log(START_NS, "warning", "a line")
    if close:
        writer.close()
    else:
        writer.commit(durable=True)
    return writer


def _write_runs(writer: SessionWriter) -> None:
    first = [(Phase.IDLE_BEFORE, 1, 2.5), (Phase.WARM_UP, 2.5, 3), (Phase.TIMED, 3, 7), (Phase.IDLE_AFTER, 8, 10)]
    second = [
        (Phase.IDLE_BEFORE, 10, 11),
        (Phase.TIMED, 12, 14),
        (Phase.ACCURACY, 14, 14.5),
        (Phase.IDLE_AFTER, 15, 16),
    ]
    numbers = iter(range(1, 100))
    for run_id, spans in ((1, first), (2, second)):
        spec = RunSpec("resnet18" if run_id == 1 else "alexnet", 100, "fp32", "cpu", 2)
        writer.add_run(run_id, 1, spec, spec.network.title(), RunState.WAITING)
        for phase, start_s, end_s in spans:
            span_id = next(numbers)
            writer.open_span(span_id, run_id, phase, START_NS + round(start_s * S))
            writer.close_span(span_id, START_NS + round(end_s * S))
        writer.update_run(
            run_id, state=RunState.DONE.value, started_ns=START_NS, ended_ns=START_NS + 20 * S, parameters=11_689_512,
            macs=1_814_083_944, operations=3_628_167_888, input_pixels=224, weights="torchvision", dataset="demo",
        )  # fmt: skip
    # 4 s in 20 batches that take 100, 105, ... and the rest of their 200 ms waiting.
    writer.write_batches(
        1,
        [
            Batch(
                Phase.TIMED,
                START_NS + 3 * S + k * S // 5,
                START_NS + 3 * S + k * S // 5 + (100 + 5 * k) * S // 1000,
                100,
            )
            for k in range(20)
        ],
    )
    writer.write_batches(1, [Batch(Phase.WARM_UP, START_NS + 5 * S // 2, START_NS + 3 * S, 100)])
    writer.write_batches(
        2, [Batch(Phase.TIMED, START_NS + (12 + k) * S, START_NS + (13 + k) * S, 100) for k in range(2)]
    )
    writer.write_batches(
        2,
        [
            Batch(Phase.ACCURACY, START_NS + 14 * S, START_NS + 14 * S + S // 4, 10, 7, 9),
            Batch(Phase.ACCURACY, START_NS + 14 * S + S // 4, START_NS + 14 * S + S // 2, 10, 9, 10),
        ],
    )
    writer.write_answers(2, ANSWERS)
    writer.add_run(3, 1, RunSpec("vgg16", 1), "VGG-16", RunState.WAITING)
    writer.update_run(3, state=RunState.FAILED.value, error="It does not fit.", accuracy_note="no weights")
