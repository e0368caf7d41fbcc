# SPDX-License-Identifier: Apache-2.0
"""The colour of a network: that of the paper's figures, where it is one of its fourteen, the same in every chart."""

from __future__ import annotations

import zlib

from monitor_app.charts.model import SHAPES

NEUTRAL = "#808080"
"""Of marks that belong to no network, and what tones are mixed with: seen on light and on dark."""

PAPER = {
    "AlexNet": "#fd8d3c",
    "BN-AlexNet": "#fecc5c",
    "BN-NIN": "#de2d26",
    "ENet": "#000000",
    "GoogLeNet": "#08519c",
    "ResNet-18": "#7a0177",
    "VGG-16": "#006d2c",
    "VGG-19": "#74c476",
    "ResNet-34": "#c51b8a",
    "ResNet-50": "#f768a1",
    "ResNet-101": "#fa9fb5",
    "ResNet-152": "#fcc5c0",
    "Inception-v3": "#6baed6",
    "Inception-v4": "#c6dbef",
}
"""One hue for each group of authors."""

_OTHERS = (
    "#8c564b", "#17becf", "#bcbd22", "#9467bd", "#1b9e77", "#e6ab02", "#a6761d", "#66a61e",
    "#5e3c99", "#018571", "#d95f02", "#7570b3", "#b15928", "#35978f", "#8c6bb1", "#41ab5d",
    "#c49c94", "#0570b0", "#b8860b", "#6a51a3", "#2ca02c", "#a0522d", "#20b2aa", "#9e9ac8",
)  # fmt: skip


PAPER_SHAPES = {
    "AlexNet": 3,
    "BN-AlexNet": 1,
    "BN-NIN": 0,
    "ENet": 2,
    "GoogLeNet": 1,
    "ResNet-18": 2,
    "VGG-16": 2,
    "VGG-19": 0,
    "ResNet-34": 0,
    "ResNet-50": 1,
    "ResNet-101": 2,
    "ResNet-152": 3,
    "Inception-v3": 3,
    "Inception-v4": 4,
}
"""Networks whose colours look alike to eyes that lack a kind of cone differ in the shape of their marks."""


def shape_of(network: str, paper_name: str | None = None) -> int:
    """The shape of the marks on the line of a network, of `SHAPES`; the same in every chart."""
    if paper_name in PAPER_SHAPES:
        return PAPER_SHAPES[paper_name]
    return zlib.crc32(network.encode()) // len(_OTHERS) % SHAPES


def colour_of(network: str, paper_name: str | None = None) -> str:
    """``#rrggbb``; of a network that the paper lacks, one of a fixed set that its name in the registry picks."""
    if paper_name in PAPER:
        return PAPER[paper_name]
    return _OTHERS[zlib.crc32(network.encode()) % len(_OTHERS)]


def toned(colour: str, tone: int) -> str:
    """The same hue for a second set of points (tone 1), a third (2), ...: each nearer to grey, never quite grey."""
    fraction = 1 - 0.65**tone if tone < 4 else 0.8
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(NEUTRAL[1:]), strict=True)
    return "#" + "".join(f"{round(own + fraction * (grey - own)):02x}" for own, grey in pairs)
