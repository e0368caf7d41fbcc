# SPDX-License-Identifier: Apache-2.0
"""Damaged sessions through every command that reads one.

    python tests/benchmarks/fuzz_sessions.py [MUTATIONS] [FIRST] [PROCESSES]

Each seed from FIRST on damages a small session in its own way (tests/cli/mutations.py) and gives it to `show` and to
one of the other commands, all in turn. There may be no traceback, nothing over 20 s of processor, no changed file
and no use of over 2 GB. Prints what went wrong, each kind once with its seeds, and ends with 1 where something did.
A process takes a hundred seeds, in memory of its own; one that dies is a finding too.
"""

from __future__ import annotations

import collections
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BATCH = 100
BATCH_S = 1800.0


def main(count: int, first: int, processes: int) -> int:
    """Run all seeds; the exit code."""
    starts = range(first, first + count, BATCH)
    began = time.monotonic()
    found: dict[str, list[str]] = collections.defaultdict(list)
    done = kinds = ran = 0
    with ThreadPoolExecutor(processes) as pool:
        for lines in pool.map(lambda start: _batch(start, min(BATCH, first + count - start)), starts):
            for line in lines:
                word, _, text = line.partition(" ")
                if word == "FAULT":
                    seed, _, fault = text.partition(" ")
                    found[_kind(fault)].append(f"{seed}: {fault}")
                    print(f"{seed}: {fault}", flush=True)
                elif word == "DONE":
                    done += 1
                    ran += int(text.split()[1])
            kinds = len(found)
            print(
                f"{done} mutations, {ran} commands, {kinds} kinds of fault, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    for each in found.values():
        print(f"{len(each)} times, first seed {each[0]}")
    print(f"{done} mutations of {count}, {ran} commands, {time.monotonic() - began:.0f} s, {kinds} kinds of fault")
    return 1 if found or done < count else 0


def _kind(fault: str) -> str:
    return re.sub(r"/\S*/\S*", "", re.sub(r"\d{4,}", "N", fault))


def _batch(start: int, count: int) -> list[str]:
    """Ask a process of its own."""
    process = [sys.executable, __file__, "--batch", str(start), str(count)]
    try:
        done = subprocess.run(process, capture_output=True, text=True, timeout=BATCH_S, check=False, env=_environment())
    except subprocess.TimeoutExpired as error:
        lines = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        return [*lines.splitlines(), f"FAULT {start} the batch hangs after {len(lines.splitlines())} mutations"]
    lines = done.stdout.splitlines()
    if done.returncode:
        lines.append(f"FAULT {start + sum(line.startswith('DONE') for line in lines)} the process ended with "
                     f"{done.returncode}: {done.stderr[-300:]!r}")  # fmt: skip
    return lines


def _environment() -> dict[str, str]:
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run_batch(start: int, count: int) -> None:
    """In this process; a line a fault and a line a mutation on stdout."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from PySide6.QtWidgets import QApplication

    from monitor_app.analysis.campaign import assembly
    from monitor_app.analysis.run.inputs import Effort
    from tests.cli.damaged import commands, faults
    from tests.cli.mutations import KINDS, mutate, write_whole

    assembly.EFFORT = Effort(most_samples=10_000, resamples=50)
    kept = QApplication([])  # drawing a chart would make one that has no widgets, which a picture then needs
    kept.setQuitOnLastWindowClosed(False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        write_whole(folder / "whole.plm")
        whole = (folder / "whole.plm").read_bytes()
        for seed in range(start, start + count):
            place = folder / str(seed)
            place.mkdir()
            session = place / "s.plm"
            kind = mutate(whole, session, seed)
            every = commands(session, folder / "out")
            rest = every[1:]
            round_, turn = divmod(seed // len(KINDS), len(rest))
            other = rest[turn]
            if other[0] == "report" and round_ % 2:
                other = rest[0]  # a report takes as long as all others together
            chosen = [every[0], other]
            for fault in faults(session, folder / "out", chosen):
                print(f"FAULT {seed} {kind}: {fault}", flush=True)
            print(f"DONE {seed} {len(chosen)}", flush=True)
            session.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--batch"]:
        run_batch(int(sys.argv[2]), int(sys.argv[3]))
    else:
        numbers = [int(text) for text in sys.argv[1:]] + [10_000, 0, os.cpu_count() or 1][len(sys.argv) - 1 :]
        sys.exit(main(*numbers))
