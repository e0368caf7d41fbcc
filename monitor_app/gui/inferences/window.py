# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The window of one analysis: a list of charts, the chart that is chosen, and what can be taken out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDoubleValidator, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from monitor_app.charts.csv import chart_table
from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import number
from monitor_app.gui.actions import Command, Separator, ShortcutsDialog, add_commands
from monitor_app.gui.figures.chart_view import ChartView
from monitor_app.gui.figures.save_dialog import save_chart
from monitor_app.gui.inferences.job import AnalysisJob
from monitor_app.gui.panels.message_bar import MessageBar
from monitor_app.gui.panels.parts import Elided, dim_label
from monitor_app.gui.theme import style_sheet, with_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtGui import QCloseEvent

    from monitor_app.charts.model import Chart
    from monitor_app.gui.actions import Entry
    from monitor_app.gui.inferences.job import Analysis, Request
    from monitor_app.gui.theme import Theme

LIST_PX, LENGTH_PX = 212, 96
WIDTH_PX, HEIGHT_PX = 1080, 680
SHOW_PROGRESS_MS = 400
LARGEST_WINDOW = "largest-window"
NAMES = {
    "latency-histogram": "Time: histogram", "latency-cdf": "Time: distribution (CDF)",
    "energy-histogram": "Energy: histogram", "energy-cdf": "Energy: distribution (CDF)",
    "overlay": "Power of both runs", "overlay-folded": "Mean waveforms of a batch",
    "overlay-difference": "Their difference", "overlay-changes": "What differs",
    "folded": "Mean waveform of a batch", "spectrum": "Spectrum of the power", LARGEST_WINDOW: "Largest window",
}  # fmt: skip
LEAST_WINDOW_S = 1e-6
GESTURES = (
    ("Wheel", "zoom at the pointer"),
    ("Shift + wheel", "pan sideways"),
    ("Drag", "pan"),
    ("Shift + drag", "zoom to a part"),
    ("Double click", "show everything"),
    ("Right click", "copy or save the chart"),
)
LIST_STYLE = """
    QListWidget {{ background: {panel}; border: 0; padding: 8px 0; outline: 0; }}
    QListWidget::item {{ padding: 6px 14px; color: {text}; }}
    QListWidget::item:selected {{ background: {raised}; }}
    QProgressBar {{ background: {raised}; border: 0; border-radius: 4px; }}
    QProgressBar::chunk {{ background: {latency}; border-radius: 4px; }}
"""


