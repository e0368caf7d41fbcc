# SPDX-License-Identifier: Apache-2.0
"""What is made of datagrams: every mark that did not come is counted, and nothing that anybody sends is believed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor_app.program import marks
from monitor_app.program.marks import Tally
from tests.program.listening import datagram

NOW = 1_000_000


@given(
    count=st.integers(1, 60),
    drops=st.sets(st.integers(0, 59)),
    size=st.integers(1, 7),
    ended=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_lost_marks_are_those_that_did_not_come(
    count: int, drops: set[int], size: int, ended: bool, order: object
) -> None:
    sent = [(k, k, k + 1, 1, 1, b"x") for k in range(count)]
    kept = [each for each in sent if each[0] not in drops]
    order.shuffle(kept)  # type: ignore[attr-defined]
    tally = Tally(0)
    rows = []
    for at in range(0, len(kept), size):
        rows += tally.take(datagram(*kept[at : at + size]), NOW)
    if ended:
        tally.take(datagram((count, 0, 0, 0, 2, b"")), NOW)
    known = count if ended else max((each[0] for each in kept), default=-1) + 1
    assert tally.lost == known - len(kept)
    assert tally.marks == len(rows) == len(kept)
    assert sorted(row[0] for row in rows) == sorted(each[0] for each in kept)


def test_senders_are_told_apart() -> None:
    tally = Tally(0)
    tally.take(datagram((0, 1, 2, 0, 1, b"a"), sender=1), NOW)
    tally.take(datagram((5, 1, 2, 0, 1, b"a"), sender=2), NOW)
    assert tally.lost == 5


@given(st.binary(max_size=200))
def test_bytes_of_anybody_are_counted_and_left_out(data: bytes) -> None:
    tally = Tally(0)
    assert tally.take(data, NOW) == []
    assert tally.malformed == 1


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_datagram_with_flipped_bytes_is_no_crash(changes: list[tuple[int, int]]) -> None:
    data = bytearray(datagram(*((k, 10 * k, 10 * k + 5, 1, 1, b"inference") for k in range(5))))
    for place, value in changes:
        data[place % len(data)] = value
    tally = Tally(0)
    for start, end, _, kind, name in tally.take(bytes(data), NOW):
        assert 0 <= start <= end <= NOW + marks.AHEAD_NS
        assert kind in (0, 1)
        assert name


def test_impossible_marks_are_left_out_one_by_one() -> None:
    tally = Tally(100)
    rows = tally.take(
        datagram(
            (0, 200, 300, 1, 1, b"good"),
            (1, 50, 300, 1, 1, b"before the command"),
            (2, 300, 200, 1, 1, b"backwards"),
            (3, 200, NOW + 10**10, 1, 1, b"tomorrow"),
            (4, 200, 300, 1, 9, b"no kind"),
            (5, 200, 300, 1, 1, b""),
        ),
        NOW,
    )
    assert [row[4] for row in rows] == ["good"]
    assert (tally.marks, tally.malformed, tally.lost) == (1, 5, 0)


def test_a_flood_of_names_senders_and_marks_is_bounded() -> None:
    tally = Tally(0)
    for k in range(marks.MOST_SENDERS + 50):
        tally.take(datagram((0, 1, 2, 0, 1, b"%d" % k), sender=k), NOW)
    assert len(tally._sent) == marks.MOST_SENDERS
    assert len(tally._names) == tally.marks == marks.MOST_NAMES
    assert tally.left_out == marks.MOST_SENDERS + 50 - marks.MOST_NAMES
    tally.marks = marks.MOST_MARKS
    assert tally.take(datagram((1, 1, 2, 0, 1, b"0"), sender=0), NOW) == []
