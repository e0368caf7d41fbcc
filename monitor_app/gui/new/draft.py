# SPDX-License-Identifier: Apache-2.0
"""The profile as it stands in the sheet: its text, and what that text means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.trust import code_in
from monitor_app.core.errors import ProfileError
from monitor_app.sources.profile_reader import parse_profile
from monitor_app.sources.profile_writer import profile_text

if TYPE_CHECKING:
    from monitor_app.bench.trust import Code
    from monitor_app.core.profile import Profile

NAME = "This profile"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is shown is what runs: the profile is always read from the text."""

    text: str
    profile: Profile | None
    """None where the text is no profile."""
    problem: str = ""
    """Why it is none, one sentence."""

    @classmethod
    def of_text(cls, text: str) -> Draft:
        """As it was opened or typed."""
        try:
            return cls(text, parse_profile(text, NAME))
        except ProfileError as error:
            return cls(text, None, str(error))

    @classmethod
    def of_profile(cls, profile: Profile) -> Draft:
        """As a part has changed it, which need not be valid."""
        return cls.of_text(profile_text(profile))


@dataclass(frozen=True, slots=True)
class Origin:
    """Which code of a draft somebody else has chosen; what the user has typed since is the user's own."""

    code: frozenset[Code] | None = frozenset()
    """None: all of it, since what was opened could not be read."""

    @classmethod
    def elsewhere(cls, draft: Draft) -> Origin:
        """It was opened from a file or a session, which need not be the user's."""
        return cls(frozenset(code_in(draft.profile)) if draft.profile is not None else None)

    def trusts(self, profile: Profile) -> bool:
        """Whether all code that the profile runs, if any, was named by the user."""
        code = set(code_in(profile))
        return not code or (self.code is not None and not code & self.code)
