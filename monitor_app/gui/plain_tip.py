# SPDX-License-Identifier: Apache-2.0
"""Text for the places of Qt that guess its format: tool tips and message boxes."""

from __future__ import annotations

from html import escape

from monitor_app.core.plain_text import visible_lines


def plain_tip(text: str) -> str:
    """The text as Qt shows it unchanged: what it might take for HTML is escaped."""
    shown = visible_lines(text)
    return f"<qt>{escape(shown)}</qt>".replace("\n", "<br>") if "<" in shown else shown
