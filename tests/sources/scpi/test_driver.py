# SPDX-License-Identifier: Apache-2.0
"""Supplies and multimeters through pyvisa, against a scripted one over a pseudo-terminal or a socket."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import HandshakeError, PortError, SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.sources.scpi import driver as scpi_module
from monitor_app.sources.scpi import visa as visa_module
from monitor_app.sources.scpi.driver import ScpiSource, ScpiSpec
from tests.sources.scpi.device import ScpiDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = b"Agilent Technologies,E3644A,0,1.4-5.0-1.0"


class Supply:
    """An E3644A: at every poll a volt and an ampere more, so that a value says which poll it is of."""

    def __init__(self) -> None:
        self.polls = 0
        self.identity = IDENTITY
        self.odd: dict[tuple[bytes, int], list[bytes | None]] = {}
        """What is answered in place of the value to a query of a poll."""
        self.held: bytes = b""
        """An answer that comes late: with the next one."""

    def answer(self, line: bytes) -> bytes | None:
        line = line.strip()
        if line == b"*IDN?":
            return self.tell(self.identity)
        if line == b"MEAS:VOLT?":
            self.polls += 1
        if line not in {b"MEAS:VOLT?", b"MEAS:CURR?"}:
            return None
        value = b"%+.8E" % (self.polls + (0.5 if line == b"MEAS:CURR?" else 0))
        replaced = self.odd.get((line, self.polls), [value])
        if replaced == ["late"]:
            self.held = value + b"\r\n"
            return None
        return self.tell(replaced[0])

    def tell(self, text: bytes | None) -> bytes | None:
        held, self.held = self.held, b""
        return None if text is None else held + text + b"\r\n"


class Multimeter:
    """Measures 1 A, then 2 A, ..."""

    def __init__(self, *, reads: bool = True) -> None:
        self.reads, self.count = reads, 0

    def answer(self, line: bytes) -> bytes | None:
        if line == b"*IDN?":
            return b"HEWLETT-PACKARD,34401A,SIM-7,11-5-2\n"
        if line == b"MEAS:CURR:DC?" or (line == b"READ?" and self.reads):
            self.count += 1
            return b"%+.8E\n" % self.count
        return None


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scpi_module, "ANSWER_S", 0.15)
    monkeypatch.setattr(scpi_module, "FIRST_ANSWER_S", 0.15)
    monkeypatch.setattr(visa_module, "IDENTITY_S", 0.15)


def spec_of(resource: str, **more: object) -> ScpiSpec:
    return ScpiSpec.model_validate({"kind": "scpi", "resource": resource, "interval_s": 0.02, **more})


@contextmanager
def opened(resource: str, **more: object) -> Iterator[ScpiSource]:
    source = ScpiSource("supply", spec_of(resource, **more))
    source.open()
    try:
        yield source
    finally:
        source.close()
        source.close()


def blocks_of(source: ScpiSource, n: int) -> list[SampleBlock]:
    blocks: list[SampleBlock] = []
    while len(blocks) < n:
        blocks += [reading for reading in source.read(0.05) if isinstance(reading, SampleBlock)]
    return blocks


def values(blocks: list[SampleBlock]) -> list[tuple[float, ...]]:
    return [tuple(float(code[0]) for code in block.codes) for block in blocks]


@pytest.mark.parametrize("network", [False, True])
def test_a_supply_is_polled(network):
    device = ScpiDevice(Supply().answer, network=network)
    with device as resource:
        with opened(resource) as source:
            info = source.info
            blocks = blocks_of(source, 4)
        assert (info.kind, info.model, info.firmware, info.simulated) == (
            "scpi", "Agilent Technologies E3644A", "1.4-5.0-1.0", False,
        )  # fmt: skip
        current, voltage, power = info.signals
        assert (current.quantity, current.dtype, current.role) == (Quantity.CURRENT, "<f4", Role.OTHER)
        assert (voltage.quantity, voltage.dtype) == (Quantity.VOLTAGE, "<f4")
        assert (power.role, power.product_of) == (Role.TOTAL, ("current", "voltage"))
        # Three polls were for trial; on a busy machine one of these may be repeated.
        first = int(values(blocks)[0][1])
        assert first >= 4
        assert values(blocks) == [(k + 0.5, float(k)) for k in range(first, first + 4)]
        # A poll whose time passed while the machine was busy is counted as lost, and its number left out.
        indices = [block.first_index - block.lost_before for block in blocks]
        assert indices == [0, *(block.first_index + 1 for block in blocks[:-1])]
        times_ns = [int(block.times_ns[0]) for block in blocks if block.times_ns is not None]
        assert times_ns == sorted(set(times_ns))
        assert all(0 <= block.arrival_ns - time_ns < 10**9 for block, time_ns in zip(blocks, times_ns, strict=True))
        assert info.rate_hz <= 50
        assert info.transport_bound_ns >= 10_000_000
    told = [line.strip() for line in device.heard]
    remote = [line for line in told if line.startswith(b"SYST")]
    assert remote == ([] if network else [b"SYST:REM", b"SYST:LOC"])


def test_a_multimeter_is_set_up_once_and_then_read():
    device = ScpiDevice(Multimeter().answer)
    with device as resource, opened(resource, model="dmm", supply_v=12.0) as source:
        info = source.info
        blocks = blocks_of(source, 2)
    assert [signal.name for signal in info.signals] == ["current", "power"]
    assert info.derived_signals == ()
    assert info.simulated
    assert "12 V of the profile" in info.notes[0]
    assert values(blocks) == [(k, 12.0 * k) for k in (6.0, 7.0)]
    assert device.heard.count(b"MEAS:CURR:DC?") == 1


def test_a_multimeter_that_cannot_read_alone_is_asked_in_full(impatient):
    device = ScpiDevice(Multimeter(reads=False).answer)
    with device as resource, opened(resource, model="dmm") as source:
        assert [signal.name for signal in source.info.signals] == ["current"]
        assert values(blocks_of(source, 1)) == [(5.0,)]


@pytest.mark.parametrize("query", [b"MEAS:VOLT?", b"MEAS:CURR?"])
@pytest.mark.parametrize("odd", [None, "late", b"", b"+9.90000000E+37", b"nan", b"\xff1.0", b"1.0;2.0", b"1\n2"])
def test_a_poll_without_numbers_is_left_out_and_answers_stay_with_their_questions(impatient, query, odd):
    supply = Supply()
    supply.odd = {(query, 5): [odd], (query, 6): [odd]}
    with ScpiDevice(supply.answer, network=False) as resource, opened(resource) as source:
        # A slow machine may make a poll late, which counts as one left out.
        source._longest_ns = 10**10
        blocks = blocks_of(source, 4)
    assert values(blocks) == [(k + 0.5, float(k)) for k in (4, 7, 8, 9)]
    assert blocks[1].lost_before >= 2
    assert blocks[1].first_index == blocks[0].first_index + 1 + blocks[1].lost_before


def test_a_supply_that_was_switched_off_and_on_is_taken_over_again(impatient):
    supply = Supply()
    local = []

    def answer(line: bytes) -> bytes | None:
        if line == b"SYST:REM":
            local.clear()
        if supply.polls == 5 and not local and line == b"MEAS:VOLT?":
            local.append(True)
            supply.polls += 1
        return None if local and line.startswith(b"MEAS") else supply.answer(line)

    with ScpiDevice(answer, network=False) as resource, opened(resource) as source:
        source._longest_ns = 10**10
        assert values(blocks_of(source, 3)) == [(4.5, 4.0), (5.5, 5.0), (7.5, 7.0)]


def test_five_polls_without_a_value_are_a_loss(impatient):
    supply = Supply()
    supply.odd = {(b"MEAS:VOLT?", k): [b"+9.9E+37"] for k in range(5, 20)}
    with ScpiDevice(supply.answer) as resource, opened(resource) as source:
        assert values(blocks_of(source, 1)) == [(4.5, 4.0)]
        with pytest.raises(SourceLostError, match="has given no value 5 times in a row"):
            blocks_of(source, 1)
    assert supply.polls == 9


def test_unplugged():
    device = ScpiDevice(Supply().answer, network=False)
    with device as resource, opened(resource) as source:
        blocks_of(source, 1)
        device.unplug()
        with pytest.raises(SourceLostError, match="went away"):
            blocks_of(source, 10)


def test_a_read_waits_no_longer_than_it_may():
    with ScpiDevice(Supply().answer) as resource, opened(resource, interval_s=30) as source:
        start = time.monotonic()
        assert source.read(0.05) == []
        assert time.monotonic() - start < 5  # and not 30


# -- what cannot be used ---------------------------------------------------------------------------


@contextmanager
def refused(kind: type[SourceError], match: str) -> Iterator[None]:
    with pytest.raises(kind, match=match) as raised:
        yield
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_without_pyvisa_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvisa_py", None)
    with refused(SourceError, r"pip install 'inferwatt\[scpi\]'"):
        ScpiSource("supply", spec_of("ASRL/dev/ttyUSB0::INSTR")).open()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        ("ASRL/dev/does-not-exist::INSTR", "There is no port /dev/does-not-exist: plug the instrument in"),
        ("ASRL/dev/null::INSTR", "/dev/null::INSTR cannot be opened"),
        ("TCPIP::no-such-host.invalid::5025::SOCKET", "There is no host no-such-host.invalid: check the address"),
        ("USB0::nonsense", "'USB0::nonsense' is not a VISA resource that can be opened"),
        ("GPIB0::5::INSTR", "GPIB0::5::INSTR cannot be opened"),
    ],
)
def test_a_resource_that_cannot_be_opened(resource, sentence):
    with refused(PortError, sentence):
        ScpiSource("supply", spec_of(resource)).open()


def test_a_host_that_refuses():
    with refused(SourceLostError, "went away .Connection refused.: check its power"):
        ScpiSource("supply", spec_of(f"TCPIP::127.0.0.1::{free_port()}::SOCKET")).open()


def test_a_port_that_another_program_has():
    device = ScpiDevice(Supply().answer, network=False)
    with device as resource:
        other = os.open(device.port, os.O_RDWR | os.O_NOCTTY)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with refused(PortError, f"{device.port} is in use by another program"):
                ScpiSource("supply", spec_of(resource)).open()
        finally:
            os.close(other)
        with opened(resource), refused(PortError, "is in use by another program"):
            ScpiSource("second", spec_of(resource)).open()
        with opened(resource):
            pass


@pytest.mark.parametrize("network", [False, True])
def test_an_instrument_that_does_not_answer(impatient, network):
    with (
        ScpiDevice(lambda _: None, network=network) as resource,
        refused(HandshakeError, r"does not answer \*IDN\?: check that the instrument is on"),
    ):
        ScpiSource("supply", spec_of(resource)).open()


def test_an_instrument_of_another_kind(impatient):
    with (
        ScpiDevice(Multimeter().answer) as resource,
        refused(HandshakeError, "does not report its voltage and current: check the model in the profile .e364x."),
    ):
        ScpiSource("supply", spec_of(resource)).open()


def test_before_open_there_is_nothing_to_read():
    source = ScpiSource("supply", spec_of("ASRL/dev/x::INSTR"))
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError):
        source.read(0.0)
    source.close()


def test_the_resource_of_an_emulated_one_is_given_from_outside():
    spec = ScpiSpec.model_validate({"kind": "scpi", "emulate": "tx1"})
    supply = Supply()
    supply.identity = b"Agilent Technologies,E3644A,0,1.4 emulated"
    with ScpiDevice(supply.answer, network=False) as resource:
        source = ScpiSource("supply", spec, resource=resource)
        source.open()
        assert source.info.simulated
        source.close()
