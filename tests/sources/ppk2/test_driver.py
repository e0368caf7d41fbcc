# SPDX-License-Identifier: Apache-2.0
"""The host side of a conversation with a PPK2: with a scripted kit, and over a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.core.errors import HandshakeError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock, TimeMark
from monitor_app.sources.ppk2 import driver as ppk2_module
from monitor_app.sources.ppk2.calibration import FilterState, amperes, parse_metadata
from monitor_app.sources.ppk2.decoder import MARGIN_AFTER, MARGIN_BEFORE
from monitor_app.sources.ppk2.driver import Ppk2Source
from tests.sources.ppk2.kit import ASK, METADATA, MODE, REGULATOR, RUNNING, START, STOP, Kit, noise, stream

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = {"power": Role.TOTAL}


@contextlib.contextmanager
def conversation(kit: Kit, mode="source", supply_v=3.3, roles=ROLES, **options) -> Iterator[Ppk2Source]:
    source = Ppk2Source("ppk2", "/dev/scripted", mode, supply_v, roles, "SN-7", lambda port: kit, **options)
    try:
        source.open()
        yield source
    finally:
        source.close()


def all_readings(source: Ppk2Source, kit: Kit):
    readings = []
    while True:
        readings += source.read(0.0)
        if not kit.samples:
            return readings


def blocks_of(readings) -> list[SampleBlock]:
    return [reading for reading in readings if isinstance(reading, SampleBlock)]


def until_lost(source: Ppk2Source) -> None:
    while True:
        source.read(0.0)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(ppk2_module, "HANDSHAKE_S", 0.1)
    monkeypatch.setattr(ppk2_module, "ASK_EVERY_S", 0.01)
    monkeypatch.setattr(ppk2_module, "SILENCE_S", 0.05)


# -- opening ---------------------------------------------------------------------------------------


def test_in_source_mode_it_sets_the_voltage_before_it_switches_on():
    kit = Kit()
    with conversation(kit, supply_v=3.3):
        assert kit.heard == [(STOP,), (ASK,), (MODE, 2), (REGULATOR, 3300 >> 8, 3300 & 255), (RUNNING, 1), (START,)]


def test_coming_from_ampere_mode_no_earlier_voltage_reaches_the_board():
    kit = Kit(METADATA.replace(b"mode: 2", b"mode: 1"))
    with conversation(kit, supply_v=5.0):
        assert kit.heard == [
            (STOP,), (ASK,), (RUNNING, 0), (REGULATOR, 5000 >> 8, 5000 & 255), (MODE, 2), (RUNNING, 1), (START,),
        ]  # fmt: skip


def test_in_ampere_mode_it_lets_the_current_through():
    kit = Kit()
    with conversation(kit, mode="ampere", supply_v=0.8):
        assert kit.heard == [(STOP,), (ASK,), (MODE, 1), (REGULATOR, 3, 32), (RUNNING, 1), (START,)]


@pytest.mark.parametrize("mode", ["source", "ampere"])
def test_closing_stops_the_stream_and_leaves_the_board_its_power(mode):
    kit = Kit()
    with conversation(kit, mode=mode):
        before = len(kit.heard)
    assert kit.heard[before:] == [(STOP,)]
    assert kit.closed == 1


@pytest.mark.parametrize("piece", [1, 7, 64, 10_000])
def test_metadata_may_come_in_pieces(piece):
    kit = Kit(piece=piece)
    with conversation(kit) as source:
        assert source.info.firmware == "hardware 9173"


def test_it_describes_itself():
    with conversation(Kit(), roles={"power": Role.TOTAL, "current": Role.GPU}) as source:
        told = source.info
    assert (told.name, told.kind, told.model, told.serial_number) == ("ppk2", "ppk2", "Power Profiler Kit II", "SN-7")
    assert (told.rate_hz, told.lines, told.simulated) == (100_000.0, tuple(f"D{k}" for k in range(8)), False)
    current, power = told.stored_signals
    assert told.derived_signals == ()
    assert (current.name, current.quantity, current.role, current.dtype) == (
        "current",
        Quantity.CURRENT,
        Role.GPU,
        "<f4",
    )
    assert (power.name, power.quantity, power.role, power.dtype) == ("power", Quantity.POWER, Role.TOTAL, "<f4")
    assert current.resolution == pytest.approx(0.9582 * 4 * 1.8 / 163_840 / 0.0564)
    assert power.resolution == pytest.approx(3.3 * current.resolution)


def test_it_says_what_its_numbers_are():
    with conversation(Kit(), supply_v=1.85) as source:
        voltage, resolution, spikes, accuracy, _ = source.info.notes
        assert [signal.accuracy for signal in source.info.signals] == [0.15, 0.15]
    assert voltage == ("Power is current times the 1.85 V of the profile; this instrument measures no voltage.")
    assert "least sensitive" in resolution
    assert "rolling average" in spikes
    assert "right within 15 % (Nordic, PPK2 user guide: 10 % below 60 mA" in accuracy
    with conversation(Kit(), spike_filter=False) as source:
        assert "rolling average" not in " ".join(source.info.notes)


def test_a_range_without_calibration_is_named():
    with conversation(Kit(METADATA.replace(b"R2: 10.3027", b"R2: -nan"))) as source:
        assert source.info.notes[-1].startswith("The instrument has no calibration for range 2: the nominal")


def test_an_emulated_one_says_so():
    with conversation(Kit(METADATA.replace(b"IA: 56", b"IA: 56\nemulated: 1"))) as source:
        assert source.info.simulated
        assert "emulated" in source.info.model


def test_a_kit_that_was_left_streaming_is_stopped_and_drained():
    kit = Kit(stale=[noise(100, 1)[3:], noise(30, 2)])
    with conversation(kit) as source:
        kit.samples = [stream([5] * 100)]
        [block] = blocks_of(all_readings(source, kit))
    assert len(set(block.codes[0].tolist())) == 1
    assert block.first_index == 0


def test_a_question_that_is_not_heard_is_asked_again(impatient):
    kit = Kit(deaf=2)
    with conversation(kit) as source:
        assert source.info.firmware == "hardware 9173"
    assert kit.heard.count((ASK,)) == 3


@pytest.mark.parametrize(
    ("metadata", "stale"),
    [(b"", []), (b"login: \nEND\n", []), (METADATA[:-4], []), (METADATA, [b"12.5 V\r\n"] * 10_000_000)],
    ids=["silent", "other", "cut short", "never quiet"],
)
def test_what_is_no_ppk2_is_said_so_and_let_go(impatient, metadata, stale):
    kit = Kit(metadata, stale=stale)
    with pytest.raises(HandshakeError, match=r"^/dev/scripted does not answer as a PPK2 does: check .* two ports"):
        Ppk2Source("ppk2", "/dev/scripted", "source", 3.3, open_transport=lambda port: kit).open()
    assert kit.closed == 1


def test_before_open_there_is_nothing_to_read():
    source = Ppk2Source("ppk2", "/dev/scripted", "source", 3.3, open_transport=lambda port: Kit())
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError):
        source.read(0.0)
    source.close()


# -- samples ---------------------------------------------------------------------------------------


def test_currents_and_powers_come_and_power_is_current_times_the_voltage():
    data = noise(500)
    kit = Kit(samples=[data[:701], b"", data[701:]])
    with conversation(kit, supply_v=3.0) as source:
        blocks = blocks_of(all_readings(source, kit))
    told = parse_metadata(METADATA)
    assert told is not None
    words = np.frombuffer(data, "<u4")[MARGIN_AFTER:-MARGIN_BEFORE]
    expected, _ = amperes(words, told.calibration.table(3.0), FilterState())
    current = np.concatenate([block.codes[0] for block in blocks])
    power = np.concatenate([block.codes[1] for block in blocks])
    assert {code.dtype.str for block in blocks for code in block.codes} == {"<f4"}
    np.testing.assert_allclose(current, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(power, expected * 3.0, rtol=1e-6, atol=1e-12)
    assert [block.first_index for block in blocks] == [0, len(blocks[0])]
    assert [block.lost_before for block in blocks] == [0, 0]


def test_the_first_sample_was_taken_after_the_start_and_before_its_arrival():
    kit = Kit()
    before_ns = host_time_ns()
    with conversation(kit) as source:
        opened_ns = host_time_ns()
        kit.samples = [stream([1] * 5), stream([1] * 100, first=5), stream([1] * 100, first=105)]
        readings = all_readings(source, kit)
        after_ns = host_time_ns()
    [mark] = [reading for reading in readings if isinstance(reading, TimeMark)]
    assert readings[0] is mark
    assert mark.index == 0.0
    assert before_ns < mark.earliest_ns < opened_ns < mark.latest_ns < after_ns
    assert mark.latest_ns == blocks_of(readings)[0].arrival_ns
    # Waiting for more would widen the mark; afterwards it makes fewer, larger reads.
    assert kit.eager[-3:] == [True, True, False]


def test_losses_are_counted_before_the_block_that_follows_them():
    data = noise(500)
    kit = Kit(samples=[data[:800] + data[880:]])
    with conversation(kit) as source:
        before, after = blocks_of(all_readings(source, kit))
        assert source.breaks == 1
    assert (before.first_index, before.lost_before) == (0, 0)
    assert after.lost_before == 20 + MARGIN_AFTER + MARGIN_BEFORE
    assert after.first_index == len(before) + after.lost_before


def test_a_loss_that_only_the_clock_shows_moves_the_index(monkeypatch):
    """640 of a counter of 64: the watch, whose own tests say when it speaks, finds them after the second read."""
    found = iter([0, 640, 0, 0])
    monkeypatch.setattr(ppk2_module.LossWatch, "missing", lambda watch, end, arrival, broken: next(found))
    kit = Kit(samples=[stream([1] * 100, first=100 * k) for k in range(4)])
    with conversation(kit) as source:
        blocks = blocks_of(all_readings(source, kit))
    assert [block.lost_before for block in blocks] == [0, 0, 640, 0]
    ends = [block.first_index + len(block) for block in blocks]
    assert [block.first_index for block in blocks[1:]] == [ends[0], ends[1] + 640, ends[2]]


def test_the_watch_is_told_what_it_has_found(monkeypatch):
    told, found = [], iter([640, 0, 0])

    def missing(watch, end, arrival, broken):
        told.append((end, broken))
        return next(found)

    monkeypatch.setattr(ppk2_module.LossWatch, "missing", missing)
    kit = Kit(samples=[stream([1] * 100, first=first) for first in (0, 100, 210)])
    with conversation(kit) as source:
        all_readings(source, kit)
    assert told == [(89, False), (189 + 640, False), (299 + 640, True)]


def test_lines_come_as_changes_with_the_index_of_their_sample():
    levels = [0b1] * 50 + [0b1000_0001] * 50 + [0] * 50
    kit = Kit(samples=[stream([1] * 75, levels=levels[:75]), stream([1] * 75, levels=levels[75:], first=75)])
    with conversation(kit) as source:
        blocks = blocks_of(all_readings(source, kit))
    changes = [
        (int(index) + MARGIN_AFTER, int(line), int(level))
        for block in blocks
        for index, line, level in zip(block.changes.index, block.changes.line, block.changes.level, strict=True)
    ]
    assert changes == [(MARGIN_AFTER, 0, 1), (50, 7, 1), (100, 0, 0), (100, 7, 0)]


# -- being gone ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [[], [b"U\r\n" * 20] * 1_000_000], ids=["nothing", "noise"])
def test_a_kit_that_sends_no_samples_any_more_is_gone(impatient, sent):
    kit = Kit(samples=[stream([1] * 100), *sent])
    with (
        conversation(kit) as source,
        pytest.raises(SourceLostError, match="fell silent: check its power and its cable"),
    ):
        until_lost(source)


def test_closing_twice_or_when_it_is_gone_is_fine():
    kit = Kit()
    with conversation(kit) as source:
        kit.lost = True
        with pytest.raises(SourceLostError):
            source.read(0.0)
        source.close()
        source.close()
    assert kit.closed == 1


def test_it_can_be_opened_again_from_the_start():
    kits = [Kit(samples=[noise(100, first=9)]), Kit(samples=[stream([3] * 100, [4] * 100, first=40)])]
    remaining = iter(kits)
    source = Ppk2Source("ppk2", "/dev/scripted", "source", 3.3, ROLES, open_transport=lambda port: next(remaining))
    source.open()
    all_readings(source, kits[0])
    source.close()
    source.open()
    mark, block = all_readings(source, kits[1])
    source.close()
    assert isinstance(mark, TimeMark)
    assert (block.first_index, block.lost_before) == (0, 0)
    assert len(set(block.codes[0].tolist())) == 1, "nothing of the earlier averages is left"


# -- over a real pseudo-terminal -------------------------------------------------------------------


@contextlib.contextmanager
def kit_on_a_pty(data: bytes) -> Iterator[tuple[str, threading.Event]]:
    """The port of a kit that sends ``data`` when started; the event pulls its plug."""
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    unplugged = threading.Event()
    kit = threading.Thread(target=serve, args=(controller, data, unplugged))
    kit.start()
    try:
        yield os.ttyname(terminal), unplugged
    finally:
        unplugged.set()
        os.close(terminal)
        kit.join()


def serve(controller: int, data: bytes, unplugged: threading.Event) -> None:
    with os.fdopen(controller, "wb", buffering=0), contextlib.suppress(OSError):
        while not unplugged.is_set():
            if not select.select([controller], [], [], 0.02)[0]:
                continue
            for command in os.read(controller, 100):
                if command == ASK:
                    os.write(controller, METADATA)
                elif command == START:
                    for k in range(0, len(data), 1000):
                        os.write(controller, data[k : k + 1000])


def test_over_a_pseudo_terminal_every_sample_comes_and_pulling_the_plug_is_told():
    with kit_on_a_pty(noise(20_000)) as (port, unplugged):
        source = Ppk2Source("ppk2", port, "ampere", 5.0, ROLES)
        try:
            source.open()
            blocks: list[SampleBlock] = []
            while sum(map(len, blocks)) < 20_000 - MARGIN_AFTER - MARGIN_BEFORE:
                blocks += blocks_of(source.read(0.5))
            assert [block.lost_before for block in blocks] == [0] * len(blocks)
            unplugged.set()
            with pytest.raises(SourceLostError, match="went away"):
                until_lost(source)
        finally:
            source.close()


def test_a_flipped_bit_of_the_range_is_pointed_out_and_a_load_step_is_not():
    """The other lone sample is one range away, which a pulse of the load may be."""
    ranges = [0] * 20 + [4] + [0] * 19 + [3] * 20 + [2] + [3] * 39
    kit = Kit(samples=[stream([100] * 100, ranges)])
    with conversation(kit) as source:
        found = blocks_of(all_readings(source, kit))
        assert any("no checksum" in note for note in source.info.notes)
    assert [index for block in found for index in block.implausible.tolist()] == [20 - MARGIN_AFTER]
