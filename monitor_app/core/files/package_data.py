# SPDX-License-Identifier: Apache-2.0
"""The files that come with the program: icons and tables, and the profiles.

They are beside the package in a checkout, and inside it, under ``_share``, once installed.
"""

from __future__ import annotations

import importlib.resources
import pkgutil
from pathlib import Path, PurePosixPath

from monitor_app.core.errors import MonitorError, ProfileError


def resource_path(name: str) -> Path:
    """The file or folder ``name`` of ``resources/``, such as ``icons/record.svg``.

    Raises:
        MonitorError: It did not come with this installation.
    """
    path = _inside(_share_root() / "resources", name)
    if path is None:
        raise MonitorError(f"The program's file resources/{name} is missing; install the program again.")
    return path


def resource_text(name: str) -> str:
    """What stands in the file ``name`` of ``resources/``. Raises MonitorError as ``resource_path``."""
    return resource_path(name).read_text(encoding="utf-8")


def package_text(package: str, name: str) -> str:
    """What stands in the file ``name`` beside the modules of a package, also where that is in a zip.

    Raises:
        MonitorError: It did not come with this installation.
    """
    try:
        data = pkgutil.get_data(package, name)
    except OSError:
        data = None
    if data is None:
        raise MonitorError(f"The program's file {name} of {package} is missing; install the program again.")
    return data.decode("utf-8")


def profile_path(name: str) -> Path:
    """The profile that comes with the program as ``name``, with or without ``.toml``, such as ``boards/jetson-tx1``.

    Raises:
        ProfileError: There is none of that name; the message lists those there are.
    """
    folder = _share_root() / "profiles"
    path = _inside(folder, f"{name.removesuffix('.toml')}.toml")
    if path is None:
        known = ", ".join([*profile_names(), *profile_names("boards"), *profile_names("campaigns")])
        raise ProfileError(f"No profile named {name} comes with the program; there are: {known or 'none'}.")
    return path


def profile_names(folder: str = "") -> list[str]:
    """What ``profile_path`` accepts in ``folder``, sorted: benches, or with "boards" or "campaigns", their parts."""
    root = _share_root() / "profiles"
    return sorted(str(path.relative_to(root).with_suffix("")) for path in (root / folder).glob("*.toml"))


def profile_files() -> list[Path]:
    """All profiles that come with the program."""
    return sorted((_share_root() / "profiles").rglob("*.toml"))


def guide_path() -> Path:
    """The user guide in Markdown. Raises MonitorError where it did not come with this installation."""
    path = _inside(_share_root() / "docs", "user-guide.md")
    if path is None:
        raise MonitorError("The user guide is missing from this installation; install the program again.")
    return path


def _share_root() -> Path:
    package = Path(str(importlib.resources.files("monitor_app.core"))).parent
    for root in (package / "_share", package.parent):
        if (root / "profiles").is_dir():
            return root
    raise MonitorError(f"The files that belong to the program are missing beside {package}; install it again.")


def _inside(folder: Path, name: str) -> Path | None:
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        return None
    path = folder / relative
    return path if path.exists() else None
