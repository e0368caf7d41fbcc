# SPDX-License-Identifier: Apache-2.0
"""What the agent knows of its board."""

import getpass
import os
import platform
import re
import shutil
import socket
import subprocess
from typing import Any, Dict, List, Optional

from . import places
from .board_calls import TOOLS, find_tool
from .cache import Cache
from .clock import now_ns
from .files import snapshot
from .refused import Question, RefusedError, texts_of

CPUINFO = "/proc/cpuinfo"
MODEL = "/proc/device-tree/model"
_PYTHON = re.compile(r"python3(\.\d+)?")
_NAMED = re.compile(r"(?:pypy|python)[0-9.]*")
_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
_NAME = re.compile(r"^(?:model name|Hardware|Processor)\s*:\s*(.+?)\s*$", re.MULTILINE)
TIMEOUT_S = 10.0
MOST_PYTHONS = 16


def facts(question: Question, cache: Cache) -> "Dict[str, Any]":
    """The answer. An interpreter that does not say its version is left out."""
    named = texts_of(question, "pythons") if "pythons" in question else []
    free: Optional[int] = None
    try:
        folder: Optional[str] = cache.folder
        space = os.statvfs(cache.folder)
        free = space.f_bavail * space.f_frsize
    except (RefusedError, OSError):
        folder = None
    return {
        "type": "facts",
        "machine": platform.machine(),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "host": host(),
        "user": user(),
        "root": os.geteuid() == 0,
        "home": os.path.expanduser("~"),
        "cache": folder,
        "tools": {name: path for name, path in ((name, find_tool(name)) for name in TOOLS) if path},
        "pythons": _pythons(named),
        "disk_free_bytes": free,
        "load_1min": os.getloadavg()[0],
    }


def host() -> str:
    """The board's own name."""
    return socket.gethostname()


def user() -> str:
    """Who is logged in; the number where that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())


def boot_id() -> str:
    """Differs after each boot; empty where it is not known."""
    try:
        with open(places.BOOT_ID, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _processor() -> str:
    found = _NAME.search(_text(CPUINFO))
    return found.group(1) if found else _text(MODEL) or platform.processor() or platform.machine()


def _text(path: str) -> str:
    return str(snapshot([path])["files"].get(path, "")).strip("\0\n ")


def _pythons(named: List[str]) -> Dict[str, str]:
    # All at once: each takes a tenth of a second, and many times that where it is a script that looks for another.
    paths = [(path, path) for path in _interpreters()] + [(name, _path(name)) for name in named[:MOST_PYTHONS]]
    asked = [(name, _ask_version(path)) for name, path in paths if path]
    until_ns = now_ns() + int(TIMEOUT_S * 1e9)
    versions = [(path, _version(process, (until_ns - now_ns()) * 1e-9)) for path, process in asked]
    return {path: version for path, version in versions if version}


def _path(name: str) -> "Optional[str]":
    """Of an interpreter that is given by path or name; None where there is none."""
    if not _NAMED.fullmatch(os.path.basename(name)):
        return None
    return os.path.expanduser(name) if "/" in name else shutil.which(name)


def _interpreters() -> List[str]:
    found: List[str] = []
    seen: List[str] = []
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin"]:
        for name in _names(folder):
            path = os.path.join(folder, name)
            real = os.path.realpath(path)
            if real not in seen and os.access(path, os.X_OK):
                seen.append(real)
                found.append(path)
    return found[:MOST_PYTHONS]


def _names(folder: str) -> List[str]:
    try:
        return sorted(name for name in os.listdir(folder) if _PYTHON.fullmatch(name)) if os.path.isabs(folder) else []
    except OSError:
        return []


def _ask_version(path: str) -> "Optional[subprocess.Popen[bytes]]":
    try:
        return subprocess.Popen(
            [path, "-S", "-c", _VERSION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _version(process: "Optional[subprocess.Popen[bytes]]", timeout_s: float) -> "Optional[str]":
    if process is None:
        return None
    try:
        said, _ = process.communicate(timeout=max(0.0, timeout_s))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    version = said.decode("ascii", "replace").strip()
    return version if process.returncode == 0 and version else None
