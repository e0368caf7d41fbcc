# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: dashes, minus and micro signs)
# ruff: noqa: N802 (Qt names these methods)
"""The window: what is shown, what the keys and gestures do, and one frame's work in ``refresh``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from monitor_app.bench.messages import AddMark, Connect, Disconnect
from monitor_app.core.errors import MonitorError
from monitor_app.core.samples import Quantity
from monitor_app.gui.bench_link import BenchLink
from monitor_app.gui.chores import Chores
from monitor_app.gui.commands import add_commands
from monitor_app.gui.exporting import TableExport, ask_target, export_picture
from monitor_app.gui.keeping import Keeping
from monitor_app.gui.key_list import KeyList
from monitor_app.gui.layout import arrange
from monitor_app.gui.navigation import Navigation
from monitor_app.gui.pacing import HURRIED_MS, HURRY_NS, frame_ms
from monitor_app.gui.readouts import readings
from monitor_app.gui.recording import Recording
from monitor_app.gui.run_panel import plan_of
from monitor_app.gui.selection_panel import selection_figures
from monitor_app.gui.source_panel import source_cards
from monitor_app.gui.status_bar import picture_words, trust_words
from monitor_app.gui.theme import DARK, THEMES, qt_palette, style_sheet
from monitor_app.gui.view_window import ViewWindow, live_edge_ns
from monitor_app.session.reader import SessionReader
from monitor_app.session.saving import keep_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent

    from monitor_app.gui.bench_link import Client
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import SignalRow

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
        self.signal: SignalRow | None = None
        self.selection: tuple[float, float] | None = None
        self.keeping = Keeping(self, unsaved=unsaved)
        self._title = title
        self._hurried_until_ns = 0
        self.table_export: TableExport | None = None
        self._grown_ns = -STILL_NS
        self._cpu = (time.process_time(), time.perf_counter())
        self._own_cpu = 0.0
        self._timer = QTimer(self, interval=HURRIED_MS, timerType=Qt.TimerType.PreciseTimer)
        self.actions_by_name = add_commands(self)
        self.parts = arrange(self)
        self._chores = Chores(
            (
                (0.2, self._refresh_rows), (0.2, self._refresh_annotations), (0.2, self._refresh_readouts),
                (0.2, self._refresh_side), (0.5, self._refresh_status), (0.5, self._refresh_results),
                (0.5, self._refresh_table),
            )
        )  # fmt: skip
        self.use_theme(theme.name)
        if session is not None:
            self.show_session(session)
        self._name_window()
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
            self._give_up_session(error)

    def do_chore(self) -> None:
        """One piece of the slower work, between two frames."""
        try:
            self._chores.do_one(time.perf_counter_ns())
        except MonitorError as error:
            self._give_up_session(error)

    def _hear_bench(self) -> None:
        news = self.link.poll()
        if news.opened is not None:
            self.show_session(news.opened)
        if news.message:
            self.parts.notice.note(news.message)
        if news.failed:
            self.parts.notice.alarm(news.failed)
        if news.failed or news.closed:
            self._keep_if_wanted()

    def _show_frame(self, recording: Recording) -> None:
        now_ns = time.perf_counter_ns()
        live = self.live
        if live and recording.advance():
            self._grown_ns = now_ns
        edge_ns = live_edge_ns(recording.newest_ns, now_ns, live=live)
        glided_s = recording.seconds(edge_ns) if recording.origin_ns is not None else 0.0
        self.navigation.tell(recording.edge_s, live=live)
        self.navigation.glide(glided_s, self.parts.stack.pixels)
        self.parts.stack.show_frame(recording, self.signal, self.view)
        self.parts.overview.refresh(recording, self.signal, self.view, now_ns)
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
        recording.update_rows()
        if self.signal is None:
            self.signal = recording.power or next(iter(recording.signals), None)

    def _refresh_annotations(self) -> None:
        self.parts.stack.show_annotations()

    def _refresh_readouts(self) -> None:
        if self.recording is not None:
            self.parts.readouts.show_readings(readings(self.recording))

    def _refresh_side(self) -> None:
        recording, status = self.recording, self.link.status
        self.parts.sources.show_cards(source_cards(recording, status, self.signal, self.theme))
        self.parts.runs.show_plan(plan_of(recording, status))
        self.parts.runs.start_stop.setEnabled(self.link.can_start)
        if recording is not None and self.selection is not None and self.signal is not None:
            self.parts.selection.show_figures(selection_figures(recording, self.signal, *self.selection))
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
        spent, now = time.process_time(), time.perf_counter()
        self._own_cpu = (spent - self._cpu[0]) / max(now - self._cpu[1], 1e-3)
        self._cpu = (spent, now)
        recording = self.recording
        if recording is None:
            return
        drawn = self.parts.stack.trace.picture
        status = self.link.status
        file_bytes = status.file_bytes if status and status.file_bytes else _bytes(recording.reader.path)
        self.parts.status.show_words(
            picture_words(drawn.samples_per_column if drawn else None),
            trust_words(recording, status, file_bytes, self._own_cpu),
        )

    def _refresh_results(self) -> None:
        if self.recording is not None:
            self.recording.update_results()

    def _refresh_table(self) -> None:
        if self.recording is not None:
            self.parts.table.refresh(self.recording)

    # -- sessions --------------------------------------------------------------------------------

    def show_session(self, path: Path) -> None:
        """Show another session from now on; what cannot be opened leaves the present one as it is."""
        try:
            reader = SessionReader(path)
        except MonitorError as error:
            self.parts.notice.alarm(str(error))
            return
        self._close_reader()
        self.recording = Recording(reader)
        self.signal = None
        self.parts.notice.put_away()
        try:
            self.recording.advance()
            self._chores.do_all(time.perf_counter_ns())
        except MonitorError as error:
            self._give_up_session(error)
            return
        self.view = ViewWindow(following=True) if self.live else self.view.fitted(self.recording.edge_s, live=False)
        self._name_window()

    def _close_reader(self) -> None:
        self.clear_selection()
        self.parts.stack.clear_recording()
        self.parts.overview.clear()
        if self.recording is not None:
            self.recording.reader.close()
            self.recording = None

    def _give_up_session(self, error: MonitorError) -> None:
        self._close_reader()
        self.parts.notice.alarm(str(error))

    def open_session(self) -> None:
        """Ask for a session file and show it; a bench that records goes on until the window closes."""
        if self.link.live:
            self.parts.notice.note("A recording is going on: stop it by closing this window, or open a second one.")
            return
        path = self.keeping.ask_source()
        if path is not None:
            self._open_old(path)

    def _open_old(self, path: Path) -> None:
        self.keeping.set_saved()
        self.show_session(path)

    def save_session(self) -> None:
        """Keep an unsaved session under a name; one that is being written moves there when it ends."""
        if self.recording is None or not self.keeping.unsaved:
            return
        target = self.keeping.ask_target()
        if target is None:
            return
        self.keeping.target = target
        if self.link.live:
            self.parts.notice.note(f"The recording goes on; when it ends it is kept as {target}.")
            self._name_window()
        else:
            self._keep_if_wanted()

    def _keep_if_wanted(self) -> None:
        """Move a complete session to where it is wanted and go on showing it."""
        if self.keeping.target is None or self.recording is None:
            return
        source, target = self.recording.reader.path, self.keeping.target
        said = self.parts.notice.text
        view = self.view
        self._close_reader()
        try:
            keep_session(source, target)
        except MonitorError as error:
            self.keeping.target = None
            self.show_session(source)
            self.parts.notice.alarm(str(error))
            return
        self.keeping.set_saved()
        self.show_session(target)
        self.view = view
        if said:
            self.parts.notice.alarm(said)

    def _name_window(self) -> None:
        if self.recording is None:
            name = self._title
        elif self.keeping.target is not None:
            name = self.keeping.target.name
        elif self.keeping.unsaved:
            title = self._title or self.recording.reader.meta().get("title") or "session"
            name = f"{title} (unsaved)"
        else:
            name = self.recording.reader.path.name
        self.setWindowTitle(f"{name} – monitor-app" if name else "monitor-app")

    # -- bench -----------------------------------------------------------------------------------

    def start_or_stop(self) -> None:
        if not self.link.can_start:
            self.parts.notice.note("This is a recorded session: start monitor-app with a profile to measure.")
            return
        begins_anew = not self.link.live
        try:
            self.link.start_or_stop()
        except MonitorError as error:
            self.parts.notice.alarm(str(error))
            return
        if begins_anew:
            self.keeping.set_unsaved()
            self.parts.notice.put_away()
        self._refresh_side()

    # -- exports ---------------------------------------------------------------------------------

    @property
    def _span_s(self) -> tuple[float, float]:
        """What is in view of the session, in seconds from its start."""
        return max(self.view.start_s, 0.0), min(self.view.end_s, self.edge_s)

    def export_view(self) -> None:
        """A picture of what is in view."""
        if self.recording is None:
            return
        session, span_s = self.recording.reader.path, self._span_s
        target = ask_target(self, "Export picture", ".png", session)
        if target is None:
            return
        try:
            export_picture(self.recording.reader, target, span_s, dark=self.theme is DARK)
        except MonitorError as error:
            self.parts.notice.alarm(str(error))
        else:
            self.parts.notice.note(f"The picture is in {target}.")

    def export_samples(self) -> None:
        """Every sample in view as a table, written beside the window's own work."""
        if self.recording is None or self.signal is None:
            return
        session, (start_s, end_s) = self.recording.reader.path, self._span_s
        target = ask_target(self, "Export samples", ".csv", session)
        if target is not None and end_s > start_s:
            rows = round((end_s - start_s) * self.recording.rate_hz(self.signal.source))
            self.table_export = TableExport(self, session, target, (start_s, end_s), rows, self._tell_export)

    def _tell_export(self, sentence: str, failed: bool) -> None:
        (self.parts.notice.alarm if failed else self.parts.notice.note)(sentence)

    def skip_run(self) -> None:
        self.link.skip()

    def add_mark(self) -> None:
        """Mark the present moment; the text is its number."""
        if self.link.live and self.recording is not None:
            self.link.send(AddMark(time.perf_counter_ns(), f"mark {len(self.recording.marks) + 1}"))

    def connect_source(self, name: str) -> None:
        self.link.send(Connect(name))

    def disconnect_source(self, name: str) -> None:
        self.link.send(Disconnect(name))

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

    def show_quantity(self, unit: str) -> None:
        """Show the power of the board, or the current or voltage that belongs to it, in the first pane."""
        if self.recording is None:
            return
        quantity = Quantity(unit)
        signal = self.recording.power if quantity is Quantity.POWER else self.recording.beside(quantity)
        if signal is not None:
            self.show_signal(signal.id)

    def show_signal(self, signal_id: int) -> None:
        if self.recording is not None:
            self.signal = next((s for s in self.recording.signals if s.id == signal_id), self.signal)
            self._refresh_side()

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
        self._refresh_side()

    def show_keys(self) -> None:
        KeyList(self).open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh_readouts()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and not self.link.live:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self._open_old(Path(event.mimeData().urls()[0].toLocalFile()))

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
        self.hide()
        path = self.recording.reader.path if self.recording else None
        self.link.close()
        self._close_reader()
        if path is not None:
            self.keeping.finish(path)
        event.accept()


def _bytes(path: Path) -> int:
    """Size of a session with what is not yet folded in."""
    wal = path.with_name(f"{path.name}-wal")
    return sum(p.stat().st_size for p in (path, wal) if p.exists())
