# SPDX-License-Identifier: Apache-2.0
"""Figures are drawn in the process of the tests, and what a picture makes for itself there can have no windows."""

from __future__ import annotations

import pytest

from monitor_app.gui.theme import application


@pytest.fixture(autouse=True, scope="session")
def with_windows() -> None:
    application()
