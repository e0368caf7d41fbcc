# SPDX-License-Identifier: Apache-2.0
"""Words, currents and losses of a PPK2's stream, against the bits of the protocol and an independent decoder."""

from __future__ import annotations

import itertools
import os
import pty
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ppk2_api.ppk2_api import PPK2_API

from monitor_app.sources.ppk2.calibration import Calibration, FilterState, amperes, parse_metadata
from monitor_app.sources.ppk2.decoder import (
    LEAST_NS,
    MARGIN_AFTER,
    MARGIN_BEFORE,
    PROOF_WORDS,
    DecoderState,
    LossWatch,
    Words,
    _length_of_run,
    decode,
    levels_after,
    line_changes,
    ranges,
)
from tests.sources.ppk2.kit import METADATA, noise, stream

TAIL = 2 * PROOF_WORDS
"""Words that a stream must still have for its beginning to be proven."""
MARGINS = MARGIN_AFTER + MARGIN_BEFORE
"""Whole words that a break costs besides what it touches; as many stay behind at the two ends."""
PERIOD_NS = 10_000


def decoded(*pieces: bytes) -> tuple[list[Words], DecoderState]:
    state, runs = DecoderState(), []
    for piece in pieces:
        result = decode(piece, state)
        state = result.state
        runs += result.runs
    return runs, state


def by_index(runs: list[Words]) -> dict[int, int]:
    """Each sample under its index; what lost_before says must agree with the indices."""
    samples: dict[int, int] = {}
    end = 0
    for run in runs:
        assert run.first == end + run.lost_before
        end = run.first + len(run.words)
        samples |= dict(enumerate(run.words.tolist(), start=run.first))
    return samples


def truth(data: bytes) -> list[int]:
    return np.frombuffer(data, "<u4").tolist()


def assert_all_true(runs: list[Words], true_words: list[int]) -> dict[int, int]:
    """No sample is wrong, and each is under the index that it had on the device."""
    samples = by_index(runs)
    start = next(k for k in range(len(true_words)) if true_words[k] == samples[0])
    assert samples == {index: true_words[start + index] for index in samples}
    return samples


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


# -- words -----------------------------------------------------------------------------------------


def test_a_word_is_code_range_counter_and_lines_from_its_lowest_bit_on():
    # Code 0x1234, range 2, bit 17 set, counter 5 + k, lines 0xA5.
    words = bytes.fromhex("".join(f"34 92 {(5 + k) << 2 | 2:02x} a5" for k in range(TAIL)))
    [run], _ = decoded(words)
    assert (run.words & 0x3FFF).tolist() == [0x1234] * len(run.words)
    assert (run.words >> 14 & 7).tolist() == [2] * len(run.words)
    assert (run.words >> 18 & 63).tolist() == [5 + MARGIN_AFTER + k for k in range(len(run.words))]
    assert (run.words >> 24).tolist() == [0xA5] * len(run.words)


def test_all_but_the_margins_of_a_whole_stream_come_and_nothing_is_lost():
    data = noise(1000, first=17)
    [run], state = decoded(data)
    assert (run.first, run.lost_before, state.breaks) == (0, 0, 0)
    assert run.words.tolist() == truth(data)[MARGIN_AFTER:-MARGIN_BEFORE]


def test_nothing_comes_of_nothing():
    assert decoded(b"", b"")[0] == []
    data = noise(100)
    runs, _ = decoded(data[:200], b"", b"", data[200:], b"")
    assert by_index(runs) == by_index(decoded(data)[0])


@given(st.lists(st.integers(0, 10**6), max_size=30), st.integers(0, 3), st.integers(0, 63))
def test_any_split_into_reads_gives_the_same_samples(places, slipped, first):
    data = noise(300, first=first)
    data = data[slipped:700] + data[700 + slipped + 40 :]
    runs, state = decoded(*cut(data, places))
    whole, at_once = decoded(data)
    assert by_index(runs) == by_index(whole)
    assert [run.lost_before for run in runs if run.lost_before] == [r.lost_before for r in whole if r.lost_before]
    assert state == at_once


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 63, 64, 65])
@pytest.mark.parametrize("slipped", [0, 1, 2, 3])
def test_small_reads_give_the_same_samples(size, slipped):
    data = noise(300)[slipped:]
    data = data[:600] + data[641:]
    assert by_index(decoded(*(data[k : k + size] for k in range(0, len(data), size)))[0]) == by_index(decoded(data)[0])


