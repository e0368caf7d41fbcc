# SPDX-License-Identifier: Apache-2.0
"""Both ends of the load_signal, over a real socket."""

from __future__ import annotations

import os
import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor_app.core.errors import SourceError
from monitor_app.core.load_signal import LoadSignal
from monitor_app.emulators.board.load_signal import Line, LoadSignalReceiver


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lamp"


@pytest.fixture
def receiver(path):
    load_signal = LoadSignalReceiver(path)
    yield load_signal
    load_signal.close()


@pytest.fixture
def sender(path):
    load_signal = LoadSignal(path)
    yield load_signal
    load_signal.close()


def send_raw(path, *messages: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as raw:
        for message in messages:
            raw.sendto(message, str(path))


def test_changes_arrive_in_order(receiver, sender):
    sender.set(True, 123)
    sender.set(False, -5)
    assert receiver.read() == [(123, True, Line.BUSY), (-5, False, Line.BUSY)]
    assert receiver.read() == []


def test_the_sync_line_is_told_apart_from_the_lamp(receiver, sender):
    sender.set_sync(True, 1)
    sender.set(True, 2)
    sender.set_sync(False, 3)
    assert receiver.read() == [(1, True, Line.SYNC), (2, True, Line.BUSY), (3, False, Line.SYNC)]


def test_the_message_is_nine_bytes_little_endian(path, sender):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as raw:
        raw.bind(str(path))
        sender.set(True, 0x0102030405060708)
        assert raw.recv(100) == bytes([8, 7, 6, 5, 4, 3, 2, 1, 1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=30), max_size=5))
def test_garbage_is_passed_over(receiver, path, garbage):
    good = struct.pack("<qB", 7, 1)
    send_raw(path, *garbage, good)
    messages = [m for m in garbage if len(m) == 9 and m[8] in {0, 1, 2, 3}]
    assert len(receiver.read()) == len(messages) + 1


def test_only_the_user_may_send_to_it(receiver, path):
    assert path.stat().st_mode & 0o777 == 0o600


def test_garbage_is_counted(receiver, path):
    send_raw(path, b"", b"x" * 9, b"x" * 4_000, struct.pack("<qB", 1, 4))
    assert receiver.read() == []
    assert receiver.ignored == 4


def test_a_lamp_without_a_receiver_is_ignored_and_may_come_later(path, sender):
    sender.set(True, 1)
    receiver = LoadSignalReceiver(path)
    try:
        sender.set(False, 2)
        assert receiver.read() == [(2, False, Line.BUSY)]
    finally:
        receiver.close()
    sender.set(True, 3)


def test_what_a_full_receiver_did_not_take_goes_before_the_next_change(receiver, sender):
    # More than the queue that Linux gives a datagram socket (10), less than the sender keeps.
    sent = [(n, n % 2 == 0, Line.BUSY) for n in range(40)]
    for host_ns, busy, _ in sent:
        sender.set(busy, host_ns)
    got = []
    while len(got) < len(sent):
        new = receiver.read()
        assert new
        got += new
        sender.set(False, -1)
    assert got[: len(sent)] == sent


def test_a_receiver_that_never_reads_does_not_hold_the_sender_up(receiver, sender):
    for n in range(5_000):
        sender.set(True, n)
    assert receiver.read()


def test_a_closed_lamp_does_nothing(receiver, path):
    load_signal = LoadSignal(path)
    load_signal.close()
    load_signal.close()
    load_signal.set(True, 1)
    assert receiver.read() == []


def test_the_socket_is_removed_at_the_end(path):
    receiver = LoadSignalReceiver(path)
    assert path.is_socket()
    receiver.close()
    receiver.close()
    assert not os.path.lexists(path)


def test_a_socket_left_by_a_killed_receiver_is_replaced(path, sender):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
        left.bind(str(path))
    receiver = LoadSignalReceiver(path)
    sender.set(True, 1)
    assert receiver.read() == [(1, True, Line.BUSY)]
    receiver.close()


def test_a_socket_in_use_is_not_taken_away(receiver, path, sender):
    with pytest.raises(SourceError, match="in use"):
        LoadSignalReceiver(path)
    sender.set(True, 1)
    assert receiver.read() == [(1, True, Line.BUSY)]


def test_a_file_in_the_way_is_left_alone(path):
    path.write_text("mine")
    with pytest.raises(SourceError, match="in use"):
        LoadSignalReceiver(path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("wrong", ["missing/lamp", "x" * 200])
def test_a_path_that_cannot_be_bound_is_told_in_a_sentence(tmp_path, wrong):
    with pytest.raises(SourceError, match="--load-signal"):
        LoadSignalReceiver(tmp_path / wrong)


def test_a_load_holds_for_the_times_when_the_board_is_busy(receiver, sender):
    sender.set(True, 1)
    sender.set_load(0.75, 2)
    sender.set(False, 3)
    sender.set(True, 4)
    sender.set_sync(True, 5)
    assert receiver.read() == [
        (1, 1.0, Line.BUSY),
        (3, 0.0, Line.BUSY),
        (4, 0.75, Line.BUSY),
        (5, True, Line.SYNC),
    ]


@pytest.mark.parametrize("load", [0.0, -1.0, float("nan"), float("inf"), 100.0])
def test_a_load_that_cannot_be_is_counted_as_garbage(receiver, sender, load):
    sender.set_load(load, 1)
    sender.set(True, 2)
    assert receiver.read() == [(2, 1.0, Line.BUSY)]
    assert receiver.ignored == 1
