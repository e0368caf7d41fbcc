# SPDX-License-Identifier: Apache-2.0
"""The colours of a figure: one for each quantity, red only for what a reader must not miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Theme: TypeAlias = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #rrggbb."""

    ground: str
    panel: str
    line: str
    text: str
    dim: str
    power: str
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
        latency="#9d8cf2",
        accuracy="#5cc98b",
        alarm="#e8684a",
    ),
}
