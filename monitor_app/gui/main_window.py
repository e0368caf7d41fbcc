# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The main window: the one place where document, bench, plot, panels, figures and exports are joined."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QLineEdit, QMainWindow

from monitor_app.core.errors import MonitorError
from monitor_app.core.host_time import host_time_ns
from monitor_app.gui.actions import ShortcutsDialog, add_commands
from monitor_app.gui.appearance import Appearance, text_percent
from monitor_app.gui.batch_controller import BatchController
from monitor_app.gui.bench.controller import BenchController
from monitor_app.gui.bench.quiet import QuietMode
from monitor_app.gui.bench.resume_offer import ResumeOffer
from monitor_app.gui.bench.trust_dialog import ask_trust
from monitor_app.gui.confirm import confirmed
from monitor_app.gui.context.plot_menus import PlotMenus
from monitor_app.gui.figures.window import FiguresController
from monitor_app.gui.help.menu import Help
from monitor_app.gui.help.tour import Tour, steps_of
from monitor_app.gui.inferences.controller import InferencesController
from monitor_app.gui.keyboard import KeyboardAccess
from monitor_app.gui.layout import arrange
from monitor_app.gui.layout_memory import live_width_s, remember_layout, restore_layout
from monitor_app.gui.markers.controller import MarkerController
from monitor_app.gui.menus import MOUSE_ACTIONS, menu_commands
from monitor_app.gui.new.new_bench import NewBench
from monitor_app.gui.notes_controller import NotesController
from monitor_app.gui.panels.discovery_panel import DiscoveryPanel
from monitor_app.gui.panels.panel import Place, WindowState
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.periodic import INTERACTIVE_MS, TASK_MS, Pace, PeriodicTasks
from monitor_app.gui.plot.navigation import Navigation
from monitor_app.gui.plot.time_window import TimeWindow, live_edge_ns
from monitor_app.gui.plot.view_statistics import ViewStatistics
from monitor_app.gui.process_job import may_stop_jobs, stop_jobs
from monitor_app.gui.session.document import Document
from monitor_app.gui.session.exporting import Exports
from monitor_app.gui.session.requirements_controller import RequirementsController
from monitor_app.gui.session.signal_selection import SignalSelection
from monitor_app.gui.session.subject import Subject, subject_of
from monitor_app.gui.session_files.file_drop import FileDrop
from monitor_app.gui.session_files.sessions import Sessions
from monitor_app.gui.settings import Settings
from monitor_app.gui.tasks import Tasks
from monitor_app.gui.theme import DARK, set_text_size
from monitor_app.gui.undo import Undo
from monitor_app.gui.undoable import track_window
from monitor_app.gui.view_output import ViewOutput
from monitor_app.gui.views.controller import ViewController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PySide6.QtGui import QCloseEvent, QKeyEvent

    from monitor_app.gui.bench.controller import Client, StartBench
    from monitor_app.gui.panels.panel import Panel
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme

STILL_NS = 1_500_000_000
"""A file that has not grown for this long, without a bench of this window, is no longer being recorded."""
ROWS_S, RESULTS_S = 0.2, 0.5
"""Periods of the tasks that read the session."""


