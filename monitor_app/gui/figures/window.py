# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802, RUF001 (Qt names these methods; typography: dashes)
"""The figures of the session that the main window shows: list, chart, legend, and the words below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from monitor_app.charts.contents import notes_of, without_paper
from monitor_app.charts.csv import chart_table
from monitor_app.core.errors import MonitorError
from monitor_app.gui.actions import ShortcutsDialog, add_commands
from monitor_app.gui.figures.actions import GESTURES, figure_commands
from monitor_app.gui.figures.chart_legend import ChartLegend, legend_of
from monitor_app.gui.figures.chart_list import ChartList, lines_of
from monitor_app.gui.figures.chart_text import ChartText
from monitor_app.gui.figures.chart_view import ChartView
from monitor_app.gui.figures.context import FiguresMenus
from monitor_app.gui.figures.job import FiguresJob, RefreshPolicy
from monitor_app.gui.figures.job_messages import view_name
from monitor_app.gui.figures.save_dialog import ask_session, save_chart
from monitor_app.gui.figures.toolbar import FiguresBar
from monitor_app.gui.keyboard import KeyboardAccess
from monitor_app.gui.panels.message_bar import MessageBar
from monitor_app.gui.theme import style_sheet
from monitor_app.gui.undo import Setting, Undo
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from PySide6.QtGui import QCloseEvent

    from monitor_app.charts.model import Chart, Point
    from monitor_app.gui.figures.job_messages import Figures, FindingText
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme

LIST_PX, LEGEND_PX = 268, 152
LOOK_MS = 1000
SWITCHES = {
    "show_paper": "the paper's values", "show_budget": "budget lines", "use_gross": "energy of the whole board",
    "use_macs": "MACs in place of operations",
}  # fmt: skip
"""Commands that are on or off, and what the menu calls them when they are undone."""
STEP_PX = 48
"""To the right and down, from a window that leaves no room beside it."""


class FiguresController(QObject):
    """At most one window of figures, made when it is first asked for."""

    run_asked = Signal(int, str)
    """(run whose trace is wanted, sentence to show beside it)"""
    withdrawn = Signal(str)
    """(sentence that holds no longer)"""
    refused = Signal(str)
    """(sentence that says why there are no figures)"""

    def __init__(
        self, recording: Callable[[], Recording | None], theme: Callable[[], Theme], main: QWidget | None = None
    ) -> None:
        """``main`` is the window that they belong to, which they do not cover."""
        super().__init__(main)
        self._recording, self._theme, self._main = recording, theme, main
        self._name = ""
        self.window: FiguresWindow | None = None

    def show(self) -> None:
        """Bring the figures to the front."""
        if self._recording() is None:
            self.refused.emit("There is no session yet: start one, or open a session file.")
            return
        if self.window is None:
            self.window = FiguresWindow(self._recording, self._theme())
            self.window.run_asked.connect(self._show_run)
            self.window.main_asked.connect(self._show_main)
            self.window.withdrawn.connect(self.withdrawn)
            self.window.set_name(self._name)
            if self._main is not None:
                available = self._main.screen().availableGeometry()
                self.window.move(beside(self._main.frameGeometry(), self.window.size(), available))
        self.window.start()

    def _show_run(self, run_id: int, sentence: str) -> None:
        """The main window comes to the front only where the figures cover it."""
        self.run_asked.emit(run_id, sentence)
        main, window = self._main, self.window
        if main is not None and window is not None and window.frameGeometry().intersects(main.frameGeometry()):
            self._show_main()

    def _show_main(self) -> None:
        if self._main is not None:
            self._main.show()
            self._main.raise_()
            self._main.activateWindow()

    def set_name(self, name: str) -> None:
        """Of the session, as the main window calls it."""
        self._name = name
        if self.window is not None:
            self.window.set_name(name)

    def set_theme(self) -> None:
        """As the main window has it."""
        if self.window is not None:
            self.window.set_theme(self._theme())

    def close(self) -> None:
        """The main window closes."""
        if self.window is not None:
            self.window.close()
            self.window.job.wait()
            self.window.deleteLater()
            self.window = None


class FiguresWindow(QMainWindow):
    """A window of its own, so that a figure and the trace it came from can be seen side by side."""

    run_asked = Signal(int, str)
    withdrawn = Signal(str)
    """As `FiguresController.run_asked` and the signal after it."""
    main_asked = Signal()
    """The main window is to come to the front."""

    def __init__(self, recording: Callable[[], Recording | None], theme: Theme) -> None:
        super().__init__()
        self._recording, self._theme = recording, theme
        self.figures: Figures | None = None
        self._name = ""
        self.hidden: set[str] = set()
        """Networks, groups and titles of lines."""
        self.compared: list[Path] = []
        self.choice: tuple[str, str] = ("", "")
        """What is chosen in the list: (chart or finding, key)."""
        self._refresh = RefreshPolicy()
        self._said = ""
        """What the main window was given to show."""
        self.job = FiguresJob(self)
        self.job.computed.connect(self.show_figures)
        self.job.failed.connect(self._give_up)
        self.job.progressed.connect(lambda _: self._name_window())
        self.bar, self.notice = FiguresBar(), MessageBar()
        self.list, self.view = ChartList(theme), ChartView(theme)
        self.legend, self.text = ChartLegend(theme), ChartText()
        self.undo = Undo(self)
        self.commands = figure_commands(self, self.view.show_all)
        self.actions_by_name = add_commands(self, self.commands)
        self._track()
        self.menus = FiguresMenus(self)
        self._arrange()
        KeyboardAccess(self, self.view, lambda: self._theme)
        self._connect()
        self.set_theme(theme)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)

    # -- places ----------------------------------------------------------------------------------

    def _arrange(self) -> None:
        page = QWidget()
        page.setObjectName("page")
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.view, 1)
        row.addWidget(_scrolled(self.legend, LEGEND_PX))
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(page, 1)
        right.addWidget(self.text)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(_scrolled(self.list, LIST_PX))
        middle.addLayout(right, 1)
        whole = QWidget()
        everything = QVBoxLayout(whole)
        everything.setContentsMargins(0, 0, 0, 0)
        everything.setSpacing(0)
        everything.addWidget(self.bar)
        everything.addWidget(self.notice)
        everything.addLayout(middle, 1)
        self.setCentralWidget(whole)
        self.resize(1280, 800)

    def _connect(self) -> None:
        for name, action in self.actions_by_name.items():
            if name in self.bar.buttons:
                self.bar.attach(name, action)
        self.bar.removed.connect(self.remove_session)
        self.list.chosen.connect(self.choose)
        self.legend.toggled.connect(self.toggle)
        self.legend.isolated.connect(self.isolate)
        self.legend.hovered.connect(self.view.highlight)
        self.view.pointed.connect(self.legend.mark)
        self.view.chosen.connect(self.show_trace)
        self.view.resized.connect(self._show_text)

    def _track(self) -> None:
        """Undo what is hidden and what is switched on."""
        actions = self.actions_by_name
        self.undo.track(
            Setting(lambda: frozenset(self.hidden), self._hide, _step_of_hidden),
            *(
                Setting(actions[name].isChecked, actions[name].setChecked, lambda *_, what=what: what)
                for name, what in SWITCHES.items()
            ),
        )
        self.undo.attach(actions["Undo"], actions["Redo"])
        for action in actions.values():
            action.triggered.connect(self.undo.notice)

    def set_theme(self, theme: Theme) -> None:
        """As the main window has it."""
        self._theme = theme
        self.setStyleSheet(style_sheet(theme))
        self.list.set_theme(theme)
        self.view.set_theme(theme)
        self._show_chart(keeps_view=True)

    # -- what is computed ------------------------------------------------------------------------

    def look(self) -> None:
        """Compute anew where a run has ended since, or another session is shown; not too often, and one at a time."""
        recording = self._recording()
        if not self.isVisible() or recording is None:
            return
        state = self._refresh.due(recording, self.compared, running=self.job.running)
        if state is not None:
            self._refresh.begin(state)
            self.notice.dismiss()
            self.job.start(state.sessions)
        self._name_window()

    def set_name(self, name: str) -> None:
        """Of the session."""
        self._name = name
        self._name_window()

    def show_figures(self, figures: Figures) -> None:
        """Show these figures instead of the present ones; the axes fit anew where other sessions are compared."""
        same = self.figures is not None and self.figures.titles == figures.titles
        self.figures = figures
        self._refresh.end(shown=True)
        self.view.card.sessions = figures.titles
        lines = lines_of(figures)
        able = [(line.kind, key) for line in lines for key in line.keys]
        if self.choice not in able:
            self.choice = able[0] if able else ("", "")
        self.list.show_lines(lines, self.choice)
        self._show_chart(keeps_view=same)
        self._name_window()

    def _give_up(self, sentence: str) -> None:
        self._refresh.end(shown=False)
        self.notice.alarm(sentence)
        self._name_window()

    def _name_window(self) -> None:
        recording = self._recording()
        name = self._name or (recording.reader.path.name if recording is not None else "")
        self.setWindowTitle(f"Figures – {name}" if name else "Figures")
        others = [path.name for path in self.compared]
        words = "computing…" if self.job.running else "" if self.figures is not None else "nothing to show yet"
        self.bar.show_state(others, words, simulated=self._simulated)
        self.bar.show_progress(self.job.fraction if self.job.running else None)

    @property
    def _simulated(self) -> bool:
        return self.figures is not None and any(chart.simulated for chart in self.figures.charts)

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def chart(self) -> Chart | None:
        """The chart that is chosen, with or without the paper, nothing hidden."""
        if self.figures is None:
            return None
        gross, macs = (self.actions_by_name[name].isChecked() for name in ("use_gross", "use_macs"))
        charts = self.figures.views[view_name(gross=gross, macs=macs)]
        finding = self.finding
        chart = chart_of(charts, self.choice[1] if finding is None else finding.figure)
        with_paper = self.actions_by_name["show_paper"].isChecked()
        return chart if chart is None or with_paper else without_paper(chart)

    @property
    def finding(self) -> FindingText | None:
        """The finding that is chosen."""
        kind, key = self.choice
        if self.figures is None or kind != "finding":
            return None
        return next((each for each in self.figures.findings if each.key == key), None)

    def choose(self, kind: str, key: str) -> None:
        """Show a figure, or a finding with the figure behind it."""
        self.choice = (kind, key)
        if self.figures is not None:
            self.list.show_lines(lines_of(self.figures), self.choice)
        self._show_chart()

    def _show_chart(self, *, keeps_view: bool = False) -> None:
        chart = self.chart
        self.view.show_chart(chart, self.hidden, keeps_view=keeps_view)
        entries = legend_of(chart, self._theme.palette) if chart is not None else ()
        self.legend.show_entries(entries, self.hidden, self._theme)
        self._show_text()

    def _show_text(self) -> None:
        """Show the notes that do not fit into the picture."""
        layout = self.view.laid_out
        cut = layout is not None and layout.footer is not None and not layout.footer.whole
        missing = notes_of(layout.chart) if layout is not None and cut else ()
        self.text.show_text(self.finding, missing, self._theme, self.figures.flags if self.figures else ())

    def show_paper(self, on: bool) -> None:
        """With the paper's values over one's own, or without."""
        self._show_chart(keeps_view=True)

    def show_budget(self, on: bool) -> None:
        """With lines of a budget that can be dragged, or without."""
        self.view.show_budget(on)

    def use_gross(self, on: bool) -> None:
        """Show energies of the whole board, or energies above idle."""
        self._show_chart()

    def use_macs(self, on: bool) -> None:
        """Show multiply-accumulates, or the operations of the paper's convention."""
        self._show_chart()

    def toggle(self, name: str) -> None:
        """Hide a network, a group or a line, or show it again."""
        self._hide(self.hidden ^ {name})

    def isolate(self, name: str) -> None:
        """Show only this one of its kind; a second call shows all again."""
        entries = self.legend.entries
        part = next(entry.part for entry in entries if entry.name == name)
        others = {entry.name for entry in entries if entry.part == part and entry.name != name}
        self._hide(self.hidden - others if others <= self.hidden else (self.hidden | others) - {name})

    def show_all_networks(self) -> None:
        """Nothing is hidden any more."""
        self._hide(frozenset())

    def _hide(self, names: Collection[str]) -> None:
        """Hide these, and show all others."""
        self.hidden = set(names)
        self._show_chart(keeps_view=True)
        self.undo.notice()

    def next_line(self) -> None:
        self.list.step(1)

    def previous_line(self) -> None:
        self.list.step(-1)

    # -- traces ----------------------------------------------------------------------------------

    def show_trace(self, point: Point) -> None:
        """The main window moves to the run that a point came from."""
        name = point.label
        if point.run_id is None or self.figures is None:
            return
        if point.campaign > 0:
            other = self.compared[point.campaign - 1]
            self.notice.note(f"{name} was measured in {other.name}: open that session to see its trace.")
            return
        self._said = f"This is the trace of {name}. F5 goes back to the figures."
        self.run_asked.emit(point.run_id, self._said)

    def show_main(self) -> None:
        """Bring the main window to the front."""
        self.main_asked.emit()

    # -- files -----------------------------------------------------------------------------------

    def save(self, suffix: str) -> None:
        """The chart as it is shown, as .png, .svg or .csv."""
        layout, recording = self.view.laid_out, self._recording()
        if layout is None or recording is None:
            return
        try:
            path = save_chart(self, layout, recording.reader.path, suffix)
        except MonitorError as error:
            self.notice.alarm(str(error))
            return
        if path is not None:
            self.notice.note(f"The figure was saved as {path}.")

    def copy(self) -> None:
        """Put the figure on the clipboard, as it is shown."""
        picture = self.view.picture()
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)
            self.bar.state.setText("figure copied")  # until the next look

    def copy_values(self) -> None:
        """Put the values of the figure on the clipboard as a table, without those that are hidden."""
        if self.view.chart is not None:
            QGuiApplication.clipboard().setText(chart_table(self.view.chart))
            self.bar.state.setText("values copied")  # until the next look

    def compare(self) -> None:
        """Ask for another session and show it in the same figures."""
        path = ask_session(self)
        if path is not None:
            self.add_session(path)

    def add_session(self, path: Path) -> None:
        """Show another session in the same figures."""
        recording = self._recording()
        try:
            SessionReader(path).close()
        except MonitorError as error:
            self.notice.alarm(str(error))
            return
        if path in self.compared or (recording is not None and path == recording.reader.path):
            self.notice.note(f"{path.name} is already shown.")
            return
        self.compared.append(path)
        self.look()

    def remove_session(self, name: str) -> None:
        """Remove a session from the comparison."""
        self.compared = [path for path in self.compared if path.name != name]
        self.look()

    # -- window ----------------------------------------------------------------------------------

    def show_keys(self) -> None:
        ShortcutsDialog(self, self.commands, GESTURES).open()

    def full_screen(self, on: bool) -> None:
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    def start(self) -> None:
        """Show the window and keep the figures up to date with the recording."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.withdrawn.emit(self._said)
        self._timer.start()
        self.look()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the charts for the next time; cancel what is being computed."""
        self._timer.stop()
        if self.job.running:
            self.job.stop()
            self._refresh.give_up()
        event.accept()


