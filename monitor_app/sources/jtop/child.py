# SPDX-License-Identifier: Apache-2.0
"""Passes what the jtop service says on to its parent: one JSON object a line, for each update that is new.

A program of its own, so that jetson-stats stays outside ours (docs/decisions/0006-jtop-in-a-child.md). It needs the
standard library and jtop, and keeps to the syntax of Python 3.6: it runs under whatever interpreter has the
jetson-stats that fits the service, which on an older Jetson is the system's own.

    child.py SOCKET INTERVAL_S

Lines have one key that says what they are: ``connected`` (versions and the running interval), ``board``, ``update``
(with the uptime of its values, and the present moment by two clocks), ``error`` (a code, with what else is known). It
ends when its stdin ends.
"""

import errno
import importlib
import json
import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# The modules beside this program are not those that jetson-stats means by the same names.
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]

CLOCK_BOOTTIME = 7
"""Of Linux; Python 3.6 has no name for it."""
_MISMATCH = re.compile(r"service: \[(?P<service>[^]]*)\] and client: \[(?P<client>[^]]*)\]")
_ABSENT = (errno.ENOENT, errno.ECONNREFUSED)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


def main() -> None:
    """Run until stdin ends or the service is lost."""
    # Output of libraries must not get between the lines.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    writing = threading.Lock()

    def say(kind: str, content: "dict[str, object]") -> None:
        line = json.dumps({kind: content}, default=str).encode("ascii") + b"\n"
        with writing:
            while line:
                line = line[out.write(line) :]

    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        _follow(sys.argv[1], float(sys.argv[2]), say)
    except Exception as error:  # noqa: BLE001 - the top of a process
        say("error", _describe(error))
    # Not by returning: threads of jetson-stats may still be running.
    os._exit(0)


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _follow(socket: str, interval_s: float, say: "Callable[[str, dict[str, object]], None]") -> None:
    jtop: Any = importlib.import_module("jtop")
    importlib.import_module("jtop.service").JTOP_PIPE = socket  # type: ignore[attr-defined]
    # What is older than this was left behind by an earlier measurement.
    last_uptime_s = _uptime_s()

    def pass_on(client: "Any") -> None:
        nonlocal last_uptime_s
        seen_s = _uptime_s()
        uptime_s = client.uptime.total_seconds()
        # After a time-out the client shows the old values again.
        if uptime_s > last_uptime_s:
            last_uptime_s = uptime_s
            say("update", dict(_values(client), uptime_s=uptime_s, seen_s=seen_s, **_clocks()))

    class Client(jtop.jtop):
        def _load_jetson_libraries(self) -> None:
            """Do nothing: it would run dpkg, nvcc and even vulkaninfo on the GPU, for answers that are not used."""

    client = Client(interval=interval_s)
    client.attach(pass_on)
    client.start()
    # Another program may have set another interval before. Where that is longer, client.ok() would end after three
    # of the requested intervals, without an error; its thread only polls more often than there is something new.
    running_s = client.interval if client.interval > 0 else interval_s
    say("connected", {"interval_s": running_s, "version": jtop.__version__, "python": sys.executable})
    say("board", dict(client.board.get("hardware") or {}))
    client.join()
    client.ok(spin=True)  # raises what ended the thread
    raise EOFError


def _values(client: "Any") -> "dict[str, object]":
    clocks = client.jetson_clocks
    return {
        "power": client.power,
        "temperature": client.temperature,
        "gpu": dict(client.gpu.items()),
        "memory": {name: value for name, value in client.memory.items() if name != "SWAP"},
        "fan": dict(client.fan.items()),
        "cpu": client.cpu["cpu"],
        "power_mode": _power_mode(client.nvpmodel),
        "jetson_clocks": None if clocks is None else bool(clocks),
    }


def _power_mode(model: "Any") -> "str | None":
    try:
        return None if model is None else str(model.name)
    except (KeyError, TypeError):  # the tool that reports it failed; the numbers are still good
        return None


def _uptime_s() -> float:
    with open("/proc/uptime") as file:
        return float(file.read().split()[0])


def _clocks() -> "dict[str, float]":
    """The same moment by two clocks: by that of the uptimes, and by the one that NTP does not bend."""
    before_s = time.clock_gettime(CLOCK_BOOTTIME)
    raw_ns = _raw_ns()
    return {"boot_s": (before_s + time.clock_gettime(CLOCK_BOOTTIME)) / 2, "raw_ns": raw_ns}


def _raw_ns() -> int:
    exact = getattr(time, "clock_gettime_ns", None)
    return int(exact(time.CLOCK_MONOTONIC_RAW) if exact else time.clock_gettime(time.CLOCK_MONOTONIC_RAW) * 1e9)


def _describe(error: Exception) -> "dict[str, object]":
    """What a parent needs to know to say what to do. jetson-stats puts most causes into the text or the context."""
    text = str(error).strip()
    cause = error.__context__
    number = getattr(error, "errno", None) or getattr(cause, "errno", None)
    mismatch = _MISMATCH.search(text)
    problem: dict[str, object] = {"text": text or type(error).__name__, "python": sys.executable}
    if mismatch:
        return dict(problem, code="version-mismatch", **mismatch.groupdict())
    code = "failed"
    if isinstance(error, ImportError):
        code = "not-installed" if getattr(error, "name", None) == "jtop" else "import-failed"
    elif isinstance(cause, ValueError):
        code = "python-mismatch"
    elif "AuthenticationError" in {type(error).__name__, type(cause).__name__}:
        code = "authentication-failed"
    elif number in _ABSENT:
        code = "absent"
    elif number in _FORBIDDEN:
        code = "forbidden"
    elif "Error connection" in text:
        code = "no-data"
    elif isinstance(error, (EOFError, ConnectionError)) or isinstance(cause, EOFError):
        code = "hung-up"
    return dict(problem, code=code)


if __name__ == "__main__":
    main()
