# SPDX-License-Identifier: Apache-2.0
"""Where the agent reads and writes. The tests send a payload with another such file; no message changes it."""

import os

ROOT = "/"
"""What /sys, /proc and /etc of the messages lie below."""
BOOT_ID = "/proc/sys/kernel/random/boot_id"
LOCK_FILE = "/run/lock/monitor-app.lock"
STATE_FILE = "/var/tmp/monitor-app.board"
"""How the board was found, while it is changed: in a folder that outlives a reboot, as power modes do."""
SHARED_MEMORY = "/dev/shm"
CLOCKS_FILE = "/run/monitor-app.clocks"
"""Where jetson_clocks keeps what it found: in a folder of root's, since root obeys it."""
TOOL_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Not all of them are in a user's PATH."""


def read(descriptor: int, size: int) -> bytes:
    """The first bytes of an open file. A rail's file takes up to 0.4 s."""
    return os.pread(descriptor, size, 0)
