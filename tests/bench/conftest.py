# SPDX-License-Identifier: Apache-2.0
"""Profiles that are quick to run, and a way to wait for what a bench does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.typed import typist

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["typist"]

IDLE_PROFILE = """
title = "A quick bench"

[[source]]
kind = "shunt"
emulate = "tx1"
"""

RUNS_PROFILE = (
    IDLE_PROFILE
    + """
[protocol]
settle_s = 0.4
power_check = false
idle_s = 0.4
warm_up_s = 0.3
warm_up_batches = 2
timed_s = 1.0
timed_batches = 5

[plan]
networks = ["squeezenet1_1", "resnet18"]
images = "demo"
autostart = true
"""
)

EMULATED_RUNS_PROFILE = (
    RUNS_PROFILE.replace('["squeezenet1_1", "resnet18"]', '["alexnet_2016", "bn_nin"]').replace('"demo"', '"published"')
    + """
[inference]
device = "emulated:tx1"
"""
)
"""Where it does not matter that a network is really computed, which costs both cores some seconds."""


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition, and fail where it does not come."""

    def wait(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "what was waited for did not happen"
            time.sleep(0.01)

    return wait
