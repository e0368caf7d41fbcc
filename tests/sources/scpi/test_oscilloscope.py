# SPDX-License-Identifier: Apache-2.0
"""A scope's records: their scaling in closed form, and a scripted scope over a socket that takes its time."""

from __future__ import annotations

import struct
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.core.errors import HandshakeError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.sources.scpi import oscilloscope as scope_module
from monitor_app.sources.scpi import visa as visa_module
from monitor_app.sources.scpi.oscilloscope import ScopeSource, ScopeSpec, read_record
from tests.sources.scpi.device import ScpiDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

POINTS, RECORD_S = 2000, 0.2
Y_STEP, Y_ORIGIN, Y_REFERENCE = 0.0005, 0.25, 32768


def preamble(points: int, x_step: float, *, format: int = 1, fields: int = 10) -> bytes:
    numbers = [format, 0, points, 1, x_step, -0.05, 0, Y_STEP, Y_ORIGIN, Y_REFERENCE]
    return b",".join(b"%+.6E" % number for number in numbers[:fields])


class Scope:
    """Digitizes in real time: the range is how long it takes. Point k of a record is 32768 + 10 times (k mod 100)."""

    def __init__(self) -> None:
        self.range_s, self.points = 1.0, 100
        self.completed_s: list[float] = []
        self.captured_ns: list[int] = []
        """When each record began, by the host's clock."""
        self.speed = 1.0
        self.trigger_s = 0.0
        self.mangled: set[int] = set()
        """Records whose block comes one point short."""
        self.fields = 10
        self.stop = threading.Event()

    @property
    def x_step(self) -> float:
        return self.range_s / self.points

    def answer(self, line: bytes) -> bytes | None:
        command, _, value = line.partition(b" ")
        if command == b"*IDN?":
            return b"KEYSIGHT TECHNOLOGIES,MSO-X 2024A,MY123,02.65\n"
        if command == b":TIMebase:RANGe":
            self.range_s = float(value)
        if command == b":WAVeform:POINts":
            self.points = int(value)
        if command == b":DIGitize":
            assert value == b"CHANnel2;*OPC?"
            self.stop.wait(self.trigger_s)
            self.captured_ns.append(host_time_ns())
            self.stop.wait(self.range_s / self.speed)
            return b"1\n"
        if command == b":WAVeform:PREamble?" and self.fields:
            return preamble(self.points, self.x_step, fields=self.fields) + b"\n"
        if command == b":WAVeform:DATA?":
            short = len(self.captured_ns) - 1 in self.mangled
            codes = 32768 + 10 * (np.arange(self.points - short) % 100)
            data = codes.astype(">u2").tobytes()
            return b"#8%08d" % len(data) + data + b"\n"
        return None


def spec_of(resource: str, **more: object) -> ScopeSpec:
    return ScopeSpec.model_validate(
        {"kind": "scope", "resource": resource, "channel": 2, "a_per_v": 10.0, "supply_v": 12.0,
         "record_s": RECORD_S, "points": POINTS, **more}
    )  # fmt: skip


@contextmanager
def running(scope: Scope, **more: object) -> Iterator[ScopeSource]:
    device = ScpiDevice(scope.answer)
    with device as resource:
        source = ScopeSource("scope", spec_of(resource, **more))
        try:
            source.open()
            yield source
        finally:
            source.close()
            source.close()
            scope.stop.set()


def records_of(source: ScopeSource, n: int) -> list[SampleBlock]:
    blocks: list[SampleBlock] = []
    while len(blocks) < n:
        blocks += [reading for reading in source.read(0.05) if isinstance(reading, SampleBlock)]
    return blocks


# -- scaling ---------------------------------------------------------------------------------------


def test_words_are_scaled_as_the_preamble_says():
    record = read_record("1,0,3,1,+2.0E-05,-1.0E-02,5,+1.0E-03,-2.5E-01,1000", struct.pack(">3H", 1000, 1001, 65_535))
    assert record.volts.tolist() == pytest.approx([-0.25, -0.249, 64_535e-3 - 0.25])
    assert record.interval_s == 2e-5
    assert record.start_s == pytest.approx(-0.01 - 5 * 2e-5)
    assert record.step_v == 1e-3
    assert record.duration_s == pytest.approx(6e-5)


def test_bytes_are_scaled_as_the_preamble_says():
    record = read_record("0,2,4,8,1E-6,0,0,0.02,0.5,128", bytes([0, 128, 129, 255]))
    assert record.volts.tolist() == pytest.approx([-2.06, 0.5, 0.52, 3.04])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("1,0,3,1,2E-5,0,0,1E-3,0,0", b"\0" * 5),
        ("0,0,3,1,2E-5,0,0,1E-3,0,0", b"\0" * 4),
        ("4,0,3,1,2E-5,0,0,1E-3,0,0", b"1,2,3"),
        ("1,0,3,1,2E-5,0,0,1E-3,0", b"\0" * 6),
        ("1,0,0,1,2E-5,0,0,1E-3,0,0", b""),
        ("1,0,3,1,0,0,0,1E-3,0,0", b"\0" * 6),
        ("1,0,3,1,nan,0,0,1E-3,0,0", b"\0" * 6),
        ("what,0,3,1,1,0,0,1E-3,0,0", b"\0" * 6),
    ],
)
def test_a_record_that_does_not_fit_its_preamble_is_none(text, data):
    with pytest.raises(ValueError, match=r"points|format|numbers|convert"):
        read_record(text, data)


