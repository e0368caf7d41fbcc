# SPDX-License-Identifier: Apache-2.0
"""The pictures of the guide, taken from the window as it is: `make pictures`.

    python tests/benchmarks/pictures.py [FOLDER] [NAME...]

Records a board that replays the published times (the window live meanwhile), and looks at that session with each part
of the window: dark and light, at 1280 x 800, some also at 2560 x 1440. What was measured differs a little from time to
time; what is seen does not. ``NAME``: only these, for example ``figures``; the recording is made in any case.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from own_home import HOME
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, QRect
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from monitor_app.bench.board.doctor import Check, Verdict
from monitor_app.bench.client import BenchClient
from monitor_app.cli.files import new_unsaved_session
from monitor_app.core.files.package_data import profile_path
from monitor_app.core.runs import Phase
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.new.board_part import BoardPart
from monitor_app.gui.settings import Settings, settings_file
from monitor_app.gui.theme import THEMES, application

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.session.rows import SpanRow

ROOT = Path(__file__).parents[2]
SMALL, LARGE = (1280, 800), (2560, 1440)
MARGIN = 14
"""Around a part of the window, in pixels."""
PATIENCE_S = 300.0
RECORDED = "published networks.plm"
EXACT = 120
"""The most frequent colours, which grounds, lines and words have."""
SEEN = 20
"""Of 255: how much the others, of the edges of letters and lines, may change by the palette."""
PROFILE = """\
# The paper's networks without a board: a simulated Jetson TX1 replays the
# published times and accuracies behind a simulated shunt of 50 kSa/s.
title = "Simulated TX1"

[[source]]
kind = "shunt"
name = "shunt"
emulate = "tx1"

[source.roles]
power = "total"

[inference]
device = "emulated:tx1"

[protocol]
settle_s = 0.4
idle_s = 0.7
warm_up_s = 0.6
warm_up_batches = 2
timed_s = 2.5
timed_batches = 3

