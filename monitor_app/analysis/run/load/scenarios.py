# SPDX-License-Identifier: Apache-2.0
"""What a run has less of than the scenario of MLPerf Inference that it is named after."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.core.offered_load import OfferedLoad


def scenario_notes(load: OfferedLoad, timed_s: float, images: int) -> Iterator[str]:
    """Each one sentence; none for loads that are no scenario, or before anything was timed."""
    scenario = load.kind
    if not images:
        return
    if timed_s < scenario.least_s:
        yield (
            f"MLPerf's {scenario.title} scenario lasts {scenario.least_s:.0f} s at least, and this run was timed for "
            f"{timed_s:.3g} s; its power is to be measured for 60 s at least. Set timed_s for that."
        )
    if images < scenario.least_samples:
        yield (
            f"MLPerf's {scenario.title} scenario has {scenario.least_samples} samples at least, and {images} were "
            "timed: a longer timed_s has more."
        )
