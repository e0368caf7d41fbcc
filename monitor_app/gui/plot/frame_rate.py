# SPDX-License-Identifier: Apache-2.0
"""How soon the next frame is worth its cost. No Qt.

The monitor may run on the board it measures: a frame that moves the picture by less than a pixel, or faster than the
eye asks of a trace that scrolls by itself, is power spent on nothing.
"""

from __future__ import annotations

HURRIED_MS = 16
"""While the user moves the picture: as fast as most screens."""
SCROLLING_MS = 33
"""While it follows by itself: thirty frames a second, unless a pixel takes longer."""
SLOWEST_MS = 50
"""As often as the bench commits."""
HURRY_NS = 700_000_000
"""How long after a gesture its next step is expected."""


def frame_ms(*, width_s: float, pixels: int, hurried: bool) -> int:
    """Milliseconds to the next frame of a view that is ``width_s`` wide on so many pixels."""
    if hurried:
        return HURRIED_MS
    pixel_ms = 1000.0 * width_s / max(pixels, 1)
    return round(min(max(pixel_ms, SCROLLING_MS), SLOWEST_MS))
