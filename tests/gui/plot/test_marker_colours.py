# SPDX-License-Identifier: Apache-2.0
"""Markers are told apart from each other and from the signals, also by those who do not see red and green."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.charts.palette import LINE_CONTRAST, contrast_of
from monitor_app.gui.theme import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Machado et al. (2009), severity 1, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
WHITE = np.array([0.9505, 1.0, 1.0888])


def lab(colour: str, vision: str) -> NDArray[np.float64]:
    srgb = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(np.clip(XYZ @ np.clip(VISIONS[vision] @ linear, 0, 1) / WHITE, 0.008856, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, vision: str) -> float:
    """Distance in CIELAB: 2 is just seen."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("vision", VISIONS)
def test_markers_are_told_apart(theme: Theme, vision: str) -> None:
    assert all(apart(one, other, vision) > 30 for one, other in itertools.combinations(theme.markers, 2))
    signals = (theme.power, theme.current, theme.latency, theme.accuracy, theme.alarm, *theme.others)
    least = 20 if vision == "normal" else 9
    assert all(apart(marker, signal, vision) > least for marker in theme.markers for signal in signals)
    assert all(float(np.linalg.norm(lab(marker, "normal")[1:])) < 60 for marker in theme.markers), "none is pure"
    assert all(contrast_of(marker, theme.ground) >= LINE_CONTRAST for marker in theme.markers)
