# SPDX-License-Identifier: Apache-2.0
"""Frames come as often as they show something new."""

from __future__ import annotations

import pytest

from monitor_app.gui.periodic import INTERACTIVE_MS, RESTING_MS, frame_ms


@pytest.mark.parametrize(
    ("width_s", "pixels", "interactive", "ms"),
    [
        (30.0, 1300, True, 16),
        (3.0, 1300, False, 33),
        (52.0, 1300, False, 40),
        (3600.0, 1300, False, 50),
        (30.0, 0, False, 50),
    ],
)
def test_a_frame_is_worth_a_pixel(width_s: float, pixels: int, interactive: bool, ms: int) -> None:
    assert frame_ms(width_s=width_s, pixels=pixels, interactive=interactive) == ms


def test_a_recorded_session_that_is_left_alone_needs_few_frames() -> None:
    assert frame_ms(width_s=3.0, pixels=1300, interactive=False, live=False) == RESTING_MS
    assert frame_ms(width_s=3.0, pixels=1300, interactive=True, live=False) == INTERACTIVE_MS
