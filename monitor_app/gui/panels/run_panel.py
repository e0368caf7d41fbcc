# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The plan: its runs, their progress, the time left, and buttons to start, stop and skip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from monitor_app.core.formatting import duration
from monitor_app.core.runs import RunState
from monitor_app.core.samples import NO_INSTRUMENTS
from monitor_app.core.status import CHECKING, BenchPhase, CheckState, SourceState
from monitor_app.gui.panels.panel import Panel
from monitor_app.gui.panels.parts import Label, SectionHeader
from monitor_app.gui.plot.annotations import PHASE_NAMES
from monitor_app.gui.session.recording import CUT_OFF
from monitor_app.gui.theme import BODY_PX, ui_font

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus, CheckStatus, RunStatus
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import RunRow

NO_POWER = "no power is measured"
RUN, STOP, RECORD = "Run p&lan", "Stop p&lan", "Re&cord"
"""Of the button, by what can be done; the toolbar, whose buttons do the same, has other letters."""
LINE_PX = 22
MOST_LINES = 9


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A run of the plan as text."""

    title: str
    state: str
    tone: str
    """active, done, failed or waiting"""
    run_id: int | None = None
    """Row in the session file; None for a check, and for a run that has not begun."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan as the panel shows it."""

    lines: tuple[PlanLine, ...] = ()
    fraction: float = 0.0
    check: str = ""
    """What is checked before the first run, what was found, or why the plan was refused."""
    foot: str = ""
    warning: str = ""
    """What the runs in progress are done without."""
    running: bool = False
    recorded: bool = False
    """A recorded session: no run is in progress."""


def plan_of(recording: Recording | None, status: BenchStatus | None) -> Plan:
    """From what the bench reports, or from the rows of a recorded session."""
    if status is not None:
        running = status.phase is BenchPhase.RUNNING
        lines = (*_check_lines(status.check), *map(_line, status.runs))
        done = sum(run.fraction if run.state == RunState.RUNNING.value else _ended(run) for run in status.runs)
        fraction = done / len(status.runs) if status.runs else 0.0
        return Plan(lines, fraction, status.check.text, _foot(status), _warning(status), running)
    if recording is None:
        return Plan(foot="no runs", recorded=True)
    runs = recording.runs
    cycles = len({run.cycle for run in runs}) > 1
    lines = tuple(_recorded_line(run, recording.state_of(run), with_cycle=cycles) for run in runs)
    foot = f"{len(runs)} run{'s' * (len(runs) != 1)} recorded" if runs else "no runs"
    return Plan(lines, foot=foot, recorded=True)


def _check_lines(check: CheckStatus) -> list[PlanLine]:
    """The checks as the line before the first run."""
    if check.state is CheckState.NONE:
        return []
    state = f"{100 * check.fraction:.0f} %" if check.state is CheckState.PLAYING else check.state.value
    tone = "active" if check.state in CHECKING else _CHECK_TONES.get(check.state, "waiting")
    return [PlanLine("First checks", state, tone)]


_CHECK_TONES = {CheckState.PASSED: "done", CheckState.REFUSED: "failed"}


def _line(run: RunStatus) -> PlanLine:
    state = run.state
    if state == RunState.RUNNING.value:
        phase = PHASE_NAMES.get(run.phase or "", run.phase or "")
        state = f"{phase}  {100 * run.fraction:.0f} %".strip()
    return PlanLine(f"{run.title}  b{run.batch_size}", state.replace("_", " "), _tone(run.state), run.id)


def _recorded_line(run: RunRow, state: str, *, with_cycle: bool) -> PlanLine:
    """With the cycle where there are several, or runs of the same network could not be told apart."""
    cycle = f"  c{run.cycle}" if with_cycle else ""
    size = "" if run.own_program else f"  b{run.batch_size}"
    return PlanLine(f"{run.title}{size}{cycle}", state, _tone(state), run.id)


def _tone(state: str) -> str:
    return _TONES.get(state, "waiting")


_TONES = {
    RunState.RUNNING.value: "active", RunState.FAILED.value: "failed", CUT_OFF: "failed", RunState.DONE.value: "done",
}  # fmt: skip


def _ended(run: RunStatus) -> float:
    return 0.0 if run.state == RunState.WAITING.value else 1.0


def _foot(status: BenchStatus) -> str:
    parts = []
    if status.phase is BenchPhase.RUNNING and status.remaining_s is not None:
        parts.append(f"{duration(status.remaining_s)} left")
    if status.cycle:
        # A plan that is started again is counted on from its last cycle.
        planned = f" of {status.cycles}" if status.cycle <= status.cycles else ""
        parts.append(f"cycle {status.cycle}{planned}")
    if not parts:
        parts.append({BenchPhase.STARTING: "starting", BenchPhase.STOPPING: "stopping"}.get(status.phase, "ready"))
    return "  ·  ".join(parts)


