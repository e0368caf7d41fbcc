# SPDX-License-Identifier: Apache-2.0
"""Commands run in the process of the tests, and what a picture makes for itself there can have no windows."""

from __future__ import annotations

import pytest

from monitor_app.gui.theme import application
from tests.typed import typist

__all__ = ["typist"]


@pytest.fixture(autouse=True, scope="session")
def with_windows() -> None:
    application()
