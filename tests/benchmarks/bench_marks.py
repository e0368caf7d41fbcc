# SPDX-License-Identifier: Apache-2.0
"""What a mark costs the program that makes it, and whether all are counted: 100 000 of them at 10 kHz.

    python tests/benchmarks/bench_marks.py [PROFILE] [MARKS] [RATE_HZ]

The same from Python and, where there is a compiler, from C; recorded with PROFILE (simulated-tx1). The cost of the
loop without marks has been taken off. Beside it stand that of a span where no bench listens, and that of one `send` by
itself, which most of a mark is and which varies several times over with the machine's other load.
Exit code 1: a mark is neither recorded nor counted as lost.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from monitor_app.core.files.package_data import resource_path
from monitor_app.session.reader import SessionReader

REAL = ("env", "-u", "MONITOR_APP_LOAD")
"""A simulated board is told of each span, which a real one is not."""
PYTHON = """
import sys, time
from monitor_marks import listening, span
count, step_s = int(sys.argv[1]), 1 / float(sys.argv[2])
took, clock = [], time.perf_counter
due = clock()
for _ in range(count):
    while clock() < due:
        pass
    start = clock()
    due = max(due, start - step_s) + step_s
    with span("inference", images=8):
        pass
    took.append(clock() - start)
empty = []
for _ in range(10000):
    start = clock()
    empty.append(clock() - start)
took.sort(); empty.sort()
off = empty[len(empty) // 2]
print([1e6 * (each - off) for each in (took[count // 2], sum(took) / count, took[int(0.99 * count)])], listening())
"""
C = """
#include "monitor_marks.h"
static int order(const void *a, const void *b) {
    return (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}
int main(int argc, char **argv) {
    long count = atol(argv[1 * (argc > 2)]), k;
    int64_t step = (int64_t)(1e9 / atof(argv[2])), due = monitor_now_ns(), sum = 0;
    int64_t *took = (int64_t *)malloc(count * sizeof *took);
    for (k = 0; k < count; k++) {
        int64_t start;
        while (monitor_now_ns() < due) { }
        start = monitor_now_ns();
        due = (due > start - step ? due : start - step) + step;
        monitor_end("inference", monitor_begin(), 8);
        took[k] = monitor_now_ns() - start;
        sum += took[k];
    }
    qsort(took, count, sizeof *took, order);
    printf("[%g, %g, %g] %s\\n", took[count / 2] * 1e-3, (double)sum / count * 1e-3, took[(long)(0.99 * count)] * 1e-3,
           monitor_listening() ? "True" : "False");
    return 0;
}
"""


def bare_send_s() -> float:
    """The median time of one that is taken at once."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    data, took = bytes(63), []
    with one, other:
        for _ in range(20_000):
            start = time.perf_counter()
            one.send(data)
            took.append(time.perf_counter() - start)
            other.recv(100)
    return statistics.median(took)


def measured(folder: Path, profile: str, name: str, command: list[str], count: int) -> bool:
    """Print a line; whether all marks are accounted for."""
    session = folder / f"{name}.plm"
    words = [sys.executable, "-m", "monitor_app", "run", "-q", "-o", str(session), profile, "--", *REAL, *command]
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    median_us, mean_us, p99_us = json.loads(said.rpartition(" ")[0])
    with SessionReader(session) as reader:
        (row,) = reader.programs().values()
        spans = reader.work_spans().of("inference")
    rate = 1e9 / statistics.median((spans["start_ns"][1:] - spans["start_ns"][:-1]).tolist())
    print(
        f"{name:8} {median_us:6.2f} us a mark (mean {mean_us:.2f}, p99 {p99_us:.2f}); of {count:,} at {rate:,.0f} Hz "
        f"{row.marks:,} recorded, {row.lost:,} lost and counted, {count - row.marks - row.lost:,} unaccounted for"
    )
    return row.marks + row.lost == count


def main(profile: str = "simulated-tx1", marks: str = "100000", rate_hz: str = "10000") -> int:
    """The exit code."""
    with tempfile.TemporaryDirectory(prefix="bench-marks-") as name:
        folder = Path(name)
        programs = {"Python": [sys.executable, "-c", PYTHON]}
        if (compiler := shutil.which("cc")) is not None:
            (folder / "marks.c").write_text(C)
            options = ["-O2", "-I", str(resource_path("marks")), str(folder / "marks.c"), "-o", str(folder / "marks")]
            subprocess.run([compiler, *options], check=True)
            programs["C"] = [str(folder / "marks")]
        print(f"{'':8} {1e6 * bare_send_s():6.2f} us for one send of a datagram of that size, from Python")
        fine = True
        for language, command in programs.items():
            fine &= measured(folder, profile, language, [*command, marks, rate_hz], int(marks))
            alone = {**os.environ, "PYTHONPATH": str(resource_path("marks"))}
            alone.pop("MONITOR_APP_MARKS", None)
            said = subprocess.run(
                [*command, "20000", rate_hz], env=alone, stdout=subprocess.PIPE, text=True, check=True
            )
            print(f"{'':8} {json.loads(said.stdout.rpartition(' ')[0])[0]:6.2f} us where no bench listens")
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
