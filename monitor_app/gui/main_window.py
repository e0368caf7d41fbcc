# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The window: what is shown, what the keys and gestures do, and one frame's work in ``refresh``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from monitor_app.core.errors import MonitorError
from monitor_app.gui.actions import add_commands
from monitor_app.gui.bench_controller import BenchLink
from monitor_app.gui.bench_desk import BenchDesk
from monitor_app.gui.figures.window import FiguresController
from monitor_app.gui.keeping import Keeping
from monitor_app.gui.layout import arrange
from monitor_app.gui.panels.readouts import readings
from monitor_app.gui.panels.run_panel import plan_of
from monitor_app.gui.panels.selection_panel import selection_figures
from monitor_app.gui.panels.shortcuts_dialog import KeyList
from monitor_app.gui.panels.source_cards import source_cards
from monitor_app.gui.panels.status_bar import picture_words, trust_words
from monitor_app.gui.periodic import Chores
from monitor_app.gui.plot.frame_rate import HURRIED_MS, HURRY_NS, frame_ms
from monitor_app.gui.plot.navigation import Navigation
from monitor_app.gui.plot.time_window import ViewWindow, live_edge_ns
from monitor_app.gui.session.document import OwnCost, Sessions, size_of
from monitor_app.gui.session.exporting import Exports
from monitor_app.gui.session.signal_selection import Choice
from monitor_app.gui.theme import DARK, THEMES, qt_palette, style_sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent

    from monitor_app.gui.bench_controller import Client
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme

CHORE_MS = 24
"""A little more often than chores fall due."""
STILL_NS = 1_500_000_000
"""A file that has not grown for so long, with no bench behind it, is an old one."""