def _step_of_hidden(before: frozenset[str], after: frozenset[str]) -> str:
    changed = before ^ after
    what = next(iter(changed)) if len(changed) == 1 else "networks"
    return f"{'hiding' if after > before else 'showing'} of {what}"


def beside(main: QRect, size: QSize, available: QRect) -> QPoint:
    """Where a window of this size covers as little of the main one as the screen allows: right of it, or stepped."""
    right = main.topRight() + QPoint(1, 0)
    at = right if right.x() + size.width() <= available.right() + 1 else main.topLeft() + QPoint(STEP_PX, STEP_PX)
    room = available.bottomRight() - QPoint(size.width() - 1, size.height() - 1)
    return QPoint(max(min(at.x(), room.x()), available.left()), max(min(at.y(), room.y()), available.top()))


def chart_of(charts: Sequence[Chart], key: str) -> Chart | None:
    """The chart of this key; of one for each of several batch sizes, that of the largest."""
    exact = [chart for chart in charts if chart.key == key]
    of_batch = [chart for chart in charts if key and chart.key.startswith(f"{key}-b")]
    return next(iter(exact + of_batch[::-1]), None)


def _scrolled(inner: QWidget, width_px: int) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(inner)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setAlignment(Qt.AlignmentFlag.AlignTop)
    area.setFixedWidth(width_px)
    return area
