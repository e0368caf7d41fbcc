# SPDX-License-Identifier: Apache-2.0
"""What the names of series are made of: the network, and whose it is where several are drawn. No Qt."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.gui.figures.placing import PAPER

if TYPE_CHECKING:
    from collections.abc import Collection

    from monitor_app.charts.model import Chart, Line, Series

_SUFFIX = re.compile(r"^(?P<base>.+) \((?P<whose>[^()]*)\)$")
PAPERS = "paper"


def whose_of(chart: Chart) -> tuple[str, ...]:
    """What tells the sessions and the paper apart in this chart: a word in brackets behind several names."""
    names = [each.name for each in chart.series] + [each.name for each in chart.lines]
    ends = [found["whose"] for name in names if (found := _SUFFIX.match(name))]
    return tuple(word for word in dict.fromkeys(ends) if word == PAPERS or ends.count(word) > 1)


def base_of(name: str, whose: Collection[str]) -> str:
    """The network alone."""
    found = _SUFFIX.match(name)
    return found["base"] if found and found["whose"] in whose else name


def group_of(name: str, whose: Collection[str]) -> str:
    """Whose it is; empty where there is only one."""
    found = _SUFFIX.match(name)
    return found["whose"] if found and found["whose"] in whose else ""


def without_paper(chart: Chart) -> Chart:
    """The chart without the overlay."""
    return replace(
        chart,
        series=tuple(each for each in chart.series if each.origin not in PAPER),
        lines=tuple(each for each in chart.lines if each.origin not in PAPER),
        extra={name: value for name, value in chart.extra.items() if PAPERS not in name},
    )


def without(chart: Chart, hidden: Collection[str]) -> Chart:
    """The chart without series and lines that have one of these words as their network or as whose they are."""
    whose = whose_of(chart)

    def shown(each: Series | Line) -> bool:
        return base_of(each.name, whose) not in hidden and group_of(each.name, whose) not in hidden

    return replace(chart, series=tuple(filter(shown, chart.series)), lines=tuple(filter(shown, chart.lines)))
