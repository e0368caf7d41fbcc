# SPDX-License-Identifier: Apache-2.0
"""A simulated board: what its supply delivers while it is idle and while it is busy.

Closed forms only, evaluated at given times, so that any split of a span into calls gives the same values.
Times are seconds since power-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Board:
    """A board, its supply, and how its power follows its work."""

    name: str
    supply_v: float
    source_ohm: float
    idle_w: float
    load_w: float
    """Added at full load."""
    rise_s: float
    """Time constant after the board becomes busy."""
    fall_s: float
    """Time constant after it becomes idle."""
    activity_hz: tuple[float, ...]
    """Components of the load about its mean, from the work itself; all of one size."""
    activity_rms: float
    """All of them together, as a part of the load."""
    ripple_hz: float
    ripple_w: float
    """Amplitude of what the switching regulators add, busy or not."""


TX1 = Board(
    name="tx1",
    supply_v=19.0,
    source_ohm=0.03,
    idle_w=1.30,
    load_w=11.80,
    rise_s=0.040,
    fall_s=0.060,
    activity_hz=(173.3, 411.7, 887.9, 1400.0),
    activity_rms=0.03,
    ripple_hz=17_300.0,
    ripple_w=0.020,
)

BOARDS = {board.name: board for board in (TX1,)}


class Edge(NamedTuple):
    """The board becomes busy, or idle."""

    time_s: float
    busy: float
    """The load from now on: 0 idle, 1 full load; a network may draw a little more or less than that."""


@dataclass(frozen=True)
class LoadState:
    """The load just after an edge; until the next one everything follows from it."""

    time_s: float = 0.0
    load: float = 0.0
    """0 idle to 1 full load."""
    busy: float = 0.0
    """What the load approaches: 0 while the board is idle."""


def follow(board: Board, state: LoadState, edges: Sequence[Edge], times_s: Floats) -> tuple[Floats, Bools, LoadState]:
    """The load at given times, and the state to continue from.

    Args:
        board: gives the time constants.
        state: at or before the first edge and the first time.
        edges: ascending; each acts on the times at or after it.
        times_s: ascending, any number, none included.

    Returns:
        load (0 to about 1) and busy at each time, and the state after the last edge.
    """
    load = np.empty(len(times_s))
    busy = np.empty(len(times_s), dtype=np.bool_)
    stops = np.searchsorted(times_s, [edge.time_s for edge in edges], side="left")
    start = 0
    for edge, stop in zip(edges, stops.tolist(), strict=True):
        load[start:stop] = _relax(board, state, times_s[start:stop])
        busy[start:stop] = state.busy > 0
        start = stop
        if edge.busy != state.busy:
            level = float(_relax(board, state, np.array([edge.time_s]))[0])
            state = LoadState(edge.time_s, level, edge.busy)
    load[start:] = _relax(board, state, times_s[start:])
    busy[start:] = state.busy > 0
    return load, busy, state


def power(board: Board, load: Floats, times_s: Floats) -> Floats:
    """Power at the meter in W, for a load (0 to 1) at each time."""
    *activity, ripple = _sines((*board.activity_hz, board.ripple_hz), times_s)
    amplitude = board.activity_rms * math.sqrt(2.0 / max(1, len(activity)))
    swing = 1.0 + amplitude * sum(activity)
    total: Floats = board.idle_w + board.load_w * load * swing + board.ripple_w * ripple
    return total


def at_the_meter(board: Board, power_w: Floats) -> tuple[Floats, Floats]:
    """Current in A and voltage in V behind the source resistance; their product is `power_w`."""
    root = np.sqrt(board.supply_v**2 - 4.0 * board.source_ohm * power_w)
    # The quadratic's smaller root, in the form that does not subtract two nearly equal numbers.
    current_a = 2.0 * power_w / (board.supply_v + root)
    return current_a, board.supply_v - board.source_ohm * current_a


def _relax(board: Board, state: LoadState, times_s: Floats) -> Floats:
    tau_s = board.rise_s if state.busy else board.fall_s
    relaxed: Floats = state.busy + (state.load - state.busy) * np.exp((state.time_s - times_s) / tau_s)
    return relaxed


def _sines(frequencies_hz: Sequence[float], times_s: Floats) -> npt.NDArray[np.float32]:
    """A row for each frequency."""
    turns = np.multiply.outer(np.array(frequencies_hz), times_s)
    # What has been turned since power-up needs double precision, what is left of the last turn does not.
    turns -= np.floor(turns)
    angles = turns.astype(np.float32) * np.float32(2.0 * math.pi)
    # Each starts elsewhere, so that they do not all pass zero together.
    angles += np.arange(len(angles), dtype=np.float32)[:, np.newaxis]
    sines: npt.NDArray[np.float32] = np.sin(angles, out=angles)
    return sines
