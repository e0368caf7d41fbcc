# SPDX-License-Identifier: Apache-2.0
"""Lines that belong to points: fits, fronts, budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.pareto import Better, front, step_line
from monitor_app.analysis.statistics.regression import LEAST_DRAWN, line_to_draw
from monitor_app.charts.model import FRONT, Line, Origin
from monitor_app.core.estimate import RESULT_LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.figures.points import Plotted
    from monitor_app.charts.model import Point
    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]

BOUND = "Upper bound"
_STEPS = 65
"""Points of a curve: few enough for a file, and enough that its corners are not visible."""


@dataclass(frozen=True, slots=True)
class Law:
    """The form of a fitted line: y = intercept + slope * of(x)."""

    text: str
    """Its equation: {slope} and {intercept} stand for the numbers, {+slope} and {+intercept} for them with a sign."""
    of: Callable[[Floats], Floats] = np.asarray


def reciprocal(x: Floats) -> Floats:
    """The abscissa of a hyperbola."""
    return 1 / x


def fitted(
    plotted: Plotted, law: Law, chosen: NDArray[np.intp] | None = None
) -> tuple[tuple[Line, ...], dict[str, float]]:
    """The law fitted to the points of a group, or to those whose places among them are chosen.

    Returns:
        The line and its numbers for `Chart.extra`; both empty for too few points.
    """
    x, y = plotted.xy
    if chosen is not None:
        x, y = x[chosen], y[chosen]
    found = line_to_draw(law.of(x), y)
    if found is None:
        return (), {}
    along = np.linspace(x.min(), x.max(), _STEPS)
    line, half = found.at(law.of(along)), found.band(law.of(along), RESULT_LEVEL)
    paper = plotted.group.paper
    equation = law.text.format_map(
        {
            "slope": f"{found.slope:.3g}",
            "intercept": f"{found.intercept:.3g}",
            "+slope": _signed(found.slope),
            "+intercept": _signed(found.intercept),
        }
    )
    drawn = Line(
        "Fit",
        tuple(along.tolist()),
        tuple(line.tolist()),
        Origin.COMPUTED if paper else Origin.FITTED,
        () if paper else tuple((line - half).tolist()),
        () if paper else tuple((line + half).tolist()),
        f"{equation} (r2 {found.r_squared:.2f}, {found.count} points{', SIMULATED' if plotted.simulated else ''})",
        plotted.group.name,
    )
    numbers = {"slope": found.slope, "intercept": found.intercept, "r2": found.r_squared, "points": float(found.count)}
    return (drawn,), {f"{key}{plotted.group.suffix}": value for key, value in numbers.items()}


def front_places(plotted: Plotted, x_better: Better, y_better: Better) -> NDArray[np.intp]:
    """Places of the points on the Pareto front among those of the group."""
    return front(*plotted.xy, x_better, y_better)


def front_line(plotted: Plotted, x_better: Better, y_better: Better) -> tuple[Line, ...]:
    """The Pareto front of a group as a step line, with the names of the points on it."""
    places = front_places(plotted, x_better, y_better)
    if len(places) == 0:
        return ()
    x, y = plotted.xy
    across, up = step_line(x[places], y[places], x_better)
    labels = [plotted.points[k].label.removesuffix(plotted.group.suffix) for k in places]
    return (
        Line(
            FRONT,
            tuple(across.tolist()),
            tuple(up.tolist()),
            plotted.origin,
            text=", ".join(labels),
            group=plotted.group.name,
        ),
    )


def bounds(plots: Sequence[Plotted], text: str) -> tuple[Line, ...]:
    """The upper bound of each group whose points fall from the left: of all lines with no point above, the lowest.

    Lowest in the mean over the points of the Pareto front, of which there must be `LEAST_DRAWN`. The region above,
    in which no point lies, is the band of the line of the first group. ``text`` is its equation as of a `Law`.
    """
    reach = max((float(each.xy[0].max()) for each in plots if each.points), default=0.0)
    shaded = next((each for each in plots if each.points), None)
    found = (_bound(each, text, reach, plain=each is not shaded) for each in plots)
    return tuple(line for line in found if line is not None)


def _bound(plotted: Plotted, text: str, reach: float, *, plain: bool) -> Line | None:
    places = front_places(plotted, Better.HIGH, Better.HIGH)
    if len(places) < LEAST_DRAWN:
        return None
    x, y = plotted.xy[0][places], plotted.xy[1][places]
    left, right = np.flatnonzero(x <= x.mean()), np.flatnonzero(x > x.mean())
    # The lowest line above all points is the edge of their hull over the mean of x.
    slopes = (y[right] - y[left, None]) / (x[right] - x[left, None])
    heights = y[left, None] + slopes * (x.mean() - x[left, None])
    slope = float(slopes.flat[heights.argmax()])
    intercept = float(heights.max() - slope * x.mean())
    along = np.linspace(0.0, 2 * reach, _STEPS)
    line = tuple((intercept + slope * along).tolist())
    equation = text.format_map({"intercept": f"{intercept:.3g}", "+slope": _signed(slope)})
    region = ((), ()) if plain else (line, (math.inf,) * _STEPS)
    return Line(BOUND, tuple(along.tolist()), line, plotted.origin, *region, equation, plotted.group.name)


def upright_budget(value: float, unit: str, plots: Sequence[Plotted], *, best: bool = False) -> tuple[Line, ...]:
    """A budget on the x axis, as high as the points; ``best`` names the best network within it."""
    ends = _ends(point.y for each in plots for point in each.points)
    if not ends:
        return ()
    text = best_within(plots, value) if best else ""
    return (Line(f"Budget of {value:g} {unit}", (value, value), (min(ends), max(ends)), Origin.GIVEN, text=text),)


def level_budget(value: float, unit: str, plots: Sequence[Plotted]) -> tuple[Line, ...]:
    """A budget on the y axis, as wide as the points; empty without points."""
    ends = _ends(point.x for each in plots for point in each.points)
    return (Line(f"Budget of {value:g} {unit}", (min(ends), max(ends)), (value, value), Origin.GIVEN),) if ends else ()


def best_within(plots: Sequence[Plotted], limit: float) -> str:
    """For each measured group, its highest point at or below a limit of x, and whether its interval crosses it."""
    texts = []
    for each in plots:
        inside = [point for point in each.points if point.x.value <= limit]
        if each.points and not each.group.paper:
            texts.append(_best(max(inside, key=_height), limit) if inside else each.group.labelled("nothing"))
    return "best within it: " + "; ".join(texts) if texts else ""


def _ends(estimates: Iterable[Estimate]) -> list[float]:
    """The ends of all intervals; an end that is infinite, or of another sign than the value, is replaced by it."""
    return [
        end if math.isfinite(end) and (end > 0) == (each.value > 0) else each.value
        for each in estimates
        for end in (each.low, each.high)
    ]


def _height(point: Point) -> float:
    return point.y.value


def _best(point: Point, limit: float) -> str:
    crosses = ", though its interval crosses the line" if point.x.high > limit else ""
    return f"{point.label} with {point.y.value:.1f} %{crosses}"


def _signed(value: float) -> str:
    """With its sign separated, to follow a term."""
    return f"{'-' if value < 0 else '+'} {abs(value):.3g}"
