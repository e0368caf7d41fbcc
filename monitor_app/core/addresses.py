# SPDX-License-Identifier: Apache-2.0
"""Which addresses of an instrument a profile may give: an allow-list.

pyserial takes what stands before ``://`` for the name of a handler, and some of its handlers write files, search for
devices or load modules. PyVISA hands the port of a serial resource on to pyserial.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

SCHEMES = ("socket", "rfc2217")
"""Ports on the network that may be opened besides devices of this machine."""
_VISA = re.compile(r"(?:ASRL(?P<port>[^:].*?)(?:::INSTR)?|(?:TCPIP|USB|GPIB)\d*::.+)", re.IGNORECASE | re.DOTALL)


def check_port(port: str) -> str:
    """The port itself, if it is a device or an address of ``SCHEMES``. Raises ValueError with a sentence."""
    scheme, separator, _ = port.partition("://")
    if (separator and scheme.lower() not in SCHEMES) or "\0" in port:
        raise ValueError(
            f"{port!r} is not a port that may be opened: give a device such as /dev/ttyUSB0, "
            "socket://HOST:PORT or rfc2217://HOST:PORT"
        )
    return port


def check_resource(resource: str) -> str:
    """The VISA resource itself, if it is on a port that may be opened, TCPIP, USB or GPIB. Raises ValueError."""
    match = _VISA.fullmatch(resource)
    if match is None:
        raise ValueError(
            f"{resource!r} is not a VISA resource that may be opened: write it like ASRL/dev/ttyUSB0::INSTR or "
            "TCPIP::10.0.0.5::5025::SOCKET"
        )
    if match["port"] is not None:
        check_port(match["port"])
    return resource


Port = Annotated[str, AfterValidator(check_port)]
Resource = Annotated[str, AfterValidator(check_resource)]