def test_a_stream_is_found_after_any_amount_of_noise():
    data = noise(100)
    expected = by_index(decoded(data)[0])
    for before in range(4080, 4180):
        assert by_index(decoded(b"\xff" * before + data)[0]) == expected


@given(st.lists(st.tuples(st.integers(64, 700), st.integers(1, 200)), min_size=1, max_size=5), st.integers(0, 100))
def test_bytes_that_are_dropped_cost_what_they_touch_and_a_margin_and_nothing_becomes_wrong(drops, seed):
    data = noise(1200, seed)
    kept, at, touched = b"", 0, 0
    for whole, gone in drops:
        if at + whole + gone > len(data) - 4 * TAIL:
            break
        kept += data[at : at + whole]
        touched += (at + whole + gone + 3) // 4 - (at + whole) // 4
        at += whole + gone
    kept += data[at:]
    runs, state = decoded(kept)
    samples = assert_all_true(runs, truth(data))
    assert len(samples) >= 1200 - touched - MARGINS * (state.breaks + 1)
    assert state.breaks <= len(drops)


@given(
    st.lists(st.tuples(st.integers(80, 700), st.binary(min_size=1, max_size=300)), min_size=1, max_size=5),
    st.integers(0, 100),
)
def test_garbage_costs_the_word_it_is_in_and_a_margin_and_nothing_becomes_wrong(pieces, seed):
    data = noise(1200, seed)
    dirty, at = b"", 0
    for whole, garbage in pieces:
        dirty += data[at : at + whole] + garbage
        at += whole
    dirty += data[at:]
    runs, state = decoded(dirty)
    samples = assert_all_true(runs, truth(data))
    assert state.breaks <= len(pieces)
    assert len(samples) >= 1200 - state.breaks - MARGINS * (state.breaks + 1)


@pytest.mark.parametrize("slipped", [1, 2, 3])
@pytest.mark.parametrize("level", [0, 0x54, 0xFF])
def test_a_slip_in_a_stream_where_nothing_moves_but_the_counter_is_found(slipped, level):
    """At one of 64 places a word made of two halves has the counter that was due."""
    data = stream([level] * 200, levels=[level] * 200)
    for word in range(100, 164):
        runs, state = decoded(data[: 4 * word + slipped] + data[4 * word + 4 :])
        assert_all_true(runs, truth(data))
        assert state.breaks == 1
        assert sum(len(run.words) for run in runs) >= 200 - 1 - 2 * MARGINS


@pytest.mark.parametrize("slipped", [1, 2, 3])
def test_a_ramp_that_counts_as_the_counter_does_is_not_taken_for_it(slipped):
    """The low byte of the code stands where the counter is, two bytes off; both phases look right while it rises."""
    ramp_end = 300
    codes = [7] * 50 + [4 * k for k in range(ramp_end - 50)] + [1200 + k % 3 for k in range(100)]
    data = stream(codes)
    at = 4 * (ramp_end - 40)
    runs, state = decoded(data[: at + slipped] + data[at + 4 :])
    samples = assert_all_true(runs, truth(data))
    assert state.breaks == 1
    assert max(samples) == len(codes) - 1 - MARGINS, "it comes back when the ramp has ended"
    assert runs[1].lost_before >= 20, "what could be either is neither"


@pytest.mark.parametrize("fitting", range(8))
def test_a_current_that_seems_to_count_for_a_few_samples_after_a_slip_makes_nothing_wrong(fitting):
    """Two bytes are gone, so that where the counter was due there is the low byte of the code, made to fit."""
    codes = [7] * 100 + [(99 + k) % 64 << 2 for k in range(fitting)] + [7] * 100
    data = stream(codes, levels=[0] * len(codes))
    runs, state = decoded(data[: 4 * 100 + 2] + data[4 * 101 :])
    assert_all_true(runs, truth(data))
    assert state.breaks == 1


def test_a_start_within_such_a_ramp_waits_for_its_end():
    data = stream([4 * k for k in range(300)] + [1200 + k % 3 for k in range(100)])
    runs, _ = decoded(data)
    samples = assert_all_true(runs, truth(data))
    assert 90 < len(samples) < 110


