# SPDX-License-Identifier: Apache-2.0
"""Colours of networks are the same in every chart and on every ground, and can still be seen on it. No Qt."""

from __future__ import annotations

LINE_CONTRAST, TEXT_CONTRAST = 3.0, 4.5
"""The least that a line needs to be followed, and a word to be read (WCAG 2.1, 1.4.11 and 1.4.3)."""
_STEPS = 20


def legible(colour: str, ground: str, ink: str, contrast: float) -> str:
    """The colour, mixed with as much ink as it takes to stand out from the ground; all as #rrggbb."""
    own, other = _parts(colour), _parts(ink)
    for step in range(_STEPS + 1):
        share = step / _STEPS
        mixed = tuple(round(a + (b - a) * share) for a, b in zip(own, other, strict=True))
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
