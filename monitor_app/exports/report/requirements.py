# SPDX-License-Identifier: Apache-2.0
"""The verdicts on what the profiles of a report require."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.require.judgement import Verdict
from monitor_app.exports.report.blocks import Block, BulletList, CellTable, Subtitle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.analysis.require.judgement import Judgement
    from monitor_app.analysis.require.session import SessionVerdicts

_HEAD = ("requirement", "verdict", "measured", "origin")


def counts(found: Sequence[SessionVerdicts]) -> str:
    """How many of each verdict: 3 PASS, 1 FAIL."""
    verdicts = [judgement.verdict for each in found for judgement in each.judgements]
    return ", ".join(f"{verdicts.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in verdicts)


def requirements(names: Sequence[str], found: Sequence[SessionVerdicts]) -> Iterator[Block]:
    """A table for each session that requires something, and below it what was found; nothing where none does."""
    for name, each in zip(names, found, strict=False):
        if not each.judgements:
            continue
        if len(found) > 1:
            yield Subtitle(name, each.simulated)
        rows = tuple(
            (
                f"{judgement.label}: {judgement.requirement.title}",
                judgement.verdict.value,
                judgement.measured,
                "SIMULATED" if judgement.simulated else "measured",
            )
            for judgement in each.judgements
        )
        yield CellTable(_HEAD, rows, tuple(judgement.simulated for judgement in each.judgements))
        sentences = (" ".join(filter(None, (f"{_name(one)} {one.sentence}", one.more))) for one in each.judgements)
        yield BulletList(tuple(sentences), summary="What was found, and what would make it conclusive")


def _name(judgement: Judgement) -> str:
    return f"{judgement.label}, {judgement.requirement.title}: {judgement.verdict.value}."