# -- the source ------------------------------------------------------------------------------------


def test_records_are_blocks_with_holes_between_them():
    scope = Scope()
    with running(scope) as source:
        info = source.info
        first, second, third = records_of(source, 3)
    assert (info.kind, info.model, info.serial_number) == ("scope", "KEYSIGHT TECHNOLOGIES MSO-X 2024A", "MY123")
    assert info.rate_hz == pytest.approx(POINTS / RECORD_S)
    assert not info.simulated
    current, power = info.signals
    assert (current.quantity, current.resolution) == (Quantity.CURRENT, pytest.approx(10 * Y_STEP))
    assert (power.quantity, power.role, power.product_of) == (Quantity.POWER, Role.TOTAL, None)
    assert power.resolution == pytest.approx(120 * Y_STEP)
    assert (first.first_index, first.lost_before) == (0, 0)
    amperes = (10 * (np.arange(POINTS) % 100) * Y_STEP + Y_ORIGIN) * 10.0
    end = 0
    for block, begun_ns in zip((first, second, third), scope.captured_ns[1:], strict=False):
        assert len(block) == POINTS
        np.testing.assert_allclose(block.codes[0], amperes, rtol=1e-6)
        np.testing.assert_allclose(block.codes[1], amperes * 12.0, rtol=1e-6)
        assert block.times_ns is not None
        truth_ns = begun_ns + np.arange(POINTS) * RECORD_S / POINTS * 1e9
        assert np.abs(block.times_ns - truth_ns).max() <= info.transport_bound_ns
        assert block.times_ns[0] > end
        end = int(block.times_ns[-1])
    # The hole between two records is as long as the time between them.
    assert first.times_ns is not None
    assert second.times_ns is not None
    gap_ns = second.times_ns[0] - first.times_ns[-1]
    assert second.lost_before == second.first_index - POINTS
    assert second.lost_before == pytest.approx(gap_ns * 1e-9 * POINTS / RECORD_S - 1, abs=1.5)


def test_bytes_that_look_like_line_ends_are_data():
    """One point in a hundred has 0x0A in it: 32768 + 10."""
    with running(Scope()) as source:
        [block] = records_of(source, 1)
    assert block.codes[0][1] == pytest.approx((10 * Y_STEP + Y_ORIGIN) * 10)


def test_while_a_record_is_captured_nothing_comes():
    with running(Scope(), record_s=5.0) as source:
        assert source.read(0.0) == []
        start = time.monotonic()
        assert source.read(0.05) == []
        assert time.monotonic() - start < 4


def test_a_record_that_came_short_is_left_out_and_makes_the_hole_longer():
    scope = Scope()
    scope.mangled = {2}
    with running(scope) as source:
        bound_ns = source.info.transport_bound_ns
        first, third = records_of(source, 2)
    assert third.lost_before >= POINTS
    assert first.times_ns is not None
    assert third.times_ns is not None
    assert third.times_ns[0] - first.times_ns[-1] >= RECORD_S * 1e9
    assert abs(third.times_ns[0] - scope.captured_ns[3]) <= bound_ns


def test_records_that_never_come_whole_are_a_loss():
    scope = Scope()
    scope.mangled = set(range(1, 100))
    with running(scope) as source, pytest.raises(SourceLostError, match="given no usable record 3 times"):
        records_of(source, 1)


def test_a_record_that_is_less_sure_than_promised_is_left_out():
    scope = Scope()
    with running(scope) as source:
        scope.trigger_s = 2 * source.info.transport_bound_ns * 1e-9 + 0.3
        # The first may have been begun before the trigger became rare.
        with pytest.raises(SourceLostError, match="no usable record"):
            records_of(source, 2)


def test_a_scope_that_never_triggers_is_a_loss(monkeypatch):
    monkeypatch.setattr(scope_module, "PATIENCE_S", 0.3)
    scope = Scope()
    with running(scope) as source:
        scope.trigger_s = 30
        with pytest.raises(SourceLostError, match="does not complete its record: check that it triggers"):
            records_of(source, 2)
        scope.stop.set()


def test_a_record_that_was_faster_than_time_is_refused():
    scope = Scope()
    scope.speed = 10.0
    with pytest.raises(HandshakeError, match="its times cannot be trusted"), running(scope):
        pass


@pytest.mark.parametrize(("fields", "sentence"), [(0, "captures no record"), (9, "describes its record in a way")])
def test_a_scope_without_a_preamble_is_refused(monkeypatch, fields, sentence):
    monkeypatch.setattr(scope_module, "ANSWER_S", 0.2)
    scope = Scope()
    scope.fields = fields
    with pytest.raises(HandshakeError, match=sentence), running(scope):
        pass


def test_something_else_at_the_address(monkeypatch):
    monkeypatch.setattr(visa_module, "IDENTITY_S", 0.1)
    with ScpiDevice(lambda _: None) as resource, pytest.raises(HandshakeError, match=r"does not answer \*IDN"):
        ScopeSource("scope", spec_of(resource)).open()


def test_before_open_there_is_nothing_to_read():
    source = ScopeSource("scope", spec_of("TCPIP::127.0.0.1::1::SOCKET"))
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError):
        source.read(0.0)
    source.close()
