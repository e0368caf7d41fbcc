# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binomtest

from monitor_app.analysis.compare.change import Change, beyond_noise, change_of_ratio, drop_on_same_images
from monitor_app.analysis.compare.check import Check, Compared, CompareError, Limits, Verdict, parse_percent
from monitor_app.analysis.compare.differences import differences
from monitor_app.analysis.compare.regressions import regressions
from monitor_app.analysis.statistics.bootstrap import Blocks, bootstrap
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.analysis.statistics.mcnemar import Discordance
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import ImageAnswers
from tests.analysis.campaigns import answers_of, campaign, published_campaign

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.analysis.campaign.cells import Campaign, Cell

TIMES = {"AlexNet": {1: 0.0185, 16: 0.0075}, "VGG-16": {1: 0.161, 16: 0.128}}


def about(value: float, share: float) -> Estimate:
    return Estimate(value, value * (1 - share), value * (1 + share))


def changed(given: Campaign, change: Callable[[Cell], Cell]) -> Campaign:
    return replace(given, cells=tuple(change(cell) for cell in given.cells))


def slower(given: Campaign, factor: float, share: float) -> Campaign:
    def change(cell: Cell) -> Cell:
        time = cell.seconds_per_image
        return cell if time is None else replace(cell, seconds_per_image=about(time.value * factor, share))

    return changed(given, change)


def verdicts(checks: tuple[Check, ...]) -> list[str]:
    return [check.verdict.value for check in checks]


# -- the interval of a ratio ---------------------------------------------------------------------


def test_the_interval_of_a_ratio_is_the_log_normal_one() -> None:
    """Two log-normal values of known deviations: the exact interval of their ratio."""
    sd_old, sd_new, z = 0.02, 0.05, 1.959963984540054
    old = Estimate(2.0, 2.0 * math.exp(-z * sd_old), 2.0 * math.exp(z * sd_old))
    new = Estimate(3.0, 3.0 * math.exp(-z * sd_new), 3.0 * math.exp(z * sd_new))
    found = change_of_ratio(old, new)
    sd = math.sqrt(sd_old**2 + sd_new**2)
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(1.5)
    assert found.ratio.low == pytest.approx(1.5 * math.exp(-z * sd))
    assert found.ratio.high == pytest.approx(1.5 * math.exp(z * sd))
    # 4.99 % of a normal distribution lie beyond 1.6454
    assert found.at_most == pytest.approx(math.log(1.5) + 1.6448536 * sd)


def test_lopsided_intervals_keep_their_sides() -> None:
    """A certain denominator: the ratio has the interval of the numerator, divided."""
    found = change_of_ratio(Estimate(2.0, 2.0, 2.0), Estimate(3.0, 2.9, 3.6)).ratio
    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((1.45, 1.5, 1.8))


def test_the_interval_of_a_ratio_holds_the_truth_in_95_percent() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(1000):
        means = [rng.normal(0.0, 0.03), rng.normal(math.log(1.2), 0.05)]
        sides = [0.03, 0.05]
        old, new = (
            Estimate(math.exp(m), math.exp(m - 1.96 * s), math.exp(m + 1.96 * s))
            for m, s in zip(means, sides, strict=True)
        )
        ratio = change_of_ratio(old, new).ratio
        assert ratio is not None
        held += ratio.low <= 1.2 <= ratio.high
    assert 0.93 < held / 1000 < 0.97


@pytest.mark.parametrize("value", [0.0, -0.1])
def test_what_is_not_above_0_has_no_ratio_and_no_verdict(value: float) -> None:
    found = change_of_ratio(Estimate(1.0, 0.9, 1.1), Estimate(value, value - 1, value + 1))
    assert found.ratio is None
    assert math.isinf(found.at_most)
    assert not beyond_noise([found])[0]


def test_an_interval_that_reaches_0_leaves_that_side_open() -> None:
    found = change_of_ratio(Estimate(1.0, -0.5, 1.1), Estimate(2.0, 1.9, 2.1))
    assert found.ratio is not None
    assert math.isinf(found.ratio.high)
    assert found.ratio.low > 1.7


