# SPDX-License-Identifier: Apache-2.0
"""A chart as data: what is drawn in the window, to PNG, SVG and PDF, and written to CSV, all from the same values."""

from dataclasses import dataclass, field
from enum import Enum

from monitor_app.core.estimate import Estimate

FRONT = "Pareto front"
"""Title of lines that are Pareto fronts."""
SHAPES = 5
"""Of marks: disc, square, diamond, triangle, triangle on its tip."""
PAPER_FIGURES = 10
"""Figures 1 to 10 repeat those of the paper under its numbers; further ones are numbered on from there."""


class Scale(str, Enum):
    """How an axis is divided."""

    LINEAR = "linear"
    LOG = "log"
    LOG2 = "log2"
    """Ticks at powers of two, for batch sizes."""
    CATEGORY = "category"
    """Whole numbers from 0, named by `Axis.categories`."""


class Origin(str, Enum):
    """Where a point or a line comes from; always written beside it."""

    MEASURED = "measured"
    SIMULATED = "SIMULATED"
    EXACT = "the paper, exact from its plots"
    DIGITISED = "the paper, digitised to 2 to 3 %"
    QUOTED = "the paper, quoted"
    COMPUTED = "computed from the published plots"
    FITTED = "fitted to the points"
    GIVEN = "limit, not measured"


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis; the unit is that of the values: ms, W, J, MB, %, G."""

    title: str
    unit: str
    scale: Scale = Scale.LINEAR
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One mark. The run it came from, where it came from one, so that a click can show its trace."""

    x: Estimate
    y: Estimate
    size: float | None = None
    """What the area of the bubble stands for, in the unit of `Chart.size_title`."""
    label: str = ""
    """For people: ResNet-50 b16."""
    run_id: int | None = None
    campaign: int = 0
    """Which of the compared sessions."""
    short: str = ""
    """The label without what all points of the chart share, to stand beside the mark; empty: the label itself."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one network (or of one kind, as knees), joined by a line where `joined`."""

    network: str
    colour: str
    """#rrggbb; the same network has the same colour in every chart."""
    points: tuple[Point, ...]
    origin: Origin
    joined: bool = False
    group: str = ""
    """Which of several compared sessions, sets of conditions or the paper; empty where there is only one."""
    shape: int = 0
    """Of its marks where no groups are compared, which have shapes of their own: one of `SHAPES`."""

    @property
    def name(self) -> str:
        """Of the network and the group: ResNet-50 (paper)."""
        return _grouped(self.network, self.group)

    @property
    def words(self) -> frozenset[str]:
        """By which it is hidden, shown or highlighted."""
        return frozenset({self.network, self.group} - {""})


@dataclass(frozen=True, slots=True)
class Line:
    """A curve through (x, y) of equal length: a fit, a bound, a front, a budget."""

    title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    origin: Origin = Origin.FITTED
    low: tuple[float, ...] = ()
    """Ends of a band around it, or empty."""
    high: tuple[float, ...] = ()
    text: str = ""
    """Its equation, for people."""
    group: str = ""
    """As of a series."""
    whole: bool = False
    """Both axes hold all of it: it is what was measured, not a line through it."""

    @property
    def name(self) -> str:
        """Of the kind of line and the group: Fit (paper)."""
        return _grouped(self.title, self.group)

    @property
    def words(self) -> frozenset[str]:
        """By which it is hidden, shown or highlighted."""
        return frozenset({self.title, self.group} - {""})


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole figure. `rows` of its CSV are its points in order."""

    key: str
    """Of files and links: top1, time-batch, ..."""
    number: int | None
    """Of the figure, the same everywhere; up to `PAPER_FIGURES` that of the paper's figure that it repeats."""
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    lines: tuple[Line, ...] = ()
    bars: bool = False
    """Bars instead of bubbles."""
    size_title: str = ""
    caption: str = ""
    """What it shows and how to read it, in two sentences."""
    missing: tuple[str, ...] = ()
    """What is not in it and why, each in one sentence; all points missing leaves series empty."""
    simulated: bool = False
    extra: dict[str, float] = field(default_factory=dict)
    """Numbers that belong to it: slope, knee. Pictures and reports give those that matter in words."""
    panel: str = ""
    """a, b, ... of figures with one number that differ in their batch size."""

    @property
    def of_paper(self) -> bool:
        """Whether it repeats a figure of the paper."""
        return self.number is not None and self.number <= PAPER_FIGURES

    @property
    def numbered(self) -> str:
        """Figure 8b; empty for a chart that has no number."""
        return "" if self.number is None else f"Figure {self.number}{self.panel}"

    @property
    def stem(self) -> str:
        """Of a file: fig08b-operations-power-b16."""
        return self.key if self.number is None else f"fig{self.number:02d}{self.panel}-{self.key}"


def _grouped(name: str, group: str) -> str:
    return f"{name} ({group})" if group else name
