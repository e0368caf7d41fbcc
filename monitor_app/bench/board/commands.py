# SPDX-License-Identifier: Apache-2.0
"""Calls of nvpmodel and jetson_clocks of a Jetson, one at a time, with the rights of root.

Every user may list power modes with nvpmodel, and root may set them; it asks on its input about a mode that takes
effect only after a reboot. jetson_clocks needs root for everything, and reports errors only in its text, with exit
code 0. Without root both are called through `sudo -n`, which never asks for a password.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLOCKS_FILE = Path("/run/monitor-app.clocks")
"""Where jetson_clocks keeps what it found: in a folder of root's, since root obeys it, and gone after a reboot."""
TIMEOUT_S = 30.0
_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Not all of them are in a user's PATH."""
_MODE = re.compile(r"POWER_MODEL: ID=(\d+) NAME=(.+?)\s*$", re.MULTILINE)
_CURRENT = re.compile(r"NV Power Mode:[^\n]*\n\s*(\d+)\s*$", re.MULTILINE)
_RANGE = re.compile(r"^(cpu\d+|GPU)\b(?!.*Online=0).*?MinFreq=(\d+) MaxFreq=(\d+)", re.MULTILINE)
_REBOOT = "Reboot required"
_REFUSED = re.compile(r"^(?:sudo: |Sorry, user )", re.MULTILINE)
_TROUBLE = re.compile(r"^(?:NVPM ERROR|Error)\b.*$", re.MULTILINE)


class BoardControlError(MonitorError):
    """The power mode or the clocks of the board cannot be set, or not be set back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    text: str
    """What it wrote, on both of its outputs."""

    @property
    def trouble(self) -> str:
        """The first error it wrote, or else its last line."""
        found = _TROUBLE.search(self.text)
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return (found[0].strip() if found else "".join(lines[-1:]) or f"it ended with {self.code}").rstrip(".!")


class Caller(Protocol):
    """Calls the two commands, on this machine or on a board elsewhere."""

    def call(self, tool: str, *words: str, answer: str = "", root: bool = True) -> Outcome:
        """Call nvpmodel or jetson_clocks, with the rights of root or not, and wait. Raises BoardControlError."""


@dataclass(frozen=True, slots=True)
class BoardTools:
    """The two commands of a Jetson. All methods raise BoardControlError."""

    caller: Caller
    clocks_file: Path

    def modes(self) -> dict[int, str]:
        """Names of the power modes by rising number, as the board's configuration has them."""
        text = self.caller.call("nvpmodel", "-p", "--verbose", root=False).text
        return {int(number): name for number, name in sorted(_MODE.findall(text), key=lambda each: int(each[0]))}

    def mode(self) -> int | None:
        """The number of the mode that is set; None where nvpmodel does not know."""
        found = _CURRENT.search(self.caller.call("nvpmodel", "-q", root=False).text)
        return int(found[1]) if found else None

    def set_mode(self, number: int, name: str) -> None:
        """Set it now, or not at all where that takes a reboot."""
        outcome = self.caller.call("nvpmodel", "-m", str(number), answer="no\n")
        if _REBOOT in outcome.text:
            raise BoardControlError(
                f"The power mode {name} takes effect only after a reboot, so it was left as it is: reboot the board "
                f"into it with `sudo nvpmodel -m {number}` and measure it in a session of its own, without power_modes."
            )
        if outcome.code or self.mode() != number:
            raise BoardControlError(
                f"The power mode {name} could not be set ({outcome.trouble}): try `sudo nvpmodel -m {number}` by hand."
            )

    def clocks_held(self) -> bool:
        """Whether every processor and the GPU are held at their highest clock."""
        ranges = _RANGE.findall(self._clocks("--show"))
        return bool(ranges) and all(low == high for _, low, high in ranges)

    def store_clocks(self) -> None:
        """Keep what the clocks are set to, in place of what was kept."""
        self._clocks("--store", str(self.clocks_file), answer="Y\n")

    def restore_clocks(self) -> None:
        """Set the clocks to what was kept."""
        self._clocks("--restore", str(self.clocks_file))

    def hold_clocks(self) -> None:
        """Hold all clocks at the highest that the power mode allows."""
        self._clocks()

    def check_rights(self) -> None:
        """Nothing, where what is called here is allowed. Changes nothing."""
        self.caller.call("nvpmodel", "-q")
        self._clocks("--show")

    def _clocks(self, *words: str, answer: str = "") -> str:
        outcome = self.caller.call("jetson_clocks", *words, answer=answer)
        if outcome.code or _TROUBLE.search(outcome.text):
            raise BoardControlError(
                f"`{' '.join(['jetson_clocks', *words])}` failed ({outcome.trouble}): try it by hand with sudo."
            )
        return outcome.text


