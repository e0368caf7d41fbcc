# SPDX-License-Identifier: Apache-2.0
"""The device's memory of what it has to send."""

from __future__ import annotations

from monitor_app.emulators.runtime.send_queue import SendQueue, capacity_for


class Line:
    """Takes this number of bytes and no more."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.got = b""

    def write(self, data: bytes) -> int:
        taken = min(self.room, len(data))
        self.room -= taken
        self.got += data[:taken]
        return taken


def test_a_frame_is_taken_whole_or_refused_whole():
    queue, line = SendQueue(capacity=10), Line(100)
    assert queue.offer(b"123456")
    assert not queue.offer(b"abcdef")
    assert queue.offer(b"wxyz")
    queue.flush(line.write)
    assert line.got == b"123456wxyz"
    assert not queue


def test_answers_still_find_room_in_a_full_queue_and_keep_their_order():
    queue, line = SendQueue(capacity=6), Line(100)
    assert queue.offer(b"123456")
    assert not queue.offer(b"x")
    assert queue.put(b"stopped")
    queue.flush(line.write)
    assert line.got == b"123456stopped"


def test_not_even_answers_grow_without_bound():
    queue = SendQueue(capacity=6)
    taken = sum(queue.put(bytes(1_000)) for _ in range(1_000))
    assert taken == 4


def test_an_urgent_frame_goes_first_but_never_into_a_frame_that_was_begun():
    queue, line = SendQueue(), Line(3)
    for frame in (b"first!", b"second"):
        assert queue.offer(frame)
    queue.flush(line.write)
    queue.put_urgent(lambda: b"PONG")
    line.room = 100
    queue.flush(line.write)
    assert line.got == b"first!PONGsecond"


def test_an_urgent_frame_is_made_when_its_first_byte_goes_out():
    queue, line = SendQueue(), Line(0)
    made = []

    def make() -> bytes:
        made.append(len(line.got))
        return b"<%d>" % len(made)

    queue.put_urgent(make)
    queue.flush(line.write)
    queue.flush(line.write)
    line.room = 2
    queue.flush(line.write)
    line.room = 100
    queue.flush(line.write)
    # Made anew as long as the line takes nothing, and no more once it was begun.
    assert line.got == b"<3>"


def test_an_empty_frame_is_nothing_to_send():
    queue, line = SendQueue(), Line(100)
    assert queue.offer(b"")
    assert not queue
    queue.flush(line.write)
    assert line.got == b""


def test_what_is_cleared_is_gone_the_rest_of_a_begun_frame_included():
    queue, line = SendQueue(capacity=12), Line(3)
    assert queue.offer(b"first!")
    assert queue.offer(b"second")
    queue.flush(line.write)
    queue.put_urgent(lambda: b"PONG")
    queue.clear()
    assert not queue
    assert queue.room == 12
    line.room = 100
    assert queue.offer(b"anew")
    assert queue.room == 8
    queue.flush(line.write)
    assert line.got == b"firanew"


def test_the_memory_grows_with_the_rate_but_is_never_less_than_the_usual():
    assert capacity_for(200_000.0) == 256 * 1024
    assert capacity_for(4e6) == 1_000_000


def test_room_comes_back_when_frames_have_gone():
    queue, line = SendQueue(capacity=4), Line(1_000)
    for _ in range(50):
        assert queue.offer(b"abcd")
        queue.flush(line.write)
    assert line.got == b"abcd" * 50
