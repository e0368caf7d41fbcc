# SPDX-License-Identifier: Apache-2.0
"""Events of a child on a board elsewhere: their times become times of this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.bench.runs.inference_on_board import OnTheBoard
from monitor_app.core.runs import Part, Phase
from monitor_app.inference.messages import Batches

if TYPE_CHECKING:
    import numpy as np


class AheadClock:
    """A board whose clock is 1000 ns ahead."""

    def host_ns(self, times_ns: np.ndarray) -> np.ndarray:
        assert times_ns.ndim == 2
        return times_ns - 1000


def test_batches_and_their_parts_come_with_times_of_this_computer():
    place = OnTheBoard(None, (), lambda: False)  # type: ignore[arg-type]
    place._clock = AheadClock()  # type: ignore[assignment]
    rows = ((5000, 9000, 2, None, None, None),)
    here = place.here(Batches(Phase.TIMED, rows, (("prefill", 5000, 6000, 8), ("decode", 6000, 9000, 2))))
    assert [(each.start_ns, each.end_ns) for each in here.batches] == [(4000, 8000)]
    assert here.parts_of_passes == (Part("prefill", 4000, 5000, 8), Part("decode", 5000, 8000, 2))
    assert place.here(Batches(Phase.TIMED, rows)).parts == ()