def test_the_more_is_compared_the_more_is_asked_of_one() -> None:
    def at(z: float) -> Change:
        return Change(z, z - 1.96, z + 1.96, z + 1.6449, 1 - NormalDist().cdf(z))

    assert beyond_noise([at(1.7)]) == [True]
    assert beyond_noise([at(1.7), at(0.0)]) == [False, False]
    # 2.0 would not do among two but does once the surer one is out; 1.6449 is the last bound
    assert beyond_noise([at(1.7), at(3.0)]) == [True, True]
    assert beyond_noise([at(1.6), at(3.0)]) == [False, True]
    assert beyond_noise([]) == []


# -- verdicts ------------------------------------------------------------------------------------


def test_a_session_against_itself_passes_with_everything_compared() -> None:
    same = published_campaign(width=0.002)
    checks = regressions(same, same, Limits(0.03, 0.03, 0.03, 0.5))
    assert set(verdicts(checks)) == {"passed"}
    measured = sum(cell.seconds_per_image is not None for cell in same.cells)
    by = {quantity: sum(check.quantity is quantity for check in checks) for quantity in Compared}
    assert by[Compared.LATENCY] == by[Compared.ENERGY] == measured
    assert by[Compared.ACCURACY] == 14, "once a network, not at every batch size"
    assert by[Compared.MEMORY] == sum(cell.memory_bytes is not None for cell in same.cells)


@pytest.mark.parametrize(
    ("factor", "share", "verdict"),
    [
        (1.10, 0.005, "failed"),  # far over 3 %, and sure
        (1.02, 0.001, "passed"),  # sure, and within 3 %
        (1.10, 0.200, "unclear"),  # over 3 %, but noise makes such changes
        (1.02, 0.020, "unclear"),  # within 3 %, but it may be over
        (0.80, 0.010, "passed"),  # better
        (0.80, 0.500, "unclear"),  # better, but nobody knows
    ],
)
def test_the_four_cases_and_the_better_ones(factor: float, share: float, verdict: str) -> None:
    old = slower(campaign(TIMES), 1.0, share)
    checks = regressions(old, slower(old, factor, share), Limits(latency=0.03))
    assert set(verdicts(checks)) == {verdict}
    assert [check.fails for check in checks] == [verdict == "failed"] * 4


def test_one_worse_network_fails_alone() -> None:
    old = campaign(TIMES, width=0.002)
    new = changed(
        old,
        lambda cell: replace(cell, gross_j_per_image=about(2.0, 0.01)) if cell.label == "AlexNet b16" else cell,
    )
    checks = regressions(old, new, Limits(energy=0.03, latency=0.03))
    assert [check.label for check in checks if check.fails] == ["AlexNet b16"]
    [failed] = [check for check in checks if check.fails]
    assert (failed.network, failed.batch, failed.quantity) == ("alexnet_2016", 16, Compared.ENERGY)
    assert failed.ratio is not None
    assert failed.ratio.value == pytest.approx(2.0 / (13.1 * 0.0075))
    assert failed.sentence.startswith("AlexNet b16: energy per image 2 J, was 98.25 mJ, x 20.4 (")
    assert failed.sentence.endswith("over the limit of +3 %, and noise does not explain it.")


def test_a_limit_of_nothing_forgives_noise_only() -> None:
    old = campaign(TIMES)
    checks = regressions(slower(old, 1.0, 0.01), slower(old, 1.004, 0.01), Limits(latency=0.0))
    assert set(verdicts(checks)) == {"unclear"}


def test_what_is_not_measured_any_more_is_missing_and_fails() -> None:
    old = campaign(TIMES)
    new = replace(old, cells=tuple(cell for cell in old.cells if cell.title != "VGG-16"))
    checks = regressions(old, new, Limits(latency=0.03))
    missing = [check for check in checks if check.verdict is Verdict.MISSING]
    assert [check.label for check in missing] == ["VGG-16 b1", "VGG-16 b16"]
    assert all(check.fails and check.candidate is None and check.ratio is None for check in missing)
    assert missing[0].sentence == "VGG-16 b1: time per image was measured in the baseline but not now."


