# SPDX-License-Identifier: Apache-2.0
"""A process that ends with the one that started it, also where that one is killed (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> bool:
    """Have the kernel send this process a signal when its parent ends; False where the parent has ended already.

    The kernel sends it at the end of the *thread* that started this process, so that thread has to live as long.

    Args:
        parent: process id of the parent, which it knows of itself.
        number: the signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    return os.getppid() == parent
