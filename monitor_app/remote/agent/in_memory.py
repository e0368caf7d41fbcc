# SPDX-License-Identifier: Apache-2.0
"""Imports the agent from a zip that is in memory. The loader runs this file by itself, before there is a package."""

import importlib.abc
import importlib.machinery
import sys
import zipfile
from typing import Any, Optional

PACKAGE = "monitor_app_agent"


class _Sources(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads the modules of the package; all others are left to Python."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._sources = {
            name[: -len(".py")].replace("/", "."): archive.read(name)
            for name in archive.namelist()
            if name.startswith(PACKAGE + "/") and name.endswith(".py")
        }

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> "Optional[importlib.machinery.ModuleSpec]":
        if self.is_package(fullname):
            return importlib.machinery.ModuleSpec(fullname, self, origin="agent", is_package=True)
        if fullname in self._sources:
            return importlib.machinery.ModuleSpec(fullname, self, origin="agent")
        return None

    def is_package(self, fullname: str) -> bool:
        return fullname + ".__init__" in self._sources

    def get_source(self, fullname: str) -> str:
        name = fullname + ".__init__" if self.is_package(fullname) else fullname
        return self._sources[name].decode("utf-8")


def run(archive: zipfile.ZipFile, version: str, options: str) -> None:
    """Import the agent and run it; does not return."""
    sys.meta_path.insert(0, _Sources(archive))
    importlib.import_module(PACKAGE + ".main").run(version, options)
