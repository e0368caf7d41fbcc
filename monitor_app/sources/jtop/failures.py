# SPDX-License-Identifier: Apache-2.0
"""Problems with the jtop service, each as one sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import HandshakeError, PortError, SourceError, SourceLostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME_ANOTHER = "name an interpreter that has it as python in the profile"
_BY_INTERPRETER: dict[str, str] = {
    "version-mismatch": "The jtop service is version {service}, and the jetson-stats of {python} is {client}: install "
    "the service's with `{python} -m pip install jetson-stats=={service}`, or " + _NAME_ANOTHER + ".",
    "python-mismatch": "{python} and the Python of the jtop service do not understand each other ({text}): name the "
    "interpreter that runs the service, such as /usr/bin/python3, as python in the profile.",
    "authentication-failed": "The jtop service does not accept the jetson-stats of {python} ({text}): install the "
    "service's version for it, or " + _NAME_ANOTHER + ".",
    "import-failed": "The jetson-stats of {python} cannot be loaded ({text}): reinstall it with "
    "`{python} -m pip install --force-reinstall jetson-stats`, or " + _NAME_ANOTHER + ".",
    "not-installed": "{python} has no jetson-stats: run `pip install 'inferwatt[jetson]'`, or " + _NAME_ANOTHER + ".",
}
"""Another interpreter may work; the first of these is the one that a user can do most about."""
_BY_SERVICE: dict[str, tuple[type[SourceError], str]] = {
    "absent": (
        PortError,
        "The jtop service is not running: start it with `sudo systemctl start jtop`, or install it with "
        "`sudo jtop --install-service`.",
    ),
    "forbidden": (
        PortError,
        "This user may not use the jtop service: run `sudo usermod -aG jtop $USER`, then log out and in again.",
    ),
    "no-data": (
        HandshakeError,
        "The jtop service answers but has no values, so it has failed inside: see `journalctl -u jtop` for why, and "
        "restart it with `sudo systemctl restart jtop`.",
    ),
    "silent": (
        HandshakeError,
        "The jtop service has not answered {name} for {seconds:.0f} s: restart it with `sudo systemctl restart jtop`.",
    ),
    "hung-up": (
        HandshakeError,
        "The jtop service closed the connection to {name}: restart it with `sudo systemctl restart jtop`, and check "
        "that its Python is not older than {python}'s.",
    ),
    "failed": (
        HandshakeError,
        "jetson-stats failed with {name} ({text}): see `journalctl -u jtop`, and restart the service with "
        "`sudo systemctl restart jtop`.",
    ),
}
_LOST = "The jtop service ended while {name} listened: start it again with `sudo systemctl start jtop`."


def failure(name: str, problem: Mapping[str, Any], *, lost: bool = False) -> SourceError:
    """The error for what the child reported; with lost, once updates have come."""
    code = str(problem.get("code", "failed"))
    known = {"name": name, "text": "", "python": "this interpreter", **problem}
    known["text"] = " ".join(str(known["text"]).split())
    if lost and code in {"hung-up", "absent", "no-data"}:
        return SourceLostError(_LOST.format_map(known))
    if code in _BY_INTERPRETER:
        return HandshakeError(_BY_INTERPRETER[code].format_map(known))
    kind, sentence = _BY_SERVICE.get(code, _BY_SERVICE["failed"])
    return (SourceLostError if lost else kind)(sentence.format_map(known))


def other_interpreter_may_do(problem: Mapping[str, Any]) -> bool:
    """The fault is between this interpreter's jetson-stats and the service, not the service's own."""
    return problem.get("code") in _BY_INTERPRETER


def most_telling(failures: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of the problems of several interpreters, the one that says most about how to solve it."""
    order = list(_BY_INTERPRETER)
    return min(failures, key=lambda problem: order.index(problem["code"]))