[plan]
networks = [
    "alexnet_2016", "googlenet_2016", "resnet18", "enet",
    "vgg16", "resnet50", "bn_nin", "inception_v3_2016",
]
batch_sizes = [1, 4, 16]
cycles = 1
images = "published"
"""

REQUIRED = """
[require]
deadline_ms = 12.5
max_miss_ratio = 0.05
p99_ms = 20
max_energy_mj = 130
max_power_w = 10
min_top1 = 60
"""
FOUND_ON_A_BOARD = {
    "login": "lab on tx2-bench; Python 3.6.9 runs the agent.",
    "machine": "ARMv8 Processor rev 3 (v8l), 6 cores; kernel 4.9.253-tegra.",
    "board": "Jetson TX2, L4T 32.7.1 (JetPack 4).",
    "rails": "VDD_IN, VDD_SYS_GPU, VDD_SYS_SOC, VDD_4V0_WIFI, VDD_SYS_CPU, VDD_SYS_DDR.",
    "power mode": "MAXN; there are: MAXN, MAXQ, MAXP_CORE_ALL, MAXP_CORE_ARM, MAXP_CORE_DENVER.",
    "sudo rule": "The power mode and the clocks can be set.",
    "inference": "Python 3.6.9, torch 1.10.0, on cpu (ARMv8 Processor rev 3), cuda:0 (NVIDIA Tegra X2).",
    "link": "Times of the board are known to ± 0.31 ms, which is added to the bound of a meter here.",
}
"""An example of what a test of the connection says."""

SEVERAL = """
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.4
idle_s = 1.5
warm_up_s = 1.0
timed_s = 5.0
[plan]
networks = ["googlenet_2016", "resnet50"]
images = "published"
"""
"""After the instruments of the profile simulated-bench, in place of its plan, whose networks really run."""


class Pictures:
    """Takes them into a folder, one after another."""

    def __init__(self, folder: Path, wanted: set[str]) -> None:
        self._folder, self._wanted = folder, wanted
        self._profile, self._bench = Path(HOME.name) / "simulated-tx1.toml", Path(HOME.name) / "simulated-bench.toml"
        self._profile.write_text(PROFILE)
        instruments = profile_path("simulated-bench").read_text(encoding="utf-8").split("[plan]")[0]
        self._bench.write_text(instruments + SEVERAL)

    def take_all(self) -> None:
        """What needs a recording in progress first."""
        if not self._wanted or "several" in self._wanted:
            self._several()
        recorded = self._live()
        for name, take in (
            ("new", self._new), ("board", self._board), ("markers", self._markers), ("inferences", self._inferences),
            ("overlay", self._overlay), ("figures", self._figures), ("requirements", self._requirements),
            ("start-page", self._start_page),
        ):  # fmt: skip
            if not self._wanted or name in self._wanted:
                shown = {"start-page": None, "requirements": self._required(recorded)}.get(name, recorded)
                window = self._window(shown)
                take(window)
                close(window)

    def _window(self, session: Path | None, client: BenchClient | None = None) -> MainWindow:
        window = MainWindow(
            client, session, start_bench=self._start, unsaved=client is not None, settings=Settings(settings_file()),
            theme=THEMES["dark"],
        )  # fmt: skip
        window.resize(*SMALL)
        window.show()
        window.activateWindow()
        until(lambda: session is None or window.edge_s > 0)
        turn(1.0)
        return window

    def _start(self, _: object = None) -> BenchClient:
        return BenchClient(self._profile, new_unsaved_session())

    def _shoot(
        self, name: str, window: MainWindow, seen: QWidget, *, large: bool = False,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        """In both themes, and at both sizes where it is ``large``; each when it is ``ready``."""
        for size in (SMALL, LARGE) if large else (SMALL,):
            for theme in THEMES:
                window.appearance.use_theme(theme)
                seen.resize(*size)
                turn(1.5)
                until(ready)
                light, at = "" if theme == "dark" else f"-{theme}", "" if size == SMALL else f"-{size[0]}"
                self._keep(seen, self._folder / f"{name}{light}{at}.png")
        seen.resize(*SMALL)
        window.appearance.use_theme("dark")

    def _keep(self, seen: QWidget, path: Path, part: QRect | None = None) -> None:
        if self._wanted and path.stem.split("-light")[0].removesuffix("-2560") not in self._wanted:
            return
        (seen.grab() if part is None else seen.grab(part)).save(str(path))
        print(f"{path.name}: {shrink(path):,} bytes", flush=True)

    # -- one after another -----------------------------------------------------------------------

    def _several(self) -> None:
        """Instruments on one axis, while the second network is timed; in the dark theme alone."""
        window = self._window(None, BenchClient(self._bench, new_unsaved_session()))
        until(lambda: len(done(window)) == 1 and phase(window) == Phase.TIMED)
        turn(3.0)
        self._keep(window, self._folder / "several.png")
        close(window)

    def _live(self) -> Path:
        """While it records, and the session once all its runs have ended."""
        window = self._window(None, self._start())
        until(lambda: len(done(window)) >= 4)
        self._shoot("live", window, window, large=True, ready=lambda: phase(window) == Phase.TIMED)
        until(lambda: len(done(window)) == 24 and phase(window) is None)
        recorded = Path(HOME.name) / RECORDED
        assert window.recording is not None
        if window.recording.lost_samples:
            print("This computer was too busy: lost samples are in the pictures. Take them again.", flush=True)
        window.document.target = recorded
        window.bench.stop_recording()
        until(lambda: recorded.exists() and not window.bench.live)
        close(window)
        return recorded

    def _new(self, window: MainWindow) -> None:
        window.new_bench.show()
        sheet = window.new_bench.sheet
        assert sheet is not None
        turn(3.0)  # the weights are looked for
        self._shoot("new", window, sheet, large=True)
        sheet.close()

    def _board(self, window: MainWindow) -> None:
        """What a test of the connection has found; in the dark theme alone."""
        window.new_bench.show()
        sheet = window.new_bench.sheet
        assert sheet is not None
        sheet.resize(*SMALL)
        part = sheet.part(BoardPart)
        part.host.setCurrentText("lab@tx2-bench")
        part.fields["inference_python"].setText("/home/lab/torch/bin/python")
        part.advanced.setChecked(True)
        for name, text in FOUND_ON_A_BOARD.items():
            part.lines.add(Check(name, Verdict.READY, text))
        turn(1.0)
        parent = part.parentWidget()
        assert parent is not None
        self._keep(parent, self._folder / "board.png", part.geometry().adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))
        sheet.close()

    def _required(self, recorded: Path) -> Path:
        """The session as if its profile had asked for something."""
        path = recorded.with_name("required.plm")
        shutil.copy(recorded, path)
        with closing(sqlite3.connect(path)) as session, session:
            session.execute("UPDATE meta SET value = value || ? WHERE key = 'profile'", (REQUIRED,))
        return path

    def _requirements(self, window: MainWindow) -> None:
        """The verdicts on a network, its deadline and the batches that missed it."""
        window.show_run(5)
        timed = next(each for each in spans_of_run(window, 5) if each.phase == Phase.TIMED)
        start_s, end_s = seconds(window, timed)
        window.navigation.show_between(start_s - 1.0, end_s + 0.5)
        until(lambda: bool(window.requirements.judgements))
        turn(2.0)
        self._shoot("requirements", window, window)

    def _markers(self, window: MainWindow) -> None:
        """A single at the beginning of a run, one pair while it idles, and one over its timed batches."""
        spans = spans_of_run(window, 5)
        window.show_run(5)
        turn(1.0)
        timed = next(each for each in spans if each.phase == Phase.TIMED)
        idle = next(each for each in spans if each.phase == Phase.IDLE_BEFORE)
        window.markers.lay_single(seconds(window, timed)[0] - 0.4)
        window.markers.lay(*inner(seconds(window, idle)), name="idle")
        window.markers.lay(*inner(seconds(window, timed)), name="full")
        turn(1.0)
        self._shoot("markers", window, window)

    def _inferences(self, window: MainWindow) -> None:
        """Zoomed in on batches, with the mouse on one."""
        window.markers.restore(())
        timed = next(each for each in spans_of_run(window, 5) if each.phase == Phase.TIMED)
        start_s, end_s = seconds(window, timed)
        window.show_run(5)
        window.navigation.show_between((start_s + end_s) / 2 - 0.22, (start_s + end_s) / 2 + 0.22)
        turn(1.0)
        stack = window.parts.stack
        rect = stack.trace.rect
        for x in (0.3, 0.5):
            at = QPointF(rect.left() + x * rect.width(), rect.top() + 0.4 * rect.height())
            QTest.mouseMove(stack.viewport(), stack.mapFromScene(at))
            turn(0.5)
        self._shoot("inferences", window, window)

    def _overlay(self, window: MainWindow) -> None:
        window.inferences.overlay_runs(4, 7)
        seen = window.inferences.window
        assert seen is not None
        until(lambda: seen.job is None and seen.list.count() == 4)
        seen.list.setCurrentRow(3)
        self._shoot("overlay", window, seen)

    def _figures(self, window: MainWindow) -> None:
        window.figures.show()
        seen = window.figures.window
        assert seen is not None
        until(lambda: seen.figures is not None)
        seen.choose("chart", "top1-operations")
        self._shoot("figures", window, seen, large=True)

    def _start_page(self, window: MainWindow) -> None:
        """With a recording that somebody has left behind, and two sessions that were saved."""
        recent = Path(HOME.name) / "cold start.plm"
        shutil.copy(self._left_behind(), recent)
        window.sessions.add_recent(recent)
        window.sessions.add_recent(Path(HOME.name) / RECORDED)
        window.sessions.list_on(window.parts.start_page)
        turn(2.0)
        self._shoot("start-page", window, window)

    def _left_behind(self) -> Path:
        """A short recording in the folder of those that nobody has saved."""
        client = self._start()
        other = self._window(None, client)
        until(lambda: len(done(other)) == 2)
        close(other)
        return client.session


# -- what is on the screen -------------------------------------------------------------------------


def done(window: MainWindow) -> list[int]:
    recording = window.recording
    return [] if recording is None else [run.id for run in recording.runs if run.state == "done"]


def phase(window: MainWindow) -> str | None:
    """What is going on now."""
    recording = window.recording
    now = [span for span in recording.spans if span.end_ns is None] if recording is not None else []
    return now[-1].phase if now else None


def spans_of_run(window: MainWindow, run: int) -> list[SpanRow]:
    assert window.recording is not None
    return [span for span in window.recording.spans if span.run == run]


def seconds(window: MainWindow, span: SpanRow) -> tuple[float, float]:
    assert window.recording is not None
    assert span.end_ns is not None
    return window.recording.seconds(span.start_ns), window.recording.seconds(span.end_ns)


def inner(span_s: tuple[float, float]) -> tuple[float, float]:
    """Without the moment in which the power changes."""
    start_s, end_s = span_s
    return start_s + 0.1 * (end_s - start_s), end_s - 0.1 * (end_s - start_s)


# -- time, and files -------------------------------------------------------------------------------


def turn(seconds: float) -> None:
    """Let the window live for so long."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        QApplication.processEvents()
        time.sleep(0.002)


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        turn(0.05)
        if time.monotonic() > end_s:
            raise TimeoutError("The window does not show what the picture is of.")


