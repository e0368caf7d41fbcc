# SPDX-License-Identifier: Apache-2.0
"""In place of importlib.metadata on Python 3.6: the version of an installed package, without importing it."""

from __future__ import annotations

import sys
from pathlib import Path

_FILES = ("{}-*.dist-info/METADATA", "{}-*.egg-info/PKG-INFO", "{}-*.egg-info")


class PackageNotFoundError(ImportError):
    """As that of importlib.metadata."""


def version(package: str) -> str:
    """The version of a package. Raises PackageNotFoundError."""
    for place in sys.path:
        for file in _files(Path(place), package):
            for line in file.read_text("utf-8", "replace").splitlines():
                if line.startswith("Version:"):
                    return line.partition(":")[2].strip()
    raise PackageNotFoundError(package)


def _files(place: Path, package: str) -> list[Path]:
    if place.name.startswith(package + "-") and place.suffix == ".egg":
        # As `setup.py install` leaves it, which is how torchvision is built on JetPack 4
        found = [place / "EGG-INFO" / "PKG-INFO"]
    else:
        found = [file for pattern in _FILES for file in sorted(place.glob(pattern.format(package)))]
    return [file for file in found if file.is_file()]
