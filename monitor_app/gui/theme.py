# SPDX-License-Identifier: Apache-2.0
"""The two themes: one colour for each quantity, the palette and style sheet of Qt's widgets, and the application."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from functools import cache

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from monitor_app.charts.palette import PALETTES, Palette, legible
from monitor_app.core.files.package_data import resource_path
from monitor_app.core.samples import Quantity
from monitor_app.gui.freed_memory import give_back_large_blocks

BODY_PX, SMALL_PX, CAPTION_PX = 12, 11, 11
ON_SPAN_CONTRAST = 5.0
"""Of words on the ground of a timed phase: enough is left where the tint of a batch lies over it."""


@dataclass(frozen=True, slots=True)
class Theme(Palette):
    """Colours as #rrggbb: those of pictures, and what only a window needs."""

    name: str
    raised: str
    """Ground of buttons, and of the row under the mouse."""
    on_alarm: str
    span: str
    """Ground of a run while it is timed: further from that of the pane than `span_soft`, and 3 from every trace."""
    span_soft: str
    """Ground of a run while it warms up or its accuracy is measured: 1.3 from that of the pane."""
    others: tuple[str, ...]
    """Of the second and further signals in a pane; none of them is the colour of a quantity."""
    markers: tuple[str, ...]
    """Of markers, in turn; none of them is the colour of a signal, and all are told apart without red and green."""

    @property
    def palette(self) -> Palette:
        """Of pictures in this theme."""
        return PALETTES["light" if self.name == "light" else "dark"]

    @property
    def on_span(self) -> str:
        """Of words on the ground of a run that matter less than the others."""
        return legible(self.dim, self.span, self.text, ON_SPAN_CONTRAST)

    def of_quantity(self, quantity: Quantity) -> str:
        """The colour of a measured quantity."""
        return {Quantity.POWER: self.power, Quantity.CURRENT: self.current, Quantity.VOLTAGE: self.current}.get(
            quantity, self.dim
        )

    def of_trace(self, quantity: Quantity, slot: int) -> str:
        """The colour of a signal that shares its pane: the first has that of the quantity."""
        return self.of_quantity(quantity) if slot == 0 else self.others[(slot - 1) % len(self.others)]


DARK = Theme(
    name="dark", **asdict(PALETTES["dark"]), raised="#2a3037", on_alarm="#ffffff",
    span="#343a41", span_soft="#2a2f35", others=("#e88fbd", "#46c2b3", "#b9c95a", "#cf9a76", "#92a5ba"),
    markers=("#e6eaee", "#2d6cbd", "#367e7e", "#fcd887", "#6c6c12"),
)  # fmt: skip
LIGHT = Theme(
    # Power and accuracy are darker than in figures: they are read over the ground of a timed phase as well.
    name="light", **(asdict(PALETTES["light"]) | {"power": "#a36700", "accuracy": "#1a8350"}),
    raised="#e2e6ea", on_alarm="#ffffff", span="#cfd3d7", span_soft="#dbdee1",
    others=("#b4307c", "#0c807a", "#687400", "#8a5328", "#546b82"),
    markers=("#16191c", "#757ec6", "#6c9975", "#122463", "#483f00"),
)  # fmt: skip
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def system_theme(app: QApplication) -> Theme:
    """The theme of the desktop; dark where it states none."""
    return LIGHT if app.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK


def mixed(colour: str, ground: str, fraction: float) -> QColor:
    """The opaque colour of ``colour`` at this opacity over ``ground``; faster to paint than a translucent one."""
    pairs = ((int(colour[k : k + 2], 16), int(ground[k : k + 2], 16)) for k in (1, 3, 5))
    return QColor(*(round(fraction * over + (1 - fraction) * under) for over, under in pairs))


TEXT_PERCENT = (80, 90, 100, 110, 120, 130)
"""Sizes of the text in the window; the lines have room for no more."""
_text_percent = 100


def set_text_size(percent: int) -> None:
    """Make all text of the window this large from now on, what is shown already included."""
    global _text_percent
    factor, _text_percent = percent / _text_percent, percent
    ui_font.cache_clear()
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return
    app.setFont(ui_font(BODY_PX))
    for widget in app.allWidgets():
        font = widget.font()
        if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) and font.pixelSize() > 0:
            exact_px = factor * float(widget.property("exact_px") or font.pixelSize())
            widget.setProperty("exact_px", exact_px)
            font.setPixelSize(round(exact_px))
            widget.setFont(font)


def with_text(size_px: float) -> int:
    """The room that text needs now which takes ``size_px`` at the usual size; no less than that."""
    return round(size_px * max(_text_percent, 100) / 100)


