# SPDX-License-Identifier: Apache-2.0
"""How a run is measured: one of the protocols that come with the program, or one that was typed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from monitor_app.core.files.package_data import profile_path
from monitor_app.core.profile import Protocol
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart
from monitor_app.gui.panels.parts import dim_label
from monitor_app.sources.profile_reader import load_profile

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks

PRESETS = {
    "usual": None,
    "quick": "campaigns/quick",
    "thorough": "campaigns/canziani2016",
    "60 s, as MLPerf Power asks": "campaigns/single-stream",
    "as in the paper of 2016": "campaigns/canziani2016-as-published",
}
"""Each with the profile of the program that it is taken from; None: the defaults."""
TYPED = "as typed"


class ProtocolPart(ProfilePart):
    """The times in one line below the name."""

    title = "protocol"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.preset = Choice("Protocol")
        self.preset.addItems([*PRESETS, TYPED])
        self.times = dim_label()
        self.times.setWordWrap(True)
        self.row(self.preset)
        self.column.addWidget(self.times)
        self.preset.activated.connect(self._choose)

    def _choose(self) -> None:
        if self.preset.currentText() != TYPED:
            self.times.setText(in_words(preset(self.preset.currentText())))
            self.edited.emit()

    def show_profile(self, profile: Profile) -> None:
        name = next((each for each in PRESETS if _same(preset(each), profile.protocol)), TYPED)
        self.preset.setCurrentText(name)
        self.times.setText(in_words(profile.protocol))

    def apply(self, profile: Profile) -> Profile:
        name = self.preset.currentText()
        return profile if name == TYPED else profile.model_copy(update={"protocol": preset(name)})


@cache
def preset(name: str) -> Protocol:
    """A protocol of ``PRESETS``."""
    source = PRESETS[name]
    return Protocol() if source is None else load_profile(profile_path(source)).protocol


def _same(a: Protocol, b: Protocol) -> bool:
    return a.model_dump() == b.model_dump()


def in_words(protocol: Protocol) -> str:
    """Its times in the order of a run."""
    p = protocol
    passes = f"{p.warm_up_batches} pass{'es' * (p.warm_up_batches != 1)}"
    warm_up = f"{p.warm_up_s:g} s and {passes}" if p.warm_up_s else passes
    until = f", until steady, {p.warm_up_max_s:g} s at most" if p.warm_up_max_s else ""
    fresh = "; each in a fresh process, whose memory is measured" if p.fresh_process else ""
    return (
        f"idle {p.idle_s:g} s before and after, warm-up {warm_up}{until}, timed {p.timed_s:g} s and "
        f"{p.timed_batches} batches{fresh}"
    )
