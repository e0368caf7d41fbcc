# SPDX-License-Identifier: Apache-2.0
"""How long does a folder of sessions take to analyse: one after another, side by side, and asked again?

    python tests/benchmarks/bench_studies.py [SESSIONS] [SESSION]

Without a session, one of 28 runs is recorded from the emulated board first, which takes a minute and a half. It is
copied; each copy is a file of its own, so nothing of one is known from another. Prints a line a way.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from monitor_app.analysis.study import study as one_after_another
from monitor_app.cli import main as monitor_app
from monitor_app.fleet.kept import kept_folder
from monitor_app.fleet.studies import study

PROFILE = """
title = "An emulated board"
[[source]]
kind = "shunt"
emulate = "tx1"
[source.roles]
power = "total"
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.3
power_check = false
idle_s = 0.3
warm_up_s = 0.2
warm_up_batches = 1
timed_s = 1.0
timed_batches = 3
[plan]
networks = [
    "alexnet_2016", "bn_alexnet", "bn_nin", "enet", "googlenet_2016", "resnet18", "vgg16", "vgg19", "resnet34",
    "resnet50", "resnet101_2016", "resnet152_2016", "inception_v3_2016", "inception_v4_2016",
]
batch_sizes = [1, 4]
accuracy = "once"
images = "published"
"""
REPEATS = 5


def recorded(folder: Path) -> Path:
    profile, session = folder / "it.toml", folder / "it.plm"
    profile.write_text(PROFILE)
    assert monitor_app(["record", str(profile), "-o", str(session), "--quiet"]) == 0
    return session


def seconds(what: object, files: list[Path]) -> float:
    began = time.perf_counter()
    what(files)  # type: ignore[operator]
    return time.perf_counter() - began


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="monitor-app-bench-") as place:
        folder = Path(place)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        session = Path(sys.argv[2]) if len(sys.argv) > 2 else recorded(folder)
        files = [folder / f"board-{number}.plm" for number in range(count)]
        for file in files:
            shutil.copy2(session, file)
        size = session.stat().st_size / 1e6
        print(f"{count} sessions of {size:.1f} MB, {len(os.sched_getaffinity(0))} cores")
        print(f"one after another   {seconds(one_after_another, files):6.2f} s")
        print(f"first time          {seconds(study, files):6.2f} s")
        again = [seconds(study, files) for _ in range(REPEATS)]
        print(f"asked again         {statistics.median(again):6.3f} s (median of {REPEATS})")
        held = sum(path.stat().st_size for path in kept_folder().iterdir())
        print(f"kept                {held / count / 1e3:6.0f} kB a session")


if __name__ == "__main__":
    main()
