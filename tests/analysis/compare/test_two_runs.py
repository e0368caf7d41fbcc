# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: minus signs)
"""Whether two runs differ: how often equal ones seem to, and that unequal ones do."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from monitor_app.analysis.compare.two_runs import RunChange, percent_change, run_changes
from monitor_app.analysis.run.energy import Budget
from monitor_app.core.estimate import Estimate, exact


def budget(standard: float, gain: float = 0.0) -> Budget:
    return Budget(0, standard, 0, 0, 0, 0, gain)


def result(seconds=0.02, joules=0.2, watts=12.0, *, error=0.01, gain=0.0, unit="image"):
    """As far as the comparison looks; errors are relative standard uncertainties."""
    half = 1.96 * error * seconds
    figure = SimpleNamespace(j_per_image=joules, budget=budget(error * joules, gain * joules))
    power = budget(error * watts, gain * watts)
    return SimpleNamespace(
        unit=unit,
        seconds_per_image=Estimate(seconds, seconds - half, seconds + half),
        energy=SimpleNamespace(net=figure, gross=figure, full_w=power, net_w=power),
        power=SimpleNamespace(full_w=watts, net_w=watts),
    )


def test_equal_runs_seem_to_differ_in_one_of_twenty_comparisons():
    random = np.random.default_rng(5)
    wrong = 0
    for _ in range(400):
        two = [result(*(np.array([0.02, 0.2, 12.0]) * (1 + 0.01 * random.standard_normal(3)))) for _ in range(2)]
        wrong += any(change.real for change in run_changes(*two))
    assert wrong / 400 <= 0.08


def test_a_difference_of_ten_standard_errors_is_real():
    changes = {change.name: change for change in run_changes(result(), result(joules=0.17))}
    assert changes["net energy / image"].real
    assert changes["net energy / image"].ratio.value == pytest.approx(0.85)
    assert not changes["time / image"].real
    sentence = changes["net energy / image"].sentence
    assert sentence.startswith("Net energy / image: 200.0 ± 4.0 mJ and 170.0 ± 3.4 mJ, −15.0 %")
    assert sentence.endswith("a real difference.")


def test_the_gain_of_their_meter_cancels():
    """An error of 5 % of both energies hides no difference of 3 %."""
    changes = run_changes(result(error=0.001, gain=0.05), result(joules=0.194, error=0.001, gain=0.05))
    assert next(change for change in changes if change.name == "net energy / image").real


def test_what_one_of_them_has_not_measured_is_left_out():
    without = SimpleNamespace(unit="image", seconds_per_image=exact(0.02), energy=None, power=None)
    assert [change.name for change in run_changes(result(), without)] == ["time / image"]


def test_a_change_without_an_interval_says_so():
    assert percent_change(Estimate(1.1, 0.0, float("inf"))) == "+10.00 % (interval not known)"
    assert percent_change(Estimate(0.958, 0.93, 0.98)) == "−4.2 % (−7.0 to −2.0 %)"
    assert isinstance(run_changes(result(), result())[0], RunChange)


def test_runs_of_different_units_are_compared_in_power_alone():
    tokens = [change.name for change in run_changes(result(unit="token"), result(unit="token"))]
    assert tokens[:3] == ["time / token", "net energy / token", "energy / token"]
    mixed = [change.name for change in run_changes(result(unit="token"), result())]
    assert mixed == ["full power", "net power"]