@dataclass(frozen=True, slots=True)
class CallHere:
    """Calls on this machine; without root through `sudo -n`, which never asks for a password."""

    paths: Mapping[str, str]
    """Of the commands, by their names."""
    clocks_file: Path

    def call(self, tool: str, *words: str, answer: str = "", root: bool = True) -> Outcome:
        command = [self.paths[tool], *words]
        if not root or os.geteuid() == 0:
            return call(command, answer)
        sudo = find_tool("sudo")
        if sudo is None:
            raise BoardControlError("There is no sudo here: run monitor-app as root to set power modes and clocks.")
        outcome = call([sudo, "-n", *command], answer)
        refuse_without_rule(
            outcome, command, sudo_rule(pwd.getpwuid(os.getuid()).pw_name, self.paths, self.clocks_file)
        )
        return outcome


def refuse_without_rule(outcome: Outcome, command: Sequence[str], rule: str) -> None:
    """Say which rule is missing, where sudo has refused a command. Raises BoardControlError."""
    if outcome.code and _REFUSED.search(outcome.text):
        raise BoardControlError(
            f"sudo does not allow `{' '.join(command)}` without a password ({outcome.trouble}): type "
            f"`sudo visudo -f /etc/sudoers.d/monitor-app` and put this line into it: {rule}"
        )


def sudo_rule(user: str, paths: Mapping[str, str], clocks_file: Path) -> str:
    """The line for sudoers that allows just what is called here.

    It does not allow the two commands with arbitrary arguments, which could write any file.
    """
    nvpmodel, jetson_clocks = paths["nvpmodel"], paths["jetson_clocks"]
    calls = [
        *(f"{nvpmodel} {words}" for words in ("-q", "-m [0-9]", "-m [0-9][0-9]")),
        f'{jetson_clocks} ""',
        f"{jetson_clocks} --show",
        *(f"{jetson_clocks} --{verb} {clocks_file}" for verb in ("store", "restore")),
    ]
    return f"{user} ALL=(root) NOPASSWD: {', '.join(calls)}"


def find_tools(clocks_file: Path) -> BoardTools | None:
    """Those of this machine; None where it is no Jetson."""
    nvpmodel, jetson_clocks = find_tool("nvpmodel"), find_tool("jetson_clocks")
    if not (nvpmodel and jetson_clocks):
        return None
    return BoardTools(CallHere({"nvpmodel": nvpmodel, "jetson_clocks": jetson_clocks}, clocks_file), clocks_file)


def find_tool(name: str) -> str | None:
    """The path of a command, also where PATH does not lead to it."""
    return shutil.which(name) or shutil.which(name, path=_FOLDERS)


def call(command: Sequence[str], answer: str = "") -> Outcome:
    """Call it and wait for its end, in English. Raises BoardControlError where it does not start or does not end."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise BoardControlError(
            f"{command[0]} does not start ({error.strerror or error}): install JetPack again."
        ) from error
    try:
        text, _ = process.communicate(answer, TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        _abandon(process)
        raise BoardControlError(
            f"`{' '.join(command)}` has not ended within {TIMEOUT_S:g} s: try it by hand, and reboot the board if it "
            "hangs."
        ) from error
    return Outcome(process.returncode, text)


def _abandon(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    # What runs as root cannot be ended from here, and must not be waited for.
    with contextlib.suppress(PermissionError):
        process.kill()
        process.wait()
