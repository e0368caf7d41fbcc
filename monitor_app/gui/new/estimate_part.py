# SPDX-License-Identifier: Apache-2.0
"""What the plan will take: runs, time, disk space, and energy where that can be known before it is measured."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from monitor_app.bench.estimate import CampaignEstimate, estimate, rough_amount, rough_duration
from monitor_app.bench.runs.completed_runs import threads_for
from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import size
from monitor_app.gui.panels.parts import Label, SectionHeader, dim_label
from monitor_app.session.files import unsaved_folder

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Task, Tasks

UNKNOWN = "–"  # noqa: RUF001 (a dash)
NOT_KNOWN = "known once it is measured"
UNTIL_STOPPED = "until stopped; one cycle: "


class EstimatePart(QWidget):
    """Computed beside the window, since a folder of images is looked into."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks
        self._task: Task | None = None
        self._endless = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(SectionHeader("estimate"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        self.values = {name: Label(UNKNOWN) for name in ("runs", "time", "disk", "energy")}
        for row, (name, value) in enumerate(self.values.items()):
            value.setWordWrap(True)
            grid.addWidget(dim_label(name), row, 0)
            grid.addWidget(value, row, 1)
        column.addLayout(grid)
        self.remarks = dim_label()
        self.remarks.setWordWrap(True)
        column.addWidget(self.remarks)

    def show_profile(self, profile: Profile | None) -> None:
        """Compute it anew; nothing is shown for what is no profile."""
        if self._task is not None:
            self._task.stop()
            self._task = None
        if profile is None:
            self._show(None)
            return
        self._endless = profile.plan is not None and not profile.plan.cycles
        specs = profile.run_specs(threads_for(profile))
        self._task = self._tasks.start(lambda _: estimate(profile, specs), self._show)

    def _show(self, result: object) -> None:
        self._task = None
        if not isinstance(result, CampaignEstimate):
            for value in self.values.values():
                value.setText(UNKNOWN)
            self.remarks.setText("")
            return
        said = _in_words(result, endless=self._endless)
        for name, value in self.values.items():
            value.setText(said[name])
        remarks = "; ".join(result.remarks)
        self.remarks.setText(f"{remarks[:1].upper()}{remarks[1:]}." if remarks else "")


def _in_words(result: CampaignEstimate, *, endless: bool) -> dict[str, str]:
    if not result.runs:
        return {"runs": "none", "time": "until you stop the recording", "disk": free_words(), "energy": NOT_KNOWN}
    once = UNTIL_STOPPED if endless else ""
    most = f", {rough_duration(result.most_seconds)} at most" if result.most_seconds > result.seconds else ""
    joules = result.joules
    return {
        "runs": f"{once}{result.runs}",
        "time": f"about {rough_duration(result.seconds)}{most}",
        "disk": f"about {rough_amount(result.bytes, 'B')}; {free_words()}",
        "energy": NOT_KNOWN if joules is None else f"about {rough_amount(joules, 'J')} (SIMULATED)",
    }


def free_words() -> str:
    """How much room there is where a session is recorded."""
    try:
        return f"{size(shutil.disk_usage(unsaved_folder()).free)} free"
    except (OSError, MonitorError):
        return "free space not known"
