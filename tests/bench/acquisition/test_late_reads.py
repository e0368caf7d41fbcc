# SPDX-License-Identifier: Apache-2.0
"""Which losses a late read explains, with times made by hand."""

from __future__ import annotations

import pytest

from monitor_app.bench.acquisition.late_reads import LateReads
from monitor_app.bench.acquisition.timeline import Gap

MS = 1_000_000


def reads(*at_ms: int, cpu_ms: int = 0) -> LateReads:
    """Reads that came back at these times; ``cpu_ms`` of processor time are used between two of them."""
    made = LateReads()
    made.connect()
    for k, ms in enumerate(at_ms):
        made.note(ms * MS, k * cpu_ms * MS)
    return made


def gap(start_ms: int, end_ms: int) -> Gap:
    return Gap(0, 2_000, start_ms * MS, end_ms * MS, "lost on the way")


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "explained"),
    [(1_300, 1_340, True), (990, 1_010, True), (500, 540, False), (2_300, 2_340, True), (2_600, 2_640, False)],
)
def test_only_a_loss_during_the_late_read_or_soon_after_is_explained(
    start_ms: int, end_ms: int, explained: bool
) -> None:
    noted = reads(900, 950, 1_000, 1_500, 1_550)
    assert (noted.cause_of(gap(start_ms, end_ms)) is not None) == explained


def test_reads_that_waited_for_the_instrument_explain_nothing() -> None:
    assert reads(*range(0, 2_000, 60)).cause_of(gap(1_000, 1_040)) is None


def test_nothing_is_late_while_nothing_is_connected() -> None:
    noted = reads(0, 50)
    noted.connect()
    noted.note(900 * MS, 0)
    assert noted.cause_of(gap(400, 440)) is None


@pytest.mark.parametrize(("cpu_ms", "advice"), [(20, "end other programs"), (700, "record fewer signals")])
def test_the_sentence_says_who_was_busy(cpu_ms: int, advice: str) -> None:
    late = reads(0, 800, cpu_ms=cpu_ms).cause_of(gap(400, 440))
    assert late is not None
    said = late.explain(gap(400, 440), "shunt")
    assert said.startswith("shunt: 2,000 samples were lost because this computer read nothing for 0.80 s")
    assert f"{cpu_ms / 1000:.2f} s of processor time: {advice}" in said