def test_what_does_not_fit_any_more_says_so() -> None:
    old = campaign(TIMES)
    new = campaign({**TIMES, "VGG-16": {1: 0.161, 16: None}})
    [check] = [each for each in regressions(old, new, Limits(latency=0.03)) if each.fails]
    assert check.verdict is Verdict.MISSING
    assert "VGG-16 at batch 16 does not fit in memory" in check.sentence
    assert check.sentence.count(".") == 1


def test_what_did_not_fit_before_either_is_no_loss() -> None:
    old = campaign({**TIMES, "VGG-16": {1: 0.161, 16: None}})
    assert [check.label for check in regressions(old, old, Limits(latency=0.1))] == [
        "AlexNet b1",
        "AlexNet b16",
        "VGG-16 b1",
    ]


def test_what_the_baseline_lacks_is_unclear_and_what_only_the_candidate_has_is_not_compared() -> None:
    old = campaign({**TIMES, "VGG-16": {1: 0.161, 16: None}})
    checks = regressions(old, campaign({**TIMES, "ENet": {1: 0.02}}), Limits(latency=0.1))
    assert verdicts(checks) == ["passed", "passed", "passed", "unclear"]
    assert "was not measured in the baseline" in checks[3].sentence
    assert checks[3].baseline is None


def test_energy_is_compared_in_one_convention() -> None:
    old = campaign(TIMES, width=0.001)
    only_net = changed(old, lambda cell: replace(cell, gross_j_per_image=None))
    only_gross = changed(old, lambda cell: replace(cell, net_j_per_image=None))
    limits = Limits(energy=0.03)
    assert set(verdicts(regressions(old, only_net, limits))) == {"passed"}
    assert set(verdicts(regressions(only_net, old, limits))) == {"passed"}
    assert set(verdicts(regressions(only_gross, only_net, limits))) == {"missing"}
    [net, *_] = regressions(old, only_net, limits)
    assert net.baseline == old.cells[0].net_j_per_image


def test_memory_is_compared_by_one_account() -> None:
    old = published_campaign()
    limits = Limits(memory=0.1)
    more = changed(old, lambda cell: replace(cell, memory_bytes=cell.memory_bytes and round(cell.memory_bytes * 1.2)))
    assert set(verdicts(regressions(old, more, limits))) == {"failed"}
    less_than_limit = Limits(memory=0.21)
    assert set(verdicts(regressions(old, more, less_than_limit))) == {"passed"}
    other = changed(old, lambda cell: replace(cell, memory_kind=cell.memory_kind and "pss"))
    checks = regressions(old, other, limits)
    assert set(verdicts(checks)) == {"missing"}
    assert "it is that of system in the baseline and of pss now" in checks[0].sentence


@pytest.mark.parametrize(
    ("before", "after", "limit", "verdict"),
    [
        # A difference of two such fractions has a deviation of 0.29 points
        ((35_000, 50_000), (35_000, 50_000), 0.0, "unclear"),
        ((35_000, 50_000), (35_000, 50_000), 0.5, "passed"),
        ((35_000, 50_000), (34_760, 50_000), 0.5, "unclear"),  # 0.48 points
        ((35_000, 50_000), (34_740, 50_000), 0.5, "failed"),
        ((14, 20), (13, 20), 0.5, "unclear"),
        ((14, 20), (4, 20), 0.5, "failed"),
        ((35_000, 50_000), (34_901, 49_999), 0.5, "unclear"),  # 0.2 points
        ((35_000, 50_000), (34_700, 49_999), 0.5, "failed"),  # 0.6 points
        ((35_000, 50_000), (34_901, 49_999), 0.1, "unclear"),
        ((35_000, 50_000), (35_100, 49_999), 0.5, "passed"),
    ],
)
def test_accuracy_that_was_only_counted_is_compared_as_on_different_images(
    before: tuple[int, int], after: tuple[int, int], limit: float, verdict: str
) -> None:
    old = changed(campaign({"VGG-16": {1: 0.1, 2: 0.1}}), lambda cell: replace(cell, top1=wilson(*before)))
    new = changed(old, lambda cell: replace(cell, top1=wilson(*after), answers=None))
    [check] = regressions(old, new, Limits(accuracy=limit))
    assert check.verdict.value == verdict
    assert check.batch is None
    assert check.label == "VGG-16"
    points = 100 * after[0] / after[1] - 100 * before[0] / before[1]
    assert f"{points:+.2f} points (" in check.sentence
    assert "as if on different images, because a session has no answers to single images" in check.sentence


