# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E402 (Qt and the logs read the environment when they are loaded)
"""The real window under random mouse and key events, with a simulated board recording behind it.

    python tests/benchmarks/random_actions.py [SECONDS] [SEED]

Every action is a real event of Qt, chosen by a generator with this seed: keys, clicks of every button, drags, wheels,
menus, context menus and whatever dialogs they open. After each of them there must be no exception and no error in a
log, the bench must live unless a command ended it, no sample may be lost unless a command disconnected the meter, and
the window must have answered within 2 s. Once a minute everything is closed with Esc: then the window must follow the
recording again, and memory and the number of widgets are noted. What went wrong is printed with the last actions, each
kind once; the exit code is 1 where anything did.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_home = tempfile.TemporaryDirectory(prefix="random-actions-")
for _variable in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
    os.environ[_variable] = _home.name
if os.environ["QT_QPA_PLATFORM"] == "offscreen":
    # Its own screen is of 800 x 800 pixels.
    _screen = {"name": "one", "x": 0, "y": 0, "width": 2560, "height": 1440, "logicalDpi": 96, "dpr": 1}
    (Path(_home.name) / "screens.json").write_text(json.dumps({"screens": [_screen]}))
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={_home.name}/screens.json"

import psutil
from PySide6.QtCore import QObject, QPoint, QPointF, QRect, Qt, QTimer, qInstallMessageHandler
from PySide6.QtGui import QKeySequence, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QMessageBox,
    QWidget,
)
from shiboken6 import isValid
from window_watch import ErrorLog, Findings, WatchedBench

from monitor_app.cli.files import new_unsaved_session
from monitor_app.core.log import WINDOW_LOG, log_to_file, state_folder
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.settings import Settings, settings_file
from monitor_app.gui.theme import application

if TYPE_CHECKING:
    from monitor_app.bench.client import BenchClient

PROFILE = """
title = "Random actions"
[[source]]
kind = "shunt"
emulate = "tx1"
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.3
idle_s = 0.4
warm_up_s = 0.5
warm_up_batches = 1
timed_s = 1.5
timed_batches = 3
[plan]
networks = ["alexnet_2016", "resnet18", "enet"]
batch_sizes = [1, 4]
cycles = 0
images = "published"
"""
SLOW_S = 2.0
CHECK_EVERY_S = 60.0
PATIENCE_S = 20.0
"""For the window to follow again; much longer than it takes on an idle machine."""
NO, SHIFT, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
MODIFIERS = (NO, NO, NO, SHIFT, CTRL)
UNTOLD = ("plugin does not support", "outside target window")
"""What Qt says of a screen that is none, and of a mouse on a window that has changed its size meanwhile."""
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
BUTTONS = (LEFT, LEFT, LEFT, LEFT, RIGHT, RIGHT, MIDDLE)
KEYS = (
    *(getattr(Qt.Key, f"Key_{name}") for name in "123456789"),
    *(getattr(Qt.Key, f"Key_{name}") for name in ("Tab", "Backtab", "Return", "Escape", "Space", "Delete", "A", "J")),
)
TEXTS = ("", "1", "0.5", "-3", "1e9", "abc", "peak", "12:30", "5 s", "<b>&amp;</b>", "ü 漢字", "9" * 40, "resnet")


class Actor(QObject):
    """Acts on the window, one action after another, inside of whatever event loop a dialog runs."""

    def __init__(self, profile: Path, seconds: float, seed: int) -> None:
        super().__init__()
        self.findings = WatchedBench.findings = Findings()
        self.random = random.Random(seed)
        self.actions = self.starts = 0
        self._written = (Path(_home.name) / "trail.txt").open("w", buffering=1)
        """Stays where the process dies."""
        self._profile, self._folder = profile, Path(_home.name) / "files"
        self._folder.mkdir()
        (self._folder / "bad.plm").write_bytes(b"no session at all")
        self._end_s = time.monotonic() + seconds
        self._check_s = time.monotonic() + CHECK_EVERY_S / 4
        self._began_s = time.monotonic()
        self.window = self._open(recorded=None)
        self._beat_s = (time.monotonic(), time.thread_time())
        self.slow: list[tuple[float, str]] = []
        self._heart = QTimer(self, interval=20)
        self._heart.timeout.connect(self._beat)
        self._heart.start()
        self._checking = False
        self._edge_s = 0.0
        self._again()

    # -- the window ------------------------------------------------------------------------------

    def _start(self, stored_in: Path | None = None) -> BenchClient:
        if stored_in is None:
            return WatchedBench(self._profile, new_unsaved_session())
        return WatchedBench(stored_in, new_unsaved_session(), stored=True)

    def _open(self, recorded: Path | None) -> MainWindow:
        self.starts += 1
        client = None if recorded is not None else self._start()
        window = MainWindow(
            client, recorded, start_bench=self._start, unsaved=recorded is None, settings=Settings(settings_file())
        )
        window.resize(1280, 800)
        window.show()
        window.activateWindow()
        window.sessions.announce_unsaved()
        return window

    def _reopen(self) -> None:
        """Another window, once this one has been closed: live, or on a session that there is."""
        there = [*self._folder.glob("*.plm"), *state_folder().glob("sessions/*.plm")]
        recorded = self.random.choice(there) if there and self.random.random() < 0.4 else None
        self.findings.trail.append(f"a new window on {recorded or 'a bench'}")
        self.window.deleteLater()
        self.window = self._open(recorded)

    def _beat(self) -> None:
        """How long the event loop has not turned."""
        now, cpu = time.monotonic(), time.thread_time()
        gap, own = now - self._beat_s[0], cpu - self._beat_s[1]
        self._beat_s = (now, cpu)
        if gap > 0.25:
            self.slow = sorted([*self.slow, (gap, f"{own:.2f} s of processor, {self._last}")], reverse=True)[:8]
        # A window that closes waits for its bench.
        if own > SLOW_S or (gap > 5 * SLOW_S and "new window" not in self._last):
            self.findings.add("the window did not answer", f"{gap:.2f} s, {own:.2f} s of processor")

    @property
    def _last(self) -> str:
        return self.findings.trail[-1] if self.findings.trail else ""

    # -- one action after another ----------------------------------------------------------------

    def _again(self, ms: int | None = None) -> None:
        # Before the action, which may return only when a dialog has been answered; a timer of its own each, since one
        # timer does not fire again within itself.
        QTimer.singleShot(self.random.choice((5, 20, 50, 150)) if ms is None else ms, self.step)

    def step(self) -> None:
        now = time.monotonic()
        if now > self._end_s and not self._checking:
            self._finish()
            return
        if self._checking:
            self._again(30)
            self._calm()
            return
        if now > self._check_s:
            self._checking, self._calm_steps, self._calm_since = True, 0, now
        self._again()
        self.actions += 1
        self.act()

    def act(self) -> None:
        popup, modal = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            self._in_popup(popup)
        elif modal is not None:
            self._in_dialog(modal)
        elif not self.window.isVisible():
            self._reopen()
        else:
            others = self._others
            if others and self.random.random() < 0.3:
                self._in_dialog(self.random.choice(others))
            else:
                self._in_window()

    @property
    def _others(self) -> list[QWidget]:
        """Windows besides the main one; tips go by themselves."""
        seen = [each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not self.window]
        return [each for each in seen if each.windowType() is not Qt.WindowType.ToolTip]

    def _in_window(self) -> None:
        if not self.window.isActiveWindow():
            self.window.activateWindow()  # no window manager does, once another window has been closed
        kinds = (self._shortcut, self._press_key, self._click, self._click, self._drag, self._wheel, self._menu)
        if self.random.random() < 0.02:
            self._resize()
        else:
            self.random.choice(kinds)()

    def _note(self, text: str) -> None:
        line = f"{time.monotonic() - self._began_s:7.2f} s  {text}"
        self.findings.trail.append(line)
        self._written.write(line + "\n")

    def _shortcut(self) -> None:
        """Of a command; quitting is seldom wanted."""
        actions = [each for each in self.window.actions() if each.shortcuts()]
        action = self.random.choice(actions)
        if (
            action.text() in {"Quit", "Run or stop the plan", "Record, or stop recording"}
            and self.random.random() < 0.6
        ):
            return
        combination = self.random.choice(action.shortcuts())[0]
        self._note(f"{QKeySequence(combination).toString()}: {action.text()}")
        QTest.keyClick(self.window.windowHandle(), combination.key(), combination.keyboardModifiers())

    def _press_key(self, window: QWidget | None = None) -> None:
        key, modifier = self.random.choice(KEYS), self.random.choice((NO, NO, NO, SHIFT))
        self._note(f"key {Qt.Key(key).name} {modifier.name}")
        QTest.keyClick((window or self.window).windowHandle(), key, modifier)

    def _menu(self) -> None:
        bar = self.window.findChild(QMenuBar)
        if bar is not None:
            action = self.random.choice(bar.actions())
            self._note(f"menu {action.text()}")
            self._mouse(QTest.mouseClick, bar, bar.actionGeometry(action).center(), LEFT, NO)

    def _target(self, window: QWidget) -> QWidget | None:
        """Something to click, the panes most of all."""
        stack = self.window.parts.stack
        if window is self.window and self.random.random() < 0.4:
            return self.random.choice((stack.viewport(), stack.viewport(), self.window.parts.overview))
        kinds = (QAbstractButton, QAbstractItemView, QLineEdit, QLabel, QWidget)
        there = window.findChildren(self.random.choice(kinds))
        seen = [each for each in there if each.isVisible() and each.window() is window and each.isEnabled()]
        return self.random.choice(seen) if seen else None

    def _click(self, window: QWidget | None = None) -> None:
        widget = self._target(window or self.window)
        if widget is None:
            return
        if isinstance(widget, QAbstractItemView):
            widget = widget.viewport()
        at, button, modifier = self._point(widget), self.random.choice(BUTTONS), self.random.choice(MODIFIERS)
        do = QTest.mouseDClick if self.random.random() < 0.15 else QTest.mouseClick
        self._note(f"{do.__name__} {button.name} {modifier.name} on {_named(widget)} at {at.x()}, {at.y()}")
        self._mouse(do, widget, at, button, modifier)

    def _drag(self, window: QWidget | None = None) -> None:
        widget = self._target(window or self.window)
        if widget is None:
            return
        button, modifier = self.random.choice((LEFT, LEFT, LEFT, MIDDLE, RIGHT)), self.random.choice(MODIFIERS)
        start, end = self._point(widget), self._point(widget)
        self._note(f"drag {button.name} {modifier.name} on {_named(widget)} {start.x()}, {start.y()} to {end.x()}, "
                   f"{end.y()}")  # fmt: skip
        self._mouse(QTest.mousePress, widget, start, button, modifier)
        for k in range(1, 6):
            if QApplication.activePopupWidget() is None and QApplication.activeModalWidget() is None:
                self._mouse(QTest.mouseMove, widget, start + (end - start) * k / 5)
        self._mouse(QTest.mouseRelease, widget, end, button, modifier)

    def _wheel(self, window: QWidget | None = None) -> None:
        widget = self._target(window or self.window)
        if widget is None:
            return
        at, modifier = self._point(widget), self.random.choice(MODIFIERS)
        steps = self.random.choice((-5, -2, -1, 1, 2, 5))
        self._note(f"wheel {steps} {modifier.name} on {_named(widget)} at {at.x()}, {at.y()}")
        event = QWheelEvent(
            QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
            modifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def _resize(self) -> None:
        size = self.random.choice(((1280, 800), (900, 600), (1600, 1000), (2560, 1440), (640, 480)))
        self._note(f"resize to {size}")
        self.window.resize(*size)

    def _point(self, widget: QWidget) -> QPoint:
        rect: QRect = widget.rect()
        return QPoint(self.random.randrange(max(rect.width(), 1)), self.random.randrange(max(rect.height(), 1)))

    def _mouse(self, do: Any, widget: QWidget, at: QPoint, *how: Any) -> None:
        """Through the window system, as a real mouse, so that context menus come too."""
        if not isValid(widget):  # a menu or a dialog that closed with the last event
            return
        window = widget.window()
        handle = window.windowHandle()
        if handle is None or not window.isVisible():
            return
        place = widget.mapTo(window, at)
        if how:
            do(handle, *how, place)
        else:
            do(handle, place)

    # -- menus and dialogs -----------------------------------------------------------------------

    def _in_popup(self, popup: QWidget) -> None:
        if isinstance(popup, QMenu) and self.random.random() < 0.75:
            actions = [each for each in popup.actions() if each.isEnabled() and not each.isSeparator()]
            if actions:
                action = self.random.choice(actions)
                if action.text() == "Quit" and self.random.random() < 0.8:
                    return
                self._note(f"entry {action.text()}")
                self._mouse(QTest.mouseClick, popup, popup.actionGeometry(action).center(), LEFT, NO)
                return
        self._note(f"Esc in {_named(popup)}")
        QTest.keyClick(popup.windowHandle(), Qt.Key.Key_Escape)

    def _in_dialog(self, dialog: QWidget) -> None:
        if isinstance(dialog, QFileDialog):
            self._in_file_dialog(dialog)
        elif isinstance(dialog, QMessageBox):
            button = self.random.choice(dialog.buttons())
            self._note(f"button {button.text()} of {_named(dialog)}")
            self._mouse(QTest.mouseClick, button, button.rect().center(), LEFT, NO)
        elif self.random.random() < 0.2:
            self._note(f"Esc in {_named(dialog)}")
            QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_Escape)
        elif self.random.random() < 0.1:
            self._note(f"close {_named(dialog)}")
            dialog.close()
        else:
            self.random.choice((self._click, self._click, self._type, self._press_key, self._wheel, self._drag))(dialog)

    def _type(self, dialog: QWidget) -> None:
        fields = [each for each in dialog.findChildren(QLineEdit) if each.isVisible() and each.isEnabled()]
        if fields:
            field, text = self.random.choice(fields), self.random.choice(TEXTS)
            self._note(f"type {text!r} in {_named(dialog)}")
            field.setFocus()
            field.selectAll()
            QTest.keyClicks(field, text)

    def _in_file_dialog(self, dialog: QFileDialog) -> None:
        if self.random.random() < 0.3:
            self._note("Esc in a file dialog")
            QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_Escape)
            return
        there = [str(each) for each in self._folder.iterdir()]
        name = self.random.choice((*there, *(str(self._folder / f"new-{self.actions}{s}") for s in (".plm", ".png")),
                                   str(self._folder / "no" / "folder.plm"), "/dev/full", "/proc/x.plm"))  # fmt: skip
        field = dialog.findChild(QLineEdit)
        if field is not None:
            self._note(f"file {name} in {_named(dialog)}")
            field.setText(name)
            QTest.keyClick(field, Qt.Key.Key_Return)

    # -- once a minute ---------------------------------------------------------------------------

    def _calm(self) -> None:
        """Close all that is open, then see that the window follows its recording."""
        self._calm_steps += 1
        late = time.monotonic() - self._calm_since > PATIENCE_S
        popup, modal = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if (popup or modal) is not None:
            if late:
                self.findings.add(f"{_named(popup or modal)} does not close with Esc")
                self._checking, self._check_s = False, time.monotonic() + CHECK_EVERY_S
                return
            self._note(f"calm: Esc in {_named(popup or modal)}")
            QTest.keyClick((popup or modal).windowHandle(), Qt.Key.Key_Escape)
            return
        others = self._others
        if others:
            if late:
                self.findings.add(f"{', '.join(map(_named, others))} does not close")
                self._checking, self._check_s = False, time.monotonic() + CHECK_EVERY_S
            for each in others:
                each.close()
            return
        if not self.window.isVisible():
            self._reopen()
            return
        if not self._follows():
            if late:
                edge = self.window.edge_s
                self.findings.add("the window does not follow", f"edge {edge:.1f} s, {self.window.view}")
            else:
                return
        self._measure()
        self._checking, self._check_s = False, time.monotonic() + CHECK_EVERY_S

    def _follows(self) -> bool:
        """Whether the newest samples are in view and new ones come; without a bench there is nothing to follow."""
        window = self.window
        if not window.bench.live:
            return True
        if self._calm_steps % 10 == 1:
            window.activateWindow()
            QTest.keyClick(window.windowHandle(), Qt.Key.Key_Escape)
            QTest.keyClick(window.windowHandle(), Qt.Key.Key_End)
        before, self._edge_s = self._edge_s, window.edge_s
        disconnected = isinstance(window.bench.client, WatchedBench) and window.bench.client.may_lose
        return window.view.following and (window.edge_s > before or disconnected)

    def _measure(self) -> None:
        gc.collect()
        process = psutil.Process()
        widgets = len(QApplication.allWidgets())
        objects = len(self.window.findChildren(QObject))
        memory_mb = process.memory_info().rss / 1e6
        told = (
            f"{time.monotonic() - self._began_s:6.0f} s: {self.actions} actions", f"{memory_mb:.0f} MB",
            f"{widgets} widgets", f"{objects} objects of the window", f"{process.num_threads()} threads",
            f"{process.num_fds()} files", f"{self.starts} windows", f"recorded {self.window.edge_s:.0f} s",
        )  # fmt: skip
        print(", ".join(told), flush=True)

    def _finish(self) -> None:
        self._heart.stop()
        self._written.close()
        for each in QApplication.topLevelWidgets():
            if isinstance(each, QDialog):
                each.done(0)
        self.window.close_at_once()
        QTimer.singleShot(0, QApplication.exit)


def _named(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, (QAbstractButton, QLabel, QLineEdit, QMessageBox)) else ""
    title = widget.windowTitle() if widget.isWindow() else ""
    return " ".join(filter(None, (type(widget).__name__, widget.objectName(), text[:30], title[:40])))


def main(seconds: float, seed: int) -> int:
    """Act for a while; the exit code."""
    faulthandler.enable()
    os.chdir(_home.name)
    profile = Path(_home.name) / "profile.toml"
    profile.write_text(PROFILE)
    log_to_file(WINDOW_LOG)
    app = application()
    app.setQuitOnLastWindowClosed(False)  # another one is opened then
    print(f"seed {seed}, {seconds:.0f} s, in {_home.name}", flush=True)
    actor = Actor(profile, seconds, seed)
    errors = ErrorLog(actor.findings)
    logging.getLogger().addHandler(errors)
    qInstallMessageHandler(lambda kind, _, text: errors.warnings.update(
        [] if any(each in text for each in UNTOLD) else [f"{kind.name}: {text}"[:150]]
    ))  # fmt: skip
    sys.excepthook = actor.findings.excepthook
    app.exec()
    sys.excepthook = sys.__excepthook__
    for path in state_folder().glob("*.log*"):
        for text in re.findall(r"Traceback(?:.*\n)(?:[ ].*\n)+.*", path.read_text(errors="replace")):
            # The reasons of sentences that were told are logged with theirs.
            if not text.splitlines()[-1].startswith("monitor_app.core.errors."):
                actor.findings.add(f"a traceback in {path.name}", text)
    for text, count in errors.warnings.most_common(12):
        print(f"warned {count} times: {text}")
    for gap, text in actor.slow:
        print(f"no turn of the event loop for {gap:.2f} s: {text}")
    found = ", ".join(f"{kind} ({count})" for kind, count in actor.findings.counts.items()) or "nothing"
    print(f"seed {seed}: {actor.actions} actions in {actor.starts} windows; found {found}")
    return int(bool(actor.findings.counts))


if __name__ == "__main__":
    code = main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    sys.stdout.flush()
    _home.cleanup()
    sys.exit(code)
