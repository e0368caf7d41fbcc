# SPDX-License-Identifier: Apache-2.0
"""Files are described in this process: that another one does it too is the matter of onnx_files/test_workshop.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from monitor_app.inference.onnx_files import describe, workshop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def described_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def description(file: Path, pixels: int) -> dict[str, Any]:
        return describe.describe(str(file), pixels)

    monkeypatch.setattr(workshop, "description", description)
