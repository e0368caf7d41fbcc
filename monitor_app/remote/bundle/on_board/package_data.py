# SPDX-License-Identifier: Apache-2.0
"""In place of core.files.package_data on a board: the files that the children read, out of the bundle itself."""

from __future__ import annotations

import pkgutil

from monitor_app.core.errors import MonitorError


def resource_text(name: str) -> str:
    """What stands in the file `name` of `resources/`. Raises MonitorError."""
    return package_text("monitor_app", "_share/resources/" + name)


def package_text(package: str, name: str) -> str:
    """What stands in the file `name` beside the modules of a package. Raises MonitorError."""
    try:
        data = pkgutil.get_data(package, name)
    except OSError:
        data = None
    if data is None:
        raise MonitorError("The file " + name + " is missing from what was sent to the board.")
    return data.decode("utf-8")
