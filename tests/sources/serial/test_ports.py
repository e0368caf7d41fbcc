# SPDX-License-Identifier: Apache-2.0
"""Which port an instrument is on: by its serial number wherever it went, by its USB id, or where the profile says."""

from __future__ import annotations

import pytest

from monitor_app.core.errors import PortError
from monitor_app.sources.registry import KINDS
from monitor_app.sources.serial.ports import access_problem, locate
from monitor_app.sources.serial.transport import SerialPort, serial_ports

PPK2_DATA = SerialPort("/dev/ttyACM3", "PPK2", "F00D", True, 0x1915, 0xC00A, "1-2:1.1")
PPK2_OTHER = SerialPort("/dev/ttyACM4", "PPK2", "F00D", True, 0x1915, 0xC00A, "1-2:1.3")
POWERSENSOR = SerialPort("/dev/ttyACM0", "STM32", "2077", True, 0x0483, 0x5740, "1-3:1.0")
BRIDGE = SerialPort("/dev/ttyUSB0", "CP2102", "0001", True, 0x10C4, 0xEA60, "1-4:1.0")
UART = SerialPort("/dev/ttyTHS1", "ttyTHS1", None, False)
PPK2, POWERSENSOR3, SHUNT = (KINDS[kind].port_filter for kind in ("ppk2", "powersensor3", "shunt"))
ALL = [UART, BRIDGE, PPK2_OTHER, PPK2_DATA, POWERSENSOR]


def test_an_instrument_with_a_usb_id_of_its_own_is_found_by_it_on_its_data_port():
    assert locate(PPK2, None, None, lambda: ALL) == PPK2_DATA
    assert locate(POWERSENSOR3, None, None, lambda: ALL) == POWERSENSOR


def test_it_is_found_by_its_serial_number_on_whatever_port_it_came_back_on():
    moved = SerialPort("/dev/ttyACM9", "STM32", "2077", True, 0x0483, 0x5740, "1-9:1.0")
    assert locate(POWERSENSOR3, "/dev/ttyACM0", "2077", lambda: [BRIDGE, moved]) == moved
    assert locate(PPK2, "/dev/ttyACM4", "F00D", lambda: ALL) == PPK2_DATA


def test_a_serial_number_that_usb_does_not_know_leaves_the_port_of_the_profile():
    assert locate(SHUNT, "/dev/ttyUSB0", "SIM-7", lambda: ALL) == BRIDGE
    assert locate(SHUNT, "/dev/pts/4", "SIM-7", lambda: ALL).device == "/dev/pts/4"
    assert locate(SHUNT, "socket://10.0.0.4:7000", None, lambda: ALL).device == "socket://10.0.0.4:7000"


def test_a_number_that_only_the_instrument_knows_does_not_keep_it_from_being_found_again():
    """The bridge before a shunt meter has a number of its own, or none."""
    present = [UART, BRIDGE, PPK2_DATA, PPK2_OTHER]
    assert locate(SHUNT, None, None, lambda: present, known="A17") == BRIDGE
    assert locate(SHUNT, None, "0001", lambda: ALL, known="A17") == BRIDGE
    # Where the number is that of its plug, another one is not taken for it.
    with pytest.raises(PortError, match="No Power Profiler Kit II BEEF is plugged in"):
        locate(PPK2, None, None, lambda: ALL, known="BEEF")
    assert locate(PPK2, None, None, lambda: ALL, known="F00D") == PPK2_DATA


def test_what_is_not_there_is_said_with_what_to_do():
    with pytest.raises(PortError, match="No Power Profiler Kit II is plugged in"):
        locate(PPK2, None, None, lambda: [UART, BRIDGE])
    with pytest.raises(PortError, match="No PowerSensor3 2077 is plugged in"):
        locate(POWERSENSOR3, None, "2077", lambda: [BRIDGE])


def test_of_several_that_it_may_be_none_is_guessed():
    second = SerialPort("/dev/ttyACM1", "STM32", "2078", True, 0x0483, 0x5740, "1-5:1.0")
    with pytest.raises(PortError, match="Several ports may be the PowerSensor3: /dev/ttyACM0, /dev/ttyACM1"):
        locate(POWERSENSOR3, None, None, lambda: [second, POWERSENSOR])


def test_a_meter_without_a_usb_id_may_be_on_any_usb_port_that_is_not_known_to_be_another():
    assert SHUNT.select(ALL) == [BRIDGE, POWERSENSOR]


def test_a_port_that_may_not_be_opened_is_said_with_both_ways_to_mend_it(tmp_path):
    assert access_problem(str(tmp_path)) is None
    sentence = access_problem(str(tmp_path / "none"))
    assert sentence is not None
    assert "--install-udev" in sentence
    assert "usermod -aG dialout" in sentence


def test_a_list_that_cannot_be_read_is_a_sentence_and_a_named_port_is_opened_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
):
    """pyserial raises TypeError from int(None) where a USB device goes away in the middle of its list."""
    tried: list[int] = []

    def vanishing() -> list[object]:
        tried.append(1)
        raise TypeError("int() argument must be a string, not 'NoneType'")

    monkeypatch.setattr("serial.tools.list_ports.comports", vanishing)
    with pytest.raises(PortError, match="The list of serial ports cannot be read now"):
        serial_ports()
    assert len(tried) > 1
    with pytest.raises(PortError, match="cannot be read now"):
        locate(PPK2, None, "F00D")
    assert locate(SHUNT, "/dev/ttyUSB0", "0001", known="A17").device == "/dev/ttyUSB0"
