# SPDX-License-Identifier: Apache-2.0
"""Time of a chart in the window of figures: to lay it out, to paint it, and a frame of each thing a pointer does.

    python tests/benchmarks/bench_charts.py

The paper's fourteen networks with noise, beside the published values, 860 x 640 pixels, painted by software without a
screen. A frame is what happens between an event of the mouse and the finished picture.
"""

from __future__ import annotations

import os
import time
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QApplication, QWidget

from monitor_app.analysis.figures import FIGURES, Options
from monitor_app.charts.layout import View, lay_out
from monitor_app.charts.render import paint
from monitor_app.gui.figures.chart_view import ChartView
from monitor_app.gui.theme import DARK
from tests.analysis.campaigns import campaign

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.charts.model import Chart

WIDTH, HEIGHT = 860, 640
TIMES = 31


def ms(work: Callable[[], object]) -> float:
    """Median milliseconds of processor time, so that other work on the machine hardly counts."""
    found = []
    for _ in range(TIMES):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return 1e3 * median(found)


class Bench:
    """One chart in a view, and what can be done to it."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._layout = lay_out(chart, (WIDTH, HEIGHT), DARK.palette)
        self._image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
        self._view = ChartView(DARK)
        self._view.resize(WIDTH, HEIGHT)
        self._view.show_chart(chart)
        firsts = {mark.series.network: mark for mark in self._layout.marks}
        self._marks, self._steps = cycle(firsts.values()), cycle((-0.02, 0.02))

    def lay_out(self) -> None:
        lay_out(self._chart, (WIDTH, HEIGHT), DARK.palette)

    def paint(self) -> None:
        painter = QPainter(self._image)
        paint(self._layout, painter)
        painter.end()

    def point_at(self) -> None:
        """At a mark of one network after the other."""
        mark = next(self._marks)
        self._view._hover(QPointF(mark.bubble.x, mark.bubble.y))
        self._render()

    def follow(self) -> None:
        """Over the ground."""
        self._view._hover(QPointF(5.0, 5.0))
        self._render()

    def pan(self) -> None:
        low, high = self._layout.whole.x or (0.0, 1.0)
        by = next(self._steps) * (high - low)
        self._view._look_at(View(x=(low + by, high + by)))
        self._render()

    def _render(self) -> None:
        self._view.render(self._image, QPoint(), QRegion(), QWidget.RenderFlag(0))


def main() -> None:
    """A row for each figure."""
    application = QApplication([])
    session = campaign(noise=0.1, width=0.05)
    print(f"{'ms':22}{'lay out':>9}{'paint':>9}{'point at':>9}{'follow':>9}{'pan':>9}")
    for key, figure in FIGURES.items():
        bench = Bench(figure([session], Options()))
        row = [ms(work) for work in (bench.lay_out, bench.paint, bench.point_at, bench.follow, bench.pan)]
        print(f"{key:22}" + "".join(f"{value:9.1f}" for value in row))
    application.processEvents()


if __name__ == "__main__":
    main()
