# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.core.clock import ClockState
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_NS = 7_000_000_000_123
RATE_HZ = 10_000
PERIOD_NS = 10**9 // RATE_HZ
BLOCK = 500
IDLE_W, FULL_W = 2.0, 12.0
CURRENT_STEP_A, CURRENT_OFFSET_A = 0.000123, -1.5
VOLTAGE_STEP_V = 0.00046


@dataclass(frozen=True)
class Recipe:
    """A session of which everything is known: idle for 1 s, at work for 2 s, idle for 1 s, and so on."""

    simulated: bool = False
    runs: int = 1
    lost_blocks: tuple[int, ...] = ()
    with_accuracy: bool = True
    second_source: bool = False
    through_zero: bool = False
    """The first samples rise from a negative current."""
    title: str = "Bench at rest"

    @property
    def duration_s(self) -> int:
        return 3 * self.runs + 1


Make = "Callable[[Recipe], SessionReader]"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[Recipe], SessionReader]]:
    readers = []

    def made(recipe: Recipe) -> SessionReader:
        path = tmp_path / f"session-{len(readers)}.plm"
        write(path, recipe)
        readers.append(SessionReader(path))
        return readers[-1]

    yield made
    for reader in readers:
        reader.close()


def codes(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Current and voltage codes of every sample, lost ones included."""
    k = np.arange(recipe.duration_s * RATE_HZ)
    second = k // RATE_HZ
    busy = second % 3 != 0
    volts = 19.0 + 0.01 * np.sin(k / 777)
    amperes = np.where(busy, FULL_W, IDLE_W) / 19.0 + 0.01 * np.sin(k / 13)
    if recipe.through_zero:
        amperes[:40] = np.linspace(-1.2, 1.2, 40)
    current = np.round((amperes - CURRENT_OFFSET_A) / CURRENT_STEP_A).astype("<u2")
    return current, np.round(volts / VOLTAGE_STEP_V).astype("<u2")


def write(path: Path, recipe: Recipe) -> None:
    """A session of this recipe, which is recorded only the first time."""
    path.write_bytes(_recorded(recipe))


@cache
def _recorded(recipe: Recipe) -> bytes:
    with TemporaryDirectory() as folder:
        _record(path := Path(folder) / "session.plm", recipe)
        return path.read_bytes()


def _record(path: Path, recipe: Recipe) -> None:
    writer = SessionWriter(path)
    writer.set_meta({"title": recipe.title, "program": "monitor-app 9.8.7", "completed_utc_ns": "1"})
    writer.write_utc(START_NS, 1_700_000_000_000_000_000)
    writer.add_source(1, shunt(recipe.simulated))
    write_samples(writer, recipe)
    writer.write_clock(1, START_NS, ClockState(float(RATE_HZ), 150_000))
    if recipe.second_source:
        write_rails(writer)
    for number in range(1, recipe.runs + 1):
        write_run(writer, number, recipe)
    writer.commit()
    writer.close()


def shunt(simulated: bool) -> SourceInfo:
    signals = (
        Signal("current", Quantity.CURRENT, dtype="<u2", scale=CURRENT_STEP_A, offset=CURRENT_OFFSET_A),
        Signal("voltage", Quantity.VOLTAGE, dtype="<u2", scale=VOLTAGE_STEP_V),
        Signal("power", Quantity.POWER, Role.TOTAL, product_of=("current", "voltage")),
    )
    return SourceInfo("shunt", "shunt", "Model S", "S-17", "1.2", float(RATE_HZ), signals, simulated=simulated)


def write_samples(writer: SessionWriter, recipe: Recipe) -> None:
    current, voltage = codes(recipe)
    for block, first in enumerate(range(0, len(current), BLOCK)):
        start_ns = START_NS + first * PERIOD_NS
        if block in recipe.lost_blocks:
            writer.write_gap(1, first, BLOCK, start_ns, start_ns + BLOCK * PERIOD_NS, "lost")
            continue
        piece = slice(first, first + BLOCK)
        writer.write_block(1, first, (current[piece], voltage[piece]), start_ns, start_ns + (BLOCK - 1) * PERIOD_NS)
        writer.store()


def write_rails(writer: SessionWriter) -> None:
    """A slow source of floating point values, one of which could not be read."""
    temperature = Signal("board, left", Quantity.TEMPERATURE)
    writer.add_source(2, SourceInfo("rails/1", "jetson-rails", "Board", "B-1", "0", 10.0, (temperature,)))
    values = np.array([20.25, -0.125, np.nan, 1e-9, 123456.78], "<f4")
    writer.write_block(2, 0, (values,), START_NS, START_NS + 400_000_000)


def write_run(writer: SessionWriter, number: int, recipe: Recipe) -> None:
    begin_ns = START_NS + 3 * (number - 1) * 10**9
    spec = RunSpec(f"network_{number}")
    writer.add_run(number, 1, spec, f"Network-{number}", RunState.DONE)
    writer.update_run(number, accuracy_note=None if recipe.with_accuracy else "no weights")
    phases = (
        (Phase.IDLE_BEFORE, 0.1, 0.9),
        (Phase.WARM_UP, 1.0, 1.2),
        (Phase.TIMED, 1.2, 2.4),
        (Phase.ACCURACY, 2.4, 3.0),
        (Phase.IDLE_AFTER, 3.1, 3.9),
    )
    for k, (phase, start_s, end_s) in enumerate(phases):
        writer.open_span(10 * number + k, number, phase, begin_ns + round(start_s * 1e9))
        writer.close_span(10 * number + k, begin_ns + round(end_s * 1e9))
    timed = [batch(Phase.TIMED, begin_ns, 1.2 + 0.02 * k) for k in range(60)]
    judged = [
        batch(Phase.ACCURACY, begin_ns, 2.4 + 0.05 * k, right=int(k % 4 != 3) if recipe.with_accuracy else None)
        for k in range(12)
    ]
    writer.write_batches(number, timed + judged)


def batch(phase: Phase, begin_ns: int, start_s: float, right: int | None = None) -> Batch:
    start_ns = begin_ns + round(start_s * 1e9)
    return Batch(phase, start_ns, start_ns + 16_000_000, 1, right, right)
