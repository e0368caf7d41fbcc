# SPDX-License-Identifier: Apache-2.0
"""Many numbers as decimal text at once: a column of values becomes a table of characters.

Python formats about a million numbers a second, and a session holds a hundred million; the digits are
therefore computed by numpy, a decimal place at a time for the whole column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING = b" \0"
"""Characters that fill a column up to its width; whoever joins columns deletes them."""
_LARGEST = 10**17
_SPACE, _MINUS, _POINT, _ZERO = b" -.0"


def fixed(scaled: NDArray[np.int64], decimals: int) -> NDArray[np.uint8]:
    """``scaled / 10**decimals`` as text, shape (n, width), padded on the left with spaces."""
    rest = np.abs(scaled)
    digits = max(len(str(int(rest.max(initial=0)))), decimals + 1)
    width = 1 + digits + (decimals > 0)
    text: NDArray[np.uint8] = np.full((width, len(scaled)), _SPACE, np.uint8)
    place = width - 1
    for k in range(digits):
        if k == decimals and k > 0:
            text[place] = _POINT
            place -= 1
        # Places left of the point stay blank once nothing is left of the number; the first is always written.
        following = rest // 10
        digit = (rest - 10 * following + _ZERO).astype(np.uint8)
        text[place] = digit if k <= decimals else np.where(rest > 0, digit, _SPACE)
        rest = following
        place -= 1
    text[0, scaled < 0] = _MINUS
    rows: NDArray[np.uint8] = text.T
    return rows


def rounded(values: NDArray[np.float64], decimals: int | None) -> NDArray[np.uint8]:
    """Values as text, shape (n, width); with ``decimals`` None to nine significant digits."""
    if decimals is not None:
        scaled = np.rint(values * 10.0**decimals)
        if (np.abs(scaled) < _LARGEST).all():
            return fixed(scaled.astype(np.int64), decimals)
    text = np.array([f"{value:.9g}" for value in values.tolist()], "S")
    characters: NDArray[np.uint8] = text.view(np.uint8).reshape(len(values), text.itemsize)
    return characters
