# SPDX-License-Identifier: Apache-2.0
"""Loads what the sheet New needs, a little at a time while the window rests, so that the sheet opens at once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = (
    "monitor_app.core.source_specs", "monitor_app.core.profile", "monitor_app.sources.jetson.driver",
    "monitor_app.sources.lines.driver", "monitor_app.sources.powersensor3.driver", "monitor_app.sources.ppk2.driver",
    "monitor_app.sources.shunt.driver", "monitor_app.sources.scpi.driver", "monitor_app.sources.jtop.driver",
    "monitor_app.sources.registry", "monitor_app.inference.messages", "monitor_app.inference.networks.weights",
    "monitor_app.inference.networks.caffe_squeezenet", "monitor_app.inference.networks.torchvision_models",
    "monitor_app.inference.networks.packaged", "monitor_app.inference.networks.registry",
    "monitor_app.bench.acquisition.source_set", "monitor_app.bench.runs.run", "monitor_app.analysis.run.delay",
    "monitor_app.bench.runs.power_check", "monitor_app.bench.runs.preparation", "monitor_app.bench.runs.driver",
    "monitor_app.bench.bench", "monitor_app.bench.examination",
    "monitor_app.bench.estimate", "monitor_app.gui.new.draft",
    "monitor_app.gui.new.network_table", "monitor_app.gui.new.networks_part", "monitor_app.gui.new.source_part",
    "monitor_app.gui.new.sheet",
)  # fmt: skip
"""Each takes less than a frame once those before it are there; a thread would hold up the frames as long as it runs."""
FIRST_MS, STEP_MS = 1500, 100
"""After the window has opened, and between two modules."""


class Preload(QObject):
    """Begins when it is made; nothing is loaded while ``busy``, as when batches are timed."""

    def __init__(self, parent: QObject, busy: Callable[[], bool]) -> None:
        super().__init__(parent)
        self._left = list(MODULES)
        self._busy = busy
        self._timer = QTimer(self, interval=FIRST_MS)
        self._timer.timeout.connect(self.load_one)
        self._timer.start()

    def load_one(self) -> None:
        """The next one."""
        if self._busy():
            return
        self._timer.setInterval(STEP_MS)
        import_module(self._left.pop(0))
        if not self._left:
            self._timer.stop()
