# SPDX-License-Identifier: Apache-2.0
"""How late a source shows what the board does, from a train of busy and idle whose times are known.

The power of a board follows its work as a capacitor follows a switch, faster up than down or the other way round.
That response is fitted to the power, with the delay before it as one more unknown: a cross-correlation with the bare
train would take half of the board's own time constants for a delay of the instrument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import Delay

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_DELAY_S, MOST_DELAY_S = -0.3, 1.5
"""Where a delay is looked for; jetson-stats, the latest of all, is a second behind."""
FIRST_STEP_S = 0.01
FINEST_STEP_S = 1e-6
TIME_CONSTANTS_S = (0.002, 0.02, 0.1, 0.4)
BINS = 4_000
LEAST_CORRELATION = 0.5
"""Below it the train is not to be recognised in the power."""
LEAST_SAMPLES = 20
_COVER = 3.0
"""Standard deviations that a bound covers."""


@dataclass(frozen=True, slots=True)
class _Model:
    """A board that follows its work, seen after a delay."""

    delay_s: float
    rise_s: float
    fall_s: float


def find_delay(edges_ns: NDArray[np.int64], times_ns: NDArray[np.int64], power_w: Floats) -> Delay | None:
    """The delay of a source, or None where the train is not to be recognised in its power.

    Args:
        edges_ns: host times at which the board became busy, idle, busy, ..., beginning with busy; an even number.
        times_ns: times of the samples, rising, from before the first edge to after the last.
        power_w: the samples.
    """
    if len(times_ns) < LEAST_SAMPLES or len(edges_ns) < 2:
        return None
    origin_ns = int(edges_ns[0])
    edges_s = _seconds(edges_ns, origin_ns)
    spacing_s = float(np.median(np.diff(times_ns))) * 1e-9
    if np.ptp(power_w) == 0:
        return None
    times_s, power = _folded(_seconds(times_ns, origin_ns), power_w.astype(np.float64))

    def misfit(model: _Model, kept: NDArray[np.bool_] | None = None) -> float:
        response = _response(model, edges_s, times_s)
        return _residual(response, power) if kept is None else _residual(response[kept], power[kept])

    model = _refined(min(_grid(), key=misfit), misfit)
    correlation = float(np.corrcoef(_response(model, edges_s, times_s), power)[0, 1])
    if not correlation >= LEAST_CORRELATION:
        return None
    rises, falls = (
        _refined_delay(model, lambda m, kept=kept: misfit(m, kept)).delay_s  # type: ignore[misc]
        for kept in _after_edges(model, edges_s, times_s)
    )
    bound_s = _COVER * _deviation_s(model, misfit, len(times_s)) + abs(rises - falls) / 2 + spacing_s / 2
    return Delay(round(model.delay_s * 1e9), max(round(bound_s * 1e9), 1), correlation)


def _seconds(host_ns: NDArray[np.int64], origin_ns: int) -> Floats:
    return (host_ns - origin_ns).astype(np.float64) * 1e-9


def _folded(times_s: Floats, power_w: Floats) -> tuple[Floats, Floats]:
    """Means of so many neighbours that few enough are left."""
    size = -(-len(times_s) // BINS)
    whole = len(times_s) // size * size
    return times_s[:whole].reshape(-1, size).mean(axis=1), power_w[:whole].reshape(-1, size).mean(axis=1)


def _grid() -> list[_Model]:
    delays = np.arange(LEAST_DELAY_S, MOST_DELAY_S, FIRST_STEP_S).tolist()
    return [_Model(delay, tau, tau) for tau in TIME_CONSTANTS_S for delay in delays]


def _response(model: _Model, edges_s: Floats, times_s: Floats) -> Floats:
    """Load from 0 to 1 at each time: after each edge an exponential towards its new level."""
    levels = [0.0]
    targets = np.resize([1.0, 0.0], len(edges_s))
    taus = np.resize([model.rise_s, model.fall_s], len(edges_s))
    for before in range(len(edges_s) - 1):
        decay = np.exp((edges_s[before] - edges_s[before + 1]) / taus[before])
        levels.append(float(targets[before] + (levels[-1] - targets[before]) * decay))
    after = np.searchsorted(edges_s, times_s - model.delay_s, "right") - 1
    k = np.maximum(after, 0)
    since_s = np.maximum(times_s - model.delay_s - edges_s[k], 0.0)
    response = targets[k] + (np.array(levels)[k] - targets[k]) * np.exp(-since_s / taus[k])
    return np.where(after < 0, 0.0, response)


def _residual(response: Floats, power: Floats) -> float:
    """Sum of squares that a straight line through response and power leaves."""
    x, y = response - response.mean(), power - power.mean()
    xx = float(x @ x)
    return float(y @ y) - (float(x @ y) ** 2 / xx if xx > 0 else 0.0)


def _refined(model: _Model, misfit: Callable[[_Model], float]) -> _Model:
    """Downhill along each unknown in turn, by ever smaller steps."""
    step_s, factor = FIRST_STEP_S, 1.5
    best = misfit(model)
    while step_s > FINEST_STEP_S:
        tries = [
            replace(model, delay_s=model.delay_s - step_s), replace(model, delay_s=model.delay_s + step_s),
            replace(model, rise_s=model.rise_s * factor), replace(model, rise_s=model.rise_s / factor),
            replace(model, fall_s=model.fall_s * factor), replace(model, fall_s=model.fall_s / factor),
            # Delay and time constants trade against each other: the valley runs across the axes.
            replace(model, delay_s=model.delay_s - step_s, rise_s=model.rise_s * factor, fall_s=model.fall_s * factor),
            replace(model, delay_s=model.delay_s + step_s, rise_s=model.rise_s / factor, fall_s=model.fall_s / factor),
        ]  # fmt: skip
        nearest = min(tries, key=misfit)
        if (found := misfit(nearest)) < best:
            model, best = nearest, found
        else:
            step_s, factor = step_s / 2, 1 + (factor - 1) / 2
    return model


def _refined_delay(model: _Model, misfit: Callable[[_Model], float]) -> _Model:
    """Downhill along the delay alone."""
    step_s, best = FIRST_STEP_S / 4, misfit(model)
    while step_s > FINEST_STEP_S:
        tries = [replace(model, delay_s=model.delay_s + sign * step_s) for sign in (-1, 1)]
        nearest = min(tries, key=misfit)
        if (found := misfit(nearest)) < best:
            model, best = nearest, found
        else:
            step_s /= 2
    return model


def _after_edges(model: _Model, edges_s: Floats, times_s: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples show a rise, with what is before and after it, and which show a fall."""
    middles = np.concatenate(([-np.inf], (edges_s[1:] + edges_s[:-1]) / 2))
    edge = np.searchsorted(middles, times_s - model.delay_s, "right") - 1
    return edge % 2 == 0, edge % 2 == 1


def _deviation_s(model: _Model, misfit: Callable[[_Model], float], count: int) -> float:
    """Standard deviation of the delay from how steeply the misfit rises about it.

    Neighbouring samples err together (regulators ripple, clocks step), so only every tenth is counted.
    """
    step_s, here = 0.002, misfit(model)
    beside = sum(misfit(replace(model, delay_s=model.delay_s + sign * step_s)) for sign in (-1, 1))
    curvature = (beside - 2 * here) / step_s**2
    return float(np.sqrt(2 * here / max(count / 10 - 4, 1) / curvature)) if curvature > 0 else step_s