class MainWindow(QMainWindow):
    """Shows one session, live or recorded.

    ``client`` is a bench that has been started; ``session`` a recorded session to show instead; ``start_bench``
    begins a new session when the user asks for one; ``unsaved`` says that the session lies in a temporary place.
    """

    def __init__(
        self,
        client: Client | None = None,
        session: Path | None = None,
        *,
        start_bench: StartBench | None = None,
        unsaved: bool = False,
        title: str = "",
        theme: Theme = DARK,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings()
        set_text_size(text_percent(settings))  # of which the window takes its font when it is made
        super().__init__()
        self.appearance = Appearance(self, settings, theme)
        self.settings = settings
        self.bench = BenchController(self, client, start_bench, lambda *words: confirmed(self, *words))
        self.document = Document(self, unsaved=unsaved, title=title, is_recording=lambda: self.bench.live)
        self.sessions = Sessions(self, self.document, self.settings)
        self.notes = NotesController(self, self.document, self.bench)
        self.tasks = Tasks(self)
        self.new_bench = NewBench(self, self.document, self.bench, self.tasks, lambda: self.theme)
        self.resume_offer = ResumeOffer(self, self.document, self.bench, self.tasks)
        self.help = Help(self, lambda: self.recording.reader.path if self.recording is not None else None)
        self._timer = QTimer(self, interval=INTERACTIVE_MS, timerType=Qt.TimerType.PreciseTimer)
        self._task_timer = QTimer(self, interval=TASK_MS)
        self._pace = Pace(self._timer, self._task_timer)
        self.navigation = Navigation(live=client is not None, moved=self._pace.expect_interaction)
        self.signals = SignalSelection(self, lambda: self.document.recording)
        self.undo = Undo(self)
        self.exports = Exports(self)
        self.figures = FiguresController(lambda: self.recording, lambda: self.theme, self)
        self.parts = arrange(self, theme)
        self.tour = Tour(self, steps_of(self.parts), self.settings, lambda: self.theme)
        self.output = ViewOutput(
            self.exports, self.parts.stack, lambda: self.recording, lambda: self.signals.shown, lambda: self._span_s
        )
        self.statistics = ViewStatistics(self.parts.stack)
        self.quiet = QuietMode(settings, self.parts.stack)
        self.markers = MarkerController(
            self, self.document, self.bench, self.navigation, self.parts.stack,
            lambda: self.signals.shown, lambda: self.theme,
        )  # fmt: skip
        self.batches = BatchController(self, self.document, self.navigation, self.parts.stack)
        self.inferences = InferencesController(self, self.document, self.markers, lambda: self.theme)
        self.views = ViewController(
            self, self.parts.stack, self.signals, self.navigation, settings, lambda: self.recording, lambda: self.theme
        )
        self.commands = menu_commands(
            self, self.document, self.bench, self.navigation, self.signals, self.markers, self.parts, self.quiet
        )
        self.actions_by_name = add_commands(self, self.commands)
        self.appearance.attach(dark=self.actions_by_name["Dark theme"], light=self.actions_by_name["Light theme"])
        self.keyboard = KeyboardAccess(self, self.parts.stack, lambda: self.theme)
        restore_layout(self, self.parts, self.actions_by_name, self.settings)
        track_window(self)
        self.menus = PlotMenus(self)
        self.requirements = RequirementsController(self, self.tasks)
        self._grown_ns = -STILL_NS
        often = (
            self._update_rows, self._choose_page, self.views.update, self._show_annotations, self.markers.update,
            self.batches.update, self._show_statistics, self.undo.look,
        )  # fmt: skip
        rows = ((ROWS_S, do) for do in often)
        results = ((RESULTS_S, do) for do in (self._update_results, self._update_requirements))
        self._tasks = PeriodicTasks((*rows, *results, *self._panel_tasks()))
        self._connect()
        self.appearance.use_theme(theme.name)
        if session is not None:
            self.document.show(session)
        self.document.announce_title()
        self._choose_page()
        self._timer.start()
        self._task_timer.start()

    def _connect(self) -> None:
        self._timer.timeout.connect(self.refresh)
        self._task_timer.timeout.connect(self.do_task)
        self.appearance.changed.connect(self._show_appearance)
        self._connect_messages()
        self._connect_panels()
        self.document.about_to_close.connect(self._clear)
        self.document.opened.connect(self._show_document)
        self.document.title_changed.connect(self.setWindowTitle)
        self.bench.opened.connect(self.document.show_recorded)
        self.bench.began.connect(self.document.begin_unsaved)
        self.bench.began.connect(self.parts.message_bar.dismiss)
        self.bench.ended.connect(self.document.save_if_decided)
        self.bench.trust_asked.connect(
            lambda question: ask_trust(self, question, lambda allowed: self.bench.answer_trust(allowed=allowed))
        )
        for changes in (self.bench, self.signals, self.views):
            changes.changed.connect(self.refresh_panels)
        self.requirements.changed.connect(lambda: self._refresh(*self.parts.at(Place.ABOVE_PANES)))
        commands = (action.triggered for action in self.actions())
        for signal in (self.signals.changed, self.markers.changed, self.views.changed, *commands):
            signal.connect(self._pace.expect_interaction)
        stack = self.parts.stack
        stack.zoom_asked.connect(self.navigation.zoom)
        stack.pan_asked.connect(self.navigation.pan)
        stack.fit_asked.connect(self.navigation.show_all)
        self.markers.changed.connect(self._show_selection)
        self.markers.left.connect(self.batches.leave)
        self.figures.run_asked.connect(self._show_run_of_figure)
        self.document.title_changed.connect(lambda _: self.figures.set_name(self.document.name))
        self.parts.pill.clicked.connect(self.follow)
        self.quiet.left.connect(lambda: self.actions_by_name["quiet"].setChecked(False))
        self.quiet.outdated.connect(self._renew_quiet)
        self.parts.overview.view_asked.connect(self.navigation.show_between)
        self.sessions.join(self.parts.start_page)
        FileDrop(self).dropped.connect(self.document.open_listed)
        self.parts.start_page.new_asked.connect(self.new_bench.show)
        self.parts.start_page.simulated_asked.connect(self.bench.record_simulated)

    def _connect_messages(self) -> None:
        bar = self.parts.message_bar
        bar.show_all_of(
            self.document, self.bench, self.exports, self.output, self.markers, self.sessions, self.help, self.new_bench
        )
        self.notes.alarm.connect(bar.alarm)
        for told in (
            self.signals.refused, self.batches.note, self.inferences.note, self.figures.refused, self.views.note,
        ):  # fmt: skip
            told.connect(bar.note)
        for withdrawn in (self.document.retracted, self.bench.retracted, self.figures.withdrawn):
            withdrawn.connect(bar.retract)
        self.sessions.offered.connect(lambda text, words, do, wrong: bar.offer(text, words, do, wrong=wrong))

    def _connect_panels(self) -> None:
        toolbar, runs = self.parts.panel(Toolbar), self.parts.panel(RunPanel)
        toolbar.record_stop_asked.connect(self.record_or_stop)
        toolbar.start_stop_asked.connect(self.start_or_stop)
        toolbar.mark_asked.connect(self.add_mark)
        toolbar.open_asked.connect(self.document.open)
        toolbar.save_asked.connect(self.document.save)
        toolbar.figures_asked.connect(self.figures.show)
        self.parts.panel(Readouts).live_asked.connect(self.follow)
        runs.start_stop_asked.connect(self.start_or_stop)
        runs.skip_asked.connect(self.bench.skip_run)
        runs.resume_asked.connect(self.resume_offer.resume)
        self.parts.panel(SourcePanel).join(self.bench, self.signals, self.output)
        self.parts.panel(DiscoveryPanel).join(self.bench)
        self.parts.panel(RunTable).run_chosen.connect(self.show_run)
        self.parts.panel(RunTable).overlay_asked.connect(self.inferences.overlay_runs)
        self.parts.panel(RunTable).plan_ended.connect(
            lambda text, lost: self.parts.message_bar.offer(text, "Show the figures", self.figures.show, wrong=lost)
        )

    # -- one frame -------------------------------------------------------------------------------

    @property
    def recording(self) -> Recording | None:
        return self.document.recording

    @property
    def live(self) -> bool:
        """Whether the session is growing, by our bench or by another process."""
        return self.bench.live or host_time_ns() - self._grown_ns < STILL_NS

    def refresh(self) -> None:
        """All the work of a frame but the painting: poll the bench, read new samples, show them."""
        try:
            self.bench.poll()
            if self.quiet.holds(self.bench.status):
                self._pace.set_quiet()
            elif self.recording is not None:
                self._show_frame(self.recording)
        except MonitorError as error:
            self.document.give_up(error)

    def do_task(self) -> None:
        """One periodic task between two frames, and several where they are late."""
        if self.quiet.active:
            return
        try:
            self._tasks.catch_up(host_time_ns())
        except MonitorError as error:
            self.document.give_up(error)

    def _show_frame(self, recording: Recording) -> None:
        now_ns = host_time_ns()
        live = self.live
        if live and recording.advance():
            self._grown_ns = now_ns
        edge_ns = live_edge_ns(recording.newest_ns, now_ns, live=live)
        edge_s = recording.seconds(edge_ns) if recording.origin_ns is not None else 0.0
        stack, overview, shown = self.parts.stack, self.parts.overview, self.signals.shown
        self.navigation.set_extent(recording.edge_s, live=live)
        self.navigation.glide(edge_s, stack.pixels)
        stack.show_frame(recording, shown, self.view)
        overview.gutter_px, overview.axes_px = stack.gutter_px, stack.axes_px
        overview.refresh(recording, shown.first, self.view, now_ns)
        self.parts.pill.setVisible(live and not self.view.following)
        self.parts.nothing.setVisible(not live and recording.origin_ns is None)
        self._pace.set_by_view(width_s=self.view.width_s, pixels=stack.pixels, live=live)

    def _renew_quiet(self) -> None:
        """While nothing is painted by itself: one frame, for the user has changed what is on the screen."""
        try:
            if self.quiet.active and self.recording is not None:
                self._show_frame(self.recording)
                self.quiet.renew()
                self._pace.set_quiet()
        except MonitorError as error:
            self.document.give_up(error)

    # -- periodic tasks --------------------------------------------------------------------------

    def _update_rows(self) -> None:
        recording, status = self.recording, self.bench.status
        if recording is None:
            return
        if not self.live and recording.advance():
            self._grown_ns = host_time_ns()
        recording.recorded_here = self.bench.live
        recording.awaits_runs = bool(status and status.runs)
        recording.update_rows()
        self.signals.update(recording)

    def _update_results(self) -> None:
        if self.recording is not None:
            self.recording.update_results()
            self.document.complete_title()

    def _update_requirements(self) -> None:
        self.requirements.update(self.recording, self.views.options.deadline_ms, live=self.live)

    def _choose_page(self) -> None:
        if self.parts.show_start(self.recording is None and not self.bench.live):
            self.sessions.list_on(self.parts.start_page)

    def _show_annotations(self) -> None:
        self.parts.stack.show_annotations(self.subject)

    def _show_statistics(self) -> None:
        if self.recording is not None:
            self.statistics.refresh(self.recording, self._span_s)

    @property
    def subject(self) -> Subject:
        """What the numbers belong to."""
        follows = self.live and self.view.following
        return subject_of(
            self.recording, (self.view.start_s, self.view.end_s), self.parts.panel(RunTable).chosen, follows=follows
        )

    def _panel_tasks(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """A task for the panels of each place, as often as one of them asks for."""
        for place in Place:
            panels = self.parts.at(place)
            if panels:
                yield min(panel.period_s for panel in panels), partial(self._refresh, *panels)

    def _refresh(self, *panels: Panel) -> None:
        state = self._state()
        for panel in panels:
            panel.show_state(state)

    def refresh_panels(self) -> None:
        """Show at once what the user has changed."""
        if self.quiet.active:
            self._renew_quiet()  # or what is known of the samples is as old as the picture
        self._refresh(*self.parts.at(Place.TOP), *self.parts.at(Place.SIDE))

    def _state(self) -> WindowState:
        return WindowState(
            self.recording, self.bench.status, self.signals.shown, self.theme, self.selection, self.bench.live,
            self.bench.can_start, self.document.undecided, self.parts.stack.samples_per_column,
            self.resume_offer.at, self.subject, self.live, self.views.options.style, self.requirements.judgements,
        )  # fmt: skip

    # -- session ---------------------------------------------------------------------------------

    def record_or_stop(self) -> None:
        """Begin a new session, or complete the one that is recorded; what would end a plan is asked."""
        if not self.bench.live:
            self.start_or_stop()
        elif not self.bench.running or self.document.ask_to_end():
            self.bench.stop_recording()

    def start_or_stop(self) -> None:
        """Start or stop the runs; without a bench, begin a new session once an unsaved one has been dealt with."""
        if self.bench.live or not self.bench.can_start or self.document.leave():
            self.bench.start_or_stop(self.document.opened_path)

    def _show_document(self, same: bool) -> None:
        """Another session is open, or the ``same`` one under another name."""
        recording = self.recording
        assert recording is not None
        if not same:
            self.signals.forget()
            self.parts.message_bar.dismiss()
        try:
            if not same:
                self.markers.open()
                self.undo.forget()
            recording.advance()
            self._tasks.do_all(host_time_ns())
        except MonitorError as error:
            self.document.give_up(error)
            return
        if not same:
            fitted = self.view.fitted(recording.edge_s, live=False)
            followed = TimeWindow(width_s=live_width_s(self.settings), following=True)
            self.navigation.view = followed if self.live else fitted
            self.undo.forget()

    def _clear(self) -> None:
        self.parts.stack.show_markers(())
        self.parts.panel(RunTable).select(None)
        self.parts.stack.clear_recording()
        self.statistics.clear()
        self.parts.overview.clear()

    def add_mark(self) -> None:
        """Mark the present moment; the text is its number."""
        if self.bench.live and self.recording is not None:
            self.bench.add_mark(f"mark {len(self.recording.marks) + 1}")

    @property
    def _span_s(self) -> tuple[float, float]:
        """The part of the session in view, in s since its start."""
        return max(self.view.start_s, 0.0), min(self.view.end_s, self.edge_s)

    # -- view ------------------------------------------------------------------------------------

    @property
    def view(self) -> TimeWindow:
        return self.navigation.view

    @property
    def edge_s(self) -> float:
        """Time of the newest sample; 0 without one."""
        return self.recording.edge_s if self.recording else 0.0

    def follow(self) -> None:
        """Show the newest samples, and read nothing else."""
        self.parts.panel(RunTable).select(None)
        self.navigation.follow()
        self._refresh(*self.parts.at(Place.ABOVE_PANES))

    def show_run(self, run_id: int) -> None:
        if self.recording is not None:
            self.parts.panel(RunTable).select(run_id)
            self.navigation.show_run(self.recording, run_id)

    def _show_run_of_figure(self, run_id: int, sentence: str) -> None:
        self.show_run(run_id)
        self.parts.message_bar.note(sentence)

    @property
    def selection(self) -> tuple[float, float] | None:
        """The active pair of markers, in s since the start of the session."""
        return self.markers.span_s

    def _show_selection(self) -> None:
        panel = self.parts.panel(SelectionPanel)
        self._refresh(panel)
        if self.selection is not None:
            self.parts.side.ensureWidgetVisible(panel)

    # -- window ----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is for the active marker where no part with the focus has wanted it."""
        wanted = isinstance(QApplication.focusWidget(), QAbstractButton | QLineEdit | QAbstractItemView)
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not wanted:
            self.markers.edit_active()
        else:
            super().keyPressEvent(event)

    @property
    def theme(self) -> Theme:
        return self.appearance.theme

    def _show_appearance(self) -> None:
        self.parts.fit_text(self.appearance.percent)
        self.parts.set_theme(self.theme)
        self.figures.set_theme()
        self.inferences.set_theme()
        self.new_bench.set_theme()
        if self.recording is None:
            # As at the start, when it is not decided yet whether there will be a start page.
            self.refresh_panels()
            self._refresh(*self.parts.at(Place.BOTTOM))
            return
        self._renew_quiet()
        try:
            self._tasks.do_all(host_time_ns())  # not in a while, as of a session in which nothing happens
        except MonitorError as error:
            self.document.give_up(error)

    def show_shortcuts(self) -> None:
        ShortcutsDialog(self, self.commands, MOUSE_ACTIONS).open()

    # -- the end ---------------------------------------------------------------------------------

    def close_at_once(self) -> None:
        """Close without questions, as a signal demands; an unsaved session stays where it is."""
        self.document.ask_nothing()
        self.close()

    def _may_close(self) -> bool:
        """Ask about what is still being written, and about the session."""
        if self.document.asks and not may_stop_jobs(self):
            return False
        return self.edge_s <= 0 or self.document.decide_at_close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the bench and its children; what was measured is kept unless the user discards it."""
        if not self._may_close():
            event.ignore()
            return
        remember_layout(self, self.parts, self.actions_by_name, self.settings)
        if self.view.following:
            self.settings.write("live_width_s", self.view.width_s)
        self._timer.stop()
        self._task_timer.stop()
        self.figures.close()
        self.inferences.close()
        self.notes.close()
        self.hide()
        stop_jobs(self)
        self.bench.close()
        for each in (self.exports, self.help, self.sessions, self.tasks, self.new_bench):
            each.wait()
        self.document.finish()
        event.accept()
