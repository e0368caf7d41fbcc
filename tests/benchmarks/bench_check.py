# SPDX-License-Identifier: Apache-2.0
"""Are the verdicts of `check` right? The tables of docs/performance.md.

    python tests/benchmarks/bench_check.py [BOARDS [TABLE ...]]

TABLE is misses, p99, meter, top1 or bursts; all of them without one.

Simulates BOARDS boards (500 take some ten minutes) below a limit, exactly at it, and above it, and holds the limit
against each as the program does. Prints in per cent how many were passed and how many failed; the others were
inconclusive. Below the limit FAIL is wrong and above it PASS; at it neither is taken for right. The times of batches
are correlated or come in bursts (`tests/analysis/require/boards.py`); a power wanders and differs from run to run, and
the meter is off by up to what it states.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.require.judgement import Verdict, judge
from monitor_app.analysis.require.requirements import Kind, Requirement
from tests.analysis.require.boards import (
    DEADLINE_S,
    TRUE_J,
    TRUE_W,
    Bursts,
    Correlated,
    answered,
    metered,
    series,
    timed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor_app.analysis.require.evidence import Evidence

KINDS = {
    "independent": Correlated(0.0),
    "correlation 0.5": Correlated(0.5),
    "correlation 0.9": Correlated(0.9),
    "bursts of 5": Bursts(5, fixed=True),
    "bursts of 3 in the mean": Bursts(3),
}
LONG = {
    "bursts of 5 in the mean": Bursts(5),
    "bursts of 10": Bursts(10, fixed=True),
    "bursts of 10 in the mean": Bursts(10),
}
"""Longer than what is assumed until bursts have been seen, which is five batches."""
COUNTS = {0.05: (1000, 5000), 0.01: (1000, 5000, 20_000), 0.001: (20_000, 60_000)}
BESIDE = (0.5, 1.0, 2.0)
"""True value over the limit."""
P99 = Requirement(Kind.P99, DEADLINE_S)


def main(boards: int, *chosen: str) -> None:
    """Simulate and print."""
    tables = {"misses": misses, "p99": p99, "meter": meter, "top1": top1, "bursts": bursts}
    for name in chosen or tables:
        tables[name](boards)


def misses(boards: int) -> None:
    """The fraction of missed deadlines."""
    _latencies("Deadline, by how batches resemble each other", KINDS, boards, _deadline)


def bursts(boards: int) -> None:
    """Of bursts longer than assumed."""
    _latencies("Deadline, bursts longer than is assumed", LONG, boards, _deadline)


def p99(boards: int) -> None:
    """The time that 1 % of the batches exceed, which is above its limit where more than 1 % exceed that."""
    _latencies("p99", KINDS, boards, lambda limit: P99 if limit == 0.01 else None)


def _deadline(limit: float) -> Requirement:
    return Requirement(Kind.MISSES, limit, DEADLINE_S)


def _latencies(
    title: str,
    kinds: dict[str, Correlated] | dict[str, Bursts] | dict[str, Correlated | Bursts],
    boards: int,
    requirement_of: Callable[[float], Requirement | None],
) -> None:
    head = [f"{beside:g} of the limit" for beside in BESIDE]
    table(title, boards, ["batches", "at most", "", *head])
    for limit, counts in COUNTS.items():
        requirement = requirement_of(limit)
        if requirement is None:
            continue
        for count in counts:
            for number, (name, kind) in enumerate(kinds.items()):
                entries = [
                    share(
                        requirement,
                        map(
                            timed, series(kind, round(1000 * (count + beside)) + number, limit * beside, count, boards)
                        ),
                    )
                    for beside in BESIDE
                ]
                row(f"{count:,}", f"{100 * limit:g} %", name, *entries)


def meter(boards: int) -> None:
    """Energy and power, of several short runs and of a long one."""
    table("Energy and power", boards, ["runs", "", "7 % below the limit", "at the limit", "7 % above it"])
    for cycles, batches in ((5, 30), (5, 200), (1, 30), (1, 1000)):
        evidence = [
            metered(np.random.default_rng([5, cycles, batches, board]), cycles=cycles, batches=batches)
            for board in range(boards)
        ]
        for kind, true in ((Kind.ENERGY, TRUE_J), (Kind.POWER, TRUE_W)):
            entries = [share(Requirement(kind, true / beside), evidence) for beside in (0.93, 1.0, 1.07)]
            row(f"{cycles} of {batches:,} batches", kind.value, *entries)


def top1(boards: int) -> None:
    """Accuracy: ten times the boards, since each is cheap."""
    table("Top-1 accuracy, at least 70 %", 10 * boards, ["images", "true 75 %", "true 70 %", "true 65 %"])
    requirement = Requirement(Kind.TOP1, 0.7)
    for images in (20, 100, 1000, 5000):
        random = np.random.default_rng([6, images])
        row(
            f"{images:,}",
            *(
                share(
                    requirement, (answered(int(right), images) for right in random.binomial(images, true, 10 * boards))
                )
                for true in (0.75, 0.7, 0.65)
            ),
        )


def share(requirement: Requirement, evidence: Iterable[Evidence]) -> str:
    """Passed and failed, in per cent."""
    found = [judge(requirement, each).verdict for each in evidence]
    passed, failed = (100 * found.count(verdict) / len(found) for verdict in (Verdict.PASS, Verdict.FAIL))
    return f"{passed:.1f} PASS, {failed:.1f} FAIL"


def table(title: str, boards: int, head: list[str]) -> None:
    """The head of a table."""
    print(f"\n**{title}** ({boards:,} boards for each entry)\n\n| {' | '.join(head)} |\n{'|---' * len(head)}|")


def row(*entries: str) -> None:
    """A line of it, as soon as it is known."""
    print(f"| {' | '.join(entries)} |", flush=True)


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["500"])[0]), *sys.argv[2:])
