# SPDX-License-Identifier: Apache-2.0
"""Text as values: any split gives the same, garbage costs the lines it touches and no others."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.sources.base import says_simulated
from monitor_app.sources.lines.decoder import MAX_LINE_BYTES, Layout, LinesState, decode

CSV = Layout("csv", (2, 1), (1.0, 0.001), (0.0, 0.5), time=0)
NAMED = Layout("csv", ("I", "V"), (1.0, 1.0), (0.0, 0.0))
JSON = Layout("json", ("current_ma", "bus_v"), (0.001, 1.0), (0.0, 0.0), time="t")


def csv_line(k: int) -> bytes:
    return b"%d,%d,%.3f\n" % (1000 * k, 5000 + k, k * 0.25)


def json_line(k: int) -> bytes:
    return json.dumps({"t": 1000 * k, "current_ma": k * 250, "bus_v": 5.0, "note": "x, y"}).encode() + b"\n"


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def decoded(pieces: list[bytes], layout: Layout):
    """Index, values, stamps and state after all pieces."""
    state, index, values, stamps, comments = LinesState(), [], [], [], []
    for piece in pieces:
        part = decode(piece, state, layout)
        state = part.state
        index += part.index.tolist()
        values += part.values.tolist()
        stamps += [] if part.stamps is None else part.stamps.tolist()
        comments += part.comments
    return index, values, stamps, comments, state


def test_columns_are_taken_by_number_and_scaled():
    index, values, stamps, _, state = decoded([b"\n", b"7,5012,0.25\r\n8,5013,-1e-3\n"], CSV)
    assert index == [0, 1]
    assert values == [[0.25, 0.001 * 5012 + 0.5], [-0.001, 0.001 * 5013 + 0.5]]
    assert stamps == [7.0, 8.0]
    assert state.malformed == 0


@pytest.mark.parametrize("heading", [b"t,V,I", b"# t, V, I", b'"t";"V";"I"', "\ufefft,V,I".encode()])
def test_columns_are_taken_by_heading(heading):
    layout = Layout("csv", ("I", "V"), (1.0, 1.0), (0.0, 0.0), separator=";" if b";" in heading else ",")
    separator = layout.separator.encode()
    line = separator.join([b"0", b"5.0", b"1.5"])
    # A heading is known even where it may be the rest of a line.
    _, values, _, _, _ = decoded([heading + b"\n" + line + b"\n"], layout)
    assert values == [[1.5, 5.0]]


def test_without_its_heading_no_column_has_a_name():
    index, _, _, _, state = decoded([b"\n1,2,3\n1,2,3\n"], NAMED)
    assert index == []
    assert state.places is None


def test_a_later_heading_moves_the_columns():
    index, values, _, _, state = decoded([b"V,I\n5.0,1.0\n", b"I,V\n", b"2.0,5.5\n"], NAMED)
    assert values == [[1.0, 5.0], [2.0, 5.5]]
    assert (index, state.malformed) == ([0, 1], 0)


def test_a_line_without_the_column_that_is_wanted_is_no_sample():
    layout = Layout("csv", (1, 3), (1.0, 1.0), (0.0, 0.0))
    _, values, _, _, _ = decoded([b"\n1,2,3\n1,2,3,4\n"], layout)
    assert values == [[2.0, 4.0]]


def test_white_space_separates_however_much_there_is():
    layout = Layout("csv", (1,), (1.0,), (0.0,), separator=" ")
    _, values, _, _, _ = decoded([b"\n  1   2.5\t3 \n1 -2.5 3\n"], layout)
    assert values == [[2.5], [-2.5]]


def test_one_column_may_be_taken_twice():
    layout = Layout("csv", (1, 1), (1.0, 1000.0), (0.0, 0.0))
    _, values, _, _, _ = decoded([b"\n1,2.5\n"], layout)
    assert values == [[2.5, 2500.0]]


@pytest.mark.parametrize(
    "line",
    [b"1,2", b"1,2,3,4", b"1,,3", b"1,nan,3", b"1,inf,3", b"1,1_0,3", b"1,0x10,3", b"1,2,3 A", b"1,1e999,3",
     b"1,2,1e39", b"1,2,--3", b"\xff\xfe,2,3", b"1,2," + b"3" * MAX_LINE_BYTES, b"1,2,3" + b"," * 9000],
)  # fmt: skip
def test_a_line_that_does_not_fit_is_counted_and_takes_an_index(line):
    index, values, _, _, state = decoded([csv_line(0) + csv_line(1) + line + b"\n" + csv_line(3)], CSV)
    assert index == [0, 2]  # the first line may be the rest of one
    assert values[-1] == [0.75, pytest.approx(0.001 * 5003 + 0.5)]
    assert state.malformed == 1


@pytest.mark.parametrize("split", [1, 5000, 9000])
def test_a_line_without_end_is_not_kept(split):
    endless = b"1" * 20_000
    state = LinesState()
    for start in range(0, len(endless), split):
        state = decode(endless[start : start + split], state, CSV).state
        assert len(state.remainder) <= MAX_LINE_BYTES + 1
    index, _, _, _, _ = decoded([endless + b"\n" + csv_line(1)], CSV)
    assert index == [0]


@pytest.mark.parametrize(("padding", "fits"), [(0, True), (1, False)])
@pytest.mark.parametrize("split", [5, MAX_LINE_BYTES, MAX_LINE_BYTES + 1])
def test_the_longest_line_is_read_and_one_that_is_longer_is_malformed_however_it_is_split(padding, fits, split):
    """Its beginning would be a line that fits, with another value."""
    line = b"1," + b" " * (MAX_LINE_BYTES - 6 + padding) + b"2,34"
    index, values, _, _, state = decoded([csv_line(0) + csv_line(1), line[:split], line[split:] + b"\n"], CSV)
    assert (index, state.malformed) == ([0, 1][: 1 + fits], int(not fits))
    assert values[1:] == [[34.0, pytest.approx(0.502)]][:fits]


def test_what_is_said_before_the_first_sample_is_no_loss():
    index, _, _, comments, state = decoded([b"\nboot 1.0\nready\n# SIMULATED meter\n" + csv_line(1)], CSV)
    assert index == [0]
    assert state.malformed == 0
    assert comments == [b"# SIMULATED meter"]
    assert says_simulated(comments[0].decode())


def test_json_objects_are_taken_by_key():
    index, values, stamps, _, _ = decoded([b"\n" + json_line(1) + json_line(2)], JSON)
    assert index == [0, 1]
    assert values == [[0.25, 5.0], [0.5, 5.0]]
    assert stamps == [1000.0, 2000.0]


def test_json_arrays_are_taken_by_number():
    layout = Layout("json", (1, 0), (1.0, 1.0), (0.0, 0.0))
    _, values, _, _, _ = decoded([b"\n[5.0, 1.5]\n[5.0]\n"], layout)
    assert values == [[1.5, 5.0]]


def test_an_object_about_something_else_is_no_sample():
    index, _, _, comments, state = decoded([b"\n" + json_line(0) + b'{"status": "simulated"}\n' + json_line(1)], JSON)
    assert index == [0, 1]
    assert state.malformed == 0
    assert comments == [b'{"status": "simulated"}']


@pytest.mark.parametrize(
    "line",
    [b'{"t": 1, "current_ma": 1}', b'{"t": 1, "current_ma": "one", "bus_v": 5}',
     b'{"t": 1, "current_ma": true, "bus_v": 5}', b'{"t": 1, "current_ma": NaN, "bus_v": 5}',
     b'{"t": 1, "current_ma": null, "bus_v": 5}', b"5", b'{"t": 1', b"[" * 3000, b"{}}", b"\xff",
     b'{"t": 1, "current_ma": 1' + b"0" * 400 + b', "bus_v": 5}'],
)  # fmt: skip
def test_an_object_that_does_not_fit_is_counted_and_takes_an_index(line):
    index, _, _, _, state = decoded([b"\n" + json_line(0) + line + b"\n" + json_line(2)], JSON)
    assert index == [0, 2]
    assert state.malformed == 1


@pytest.mark.parametrize(("layout", "make"), [(CSV, csv_line), (JSON, json_line)])
@given(cuts=st.lists(st.integers(0, 2000), max_size=12), junk=st.sampled_from([b"", b"#x\n", b"zz\n"]))
def test_any_split_gives_the_same(layout, make, cuts, junk):
    stream = make(9)[-4:] + b"".join(make(k) for k in range(20)) + junk + b"".join(make(k) for k in range(20, 40))
    whole = decoded([stream], layout)
    assert whole[0] == [k + (junk == b"zz\n") * (k >= 20) for k in range(40)]
    assert decoded(in_pieces(stream, cuts), layout) == whole


@pytest.mark.parametrize(("layout", "make"), [(CSV, csv_line), (JSON, json_line)])
@given(
    garbage=st.one_of(st.binary(min_size=1, max_size=40), st.text("0123456789,.-\n", min_size=1).map(str.encode)),
    where=st.integers(0, 10**6),
    cuts=st.lists(st.integers(0, 2000), max_size=5),
)
def test_garbage_costs_the_lines_that_it_touches(layout, make, garbage, where, cuts):
    lines = [make(k) for k in range(2, 30)]
    stream = b"".join(lines)
    where %= len(stream)
    ends = np.cumsum([len(line) for line in lines])
    before = [1, *(k for k, end in enumerate(ends, start=2) if end <= where)]
    after = [k for k, end in enumerate(ends, start=2) if end - len(lines[k - 2]) > where]
    dirty = b"0\n" + make(1) + stream[:where] + garbage + stream[where:]
    _, values, _, _, _ = decoded(in_pieces(dirty, cuts), layout)
    got = [current for current, _ in values]
    assert got[: len(before)] == [k * 0.25 for k in before]
    assert got[len(got) - len(after) :] == [k * 0.25 for k in after]
    assert len(got) - len(before) - len(after) <= garbage.count(b"\n") + 1


# -- labelled lines --------------------------------------------------------------------------------

LABELLED = Layout("labelled", ("Voltage", "Current(mA)"), (1.0, 0.001), (0.0, 0.0))


@pytest.mark.parametrize(
    "line",
    [
        b"Voltage:5.0,Current(mA):12.5\r\n",
        b"Current(mA): 12.5, Voltage: 5.0\n",
        b"Voltage=5.0 Current(mA)=12.5\n",
        b"Voltage: 5.0 V  Current(mA): 12.5 mA\n",
        b'"Voltage": "5.0"; "Current(mA)": "12.5"\n',
        b"Bus Voltage: 7.0 V Voltage: 5.0 V Current(mA): 12.5\n",
        b"Voltage:5.0\nCurrent(mA):12.5\n",
        b"Voltage:\t5.0 V\nPower: 60 mW\n\nCurrent(mA): 12.5\n",
    ],
)
def test_values_are_found_after_their_labels(line):
    index, values, _, _, state = decoded([b"\n", line, line], LABELLED)
    assert index == [0, 1]
    assert values == [[5.0, pytest.approx(0.0125)]] * 2
    assert state.malformed == 0


@given(st.lists(st.integers(0, 200), max_size=12))
def test_any_split_of_labelled_lines_gives_the_same(cuts):
    data = b"\n" + b"".join(b"Voltage: %d\nCurrent(mA): %d\n" % (k, 10 * k) for k in range(12))
    whole = decoded([data], LABELLED)
    assert decoded(in_pieces(data, cuts), LABELLED)[:2] == whole[:2]
    assert whole[1] == [[k, pytest.approx(0.01 * k)] for k in range(12)]


def test_a_sample_begins_with_its_first_field_also_in_the_middle_of_the_stream():
    data = b"\nCurrent(mA):1\nVoltage:5\nCurrent(mA):2\nVoltage:6\nCurrent(mA):3\n"
    _, values, *_ = decoded([data], LABELLED)
    assert values == [[5.0, pytest.approx(0.002)], [6.0, pytest.approx(0.003)]]


def test_a_value_that_did_not_come_costs_its_sample_alone():
    data = b"\nVoltage:5\nCurrent(mA):1\nVoltage:6\nVoltage:7\nCurrent(mA):3\n"
    index, values, _, _, state = decoded([data], LABELLED)
    assert (index, state.malformed) == ([0, 2], 1)
    assert values[1] == [7.0, pytest.approx(0.003)]


@pytest.mark.parametrize("line", [b"Voltage:5.0,Current(mA):OL\n", b"Voltage:5.0.1,Current(mA):3\n"])
def test_a_label_without_a_number_is_malformed(line):
    index, _, _, _, state = decoded([b"\nVoltage:5,Current(mA):1\n", line, b"Voltage:5,Current(mA):1\n"], LABELLED)
    assert (index, state.malformed) == ([0, 2], 1)


def test_numbers_in_quotes_are_numbers():
    assert decoded([b"\n", b'"7",\'5012\', "0.25"\n'], CSV)[1] == [[0.25, pytest.approx(0.001 * 5012 + 0.5)]]
    line = json.dumps({"t": "1", "current_ma": "250", "bus_v": " 5.0"}).encode() + b"\n"
    assert decoded([line], JSON)[1] == [[0.25, 5.0]]
    for wrong in ("", "nan", "12,5", True):
        line = json.dumps({"t": 1, "current_ma": wrong, "bus_v": 5.0}).encode() + b"\n"
        assert decoded([line], JSON)[1] == []
