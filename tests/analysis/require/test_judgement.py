# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from monitor_app.analysis.require.evidence import Measured
from monitor_app.analysis.require.judgement import Judgement, Verdict, judge
from monitor_app.analysis.require.limits import Limits, limits_in
from monitor_app.analysis.require.requirements import Kind, Requirement, requirements_of
from monitor_app.sources.profile_reader import parse_profile
from tests.analysis.require.boards import (
    DEADLINE_S,
    TRUE_J,
    TRUE_W,
    Bursts,
    Correlated,
    answered,
    metered,
    series,
    timed,
)

QUICK = 0.02 + np.random.default_rng(1).normal(0, 2e-4, 30_000)
PASS, FAIL, INCONCLUSIVE = Verdict


def misses(limit: float) -> Requirement:
    return Requirement(Kind.MISSES, limit, DEADLINE_S)


def more_batches(judgement: Judgement) -> int:
    found = re.match(r"About ([\d,]+) more", judgement.more)
    assert found is not None, judgement.more
    return int(found[1].replace(",", ""))


def test_batches_that_are_all_quick_pass_once_there_are_enough() -> None:
    few, enough = (judge(misses(0.01), timed(QUICK[:count])) for count in (1800, 1900))
    assert (few.verdict, enough.verdict) == (INCONCLUSIVE, PASS)
    assert "0 of 1,800 batches took longer than 30 ms" in few.sentence
    assert 1800 + more_batches(few) == pytest.approx(1900, rel=0.06)
    assert "s at this rate" in few.more
    assert not enough.more


