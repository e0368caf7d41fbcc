# SPDX-License-Identifier: Apache-2.0
"""What a process has loaded is left out of garbage collections."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc
from monitor_app.core.garbage import keep_what_is_there
before = len(gc.get_objects())
keep_what_is_there()
assert gc.get_freeze_count() > 0.9 * before
assert len(gc.get_objects()) < 0.1 * before
"""


def test_what_is_there_is_not_gone_through_any_more() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)
