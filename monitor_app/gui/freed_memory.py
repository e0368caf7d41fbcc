# SPDX-License-Identifier: Apache-2.0
"""Large blocks of memory go back to the system when they are freed (Linux with glibc)."""

from __future__ import annotations

import ctypes
import sys

LARGE_BYTES = 4 << 20
"""More than what a frame makes anew, also on a large screen; pictures of it and the samples of a long span have more.

A block with a mapping of its own is filled with zeros page by page each time, 0.3 ms for each megabyte.
"""
KEPT_BYTES = 8 << 20
"""Of free memory at the end of the heap, so that it does not shrink and grow again with every small thing."""
ARENAS = 2
"""That all threads share; each further one keeps what its thread has needed at most."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def give_back_large_blocks() -> bool:
    """Call it before the first thread is started; False where the allocator is another one, and nothing changes.

    By itself glibc gives a large block a mapping of its own only until the first such block is freed. Then it takes
    blocks of up to 32 MB from its heap, from which they return to the system only where nothing newer lies behind them:
    a program that runs for hours, and analyses a long span now and then, keeps hundreds of megabytes that are free.
    """
    if sys.platform != "linux":
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:  # a C library without it, such as musl
        return False
    options = ((_MMAP_THRESHOLD, LARGE_BYTES), (_TRIM_THRESHOLD, KEPT_BYTES), (_ARENA_MAX, ARENAS))
    done = [set_option(option, value) == 1 for option, value in options]
    return all(done)
