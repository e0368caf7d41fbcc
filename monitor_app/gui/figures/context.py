# SPDX-License-Identifier: Apache-2.0
"""The menus of the right button in the figures: of a bubble, an entry of the legend, a figure and a finding."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, Qt

from monitor_app.charts.csv import chart_table
from monitor_app.charts.point_text import point_name
from monitor_app.gui.clipboard import copy
from monitor_app.gui.context_menu import LINE, Item, Title, menu_of, pop_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QWidget

    from monitor_app.charts.marks import Mark
    from monitor_app.charts.model import Chart, Point
    from monitor_app.gui.context_menu import Entry
    from monitor_app.gui.figures.chart_legend import ChartLegend
    from monitor_app.gui.figures.chart_list import ChartList
    from monitor_app.gui.figures.chart_view import ChartView
    from monitor_app.gui.figures.job_messages import Figures, FindingText
    from monitor_app.gui.undo import Undo

    class FiguresParts(Protocol):
        """What the menus need of the window."""

        view: ChartView
        legend: ChartLegend
        list: ChartList
        hidden: set[str]
        figures: Figures | None
        undo: Undo
        actions_by_name: dict[str, QAction]

        @property
        def chart(self) -> Chart | None: ...
        def toggle(self, name: str) -> None: ...
        def isolate(self, name: str) -> None: ...
        def choose(self, kind: str, key: str) -> None: ...
        def show_trace(self, point: Point) -> None: ...


COPIED = ("copy values", "copy", "save .png", "save .svg", "save .csv")
"""Names of the commands for the figure as a whole."""


class FiguresMenus(QObject):
    """Opens them over the chart, the legend and the list."""

    def __init__(self, window: FiguresParts) -> None:
        super().__init__(window.view)
        self._window = window
        for widget, entries in (
            (window.view, self.chart_entries),
            (window.legend, self.legend_entries),
            (window.list, self.list_entries),
        ):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            widget.customContextMenuRequested.connect(
                lambda at, widget=widget, entries=entries: self._pop_up(widget, entries(QPointF(at)), at)
            )

    def _pop_up(self, widget: QWidget, entries: Iterable[Entry], at: QPoint) -> None:
        pop_up(menu_of(widget, entries, self._window.undo.notice), widget.mapToGlobal(at))

    # -- entries ---------------------------------------------------------------------------------

    def chart_entries(self, at: QPointF) -> Iterator[Entry]:
        """Of the mark under the pointer, if there is one, and of the figure."""
        mark = self._window.view.mark_near(at)
        if mark is not None:
            yield from self._mark_entries(mark)
            yield LINE
        yield from map(self._command, COPIED)
        yield LINE
        yield self._command("Show everything")

    def legend_entries(self, at: QPointF) -> Iterator[Entry]:
        """Of the name under the pointer."""
        name = self._window.legend.name_at(at)
        if name:
            yield Title(name)
            yield from self._series_entries(name)
            yield Item("Copy its values as a table", lambda: self._copy_values(name))
            yield LINE
        yield self._command("Show all networks")

    def list_entries(self, at: QPointF) -> Iterator[Entry]:
        """Of the figure or the finding under the pointer."""
        found = self._window.list.at(at)
        if found is None:
            return
        kind, key = found
        yield Item("Show this finding" if kind == "finding" else "Show this figure",
                   partial(self._window.choose, kind, key), "Click")  # fmt: skip
        finding = self._finding(key) if kind == "finding" else None
        if finding is not None:
            yield Item("Copy claim and verdict", lambda: copy(words_of(finding)))
            yield Item("Copy its numbers as a table", lambda: copy(numbers_of(finding)))
        else:
            yield Item("Copy its values as a table", partial(self._choose_and, kind, key, "copy values"))
        yield Item("Copy its picture", partial(self._choose_and, kind, key, "copy"))

    def _mark_entries(self, mark: Mark) -> Iterator[Entry]:
        window, point = self._window, mark.point
        yield Title(point_name(mark.series, point))
        yield Item("Show its trace", partial(window.show_trace, point), "Click", able=point.run_id is not None)
        yield Item("Copy its values as a table", lambda: self._copy_values(mark.series.network, point))
        yield from self._series_entries(mark.series.network)

    def _series_entries(self, name: str) -> Iterator[Entry]:
        window = self._window
        entries = window.legend.entries
        part = next((entry.part for entry in entries if entry.name == name), None)
        if part is None:
            return
        others = {entry.name for entry in entries if entry.part == part and entry.name != name}
        yield Item("Show it" if name in window.hidden else "Hide it", partial(window.toggle, name), "Click on its name")
        yield Item("Show the others again" if others and others <= window.hidden else "Show it alone",
                   partial(window.isolate, name), able=bool(others))  # fmt: skip

    def _command(self, name: str) -> Item:
        action = self._window.actions_by_name[name]
        return Item(action.text(), action.trigger, action.shortcut().toString(), able=action.isEnabled())

    # -- what is meant ---------------------------------------------------------------------------

    def _finding(self, key: str) -> FindingText | None:
        figures = self._window.figures
        return next((each for each in figures.findings if each.key == key), None) if figures is not None else None

    def _choose_and(self, kind: str, key: str, command: str) -> None:
        """A picture is of what is shown, so it is shown first."""
        self._window.choose(kind, key)
        self._window.actions_by_name[command].trigger()

    def _copy_values(self, name: str, point: Point | None = None) -> None:
        chart = self._window.chart
        if chart is not None:
            copy(chart_table(chart, name, point))


def words_of(finding: FindingText) -> str:
    """A finding as sentences."""
    simulated = "SIMULATED" if finding.simulated else ""
    parts = (finding.claim, finding.verdict.capitalize(), finding.sentence, finding.margin, finding.caution, simulated)
    return "\n".join(part for part in parts if part) + "\n"


def numbers_of(finding: FindingText) -> str:
    """The statistics of a finding as a table."""
    origin = "SIMULATED" if finding.simulated else "measured"
    rows = (("statistic", "value", "origin"), *((what, value, origin) for what, value in finding.figures))
    return "".join("\t".join(row) + "\n" for row in rows)