class MainWindow(QMainWindow):
    """Shows one session, live or old.

    ``client`` is a bench that has been started; ``session`` an old session to show instead; ``start_bench``
    begins a new session when the user asks for one; ``unsaved`` says that the session lies in a temporary place.
    """

    def __init__(
        self,
        client: Client | None = None,
        session: Path | None = None,
        *,
        start_bench: Callable[[], Client] | None = None,
        unsaved: bool = False,
        title: str = "",
        theme: Theme = DARK,
    ) -> None:
        super().__init__()
        self.theme = theme
        self.link = BenchLink(client, start_bench)
        self.recording: Recording | None = None
        self.navigation = Navigation(live=client is not None, hurry=self._hurry)
        self.selected = Choice(lambda: self.recording, lambda sentence: self.parts.notice.note(sentence))
        self.selection: tuple[float, float] | None = None
        self.keeping = Keeping(self, unsaved=unsaved)
        self.sessions = Sessions(self, title)
        self.exports = Exports(self)
        self.figures = FiguresController(lambda: self.recording, lambda: self.theme)
        self.figures.run_asked.connect(self._show_run_of_figure)
        self.figures.main_asked.connect(self._come_forward)
        self.figures.withdrawn.connect(self._withdraw)
        self.figures.refused.connect(self._note)
        self.desk = BenchDesk(self)
        self._hurried_until_ns = 0
        self._grown_ns = -STILL_NS
        self._cost = OwnCost()
        self._timer = QTimer(self, interval=HURRIED_MS, timerType=Qt.TimerType.PreciseTimer)
        self.actions_by_name = add_commands(self)
        self.parts = arrange(self)
        self._chores = Chores(
            (
                (0.2, self._refresh_rows), (0.2, self._refresh_annotations), (0.2, self._refresh_readouts),
                (0.2, self.refresh_side), (0.5, self._refresh_status), (0.5, self._refresh_results),
                (0.5, self._refresh_table),
            )
        )  # fmt: skip
        self.use_theme(theme.name)
        if session is not None:
            self.sessions.show(session)
        self.sessions.name_window()
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._chore_timer = QTimer(self, interval=CHORE_MS)
        self._chore_timer.timeout.connect(self.do_chore)
        self._chore_timer.start()

    # -- one frame -------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the session is growing, by our bench or by someone else's."""
        return self.link.live or time.perf_counter_ns() - self._grown_ns < STILL_NS

    def refresh(self) -> None:
        """All the work of a frame but the painting: hear the bench, read what is new, show it."""
        try:
            self._hear_bench()
            if self.recording is not None:
                self._show_frame(self.recording)
        except MonitorError as error:
            self.sessions.give_up(error)

    def do_chore(self) -> None:
        """One piece of the slower work, between two frames."""
        try:
            self._chores.do_one(time.perf_counter_ns())
        except MonitorError as error:
            self.sessions.give_up(error)

    def do_all_chores(self) -> None:
        """All the slower work, for another session."""
        self._chores.do_all(time.perf_counter_ns())

    def _hear_bench(self) -> None:
        news = self.link.poll()
        if news.opened is not None:
            self.sessions.show(news.opened)
        self.desk.tell(news)
        if news.failed or news.closed:
            self.sessions.keep_if_wanted()

    def _show_frame(self, recording: Recording) -> None:
        now_ns = time.perf_counter_ns()
        live = self.live
        if live and recording.advance():
            self._grown_ns = now_ns
        edge_ns = live_edge_ns(recording.newest_ns, now_ns, live=live)
        glided_s = recording.seconds(edge_ns) if recording.origin_ns is not None else 0.0
        self.navigation.tell(recording.edge_s, live=live)
        self.navigation.glide(glided_s, self.parts.stack.pixels)
        self.parts.stack.show_frame(recording, self.selected.traces, self.view)
        self.parts.overview.gutter_px = self.parts.stack.gutter_px
        self.parts.overview.refresh(recording, self.selected.traces.first, self.view, now_ns)
        self.parts.pill.setVisible(live and not self.view.following)
        self._timer.setInterval(
            frame_ms(width_s=self.view.width_s, pixels=self.parts.stack.pixels, hurried=now_ns < self._hurried_until_ns)
        )

    # -- chores ----------------------------------------------------------------------------------

    def _refresh_rows(self) -> None:
        recording = self.recording
        if recording is None:
            return
        if not self.live and recording.advance():
            self._grown_ns = time.perf_counter_ns()
        recording.awaits_runs = bool(self.link.status and self.link.status.runs)
        recording.update_rows()
        self.selected.update(recording)

    def _refresh_annotations(self) -> None:
        self.parts.stack.show_annotations()

    def _refresh_readouts(self) -> None:
        if self.recording is not None:
            self.parts.readouts.show_readings(readings(self.recording))

    def refresh_side(self) -> None:
        recording, status = self.recording, self.link.status
        self.parts.sources.show_cards(source_cards(recording, status, self.selected.traces, self.theme))
        self.parts.found.show_status(status if self.link.live else None)
        self.parts.runs.show_plan(plan_of(recording, status))
        self.parts.runs.start_stop.setEnabled(self.link.can_start)
        if recording is not None and self.selection is not None:
            traces = self.selected.traces
            self.parts.selection.show_figures(selection_figures(recording, traces, *self.selection, self.theme))
        simulated = (recording is not None and recording.simulated) or (
            status is not None and any(source.simulated for source in status.sources)
        )
        self.parts.toolbar.show_state(
            running=self.link.running,
            can_start=self.link.can_start,
            live=self.link.live,
            unsaved=self.keeping.undecided and recording is not None,
            simulated=simulated,
            seconds=recording.edge_s if recording else 0.0,
            alarm=self.theme.alarm,
        )

    def _refresh_status(self) -> None:
        own_cpu = self._cost.read()
        recording = self.recording
        if recording is None:
            return
        drawn = self.parts.stack.trace.picture
        status = self.link.status
        file_bytes = status.file_bytes if status and status.file_bytes else size_of(recording.reader.path)
        self.parts.status.show_words(
            picture_words(drawn.samples_per_column if drawn else None),
            trust_words(recording, status, file_bytes, own_cpu),
        )

    def _refresh_results(self) -> None:
        if self.recording is not None:
            self.recording.update_results()

    def _refresh_table(self) -> None:
        if self.recording is not None:
            self.parts.table.refresh(self.recording)
            wanted = self.actions_by_name["show_part table"].isChecked()
            self.parts.table.setVisible(wanted and self.recording.has_runs)

    # -- view ------------------------------------------------------------------------------------

    def _hurry(self) -> None:
        """The user moves the picture: show it at once, and be ready for the next step."""
        self._hurried_until_ns = time.perf_counter_ns() + HURRY_NS
        self._timer.setInterval(HURRIED_MS)

    @property
    def view(self) -> ViewWindow:
        return self.navigation.view

    @view.setter
    def view(self, view: ViewWindow) -> None:
        self.navigation.view = view

    @property
    def edge_s(self) -> float:
        """Time of the newest sample; 0 without one."""
        return self.recording.edge_s if self.recording else 0.0

    def show_run(self, run_id: int) -> None:
        if self.recording is not None:
            self.navigation.show_run(self.recording, run_id)

    def _show_run_of_figure(self, run_id: int, sentence: str) -> None:
        """In front of the figures only where they cover it."""
        self.show_run(run_id)
        self.parts.notice.note(sentence)
        figures = self.figures.window
        if figures is not None and figures.frameGeometry().intersects(self.frameGeometry()):
            self._come_forward()

    def _note(self, sentence: str) -> None:
        self.parts.notice.note(sentence)

    def _come_forward(self) -> None:
        self.show()
        self.raise_()
        self.activateWindow()

    def _withdraw(self, sentence: str) -> None:
        if sentence and self.parts.notice.text == sentence:
            self.parts.notice.put_away()

    def select(self, start_s: float, end_s: float) -> None:
        self.selection = (start_s, end_s)
        self.parts.stack.select(self.selection)
        self.parts.side.show()

    def clear_selection(self) -> None:
        self.selection = None
        self.parts.stack.select(None)
        self.parts.selection.show_figures(None)

    def zoom_to_selection(self) -> None:
        if self.selection is not None:
            self.navigation.show_between(*self.selection)

    def show_signal(self, signal_id: int) -> None:
        self.selected.show(signal_id)
        self.refresh_side()

    def toggle_signal(self, signal_id: int) -> None:
        self.selected.toggle(signal_id)
        self.refresh_side()

    # -- window ----------------------------------------------------------------------------------

    def show_part(self, part: str, on: bool) -> None:
        """Show or hide a panel by its name."""
        getattr(self.parts, part).setVisible(on)

    def only_traces(self, on: bool) -> None:
        for part in ("side", "readouts", "overview", "table"):
            self.actions_by_name[f"show_part {part}"].setChecked(not on)

    def full_screen(self, on: bool) -> None:
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    def use_theme(self, name: str) -> None:
        """The palette of this name, dark or light."""
        self.theme = THEMES[name]
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setPalette(qt_palette(self.theme))
        self.setStyleSheet(style_sheet(self.theme))
        self.parts.set_theme(self.theme)
        self.figures.set_theme()
        self.refresh_side()

    def show_keys(self) -> None:
        KeyList(self).open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh_readouts()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and not self.link.live:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.sessions.open_old(Path(event.mimeData().urls()[0].toLocalFile()))

    # -- the end ---------------------------------------------------------------------------------

    def close_at_once(self) -> None:
        """Close without asking, as a signal wants it; an unsaved session stays where it is."""
        self.keeping.leave_as_it_is()
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the bench and its children; what was measured is kept unless the user throws it away."""
        if self.edge_s > 0 and not self.keeping.decide_at_close():
            event.ignore()
            return
        self._timer.stop()
        self._chore_timer.stop()
        self.figures.close()
        self.hide()
        path = self.recording.reader.path if self.recording else None
        self.link.close()
        self.sessions.close()
        if path is not None:
            self.keeping.finish(path)
        event.accept()
