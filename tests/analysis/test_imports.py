# SPDX-License-Identifier: Apache-2.0
"""scipy is for findings: what shows, records or draws a window starts without it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.session.bench import write_rich

if TYPE_CHECKING:
    from pathlib import Path

SHOW = """
import sys
from monitor_app.cli import main
sys.argv[1:] = ["show", {session!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
WINDOW_AND_BENCH = """
import monitor_app.gui.main_window
import monitor_app.gui.app
import monitor_app.bench.bench
import monitor_app.exports.csv
"""
ALONE = "\nassert not [name for name in sys.modules if name.partition('.')[0] == 'scipy']"


@pytest.mark.parametrize("code", [SHOW, "import sys" + WINDOW_AND_BENCH], ids=["show", "window and bench"])
def test_it_is_not_imported(code: str, tmp_path: Path) -> None:
    session = tmp_path / "rich.plm"
    write_rich(session)
    command = [sys.executable, "-c", code.format(session=str(session)) + ALONE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