@pytest.mark.parametrize("lost", [1, 7, 16, 63, 64 + 5, 3 * 64 + 16])
def test_whole_words_that_are_lost_are_counted_modulo_64(lost):
    data = noise(1000)
    runs, _ = decoded(data[:1600] + data[1600 + 4 * lost :])
    before, after = runs
    assert after.lost_before == (lost + MARGINS) % 64
    assert before.words.tolist() == truth(data)[MARGIN_AFTER : 400 - MARGIN_BEFORE]
    assert after.words.tolist() == truth(data)[400 + lost + MARGIN_AFTER : -MARGIN_BEFORE]


def test_a_loss_of_64_words_does_not_show():
    """As the docstring says: what a counter of six bits cannot tell is left to the clock."""
    data = noise(1000)
    [run], state = decoded(data[:1600] + data[1600 + 4 * 64 :])
    assert (run.lost_before, state.breaks) == (0, 0)


def test_a_word_of_a_range_that_does_not_exist_is_left_out():
    ranges = [1] * 100
    ranges[50] = 5
    data = stream(range(100), ranges)
    runs, _ = decoded(data)
    assert not any((word >> 14 & 7) > 4 for run in runs for word in run.words.tolist())
    assert [run.lost_before for run in runs] == [0, 1 + MARGINS]


def test_the_range_of_each_sample():
    run = Words(0, np.array(truth(stream([0x3FFF] * 6, [0, 1, 2, 3, 4, 0], levels=[0xFF] * 6)), np.uint32), 0)
    assert ranges(run).tolist() == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("word", range(16_384, 16_389))
def test_a_break_in_a_long_read_is_found_wherever_it_lies(word):
    """Long reads are looked through in parts, of which the first ends among these places."""
    data = noise(16_500)
    runs, state = decoded(data[: 4 * word] + data[4 * word + 4 :])
    assert state.breaks == 1
    assert [run.lost_before for run in runs] == [0, 1 + MARGINS]
    assert runs[0].words.tolist() == truth(data)[MARGIN_AFTER : word - MARGIN_BEFORE]
    assert runs[1].words.tolist() == truth(data)[word + 1 + MARGIN_AFTER : -MARGIN_BEFORE]


@pytest.mark.parametrize("count", [2, 16_384, 16_385, 16_386, 16_387])
def test_a_break_before_the_last_word_is_found(count):
    words = np.frombuffer(noise(count), "<u4").copy()
    assert _length_of_run(words) == count
    words[-1] += 1 << 18
    assert _length_of_run(words) == count - 1


def test_sixteen_words_prove_the_first_five_and_fifteen_prove_none():
    data = noise(16)
    [run], _ = decoded(data)
    assert run.words.tolist() == truth(data)[3:8]
    assert decoded(data[:-1])[0] == []


@given(st.binary(max_size=4000))
def test_noise_is_no_sample(data):
    assert decoded(data)[0] == []


def test_memory_stays_bounded_when_only_noise_comes():
    state = DecoderState()
    for _ in range(20):
        state = decode(os.urandom(10_000), state).state
        assert len(state.rest) < 4 * TAIL


# -- lines -----------------------------------------------------------------------------------------


def test_changes_of_lines_come_in_order_of_their_samples():
    run = Words(100, np.array(truth(stream([0] * 5, levels=[0b1, 0b1, 0b1000_0010, 0b1000_0010, 0]))), 0)
    changes = line_changes(run, 0)
    assert changes.index.tolist() == [100, 102, 102, 102, 104, 104]
    assert changes.line.tolist() == [0, 0, 1, 7, 1, 7]
    assert changes.level.tolist() == [1, 0, 1, 1, 0, 0]
    assert levels_after(run) == 0


def test_a_line_that_stays_has_no_change():
    run = Words(0, np.array(truth(stream([0] * 5, levels=[0x81] * 5))), 0)
    assert line_changes(run, 0x81).index.tolist() == []
    assert levels_after(run) == 0x81


@given(st.lists(st.integers(0, 255), min_size=1, max_size=50), st.integers(0, 255))
def test_changes_replayed_are_the_levels(levels, before):
    run = Words(7, np.array(truth(stream([0] * len(levels), levels=levels)), np.uint32), 0)
    changes = line_changes(run, before)
    replayed, level = [], before
    for k in range(len(levels)):
        for at in np.flatnonzero(changes.index == 7 + k):
            bit = 1 << int(changes.line[at])
            level = level | bit if changes.level[at] else level & ~bit
        replayed.append(level)
    assert replayed == levels
    assert (changes.index.dtype, changes.line.dtype, changes.level.dtype) == (np.int64, np.uint8, np.uint8)


