# SPDX-License-Identifier: Apache-2.0
"""Lines of the RAW protocol as values, and sequence numbers without their wraps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.sources.lines.edgepowermeter_decoder import (
    MAX_LINE_BYTES,
    VOLTS_PER_BUS_CODE,
    VOLTS_PER_SHUNT_CODE,
    Config,
    Done,
    Hello,
    RawState,
    Refused,
    decode,
    is_of_other_mode,
    number,
)

conversions = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 10**14), st.integers(0, 65_535), st.integers(-32_768, 32_767)),
    min_size=1,
    max_size=30,
)


def line(conversion: tuple[int, int, int, int]) -> bytes:
    return b"D,%d,%d,%d,%d\n" % conversion


def decoded(pieces: list[bytes]):
    state, rows, replies, remarks = RawState(), [], [], []
    for piece in pieces:
        part = decode(piece, state)
        state = part.state
        columns = (part.sequence, part.stamps_us, part.bus, part.shunt)
        rows += list(zip(*(column.tolist() for column in columns), strict=True))
        replies += part.replies
        remarks += part.remarks
    return rows, replies, remarks, state


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_the_registers_at_their_ends():
    rows, _, _, state = decoded([b"D,4294967295,123456789012345,65535,-32768\r\nD,0,0,0,32767\n"])
    assert rows == [(2**32 - 1, 123456789012345, 65_535, -32_768), (0, 0, 0, 32_767)]
    assert state.malformed == 0


@pytest.mark.parametrize(
    "damaged",
    [b"D,4294967296,1,1,1", b"D,1,1,65536,1", b"D,1,1,1,32768", b"D,1,1,1,-32769", b"D,1,1,-1,1", b"D,1,1,1",
     b"D,1,1,1,1,1", b"D,1,1.0,1,1", b"D,1,1,1,1 ", b"D,1,1,,1", b"d,1,1,1,1", b"E,1,1,1,1",
     b"2026-10-08 12:34:56,1,2,3", b"\xff\x00", b"D,1,1,1," + b"1" * 2 * MAX_LINE_BYTES],
)  # fmt: skip
def test_what_is_no_conversion_is_counted_and_dropped(damaged):
    good = line((5, 6, 7, 8))
    rows, _, _, state = decoded([good + damaged + b"\n" + good])
    assert rows == [(5, 6, 7, 8)] * 2
    assert state.malformed == 1


def test_answers_anchors_and_remarks_are_no_samples():
    rows, replies, remarks, state = decoded(
        [
            b"# EdgePowerMeter v2.1.0 ready (protocol 2)\n!HELLO,EdgePowerMeter,2.1.0,2\nT,1000000,1791549296,S\n"
            b"!CFG,avg=4,vct=140,ict=204,shunt=0.01,oled=1,stream=1,mode=CSV,sqw=1,period_us=1376\n!OK MODE\n"
            b"!ERR FOO unknown_command\n!NEW,thing\n!CFG,shunt=0,period_us=1\n!CFG,avg=4\n\n"
        ]
    )
    assert rows == []
    assert replies == [
        Hello("2.1.0", 2), Config(0.01, 1376.0, "CSV", streams=True), Done("MODE"), Refused("FOO", "unknown_command"),
    ]  # fmt: skip
    assert remarks == ["EdgePowerMeter v2.1.0 ready (protocol 2)"]
    assert state.malformed == 0


def test_a_remark_needs_no_space_and_a_reason_may_have_several():
    _, replies, remarks, _ = decoded([b"#ready\n!ERR MODE not while it streams\n"])
    assert (remarks, replies) == (["ready"], [Refused("MODE", "not while it streams")])


@pytest.mark.parametrize(
    "answer",
    [b"HELLO,Other,2.1.0,2", b"HELLO,EdgePowerMeter,2.1.0", b"HELLO,EdgePowerMeter,2.1.0,two", b"HI,EdgePowerMeter,2,2",
     b"", b"OK", b"OK MODE RAW", b"NO MODE", b"ERR MODE", b"NO MODE here", b"CFG,shunt=inf,period_us=1",
     b"CFG,shunt=0.1,period_us=inf", b"CFG,shunt=0.1,period_us=0", b"CFG,shunt=0.1,period_us=-0.5",
     b"CFG,shunt=-0.5,period_us=1", b"CFG,shunt=R1,period_us=1"],
)  # fmt: skip
def test_an_answer_that_is_not_understood_is_none_and_no_damage(answer):
    _, replies, remarks, state = decoded([b"!" + answer + b"\n"])
    assert (replies, remarks, state.malformed) == ([], [], 0)


def test_settings_that_are_not_told_are_streaming_in_no_mode():
    _, replies, _, _ = decoded([b"!CFG,shunt=0.5,period_us=0.5\n!CFG,shunt=0.5,period_us=1,stream=0\n"])
    assert replies == [Config(0.5, 0.5, "", streams=True), Config(0.5, 1.0, "", streams=False)]


def test_the_last_malformed_line_is_kept_to_be_told():
    assert decode(b"one\ntwo\n" + line((1, 2, 3, 4)), RawState()).rejected == b"two"
    assert decode(line((1, 2, 3, 4)) + b"D,4294967296,1,1,1\n", RawState()).rejected is None


@pytest.mark.parametrize(
    ("told", "other"), [(b"Timestamp,Voltage", True), (b"2026-10-08 12:34:56,1,2,3", True), (b"D,1,1,1", False)]
)
def test_lines_of_the_mode_it_starts_in_are_known(told, other):
    assert is_of_other_mode(told) is other


def test_a_line_without_end_is_not_kept():
    state = RawState()
    for _ in range(10):
        state = decode(b"1" * 300, state).state
    assert len(state.remainder) == MAX_LINE_BYTES
    assert decode(b"\n" + line((1, 2, 3, 4)), state).state == RawState(malformed=1)


def test_the_registers_span_what_the_data_sheet_of_the_converter_says():
    spans_v = [2**15 * step_v for step_v in (VOLTS_PER_BUS_CODE, VOLTS_PER_SHUNT_CODE)]
    assert spans_v == pytest.approx([40.96, 81.92e-3])


@given(conversions, st.lists(st.integers(0, 3000), max_size=10))
def test_any_split_gives_the_same(sent, cuts):
    rows, _, _, state = decoded(in_pieces(b"".join(map(line, sent)), cuts))
    assert rows == sent
    assert state == RawState()


@given(
    conversions, st.binary(min_size=1, max_size=40), st.integers(0, 10**6), st.lists(st.integers(0, 3000), max_size=4)
)
def test_garbage_costs_the_lines_that_it_touches(sent, garbage, where, cuts):
    lines = [line(each) for each in sent]
    stream = b"".join(lines)
    where %= len(stream)
    ends = np.cumsum([len(each) for each in lines])
    before = [each for each, end in zip(sent, ends, strict=True) if end <= where]
    after = [each for each, end in zip(sent, ends, strict=True) if end - len(line(each)) > where]
    rows, _, _, _ = decoded(in_pieces(stream[:where] + garbage + stream[where:], cuts))
    assert rows[: len(before)] == before
    assert rows[len(rows) - len(after) :] == after
    assert len(rows) - len(before) - len(after) <= garbage.count(b"\n") + 1


# -- numbers ---------------------------------------------------------------------------------------


def numbered(sequence, stamps_us, last=None, period_us=1000.0):
    index, kept = number(np.array(sequence, np.int64), np.array(stamps_us, np.int64), last, period_us)
    return index.tolist(), kept.tolist()


def test_numbers_go_on_through_the_wrap():
    top = 2**32
    assert numbered([top - 2, top - 1, 0, 1], [0, 1000, 2000, 3000]) == ([top - 2, top - 1, top, top + 1], [True] * 4)
    assert numbered([2, 4], [4000, 6000], last=(top + 1, 3000)) == ([top + 2, top + 4], [True, True])


def test_a_number_that_cannot_be_is_left_out():
    # 150 has lost a digit, 15 gone back, 1155 would be 53 conversions in a millisecond.
    index, kept = numbered([100, 150, 102, 15, 1155, 105], [0, 1000, 2000, 3000, 4000, 5000])
    assert index == [100, 102, 105]
    assert kept == [True, False, True, False, False, True]


def test_a_converter_a_tenth_too_fast_is_believed():
    stamps_us = [round(900 * k) for k in range(100)]
    assert numbered(list(range(100)), stamps_us)[1] == [True] * 100
    assert numbered([200], [100 * 900 + 90_000], last=(99, 99 * 900))[1] == [True]


@pytest.mark.parametrize(("step", "possible"), [(0, False), (1, True), (4, True), (5, False), (-1, False)])
def test_a_step_is_no_more_than_there_was_time_for(step, possible):
    # In 1.6 ms a converter that is a quarter too fast makes two, and one more lies at each end.
    assert numbered([100, 100 + step, 101], [0, 1600, 2000])[1][:2] == [True, possible]
    assert numbered([100 + step], [3600], last=(100, 2000))[1] == [possible]


def test_any_first_number_is_possible():
    assert numbered([7, 8], [10**9, 10**9 + 1000]) == ([7, 8], [True, True])
    assert numbered([0], [0]) == ([0], [True])


def test_nothing_has_no_numbers():
    assert numbered([], []) == ([], [])
    assert numbered([], [], last=(5, 0)) == ([], [])
