# SPDX-License-Identifier: Apache-2.0
"""How small a net power can be told from none. No Qt."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import TYPE_CHECKING

from monitor_app.analysis.run.inputs import IDLE_PHASES
from monitor_app.gui.session.recording import NOW_S

if TYPE_CHECKING:
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.subject import Subject

BLOCKS, LEAST_BLOCKS = 10, 4
"""Parts of an interval whose means are compared: noise that is correlated over less than a part is in their scatter."""
SURE = 2.0
"""Standard uncertainties within which nothing is certain: about 95 %."""


def net_bound_w(recording: Recording, subject: Subject) -> float | None:
    """Below this a net power of the subject, in W, is not told from none; None where that is not known."""
    result = subject.result
    if not subject.live:
        known = result.net_uncertainty_w if result is not None else None
        return None if known is None else SURE * known
    idle = next((s for s in reversed(recording.spans) if s.phase in IDLE_PHASES and s.end_ns is not None), None)
    if idle is None or recording.power is None:
        return None
    newest_ns = recording.newest_ns
    now_w = _scatter_w(recording, newest_ns - round(NOW_S * 1e9), newest_ns)
    idle_w = _scatter_w(recording, idle.start_ns, idle.end_ns or 0)
    return None if now_w is None or idle_w is None else SURE * math.hypot(now_w, idle_w)


def _scatter_w(recording: Recording, start_ns: int, end_ns: int) -> float | None:
    """Standard uncertainty of the mean power of an interval, from the scatter within it."""
    assert recording.power is not None
    edges = [start_ns + (end_ns - start_ns) * k // BLOCKS for k in range(BLOCKS + 1)]
    parts = (recording.statistics(recording.power.id, *ends) for ends in itertools.pairwise(edges))
    means = [part.mean for part in parts if part.count]
    return statistics.stdev(means) / math.sqrt(len(means)) if len(means) >= LEAST_BLOCKS else None
