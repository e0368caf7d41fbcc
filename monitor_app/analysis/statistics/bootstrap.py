# SPDX-License-Identifier: Apache-2.0
"""Intervals for any statistic of a series whose neighbours resemble each other.

Latencies of consecutive batches do: clocks, caches and other processes change more slowly than batches follow each
other. An interval that takes them for independent is too narrow, at a correlation of 0.9 by a factor of four. So
whole blocks are drawn, with the series closed to a circle (Politis and Romano 1992, "A circular block-resampling
procedure for stationary data"), of the length that Politis and White (2004, Econometric Reviews 23:53) derive from the
series itself, with the correction of Patton, Politis and White (2009, Econometric Reviews 28:372).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.core.estimate import FINDING_LEVEL, RESULT_LEVEL, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Statistic = Callable[[Floats], Floats]

RESAMPLES = 1000
CHUNK = 1 << 17
"""Values held at once; few enough for the cache of a core, whatever the length of the series."""
_LEAST = 8
"""Values below which a correlogram says nothing."""
_MOST_UNSEEN = 0.5
_WINDOW = 5.0
"""Correlation times after which the rest of a correlogram is noise (Sokal 1997, section 3)."""
_BAND = 2.0
"""Standard deviations of white noise that count as no correlation."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How a series is drawn from."""

    length: int
    """Neighbours drawn together, at least 1."""
    inflation: float = 1.0
    """Factor by which intervals must be widened because blocks lose the correlation across their ends, at least 1."""


def bootstrap(
    values: Floats,
    statistic: Statistic,
    *,
    blocks: Blocks | None = None,
    resamples: int = RESAMPLES,
    level: float = RESULT_LEVEL,
    seed: int = 0,
) -> tuple[Estimate, ...]:
    """Percentile intervals (Efron 1979) of a statistic from blocks drawn with replacement.

    Args:
        values: shape (n,), or (n, d) where the columns belong together and are drawn together; n at least 1.
        statistic: takes many series at once, shape (r, n) or (r, n, d), and gives shape (r,) or (r, k).
        blocks: None finds them by ``blocks_for``, for (n, d) of its first column.
        resamples: series drawn.
        level: fraction of such intervals that should hold the true value, 0 to 1.
        seed: the same seed gives the same intervals.

    Returns:
        One estimate for each of the k statistics.
    """
    if blocks is None:
        blocks = blocks_for(values if values.ndim == 1 else values[:, 0])
    [found] = _columns(statistic(values[np.newaxis]))
    drawn = resample(values, statistic, block=blocks.length, resamples=resamples, seed=seed)
    beyond = (1 - level) / 2
    # A statistic at the edge of what can be drawn, such as a maximum, may fall outside by rounding.
    low, high = np.quantile(drawn, (beyond, 1 - beyond), axis=0) - found
    low, high = found + blocks.inflation * np.minimum(low, 0), found + blocks.inflation * np.maximum(high, 0)
    return tuple(Estimate(*each, level) for each in zip(found.tolist(), low.tolist(), high.tolist(), strict=True))