# -- metadata --------------------------------------------------------------------------------------


def test_metadata_is_read():
    told = parse_metadata(METADATA)
    assert told is not None
    assert told.calibration.ohms == (1003.3506, 101.5865, 10.3027, 0.9636, 0.0564)
    assert told.calibration.square[1] == 112.789
    assert told.calibration.per_volt[4] == 0.002940743
    assert told.calibration.offset[4] == -0.009388455
    assert (told.hardware, told.source_mode, told.simulated, told.nominal_ranges) == ("9173", True, False, ())


def test_constants_that_are_not_there_keep_their_default():
    text = METADATA.replace(b"R2: 10.3027", b"R2: 0.0000").replace(b"GS1: 112.7890", b"GS1: -nan")
    text = text.replace(b"O3: 50.4983\n", b"").replace(b"UG4: 1.00", b"UG4: 0.00").replace(b"R4: 0.0564", b"R4: -nan")
    told = parse_metadata(text)
    assert told is not None
    assert (told.calibration.ohms[2], told.calibration.ohms[4]) == (10.15, 0.043)
    assert (told.calibration.square[1], told.calibration.zero[3], told.calibration.user_gain[4]) == (1.0, 0.0, 1.0)
    assert told.calibration.square[0] == 0.0, "a square that is zero is a constant like any other"
    assert told.nominal_ranges == (2, 4)


def test_an_emulator_says_so_in_a_line_of_its_own():
    told = parse_metadata(METADATA.replace(b"IA:", b"emulated: 1\nIA:"))
    assert told is not None
    assert told.simulated


@pytest.mark.parametrize("text", [b"", b"login: \n", b"\xff\xfe\x00" * 50, b"V: 1.0\nA: 2.0\n"])
def test_what_has_no_resistances_is_no_metadata(text):
    assert parse_metadata(text) is None


@pytest.mark.parametrize(("line", "simulated"), [(b"emulated: 0\n", False), (b"emulated: 1\n", True), (b"", False)])
@pytest.mark.parametrize(("mode", "source_mode"), [(b"1", False), (b"2", True), (b"3", None)])
def test_the_mode_and_an_emulator_are_told(line, simulated, mode, source_mode):
    told = parse_metadata(METADATA.replace(b"mode: 2", b"mode: " + mode).replace(b"IA:", line + b"IA:"))
    assert (told.simulated, told.source_mode) == (simulated, source_mode)


def test_a_constant_that_is_no_finite_number_keeps_its_default():
    text = METADATA.replace(b"R2: 10.3027", b"R2: inf").replace(b"GS1: 112.7890", b"GS1: -").replace(b"HW: 9173\n", b"")
    told = parse_metadata(text)
    assert (told.calibration.ohms[2], told.calibration.square[1], told.hardware) == (10.15, 1.0, "")
    assert told.nominal_ranges == (2,)


def test_samples_of_an_earlier_stream_before_the_metadata_do_no_harm():
    told = parse_metadata(noise(5)[:-2] + METADATA)
    assert told is not None
    assert told.calibration == parse_metadata(METADATA).calibration


def test_line_ends_may_be_of_either_kind():
    assert parse_metadata(METADATA.replace(b"\n", b"\r\n")) == parse_metadata(METADATA)


# -- amperes ---------------------------------------------------------------------------------------


def test_the_nominal_instrument_is_a_resistor_and_a_converter():
    """Without the square that the constants default to, a code is 4 counts of 1.8 V / 163840 over the resistor."""
    plain = Calibration(square=(0.0,) * 5)
    table = plain.table(3.3)
    for index, ohms in enumerate(plain.ohms):
        assert table[index << 14 | 1000] == pytest.approx(4000 * 1.8 / 163_840 / ohms, rel=1e-14)
    assert plain.coarsest_step_a == pytest.approx(table[4 << 14 | 1] - table[4 << 14], rel=1e-12)


def test_the_supply_enters_through_its_own_constant():
    calibration = Calibration(per_volt=(0, 0, 0, 0, 0.25), offset=(0, 0, 0, 0, 1.0), user_gain=(1, 1, 1, 1, 2.0))
    step = calibration.table(4.0)[4 << 14] - calibration.table(2.0)[4 << 14]
    assert step == pytest.approx(2.0 * 0.25 * 2.0)


