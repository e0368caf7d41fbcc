# SPDX-License-Identifier: Apache-2.0
"""What the sheet New needs is loaded while the window rests."""

from __future__ import annotations

import subprocess
import sys

STEPS = """
import sys
import monitor_app.gui.main_window
from PySide6.QtCore import QCoreApplication
from monitor_app.gui.new import preload

app = QCoreApplication([])
measuring = True
loading = preload.Preload(app, lambda: measuring)
loading.load_one()
assert "monitor_app.core.source_specs" not in sys.modules, "nothing while batches are timed"
measuring = False
for _ in preload.MODULES:
    loading.load_one()
assert not loading._timer.isActive()
before = {name for name in sys.modules if name.startswith("monitor_app")}
import monitor_app.gui.new.sheet
print(*({name for name in sys.modules if name.startswith("monitor_app")} - before))
"""


def test_the_sheet_finds_everything_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.split() == []
