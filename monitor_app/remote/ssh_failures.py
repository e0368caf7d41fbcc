# SPDX-License-Identifier: Apache-2.0
"""What went wrong when ssh ended, as one sentence that says what to do.

OpenSSH ends with 255 for every trouble of its own, and says which in English on its stderr. Anything else is the exit
code of what ran on the board, with the stderr of that.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from monitor_app.core.child_process import signal_name
from monitor_app.remote.bootstrap import COMPLAINT, NOT_ARRIVED, PYTHON_UNUSABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.core.profile import Board

SSH_FAILED = 255
NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""As the shells say it."""
LONGEST_QUOTE = 200


class _Failure(NamedTuple):
    said: str
    """A regular expression for what ssh says."""
    sentence: str
    """With {host}, {login} (the command that connects by hand), {copy_id}, {python} and {said}."""


_FAILURES = (
    _Failure(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed",
        "The host key of {host} has changed: if the board was set up anew, run `ssh-keygen -R {name}` and then "
        "`{login}` once; otherwise another machine answers in its place, and nothing was sent to it.",
    ),
    _Failure(
        r"No \w+ host key is known for|Host key verification failed",
        "The host key of {host} is not known to this computer: run `{login}` once, compare the fingerprint that it "
        "shows with the board's and accept it.",
    ),
    _Failure(
        r"Could not resolve hostname",
        "There is no host named {name}: check `host` in the profile and ~/.ssh/config, or use the board's address.",
    ),
    _Failure(
        r"UNPROTECTED PRIVATE KEY FILE|bad permissions",
        "ssh does not use a private key that other users may read: run `chmod 600` on the file that `{login}` names.",
    ),
    _Failure(
        r"Too many authentication failures",
        "{host} ended the login after too many keys: name the right one as IdentityFile for it in ~/.ssh/config, with "
        "IdentitiesOnly yes.",
    ),
    _Failure(
        r"Permission denied",
        "{host} accepts no key of this computer: run `{copy_id}` once; if the key has a passphrase, `ssh-add` first.",
    ),
    _Failure(
        r"Connection refused",
        "Nothing answers to ssh on {host}: check that it is the right address and port, and that sshd runs there "
        "(`sudo systemctl enable --now ssh` on the board).",
    ),
    _Failure(
        r"timed out|No route to host|Network is (?:unreachable|down)|Host is down|not responding",
        "{host} cannot be reached: check that the board is on, its cable or Wi-Fi, and its address.",
    ),
    _Failure(
        r"Bad configuration option|terminating, \d+ bad configuration|Unsupported option|unknown option|usage: ssh",
        "ssh does not understand its options ({said}): check ~/.ssh/config and `ssh` in the profile.",
    ),
    _Failure(
        r"Unable to negotiate|no matching .* found|Protocol (?:major )?versions? differ|banner exchange",
        "The ssh of this computer and that of {host} do not agree ({said}): run `{login}` and follow what it says.",
    ),
    _Failure(
        r"open failed|stdio forwarding failed|UNKNOWN port 65535",
        "The way to {host} through another host failed ({said}): run `{login}` and follow what it says.",
    ),
    _Failure(
        r"Connection (?:closed|reset)|Broken pipe|kex_exchange_identification",
        "{host} ended the connection before the login was done: run `{login}` and see what it says; the board may be "
        "starting up, or its sshd allows no more connections.",
    ),
)


_COMPLAINTS: dict[int | None, str] = {
    PYTHON_UNUSABLE: "{python} on {host} cannot run the agent: {complaint}; set `python` in [board] to another one.",
    NOT_ARRIVED: "The agent did not get to {host} whole ({complaint}): try again.",
}
_OF_THE_SHELL: dict[int | None, str] = {
    NOT_FOUND: "There is no {python} on {host}: install Python 3.6 or later there, or set `python` in [board].",
    NOT_EXECUTABLE: "{python} on {host} cannot be executed: set `python` in [board] to the path of a Python there.",
}
_THERE = (
    _Failure(
        r"account is currently not available|nologin|(?:account|password) has expired",
        "The user of {host} may not log in there ({said}): name another one, as USER@HOST.",
    ),
    _Failure(
        r"No space left on device|Read-only file system|[Cc]annot fork|Cannot allocate memory",
        "{host} could not start the agent ({said}): free what it lacks, or restart the board.",
    ),
)


def failure_of(board: Board, exit_code: int | None, stderr: str) -> str:
    """The sentence about an ssh that ended before the agent had spoken.

    Args:
        board: how it was to be reached.
        exit_code: of ssh; negative for the signal that ended it, None where it only closed its output.
        stderr: what it wrote there.
    """
    if exit_code == SSH_FAILED:
        found = next((each for each in _FAILURES if re.search(each.said, stderr, re.IGNORECASE)), None)
        if found is not None:
            return found.sentence.format(**_words(board, stderr))
    return next(_of_the_board(board, exit_code, stderr)).format(**_words(board, stderr))


def _of_the_board(board: Board, exit_code: int | None, stderr: str) -> Iterator[str]:
    """Templates, the best one first."""
    if COMPLAINT in stderr:
        yield _COMPLAINTS.get(exit_code, "The agent on {host} does not run: {complaint}.")
    if exit_code in _OF_THE_SHELL:
        yield _OF_THE_SHELL[exit_code]
    yield from (each.sentence for each in _THERE if re.search(each.said, stderr))
    if not exit_code:
        yield (
            "{host} let us in but ran something else than the agent: look for a forced command in authorized_keys "
            "there, and for a .bashrc that ends or replaces the shell."
        )
    elif exit_code < 0:
        yield f"ssh was killed by {signal_name(-exit_code)} on this computer while it connected to {{host}}: try again."
    elif exit_code == SSH_FAILED:
        yield "ssh could not connect to {host}{said_too}: run `{login}` and follow what it says."
    yield f"The agent on {{host}} ended at once with exit code {exit_code}{{said_too}}: run `{{login}}` and look at it."


def _words(board: Board, stderr: str) -> dict[str, str]:
    said = _said(stderr)
    complaint = next((line for line in stderr.splitlines() if line.startswith(COMPLAINT)), "")
    return {
        "host": board.host,
        "name": board.host.rpartition("@")[2],
        "login": shlex.join([*board.ssh, board.host]),
        "copy_id": shlex.join(["ssh-copy-id", board.host]),
        "python": board.python,
        "complaint": _quoted(complaint.removeprefix(COMPLAINT)),
        "said": said or "it says nothing",
        "said_too": f" ({said})" if said else "",
    }


def _said(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip(" @")]
    return _quoted(lines[-1]) if lines else ""


def _quoted(text: str) -> str:
    """The words of another machine, as a part of a sentence of ours."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split()).rstrip(".")[:LONGEST_QUOTE]
