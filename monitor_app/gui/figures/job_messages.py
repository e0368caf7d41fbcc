# SPDX-License-Identifier: Apache-2.0
"""Figures and findings as JSON, from the process that computes them to the window. No Qt."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.core.estimate import Estimate


@dataclass(frozen=True, slots=True)
class FindingText:
    """A finding as it is told: one of the paper's claims, held against a session."""

    key: str
    claim: str
    verdict: str
    """holds, does not hold, not enough data."""
    sentence: str
    """What the numbers say, for people."""
    figures: tuple[tuple[str, str], ...]
    """Statistics: (what, value with its interval)."""
    figure: str
    """Key of the chart behind it, or empty."""
    margin: str
    """What the verdict was decided against."""
    caution: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was made of one or more sessions."""

    titles: tuple[str, ...]
    """Of the sessions, in the order of `Point.campaign`."""
    charts: tuple[Chart, ...]
    gross: tuple[Chart, ...]
    """The same with energies of the whole board."""
    findings: tuple[FindingText, ...]
    """Of the first session."""
    flags: tuple[str, ...] = ()
    """What sets compared sessions apart that should not, each in one sentence."""


def encode(figures: Figures) -> str:
    """One line of JSON."""
    return json.dumps(asdict(figures), ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> Figures:
    """The inverse. Raises ValueError, KeyError or TypeError for anything else."""
    given = json.loads(text)
    return Figures(
        titles=tuple(given["titles"]),
        charts=tuple(_chart(each) for each in given["charts"]),
        gross=tuple(_chart(each) for each in given["gross"]),
        findings=tuple(_finding(each) for each in given["findings"]),
        flags=tuple(given["flags"]),
    )


def _chart(given: dict[str, Any]) -> Chart:
    return Chart(
        **{
            **given,
            "x": _axis(given["x"]),
            "y": _axis(given["y"]),
            "series": tuple(_series(each) for each in given["series"]),
            "lines": tuple(_line(each) for each in given["lines"]),
            "missing": tuple(given["missing"]),
        }
    )


def _axis(given: dict[str, Any]) -> Axis:
    return Axis(given["title"], given["unit"], Scale(given["scale"]), tuple(given["categories"]))


def _series(given: dict[str, Any]) -> Series:
    points = tuple(
        Point(**{**each, "x": Estimate(**each["x"]), "y": Estimate(**each["y"])}) for each in given["points"]
    )
    return Series(**{**given, "points": points, "origin": Origin(given["origin"])})


def _line(given: dict[str, Any]) -> Line:
    curves = {name: tuple(given[name]) for name in ("x", "y", "low", "high")}
    return Line(**{**given, **curves, "origin": Origin(given["origin"])})


def _finding(given: dict[str, Any]) -> FindingText:
    return FindingText(**{**given, "figures": tuple((what, value) for what, value in given["figures"])})
