# SPDX-License-Identifier: Apache-2.0
"""The panes as a picture, with a header and a footer: those of a window, or of a session without a window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter

from monitor_app.core.errors import ExportError
from monitor_app.gui.plot.markers.shown import stored_markers
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.plot.time_window import TimeWindow
from monitor_app.gui.session.caption import caption_of
from monitor_app.gui.session.recording import Recording
from monitor_app.gui.session.shown_signals import MOST_IN_PANE, MOST_PANES, ShownSignals
from monitor_app.gui.session.subject import in_view
from monitor_app.gui.theme import BODY_PX, SMALL_PX, THEMES, Theme, offscreen_application, ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.session.caption import Caption, Note
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import SignalRow

RATIO = 2.0
"""Pixels of the picture for each pixel of the panes, so that text is sharp on paper."""
SIZE = QSize(1600, 1000)
SMALLEST, LARGEST = QSize(600, 400), QSize(16384, 16384)
TITLE_PX, MARGIN_PX, HEADER_PX, LINE_PX = 17, 14, 62, 16
SIDE_PX = 6
"""Beside the panes, which have room of their own for numbers."""
_DOTS_PER_METRE = 10_000
"""254 dpi: 1600 pixels are 16 cm, the width of a page of text."""
APART = "  ·  "


def session_picture(
    reader: SessionReader,
    *,
    size: QSize = SIZE,
    start_s: float | None = None,
    end_s: float | None = None,
    signals: Sequence[SignalRow] | None = None,
    theme: str = "light",
) -> QImage:
    """The session from start_s to end_s, in s since its first sample, of these signals or of the usual ones.

    Needs neither a window nor a display. Raises ExportError, SessionError.
    """
    if size.expandedTo(SMALLEST) != size or size.boundedTo(LARGEST) != size:
        raise ExportError(
            f"A picture of {size.width()} x {size.height()} pixels cannot be drawn: choose from {SMALLEST.width()} x "
            f"{SMALLEST.height()} to {LARGEST.width()} x {LARGEST.height()}."
        )
    recording = _read(reader)
    view = _view(recording, start_s, end_s)
    shown = _shown(recording.usual if signals is None else signals)
    offscreen_application()
    stack = PaneStack(THEMES[theme])
    try:
        stack.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        width_px, height_px = round(size.width() / RATIO) - 2 * SIDE_PX, round(size.height() / RATIO)
        stack.ratio = RATIO
        stack.resize(width_px, height_px - HEADER_PX)
        stack.show()
        stack.set_options(replace(stack.options, deadline_ms=recording.require.deadline_ms))
        stack.arrange(recording, shown)
        QCoreApplication.sendPostedEvents()
        stack.show_frame(recording, shown, view)
        stack.show_annotations(in_view(recording, (view.start_s, view.end_s)))
        stack.show_markers(stored_markers(recording, shown, stack.theme))
        caption = caption_of(recording, shown.first, (view.start_s, view.end_s), stack.samples_per_column)
        stack.resize(width_px, height_px - HEADER_PX - _footer_px(_lines(caption.notes, width_px + 2 * SIDE_PX)))
        QCoreApplication.sendPostedEvents()
        return picture_of(stack, caption)
    finally:
        stack.hide()
        stack.deleteLater()


def _read(reader: SessionReader) -> Recording:
    recording = Recording(reader)
    if not recording.advance():
        raise ExportError(f"{reader.path} has no samples to draw.")
    recording.update_rows()
    recording.update_results()
    recording.update_rows()  # levels follow from the results
    return recording


def _view(recording: Recording, start_s: float | None, end_s: float | None) -> TimeWindow:
    start, end = max(start_s or 0.0, 0.0), min(recording.edge_s if end_s is None else end_s, recording.edge_s)
    if end <= start:
        raise ExportError(f"The session lasts {recording.edge_s:.3f} s: choose a part that lies within it.")
    return TimeWindow(start, end - start)


def _shown(signals: Sequence[SignalRow]) -> ShownSignals:
    shown = ShownSignals()
    for signal in signals:
        if shown.of(signal.id) is None:
            if shown.problem_with(signal):
                raise ExportError(
                    f"A picture shows up to {MOST_PANES} quantities and {MOST_IN_PANE} signals of each: "
                    f"leave out {signal.name}."
                )
            shown = shown.toggled(signal)
    return shown


# -- painting ------------------------------------------------------------------------------------


def picture_of(stack: PaneStack, caption: Caption, ratio: float = RATIO) -> QImage:
    """What the stack shows now, without the cursor, between a header and a footer. Raises ExportError."""
    width_px = stack.width() + 2 * SIDE_PX
    lines = _lines(caption.notes, width_px)
    height_px = HEADER_PX + stack.height() + _footer_px(lines)
    image = QImage(round(width_px * ratio), round(height_px * ratio), QImage.Format.Format_RGB32)
    if image.isNull():
        raise ExportError("There is not enough memory for the picture: make the window smaller.")
    image.setDevicePixelRatio(ratio)
    image.setDotsPerMeterX(_DOTS_PER_METRE)
    image.setDotsPerMeterY(_DOTS_PER_METRE)
    image.fill(QColor(stack.theme.ground))
    painter = QPainter(image)
    # The statistics above the panes are not in the picture, so nothing has to be kept clear for them.
    layer = stack.marker_layer
    kept_clear, layer.kept_clear = layer.kept_clear, ()
    try:
        _paint_header(painter, stack.theme, caption, width_px)
        stack.paint_panes(painter, QRectF(SIDE_PX, HEADER_PX, stack.width(), stack.height()))
        _paint_footer(painter, stack.theme, lines, HEADER_PX + stack.height())
    finally:
        layer.kept_clear = kept_clear
        painter.end()
    return image


def _paint_header(painter: QPainter, theme: Theme, caption: Caption, width_px: int) -> None:
    """Title and subtitle on the left, the badge of a simulation on the right."""
    room = float(width_px - 2 * MARGIN_PX)
    if caption.simulated:
        room -= _paint_badge(painter, theme, width_px - MARGIN_PX) + MARGIN_PX
    title = ui_font(TITLE_PX, QFont.Weight.DemiBold)
    for text, font, colour, top in (
        (caption.title, title, theme.text, MARGIN_PX - 2), (caption.subtitle, ui_font(SMALL_PX), theme.dim, 38),
    ):  # fmt: skip
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(MARGIN_PX, top + metrics.ascent()), elided)


def _paint_badge(painter: QPainter, theme: Theme, right_px: int) -> float:
    """SIMULATED, as in the tool bar; returns its width."""
    font = ui_font(BODY_PX, QFont.Weight.Bold)
    width_px = QFontMetricsF(font).horizontalAdvance("SIMULATED") + 30
    badge = QRectF(right_px - width_px, MARGIN_PX, width_px, 24)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.alarm))
    painter.drawRoundedRect(badge, 4, 4)
    painter.setFont(font)
    painter.setPen(QColor(theme.on_alarm))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, "SIMULATED")
    painter.restore()
    return width_px


def _lines(notes: Sequence[Note], width_px: int) -> list[list[Note]]:
    """The notes of the footer, in lines that are as wide as the picture at most."""
    metrics = QFontMetricsF(ui_font(SMALL_PX))
    lines: list[list[Note]] = [[]]
    for note in notes:
        line = APART.join(each.text for each in (*lines[-1], note))
        if lines[-1] and metrics.horizontalAdvance(line) > width_px - 2 * MARGIN_PX:
            lines.append([])
        lines[-1].append(note)
    return lines


def _footer_px(lines: list[list[Note]]) -> int:
    return LINE_PX * len(lines) + MARGIN_PX


def _paint_footer(painter: QPainter, theme: Theme, lines: list[list[Note]], top_px: int) -> None:
    metrics = QFontMetricsF(ui_font(SMALL_PX))
    painter.setFont(ui_font(SMALL_PX))
    for k, notes in enumerate(lines):
        x, baseline = float(MARGIN_PX), top_px + 6 + k * LINE_PX + metrics.ascent()
        for j, note in enumerate(notes):
            text = note.text if j == 0 else APART + note.text
            painter.setPen(QColor(theme.alarm if note.alarm else theme.dim))
            painter.drawText(QPointF(x, baseline), text)
            x += metrics.horizontalAdvance(text)
