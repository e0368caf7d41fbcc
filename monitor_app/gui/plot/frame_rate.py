# SPDX-License-Identifier: Apache-2.0
"""The time between two frames. No Qt.

The monitor may run on the board that it measures, where each frame costs power: none is drawn that moves the view by
less than a pixel, and no more than thirty a second while the view follows the newest samples by itself.
"""

from __future__ import annotations

INTERACTIVE_MS = 16
"""While the user moves the view: the rate of most screens."""
SCROLLING_MS = 33
"""While the view follows the newest samples: thirty frames a second, unless a pixel takes longer."""
SLOWEST_MS = 50
"""As often as the bench commits."""
INTERACTIVE_NS = 700_000_000
"""For this long after the mouse or a key has moved the view, its next step is expected."""


def frame_ms(*, width_s: float, pixels: int, interactive: bool) -> int:
    """Milliseconds to the next frame of a view that shows ``width_s`` on this number of pixels."""
    if interactive:
        return INTERACTIVE_MS
    pixel_ms = 1000.0 * width_s / max(pixels, 1)
    return round(min(max(pixel_ms, SCROLLING_MS), SLOWEST_MS))
