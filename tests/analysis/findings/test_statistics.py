# SPDX-License-Identifier: Apache-2.0
"""Every statistic behind a finding, against scipy, statsmodels or a form that is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import ttost_paired
from statsmodels.tools import add_constant

from monitor_app.analysis.findings.density import rank_correlation, ranks
from monitor_app.analysis.findings.hyperbola import EXPONENTS, HYPERBOLA, fit_bound
from monitor_app.analysis.findings.operations_time import family_of, slope_ratio
from monitor_app.analysis.findings.power_batch import contrasts, trends
from monitor_app.analysis.findings.scatter import far_above, left_out_errors, prediction_factor
from monitor_app.analysis.statistics.bootstrap import percentile_interval
from monitor_app.analysis.statistics.pareto import best_for_cost
from monitor_app.analysis.statistics.regression import akaike, fit_broken_line
from monitor_app.core.estimate import FINDING_LEVEL

RANDOM = np.random.default_rng(7)
X = RANDOM.uniform(5, 150, 14)
Y = 0.2 * X - 1.5 + RANDOM.normal(0, 2, 14)


def test_equivalence_is_the_paired_tost_of_statsmodels() -> None:
    for shift in (0.0, 0.4, 0.55, 0.7, 0.8, 1.2):
        second = Y + shift + np.random.default_rng(3).normal(0, 0.6, len(Y))
        [pair] = contrasts(np.stack((Y, second), axis=1))
        p = ttost_paired(second, Y, -1.0, 1.0)[0]
        inside = pair.difference.low >= -1.0 and pair.difference.high <= 1.0
        assert inside == (p <= 0.05)


def test_a_change_is_beyond_the_margin_where_a_corrected_t_test_says_so() -> None:
    for shift in np.linspace(1.0, 3.0, 21):
        second = Y + shift + np.random.default_rng(3).normal(0, 1.0, len(Y))
        [pair] = contrasts(np.stack((Y, second), axis=1))
        p = stats.ttest_1samp(second - Y, 1.0, alternative="greater").pvalue
        assert pair.beyond(1.0, tests=1) == (p < 0.025)


def test_a_pair_needs_three_networks() -> None:
    assert contrasts(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, np.nan]])) == ()


def test_trends_are_the_lines_of_each_network_with_one_deviation() -> None:
    batches = np.array([1, 2, 4, 8, 16])
    values = RANDOM.normal(10, 1, (4, 5))
    values[1, 3:] = np.nan
    values[3, 1:] = np.nan
    found = trends(values, batches)
    assert found.rows.tolist() == [0, 1, 2]
    squares = 0.0
    for row, slope in zip(found.rows, found.slopes, strict=True):
        known = np.isfinite(values[row])
        theirs = OLS(values[row, known], add_constant(np.log2(batches[known]))).fit()
        squares += theirs.ssr
        assert slope == pytest.approx(theirs.params[1])
    assert found.degrees_of_freedom == 3 + 1 + 3
    spread = math.sqrt(squares / found.degrees_of_freedom)
    assert found.errors[0] == pytest.approx(spread * 4 / math.sqrt(10))


def test_ranks_are_scipys_with_ties() -> None:
    values = RANDOM.integers(0, 6, (20, 9)).astype(float)
    assert ranks(values).tolist() == stats.rankdata(values, axis=1).tolist()


def test_rank_correlation_is_spearmans() -> None:
    top1, parameters, published = RANDOM.uniform(50, 80, 10), RANDOM.uniform(5, 140, 10), RANDOM.uniform(0.5, 12, 10)
    found = rank_correlation(top1, np.zeros(10), parameters, published)
    theirs = stats.spearmanr(top1 / parameters, published).statistic
    assert (found.value, found.low, found.high) == pytest.approx((theirs, theirs, theirs))


def test_drawn_values_have_the_quantiles_of_numpy_and_an_expanded_interval_for_few_networks() -> None:
    drawn = RANDOM.normal(0, 1, 100_000)
    plain = percentile_interval(0.0, drawn)
    assert (plain.low, plain.high) == pytest.approx(tuple(np.quantile(drawn, (0.05, 0.95))))
    expanded = percentile_interval(0.0, drawn, degrees_of_freedom=12)
    assert expanded.high == pytest.approx(stats.t.ppf(0.95, 12) * math.sqrt(14 / 12), rel=0.02)
    assert percentile_interval(1.0, np.array([np.nan])).high == math.inf


def test_ratio_of_slopes_has_the_interval_of_scipys_bootstrap() -> None:
    first, second = X, X / 1.2 * np.exp(RANDOM.normal(0, 0.05, 14))
    found = slope_ratio(first, second, Y)

    def ratio(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float(stats.linregress(b, c).slope / stats.linregress(a, c).slope)

    theirs = stats.bootstrap(
        (first, second, Y), ratio, paired=True, vectorized=False, method="percentile", n_resamples=1500,
        confidence_level=2 * stats.norm.cdf(stats.t.ppf(0.95, 10) * math.sqrt(12 / 10)) - 1, rng=1,
    )  # fmt: skip
    assert found.value == pytest.approx(ratio(first, second, Y))
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), rel=0.03)


def test_exponent_of_time_and_its_interval_are_those_of_a_profile_of_statsmodels() -> None:
    times_s = np.geomspace(0.008, 0.15, 11)
    top1 = np.sort(79.8 - 0.182 / times_s + np.random.default_rng(5).normal(0, 0.8, 11))
    bound = fit_bound(times_s, top1)
    assert bound is not None
    assert len(bound.rows) == 11

    def squares(power: float) -> float:
        x = np.log(times_s) if power == 0 else times_s**power
        return float(OLS(top1, add_constant(x / abs(x).max())).fit().ssr)

    best = optimize.minimize_scalar(squares, bounds=(-4, 2), method="bounded")
    assert bound.exponent.value == pytest.approx(best.x, abs=0.01)
    limit = best.fun * (1 + stats.f.ppf(FINDING_LEVEL, 1, 8) / 8)
    step = EXPONENTS[1] - EXPONENTS[0]
    for end, outward in ((bound.exponent.low, -1), (bound.exponent.high, 1)):
        assert squares(end - outward * step) <= limit <= squares(end + 2 * outward * step)
    theirs = OLS(top1, add_constant(1 / times_s)).fit()
    assert bound.evidence[HYPERBOLA] == pytest.approx(akaike(float(theirs.ssr), 11, 2))


def test_front_holds_those_that_none_beats() -> None:
    cost, gain = np.array([1.0, 2, 3, 4, 4, np.nan, 0.5]), np.array([50.0, 49, 60, 70, 71, 99, np.nan])
    assert best_for_cost(cost, gain).tolist() == [0, 2, 4]
    assert best_for_cost(np.empty(0), np.empty(0)).size == 0


@pytest.mark.parametrize("knee", [30.0, 60.0, 120.0])
def test_broken_line_is_the_best_that_scipy_finds(knee: float) -> None:
    x = np.array([23.0, 28, 35, 47, 87, 95, 102, 126, 178, 242, 244, 553, 575])
    y = 205 + 1.3 * np.maximum(x - knee, 0) + np.random.default_rng(2).normal(0, 4, len(x))
    found = fit_broken_line(x, y)
    assert found is not None

    def off(p: np.ndarray) -> np.ndarray:
        return p[0] + p[1] * np.maximum(x - p[2], 0) - y

    fits = [optimize.least_squares(off, (200, 1, start)) for start in range(25, 500, 25)]
    best = min(fits, key=lambda each: each.cost)
    assert (found.floor.value, found.slope.value) == pytest.approx(tuple(best.x[:2]), rel=1e-3)
    assert found.knee.value == pytest.approx(best.x[2], abs=0.5)
    errors = np.sqrt(np.diag(np.linalg.inv(best.jac.T @ best.jac)) * 2 * best.cost / 10)
    assert (found.slope.high - found.slope.value) == pytest.approx(stats.t.ppf(0.95, 10) * errors[1], rel=0.02)
    assert found.knee.low < found.knee.value < found.knee.high


def test_intervals_of_a_broken_line_hold_the_truth_nine_times_of_ten() -> None:
    x = np.array([23.0, 28, 35, 47, 87, 95, 102, 126, 178, 242, 244, 553, 575])
    random, inside = np.random.default_rng(6), []
    for _ in range(400):
        found = fit_broken_line(x, 205 + 1.3 * np.maximum(x - 110, 0) + random.normal(0, 8, len(x)))
        assert found is not None
        truth = ((found.floor, 205.0), (found.slope, 1.3), (found.knee, 110.0))
        inside.append([each.low <= true <= each.high for each, true in truth])
    slack = 3 * math.sqrt(0.9 * 0.1 / 400)
    assert np.mean(inside, axis=0) == pytest.approx([FINDING_LEVEL] * 3, abs=slack)


def test_broken_line_of_what_does_not_rise_is_none() -> None:
    x = np.arange(8.0)
    assert fit_broken_line(x, 10 - x) is None
    assert fit_broken_line(x[:3], x[:3]) is None
    assert fit_broken_line(np.array([1.0, 1, 2, 2, 2]), np.arange(5.0)) is None


def test_prediction_factor_holds_prediction_factor() -> None:
    random, inside = np.random.default_rng(4), []
    for _ in range(2000):
        logs = random.normal(0, 0.3, 15)
        true_deviation_factor = math.exp(1.6448536 * 0.3 * math.sqrt(1 + 1 / 14))
        off = math.exp(abs(logs[14] - logs[:14].mean()))
        inside.append(off <= true_deviation_factor)
    assert np.mean(inside) == pytest.approx(0.90, abs=0.02)
    found = prediction_factor(np.exp(np.random.default_rng(5).normal(0, 0.3, 4000)))
    assert found.value == pytest.approx(math.exp(1.6448536 * 0.3), rel=0.02)


def test_left_out_errors_are_those_of_leaving_each_out() -> None:
    ratios = np.exp(RANDOM.normal(0, 0.3, 9))
    theirs = [ratios[i] / stats.gmean(np.delete(ratios, i)) for i in range(9)]
    assert left_out_errors(ratios) == pytest.approx(theirs)


@pytest.mark.parametrize("high", [1.5, 2.0, 2.6, 4.0])
def test_far_above_is_the_t_test_of_a_new_value(high: float) -> None:
    ratios = np.append(np.exp(np.random.default_rng(9).normal(0, 0.12, 11)), high)
    logs = np.log(ratios)
    theirs = []
    for row in range(12):
        others = np.delete(logs, row)
        t = (logs[row] - others.mean() - math.log(1.5)) / (others.std(ddof=1) * math.sqrt(1 + 1 / 11))
        if stats.t.sf(t, 10) < 0.05 / 12:
            theirs.append(row)
    assert far_above(ratios, 1.5).tolist() == theirs


def test_families_by_name() -> None:
    titles = ("AlexNet", "BN-AlexNet", "ResNet-18", "VGG-16", "Inception-v3", "BN-NIN", "MobileNetV2")
    assert [family_of(each) for each in titles] == [
        "AlexNet", "AlexNet", "ResNet", "VGG", "Inception", "NIN", "MobileNetV",
    ]  # fmt: skip
