# SPDX-License-Identifier: Apache-2.0
"""What sets runs of one network apart, to follow its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.back_ends import back_end_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.session.rows import RunRow


def settings_of(runs: Sequence[RunRow]) -> dict[int, str]:
    """By run: `` int8 OpenVINO``, the precision and the back end, each only where the runs differ in it."""
    precisions, back_ends = (len({getattr(run, name) for run in runs}) > 1 for name in ("precision", "back_end"))
    return {
        run.id: (f" {run.precision}" if precisions else "") + (f" {back_end_title(run.back_end)}" if back_ends else "")
        for run in runs
    }
