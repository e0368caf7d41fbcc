# SPDX-License-Identifier: Apache-2.0
"""The command line of OpenSSH for a board: the user's own configuration, keys and known hosts, and a clean pipe.

Everything about how the board is reached is the user's: `~/.ssh/config`, ProxyJump, the agent with the keys,
`known_hosts`. Only what would break the pipe, or wait for somebody to type, is set here. Host keys are checked as the
user has it; no option here makes that weaker.
"""

from __future__ import annotations

import getpass
import os
import shlex
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.core.profile import Board

CONNECT_S = 10
"""How long ssh waits for the board's port."""
ALIVE_S, ALIVE_TRIES = 2, 3
"""So that ssh ends by itself where this program has been killed and the cable is pulled."""
OPTIONS = (
    # No terminal: it would echo, and turn line ends round.
    "-T", "-o", "RequestTTY=no",
    # Nothing that only a user at a keyboard can answer: passwords, passphrases, unknown host keys.
    "-o", "BatchMode=yes",
    "-o", f"ConnectTimeout={CONNECT_S}",
    "-o", f"ServerAliveInterval={ALIVE_S}", "-o", f"ServerAliveCountMax={ALIVE_TRIES}",
    # The user's configuration may have these for logging in by hand.
    "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no", "-o", "EscapeChar=none",
    # Neither ports nor the user's keys and windows are lent to the board.
    "-o", "ClearAllForwardings=yes", "-o", "Tunnel=no", "-a", "-x",
    # An existing master is used, which may be how the user has typed a password; none is left behind.
    "-o", "ControlMaster=no",
    # What goes wrong is said, and nothing else.
    "-o", "LogLevel=ERROR",
    # Not the class of file copies, which Wi-Fi sends last.
    "-o", "IPQoS=af21",
)  # fmt: skip


def ssh_command(board: Board, words: Iterable[str]) -> list[str]:
    """The command line that runs a program on the board.

    Args:
        board: how it is reached.
        words: the program and its arguments, which the login shell of the board will see quoted.
    """
    return [*board.ssh, *OPTIONS, "--", board.host, remote_line(words)]


def remote_line(words: Iterable[str]) -> str:
    """The words as a line for the login shell on the board, whichever that is; it takes none of them apart."""
    return " ".join(shlex.quote(word) for word in words)


def ssh_environment() -> dict[str, str]:
    """That of this process, without a window that asks for a password."""
    return {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}


def holder() -> str:
    """Who asks for the board, as other people who want it are told: user@host, in plain letters."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in the password file
        user = str(os.getuid())
    text = f"{user}@{socket.gethostname()}"
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "@.-_") else "_" for letter in text)
