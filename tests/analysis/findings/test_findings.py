# SPDX-License-Identifier: Apache-2.0
"""The findings on the paper's own numbers, and on campaigns in which something is missing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.figures import figures_for
from monitor_app.analysis.findings import Finding, Verdict, findings_of
from monitor_app.analysis.findings.table import table_of
from monitor_app.core.estimate import Estimate
from tests.analysis.campaigns import BATCHES, Facts, campaign, published_campaign, published_facts, published_times

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign

HOLDS, REFUTED = Verdict.HOLDS, Verdict.DOES_NOT_HOLD
OPEN, TOO_LITTLE = Verdict.INCONCLUSIVE, Verdict.NOT_ENOUGH_DATA


@pytest.fixture(scope="module")
def published() -> dict[str, Finding]:
    return {finding.key: finding for finding in findings_of(published_campaign())}


def value(finding: Finding, name: str) -> Estimate:
    [found] = [each.estimate for each in finding.statistics if each.name == name]
    assert found is not None
    return found


def test_operations_and_time_have_the_slopes_of_the_published_plots(published: dict[str, Finding]) -> None:
    found = published["operations-time"]
    assert value(found, "Slope at batch 16").value == pytest.approx(0.229, rel=0.05)
    assert value(found, "Slope at batch 1").value == pytest.approx(0.188, rel=0.05)
    assert value(found, "Intercept at batch 16").value == pytest.approx(-1.4, abs=0.1)
    assert value(found, "Explained variance at batch 16").value == pytest.approx(0.95, abs=0.01)
    assert value(found, "Highest over lowest rate at batch 16").value == pytest.approx(301 / 97, rel=0.02)
    ratio = value(published["operations-slope"], "Slope at batch 16 over 1")
    assert ratio.value == pytest.approx(0.229 / 0.188, rel=0.02)


def test_families_differ_in_operations_a_second(published: dict[str, Finding]) -> None:
    found = published["operations-time"]
    assert value(found, "VGG at batch 16").value == pytest.approx(math.sqrt(255 * 242), rel=0.01)
    names = [each.name for each in found.statistics if each.unit == "G-op/s" and each.name.endswith("batch 16")]
    assert names == ["VGG at batch 16", "AlexNet at batch 16", "ResNet at batch 16", "Inception at batch 16"]


def test_accuracy_and_throughput_have_the_line_of_the_published_plots(published: dict[str, Finding]) -> None:
    found = published["accuracy-time"]
    assert value(found, "A at batch 16").value == pytest.approx(79.8, rel=0.05)
    assert value(found, "k at batch 16").value == pytest.approx(180, rel=0.05)
    assert value(found, "A at batch 1").value == pytest.approx(80.61, rel=0.01)
    assert value(found, "k at batch 1").value == pytest.approx(258, rel=0.05)


def test_the_energy_bound_is_that_of_the_published_plots(published: dict[str, Finding]) -> None:
    found = published["energy-accuracy"]
    assert value(found, "A").value == pytest.approx(79.8, rel=0.05)
    assert value(found, "k P").value == pytest.approx(2.15, rel=0.05)
    assert value(found, "Mean net power").value == pytest.approx(11.8)


def test_densities_and_memory_are_those_of_the_paper(published: dict[str, Finding]) -> None:
    assert value(published["density-ratios"], "ENet over AlexNet").value == pytest.approx(13.03, abs=0.01)
    assert value(published["density-ratios"], "ENet over VGG-19").value == pytest.approx(23.71, abs=0.01)
    assert value(published["density-ranking"], "Spearman's correlation with the paper").value == 1.0
    assert value(published["memory-parameters"], "Floor").value == pytest.approx(205, abs=5)
    assert value(published["speed-up"], "AlexNet, batch 1 over 64").value == pytest.approx(3.18, abs=0.02)


def test_verdicts_on_the_published_numbers(published: dict[str, Finding]) -> None:
    """The four that its plots leave open are open: the forms differ by less than their evidence, and its networks are
    too few to say that nine of ten others lie within a factor of two, or that memory grows by 1.30 and not by 1.55.

    Power is the same in every cell here, as the paper says and no plot of it shows, so its spread is not 0.7 W.
    """
    assert {key: finding.verdict for key, finding in published.items()} == {
        "power-batch": HOLDS,
        "power-architecture": HOLDS,
        "power-deviation": REFUTED,
        "accuracy-time": OPEN,
        "energy-accuracy": HOLDS,
        "energy-operations": OPEN,
        "slowest-network": REFUTED,
        "operations-time": OPEN,
        "operations-slope": HOLDS,
        "speed-up": HOLDS,
        "memory-parameters": OPEN,
        "memory-knee": HOLDS,
        "density-ranking": HOLDS,
        "density-ratios": HOLDS,
    }


def test_the_advice_to_choose_the_slowest_network_is_put_right(published: dict[str, Finding]) -> None:
    found = published["slowest-network"]
    assert value(found, "Exponent of time in net energy per image").value == pytest.approx(1.0)
    assert "VGG-19" in found.sentence
    assert "least energy per image" in found.caution


def test_a_spread_of_0_7_watts_is_the_papers() -> None:
    off = dict(
        zip(
            published_times(), (1.1, -1.1, -0.9, 0.9, 0.7, -0.7, 0.2, -0.2, -0.5, 0.5, 0.3, -0.3, 0.0, 0.0), strict=True
        )
    )
    found = {each.key: each for each in findings_of(published_campaign(power=lambda name, _: 11.8 + off[name]))}
    assert value(found["power-deviation"], "Standard deviation of net power").value == pytest.approx(0.66, abs=0.05)
    assert found["power-deviation"].verdict is HOLDS
    assert found["power-architecture"].verdict is HOLDS


def one_network() -> Campaign:
    return campaign({"VGG-16": {1: 0.16, 2: 0.19, 16: 0.13}})


def wide(given: Campaign) -> Campaign:
    """Every interval as wide as one of a single batch."""

    def open_end(estimate: Estimate | None) -> Estimate | None:
        return estimate and Estimate(estimate.value, 0.0, math.inf)

    return replace(
        given,
        cells=tuple(
            replace(
                cell,
                seconds_per_image=open_end(cell.seconds_per_image),
                net_w=open_end(cell.net_w),
                net_j_per_image=open_end(cell.net_j_per_image),
            )
            for cell in given.cells
        ),
    )


def no_numbers(given: Campaign) -> Campaign:
    nothing = Estimate(math.nan, math.nan, math.nan)
    return replace(
        given,
        cells=tuple(replace(c, seconds_per_image=nothing, net_w=nothing, net_j_per_image=nothing) for c in given.cells),
    )


def guessing() -> Campaign:
    facts = {name: replace(each, top1_percent=0.0) for name, each in published_facts().items()}
    return campaign(facts=facts, images=200)


NOTHING_TO_SAY = {
    "empty": lambda: campaign({}),
    "one network": one_network,
    "no network fits": lambda: campaign({name: dict.fromkeys(BATCHES) for name in published_times()}),
    "not a number": lambda: no_numbers(published_campaign()),
    "unknown networks": lambda: campaign({f"Net{i}": {1: 0.01} for i in range(8)}, None),
    "two networks": lambda: campaign({"ENet": {1: 0.02}, "VGG-19": {1: 0.2}}, 0.0),
}


@pytest.mark.parametrize("name", NOTHING_TO_SAY)
def test_too_little_is_not_enough_data(name: str) -> None:
    for finding in findings_of(NOTHING_TO_SAY[name]()):
        if name in {"two networks", "one network", "not a number"} and finding.key.startswith(("density", "memory")):
            continue
        assert finding.verdict is TOO_LITTLE, finding.key
        assert finding.sentence.endswith("."), finding.key


ODD = {
    "one batch size": lambda: campaign({name: {1: times[1]} for name, times in published_times().items()}),
    "no accuracy": lambda: campaign(
        facts={name: replace(f, top1_percent=None) for name, f in published_facts().items()}
    ),
    "no parameters": lambda: campaign(facts={name: Facts() for name in published_facts()}),
    "no idle": lambda: campaign(idle_w=None),
    "no power": lambda: campaign(power=None),
    "power of nothing": lambda: campaign(power=0.0),
    "power below idle": lambda: campaign(power=-0.1, noise=0.2),
    "times alike": lambda: campaign({name: dict.fromkeys(BATCHES, 0.02) for name in published_times()}),
    "wide": lambda: wide(published_campaign()),
    "no answer right": guessing,
    "noise": lambda: published_campaign(noise=0.3),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_judged_without_an_error(name: str) -> None:
    found = findings_of(ODD[name]())
    assert len(found) == 14
    for finding in found:
        assert "nan" not in finding.sentence, finding.key
        for each in finding.statistics:
            assert each.estimate is None or each.estimate.low <= each.estimate.value <= each.estimate.high, each.name


@pytest.mark.parametrize("name", ["power of nothing", "power below idle", "no power", "no idle"])
def test_power_that_is_not_above_idle_says_nothing(name: str) -> None:
    for finding in findings_of(ODD[name]()):
        if finding.key.startswith(("power", "energy", "slowest")):
            assert finding.verdict is TOO_LITTLE, finding.key


def test_noise_of_measuring_is_not_taken_for_a_spread_of_architectures() -> None:
    found = {each.key: each for each in findings_of(published_campaign(width=0.6, noise=0.3))}
    assert found["power-architecture"].verdict is OPEN


def test_of_several_conditions_the_most_measured_is_judged_and_the_reader_told() -> None:
    full, half = published_campaign(), campaign(power=5.0, precision="fp16")
    mixed = replace(full, cells=(*half.cells[:20], *full.cells))
    for alone, found in zip(findings_of(full), findings_of(mixed), strict=True):
        assert found.verdict is alone.verdict
        assert found.sentence == alone.sentence
        assert found.caution.startswith("Measured under 2 conditions; only cuda:0, fp32 is used, and ")


def test_every_finding_names_a_chart_that_exists(published: dict[str, Finding]) -> None:
    keys = set(figures_for((1, 16))) | {key.removesuffix("-b16") for key in figures_for((1, 16))}
    assert {each.figure for each in published.values()} <= keys


def test_simulated_power_and_times_are_marked() -> None:
    of_power = {each.key: each.simulated for each in findings_of(published_campaign(power_simulated=True))}
    assert of_power["power-batch"]
    assert not of_power["operations-time"]
    assert all(each.simulated for each in findings_of(published_campaign(times_simulated=True)))


def test_cells_whose_power_cannot_be_theirs_are_left_out_and_said() -> None:
    paper = campaign(published_times())
    doubted = tuple(
        replace(cell, doubts=("Power did not rise.",)) if cell.batch_size == 1 else cell for cell in paper.cells
    )
    whole, found = table_of(paper), table_of(replace(paper, cells=doubted))
    assert np.isfinite(whole.net_w.values[:, 0]).any()
    assert np.isnan(found.net_w.values[:, 0]).all()
    assert np.isnan(found.net_j.values[:, 0]).all()
    assert np.array_equal(found.net_w.values[:, 1:], whole.net_w.values[:, 1:], equal_nan=True)
    assert np.array_equal(found.seconds.values, whole.seconds.values, equal_nan=True)
    assert "cells are left out: Power did not rise." in found.caution


def test_every_finding_of_the_published_data_says_how_large_its_effect_is() -> None:
    sizes = {
        "power-batch": "It depends on the batch size by less than 10 %: ",
        "power-architecture": "relative standard deviation",
        "accuracy-time": "ms per image lowers this accuracy by",
        "energy-accuracy": "Half of that energy lowers the bound by",
        "energy-operations": "times as much",
        "operations-time": "G-op/s, a factor of",
        "power-deviation": "of the mean",
        "slowest-network": "times the energy of",
        "operations-slope": "it rises by",
        "speed-up": "the paper's 3",
        "memory-parameters": "more than the paper's 1.3",
        "memory-knee": "of its growth between their two largest",
        "density-ranking": "where 1 is the same order",
        "density-ratios": "the paper's 13",
    }
    found = {each.key: each for each in findings_of(published_campaign())}
    assert found.keys() == sizes.keys()
    assert [key for key, words in sizes.items() if words not in found[key].sentence] == []
