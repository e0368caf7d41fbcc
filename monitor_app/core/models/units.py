# SPDX-License-Identifier: Apache-2.0
"""The unit of work that times and energies are given for, and the words for it.

Sentences, headings and keys are written for images; `worded` says them for another unit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

IMAGE, FRAME, TOKEN, REQUEST = "image", "frame", "token", "request"
UNITS = (IMAGE, FRAME, TOKEN, REQUEST)
"""Those that a profile can name."""
MIXED = "unit"
"""The word for runs that have not all the same unit, and for a unit that this program does not know."""
_WORD = re.compile(r"(?<![A-Za-z])(I|i)mage(s?)(?![A-Za-z])")


def known_unit(name: str) -> str:
    """A unit as a file names it: one of `UNITS`, else `MIXED`."""
    return name if name in UNITS else MIXED


def shared_unit(units: Iterable[str]) -> str:
    """The unit of several runs: the one that all have, `MIXED` where they differ, an image where there is none."""
    found = set(units)
    if len(found) > 1:
        return MIXED
    return found.pop() if found else IMAGE


def per_unit(unit: str, shared: str) -> str:
    """After the name of a run in a table of runs whose units differ: its own unit; else nothing."""
    return f", per {unit}" if shared == MIXED else ""


def worded(text: str, unit: str) -> str:
    """A text about images that says the same of another unit: J per image as J per token, images_per_s as well."""
    if unit == IMAGE:
        return text
    return _WORD.sub(lambda found: (unit.capitalize() if found[1] == "I" else unit) + found[2], text)
