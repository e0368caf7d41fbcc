# SPDX-License-Identifier: Apache-2.0
"""Parts of the timed passes of a run, each with a time and an energy of its own: prefill and decode.

The parts of a request follow each other without a pause, so a meter has to be fast enough to tell them apart. The
energy of decoding is that of all its steps together, request by request; its time is that of single steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import energy_of_run
from monitor_app.analysis.run.inputs import Batches
from monitor_app.analysis.run.latency import summarise_latency
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import DECODE, PREFILL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.energy import EnergySummary
    from monitor_app.analysis.run.inputs import PowerInputs
    from monitor_app.analysis.run.integration import Mean
    from monitor_app.analysis.run.latency import LatencySummary

    Floats = NDArray[np.float64]

KINDS = (PREFILL, DECODE)
LEAST_PERIODS = 2
"""Of the meter in one part: with fewer, its values belong to both parts."""


@dataclass(frozen=True, slots=True)
class PartResult:
    """What was measured of one kind of part; None where it was not."""

    kind: str
    """core.runs.PREFILL or DECODE."""
    units: int
    """Tokens that were read, or added, in all of them."""
    seconds: float
    """Of all of them together."""
    latency: LatencySummary | None
    """Of one: the time to the first token, or of one step of decoding."""
    energy: EnergySummary | None
    """Per token of its own: read, or added."""
    lacking: str = ""
    """Why it has no energy, one sentence."""

    @property
    def seconds_per_unit(self) -> Estimate | None:
        """The time of one token: that of a step over the prompts that it serves."""
        if self.latency is None or self.latency.mean is None:
            return None
        return self.latency.mean.scaled(self.latency.count / self.units)

    @property
    def units_per_s(self) -> Estimate | None:
        """Tokens a second while such parts ran."""
        if self.latency is None or self.latency.mean is None or self.latency.mean.low <= 0:
            return None
        mean, each = self.latency.mean, self.units / self.latency.count
        return Estimate(each / mean.value, each / mean.high, each / mean.low, mean.level)


def part_results(
    parts: NDArray[np.void],
    power: PowerInputs | None,
    idle: tuple[Mean | None, Mean | None],
    delay_ns: int,
    pauses_j: float,
    *,
    resamples: int,
    prior: Floats | None = None,
) -> tuple[PartResult, ...]:
    """All kinds of parts that a run has, in order; none for most runs.

    Args:
        parts: rows of the session (``session.rows.PART``), in order.
        power: of the run; None: not measured.
        idle: the baselines before and after the run.
        delay_ns: of the instrument behind the board.
        pauses_j: standard uncertainty of the energy of all passes from the pauses between them.
        resamples: for the intervals of latencies.
        prior: of the correlation of consecutive passes, as of the run.
    """
    return tuple(
        _result(kind, parts[parts["kind"] == kind], power, idle, delay_ns, pauses_j, resamples, prior)
        for kind in KINDS
        if (parts["kind"] == kind).any()
    )


def _result(
    kind: str, rows: NDArray[np.void], power: PowerInputs | None, idle: tuple[Mean | None, Mean | None], delay_ns: int,
    pauses_j: float, resamples: int, prior: Floats | None,
) -> PartResult:  # fmt: skip
    each = Batches(rows["start_ns"], rows["end_ns"], rows["units"])
    joined = _joined(each).delayed(delay_ns)
    energy, lacking = (
        (None, "Power was not measured.") if power is None else _energy(power, joined, idle, pauses_j, prior)
    )
    return PartResult(
        kind,
        int(each.images.sum()),
        float(each.seconds.sum()),
        summarise_latency(each.seconds, resamples=resamples),
        energy,
        lacking,
    )


def _joined(parts: Batches) -> Batches:
    """Those that follow each other without a pause as one: the steps of one request."""
    first = np.concatenate(([True], parts.start_ns[1:] != parts.end_ns[:-1]))
    places = np.flatnonzero(first)
    last = np.concatenate((places[1:] - 1, [len(parts.start_ns) - 1]))
    return Batches(parts.start_ns[places], parts.end_ns[last], np.add.reduceat(parts.images, places))


def _energy(
    power: PowerInputs, parts: Batches, idle: tuple[Mean | None, Mean | None], pauses_j: float, prior: Floats | None
) -> tuple[EnergySummary | None, str]:
    times_ns = power.power.times_ns
    part_s = float(np.median(parts.seconds))
    period_s = float(np.median(np.diff(times_ns))) * 1e-9 if len(times_ns) > 1 else float("inf")
    if period_s * LEAST_PERIODS > part_s:
        return (
            None,
            f"The meter gives a value every {1e3 * period_s:.3g} ms and such a part takes {1e3 * part_s:.3g} ms.",
        )
    found = energy_of_run(power.power, parts, power.instrument, *idle, prior=prior, pauses_j=pauses_j)
    return found, "" if found is not None else "No power was recorded during them."
