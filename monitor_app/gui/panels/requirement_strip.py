# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A strip of what is required, each with its verdict, which turns as evidence comes in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from monitor_app.analysis.require.judgement import Verdict
from monitor_app.analysis.require.session import worst
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.panels.parts import empty
from monitor_app.gui.plain_tip import plain_tip
from monitor_app.gui.theme import BODY_PX, SMALL_PX, ui_font, with_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.require.judgement import Judgement
    from monitor_app.analysis.require.requirements import Requirement
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.theme import Theme

HEIGHT_PX, SIDE_PX, GAP_PX = 40, 14, 10
MARKS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: ""}
COLOURS = {Verdict.PASS: "accuracy", Verdict.FAIL: "alarm", Verdict.INCONCLUSIVE: "dim"}
"""Names of colours of the theme."""
SIMULATED = "SIMULATED"


def shown(judgements: Sequence[Judgement], run_id: int | None) -> tuple[Judgement, ...]:
    """Those of the network that this run is of; where there is none, of each requirement the worst of the session."""
    of_run = tuple(each for each in judgements if run_id in each.run_ids)
    if of_run:
        return of_run
    groups: dict[Requirement, list[Judgement]] = {}
    for each in judgements:
        groups.setdefault(each.requirement, []).append(each)
    return tuple(next(one for one in group if one.verdict is worst(group)) for group in groups.values())


def counted(judgements: Sequence[Judgement]) -> str:
    """How many of each verdict there are: 3 PASS, 1 FAIL."""
    verdicts = [each.verdict for each in judgements]
    return ", ".join(f"{verdicts.count(each)} {each.value}" for each in Verdict if each in verdicts)


def without_ends(value: str) -> str:
    """A value as `interval` writes it, without its interval and with its unit: 3.4 % of 3.4 (0.2 to 12) %."""
    return re.sub(r" ± \S+| \([^)]*\)", "", value)


class RequirementStrip(Panel):
    """Hidden where nothing is required."""

    place = Place.ABOVE_PANES
    period_s = 0.5

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._wanted = True
        self._shown: tuple[Judgement, ...] = ()
        self.head = Chip(theme)
        self.chips: list[Chip] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 0, 4, 2)
        self._row.setSpacing(0)
        self.setAccessibleName("requirements")
        self.hide()

    def set_wanted(self, on: bool) -> None:
        """Whether it is shown where something is required."""
        self._wanted = on
        self.setVisible(on and bool(self._shown))

    def show_state(self, state: WindowState) -> None:
        run = state.subject.result.run if state.subject.result is not None else state.subject.run
        found = shown(state.judgements, run.id if run is not None else None)
        if len(found) != len(self.chips):
            self._fill(len(found))
        self._shown = found
        self.setVisible(self._wanted and bool(found))
        if not found:
            return
        labels = dict.fromkeys(each.label for each in found)
        name = next(iter(labels)) if len(labels) == 1 else "the worst of the session"
        simulated = any(each.simulated for each in found)
        all_of_them = f"In the session: {counted(state.judgements)}."
        self.head.show_texts(name, SIMULATED if simulated else counted(state.judgements), "dim", all_of_them)
        for chip, judgement in zip(self.chips, found, strict=True):
            chip.show_judgement(judgement)

    def _fill(self, count: int) -> None:
        self._row.removeWidget(self.head)
        empty(self._row)
        self.chips = [Chip(self.theme) for _ in range(count)]
        self._row.addWidget(self.head, 2)
        for chip in self.chips:
            self._row.addWidget(chip, 3)

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        for chip in (self.head, *self.chips):
            chip.set_theme(theme)


class Chip(QWidget):
    """A name, and below it a verdict in its colour with the value."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.name = self.verdict = self.value = ""
        self._colour = "dim"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(100, with_text(HEIGHT_PX))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, with_text(HEIGHT_PX))

    def show_judgement(self, judgement: Judgement) -> None:
        """Its title, its verdict and its value."""
        mark = f"{SIMULATED}. " if judgement.simulated else ""
        tip = " ".join(filter(None, (f"{mark}{judgement.label}:", judgement.sentence, judgement.more)))
        verdict = f"{MARKS[judgement.verdict]} {judgement.verdict.value}".strip()
        title = judgement.requirement.short
        self.show_texts(title, verdict, COLOURS[judgement.verdict], tip, judgement.measured)

    def show_texts(self, name: str, verdict: str, colour: str, tip: str, value: str = "") -> None:
        """``colour``: the name of one of the theme, of the verdict."""
        now = (name, verdict, value, colour)
        if now != (self.name, self.verdict, self.value, self._colour):
            self.name, self.verdict, self.value, self._colour = now
            self.setAccessibleName(name)
            self.setAccessibleDescription(f"{verdict} {value}".strip())
            self.update()
        self.setToolTip(plain_tip(tip))

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        room = self.width() - SIDE_PX - 4
        self._text(painter, 0.4, SIDE_PX, room, self.name, SMALL_PX, self._theme.dim)
        used = self._text(painter, 0.85, SIDE_PX, room, self.verdict, BODY_PX, str(getattr(self._theme, self._colour)))
        left = SIDE_PX + used + GAP_PX
        rest_px = self.width() - left - 4.0
        metrics = QFontMetricsF(ui_font(SMALL_PX))
        # Without its interval where there is no room, and rather not at all than cut off
        fitting = (
            each for each in (self.value, without_ends(self.value)) if metrics.horizontalAdvance(each) <= rest_px
        )
        self._text(painter, 0.85, left, rest_px, next(fitting, ""), SMALL_PX, self._theme.text)

    def _text(
        self, painter: QPainter, at: float, left: float, room: float, text: str, size_px: int, colour: str
    ) -> float:
        """Elided where there is no room; its width. ``at``: its baseline, as a fraction of the height."""
        if room <= 0 or not text:
            return 0.0
        font = ui_font(size_px)
        metrics = QFontMetricsF(font)
        shown_text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(QPointF(left, at * self.height()), shown_text)
        return metrics.horizontalAdvance(shown_text)