def answering(given: Campaign, answers: ImageAnswers) -> Campaign:
    top1 = wilson(answers.correct, answers.images)
    return changed(given, lambda cell: replace(cell, top1=top1, answers=answers))


@pytest.mark.parametrize(
    ("images", "right", "lost", "gained", "limit", "verdict"),
    [
        (20, 14, 0, 0, 0.0, "passed"),  # every image as before
        (20, 14, 1, 0, 0.5, "unclear"),  # 5 points, but one image may fall to either side
        (20, 14, 4, 0, 0.5, "unclear"),  # 1 in 16
        (20, 14, 5, 0, 0.5, "failed"),  # 1 in 32
        (50_000, 35_000, 200, 0, 0.5, "passed"),  # 0.40 points, known to 0.05
        (50_000, 35_000, 240, 0, 0.5, "unclear"),
        (50_000, 35_000, 260, 0, 0.5, "failed"),
        (50_000, 35_000, 750, 750, 0.5, "passed"),  # 3 % answered differently, and as many gained as lost
        (1000, 700, 15, 15, 0.5, "unclear"),  # the same of few images: half a point could not be seen
        (1000, 700, 15, 15, 2.0, "passed"),
        (1000, 700, 25, 15, 0.5, "unclear"),  # 1 point, which chance explains
        (1000, 700, 45, 15, 0.5, "failed"),
    ],
)
def test_accuracy_on_the_same_images_is_compared_image_by_image(
    images: int, right: int, lost: int, gained: int, limit: float, verdict: str
) -> None:
    old = answering(campaign({"VGG-16": {1: 0.1, 2: 0.1}}), answers_of(right, images))
    new = answering(old, answers_of(right, images, lost, gained))
    [check] = regressions(old, new, Limits(accuracy=limit))
    assert check.verdict.value == verdict
    assert f"{100 * (gained - lost) / images:+.2f} points" in check.sentence
    assert f"on the same {images} images, {lost} lost and {gained} gained" in check.sentence


def test_images_that_one_session_could_not_answer_are_left_out() -> None:
    old, new = ImageAnswers("a", "11-100"), ImageAnswers("a", "10110-")
    found = drop_on_same_images(old, new)
    assert found is not None
    # Right and right, right and wrong, right and right, wrong and wrong
    assert found.worse == pytest.approx(1 / 4)
    assert drop_on_same_images(old, replace(new, images_sha256="b")) is None
    assert drop_on_same_images(old, ImageAnswers("a", "------")) is None


def test_other_images_are_said_to_be_others() -> None:
    old = answering(campaign({"VGG-16": {1: 0.1}}), answers_of(700, 1000))
    new = answering(old, answers_of(350, 500))
    [check] = regressions(old, new, Limits(accuracy=0.5))
    assert "points (" in check.sentence
    assert "on different images" in check.sentence


def test_accuracy_measured_at_one_batch_size_counts_for_all() -> None:
    old = campaign({"VGG-16": {1: 0.1, 2: 0.1}})
    new = changed(old, lambda cell: cell if cell.batch_size == 2 else replace(cell, top1=None))
    assert verdicts(regressions(old, new, Limits(accuracy=1.0))) == ["passed"]


