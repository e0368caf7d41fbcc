# SPDX-License-Identifier: Apache-2.0
"""Boards that the user may mean: those of the user's own profiles, and hosts of the ssh configuration. No Qt."""

from __future__ import annotations

from monitor_app.core.errors import ProfileError
from monitor_app.core.files.own_profiles import own_profile_files
from monitor_app.remote.ssh_hosts import ssh_hosts
from monitor_app.sources.profile_reader import load_profile


def known_hosts() -> list[str]:
    """Those of profiles first, the newest of them at the top; each once."""
    return list(dict.fromkeys([*_in_profiles(), *ssh_hosts()]))


def _in_profiles() -> list[str]:
    found = []
    for path in own_profile_files():
        try:
            changed_s, board = path.stat().st_mtime, load_profile(path).board
        except (OSError, ProfileError):
            continue
        if board is not None:
            found.append((changed_s, board.host))
    return [host for _, host in sorted(found, reverse=True)]
