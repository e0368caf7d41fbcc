# SPDX-License-Identifier: Apache-2.0
"""How the agent gets to a board: the loader, which is an argument of Python there, and the payload for its stdin."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOADS, GREETING = "monitor-app loader 1", "monitor-app agent 1"
"""The first line of the loader, which waits for the agent, and of the agent; what comes before is a login shell's."""
COMPLAINT = "monitor-app agent: "
"""How the one line on stderr begins where the agent does not run."""
PYTHON_UNUSABLE, NOT_ARRIVED = 97, 98
"""Exit codes of the loader: this Python is too old or incomplete; the payload did not come whole."""

PACKAGE = "monitor_app_agent"
_MAIN = f"from {PACKAGE}.forced import main\n\nmain()\n"
_NO_DATE = (1980, 1, 1, 0, 0, 0)

# Python 2 has to be able to compile it. There is no quote, exclamation mark or backslash in it, which one or the other
# login shell would not leave alone.
_LOADER = """
import os, sys
def end(code, text):
    sys.stderr.write("monitor-app agent: " + text + chr(10))
    sys.stderr.flush()
    os._exit(code)
if sys.version_info < (3, 6):
    end(97, "Python %d.%d is too old, 3.6 or later is needed" % sys.version_info[:2])
try:
    import hashlib, io, zipfile, json, selectors, ctypes, fcntl
    hashlib.sha256
except Exception as error:
    end(97, "this Python lacks a part of its standard library (%s)" % error)
os.write(1, (chr(10) + "monitor-app loader 1" + chr(10)).encode("ascii"))
size = int(sys.argv[1])
data = b""
while len(data) < size:
    block = os.read(0, size - len(data))
    if not block:
        end(98, "the connection ended before the agent had arrived")
    data += block
if not hashlib.sha256(data).hexdigest() == sys.argv[2]:
    end(98, "the agent that arrived is not the one that was sent")
archive = zipfile.ZipFile(io.BytesIO(data))
space = {"__name__": "in_memory"}
exec(compile(archive.read("monitor_app_agent/in_memory.py"), "in_memory.py", "exec"), space)
space["run"](archive, sys.argv[2], sys.argv[3])
"""
LOADER = f"exec({json.dumps(_LOADER)})"
"""One line for `python3 -c`."""


def arguments(payload: bytes, *, holder: str, lease_s: float = 4.0, wait_s: float = 0.0) -> list[str]:
    """What follows the name of the Python on the board, each to be quoted for the shell there.

    Args:
        payload: what will be written to its stdin first.
        holder: who asks for the board, as `user@host`.
        lease_s: how long the agent stays without a line from here, in seconds.
        wait_s: how long it waits for the lock of another agent, in seconds.
    """
    options = json.dumps({"holder": holder, "lease_s": lease_s, "wait_s": wait_s}, separators=(",", ":"))
    return ["-c", LOADER, str(len(payload)), version(payload), options]


@cache
def payload() -> bytes:
    """The agent's sources as a zip, the same bytes for the same sources. A board can keep it as a file and run it."""
    return make_payload({})


def make_payload(replaced: Mapping[str, str]) -> bytes:
    """The same with other sources for some of its files, by name; for tests."""
    folder = resources.files("monitor_app.remote.agent")
    sources = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".py")}
    sources.update(replaced)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        _add(archive, "__main__.py", _MAIN)
        for name in sorted(sources):
            _add(archive, f"{PACKAGE}/{name}", sources[name])
    return whole.getvalue()


def version(payload: bytes) -> str:
    """The SHA-256 of a payload, by which the agent names its version."""
    return hashlib.sha256(payload).hexdigest()


def _add(archive: zipfile.ZipFile, name: str, source: str) -> None:
    # Not compressed: the bytes would depend on the version of zlib.
    info = zipfile.ZipInfo(name, _NO_DATE)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    archive.writestr(info, source)