def close(window: MainWindow) -> None:
    window.close_at_once()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def shrink(path: Path) -> int:
    """A palette where no difference is seen; the size in bytes. Grounds keep their colours exactly."""
    with Image.open(path) as image:
        full = np.asarray(image.convert("RGB"))
    colours, places, counts = np.unique(full.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    common = colours[np.argsort(-counts)[:EXACT]]
    others = Image.fromarray(colours[np.newaxis]).quantize(256 - len(common), Image.Quantize.MAXCOVERAGE).getpalette()
    palette = np.concatenate((common, np.array(others, np.uint8).reshape(-1, 3)))[:256]
    apart = np.abs(colours[:, np.newaxis].astype(int) - palette.astype(int)).max(axis=2)
    if apart.min(axis=1).max() <= SEEN:
        small = Image.fromarray(apart.argmin(axis=1).astype(np.uint8)[places.reshape(full.shape[:2])], "P")
        small.putpalette(palette.tobytes())
        small.save(path, optimize=True)
    else:
        Image.fromarray(full).save(path, optimize=True)
    return path.stat().st_size


def main(folder: Path, wanted: set[str]) -> int:
    """Take the pictures; the exit code."""
    logging.disable(logging.WARNING)
    application()
    Pictures(folder, wanted).take_all()
    return 0


if __name__ == "__main__":
    code = main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images", set(sys.argv[2:]))
    HOME.cleanup()
    sys.exit(code)