def test_the_coarsest_step_is_that_of_the_last_range():
    """Two digits of its gain and of the user's; a code is four counts of 1.8 V / 163840 over 0.05 ohms."""
    calibration = Calibration(ohms=(9, 9, 9, 9, 0.05), gain=(7, 7, 7, 7, -2.0), user_gain=(5, 5, 5, 5, 1.5))
    assert calibration.coarsest_step_a == pytest.approx(3.0 * 4 * 1.8 / 163_840 / 0.05)


def test_a_current_is_the_polynomial_of_the_calibration():
    calibration = Calibration(
        ohms=(2.0,) * 5, square=(0.5,) * 5, gain=(3.0,) * 5, zero=(100.0,) * 5, per_volt=(0.25,) * 5,
        offset=(0.125,) * 5, user_gain=(10.0,) * 5,
    )  # fmt: skip
    r = (4 * 16_383 - 100) * 1.8 / 163_840 / 2
    assert calibration.table(4.0)[16_383] == pytest.approx(10 * (r * (0.5 * r + 3) + 1.125))
    assert calibration.table(4.0).shape == (5 * 16_384,)


@cache
def independent() -> PPK2_API:
    """Another program's decoder, on a pseudo-terminal that nobody is behind."""
    controller, terminal = pty.openpty()
    try:
        return PPK2_API(os.ttyname(terminal))
    finally:
        os.close(terminal)
        os.close(controller)


def independent_amperes(data: bytes, metadata: bytes, millivolts: int) -> np.ndarray:
    other = independent()
    other.rolling_avg = other.rolling_avg4 = other.prev_range = None
    other.consecutive_range_samples = other.after_spike = 0
    other.remainder = {"sequence": b"", "len": 0}
    assert other._parse_metadata(metadata.decode())
    other.current_vdd = millivolts
    return np.array(other.get_samples(data)[0]) * 1e-6


@pytest.fixture(scope="module", autouse=True)
def close_the_independent_one():
    yield
    independent().ser.close()
    independent.cache_clear()


spans = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40)), min_size=1, max_size=40)


@given(spans, st.integers(0, 2**32 - 1), st.integers(800, 5000), st.lists(st.integers(0, 2000), max_size=8))
def test_currents_agree_with_an_independent_decoder_to_single_precision(spans, seed, millivolts, places):
    rng = np.random.default_rng(seed)
    ranges = np.repeat([r for r, _ in spans], [n for _, n in spans])
    ranges = np.concatenate((np.zeros(TAIL, int), ranges, np.full(TAIL, 3)))
    data = stream(rng.integers(0, 1 << 14, len(ranges)), ranges)
    told = parse_metadata(METADATA)
    assert told is not None
    table = told.calibration.table(millivolts / 1000)
    state, currents = FilterState(), []
    runs, _ = decoded(*cut(data, places))
    for run in runs:
        current, state = amperes(run.words, table, state)
        currents.append(current)
    # What stays behind at both ends is not taken for samples by one and is by the other.
    theirs = independent_amperes(data[4 * MARGIN_AFTER : -4 * MARGIN_BEFORE], METADATA, millivolts)
    ours = np.concatenate(currents)
    np.testing.assert_allclose(ours.astype("<f4"), theirs.astype("<f4"), rtol=2**-23, atol=1e-15)


def test_averages_agree_with_an_independent_decoder_over_more_than_their_memory():
    rng = np.random.default_rng(5)
    n = 30_000
    ranges = np.full(n, 4)
    ranges[[9_000, 20_000, 20_004, 29_990]] = 2
    data = stream(rng.integers(0, 1 << 14, n), ranges)
    told = parse_metadata(METADATA)
    assert told is not None
    ours, _ = amperes(np.frombuffer(data, "<u4"), told.calibration.table(3.3), FilterState())
    theirs = independent_amperes(data, METADATA, 3300)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


