# SPDX-License-Identifier: Apache-2.0
"""A profile with other networks than those of its plan, as options of a command ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.errors import ProfileError
from monitor_app.core.profile import Plan
from monitor_app.sources.profile_reader import parse_profile
from monitor_app.sources.profile_writer import profile_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_plan(
    text: str, name: str, networks: Sequence[str], batch_sizes: Sequence[int], back_ends: Sequence[str]
) -> str:
    """The text of a profile whose plan runs these once; what is not asked for stays as the profile has it.

    Args:
        text: of the profile.
        name: of the profile, for sentences.
        networks: names, files or functions; none: those of its plan.
        batch_sizes: none: those of its plan, or 1.
        back_ends: none: those of its plan.

    Raises:
        ProfileError: it is no profile, or would be none with these; or there is no network to run.
    """
    if not networks and not batch_sizes and not back_ends:
        return text
    profile = parse_profile(text, name)
    asked: dict[str, object] = {}
    for key, values in (("networks", networks), ("batch_sizes", batch_sizes), ("back_ends", back_ends)):
        if values:
            asked[key] = tuple(values)
    plan = profile.plan or (Plan(networks=tuple(networks)) if networks else None)
    if plan is None:
        raise ProfileError(f"{name} has no plan: name the networks with --network.")
    # A plan that repeats until it is stopped has no end to wait for
    plan = plan.model_copy(update={**asked, "cycles": plan.cycles or 1})
    changed = profile_text(profile.model_copy(update={"plan": plan}))
    parse_profile(changed, f"{name} with the networks that are asked for")
    return changed
