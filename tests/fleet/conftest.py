# SPDX-License-Identifier: Apache-2.0
"""Figures are drawn in the process of the tests, and what a picture makes for itself there can have no windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.gui.theme import application
from tests.typed import Typist

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def with_windows() -> None:
    application()


@pytest.fixture(scope="session")
def typist() -> Iterator[Typist]:
    """Starts fleets in processes that have imported their engine."""
    made = Typist("cli.fleet", "fleet.engine")
    yield made
    made.close()
