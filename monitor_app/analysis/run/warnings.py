# SPDX-License-Identifier: Apache-2.0
"""What a user of the figures of a run must know beside them, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.steadiness import Readings, find_change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.run.energy import Batches, Instrument
    from monitor_app.analysis.run.integration import Mean

CLOCK_SHARE = 0.1
"""Part of a batch that the bound of the clocks may be."""
LEAST_CLOCK_CHANGE = 0.02
MOST_BETWEEN = 0.05
"""Part of the run between batches that needs no remark."""
_S = 1e-9


def doubt(batches: Batches, instrument: Instrument) -> str | None:
    """Why a figure for a single inference is not to be trusted, or None."""
    bound_ms, batch_ms = (instrument.clock_bound_ns or 0.0) * 1e-6, float(np.median(batches.seconds)) * 1e3
    if bound_ms <= CLOCK_SHARE * batch_ms:
        return None
    return (
        f"The times of the power are known to {bound_ms:.3g} ms only and a batch takes {batch_ms:.3g} ms, so which "
        "energy belongs to which batch is doubtful; the mean over the run has it in its uncertainty."
    )


def changes(batches: Batches, energy_j: NDArray[np.float64], clocks_hz: Mapping[str, Readings]) -> Iterator[str]:
    """What hints at throttling: latency or power of the batches, or a clock of the board, that changed."""
    alike = batches.images == np.median(batches.images)
    begin_ns, end_ns = int(batches.start_ns[0]), int(batches.end_ns[-1])
    quantities = {"Latency": batches.seconds, "Power": energy_j / batches.seconds}
    for name, values in quantities.items():
        found = find_change(Readings(batches.end_ns[alike], values[alike]))
        if found is not None:
            start_s, stop_s = ((at - begin_ns) * _S for at in (found.start_ns, found.end_ns))
            higher = "higher" if found.relative > 0 else "lower"
            yield (
                f"{name} was {abs(found.relative):.0%} {higher} from {start_s:.1f} s to {stop_s:.1f} s of the run "
                "than in the rest of it."
            )
    for name, clock in clocks_hz.items():
        inside = clock.values[(clock.times_ns >= begin_ns) & (clock.times_ns <= end_ns)]
        if len(inside) and inside.min() < (1 - LEAST_CLOCK_CHANGE) * inside.max():
            yield f"Clock {name} was between {inside.min() / 1e6:.0f} and {inside.max() / 1e6:.0f} MHz during the run."


def notes(
    batches: Batches,
    used: Batches,
    instrument: Instrument,
    period_s: float,
    before: Mean | None,
    after: Mean | None,
) -> Iterator[str]:
    """What was left out or is not known, of all batches and those that were used."""
    left_out = len(batches.images) - len(used.images)
    if left_out:
        yield f"{left_out} of {len(batches.images)} batches ran while no power was recorded, and are left out."
    batch_s = float(np.median(used.seconds))
    if period_s > batch_s / 2:
        yield (
            f"The meter gives a value every {period_s * 1e3:.3g} ms and a batch takes {batch_s * 1e3:.3g} ms, so only "
            "the mean over the run is measured, not single batches."
        )
    between = 1 - float(used.seconds.sum()) * 1e9 / int(used.end_ns[-1] - used.start_ns[0])
    if between > MOST_BETWEEN:
        yield f"{between:.0%} of the run lies between batches, and what the board took then is not counted."
    if instrument.accuracy is None:
        yield "The meter does not state its accuracy, so the uncertainty has no part for it."
    if instrument.clock_bound_ns is None:
        yield "The times of the power have no bound, so the uncertainty has no part for them."
    if (before is None) != (after is None):
        yield "Idle power was measured on one side of the run only, so its drift is a guess."
