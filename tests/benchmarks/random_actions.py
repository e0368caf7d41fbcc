# SPDX-License-Identifier: Apache-2.0
"""The real window under random mouse and key events, with a simulated board recording behind it.

    python tests/benchmarks/random_actions.py [SECONDS] [SEED]

Every action is a real event of Qt, chosen by a generator with this seed: keys, clicks of every button, drags, wheels,
menus, context menus and whatever dialogs and windows they open, among them the sheet New, the inferences of a pair and
of two runs, notes, the start page, and further windows, which are closed after a while. After each of them there must
be no exception and no error in a log, the bench must live unless a command ended it, no sample may be lost unless a
command disconnected the meter, and the window must have answered within 2 s. Once a minute everything is closed with
Esc: then the window must follow the recording again, and memory and the number of widgets are noted. What went wrong is
printed with the last actions, each kind once; the exit code is 1 where anything did.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import re
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from own_home import HOME, PROFILE
from PySide6.QtCore import QObject, QPoint, QRect, Qt, QTimer, qInstallMessageHandler
from PySide6.QtGui import QKeySequence
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
    QPlainTextEdit,
    QWidget,
)
from random_scenes import Scenes
from window_input import BUTTONS, KEYS, LEFT, MIDDLE, MODIFIERS, NO, RIGHT, SHIFT, TEXTS, Hand, name_of, text_of
from window_watch import ErrorLog, Findings, FurtherWindows, WatchedBench, memory_mb, size_of

from monitor_app.bench.client import ProfileFile, Resumed
from monitor_app.cli.files import new_unsaved_session
from monitor_app.core.log import WINDOW_LOG, log_to_file, state_folder
from monitor_app.core.samples import COMPUTED
from monitor_app.core.status import SourceState
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.new.sheet import NewSheet
from monitor_app.gui.session_files import sessions
from monitor_app.gui.settings import Settings, settings_file
from monitor_app.gui.theme import application

if TYPE_CHECKING:
    from monitor_app.bench.client import BenchClient
    from monitor_app.gui.bench.controller import Wanted

SLOW_S = 2.0
CHECK_EVERY_S = 60.0
MOST_BYTES = 8 << 30
"""Of addresses: a process that grows without end has an exception here, and takes no other one down."""
PATIENCE_S = 20.0
"""For the window to follow again; much longer than it takes on an idle machine."""
UNTOLD = ("plugin does not support", "outside target window")
"""What Qt says of a screen that is none, and of a mouse on a window that has changed its size meanwhile."""


class Actor(QObject):
    """Acts on the window, one action after another, inside of whatever event loop a dialog runs."""

    def __init__(self, profile: Path, seconds: float, seed: int) -> None:
        super().__init__()
        self.findings = WatchedBench.findings = Findings()
        self.further = FurtherWindows(self.findings, Path(HOME.name))
        self.hand, self.scenes = Hand(), Scenes(self)
        self.random = random.Random(seed)
        self.actions = self.starts = 0
        self._written = (Path(HOME.name) / "trail.txt").open("w", buffering=1)
        """Stays where the process dies."""
        self._profile, self._folder = profile, Path(HOME.name) / "files"
        self._folder.mkdir()
        (self._folder / "bad.plm").write_bytes(b"no session at all")
        self._end_s = time.monotonic() + seconds
        self._check_s = time.monotonic() + CHECK_EVERY_S / 4
        self._began_s = time.monotonic()
        self.window = self._open(recorded=None)
        self._beat_s = (time.monotonic(), time.thread_time())
        self.slow: list[tuple[float, str]] = []
        self.grown: list[tuple[float, str]] = []
        """The largest steps of memory, in MB, and what came before them."""
        self._memory_mb = memory_mb()
        self._heart = QTimer(self, interval=20)
        self._heart.timeout.connect(self._beat)
        self._heart.start()
        self._checking = False
        self._edge_s = 0.0
        self._again()

    # -- the window ------------------------------------------------------------------------------

    def _start(self, wanted: Wanted = None) -> BenchClient:
        if wanted is None:
            return WatchedBench(self._profile, new_unsaved_session())
        if isinstance(wanted, ProfileFile):
            return WatchedBench(wanted.path, new_unsaved_session(), trusted=wanted.trusted)
        if isinstance(wanted, Resumed):
            return WatchedBench(wanted.session, wanted.session, stored=True, resume=True)
        return WatchedBench(wanted, new_unsaved_session(), stored=True)

    def _open(self, recorded: Path | None, *, start_page: bool = False) -> MainWindow:
        self.starts += 1
        client = None if recorded is not None or start_page else self._start()
        window = MainWindow(
            client, recorded, start_bench=self._start, unsaved=client is not None, settings=Settings(settings_file())
        )
        window.resize(1280, 800)
        window.show()
        window.activateWindow()
        window.sessions.announce_unsaved()
        return window

    def _reopen(self) -> None:
        """Another window, once this one has been closed: live, on a session that there is, or on the start page."""
        there = [*self._folder.glob("*.plm"), *state_folder().glob("sessions/*.plm")]
        recorded = self.random.choice(there) if there and self.random.random() < 0.4 else None
        start_page = recorded is None and self.random.random() < 0.3
        self.note(f"a new window on {recorded or ('the start page' if start_page else 'a bench')}")
        self.window.deleteLater()
        self.window = self._open(recorded, start_page=start_page)

    def _beat(self) -> None:
        """How long the event loop has not turned."""
        now, cpu = time.monotonic(), time.thread_time()
        gap, own = now - self._beat_s[0], cpu - self._beat_s[1]
        self._beat_s = (now, cpu)
        if gap > 0.25:
            self.slow = sorted([*self.slow, (gap, f"{own:.2f} s of processor, {self._last}")], reverse=True)[:8]
        before_mb, self._memory_mb = self._memory_mb, memory_mb()
        if self._memory_mb - before_mb > 5:
            self.grown = sorted([*self.grown, (self._memory_mb - before_mb, self._last)], reverse=True)[:8]
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
        if self.hand.busy:
            self._again(5)
            return
        self.hand.let_go()
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
        rest = self.random.random()
        if rest < 0.02:
            self._resize()
        elif rest < 0.1:
            self.scenes.play()
        else:
            self.random.choice(kinds)()

    def note(self, text: str) -> None:
        line = f"{time.monotonic() - self._began_s:7.2f} s  {text}"
        self.findings.trail.append(line)
        self._written.write(line + "\n")

    def _shortcut(self) -> None:
        """Of a command; quitting is seldom wanted."""
        actions = [each for each in self.window.actions() if each.shortcuts()]
        action = self.random.choice(actions)
        if (
            text_of(action) in {"Quit", "Run or stop the plan", "Record, or stop recording"}
            and self.random.random() < 0.6
        ):
            return
        combination = self.random.choice(action.shortcuts())[0]
        self.note(f"{QKeySequence(combination).toString()}: {action.text()}")
        self.hand.key(self.window, combination.key(), combination.keyboardModifiers())

    def _press_key(self, window: QWidget | None = None) -> None:
        key, modifier = self.random.choice(KEYS), self.random.choice((NO, NO, NO, SHIFT))
        self.note(f"key {Qt.Key(key).name} {modifier.name}")
        self.hand.key(window or self.window, key, modifier)

    def _menu(self) -> None:
        bar = self.window.findChild(QMenuBar)
        if bar is not None:
            action = self.random.choice(bar.actions())
            self.note(f"menu {action.text()}")
            self.hand.click(bar, bar.actionGeometry(action).center())

    # -- clicks, drags and wheels ----------------------------------------------------------------

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
        at, button, modifier = self.point(widget), self.random.choice(BUTTONS), self.random.choice(MODIFIERS)
        double = self.random.random() < 0.15
        self.note(f"{'double ' * double}click {button.name} {modifier.name} on {name_of(widget)} at {at.x()}, {at.y()}")
        self.hand.click(widget, at, button, modifier, double=double)

    def _drag(self, window: QWidget | None = None) -> None:
        widget = self._target(window or self.window)
        if widget is None:
            return
        button, modifier = self.random.choice((LEFT, LEFT, LEFT, MIDDLE, RIGHT)), self.random.choice(MODIFIERS)
        start, end = self.point(widget), self.point(widget)
        self.note(f"drag {button.name} {modifier.name} on {name_of(widget)} {start.x()}, {start.y()} to {end.x()}, "
                   f"{end.y()}")  # fmt: skip
        self.pull(widget, start, end, button, modifier)

    def pull(
        self, widget: QWidget, start: QPoint, end: QPoint, button: Qt.MouseButton, modifier: Qt.KeyboardModifier
    ) -> None:
        self.hand.press(widget, start, button, modifier)
        for k in range(1, 6):
            if QApplication.activePopupWidget() is None and QApplication.activeModalWidget() is None:
                self.hand.move(widget, start + (end - start) * k / 5)
        self.hand.release(widget, end, modifier)

    def _wheel(self, window: QWidget | None = None) -> None:
        widget = self._target(window or self.window)
        if widget is None:
            return
        at, modifier = self.point(widget), self.random.choice(MODIFIERS)
        steps = self.random.choice((-5, -2, -1, 1, 2, 5))
        self.note(f"wheel {steps} {modifier.name} on {name_of(widget)} at {at.x()}, {at.y()}")
        self.hand.wheel(widget, at, steps, modifier)

    def _resize(self) -> None:
        size = self.random.choice(((1280, 800), (900, 600), (1600, 1000), (2560, 1440), (640, 480)))
        self.note(f"resize to {size}")
        self.window.resize(*size)

    def point(self, widget: QWidget) -> QPoint:
        rect: QRect = widget.rect()
        return QPoint(self.random.randrange(max(rect.width(), 1)), self.random.randrange(max(rect.height(), 1)))

    # -- menus and dialogs -----------------------------------------------------------------------

    def _in_popup(self, popup: QWidget) -> None:
        if isinstance(popup, QMenu) and self.random.random() < 0.75:
            actions = [each for each in popup.actions() if each.isEnabled() and not each.isSeparator()]
            if actions:
                action = self.random.choice(actions)
                if text_of(action) == "Quit" and self.random.random() < 0.8:
                    return
                self.note(f"entry {action.text()}")
                self.hand.click(popup, popup.actionGeometry(action).center())
                return
        choices = popup.findChild(QAbstractItemView)  # of a list that opens below a field
        if choices is not None and self.random.random() < 0.7:
            self.note(f"choose in {name_of(popup)}")
            self.hand.click(choices.viewport(), self.point(choices.viewport()))
            return
        self._esc(popup)

    def _esc(self, widget: QWidget, why: str = "") -> None:
        self.note(f"{why}Esc in {name_of(widget)}")
        self.hand.key(widget, Qt.Key.Key_Escape)

    def _in_dialog(self, dialog: QWidget) -> None:
        if isinstance(dialog, QFileDialog):
            self._in_file_dialog(dialog)
        elif isinstance(dialog, QMessageBox):
            button = self.random.choice(dialog.buttons())
            self.note(f"button {button.text()} of {name_of(dialog)}")
            self.hand.click(button, button.rect().center())
        elif isinstance(dialog, NewSheet) and self.random.random() < 0.08:
            self.note("Start in the sheet New")
            self.hand.click(dialog.start, dialog.start.rect().center())
        elif self.random.random() < (0.04 if isinstance(dialog, NewSheet) else 0.2):
            self._esc(dialog)
        elif self.random.random() < 0.1:
            self.note(f"close {name_of(dialog)}")
            dialog.close()
        else:
            self.random.choice((self._click, self._click, self._type, self._press_key, self._wheel, self._drag))(dialog)

    def _type(self, dialog: QWidget) -> None:
        there = [each for kind in (QLineEdit, QPlainTextEdit) for each in dialog.findChildren(kind)]
        fields = [each for each in there if each.isVisible() and each.isEnabled()]
        if fields:
            field, text = self.random.choice(fields), self.random.choice(TEXTS)
            self.note(f"type {text!r} in {name_of(dialog)}")
            if isinstance(field, QLineEdit):
                field.selectAll()
            self.hand.text(field, text)

    def _in_file_dialog(self, dialog: QFileDialog) -> None:
        if self.random.random() < 0.3:
            self._esc(dialog)
            return
        there = [str(each) for each in self._folder.iterdir()]
        name = self.random.choice((*there, str(self._folder / f"new-{self.actions}.plm"),
                                   str(self._folder / f"new-{self.actions}.png"), str(self._folder / "own.toml"),
                                   str(self._folder / "no" / "folder.plm"), "/dev/full", "/proc/x.plm"))  # fmt: skip
        field = dialog.findChild(QLineEdit)
        if field is not None:
            self.note(f"file {name} in {name_of(dialog)}")
            field.setText(name)
            field.setFocus()
            self.hand.key(dialog, Qt.Key.Key_Return)

    # -- once a minute ---------------------------------------------------------------------------

    def _calm(self) -> None:
        """Close all that is open, then see that the window follows its recording."""
        self._calm_steps += 1
        late = time.monotonic() - self._calm_since > PATIENCE_S
        popup, modal = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if (popup or modal) is not None:
            if late:
                self.findings.add(f"{name_of(popup or modal)} does not close with Esc")
                self._checking, self._check_s = False, time.monotonic() + CHECK_EVERY_S
                return
            self._esc(popup or modal, "calm: ")
            return
        others = self._others
        if others:
            if late:
                self.findings.add(f"{', '.join(map(name_of, others))} does not close")
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
                self.findings.add(
                    "the window does not follow",
                    f"edge {edge:.1f} s, {self.window.view}, {self.window.bench.status}",
                )
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
            self.hand.key(window, Qt.Key.Key_Escape)
            self.hand.key(window, Qt.Key.Key_End)
        before, self._edge_s = self._edge_s, window.edge_s
        status = window.bench.status
        measured = status is not None and any(
            each.state is SourceState.STREAMING and each.kind not in COMPUTED for each in status.sources
        )
        return window.quiet.active or (window.view.following and (window.edge_s > before or not measured))

    def _measure(self) -> None:
        told = (
            f"{time.monotonic() - self._began_s:6.0f} s: {self.actions} actions", size_of(self.window),
            f"{self.starts} windows", f"recorded {self.window.edge_s:.0f} s",
        )  # fmt: skip
        print(", ".join(told), flush=True)

    def _finish(self) -> None:
        self._heart.stop()
        self.further.close()
        self._written.close()
        for each in QApplication.topLevelWidgets():
            if isinstance(each, QDialog):
                each.done(0)
        self.window.close_at_once()
        QTimer.singleShot(0, QApplication.exit)


def main(seconds: float, seed: int) -> int:
    """Act for a while; the exit code."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    os.chdir(HOME.name)
    profile = Path(HOME.name) / "profile.toml"
    profile.write_text(PROFILE)
    log_to_file(WINDOW_LOG)
    app = application()
    app.setQuitOnLastWindowClosed(False)  # another one is opened then
    print(f"seed {seed}, {seconds:.0f} s, in {HOME.name}", flush=True)
    actor = Actor(profile, seconds, seed)
    sessions.new_window = actor.further.open  # type: ignore[assignment]
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
    for step_mb, text in actor.grown:
        print(f"{step_mb:.0f} MB more: {text}")
    for gap, text in actor.slow:
        print(f"no turn of the event loop for {gap:.2f} s: {text}")
    found = ", ".join(f"{kind} ({count})" for kind, count in actor.findings.counts.items()) or "nothing"
    print(f"seed {seed}: {actor.actions} actions in {actor.starts} windows; found {found}")
    return int(bool(actor.findings.counts))


if __name__ == "__main__":
    code = main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    sys.stdout.flush()
    HOME.cleanup()
    sys.exit(code)
