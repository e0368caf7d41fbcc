# SPDX-License-Identifier: Apache-2.0
"""Kinds of sources that are treated in their own way. Apart from `source_specs`, which takes a while to load."""

from __future__ import annotations

LINK = "link"
"""Kind of the source without signals that carries the clock of the link to a board elsewhere."""
BOARD_KINDS = frozenset({"jetson-rails", "jtop"})
"""Kinds that are read from the board itself, by its own clock; behind a link their bound has that of the link in it."""
COMPUTED = frozenset({"sum", "difference"})
"""Kinds of the sources that the bench computes: each has one signal, which is named after its source."""
NO_INSTRUMENTS = COMPUTED | {LINK}
"""Kinds of the sources that take no samples of their own."""