def _warning(status: BenchStatus) -> str:
    """Runs go on where no instrument is there any more: their energy will not be known."""
    if status.phase is not BenchPhase.RUNNING or not status.sources:
        return ""
    measuring = any(s.state is SourceState.STREAMING and s.kind not in NO_INSTRUMENTS for s in status.sources)
    return "" if measuring else NO_POWER


class RunPanel(Panel):
    """Shows a Plan."""

    start_stop_asked = Signal()
    skip_asked = Signal()
    resume_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._plan = Plan()
        self.lines = PlanLines(theme)
        self._area = QScrollArea()
        self._area.setWidget(self.lines)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.check = Label()
        self.check.setObjectName("dim")
        self.check.setWordWrap(True)
        self.foot = Label()
        self.foot.setObjectName("dim")
        self.warning = Label()
        self.warning.setStyleSheet(f"color: {theme.alarm}")
        self.start_stop, self.skip = _button(RUN), _button("Skip ru&n")
        self.start_stop.clicked.connect(self.start_stop_asked)
        self.skip.clicked.connect(self.skip_asked)
        self.resume = _button("Res&ume")
        self.resume.setToolTip("Run what is left of the plan, in the same session (Ctrl+Shift+R)")
        self.resume.clicked.connect(self.resume_asked)
        self.resume.hide()
        self._arrange()
        self.show_plan(Plan())

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.start_stop, 1)
        buttons.addWidget(self.skip, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        for part in (SectionHeader("runs"), self.check, self._area, self.progress, self.warning, self.foot):
            column.addWidget(part)
        column.addWidget(self.resume)
        column.addLayout(buttons)

    def show_state(self, state: WindowState) -> None:
        self.resume.setVisible(state.resume_at is not None)
        self.resume.setText(f"Res&ume at run {state.resume_at}")
        self.show_plan(plan_of(state.recording, state.status))
        self.start_stop.setEnabled(state.can_start)

    def show_plan(self, plan: Plan) -> None:
        if plan.lines != self._plan.lines or not self._plan.lines:
            self.lines.show_lines(plan.lines)
            self._area.setFixedHeight(LINE_PX * min(len(plan.lines), MOST_LINES))
            self._area.setVisible(bool(plan.lines))
            active = next((k for k, line in enumerate(plan.lines) if line.tone == "active"), None)
            if active is not None:
                self._area.ensureVisible(0, active * LINE_PX, 0, 2 * LINE_PX)
        self._plan = plan
        self.progress.setVisible(not plan.recorded)
        self.progress.setValue(round(1000 * plan.fraction))
        self.check.setText(plan.check)
        self.check.setVisible(bool(plan.check))
        self.foot.setText(plan.foot)
        self.warning.setText(plan.warning)
        self.warning.setVisible(bool(plan.warning))
        self.start_stop.setText(STOP if plan.running else RECORD if plan.recorded else RUN)
        self.skip.setEnabled(plan.running)
        self.skip.setVisible(not plan.recorded)

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.warning.setStyleSheet(f"color: {theme.alarm}")
        self.lines.theme = theme
        self.lines.update()


class PlanLines(QWidget):
    """Titles on the left, states on the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._lines: tuple[PlanLine, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, LINE_PX * len(self._lines))

    def line_at(self, at: QPoint) -> PlanLine | None:
        """The run at a place."""
        row = at.y() // LINE_PX
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def middle_of(self, row: int) -> QPoint:
        """A place in the middle of a line."""
        return QPoint(self.width() // 2, row * LINE_PX + LINE_PX // 2)

    def show_lines(self, lines: tuple[PlanLine, ...]) -> None:
        self._lines = lines
        self.setFixedHeight(LINE_PX * len(lines))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = ui_font(BODY_PX)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        t = self.theme
        tones = {"active": (t.text, t.accuracy), "failed": (t.text, t.alarm), "done": (t.text, t.dim)}
        for k, line in enumerate(self._lines):
            title, state = tones.get(line.tone, (t.dim, t.dim))
            area = QRectF(0, k * LINE_PX, self.width() - 2, LINE_PX)
            painter.setPen(QColor(state))
            painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, line.state)
            room = area.width() - metrics.horizontalAdvance(line.state) - 10
            painter.setPen(QColor(title))
            baseline = area.top() + (LINE_PX + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(0, baseline), metrics.elidedText(line.title, Qt.TextElideMode.ElideRight, room))


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
