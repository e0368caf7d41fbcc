# SPDX-License-Identifier: Apache-2.0
"""The colours of every picture: one for each quantity, red only for what a reader must not miss. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeAlias

Theme: TypeAlias = Literal["light", "dark"]
LINE_CONTRAST, TEXT_CONTRAST = 3.0, 4.5
"""The least that a line needs to be followed, and a word to be read (WCAG 2.1, 1.4.11 and 1.4.3)."""
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #rrggbb."""

    ground: str
    panel: str
    line: str
    text: str
    dim: str
    power: str
    current: str
    latency: str
    accuracy: str
    alarm: str


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        ground="#fbfbfc",
        panel="#f1f3f5",
        line="#d8dde2",
        text="#1f252b",
        dim="#66707b",
        power="#b87503",
        current="#0b78a6",
        latency="#5b46c9",
        accuracy="#1f8f57",
        alarm="#c2411d",
    ),
    "dark": Palette(
        ground="#16191d",
        panel="#1d2126",
        line="#2c3238",
        text="#d7dce2",
        dim="#8a939e",
        power="#f2b134",
        current="#4fb3d9",
        latency="#9d8cf2",
        accuracy="#5cc98b",
        alarm="#e8684a",
    ),
}


PRINT = replace(PALETTES["light"], ground="#ffffff", text="#000000", dim="#505860")
"""For paper."""


@cache
def legible(colour: str, ground: str, ink: str, contrast: float) -> str:
    """The colour, mixed with as much ink as it takes to stand out from the ground; all as #rrggbb."""
    own, other = _parts(colour), _parts(ink)
    for step in range(_STEPS + 1):
        ink_fraction = step / _STEPS
        mixed = tuple(round(a + (b - a) * ink_fraction) for a, b in zip(own, other, strict=True))
        found = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast_of(found, ground) >= contrast:
            return found
    return ink


def contrast_of(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white (WCAG 2.1, contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    linear = [_linear(part / 255) for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