class InferencesWindow(QMainWindow):
    """Shows what was asked for last; a request that is still computed is cancelled by the next one."""

    interval_asked = Signal(float, float, str)
    """(start, end in s since the start of the session, name): of the largest window"""
    window_length_asked = Signal(float)
    """(seconds)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.request: Request | None = None
        """What was asked for last."""
        self.analysis: Analysis | None = None
        self.job: AnalysisJob | None = None
        """What is being computed."""
        self._ending: list[AnalysisJob] = []
        """Cancelled, and not yet at their end."""
        self.list, self.view, self.message_bar = QListWidget(), ChartView(theme), MessageBar()
        self.list.setAccessibleName("Charts")
        self.length, self.lay = QLineEdit(), QPushButton("Lay a pair there")
        self.progress, self.cancel, self.state = QProgressBar(), QPushButton("Cancel"), Elided()
        self._slow = QTimer(self, singleShot=True, interval=SHOW_PROGRESS_MS)
        self.commands = tuple(self._commands())
        self.actions_by_name = add_commands(self, self.commands)
        self._arrange()
        self._connect()
        self.set_theme(theme)

    def _commands(self) -> Iterator[Entry]:
        yield Command("File", "Save as PNG…", lambda: self.save(".png"), ("Ctrl+P",), name="save .png")
        yield Command("File", "Save as SVG…", lambda: self.save(".svg"), ("Ctrl+Shift+P",), name="save .svg")
        yield Command("File", "Save values as CSV…", lambda: self.save(".csv"), ("Ctrl+E",), name="save .csv")
        yield Separator("File")
        yield Command("File", "Close", self.close, ("Ctrl+W", "Esc"))
        yield Command("Edit", "Copy values as a table", self.copy_numbers, ("Ctrl+C",), name="copy numbers")
        yield Command("Edit", "Copy picture of the chart", self.copy_picture, ("Ctrl+Shift+C",), name="copy picture")
        yield Command("View", "Show everything", self.view.show_all, ("Ctrl+0", "*"))
        yield Command("Help", "Keyboard and mouse shortcuts", self.show_keys, ("F1", "?"))

    def _arrange(self) -> None:
        self.list.setFixedWidth(with_text(LIST_PX))
        self.length.setFixedWidth(with_text(LENGTH_PX))
        self.length.setAccessibleName("Length of the window in seconds")
        validator = QDoubleValidator(LEAST_WINDOW_S, 1e6, 9, self.length)
        validator.setLocale(self.locale().c())
        self.length.setValidator(validator)
        self._window_row = QWidget()
        row = QHBoxLayout(self._window_row)
        row.setContentsMargins(16, 6, 16, 6)
        for widget in (dim_label("length of the window"), self.length, dim_label("s"), self.lay):
            row.addWidget(widget)
        row.addStretch(1)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(160, 8)
        foot = QHBoxLayout()
        foot.setContentsMargins(14, 5, 14, 7)
        foot.addWidget(self.state, 1)
        foot.addWidget(self.progress)
        foot.addWidget(self.cancel)
        page = QWidget()
        page.setObjectName("page")
        right = QVBoxLayout(page)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self._window_row)
        right.addWidget(self.view, 1)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.list)
        middle.addWidget(page, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.message_bar)
        column.addLayout(middle, 1)
        column.addLayout(foot)
        self.setCentralWidget(whole)
        self.resize(WIDTH_PX, HEIGHT_PX)
        self._show_progress(shown=False)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(lambda _: self._show_chart())
        self.length.editingFinished.connect(self._ask_length)
        self.lay.clicked.connect(self._ask_interval)
        self.cancel.clicked.connect(self.stop)
        self._slow.timeout.connect(lambda: self._show_progress(shown=self.job is not None))
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._open_menu)

    def set_theme(self, theme: Theme) -> None:
        """As the main window has it."""
        colours = {"panel": theme.panel, "text": theme.text, "raised": theme.raised, "latency": theme.latency}
        self.setStyleSheet(style_sheet(theme) + LIST_STYLE.format(**colours))
        self.view.set_theme(theme)

    # -- what is computed ------------------------------------------------------------------------

    def compute(self, request: Request, known: Analysis | None = None) -> None:
        """Show this once it is computed; ``known``: an analysis of the same, of which some can be kept."""
        self.stop()
        self.message_bar.dismiss()
        self.request = request
        job = self.job = AnalysisJob(self, request, known)
        # To methods of an object of the window's thread, so that they run there.
        job.computed.connect(self._take)
        job.failed.connect(self._fail)
        job.progressed.connect(self._progress)
        job.finished.connect(self._end)
        self.progress.setValue(0)
        self.state.set_text("computing…")
        self._slow.start()
        job.start()

    def stop(self) -> None:
        """Cancel what is being computed; what was found before stays."""
        job, self.job = self.job, None
        if job is not None:
            job.requestInterruption()
            self._ending.append(job)
        self._show_progress(shown=False)
        self.state.set_text(self._words)

    def wait(self) -> None:
        """Until no thread is left."""
        self.stop()
        for job in self._ending:
            job.wait()

    def _take(self, job: AnalysisJob, found: Analysis) -> None:
        if job is not self.job:
            return
        same = self.analysis is not None and _names(self.analysis) == _names(found)
        self.analysis = found
        self.setWindowTitle(found.title)
        if not same:
            self.list.blockSignals(True)
            self.list.clear()
            self.list.addItems(_names(found))
            self.list.setCurrentRow(0)
            self.list.blockSignals(False)
        if found.window_s is not None and not self.length.hasFocus():
            self.length.setText(number(found.window_s).replace(",", ""))
        self._show_chart()

    def _fail(self, job: AnalysisJob, sentence: str) -> None:
        if job is self.job:
            self.message_bar.alarm(sentence)

    def _progress(self, job: AnalysisJob, fraction: float) -> None:
        if job is self.job:
            self.progress.setValue(round(1000 * fraction))

    def _end(self) -> None:
        """Let go of the jobs that have ended."""
        for job in [each for each in self._ending if each.isFinished()]:
            self._ending.remove(job)
            job.deleteLater()
        if self.job is not None and self.job.isFinished():
            self.job.deleteLater()
            self.job = None
            self._show_progress(shown=False)
            self.state.set_text(self._words)

    @property
    def _words(self) -> str:
        return "" if self.analysis is None else self.analysis.words

    def _show_progress(self, *, shown: bool) -> None:
        """Only of what takes a moment, so that the window does not flicker."""
        self.progress.setVisible(shown)
        self.cancel.setVisible(shown)

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def chart(self) -> Chart | None:
        """The one that is chosen."""
        row = self.list.currentRow()
        if self.analysis is None or not 0 <= row < len(self.analysis.charts):
            return None
        return self.analysis.charts[row]

    def choose(self, key: str) -> None:
        """Show the chart of this key."""
        charts = self.analysis.charts if self.analysis is not None else ()
        self.list.setCurrentRow(next((k for k, chart in enumerate(charts) if chart.key == key), 0))

    def _show_chart(self) -> None:
        chart = self.chart
        self.view.show_chart(chart)
        self._window_row.setVisible(chart is not None and chart.key == LARGEST_WINDOW)
        self.lay.setEnabled(self.analysis is not None and self.analysis.window is not None)

    def _ask_length(self) -> None:
        try:
            length_s = float(self.length.text())
        except ValueError:
            return
        if self.analysis is not None and length_s >= LEAST_WINDOW_S and length_s != self.analysis.window_s:
            self.window_length_asked.emit(length_s)

    def _ask_interval(self) -> None:
        found = self.analysis
        if found is None or found.window is None:
            return
        start_s, end_s = ((at - found.origin_ns) * 1e-9 for at in (found.window.start_ns, found.window.end_ns))
        self.interval_asked.emit(start_s, end_s, "largest window")

    # -- taken out -------------------------------------------------------------------------------

    def copy_picture(self) -> None:
        """The chart as it is shown."""
        picture = self.view.picture()
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)
            self.state.set_text("The picture was copied.")

    def copy_numbers(self) -> None:
        """The values of the chart as text for a spreadsheet."""
        if self.chart is not None:
            QGuiApplication.clipboard().setText(chart_table(self.chart))
            self.state.set_text("The numbers were copied.")

    def save(self, suffix: str) -> None:
        """The chart as it is shown, as .png, .svg or .csv."""
        layout = self.view.laid_out
        if layout is None or self.analysis is None:
            return
        try:
            path = save_chart(self, layout, self.analysis.request.session, suffix)
        except MonitorError as error:
            self.message_bar.alarm(str(error))
            return
        if path is not None:
            self.message_bar.note(f"The chart was saved as {path}.")

    def chart_menu(self) -> QMenu:
        """What can be done with the chart."""
        menu = QMenu(self)
        for name in ("copy numbers", "copy picture", "save .png", "save .svg", "save .csv"):
            menu.addAction(self.actions_by_name[name])
        menu.addSeparator()
        menu.addAction(self.actions_by_name["Show everything"])
        return menu

    def _open_menu(self, at: QPoint) -> None:
        menu = self.chart_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.view.mapToGlobal(at))

    def show_keys(self) -> None:
        """All keys of this window, and what the mouse does."""
        ShortcutsDialog(self, self.commands, GESTURES).open()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The samples of a long pair are a hundred megabytes; what is shown next is read again anyway."""
        self.stop()
        if self.analysis is not None:
            self.analysis = replace(self.analysis, inputs=None)
        event.accept()


def _names(analysis: Analysis) -> list[str]:
    """Of its charts, in the list."""
    return [NAMES.get(chart.key, chart.title) for chart in analysis.charts]
