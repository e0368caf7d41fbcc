# SPDX-License-Identifier: Apache-2.0
"""What an interval of a session holds for the analysis of its inferences: the batches of one run, and the power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import EnergySummary, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Effort, Readings, power_around, power_inputs
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.signals import total_power
from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow, SignalRow

EFFORT = Effort(most_samples=2_000_000, resamples=300)
"""For a window that shows results while the user looks on."""
FULL = 0.98
"""Of the samples that may be read: with a few more, means of neighbours would be."""


@dataclass(frozen=True, slots=True)
class PairInputs:
    """One interval; arrays are empty where nothing was recorded."""

    start_ns: int
    end_ns: int
    power: Readings
    """Of the board; of a long interval, means of neighbouring samples."""
    detail: Readings
    """Every sample; of a long interval, of its middle."""
    run: RunRow | None
    """The run with most batches in it."""
    phase: Phase
    """Of those batches: timed ones where there are any."""
    latencies_s: NDArray[np.float64]
    batches: Batches
    """At the times at which the instrument shows them."""
    energy: EnergySummary | None
    """Of those batches."""
    times_simulated: bool
    power_simulated: bool

    @property
    def name(self) -> str:
        """What the batches are, for a caption."""
        if self.run is None:
            return "no batches"
        phase = self.phase.value.replace("_", "-")
        of = f"run {self.run.id}, {self.run.label}"
        return f"{len(self.batches.images):,} {phase} batches of {of}"


def pair_inputs(
    reader: SessionReader, start_ns: int, end_ns: int, run_id: int | None = None, effort: Effort = EFFORT
) -> PairInputs:
    """Read once. Raises NotASessionError for a damaged session.

    Args:
        reader: the session.
        start_ns: of the interval, host time.
        end_ns: the same.
        run_id: the run whose batches are meant; None: the one with most batches in the interval.
        effort: how much is spent.
    """
    run, phase, rows = _batches(reader, start_ns, end_ns, run_id)
    batches = Batches(rows["start_ns"], rows["end_ns"], rows["images"])
    signal = total_power(reader)
    energy, shown = None, batches
    if signal is not None and run is not None and len(rows):
        energy, shown = _energy(reader, signal, run, batches, effort)
    power = _power(reader, signal, start_ns, end_ns, effort)
    middle = _middle(reader, signal, start_ns, end_ns, effort)
    return PairInputs(
        start_ns=start_ns,
        end_ns=end_ns,
        power=power,
        detail=power if middle == (start_ns, end_ns) else _power(reader, signal, *middle, effort),
        run=run,
        phase=phase,
        latencies_s=batches.seconds,
        batches=shown,
        energy=energy,
        times_simulated=run is not None and run.simulated,
        power_simulated=signal is not None
        and any(each.simulated for each in reader.sources() if each.id == signal.source),
    )


def _batches(
    reader: SessionReader, start_ns: int, end_ns: int, run_id: int | None
) -> tuple[RunRow | None, Phase, NDArray[np.void]]:
    rows = reader.batches(run_id=run_id, start_ns=start_ns, end_ns=end_ns)
    rows = rows[rows["end_ns"] <= end_ns]
    timed = rows[rows["phase"] == Phase.TIMED.value]
    rows, phase = (timed, Phase.TIMED) if len(timed) else (rows, Phase.WARM_UP)
    if not len(rows):
        return None, phase, rows
    runs, counts = np.unique(rows["run"], return_counts=True)
    most = int(runs[np.argmax(counts)])
    rows = rows[rows["run"] == most]
    if not len(timed):
        phases, counts = np.unique(rows["phase"], return_counts=True)
        phase = Phase(str(phases[np.argmax(counts)]))
        rows = rows[rows["phase"] == phase.value]
    return next((run for run in reader.runs() if run.id == most), None), phase, rows


def _energy(
    reader: SessionReader, signal: SignalRow, run: RunRow, batches: Batches, effort: Effort
) -> tuple[EnergySummary | None, Batches]:
    inputs = power_inputs(reader, signal, run, batches, effort)
    before, after = (None if each is None else mean_power(each) for each in (inputs.idle_before, inputs.idle_after))
    return energy_of_run(inputs.power, inputs.batches, inputs.instrument, before, after), inputs.batches


def _middle(
    reader: SessionReader, signal: SignalRow | None, start_ns: int, end_ns: int, effort: Effort
) -> tuple[int, int]:
    """As much of an interval as has no more samples than may be read."""
    stored = None if signal is None else signal.factor_a if signal.is_product else signal.id
    rate_hz = None if stored is None else reader.sample_rate_hz(stored)
    length_ns = end_ns - start_ns
    most_ns = round(FULL * effort.most_samples / rate_hz * 1e9) if rate_hz else length_ns
    spare_ns = max(length_ns - most_ns, 0) // 2
    return start_ns + spare_ns, end_ns - spare_ns


def _power(reader: SessionReader, signal: SignalRow | None, start_ns: int, end_ns: int, effort: Effort) -> Readings:
    if signal is None:
        return Readings(np.empty(0, np.int64), np.empty(0))
    around = Batches(np.array([start_ns]), np.array([end_ns]), np.ones(1, np.int64))
    return power_around(reader, signal, around, 0.0, effort)
