# SPDX-License-Identifier: Apache-2.0
"""Text from strangers' files, made fit to be drawn and written. No Qt."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Controls, turns of the writing direction, halves of characters, odd spaces: XML forbids them, or they mislead."""


def plain(text: str) -> str:
    """One line of characters that can be seen; each other is a space."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def plain_lines(text: str) -> str:
    """The same for text of many lines."""
    return "\n".join(plain(line.expandtabs(4)) for line in text.splitlines())
