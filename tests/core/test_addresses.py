# SPDX-License-Identifier: Apache-2.0
"""A profile names devices and addresses of instruments, and none of pyserial's other handlers."""

from __future__ import annotations

import json
import pkgutil
from typing import TYPE_CHECKING

import pytest
import serial.urlhandler

from monitor_app.core.addresses import SCHEMES, check_port, check_resource
from monitor_app.core.errors import PortError, ProfileError
from monitor_app.sources.profile_reader import parse_profile
from monitor_app.sources.scpi.visa import VisaLink
from monitor_app.sources.serial.transport import SerialTransport

if TYPE_CHECKING:
    from pathlib import Path

HANDLERS = [each.name.removeprefix("protocol_") for each in pkgutil.iter_modules(serial.urlhandler.__path__)]
"""All that pyserial has."""
REFUSED = sorted({*HANDLERS, "file", "SPY", "Loop", "os.path", "", " socket", "socket\n"} - set(SCHEMES))


@pytest.mark.parametrize(
    "port",
    [
        "/dev/ttyUSB0", "/dev/serial/by-id/usb-A: b", "/tmp/link", "COM3", "socket://10.0.0.5:4000",
        "rfc2217://meter.local:2217?ign_set_control", "SOCKET://bench:1",
    ],
)  # fmt: skip
def test_devices_and_the_two_network_schemes_are_allowed(port: str) -> None:
    assert check_port(port) == port
    assert check_resource(f"ASRL{port}::INSTR") == f"ASRL{port}::INSTR"


@pytest.mark.parametrize(
    "resource", ["TCPIP::10.0.0.5::5025::SOCKET", "USB0::1::2::3::INSTR", "ASRL1", "GPIB::5::INSTR"]
)
def test_the_usual_visa_resources_are_allowed(resource: str) -> None:
    assert check_resource(resource) == resource


@pytest.mark.parametrize("scheme", REFUSED)
def test_every_other_handler_is_refused_when_the_profile_is_read_and_when_the_port_is_opened(
    scheme: str, tmp_path: Path
) -> None:
    assert {"spy", "loop", "alt", "hwgrep", "cp2110"} <= set(REFUSED)
    port = f"{scheme}:///dev/null?file={tmp_path}/written"
    for kind, key, address in (("shunt", "port", port), ("scpi", "resource", f"ASRL{port}::INSTR")):
        text = f"title = 'sent to you'\n[[source]]\nkind = '{kind}'\n{key} = {json.dumps(address)}\n"
        with pytest.raises(ProfileError, match=rf"sent.toml.*source.0.{key}: .*may be opened: (give|write)"):
            parse_profile(text, "sent.toml")
    with pytest.raises(PortError, match="is not a port that may be opened: give a device such as") as told:
        SerialTransport(port)
    assert str(told.value).endswith(".")
    with pytest.raises(PortError, match="may be opened"):
        VisaLink("supply", f"ASRL{port}::INSTR")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "resource", ["PRLGX-ASRL::spy:///dev/null", "PRLGX-TCPIP::a::1", "ASRL::spy://x", "ASRL", "alias"]
)
def test_resources_that_lead_to_pyserial_by_another_way_are_refused(resource: str) -> None:
    with pytest.raises(ValueError, match="may be opened"):
        check_resource(resource)