def test_what_is_asked_for_decides_if_it_goes_on_like_this() -> None:
    for start in (Correlated(0.0), Bursts(5, fixed=True)):
        for values in series(start, 2, 0.002, 2000, 5):
            found = judge(misses(0.01), timed(values))
            if found.verdict is INCONCLUSIVE:
                more = -(-more_batches(found) // len(values))
                longer = np.tile(values, 1 + more)
                assert judge(misses(0.01), timed(longer)).verdict is PASS


def test_many_misses_fail() -> None:
    found = judge(
        misses(0.01), timed(np.r_[QUICK[:100], np.full(100, 0.05)][np.random.default_rng(3).permutation(200)])
    )
    assert found.verdict is FAIL
    assert not found.more


def test_a_p99_far_below_its_limit_needs_enough_batches() -> None:
    requirement = Requirement(Kind.P99, 0.03)
    slow = timed(np.random.default_rng(4).normal(0.2, 0.001, 368))  # longer than any interruption that is assumed
    assert judge(Requirement(Kind.P99, 0.3), slow).verdict is PASS
    few = judge(Requirement(Kind.P99, 0.3), replace(slow, latencies_s=slow.latencies_s[:367]))
    assert few.verdict is INCONCLUSIVE
    assert "too few for an upper end" in few.sentence
    assert few.value is not None
    assert few.value.high == math.inf
    assert judge(requirement, slow).verdict is FAIL


def test_what_was_not_measured_is_inconclusive_with_the_reason() -> None:
    nothing = timed(np.empty(0))
    for kind in Kind:
        found = judge(Requirement(kind, 0.5, DEADLINE_S), nothing)
        assert found.verdict is INCONCLUSIVE
        assert found.value is None
        assert found.more


def test_power_that_is_doubted_decides_nothing() -> None:
    evidence = replace(timed(QUICK), power=Measured(5.0, 0.1, 0.1, "gain"), no_power="Power did not rise.")
    found = judge(Requirement(Kind.POWER, 10.0), evidence)
    assert (found.verdict, found.more) == (INCONCLUSIVE, "Power did not rise.")
    assert found.value is not None


@pytest.mark.parametrize(
    ("limit", "verdict", "words"),
    [
        (10.3, PASS, ""),
        (9.7, FAIL, ""),
        (10.15, INCONCLUSIVE, "more batches"),
        (10.05, INCONCLUSIVE, "calibrating"),
    ],
)
def test_power_is_judged_by_its_interval(limit: float, verdict: Verdict, words: str) -> None:
    evidence = replace(timed(QUICK), power=Measured(10.0, 0.1, 0.2, "gain"), no_power="")
    found = judge(Requirement(Kind.POWER, limit), evidence)
    assert found.verdict is verdict
    assert words in found.more


def test_simulated_power_marks_what_it_was_judged_by() -> None:
    evidence = replace(timed(QUICK), power_simulated=True)
    marks = {kind: judge(Requirement(kind, 0.5, DEADLINE_S), evidence).simulated for kind in Kind}
    assert marks == {Kind.MISSES: False, Kind.P99: False, Kind.ENERGY: True, Kind.POWER: True, Kind.TOP1: False}
    assert all(judge(Requirement(kind, 0.5, 0.1), replace(evidence, times_simulated=True)).simulated for kind in Kind)


@given(images=st.integers(1, 3000), share=st.floats(0, 1), limit=st.floats(0.01, 0.99))
def test_top1_is_judged_by_the_binomial_distribution(images: int, share: float, limit: float) -> None:
    correct = round(share * images)
    found = judge(Requirement(Kind.TOP1, limit), answered(correct, images))
    # As many or more right answers, or as many or fewer, if the true accuracy were the limit.
    as_many, as_few = binom.sf(correct - 1, images, limit), binom.cdf(correct, images, limit)
    if min(abs(as_many - 0.025), abs(as_few - 0.025)) > 1e-6:
        expected = PASS if as_many <= 0.025 else FAIL if as_few <= 0.025 else INCONCLUSIVE
        assert found.verdict is expected


BOARDS = 80


def wrong(verdicts: list[Verdict]) -> bool:
    """More than a twentieth, by more than chance explains once in a thousand."""
    count = sum(verdict is not INCONCLUSIVE for verdict in verdicts)
    return bool(binom.sf(count - 1, len(verdicts), 0.05) < 1e-3)


@pytest.mark.parametrize(
    ("kind", "limit", "count"),
    [
        (Correlated(0.0), 0.01, 1000),
        (Correlated(0.9), 0.05, 2000),
        (Bursts(5, fixed=True), 0.05, 1000),
        (Bursts(3), 0.01, 5000),
    ],
)
def test_at_the_limit_no_more_than_a_twentieth_is_decided(kind: Correlated | Bursts, limit: float, count: int) -> None:
    evidence = [timed(each) for each in series(kind, 7, limit, count, BOARDS)]
    assert not wrong([judge(misses(limit), each).verdict for each in evidence])
    if limit == 0.01:
        assert not wrong([judge(Requirement(Kind.P99, DEADLINE_S), each).verdict for each in evidence])


def test_boards_beside_the_limit_are_decided_and_rightly() -> None:
    for beside, verdict in ((0.2, PASS), (4.0, FAIL)):
        evidence = [timed(each) for each in series(Correlated(0.5), 8, 0.01 * beside, 5000, 30)]
        found = [judge(misses(0.01), each).verdict for each in evidence]
        assert found.count(verdict) >= 28


@pytest.mark.parametrize(("cycles", "batches"), [(5, 30), (1, 300)])
def test_energy_and_power_at_the_limit(cycles: int, batches: int) -> None:
    boards = [metered(np.random.default_rng([9, board]), cycles=cycles, batches=batches) for board in range(24)]
    for kind, true in ((Kind.ENERGY, TRUE_J), (Kind.POWER, TRUE_W)):
        assert not wrong([judge(Requirement(kind, true), each).verdict for each in boards])
        far = {judge(Requirement(kind, factor * true), each).verdict for each in boards for factor in (0.5, 2.0)}
        assert far == {PASS, FAIL}


def test_requirements_are_in_si_units_and_say_what_they_are() -> None:
    found = requirements_of(
        Limits(deadline_ms=33, max_miss_ratio=0.001, p99_ms=30, max_energy_mj=60, max_power_w=10, min_top1=70)
    )
    assert [(each.kind, each.limit) for each in found] == [
        (Kind.MISSES, 0.001),
        (Kind.P99, pytest.approx(0.03)),
        (Kind.ENERGY, pytest.approx(0.06)),
        (Kind.POWER, 10),
        (Kind.TOP1, pytest.approx(0.7)),
    ]
    assert [each.title for each in found] == [
        "deadline 33 ms missed by at most 0.1 %",
        "p99 at most 30 ms",
        "energy at most 60 mJ per image",
        "power at most 10 W",
        "top-1 at least 70 %",
    ]
    assert requirements_of(Limits(deadline_ms=33))[0].limit == 0.01
    assert not Limits()


TABLE = st.fixed_dictionaries(
    {},
    optional={
        "deadline_ms": st.floats(1e-3, 1e6),
        "p99_ms": st.floats(1e-3, 1e6),
        "max_energy_mj": st.integers(1, 10**9),
        "max_power_w": st.floats(1e-3, 1e6),
        "min_top1": st.floats(0.1, 99.9),
    },
)


@given(table=TABLE)
def test_the_window_reads_what_the_reader_of_profiles_reads(table: dict[str, float]) -> None:
    text = 'title = "It"\n[require]\n' + "".join(f"{name} = {value!r}\n" for name, value in table.items())
    assert limits_in(text) == Limits(**parse_profile(text, "it").require.model_dump())


@pytest.mark.parametrize(
    "text",
    ["", "require", "require = 3", "[require]\np99_ms = true", '[require]\np99_ms = "5"', "[require]\np99_ms = -1",
     "[require]\np99_ms = nan", "[require\n", "# require\n"],
)  # fmt: skip
def test_what_cannot_be_read_requires_nothing(text: str) -> None:
    assert not limits_in(text)
