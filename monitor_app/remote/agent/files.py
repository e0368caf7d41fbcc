# SPDX-License-Identifier: Apache-2.0
"""The files that may be read: below /sys and /proc, and /etc/nv_tegra_release; not those of processes, no links out."""

import errno
import fnmatch
import os
import re
import stat
from typing import Any, Dict, Iterator, List, Tuple

from . import places
from .refused import RefusedError

MOST_FILES, MOST_BYTES, MOST_LOOKED_AT = 4096, 64 << 10, 1 << 16
DEEPEST = 24
"""Components of a path."""
RELEASE = "etc/nv_tegra_release"
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
_PRIVATE = re.compile(
    r"proc/(?:\d+|self|thread-self|kcore|kmsg|kpage\w*|kallsyms|sysrq-trigger|keys|key-users)(?:/|$)"
    r"|sys/kernel/(?:debug|tracing|security)(?:/|$)"
)
"""What tells of processes, and what waits, has effects or opens the kernel when it is read."""


def snapshot(patterns: List[str]) -> Dict[str, Any]:
    """Texts and numbers of errors by path, of all files that match. Raises RefusedError."""
    files: Dict[str, str] = {}
    errors: Dict[str, int] = {}
    looked_at = 0
    for pattern in patterns:
        for path in _matches(_components(pattern)):
            looked_at += 1
            if looked_at > MOST_LOOKED_AT or len(files) + len(errors) >= MOST_FILES:
                raise RefusedError("More files of the board were asked for than are read at once.", errno.E2BIG)
            if path in files or path in errors:
                continue
            try:
                files[path] = _read_once(path)
            except OSError as error:
                if error.errno not in _NO_FILE:
                    errors[path] = error.errno or errno.EIO
    return {"files": files, "errors": errors}


def open_readable(path: str) -> int:
    """A descriptor of one of the files. Raises RefusedError where it may not be read, OSError where it cannot be."""
    if "*" in path:
        raise RefusedError("A path that is swept has no `*`: {}.".format(_shown(path)), errno.EINVAL)
    return _open("/" + "/".join(_components(path)))


def text(block: bytes) -> str:
    """Bytes of a file as a text that can be turned back."""
    return block.decode("utf-8", "surrogateescape")


def _read_once(path: str) -> str:
    try:
        descriptor = _open(path)
    except RefusedError as error:  # reached by a `*` or through a link
        raise FileNotFoundError(errno.ENOENT, "not among the readable files", path) from error
    try:
        return text(places.read(descriptor, MOST_BYTES))
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    root = os.path.realpath(places.ROOT)
    real = os.path.realpath(os.path.join(root, path.lstrip("/")))
    inside = os.path.relpath(real, root)
    if not _readable(inside):
        raise RefusedError("The agent does not read {}.".format(_shown(path)), errno.EACCES)
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise RefusedError("{} is not an ordinary file.".format(_shown(path)), errno.EACCES)


def _components(pattern: str) -> Tuple[str, ...]:
    parts = tuple(part for part in pattern.split("/") if part)
    if not pattern.startswith("/") or ".." in parts or "." in parts or len(parts) > DEEPEST or "**" in pattern:
        raise RefusedError("The agent does not read {}.".format(_shown(pattern)), errno.EACCES)
    if not _readable("/".join(parts)):
        raise RefusedError("The agent does not read {}.".format(_shown(pattern)), errno.EACCES)
    return parts


def _readable(inside: str) -> bool:
    return (inside == RELEASE or inside.split("/")[0] in ("sys", "proc")) and not _PRIVATE.match(inside)


def _matches(parts: Tuple[str, ...]) -> "Iterator[str]":
    """Paths that match, in order. A folder reached through a link counts where the link stays inside."""
    found = [""]
    for part in parts:
        if "*" not in part:
            found = ["{}/{}".format(folder, part) for folder in found]
            continue
        expression = re.compile(fnmatch.translate(re.sub(r"([\[?])", r"[\1]", part)))
        found = ["{}/{}".format(folder, name) for folder in found for name in _names(folder) if expression.match(name)][
            :MOST_LOOKED_AT
        ]
    return iter(found)


def _names(folder: str) -> List[str]:
    root = os.path.realpath(places.ROOT)
    real = os.path.realpath(os.path.join(root, folder.lstrip("/")))
    if not _readable(os.path.relpath(real, root)):
        return []
    try:
        return sorted(os.listdir(real))
    except OSError:
        return []


def _shown(path: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in path[:200])