@cache
def ui_font(size_px: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The font of the window at a size; shared, so not to be changed. Finding a font takes longer than drawing.

    ``size_px`` is that of the usual text; the font is as much larger or smaller as the user wants text to be.
    """
    return usual_font(round(size_px * _text_percent / 100), weight)


@cache
def usual_font(size_px: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The font of the window at a size, whatever size the user wants text to be; shared, so not to be changed."""
    font = QFont()
    font.setFamilies(["Inter", "Segoe UI", "Noto Sans", "Ubuntu", "DejaVu Sans"])
    font.setPixelSize(size_px)
    font.setWeight(weight)
    return font


def qt_palette(theme: Theme) -> QPalette:
    """Qt's own roles in our colours, for what the style sheet does not reach."""
    role = QPalette.ColorRole
    palette = QPalette()
    for name, colour in (
        (role.Window, theme.panel), (role.Base, theme.ground), (role.AlternateBase, theme.panel),
        (role.Button, theme.raised), (role.ToolTipBase, theme.panel), (role.Highlight, theme.raised),
        (role.WindowText, theme.text), (role.Text, theme.text), (role.ButtonText, theme.text),
        (role.ToolTipText, theme.text), (role.HighlightedText, theme.text), (role.PlaceholderText, theme.dim),
        (role.Link, theme.current), (role.Accent, theme.current),
    ):  # fmt: skip
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.dim))
    return palette


