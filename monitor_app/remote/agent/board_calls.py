# SPDX-License-Identifier: Apache-2.0
"""Calls of nvpmodel and jetson_clocks, those alone that the program makes, with the rights of root where asked."""

import errno
import os
import re
import shutil
import subprocess
from typing import Any, Dict, List, Optional

from . import places
from .refused import Question, RefusedError, text_of, texts_of

TIMEOUT_S = 30.0
TOOLS = ("nvpmodel", "jetson_clocks", "sudo", "nvidia-smi")
_MODE = re.compile(r"[0-9]{1,3}")
_ANSWERS = ("", "no\n", "Y\n")
"""What may be said to a question of the tool. Not yes: that would reboot the board."""


def find_tool(name: str) -> "Optional[str]":
    """The path of a command, also where PATH does not lead to it."""
    return shutil.which(name) or shutil.which(name, path=places.TOOL_FOLDERS)


def call(question: Question) -> "Dict[str, Any]":
    """Make the call and wait for its end, at most 30 s. Raises RefusedError."""
    tool, arguments, answer = text_of(question, "tool"), texts_of(question, "arguments"), text_of(question, "answer")
    if not _allowed(tool, arguments) or answer not in _ANSWERS or not isinstance(question.get("root"), bool):
        shown = " ".join([tool, *arguments])[:120]
        raise RefusedError("The agent does not call `{}`.".format(shown), errno.EPERM)
    command = [_found(tool), *arguments]
    if question["root"] and os.geteuid() != 0:
        command = [_found("sudo"), "-n", *command]
    return _run(command, answer)


def _allowed(tool: str, arguments: List[str]) -> bool:
    if tool == "nvpmodel":
        mode = len(arguments) == 2 and arguments[0] == "-m" and bool(_MODE.fullmatch(arguments[1]))
        return mode or arguments in (["-q"], ["-p", "--verbose"])
    clocks = places.CLOCKS_FILE
    return tool == "jetson_clocks" and arguments in ([], ["--show"], ["--store", clocks], ["--restore", clocks])


def _found(tool: str) -> str:
    path = find_tool(tool)
    if path is None:
        raise RefusedError("There is no {} on the board.".format(tool), errno.ENOENT)
    return path


def _run(command: List[str], answer: str) -> "Dict[str, Any]":
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, LC_ALL="C"),
        )
    except OSError as error:
        raise RefusedError(
            "{} does not start on the board ({}): install JetPack again.".format(command[0], error.strerror or error),
            error.errno,
        ) from error
    try:
        written, _ = process.communicate(answer.encode("ascii"), TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        _abandon(process)
        raise RefusedError(
            "`{}` has not ended on the board within {:g} s: try it there by hand, and reboot the board if it "
            "hangs.".format(" ".join(command), TIMEOUT_S),
            errno.ETIMEDOUT,
        ) from error
    return {"type": "called", "code": process.returncode, "text": written.decode("utf-8", "replace")}


def _abandon(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    # What runs as root cannot be ended from here, and must not be waited for.
    try:
        process.kill()
    except PermissionError:
        return
    process.wait()
