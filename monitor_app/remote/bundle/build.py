# SPDX-License-Identifier: Apache-2.0
"""The children of the bench as one zip, for the Python of a board (docs/decisions/0032-the-child-in-a-zip.md).

`python BUNDLE.zip inference|replay|jtop|program ARGUMENTS...` runs one. Nothing is installed there, and nothing is
needed but the standard library, with numpy to replay figures, and torch, torchvision and Pillow to run networks.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.remote.bundle.collect import check_own_imports, collect, data_files
from monitor_app.remote.bundle.lower import HELPERS_FILE, lower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.remote.bundle.names import Version

TIERS: tuple[Version, ...] = ((3, 6), (3, 8), (3, 10))
"""The Pythons that a bundle is made for; one serves all up to the next."""
UNCHANGED_FROM = (3, 10)

_ON_BOARD = {
    "__main__.py": "__main__.py",
    "messages.py": "monitor_app/core/messages.py",
    "package_data.py": "monitor_app/core/files/package_data.py",
    "torch_missing.py": "monitor_app/inference/torch_missing.py",
    "workshop.py": "monitor_app/inference/onnx_files/workshop.py",
}
_LOWERED_ON_BOARD = {
    "lowered.py": HELPERS_FILE,
    "dataclasses_36.py": "monitor_app/dataclasses_36.py",
    "metadata_36.py": "monitor_app/metadata_36.py",
}
_PLAIN = ("monitor_app/sources/jtop/child.py",)
"""Written for Python 3.6, since it runs under any interpreter that has jetson-stats."""


class OldPythonError(MonitorError):
    """A Python that nothing can be sent to."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A zip of the children."""

    sha256: str
    data: bytes


def bundle(python: Version) -> Bundle:
    """The bundle for a board's Python: the same bytes whenever the sources are the same.

    Args:
        python: its major and minor version.

    Raises:
        OldPythonError: it is older than 3.6.
        CannotLowerError: a source holds what that Python does not have; the tests see to it that none does.
        MissingModuleError: likewise, for a library.
    """
    tiers = [each for each in TIERS if each <= python]
    if not tiers:
        raise OldPythonError(
            f"The board's Python {python[0]}.{python[1]} is too old: name one of 3.6 or later as `python` in [board]."
        )
    return _bundle(tiers[-1])


@cache
def _bundle(tier: Version) -> Bundle:
    data = _zipped(bundled_files(tier))
    return Bundle(hashlib.sha256(data).hexdigest(), data)


def bundled_files(tier: Version, package: Path | None = None) -> dict[str, bytes]:
    """What a bundle of `TIERS` holds, by path; raises as `bundle`. Of another folder of monitor_app in tests."""
    package = package or Path(str(importlib.resources.files("monitor_app")))
    stand_ins = _stand_ins(package, tier)
    modules = collect(package, stand_ins)
    sources = {each.path: each.text for each in modules.values()} | stand_ins
    check_own_imports(sources)
    if tier < UNCHANGED_FROM:
        sources = {path: text if path in _PLAIN else lower(text, path, tier) for path, text in sources.items()}
    texts = {path: text.encode("utf-8") for path, text in sources.items()}
    return dict(sorted((texts | data_files(package, modules)).items()))


def _stand_ins(package: Path, tier: Version) -> dict[str, str]:
    """The sources of on_board/ by path in the bundle, with the names that they have there."""
    places = _ON_BOARD if tier >= UNCHANGED_FROM else _ON_BOARD | _LOWERED_ON_BOARD
    found: dict[str, str] = {}
    for name, path in places.items():
        text = package.joinpath("remote", "bundle", "on_board", name).read_text(encoding="utf-8")
        for sibling, other in places.items():
            here = f"monitor_app.remote.bundle.on_board.{sibling.removesuffix('.py')}"
            text = text.replace(here, other.removesuffix(".py").replace("/", "."))
        found[path] = text
    return found


def _zipped(files: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            # The date of a zip begins in 1980
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return whole.getvalue()
