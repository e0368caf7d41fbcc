# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.figures.batches import NEAR, Knee, knee
from monitor_app.core.estimate import Estimate


def about(value: float, width: float) -> Estimate:
    return Estimate(value, value * (1 - width), value * (1 + width))


def overheads(width: float) -> dict[int, Estimate]:
    """E(b) = 1 + 1/b: 2, 1.5, 1.25, 1.125, 1.0625, ...; the least, 1.015625 at 64, times 1.1 is 1.117."""
    return {b: about(1 + 1 / b, width) for b in (1, 2, 4, 8, 16, 32, 64)}


def test_the_knee_is_the_first_within_a_tenth_of_the_least() -> None:
    assert knee(overheads(0.0)) == Knee(16, 16, 16)


def test_intervals_leave_neighbours_open() -> None:
    # At 8, 1.125 * 0.99 = 1.114 is below 1.1 * 1.0156 * 1.01 = 1.128, and at 16, 1.0625 * 1.01 = 1.073 is below
    # 1.1 * 1.0156 * 0.99 = 1.106.
    assert knee(overheads(0.01)) == Knee(16, 8, 16)
    # At 3 %, 1.0625 * 1.03 = 1.094 is above 1.1 * 0.985 = 1.0836, and 1.03125 * 1.03 = 1.062 below; 4 is still out.
    assert knee(overheads(0.03)) == Knee(16, 8, 32)


def test_a_batch_that_takes_more_is_not_passed_over() -> None:
    energy = {1: about(1.0, 0), 2: about(5.0, 0), 4: about(1.02, 0)}
    assert knee(energy) == Knee(1, 1, 1)


def test_one_batch_has_no_knee() -> None:
    assert knee({}) is None
    assert knee({1: about(1.0, 0.0)}) is None
    assert knee({1: about(1.0, 0.0), 2: Estimate(-0.1, -0.2, 0.1)}) is None


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=7), st.floats(0, 0.5))
def test_no_truth_that_the_intervals_allow_has_an_earlier_knee_or_a_later_one_than_is_proven(
    values: list[float], width: float
) -> None:
    energy = {2**k: about(value, width) for k, value in enumerate(values)}
    found = knee(energy)
    assert found is not None
    assert found.earliest <= found.batch <= found.latest
    proven = energy[found.latest].high <= NEAR * min(each.low for each in energy.values())
    for chosen in energy:
        # One batch at its low end and all others at their high ends, and the reverse.
        for own, others in (("low", "high"), ("high", "low")):
            truth = {b: getattr(e, own if b == chosen else others) for b, e in energy.items()}
            least = min(truth.values())
            true_knee = next(b for b, value in truth.items() if value <= NEAR * least)
            assert found.earliest <= true_knee
            assert not proven or true_knee <= found.latest
