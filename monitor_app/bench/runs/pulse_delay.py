# SPDX-License-Identifier: Apache-2.0
"""Finds the delay of each source: a load-step sequence that the board has played is looked for in the session file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.delay import LEAST_DELAY_S, MOST_DELAY_S, find_delay
from monitor_app.analysis.run.signals import powers_of_sources
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.core.clock import Delay
    from monitor_app.session.rows import SignalRow

MARGIN_S = 0.3
COLUMNS = 40_000
"""Means of groups are enough for a fast source: a quarter of a minute at 1 MSa/s would fill the memory."""
SETTLE_S = MOST_DELAY_S + MARGIN_S
"""How long to wait after the last edge, until the source with the longest delay has shown it."""

logger = logging.getLogger(__name__)


def find_delays(session: Path, edges_ns: Sequence[int]) -> dict[int, Delay]:
    """By source, its delay behind a load-step sequence, where its power shows the sequence. Raises SessionError."""
    delays = {}
    with SessionReader(session) as reader:
        for source_id, power in powers_of_sources(reader).items():
            delay = find_delay(np.array(edges_ns, np.int64), *samples_around(reader, power, edges_ns))
            if delay is not None:
                delays[source_id] = delay
            logger.info("Source %d and the load-step sequence: %s", source_id, delay)
    return delays


def samples_around(
    reader: SessionReader, power: SignalRow, edges_ns: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times and power, W, of a load-step sequence, of a fast source as means of groups of samples."""
    start_ns = edges_ns[0] + round((LEAST_DELAY_S - MARGIN_S) * 1e9)
    end_ns = edges_ns[-1] + round((MOST_DELAY_S + MARGIN_S) * 1e9)
    means = reader.envelope(power.id, start_ns, end_ns, COLUMNS)
    # The middle of each group of samples.
    middle = (means.samples_per_column - 1) / (2 * means.samples_per_column)
    times_ns = means.start_ns + np.round((means.end_ns - means.start_ns) * middle).astype(np.int64)
    return times_ns, means.mean
