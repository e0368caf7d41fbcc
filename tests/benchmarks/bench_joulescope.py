# SPDX-License-Identifier: Apache-2.0
"""The window and Joulescope UI side by side: the same samples as a session and as JLS, on the same virtual display.

    python tests/benchmarks/bench_joulescope.py PYTHON [SECONDS]

PYTHON is the interpreter of an environment of its own with joulescope_ui and pyjls (`pip install joulescope_ui`). A
simulated meter is recorded for a minute at 50 kSa/s: current, voltage and power. Each program then opens that file in
a window of 1600 x 1000 pixels on an Xvfb, one after the other, and is looked at while it does nothing and while the
wheel zooms in and out over its trace. What is compared is what both paint in the same way: the time that a painting of
the plot takes, how many there are a second, processor time, memory, and the time from the start of the process to the
first painting with samples in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED_S = float(os.environ.get("RECORDED_S", "60"))
PROFILE = """
title = "Side by side"
[[source]]
kind = "shunt"
emulate = "tx1"
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.5
idle_s = 0.5
warm_up_s = 0.5
timed_s = 2.0
timed_batches = 3
[plan]
networks = ["alexnet_2016", "resnet18"]
cycles = 0
"""
CONVERT = """
import sys
import numpy as np
from pyjls import Writer, SourceDef, SignalDef, DataType, SignalType, time64
arrays = np.load(sys.argv[1])
rate, now = int(arrays["rate_hz"]), time64.now()
with Writer(sys.argv[2]) as writer:
    writer.source_def_from_struct(SourceDef(source_id=1, name="JS220-000000", vendor="Jetperch", model="JS220",
                                            version="1", serial_number="000000"))
    for k, (name, unit) in enumerate((("current", "A"), ("voltage", "V"), ("power", "W")), start=1):
        writer.signal_def_from_struct(SignalDef(signal_id=k, source_id=1, signal_type=SignalType.FSR,
                                                data_type=DataType.F32, sample_rate=rate, name=name, units=unit))
        values = np.ascontiguousarray(arrays[name], dtype=np.float32)
        writer.utc(k, 0, now)
        writer.fsr_f32(k, 0, values)
        writer.utc(k, len(values) - 1, now + int(len(values) / rate * time64.SECOND))
"""
DRIVE = """
import json, os, sys, time
began = float(sys.argv[2]); seconds = float(sys.argv[3]); out = sys.argv[4]
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

paints, first = [], []

def timed(paint, has_samples):
    def painted(self, *arguments):
        clock, cpu = time.perf_counter(), time.thread_time()
        paint(self, *arguments)
        paints.append((1e3 * (time.perf_counter() - clock), 1e3 * (time.thread_time() - cpu)))
        if not first and has_samples(self):
            first.append(time.time() - began)
    return painted

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

