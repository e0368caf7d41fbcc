# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: micro signs)
"""What is known of one batch: its time, its energy with the uncertainty, its power, and its answers. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.batch_energy import BatchEnergy, Idle, energy_of_batch
from monitor_app.analysis.run.inputs import LIVE, Batches, power_around, power_inputs
from monitor_app.analysis.run.integration import mean_power
from monitor_app.core.formatting import PREFIXES, decimals_of, engineering, fixed, plus_minus, span_of_time
from monitor_app.core.models.units import IMAGE, worded
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
        energy = None if run is None or recording.power is None else self._energy(run, recording.power, index)
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
        warnings = (CLOCK_WARNING,) if isinstance(energy, BatchEnergy) and energy.clock_warning else ()
        simulated = (SIMULATED,) if _simulated(recording, run) else ()
        return BatchCard(span, _title(recording, index), tuple(rows), (*warnings, *simulated))

    def energy_text(self, index: int) -> str:
        """The energy alone, with the digits that its uncertainty supports; empty where there is none."""
        recording = self._recording
        run = next((each for each in recording.runs if each.id == int(recording.batches.rows["run"][index])), None)
        if run is None or recording.power is None:
            return ""
        energy = self._energy(run, recording.power, index)
        if not isinstance(energy, BatchEnergy):
            return ""
        return _joules(energy.gross_j if energy.net_j is None else energy.net_j, energy.expanded_j, both=False)

    def _energy(self, run: RunRow, power: SignalRow, index: int) -> BatchEnergy | str:
        recording = self._recording
        span = span_of(recording.batches, index)
        images = int(recording.batches.rows["images"][index]) * run.units_of_item
        start_ns, end_ns = (np.array([recording.host_ns(at)], np.int64) for at in (span.start_s, span.end_s))
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


def _energy_rows(energy: BatchEnergy, images: int, unit: str) -> list[tuple[str, str]]:
    value = energy.gross_j if energy.net_j is None else energy.net_j
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
