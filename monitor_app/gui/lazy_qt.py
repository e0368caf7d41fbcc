# SPDX-License-Identifier: Apache-2.0
"""Qt's modules as pyqtgraph knows them, of which a class is made only where it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

NAMES = ("QtCore", "QtGui", "QtWidgets")


class LazyModule(ModuleType):
    """Has whatever another module has."""

    def __init__(self, name: str, other: str) -> None:
        super().__init__(name, f"What {other} has.")
        self._other = other

    def __getattr__(self, name: str) -> Any:
        if sys._getframe(1).f_code.co_name == "_copy_attrs":  # noqa: SLF001
            return None  # of pyqtgraph, which takes over every name of Qt that is not there yet
        value = getattr(import_module(self._other), name)
        setattr(self, name, value)
        return value


def load_lazily() -> None:
    """Call it before pyqtgraph is imported; afterwards, it changes nothing.

    PySide makes its classes when they are asked for. pyqtgraph asks for all 700 of them, which takes 13 MB and a tenth
    of a second at every start. Should it do so in another way one day, they are all made again.
    """
    if "pyqtgraph" not in sys.modules:
        for name in NAMES:
            sys.modules.setdefault(f"pyqtgraph.Qt.{name}", LazyModule(f"pyqtgraph.Qt.{name}", f"PySide6.{name}"))