class Drive:
    def __init__(self, plot, window):
        self.plot, self.window, self.found, self.k = plot, window, {}, 0
        QTimer.singleShot(100, self.wait)

    def wait(self):
        if not first:
            QTimer.singleShot(50, self.wait)
            return
        self.window().setGeometry(0, 0, 1600, 1000)
        QTimer.singleShot(5000, lambda: self.begin("idle", lambda: self.begin("zooming", self.end)))

    def begin(self, what, then):
        paints.clear()
        before = time.process_time(), time.perf_counter()
        def done():
            length = time.perf_counter() - before[1]
            self.found[what] = {"paints": list(paints), "seconds": length,
                                "cpu": (time.process_time() - before[0]) / length, "mb": resident_mb()}
            then()
        if what == "zooming":
            self.timer = QTimer(interval=16, timerType=Qt.PreciseTimer)
            self.timer.timeout.connect(self.turn)
            self.timer.start()
        QTimer.singleShot(int(seconds * 1000), done)

    def turn(self):
        plot = self.plot()
        at = QPoint(plot.width() // 2, plot.height() // 5)
        delta = QPoint(0, 30 if self.k // 30 % 2 == 0 else -30)
        self.k += 1
        at_all = QPointF(plot.mapToGlobal(at))
        self.move = QMouseEvent(QEvent.MouseMove, QPointF(at), at_all, Qt.NoButton, Qt.NoButton, Qt.NoModifier)
        QApplication.sendEvent(plot, self.move)
        self.wheel = QWheelEvent(QPointF(at), at_all, QPoint(), delta, Qt.NoButton, Qt.NoModifier,
                                 Qt.NoScrollPhase, False)
        QApplication.sendEvent(plot, self.wheel)

    def end(self):
        self.timer.stop()
        self.found["first_s"] = first[0]
        self.found["plot_px"] = [self.plot().width(), self.plot().height()]
        self.window().grab().save(out + ".png")
        with open(out, "w") as file:
            json.dump(self.found, file)
        os._exit(0)
"""
OURS = """
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui import app as gui_app
from monitor_app.gui.main_window import MainWindow
PaneStack.paintEvent = timed(PaneStack.paintEvent, lambda s: s.trace.lines is not None and len(s.trace.lines.mean_x))
made = []
initialise = MainWindow.__init__
def noted(self, *arguments, **options):
    initialise(self, *arguments, **options)
    made.append(self)
    self.signals.toggle_quantity("A")
    self.signals.toggle_quantity("V")
    made.append(Drive(lambda: self.parts.stack.viewport(), lambda: self))
MainWindow.__init__ = noted
from pathlib import Path
gui_app.run_window(None, Path(sys.argv[1]))
"""
THEIRS = """
from PySide6.QtWidgets import QWidget
from joulescope_ui.widgets.waveform import waveform_widget as module
def has_samples(widget):
    return any(each is not None for each in getattr(widget, "_signals_data", {}).values())
module.WaveformWidget.plot_paint = timed(module.WaveformWidget.plot_paint, has_samples)
found = []
def plot():
    if found:
        return found[0]
    seen = [w for w in QApplication.allWidgets() if type(w).__name__ in ("_PlotOpenGLWidget", "_PlotWidget")]
    found.append(max(seen, key=lambda w: w.width() * w.height()))
    return found[0]
def window():
    return max(QApplication.topLevelWidgets(), key=lambda w: w.isVisible() * w.width() * w.height())
execute = QApplication.exec
def exec_driven(*arguments):
    global drive
    drive = Drive(plot, window)
    return execute()
QApplication.exec = exec_driven
from joulescope_ui.main import run
run(filename=sys.argv[1])
"""


def main(python: str, seconds: float) -> None:
    """Record, convert, and drive both programs."""
    with tempfile.TemporaryDirectory(prefix="joulescope-") as name:
        folder = Path(name)
        session, jls = folder / "samples.plm", folder / "samples.jls"
        record(folder, session)
        convert(python, session, jls, folder)
        print(f"samples of {RECORDED_S:.0f} s: session {size_mb(session):.0f} MB, JLS {size_mb(jls):.0f} MB")
        with display() as number:
            for title, interpreter, code, file in (
                ("monitor-app", sys.executable, OURS, session),
                ("Joulescope UI", python, THEIRS, jls),
            ):
                tell(title, drive(interpreter, code, file, folder / f"{title}.json", number, seconds))


def record(folder: Path, session: Path) -> None:
    profile = folder / "profile.toml"
    profile.write_text(PROFILE)
    command = [sys.executable, "-m", "monitor_app", "record", str(profile), "-o", str(session), "--duration"]
    subprocess.run([*command, str(RECORDED_S)], check=True, capture_output=True)


def convert(python: str, session: Path, jls: Path, folder: Path) -> None:
    """Every sample of the three signals, as 32-bit floats."""
    with SessionReader(session) as reader:
        signals = {each.name: each for each in reader.signals()}
        extent = reader.extent()
        assert extent is not None
        arrays = {
            name: reader.samples(signals[name].id, extent.start_ns, extent.end_ns)[1]
            for name in ("current", "voltage", "power")
        }
        rate_hz = round(reader.sources()[0].rate_hz)
    np.savez(folder / "samples.npz", rate_hz=rate_hz, **arrays)
    subprocess.run([python, "-c", CONVERT, str(folder / "samples.npz"), str(jls)], check=True)


@contextmanager
def display() -> Iterator[str]:
    """A virtual display of 1920 x 1200 pixels."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1920x1200x24", "+extension", "GLX"],
        pass_fds=(writing,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def drive(python: str, code: str, file: Path, out: Path, number: str, seconds: float) -> dict:
    """One program, from its start to its end."""
    environment = {**os.environ, "DISPLAY": number, "QT_QPA_PLATFORM": "xcb", "HOME": str(out.parent)}
    environment["QT_OPENGL"] = "software"  # Joulescope UI asks for it there; without it, it dies on an Xvfb
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        environment[variable] = str(out.parent / "home")
    command = [python, "-X", "faulthandler", "-c", DRIVE + code, str(file), str(time.time()), str(seconds), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    if not out.exists() or "Traceback" in done.stderr:
        raise SystemExit(f"{out.stem} has ended with {done.returncode}:\n{done.stderr[:9000]}")
    kept = os.environ.get("KEEP_PICTURES")
    if kept:
        (Path(kept) / f"{out.stem}.png").write_bytes(Path(f"{out}.png").read_bytes())
    log = out.parent / "home" / "monitor-app" / "window.log"
    if log.exists() and "Traceback" in log.read_text():
        raise SystemExit(log.read_text())
    return json.loads(out.read_text())


def tell(title: str, found: dict) -> None:
    """Three lines."""
    idle, zooming = found["idle"], found["zooming"]
    clock, processor = np.array(zooming["paints"]).T
    print(f"{title}: plot of {found['plot_px'][0]} x {found['plot_px'][1]} px, first painted after "
          f"{found['first_s']:.2f} s\n"
          f"  idle: {100 * idle['cpu']:.1f} % of a core, {len(idle['paints']) / idle['seconds']:.1f} paintings/s, "
          f"{idle['mb']:.0f} MB\n"
          f"  zooming: {100 * zooming['cpu']:.0f} % of a core, {len(clock) / zooming['seconds']:.0f} paintings/s, "
          f"p50 {np.percentile(clock, 50):.1f} ms, p95 {np.percentile(clock, 95):.1f} ms; of processor "
          f"p50 {np.percentile(processor, 50):.1f} ms, p95 {np.percentile(processor, 95):.1f} ms, "
          f"{zooming['mb']:.0f} MB", flush=True)  # fmt: skip


def size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
