# SPDX-License-Identifier: Apache-2.0
"""What a new profile can begin from: the user's own profiles and those of the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.files.own_profiles import own_profile_files, own_profiles_folder
from monitor_app.core.files.package_data import profile_names, profile_path

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Beginning:
    """A profile in a list."""

    name: str
    path: Path


def beginnings() -> list[Beginning]:
    """The user's own first; parts of profiles, such as the descriptions of boards, are none."""
    folder = own_profiles_folder()
    own = sorted(own_profile_files())
    return [
        *(Beginning(f"{path.relative_to(folder).with_suffix('')} (your own)", path) for path in own),
        *(Beginning(name, profile_path(name)) for name in (*profile_names(), *profile_names("campaigns"))),
    ]