def test_cells_of_a_sweep_meet_their_own_kind() -> None:
    fp32, fp16 = campaign(TIMES, width=0.001), campaign(TIMES, width=0.001, precision="fp16")
    fast = slower(fp16, 0.5, 0.001)
    both = replace(fp32, cells=(*fp32.cells, *fast.cells))
    checks = regressions(both, both, Limits(latency=0.03))
    assert set(verdicts(checks)) == {"passed"}
    assert len({check.label for check in checks}) == len(checks) == 8
    assert checks[4].label == "AlexNet b1, fp16"
    # One precision of the two: those of the other are missing, not compared with what is left.
    assert verdicts(regressions(both, fp32, Limits(latency=0.03))) == ["passed"] * 4 + ["missing"] * 4


def test_a_condition_that_is_one_in_each_makes_no_strangers() -> None:
    old, new = campaign(TIMES, power_mode="MAXN"), campaign(TIMES, power_mode="15W")
    assert "missing" not in verdicts(regressions(old, new, Limits(latency=0.03)))
    [flag] = differences([old, replace(new, title="New")])
    assert "MAXN" in flag
    assert "15W" in flag


def test_a_comparison_of_nothing_is_refused() -> None:
    old = campaign(TIMES)
    with pytest.raises(CompareError, match="give a limit"):
        regressions(old, old, Limits())
    with pytest.raises(CompareError, match="has no memory of any network"):
        regressions(old, old, Limits(latency=0.03, memory=0.03))
    with pytest.raises(CompareError, match="has no latency"):
        regressions(replace(old, cells=()), old, Limits(latency=0.03))


@pytest.mark.parametrize("limit", [-0.01, math.nan, math.inf])
def test_limits_that_cannot_be_kept_are_refused(limit: float) -> None:
    with pytest.raises(CompareError):
        Limits(energy=limit)


# -- error rates ---------------------------------------------------------------------------------

DRAWS = 80
NETWORKS = 14
BATCHES = 40
NOISE = 0.04
"""Standard deviation of one batch."""


def session(rng: np.random.Generator, factor: float) -> Campaign:
    """Fourteen networks, each with the bootstrap interval of the mean of this number of measured batches."""
    plain = campaign({f"Network {k}": {1: 0.01} for k in range(NETWORKS)})

    def change(cell: Cell) -> Cell:
        batches = 0.01 * factor * rng.gamma(NOISE**-2, NOISE**2, BATCHES)
        [found] = bootstrap(batches, lambda series: series.mean(axis=1), blocks=Blocks(1), resamples=100)
        return replace(cell, seconds_per_image=found)

    return changed(plain, change)


def failing_share(factor: float, limit: float, seed: int) -> tuple[float, float]:
    """Share of comparisons with a failed check, and share of checks that failed."""
    rng = np.random.default_rng(seed)
    jobs, checks = 0, 0
    for _ in range(DRAWS):
        found = regressions(session(rng, 1.0), session(rng, factor), Limits(latency=limit))
        failed = sum(check.fails for check in found)
        jobs, checks = jobs + (failed > 0), checks + failed
    return jobs / DRAWS, checks / (DRAWS * NETWORKS)


@pytest.mark.parametrize("limit", [0.0, 0.01])
def test_noise_alone_fails_few_jobs_of_many_networks(limit: float) -> None:
    """At most 5 % by construction; drawn as often as here, 5 % stay below 11 % in 99 of 100.

    Bootstraps are a bit narrow.

    Each check by itself at 5 % would fail half of the jobs: 1 - 0.95**14.
    """
    jobs, _ = failing_share(1.0, limit, seed=11)
    assert jobs <= 0.12


def test_what_is_really_worse_is_found() -> None:
    """6 % where two means differ by noise of 0.9 %."""
    jobs, checks = failing_share(1.06, 0.03, seed=12)
    assert jobs == 1.0
    assert checks > 0.95


def test_a_real_change_within_the_limit_is_tolerated() -> None:
    """1 % where 3 % are allowed: over it where noise of 0.9 % adds 2 %, which it does in 1.4 % of checks."""
    _, checks = failing_share(1.01, 0.03, seed=13)
    assert checks < 0.02


