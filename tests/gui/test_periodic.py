# SPDX-License-Identifier: Apache-2.0
"""Frames come as often as they show something new."""

from __future__ import annotations

import pytest

from monitor_app.gui.periodic import frame_ms


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