@given(spans, st.lists(st.integers(0, 1600), max_size=20), st.integers(0, 2**32 - 1))
def test_any_split_gives_the_same_currents(spans, places, seed):
    rng = np.random.default_rng(seed)
    ranges = np.repeat([r for r, _ in spans], [n for _, n in spans])
    words = np.frombuffer(stream(rng.integers(0, 1 << 14, len(ranges)), ranges), "<u4")
    table = Calibration().table(3.3)
    whole, at_end = amperes(words, table, FilterState())
    state, parts = FilterState(), []
    for part in np.split(words, sorted(place % len(words) for place in places)):
        if len(part):
            current, state = amperes(part, table, state)
            parts.append(current)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-12)
    assert (state.last_range, state.since_change) == (at_end.last_range, at_end.since_change)
    assert (state.fast, state.slow) == pytest.approx((at_end.fast, at_end.slow), rel=1e-12)


def test_without_the_filter_a_spike_stays():
    data = stream([100] * 20, [1] * 10 + [3] * 10)
    words, table = np.frombuffer(data, "<u4"), Calibration().table(3.3)
    raw, state = amperes(words, table, None)
    mended, _ = amperes(words, table, FilterState())
    assert state is None
    assert raw.tolist() == [table[1 << 14 | 100]] * 10 + [table[3 << 14 | 100]] * 10
    assert (np.flatnonzero(raw != mended)).tolist() == [10, 11, 12]


# -- losses that the counter does not show ---------------------------------------------------------


def watched(arrivals: list[tuple[int, int]], breaks: tuple[float, ...] = ()) -> list[tuple[int, int]]:
    """(when, how many) of each loss found; arrivals are (index after the newest sample, when)."""
    watch, added, found = LossWatch(100_000.0), 0, []
    due = [10**15 + round(s * 1e9) for s in breaks]
    for end, arrival_ns in arrivals:
        broken = bool(due) and arrival_ns > due[0]
        due = due[broken:]
        missing = watch.missing(end + added, arrival_ns, broken=broken)
        if missing:
            added += missing
            found.append((arrival_ns, missing))
    return found


def reads(seconds: float, *, every_ns: int = 5_000_000, ppm: float = 0.0, seed: int = 0) -> list[tuple[int, int]]:
    """Reads of a stream without losses: each gives what had been taken up to some delay before it."""
    rng = np.random.default_rng(seed)
    at = np.arange(every_ns, int(seconds * 1e9), every_ns) + rng.integers(
        0, 2_000_000, int(seconds * 1e9) // every_ns - 1
    )
    delay = 400_000 + rng.exponential(1_000_000, len(at)).astype(int)
    taken = ((at - delay) * (1 + ppm * 1e-6) / PERIOD_NS).astype(int)
    return list(zip(np.maximum.accumulate(taken).tolist(), (at + 10**15).tolist(), strict=True))


@pytest.mark.parametrize("ppm", [-300.0, -100.0, 0.0, 100.0, 300.0])
def test_a_clock_that_is_off_is_no_loss(ppm):
    assert watched(reads(120.0, ppm=ppm)) == []


@given(st.lists(st.tuples(st.floats(0.5, 55.0), st.floats(0.01, 1.9)), max_size=6))
def test_a_stall_that_ends_with_a_burst_is_no_loss(stalls):
    arrivals = reads(60.0, every_ns=20_000_000)
    for start_s, length_s in stalls:
        start, end = (round(s * 1e9) + 10**15 for s in (start_s, start_s + length_s))
        arrivals = [read for read in arrivals if not start <= read[1] < end]
    assert watched(arrivals) == []


@pytest.mark.parametrize("start_s", [20.0, 20.4, 20.9])
@pytest.mark.parametrize("length_s", [0.5, 1.5, 2.9])
def test_a_delay_that_passes_is_no_loss(start_s, length_s):
    """All of these reads are late by 50 ms, but what follows them is not."""
    start, end = (round(s * 1e9) + 10**15 for s in (start_s, start_s + length_s))
    assert watched([(taken - 5_000 * (start <= at < end), at) for taken, at in reads(40.0)]) == []


def test_a_transport_that_becomes_a_little_slower_for_good_is_no_loss():
    assert watched([(taken - 800 * (at > 10**15 + 20e9), at) for taken, at in reads(40.0)]) == []


def test_a_reader_that_is_late_most_of_the_time_invents_no_loss():
    rng = np.random.default_rng(1)
    late = [(end, at + int(rng.random() < 0.95) * int(rng.integers(0, 10**8))) for end, at in reads(60.0)]
    ends, times = zip(*sorted(late, key=lambda read: read[1]), strict=True)
    assert watched(list(zip(np.maximum.accumulate(ends).tolist(), times, strict=True))) == []