CHANCES = 200


def accuracy_failures(images: int, discordant: float, drop: float, limit: float, seed: int) -> float:
    """Fraction of the comparisons that fail, where a fraction of the same images is answered differently."""
    rng = np.random.default_rng(seed)
    plain = campaign({"VGG-16": {1: 0.1}})
    failed = 0
    for _ in range(CHANCES):
        shares = ((discordant + drop) / 2, (discordant - drop) / 2)
        kinds = rng.multinomial(1, (*shares, 0.7 - shares[0], 0.3 - shares[1]), images).argmax(axis=1)
        before = "".join(np.array(["1", "0", "1", "0"])[kinds])
        after = "".join(np.array(["0", "1", "1", "0"])[kinds])
        old, new = (answering(plain, ImageAnswers("same", each)) for each in (before, after))
        [check] = regressions(old, new, Limits(accuracy=limit))
        failed += check.fails
    return failed / CHANCES


@pytest.mark.parametrize("images", [300, 1000, 5000])
def test_answers_that_differ_by_chance_seldom_fail(images: int) -> None:
    """Equal accuracy, 3 % of the same images answered differently (as by fp16 or int8): 5 %, and chance."""
    assert accuracy_failures(images, 0.03, 0.0, 0.5, seed=21) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / CHANCES)


def test_accuracy_that_is_really_lost_is_found() -> None:
    """2 points where 0.5 are allowed, 4 % of 1000 images answered differently."""
    assert accuracy_failures(1000, 0.04, 0.02, 0.5, seed=22) > 0.90


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (5, 0), (20, 10), (15, 15), (700, 800), (9000, 8700)])
def test_the_chance_of_a_loss_is_that_of_a_sign_test(lost: int, gained: int) -> None:
    count = lost + gained
    expected = binomtest(lost, count, alternative="greater").pvalue if count else 1.0
    assert Discordance(lost, gained, 50_000).chance() == pytest.approx(expected, rel=1e-9)


# -- one meter in both sessions --------------------------------------------------------------------


def metered(factor: float, *, gain: float, noise: float, meter: str) -> Campaign:
    """Energies by a meter of that relative gain uncertainty, whose expanded value is a part of every interval."""
    half = math.hypot(2 * gain, noise)

    def change(cell: Cell) -> Cell:
        return replace(cell, gross_j_per_image=about(2.0 * factor, half), gain=gain)

    return replace(changed(campaign(TIMES), change), meter=meter)


def test_the_gain_of_one_meter_cancels() -> None:
    """A gain bound of 5 %, 6 % more energy against a limit of 3 %: shown, where the meter is the same in both."""
    gain = 0.05 / math.sqrt(3)
    limits = Limits(energy=0.03)
    old, new = (metered(factor, gain=gain, noise=0.005, meter="a, serial 1") for factor in (1.0, 1.06))
    checks = regressions(old, new, limits)
    assert set(verdicts(checks)) == {"failed"}
    assert "by the same meter, whose gain error cancels" in checks[0].sentence
    assert checks[0].baseline == old.cells[0].gross_j_per_image, "each value keeps its own interval"
    other = replace(new, meter="a, serial 2")
    assert set(verdicts(regressions(old, other, limits))) == {"unclear"}
    unknown = replace(old, meter=""), replace(new, meter="")
    assert set(verdicts(regressions(*unknown, limits))) == {"unclear"}
    assert set(verdicts(regressions(old, old, limits))) == {"passed"}


# -- limits as typed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "share"), [("+3%", 0.03), ("3 %", 0.03), ("0.5%", 0.005), (" +0% ", 0.0), ("250%", 2.5), ("1e1%", 0.1)]
)
def test_percentages_are_read(text: str, share: float) -> None:
    assert parse_percent(text) == pytest.approx(share)


