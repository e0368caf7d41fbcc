# SPDX-License-Identifier: Apache-2.0
"""The delay of a source behind the board, from a load-step sequence whose times are known.

The power of a board follows its load exponentially, with different time constants for rise and fall. This response is
fitted to the power, with the delay of the source as a further unknown: a cross-correlation with the load itself would
count half of the board's time constants as a delay of the instrument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import Delay

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_DELAY_S, MOST_DELAY_S = -0.3, 1.5
"""The range that is searched; the source with the largest delay, jetson-stats, is a second behind."""
FIRST_STEP_S = 0.01
FINEST_STEP_S = 1e-6
TIME_CONSTANTS_S = (0.002, 0.02, 0.1, 0.4)
BINS = 4_000
LEAST_CORRELATION = 0.5
"""Below it the load-step sequence is not recognised in the power."""
LEAST_START = 0.3
"""Below it for the best model of the grid, no refinement reaches that: noise is told from a load by the grid alone."""
LEAST_SAMPLES = 20
_COVER = 3.0
"""A bound in standard deviations."""


@dataclass(frozen=True, slots=True)
class _Model:
    """The response of a board to its load, shown with a delay."""

    delay_s: float
    rise_s: float
    fall_s: float


@dataclass(frozen=True, slots=True)
class Response:
    """How the power that a source shows follows the load."""

    delay_s: float
    rise_s: float
    """Time constant."""
    fall_s: float
    swing_w: float
    """From idle to full."""
    correlation: float


def find_delay(edges_ns: NDArray[np.int64], times_ns: NDArray[np.int64], power_w: Floats) -> Delay | None:
    """The delay of a source, or None where the load-step sequence is not recognised in its power.

    Args:
        edges_ns: host times at which the load went on, off, on, ..., beginning with on; an even number.
        times_ns: times of the samples, rising, from before the first edge to after the last.
        power_w: the samples.
    """
    fit = _fitted(edges_ns, times_ns, power_w)
    if fit is None:
        return None
    spacing_s = float(np.median(np.diff(times_ns))) * 1e-9
    rises, falls = (
        _refined_delay(fit.model, lambda m, kept=kept: fit.misfit(m, kept)).delay_s  # type: ignore[misc]
        for kept in _after_edges(fit.model, fit.edges_s, fit.times_s)
    )
    deviation_s = _deviation_s(fit.model, fit.misfit, len(fit.times_s))
    bound_s = _COVER * deviation_s + abs(rises - falls) / 2 + spacing_s / 2
    return Delay(round(fit.model.delay_s * 1e9), max(round(bound_s * 1e9), 1), fit.correlation)


def find_response(edges_ns: NDArray[np.int64], times_ns: NDArray[np.int64], power_w: Floats) -> Response | None:
    """How the power follows the load, or None where it does not; arguments as of `find_delay`."""
    fit = _fitted(edges_ns, times_ns, power_w)
    if fit is None:
        return None
    swing_w = float(np.polyfit(_response(fit.model, fit.edges_s, fit.times_s), fit.power_w, 1)[0])
    return Response(fit.model.delay_s, fit.model.rise_s, fit.model.fall_s, swing_w, fit.correlation)


@dataclass(frozen=True, slots=True)
class _Fit:
    """The model that fits best, and what it was fitted to."""

    edges_s: Floats
    times_s: Floats
    power_w: Floats
    model: _Model
    correlation: float

    def misfit(self, model: _Model, kept: NDArray[np.bool_] | None = None) -> float:
        """Of another model, to all samples or to those that are kept."""
        return _misfit(model, self.edges_s, self.times_s, self.power_w, kept)


def _fitted(edges_ns: NDArray[np.int64], times_ns: NDArray[np.int64], power_w: Floats) -> _Fit | None:
    if len(times_ns) < LEAST_SAMPLES or len(edges_ns) < 2:
        return None
    origin_ns = int(edges_ns[0])
    edges_s = _seconds(edges_ns, origin_ns)
    if np.ptp(power_w) == 0:
        return None
    times_s, power = _folded(_seconds(times_ns, origin_ns), power_w.astype(np.float64))

    def misfit(model: _Model) -> float:
        return _misfit(model, edges_s, times_s, power)

    start = min(_grid(), key=misfit)
    if misfit(start) > (1 - LEAST_START**2) * _residual(np.zeros(len(power)), power):
        return None
    model = _refined(start, misfit)
    correlation = float(np.corrcoef(_response(model, edges_s, times_s), power)[0, 1])
    return _Fit(edges_s, times_s, power, model, correlation) if correlation >= LEAST_CORRELATION else None


def _misfit(
    model: _Model, edges_s: Floats, times_s: Floats, power: Floats, kept: NDArray[np.bool_] | None = None
) -> float:
    response = _response(model, edges_s, times_s)
    return _residual(response, power) if kept is None else _residual(response[kept], power[kept])


def _seconds(host_ns: NDArray[np.int64], origin_ns: int) -> Floats:
    return (host_ns - origin_ns).astype(np.float64) * 1e-9


def _folded(times_s: Floats, power_w: Floats) -> tuple[Floats, Floats]:
    """Means of neighbours, so that at most `BINS` remain."""
    size = -(-len(times_s) // BINS)
    whole = len(times_s) // size * size
    return times_s[:whole].reshape(-1, size).mean(axis=1), power_w[:whole].reshape(-1, size).mean(axis=1)


def _grid() -> list[_Model]:
    delays = np.arange(LEAST_DELAY_S, MOST_DELAY_S, FIRST_STEP_S).tolist()
    return [_Model(delay, tau, tau) for tau in TIME_CONSTANTS_S for delay in delays]


def _response(model: _Model, edges_s: Floats, times_s: Floats) -> Floats:
    """Response from 0 to 1 at each time: after each edge an exponential approach to the new level."""
    rises = np.arange(len(edges_s)) % 2 == 0
    targets, taus = rises.astype(np.float64), np.where(rises, model.rise_s, model.fall_s)
    levels = [0.0]
    # Plain numbers, for which a step of this loop takes a tenth of the time
    for target, decay in zip(targets.tolist(), np.exp(-np.diff(edges_s) / taus[:-1]).tolist(), strict=False):
        levels.append(target + (levels[-1] - target) * decay)
    after = np.searchsorted(edges_s, times_s - model.delay_s, "right") - 1
    k = np.maximum(after, 0)
    since_s = np.maximum(times_s - model.delay_s - edges_s[k], 0.0)
    response = targets[k] + (np.array(levels)[k] - targets[k]) * np.exp(-since_s / taus[k])
    return np.where(after < 0, 0.0, response)


def _residual(response: Floats, power: Floats) -> float:
    """Residual sum of squares of a straight line of power against response."""
    x, y = response - response.mean(), power - power.mean()
    xx = float(x @ x)
    return float(y @ y) - (float(x @ y) ** 2 / xx if xx > 0 else 0.0)


def _refined(model: _Model, misfit: Callable[[_Model], float]) -> _Model:
    """The best model near one of the grid, by Nelder and Mead (1965): the misfit has kinks at the samples."""
    from scipy.optimize import minimize

    first = np.array([model.delay_s / FIRST_STEP_S, math.log(model.rise_s), math.log(model.fall_s)])
    # Delay and time constants compensate each other, so one edge of the first simplex lies along their valley.
    steps = np.array([[0.0, 0.0, 0.0], [1.0, -0.4, -0.4], [0.0, 0.4, 0.0], [0.0, 0.0, 0.4]])
    found = minimize(
        lambda x: misfit(_model_of(x)),
        first,
        method="Nelder-Mead",
        options={"initial_simplex": first + steps, "xatol": FINEST_STEP_S / FIRST_STEP_S, "fatol": math.inf},
    )
    return _model_of(found.x)


def _model_of(x: Floats) -> _Model:
    delay, log_rise, log_fall = x.tolist()
    return _Model(delay * FIRST_STEP_S, math.exp(log_rise), math.exp(log_fall))


def _refined_delay(model: _Model, misfit: Callable[[_Model], float]) -> _Model:
    """The best delay near that of a model, whose time constants are kept."""
    from scipy.optimize import minimize_scalar

    def at(delay_s: float) -> float:
        return misfit(replace(model, delay_s=delay_s))

    bounds = model.delay_s - FIRST_STEP_S, model.delay_s + FIRST_STEP_S
    found = minimize_scalar(at, bounds=bounds, method="bounded", options={"xatol": FINEST_STEP_S})
    return replace(model, delay_s=float(found.x))


def _after_edges(model: _Model, edges_s: Floats, times_s: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples belong to a rise, up to the middle between edges, and which to a fall."""
    middles = np.concatenate(([-np.inf], (edges_s[1:] + edges_s[:-1]) / 2))
    edge = np.searchsorted(middles, times_s - model.delay_s, "right") - 1
    return edge % 2 == 0, edge % 2 == 1


def _deviation_s(model: _Model, misfit: Callable[[_Model], float], count: int) -> float:
    """Standard deviation of the delay from the curvature of the misfit.

    Errors of neighbouring samples are correlated (ripple of regulators, steps of clocks), so only a tenth is counted.
    """
    step_s, here = 0.002, misfit(model)
    beside = sum(misfit(replace(model, delay_s=model.delay_s + sign * step_s)) for sign in (-1, 1))
    curvature = (beside - 2 * here) / step_s**2
    return float(np.sqrt(2 * here / max(count / 10 - 4, 1) / curvature)) if curvature > 0 else step_s
