# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: micro signs)
"""What is known of one batch: its time, its energy with the uncertainty, its power, and its answers. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.batch_energy import BatchEnergy, Idle, energy_of_batch
from monitor_app.analysis.run.inputs import LIVE, Batches, power_around, power_inputs
from monitor_app.analysis.run.integration import mean_power
from monitor_app.core.formatting import PREFIXES, decimals_of, engineering, fixed, plus_minus, span_of_time
from monitor_app.core.models.units import IMAGE, worded
from monitor_app.core.runs import STAGES
from monitor_app.gui.plot.annotations import PHASE_NAMES
from monitor_app.gui.plot.batches.spans import span_of
from monitor_app.gui.plot.plot_state import BatchCard
from monitor_app.gui.session.batch_log import PHASES

if TYPE_CHECKING:
    from monitor_app.analysis.run.inputs import Instrument
    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.rows import RunRow, SignalRow

CLOCK_WARNING = "clocks: known to no better than a tenth of it"
SIMULATED = "SIMULATED"


class BatchCards:
    """Makes the cards of a recording. What a run has in common is read once, since that takes longer than a frame."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._key: tuple[object, ...] = ()
        self._common: _Common | None = None

    def card(self, index: int) -> BatchCard:
        """Of the batch with this index in the log; what was not measured is left out."""
        recording = self._recording
        row, span = recording.batches.rows[index], span_of(recording.batches, index)
        run = next((each for each in recording.runs if each.id == int(row["run"])), None)
        unit, units = (IMAGE, 1) if run is None else (run.unit, run.units_of_item)
        items, images = int(row["images"]), int(row["images"]) * units
        interval_ns = (recording.host_ns(span.start_s), recording.host_ns(span.end_s))
        energy = self._energy(run, interval_ns, images)
        counted = worded(f"time, {images} images", unit) if images > 1 else "time"
        service_ms = float(row["latency_ms"] - row["waited_ms"])
        rows = [(counted, span_of_time(1e-3 * service_ms))]
        if recording.batches.with_arrivals:
            rows.append(("waited before", span_of_time(1e-3 * float(row["waited_ms"]))))
            rows.append(("from its arrival", span_of_time(1e-3 * float(row["latency_ms"]))))
        if isinstance(energy, BatchEnergy):
            rows += _energy_rows(energy, images, unit)
        elif energy is not None:
            rows.append(("energy", energy))
        if row["top1"] >= 0:
            rows.append(("answer", _answer(int(row["top1"]), items)))
        stamps_ns = _stamps_ns(recording, run, int(row["id"]))
        rows += [(name, self._stage(run, part_ns)) for name, part_ns in zip(STAGES, pairwise(stamps_ns), strict=False)]
        inner_s = tuple(recording.seconds(stamp) for stamp in stamps_ns[1:-1])
        warnings = (CLOCK_WARNING,) if isinstance(energy, BatchEnergy) and energy.clock_warning else ()
        simulated = (SIMULATED,) if _simulated(recording, run) else ()
        return BatchCard(span, _title(recording, index), tuple(rows), (*warnings, *simulated), inner_s)

    def energy_text(self, index: int) -> str:
        """The energy alone, with the digits that its uncertainty supports; empty where there is none."""
        recording = self._recording
        run = next((each for each in recording.runs if each.id == int(recording.batches.rows["run"][index])), None)
        if run is None:
            return ""
        span = span_of(recording.batches, index)
        images = int(recording.batches.rows["images"][index]) * run.units_of_item
        energy = self._energy(run, (recording.host_ns(span.start_s), recording.host_ns(span.end_s)), images)
        if not isinstance(energy, BatchEnergy):
            return ""
        return _joules(_value_j(energy), energy.expanded_j, both=False)

    def _stage(self, run: RunRow | None, interval_ns: tuple[int, int]) -> str:
        """The time of a stage, and its energy where the meter is quick enough to tell it from that of the others."""
        took = span_of_time(1e-9 * (interval_ns[1] - interval_ns[0]))
        energy = self._energy(run, interval_ns, 0)
        if not isinstance(energy, BatchEnergy) or energy.clock_warning:
            return took
        return f"{took}  ·  {_joules(_value_j(energy), energy.expanded_j)}"

    def _energy(self, run: RunRow | None, interval_ns: tuple[int, int], images: int) -> BatchEnergy | str | None:
        """Of a batch or a part of one; None where no power or no run is known."""
        recording, power = self._recording, self._recording.power
        if run is None or power is None:
            return None
        start_ns, end_ns = (np.array([at], np.int64) for at in interval_ns)
        batch = Batches(start_ns, end_ns, np.array([images], np.int64))
        ended = sum(each.run == run.id and each.end_ns is not None for each in recording.spans)
        key = (run.id, power.id, ended)
        if self._common is None or key != self._key:
            self._key, self._common = key, _common(recording, run, power, batch)
        common, result = self._common, recording.results.get(run.id)
        net = result.energy.net if result is not None and result.energy is not None else None
        batch = batch.delayed(common.delay_ns)
        around = power_around(recording.reader, power, batch, common.instrument.clock_bound_ns, LIVE)
        pauses_j = net.budget.pauses * images if net is not None else 0.0
        return energy_of_batch(around, batch, common.instrument, common.idle, pauses_j=pauses_j)


