# SPDX-License-Identifier: Apache-2.0
"""The agent as a forced command: `command="python3 /opt/agent.pyz --only-stored"` in authorized_keys on the board.

The bench sends what it always sends. Here its sources are not run, but only compared with those of the file. With
`--only-stored` no program is taken from it either, so that the key can run nothing that is not on the board.
"""

import hashlib
import os
import shlex
import sys
from typing import Optional, Tuple

from .lines import encode
from .main import GREETING, run

LOADS = b"\nmonitor-app loader 1\n"
"""What the bench waits for before it sends the agent."""
MOST = 16 << 20
OTHER_VERSION = 98


def main() -> None:
    """Run the file that this is in; does not return."""
    with open(sys.argv[0], "rb") as file:
        version = hashlib.sha256(file.read()).hexdigest()
    wanted = _wanted(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    if wanted is None:
        sys.stderr.write("monitor-app agent: this key is for monitor-app only\n")
        sys.exit(OTHER_VERSION)
    size, sha256, options = wanted
    os.write(1, LOADS)
    while size:
        block = os.read(0, size)
        if not block:
            sys.exit(OTHER_VERSION)
        size -= len(block)
    if sha256 != version:
        message = "The agent that is installed on the board is of another version: install that of this one there."
        os.write(1, GREETING + encode({"type": "failed", "id": None, "message": message, "errno": None}))
        sys.exit(OTHER_VERSION)
    run(version, options, only_stored="--only-stored" in sys.argv[1:])


def _wanted(command: str) -> "Optional[Tuple[int, str, str]]":
    """Size, hash and options, which end the command that the bench asked for."""
    try:
        size, sha256, options = shlex.split(command)[-3:]
        return (int(size), sha256, options) if 0 < int(size) <= MOST else None
    except ValueError:
        return None
