# SPDX-License-Identifier: Apache-2.0
"""The check before the first run: the power that is measured follows the work, and is back at idle in the settle time.

A meter on another board, one that is late, or a board whose supply is slow would otherwise give a night of energies
that look right.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.delay import MOST_DELAY_S, find_response
from monitor_app.bench.runs.pulse_delay import samples_around
from monitor_app.core.errors import MonitorError
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.inference.messages import Pulses
    from monitor_app.session.rows import SignalRow

PULSES = 4
SHORTEST_S, LONGEST_S = 0.4, 3.0
"""Range of the mean length of a pulse: long enough for the meter, short enough for the patience of the user."""
SAMPLES_A_PULSE = 8
SPREAD = 0.3
"""Lengths lie this far about their mean."""
REMAINS = 0.05
"""Fraction of the swing that may be left of it when the settle time is over."""


class PowerCheckError(MonitorError):
    """The power does not follow the work as the protocol needs it."""


def check_pulses(usual: Pulses, session: Path, total: SignalRow) -> Pulses:
    """A short load-step sequence, of pulses that the meter can follow."""
    with SessionReader(session) as reader:
        rate_hz = next((source.rate_hz for source in reader.sources() if source.id == total.source), 0.0)
    return check_pulses_of(usual, rate_hz)


def check_pulses_of(usual: Pulses, rate_hz: float = math.inf) -> Pulses:
    """A short load-step sequence for a meter of this sample rate."""
    mean_s = min(max(SAMPLES_A_PULSE / max(rate_hz, 1e-3), SHORTEST_S), LONGEST_S)
    return replace(usual, pulses=PULSES, shortest_s=(1 - SPREAD) * mean_s, longest_s=(1 + SPREAD) * mean_s)


def name_of(reader: SessionReader, total: SignalRow) -> str:
    """The total power with its source: shunt/power."""
    source = next((source.name for source in reader.sources() if source.id == total.source), "")
    return f"{source}/{total.name}"


def check_power(
    reader: SessionReader, total: SignalRow, edges_ns: Sequence[int], settle_s: float, *, delay_is_known: bool
) -> str:
    """What was found, one sentence.

    Args:
        reader: the session.
        total: the power of the board.
        edges_ns: times in the file at which the load went on, off, on, ...
        settle_s: what the protocol leaves out before idle counts as idle.
        delay_is_known: whether the delay of the source is corrected.

    Raises:
        PowerCheckError: the power does not follow the load, or is not back at idle after the settle time.
    """
    response = find_response(np.array(edges_ns, np.int64), *samples_around(reader, total, edges_ns))
    if response is None:
        raise PowerCheckError(
            f"{name_of(reader, total)} does not follow the work within {MOST_DELAY_S:g} s: check that the instrument "
            "measures the board that the networks run on, or set power_check = false under [protocol]."
        )
    late_s = max(response.delay_s, 0.0)
    needed_s = (0.0 if delay_is_known else late_s) + response.fall_s * math.log(1 / REMAINS)
    if needed_s > settle_s:
        raise PowerCheckError(
            f"The power is back at idle {needed_s:.2g} s after the end of the work ({late_s * 1e3:.0f} ms late, then a "
            f"time constant of {response.fall_s * 1e3:.0f} ms), and settle_s = {settle_s:g} is shorter: "
            f"set settle_s = {math.ceil(needed_s * 12) / 10:g} under [protocol]"
            + (", or pulses = true under [sync], which corrects the delay." if late_s > needed_s / 2 else ".")
        )
    return (
        f"The power follows the work: it rises by {response.swing_w:.3g} W, {late_s * 1e3:.0f} ms late, and is back at "
        f"idle {needed_s:.2g} s after the work; settle_s = {settle_s:g} suffices."
    )
