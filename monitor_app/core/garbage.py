# SPDX-License-Identifier: Apache-2.0
"""Garbage collections that stop nothing: what is loaded is left out of them."""

from __future__ import annotations

import gc


def keep_what_is_there() -> None:
    """No more garbage is sought among the modules and values that this process has now.

    A full collection goes through all of them while no other thread runs: a sixth of a second for the packages that run
    networks, also in a timed phase, and 30 ms and more for those of a bench, in which no meter is read.
    """
    gc.collect()
    gc.freeze()