def resample(values: Floats, statistic: Statistic, *, block: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """The statistic of each resampled series, shape (resamples, k). Arguments as for ``bootstrap``."""
    count = len(values)
    block = min(max(block, 1), count)
    circle = np.concatenate((values, values[: block - 1]))
    # (n, block) or (n, block, d), a view: the block that begins at each value.
    blocks = np.moveaxis(np.lib.stride_tricks.sliding_window_view(circle, block, axis=0), -1, 1)
    random = np.random.default_rng(seed)
    starts = random.integers(count, size=(resamples, -(-count // block)))
    rows = max(1, CHUNK // values.size)
    drawn = [
        _columns(statistic(blocks[part].reshape(len(part), -1, *values.shape[1:])[:, :count]))
        for part in np.array_split(starts, -(-resamples // rows))
    ]
    return np.concatenate(drawn)


def quantiles(*probabilities: float) -> Statistic:
    """A statistic for ``bootstrap``: quantiles for probabilities of 0 to 1, interpolated as numpy does by default."""

    def of(series: Floats) -> Floats:
        rank = np.array(probabilities) * (series.shape[1] - 1)
        below = np.floor(rank).astype(np.intp)
        above = np.minimum(below + 1, series.shape[1] - 1)
        ordered = np.partition(series, np.unique(np.concatenate((below, above))), axis=1)
        low: Floats = ordered[:, below]
        found: Floats = low + (rank - below) * (ordered[:, above] - low)
        return found

    return of


def redraw(count: int, draws: int = 2000, seed: int = 0) -> NDArray[np.intp]:
    """Which of ``count`` independent values are in each bootstrap sample (Efron 1979), shape (draws, count)."""
    return np.random.default_rng(seed).integers(count, size=(draws, count))


def percentile_interval(
    value: float, drawn: Floats, *, level: float = FINDING_LEVEL, degrees_of_freedom: int | None = None
) -> Estimate:
    """The percentile interval of resampled values, shape (r,), around a value; what is not a number is left out.

    With ``degrees_of_freedom`` it is expanded as Hesterberg (2015, The American Statistician 69:371) does: a
    bootstrap of few values is too narrow, by the missing degrees of freedom and for not being Student's.
    """
    upper = (1 + level) / 2
    if degrees_of_freedom is not None:
        lost = math.sqrt((degrees_of_freedom + 2) / degrees_of_freedom)
        upper = (1 + math.erf(lost * t_quantile(upper, degrees_of_freedom) / math.sqrt(2))) / 2
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Estimate(value, -math.inf, math.inf, level)
    low, high = np.quantile(drawn, (1 - upper, upper))
    return Estimate(value, min(value, float(low)), max(value, float(high)), level)


def blocks_for(series: Floats) -> Blocks:
    """The blocks that suit a series of shape (n,).

    The length is that of Politis and White (2004), sections 2 and 3, for circular blocks: the correlogram is cut at
    twice the lag from which on it is noise, and weighted by a flat-topped window. The constants are theirs. What a
    block of length b cannot show is the correlation across its ends; it lowers the variance by the fraction G / (g b)
    of their notation (Lahiri 1999, Annals of Statistics 27:386), and the mean of n / b blocks by another b / n.
    """
    count = len(series)
    if count < _LEAST:
        return Blocks(1)
    lags, weighted = _flat_topped(series)
    spectrum = 1 + 2 * float(weighted.sum())
    if spectrum <= 0:
        return Blocks(1)
    bias = 2 * float((lags * weighted).sum()) / spectrum
    length = max(1, math.ceil(min((1.5 * bias**2 * count) ** (1 / 3), 3 * math.sqrt(count), count / 3)))
    seen = (1 - min(max(bias, 0) / length, _MOST_UNSEEN)) * (1 - length / count)
    return Blocks(length, 1 / math.sqrt(seen))


def correlation_time(series: Floats) -> float:
    """Integrated autocorrelation time of a series of shape (n,), in steps of it; 0.5 for independent values.

    The mean of n values is as sure as that of n / (2 t) independent ones. Half plus the sum of the correlogram up to
    a lag of five times that sum (Sokal 1997, "Monte Carlo methods in statistical mechanics", section 3), corrected
    for the mean being estimated (Wolff 2004, Comput. Phys. Commun. 156:143, eq. 49). An excess over 0.5 that white
    noise of this length shows once in forty is no correlation, and neither is a negative one.
    """
    count = len(series)
    if count < 4:
        return 0.5
    sums = 0.5 + np.cumsum(autocorrelation(series, count // 2)[1:])
    lags = np.arange(1, len(sums) + 1)
    enough = np.flatnonzero(lags >= _WINDOW * sums)
    window = int(enough[0]) if len(enough) else len(sums) - 1
    time = float(sums[window]) * (1 + (2 * window + 3) / count)
    return time if time - 0.5 > _BAND * math.sqrt((window + 1) / count) else 0.5


def autocorrelation(series: Floats, most_lag: int) -> Floats:
    """Correlogram of a series of shape (n,) for lags 0 to most_lag < n; 0 beyond lag 0 where nothing varies."""
    deviation = series - series.mean()
    size = 1 << (len(series) + most_lag).bit_length()
    covariance = np.fft.irfft(np.abs(np.fft.rfft(deviation, size)) ** 2, size)[: most_lag + 1]
    rounding = len(series) * (8 * np.finfo(np.float64).eps * float(np.abs(series).max())) ** 2
    if covariance[0] <= rounding:
        covariance[:] = 0
        covariance[0] = 1
    correlation: Floats = covariance / covariance[0]
    return correlation


def _flat_topped(series: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Lags from 1 on, and the correlogram there, weighted: 1 up to half of the last lag, then down to 0."""
    count = len(series)
    run = max(5, math.ceil(math.sqrt(math.log10(count))))
    most_lag = min(math.ceil(math.sqrt(count)) + run, count - 1)
    correlation = autocorrelation(series, most_lag)
    noise = np.abs(correlation[1:]) < 2 * math.sqrt(math.log10(count) / count)
    runs = np.flatnonzero(np.convolve(noise, np.ones(run), "valid") == run)
    last = int(runs[0]) if len(runs) else int(np.flatnonzero(~noise)[-1]) + 1
    lags = np.arange(1, min(2 * max(last, 1), most_lag) + 1)
    return lags, np.minimum(1, 2 * (1 - lags / lags[-1])) * correlation[lags]


def _columns(found: Floats) -> Floats:
    """Shape (r, k), from (r,) or (r, k)."""
    return found.reshape(len(found), -1)
