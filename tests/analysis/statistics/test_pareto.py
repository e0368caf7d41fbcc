# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.statistics.pareto import Better, front, step_line

LOW, HIGH = Better.LOW, Better.HIGH
few = st.integers(0, 6)


def beats(a: tuple[int, int], b: tuple[int, int], x: Better, y: Better) -> bool:
    across, up = x.value * (a[0] - b[0]), y.value * (a[1] - b[1])
    return across >= 0 and up >= 0 and (across > 0 or up > 0)


@given(st.lists(st.tuples(few, few), min_size=1, max_size=12), st.sampled_from(Better), st.sampled_from(Better))
def test_on_the_front_is_what_nothing_beats(points: list[tuple[int, int]], x: Better, y: Better) -> None:
    values = np.array(points, float)
    found = front(values[:, 0], values[:, 1], x, y)
    assert set(found.tolist()) == {k for k, p in enumerate(points) if not any(beats(q, p, x, y) for q in points)}
    assert (np.diff(values[found, 0]) >= 0).all()


@given(st.lists(st.tuples(few, few), min_size=1, max_size=12), st.sampled_from(Better), st.sampled_from(Better), few)
def test_step_line_are_the_best_that_can_be_had(
    points: list[tuple[int, int]], x_better: Better, y_better: Better, limit: int
) -> None:
    """At a budget between the points, the height of the step_line is that of the best point inside it."""
    values = np.array(points, float)
    found = front(values[:, 0], values[:, 1], x_better, y_better)
    across, up = step_line(values[found, 0], values[found, 1], x_better)
    at = limit + 0.5
    inside = [y for x, y in points if (x <= at if x_better is LOW else x >= at)]
    if across.min() < at < across.max():
        best = max(inside) if y_better is HIGH else min(inside)
        assert np.interp(at, across, up) == best


def test_no_points_have_no_front() -> None:
    assert len(front(np.array([]), np.array([]), LOW, HIGH)) == 0


@pytest.mark.parametrize(("better", "corner"), [(LOW, (2.0, 1.0)), (HIGH, (1.0, 3.0))])
def test_the_corner_is_on_the_worse_side(better: Better, corner: tuple[float, float]) -> None:
    x, y = step_line(np.array([1.0, 2.0]), np.array([1.0, 3.0]), better)
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [(1.0, 1.0), corner, (2.0, 3.0)]