def style_sheet(theme: Theme) -> str:
    """No borders where a change of ground does."""
    t = theme
    return f"""
    QMainWindow, QDialog {{ background: {t.panel}; }}
    QToolTip {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.line}; padding: 3px; }}
    QMenuBar {{ background: {t.panel}; color: {t.text}; padding: 2px 4px; }}
    QMenuBar::item {{ padding: 3px 9px; background: transparent; border-radius: 4px; }}
    QMenuBar::item:selected, QMenu::item:selected {{ background: {t.raised}; }}
    QMenu {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 4px 28px 4px 22px; border-radius: 3px; }}
    QMenu::item:disabled {{ color: {t.dim}; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
    QPushButton {{ background: {t.raised}; color: {t.text}; border: 0; border-radius: 4px; padding: 5px 13px; }}
    QPushButton:hover {{ background: {t.line}; }}
    QPushButton:pressed {{ background: {t.ground}; }}
    QPushButton:disabled {{ color: {t.dim}; background: {t.panel}; }}
    QPushButton:checked {{ color: {t.accuracy}; }}
    QPushButton#word {{ background: transparent; color: {t.dim}; padding: 0; text-align: right; }}
    QPushButton#word:hover {{ color: {t.text}; }}
    QPushButton#word:focus, QPushButton#count:focus {{ color: {t.text}; text-decoration: underline; }}
    QPushButton#word:disabled {{ background: transparent; }}
    QPushButton#count {{ background: transparent; color: {t.dim}; padding: 2px 6px; }}
    QPushButton#count[wrong="true"] {{ color: {t.alarm}; }}
    QPushButton#count:hover {{ color: {t.text}; text-decoration: underline; }}
    QPushButton#count:checked {{ background: {t.raised}; color: {t.text}; }}
    QLineEdit {{ background: {t.ground}; color: {t.text}; border: 1px solid {t.line}; border-radius: 4px;
        padding: 1px 6px; selection-background-color: {t.raised}; selection-color: {t.text}; }}
    QLineEdit:focus {{ border-color: {t.dim}; }}
    QPlainTextEdit {{ background: {t.ground}; color: {t.text}; border: 1px solid {t.ground};
        selection-background-color: {t.line}; selection-color: {t.text}; }}
    QPlainTextEdit:focus, QTableView#networks:focus {{ border: 1px solid {t.line}; }}
    QComboBox, QSpinBox, QDoubleSpinBox {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.raised};
        border-radius: 4px; padding: 2px 8px; }}
    QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus {{ border-color: {t.dim}; }}
    QComboBox:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {{ color: {t.dim}; background: {t.panel}; }}
    QComboBox::drop-down {{ border: 0; width: 20px; }}
    QComboBox::down-arrow {{ width: 0; height: 0; }}
    QComboBox QLineEdit {{ background: transparent; border: 0; padding: 0; }}
    QComboBox QAbstractItemView {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.line};
        selection-background-color: {t.raised}; selection-color: {t.text}; }}
    QCheckBox::indicator, QTableView::indicator {{ width: 11px; height: 11px; border: 1px solid {t.dim};
        border-radius: 3px; }}
    QCheckBox::indicator:checked, QTableView::indicator:checked {{ background: {t.text}; border-color: {t.text};
        image: url("{_tick(t)}"); }}
    QCheckBox:focus {{ text-decoration: underline; }}
    QPushButton#statistics {{ background: transparent; color: {t.dim}; padding: 0; text-align: right; }}
    QPushButton#statistics:hover {{ color: {t.text}; }}
    QPushButton#info {{ background: transparent; color: {t.dim}; border: 1px solid {t.line}; border-radius: 7px;
        padding: 0; min-width: 12px; max-width: 12px; min-height: 12px; max-height: 12px; font-size: 9px; }}
    QPushButton#info:hover, QPushButton#info:checked {{ color: {t.text}; border-color: {t.dim}; }}
    QPushButton#live {{ background: {t.raised}; color: {t.accuracy}; border-radius: 7px; padding: 0 9px; }}
    QPushButton#live:hover {{ background: {t.line}; }}
    QPushButton#pill {{ background: {t.raised}; border-radius: 11px; padding: 5px 16px; }}
    QPushButton#pill:hover {{ background: {t.line}; }}
    QLabel {{ color: {t.text}; background: transparent; }}
    QLabel#wrong {{ color: {t.alarm}; }}
    QLabel#good {{ color: {t.accuracy}; }}
    QLabel#dim, QLabel#header, QLabel#nothing {{ color: {t.dim}; }}
    QLabel#nothing {{ background: {t.ground}; }}
    QLabel#simulated {{ background: {t.alarm}; color: {t.on_alarm}; border-radius: 4px; padding: 4px 15px;
        font-weight: 700; }}
    QLabel#simulatedWord {{ color: {t.alarm}; font-weight: 600; font-size: 10px; }}
    QFrame#message {{ background: {mixed(t.alarm, t.panel, 0.16).name()}; border-left: 3px solid {t.alarm}; }}
    QFrame#message[kind="note"] {{ background: {t.raised}; border-left: 3px solid {t.dim}; }}
    QFrame#tour {{ background: {t.raised}; border: 1px solid {t.current}; border-radius: 6px; }}
    QFrame#tour QLabel {{ border: 0; }}
    QFrame#tour QLabel#dim {{ color: {t.text}; }}
    QFrame#tour QPushButton {{ background: {t.panel}; }}
    QFrame#tour QPushButton#word {{ background: transparent; text-align: left; }}
    QPushButton#offer {{ border: 1px solid {t.dim}; }}
    QProgressBar {{ background: {t.raised}; border: 0; border-radius: 2px; max-height: 4px; min-height: 4px; }}
    QProgressBar::chunk {{ background: {t.accuracy}; border-radius: 2px; }}
    QWidget#page {{ background: {t.ground}; }}
    QTableView {{ background: {t.ground}; alternate-background-color: {t.panel}; color: {t.text}; border: 0;
        selection-background-color: {t.raised}; selection-color: {t.text}; }}
    QTableView::item {{ padding: 0 6px; }}
    QHeaderView {{ background: {t.panel}; border: 0; }}
    QHeaderView::section {{ background: {t.panel}; color: {t.dim}; border: 0; padding: 0 9px; }}
    QSplitter::handle {{ background: {t.panel}; }}
    QSplitter::handle:hover {{ background: {t.raised}; }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: 0; }}
    QScrollBar:vertical {{ background: transparent; width: 8px; }}
    QScrollBar:horizontal {{ background: transparent; height: 8px; }}
    QScrollBar::handle {{ background: {t.raised}; border-radius: 4px; min-height: 24px; min-width: 24px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    """


def _tick(theme: Theme) -> str:
    """The file of a tick that stands out from the text colour of the theme, as a style sheet names it."""
    return resource_path(f"icons/tick-{'light' if theme.name == 'dark' else 'dark'}-box.svg").as_posix()


_offscreen: QApplication | None = None
"""Kept here, since Qt keeps no reference to it."""


def application(*options: str) -> QApplication:
    """The application in our style; ``options`` are those of Qt, for one that does not exist yet."""
    if QApplication.instance() is None:
        give_back_large_blocks()  # of a program that is left open for days
    app = QApplication.instance() or QApplication([*sys.argv[:1], *options])
    assert isinstance(app, QApplication)
    app.setApplicationName("monitor-app")
    if app.style().objectName() != "fusion":  # setting it polishes every widget anew
        app.setStyle("Fusion")
    app.setFont(ui_font(BODY_PX))
    pg.setConfigOptions(antialias=False, useOpenGL=False)
    return app


def offscreen_application() -> None:
    """Make one that needs no display, for a command line, unless there is an application already."""
    global _offscreen
    if QApplication.instance() is None:
        _offscreen = application("-platform", "offscreen")
