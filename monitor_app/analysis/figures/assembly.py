# SPDX-License-Identifier: Apache-2.0
"""A chart from what is plotted of each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.charts.model import Chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor_app.analysis.figures.points import Plotted
    from monitor_app.analysis.figures.quantities import Quantity
    from monitor_app.charts.model import Line, Series


def chart(
    key: str,
    number: int,
    title: str,
    axes: tuple[Quantity, Quantity],
    plots: Sequence[Plotted],
    caption: str,
    *,
    lines: Iterable[Line] = (),
    marks: Iterable[Series] = (),
    size: Quantity | None = None,
    bars: bool = False,
    extra: Mapping[str, float] | None = None,
) -> Chart:
    """The chart of those groups; ``marks`` are series drawn over theirs."""
    return Chart(
        key,
        number,
        title,
        axes[0].axis,
        axes[1].axis,
        tuple(series for each in plots for series in each.series) + tuple(marks),
        tuple(lines),
        bars,
        f"{size.axis.title} [{size.axis.unit}]" if size else "",
        caption,
        tuple(dict.fromkeys(sentence for each in plots for sentence in each.missing)),
        any(each.simulated for each in plots),
        dict(extra or {}),
    )