@pytest.mark.parametrize("k", [20, 50, 1000])
@pytest.mark.parametrize("ppm", [-100.0, 0.0, 100.0])
def test_a_large_loss_that_is_a_multiple_of_64_is_found_within_seconds(k, ppm):
    arrivals = [(end - 64 * k * (at > 10**15 + 30.5e9), at) for end, at in reads(60.0, ppm=ppm)]
    [(when, missing)] = watched(arrivals)
    assert 2.9e9 < when - (10**15 + 30.5e9) < 4.1e9
    assert abs(missing - 64 * k) <= 64


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 300.0])
@pytest.mark.parametrize("at_s", [30.0, 30.002, 30.5, 30.99])
def test_where_the_counter_shows_a_loss_a_smaller_one_is_found(ppm, at_s):
    """804 samples: the counter shows 36 of them, the watch finds twelve times 64."""
    arrivals = [(end - 12 * 64 * (at > 10**15 + at_s * 1e9), at) for end, at in reads(60.0, ppm=ppm)]
    assert watched(arrivals) == []
    [(when, missing)] = watched(arrivals, (at_s,))
    assert when - (10**15 + at_s * 1e9) < 5.1e9
    assert abs(missing - 12 * 64) <= 128


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 300.0])
def test_a_break_alone_is_no_reason_to_find_more(ppm):
    assert watched(reads(120.0, ppm=ppm), tuple(np.arange(1.0, 119.0, 0.7).tolist())) == []


def test_two_large_losses_one_after_the_other_are_both_found():
    arrivals = [(end - 3200 * (at > 10**15 + 20e9) - 6400 * (at > 10**15 + 22e9), at) for end, at in reads(60.0)]
    assert abs(sum(missing for _, missing in watched(arrivals)) - 9600) <= 128


@pytest.mark.parametrize(
    ("lost", "broken", "found"),
    [(999, None, 0), (1000, None, 1024), (199, 5, 0), (200, 5, 192), (200, 4, 192), (200, 6, 0), (200, 3, 0)],
)
def test_a_loss_is_found_from_ten_milliseconds_on_and_from_two_where_the_counter_shows_it(lost, broken, found):
    """One read a second, each as late as the others; the one at the fifth second comes after the loss."""
    watch = LossWatch(100_000.0)
    told = [
        watch.missing(100_000 * k - (lost if k >= 5 else 0), 10**15 + k * 10**9, broken=k == broken) for k in range(9)
    ]
    assert told == [0] * 8 + [found]


@pytest.mark.parametrize(("lost", "found"), [(0, 0), (200, 0), (1000, 1024)])
def test_a_stream_that_is_joined_late_is_watched_as_from_its_beginning(lost, found):
    watch = LossWatch(100_000.0)
    told = [
        watch.missing(10**9 + 100_000 * k - (lost if k >= 5 else 0), 10**15 + k * 10**9)
        for k in range(9)
    ]  # fmt: skip
    assert told == [0] * 8 + [found]


def test_what_was_found_is_not_found_again_and_the_next_loss_is():
    watch, added, told = LossWatch(100_000.0), 0, []
    for k in range(40):
        lost = 6400 * (k >= 10) + 12_800 * (k >= 20)
        told.append(watch.missing(100_000 * k - lost + added, 10**15 + k * 10**9))
        added += told[-1]
    assert {k: each for k, each in enumerate(told) if each} == {13: 6400, 23: 12_800}


def test_the_earliest_read_of_a_second_counts():
    """All but one read of each second are late from the fifth on."""
    watch, told = LossWatch(100_000.0), []
    for k in range(12):
        for part, late_ns in ((0, 20_000_000), (2, 0), (4, 30_000_000)):
            at_ns = k * 10**9 + part * 10**8
            told.append(watch.missing(at_ns // 10_000, 10**15 + at_ns + late_ns * (k >= 5)))
    assert not any(told)


def test_a_loss_of_64_samples_is_not_found():
    """0.64 ms are nothing by which to tell a loss from a delay, as the docstring says."""
    assert LEAST_NS > 64 * PERIOD_NS
    assert watched([(end - 64 * (at > 10**15 + 30e9), at) for end, at in reads(60.0)]) == []