@pytest.mark.parametrize(
    "text", ["3", "0.03", "", "%", "+%", "-3%", "3%%", "3,5%", "nan%", "inf%", "three%", "3%x", "1_0%", "--3%"]
)
def test_nonsense_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(CompareError, match=r"such as \+3%\.$"):
        parse_percent(text)


# -- red flags -----------------------------------------------------------------------------------


def one(changes: dict[str, object] | None = None) -> Campaign:
    given: dict[str, object] = {"title": "old", "environment": {"torch": "2.13.0"}} | (changes or {})
    return campaign(TIMES, **given)  # type: ignore[arg-type]


def test_like_sessions_have_no_flags() -> None:
    assert differences([one(), one()]) == ()
    assert differences([one()]) == ()
    assert differences([]) == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"precision": "fp16"}, "The precision differs: fp32 in old, fp16 in new."),
        ({"device": "cpu"}, "The device differs: cuda:0 in old, cpu in new."),
        ({"power_mode": "MAXN"}, "The power mode differs: power mode as found in old, power mode MAXN in new."),
        ({"clocks": "max"}, "The setting of the clocks differs: clocks as found in old, clocks max in new."),
        (
            {"times_simulated": True},
            "Times are simulated in some and measured in others: measured in old, SIMULATED in new.",
        ),
        (
            {"power_simulated": True},
            "Power is simulated in some and measured in others: measured in old, SIMULATED in new.",
        ),
        ({"environment": {"torch": "2.14.0"}}, "Torch differs: 2.13.0 in old, 2.14.0 in new."),
        ({"environment": {}}, "Torch differs: 2.13.0 in old, not known in new."),
        (
            {"environment": {"torch": "2.13.0", "cpu governor": "performance"}},
            "Cpu governor differs: not known in old, performance in new.",
        ),
    ],
)
def test_each_difference_is_one_sentence(changes: dict[str, object], sentence: str) -> None:
    assert differences([one(), one({"title": "new"} | changes)]) == (sentence,)


def test_threads_and_layout_are_told() -> None:
    def change(cell: Cell) -> Cell:
        return replace(cell, conditions=replace(cell.conditions, threads=8, channels_last=True))

    found = differences([one(), replace(changed(one(), change), title="new")])
    assert found == (
        "The number of threads differs: 4 threads in old, 8 threads in new.",
        "The layout of tensors differs: not channels last in old, channels last in new.",
    )


def test_other_weights_of_the_same_network_are_told_and_other_networks_are_not() -> None:
    def weighted(given: Campaign, digest: str | None) -> Campaign:
        return changed(given, lambda cell: replace(cell, weights_sha256=digest))

    new = weighted(one({"title": "new"}), "b" * 64)
    found = differences([weighted(one(), "a" * 64), new])
    assert found == (
        "The weights of AlexNet differ: aaaaaaaa in old, bbbbbbbb in new.",
        "The weights of VGG-16 differ: aaaaaaaa in old, bbbbbbbb in new.",
    )
    assert "random in old, bbbbbbbb in new." in differences([one(), new])[0]
    other = replace(campaign({"ENet": {1: 0.02}}, title="new", environment={"torch": "2.13.0"}))
    assert differences([weighted(one(), "a" * 64), weighted(other, "b" * 64)]) == ()


def test_many_other_weights_are_summed_up() -> None:
    old = published_campaign()
    new = changed(published_campaign(title="New"), lambda cell: replace(cell, weights_sha256="c" * 64))
    found = differences([old, new])
    assert len(found) == 6
    assert found[-1] == "The weights of 9 more networks differ as well."


def test_three_sessions_are_told_apart_also_where_titles_are_the_same() -> None:
    three = [replace(one({"precision": each}), path=f"{each}.plm") for each in ("fp32", "fp16", "bf16")]
    assert differences(three) == ("The precision differs: fp32 in fp32.plm, fp16 in fp16.plm, bf16 in bf16.plm.",)
    twice = [one({"device": "cpu"}), one()]
    assert differences(twice) == ("The device differs: cpu in campaign.plm (1), cuda:0 in campaign.plm (2).",)
