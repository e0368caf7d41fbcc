# SPDX-License-Identifier: Apache-2.0
"""What Qt writes as SVG, made fit for a page: scaling, named for readers, and as wide in any font."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from PySide6.QtGui import QFont, QFontMetricsF

from monitor_app.charts.plain import plain

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SVG = "http://www.w3.org/2000/svg"
FONTS = ("Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "sans-serif")
"""As a sheet has them."""
_LONG = re.compile(r"-?\d+\.\d{3,}")
_BOLD = 600


def tidied(svg: bytes, title: str, width: float, height: float) -> str:
    """One <svg> element without prologue, for a file of its own or inside a page."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    for name in ("title", "desc"):
        for child in root.findall(f"{{{_SVG}}}{name}"):
            root.remove(child)
    root.attrib.clear()
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", f"{width:g}")
    root.set("height", f"{height:g}")
    root.set("role", "img")
    heading = ElementTree.Element(f"{{{_SVG}}}title")
    heading.text = plain(title)
    root.insert(0, heading)
    for element in root.iter():
        _shorten(element)
        if element.tag == f"{{{_SVG}}}text":
            _fix_width(element)
    return ElementTree.tostring(root, encoding="unicode")


def _shorten(element: Element) -> None:
    """Thousandths of a pixel are enough; the file is half as large."""
    for name in ("d", "points", "transform", "cx", "cy", "r", "x", "y"):
        if name in element.attrib:
            element.set(name, _LONG.sub(lambda found: f"{float(found[0]):.2f}", element.attrib[name]))


def _fix_width(element: Element) -> None:
    """The text takes the room that it was given here, whatever font the reader has."""
    font = QFont()
    font.setFamilies(list(FONTS))
    font.setPixelSize(max(round(float(element.get("font-size", "12").removesuffix("px"))), 1))
    font.setBold(int(element.get("font-weight", "400")) >= _BOLD)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    width = QFontMetricsF(font).horizontalAdvance(element.text or "")
    element.set("font-family", ", ".join(FONTS))
    if width > 0:
        element.set("textLength", f"{width:.1f}")
        element.set("lengthAdjust", "spacingAndGlyphs")