@dataclass(frozen=True, slots=True)
class _Common:
    """What the batches of a run have in common."""

    instrument: Instrument
    idle: Idle
    delay_ns: int


def _common(recording: Recording, run: RunRow, power: SignalRow, batch: Batches) -> _Common:
    inputs = power_inputs(recording.reader, power, run, batch, LIVE)
    before, after = (None if each is None else mean_power(each) for each in (inputs.idle_before, inputs.idle_after))
    return _Common(inputs.instrument, Idle(before, after), int(inputs.batches.start_ns[0] - batch.start_ns[0]))


def _title(recording: Recording, index: int) -> str:
    """Which one it is: timed batch 17 of 250."""
    rows = recording.batches.rows
    alike = (rows["run"] == rows["run"][index]) & (rows["phase"] == rows["phase"][index])
    phase = PHASES[int(rows["phase"][index])].value
    return f"{PHASE_NAMES.get(phase, phase)} batch {np.count_nonzero(alike[: index + 1])} of {np.count_nonzero(alike)}"


def _stamps_ns(recording: Recording, run: RunRow | None, batch_id: int) -> tuple[int, ...]:
    """Where its stages begin, and where the last one ends; none unless the pass was timed end to end."""
    if run is None:
        return ()
    found = recording.reader.stages(run.id, batch_id=batch_id)["stamps_ns"]
    return tuple(int(stamp) for stamp in found[0]) if len(found) else ()


def _value_j(energy: BatchEnergy) -> float:
    """Net where idle power is known."""
    return energy.gross_j if energy.net_j is None else energy.net_j


def _energy_rows(energy: BatchEnergy, images: int, unit: str) -> list[tuple[str, str]]:
    value = _value_j(energy)
    name = "energy" if energy.net_j is None else "net energy"
    rows = [(name, _joules(value, energy.expanded_j))]
    if images > 1:
        rows.append((worded(f"{name} / image", unit), _joules(value / images, energy.expanded_j / images)))
    return [*rows, ("mean power", engineering(energy.mean_w, "W", exact=True))]


def _joules(value_j: float, half_width_j: float, *, both: bool = True) -> str:
    """191.0 ± 4.0 mJ, or without the uncertainty 191.0 mJ."""
    factor, prefix = next((each for each in PREFIXES if abs(value_j) >= each[0]), (1e-6, "µ"))
    value, half_width = value_j / factor, half_width_j / factor
    text = plus_minus(value, half_width) if both else fixed(value, decimals_of(value, half_width))
    return f"{text} {prefix}J"


def _answer(right: int, images: int) -> str:
    if images == 1:
        return "right" if right else "wrong"
    return f"{right} of {images} right"


def _simulated(recording: Recording, run: RunRow | None) -> bool:
    """Of its time, or of its power."""
    power = recording.power
    sources = {source.id for source in recording.sources if source.simulated}
    return (run is not None and run.simulated) or (power is not None and power.source in sources)
