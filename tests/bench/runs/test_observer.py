# SPDX-License-Identifier: Apache-2.0
"""What the monitor takes of the processor while batches are timed, as the log of a session says it."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.runs.observer import Observer, load_text, process_s
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from pathlib import Path


def test_the_bench_and_the_window_are_named_apart() -> None:
    assert load_text(3, 2.0, 0.1, 0.5) == (
        "Run 3: while its batches were timed (2.0 s), the bench took 5.0 % and the window 25.0 % of a core."
    )


def test_without_a_window_there_is_none_in_the_sentence() -> None:
    assert load_text(1, 10.0, 0.1, None).endswith("the bench took 1.0 % of a core.")


def test_the_time_of_a_process_is_that_of_the_system(tmp_path: Path) -> None:
    used = process_s(os.getpid())
    assert used is not None
    times = os.times()
    assert used == pytest.approx(times.user + times.system, abs=0.5)
    assert process_s(1, tmp_path) is None
    (tmp_path / "7").mkdir()
    stat = tmp_path / "7" / "stat"
    stat.write_text("7 (a) b) S " + " ".join("1" for _ in range(10)) + " 300 200 0 0")
    ticks = os.sysconf("SC_CLK_TCK")
    assert process_s(7, tmp_path) == pytest.approx(500 / ticks)
    stat.write_text("7 (cut off")
    assert process_s(7, tmp_path) is None


def test_work_of_the_bench_is_counted_also_where_the_run_is_broken_off(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    observer = Observer(recorder, os.getpid())
    with contextlib.suppress(KeyError), observer.watch(4):
        until_s = time.process_time() + 0.1
        while time.process_time() < until_s:
            pass
        raise KeyError
    recorder.close()
    with SessionReader(recorder.path) as reader:
        (row,) = [row for row in reader.log() if row.text.startswith("Run 4")]
    assert row.level == "info"
    bench, window = map(float, re.findall(r"([\d.]+) %", row.text))
    length_s = float(re.findall(r"\(([\d.]+) s\)", row.text)[0])
    assert bench > 0
    assert bench / 100 * (length_s + 0.05) >= 0.1
    assert window / 100 * (length_s + 0.05) >= 0.1 - 2 / os.sysconf("SC_CLK_TCK")
