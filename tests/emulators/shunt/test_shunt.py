# SPDX-License-Identifier: Apache-2.0
"""The emulated shunt as a process, spoken to over its real pseudo-terminal."""

from __future__ import annotations

import itertools
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.emulators.runtime.main import main
from monitor_app.emulators.shunt.__main__ import EMULATOR, ShuntOptions, run
from tests.emulators.shunt import protocol
from tests.emulators.shunt.protocol import DATA, HELLO, INFO, START, STARTED, STOP, STOPPED, Host

COMMAND = [sys.executable, "-m", "monitor_app.emulators.shunt", "--until-stdin-closes"]
MS = 1_000_000


@contextmanager
def emulated(*arguments: object):
    """A running emulator and the path of its port."""
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process, process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@contextmanager
def conversation(*arguments: object):
    with emulated(*arguments) as (_, path):
        host = Host(path)
        try:
            yield host
        finally:
            host.close()


def data_until(host: Host, sample: int) -> None:
    host.until(lambda frame: frame[0] == DATA and protocol.Data.parse(frame[1]).end >= sample)


def test_a_whole_conversation():
    with conversation("--seed", 42) as host:
        info = host.ask(HELLO, INFO)
        assert info[24:40].rstrip(b"\0") == b"SIM-42"
        [started] = struct.unpack("<Q", host.ask(START, STARTED))
        data_until(host, started + 10_000)
        [stopped] = struct.unpack("<Q", host.ask(STOP, STOPPED))
        host.frames.clear()
        # Nothing may come between STOPPED and the answer to this.
        assert host.ask(HELLO, INFO) == info
        assert [kind for kind, _ in host.frames] == [INFO]
    assert stopped >= started + 10_000


def test_frames_are_contiguous_and_the_idle_board_draws_1_30_w():
    with conversation() as host:
        info = host.ask(HELLO, INFO)
        [started] = struct.unpack("<Q", host.ask(START, STARTED))
        data_until(host, started + 25_000)
        [stopped] = struct.unpack("<Q", host.ask(STOP, STOPPED))
    data = protocol.data_of(host.frames)
    assert data[0].first == started
    assert data[-1].end == stopped
    for before, after in itertools.pairwise(data):
        assert (after.first, after.seq) == (before.end, before.seq + 1)
    assert {one.dropped for one in data} == {0}
    scale, zero = protocol.calibration(info)
    values = scale * (np.concatenate([one.codes for one in data]) - zero)
    assert np.mean(np.prod(values, axis=1)) == pytest.approx(1.30, rel=2e-3)


@pytest.mark.parametrize("ppm", [0, 5_000])
def test_two_pings_measure_the_sample_clock(ppm):
    with conversation("--clock-ppm", ppm) as host:
        early_ns, count, late_ns = host.ping(1)
        [started] = struct.unpack("<Q", host.ask(START, STARTED))
        data_until(host, started + 25_000)
        next_early_ns, next_count, next_late_ns = host.ping(2)
    assert count <= started <= next_count
    rate_hz = 50_000 * (1 + ppm * 1e-6)
    elapsed_ns = (next_count - count) / rate_hz * 1e9
    # One step of the fraction and the rounding of the stamps.
    slack_ns = 5
    assert next_early_ns - late_ns - slack_ns <= elapsed_ns <= next_late_ns - early_ns + slack_ns


def test_a_lamp_edge_changes_the_line_at_its_sample(tmp_path):
    path = tmp_path / "lamp"
    with conversation("--load-signal", path) as host:
        load_signal = LoadSignal(path)
        early_ns, count, late_ns = host.ping(1)
        host.ask(START, STARTED)
        # A little ahead, so that it arrives in time however this process is scheduled.
        edge_ns = host_time_ns() + 50 * MS
        load_signal.set(True, edge_ns)
        load_signal.close()
        host.until(lambda frame: frame[0] == DATA and bool(protocol.Data.parse(frame[1]).changes))
    [(sample, line, level)] = [
        (one.first + offset, line, level)
        for one in protocol.data_of(host.frames)
        for offset, line, level in one.changes
    ]
    assert (line, level) == (0, 1)
    lowest = count + (edge_ns - late_ns) / 20_000
    highest = count + (edge_ns - early_ns) / 20_000
    assert lowest - 0.01 <= sample <= highest + 1.01


def test_the_account_agrees_with_the_decoded_samples(tmp_path):
    lamp_path, energy_log = tmp_path / "lamp", tmp_path / "energy-log"
    with conversation("--load-signal", lamp_path, "--energy-log", energy_log, "--clock-ppm", 100) as host:
        load_signal = LoadSignal(lamp_path)
        info = host.ask(HELLO, INFO)
        [started] = struct.unpack("<Q", host.ask(START, STARTED))
        now_ns = host_time_ns()
        for number in range(8):
            load_signal.set(number % 2 == 0, now_ns + number * 90 * MS)
        load_signal.close()
        data_until(host, started + 55_000)
        host.ask(STOP, STOPPED)
        *_, line = map(json.loads, energy_log.read_text().splitlines())
    data = protocol.data_of(host.frames)
    assert (line["first_sample"], line["sample"]) == (data[0].first, data[-1].end)
    scale, zero = protocol.calibration(info)
    power_w = np.prod(scale * (np.concatenate([one.codes for one in data]) - zero), axis=1)
    seconds = len(power_w) / (50_000 * 1.0001)
    assert line["seconds"] == pytest.approx(seconds, rel=1e-12)
    assert line["energy_j"] == pytest.approx(np.mean(power_w) * seconds, rel=1e-3)
    assert line["energy_j"] > 2 * 1.30 * seconds


def test_it_goes_on_when_the_host_comes_back():
    with emulated() as (_, path):
        for _ in range(2):
            host = Host(path)
            assert host.ask(HELLO, INFO)[0] == 1
            host.close()


def test_the_sync_line_is_told_beside_the_busy_line(tmp_path):
    path = tmp_path / "lamp"
    with conversation("--load-signal", path) as host:
        info = host.ask(HELLO, INFO)
        assert info[144:].split(b"\0" * 4) == [b"busy", b"sync", b""]
        host.ask(START, STARTED)
        load_signal = LoadSignal(path)
        # Ahead, so that both arrive in time however this process is scheduled.
        now_ns = host_time_ns() + 50 * MS
        load_signal.set_sync(True, now_ns)
        load_signal.set(True, now_ns + 5 * MS)
        load_signal.set_sync(False, now_ns + 20 * MS)
        load_signal.close()
        host.until(lambda frame: frame[0] == DATA and (1, 0) in lines_of(protocol.Data.parse(frame[1])))
    told = [
        (one.first + offset, line, level)
        for one in protocol.data_of(host.frames)
        for offset, line, level in one.changes
    ]
    assert [(line, level) for _, line, level in told] == [(1, 1), (0, 1), (1, 0)]
    (high, _, _), (busy, _, _), (low, _, _) = told
    assert busy - high == pytest.approx(250, abs=1)
    assert low - high == pytest.approx(1_000, abs=1)


def lines_of(data: protocol.Data) -> list[tuple[int, int]]:
    return [(line, level) for _, line, level in data.changes]


def test_of_a_million_samples_a_second_every_one_arrives_or_is_counted():
    with conversation("--rate-hz", 1_000_000) as host:
        # Four bytes a sample.
        (_, started), *frames, (_, stopped) = host.record(2_000_000)
    data = protocol.data_of(frames)
    assert_every_sample_is_there_or_counted(data)
    assert data[0].first == int.from_bytes(started, "little")
    # Frames that were dropped at the very end are told by no other.
    assert data[-1].end <= int.from_bytes(stopped, "little")
    assert sum(len(one.codes) for one in data) >= 450_000


def assert_every_sample_is_there_or_counted(data: list[protocol.Data]) -> None:
    received = 0
    for number, one in enumerate(data):
        assert one.seq == number % 65_536
        assert one.first == data[0].first + received + one.dropped
        received += len(one.codes)


def test_garbage_costs_the_frames_it_touches_and_no_others():
    with conversation("--fault", "garbage@0.5:64", "--fault", "garbage@0.6:1", "--fault", "garbage@0.7:1000") as host:
        host.tolerant = True
        frames = host.record(300_000)
    data = protocol.data_of(frames)
    assert host.damaged > 0
    assert {one.dropped for one in data} == {0}
    lost = sum(after.first - before.end for before, after in itertools.pairwise(data))
    # Zeros in the garbage make several damaged frames of one.
    assert 0 < lost <= 500 * host.damaged
    assert all(after.first >= before.end for before, after in itertools.pairwise(data))


def test_bytes_that_vanish_cost_a_frame_that_was_sent_and_not_dropped():
    with conversation("--fault", "drop@0.5:37", "--fault", "drop@0.7:1") as host:
        host.tolerant = True
        data = protocol.data_of(host.record(300_000))
    assert host.damaged > 0
    gaps = [(after.seq - before.seq - 1, after.first - before.end) for before, after in itertools.pairwise(data)]
    assert {one.dropped for one in data} == {0}
    assert all(samples == 500 * sent for sent, samples in gaps)
    assert any(gaps)


def test_in_a_stall_the_memory_fills_and_what_it_cannot_hold_is_counted():
    with conversation("--rate-hz", 500_000, "--fault", "stall@0.3:0.8") as host:
        frames = host.record(2_500_000)
    data = protocol.data_of(frames)
    assert_every_sample_is_there_or_counted(data)
    # 0.8 s less the quarter of a second that it holds, what the kernel holds, and a late start.
    assert data[-1].dropped > 200_000


def test_after_a_reset_it_is_silent_and_counts_from_zero(tmp_path):
    energy_log = tmp_path / "energy-log"
    with conversation("--fault", "reset@0.5", "--energy-log", energy_log) as host:
        [started] = struct.unpack("<Q", host.ask(START, STARTED))
        early_ns = host_time_ns()
        host.tolerant = True
        host.until_restart()
        host.tolerant = False
        host.frames.clear()
        host.ask(HELLO, INFO)
        # No data comes between the reset and START.
        assert [kind for kind, _ in host.frames] == [INFO]
        _, count, late_ns = host.ping(1)
        assert count <= (late_ns - early_ns) * 50_000 / 1e9
        [again] = struct.unpack("<Q", host.ask(START, STARTED))
        data_until(host, again + 1_000)
        host.ask(STOP, STOPPED)
        assert_every_sample_is_there_or_counted(protocol.data_of(host.frames))
        lines = [json.loads(line) for line in energy_log.read_text().splitlines()]
    assert [line["first_sample"] for line in lines] == [started, again]


def test_unplugged_and_put_back_it_is_found_at_the_link_as_after_power_up(tmp_path):
    link = tmp_path / "port"
    with emulated("--link", link, "--fault", "unplug@0.5:0.1", "--seed", 7) as (process, path):
        host = Host(path)
        info = host.ask(HELLO, INFO)
        host.ask(START, STARTED)
        with pytest.raises(EOFError):
            host.until(lambda _: False)
        new_path = process.stdout.readline().decode().strip()
        assert os.readlink(link) == new_path
        again = Host(str(link))
        assert again.ask(HELLO, INFO) == info
        [started] = struct.unpack("<Q", again.ask(START, STARTED))
        data_until(again, started + 1_000)
        again.ask(STOP, STOPPED)
        # No frame of before, and not even the rest of one.
        assert [kind for kind, _ in again.frames][:2] == [INFO, STARTED]
        assert_every_sample_is_there_or_counted(protocol.data_of(again.frames))
        again.close()
        host.close()
    assert not os.path.lexists(link)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, "stdin"])
def test_it_ends_and_leaves_nothing_behind(tmp_path, end):
    link, load_signal = tmp_path / "port", tmp_path / "lamp"
    with emulated("--link", link, "--load-signal", load_signal) as (process, path):
        assert os.readlink(link) == path
        assert load_signal.is_socket()
        host = Host(str(link))
        host.ask(START, STARTED)
        if end == "stdin":
            process.stdin.close()
        else:
            process.send_signal(end)
        assert process.wait() == 0
        host.close()
    assert not os.path.lexists(link)
    assert not os.path.lexists(load_signal)


def test_it_does_not_outlive_a_parent_whose_stdin_others_hold_open():
    stdin_read, stdin_write = os.pipe()
    stdout_read, stdout_write = os.pipe()
    parent_code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen({COMMAND!r}, stdin={stdin_read}, stdout={stdout_write})\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_code], pass_fds=(stdin_read, stdout_write), stdin=subprocess.PIPE
    )
    os.close(stdin_read)
    os.close(stdout_write)
    with os.fdopen(stdout_read) as stdout:
        assert stdout.readline().startswith("/dev/")
        parent.kill()
        parent.wait()
        # The emulator was the last that could write here.
        assert stdout.read() == ""
    parent.stdin.close()
    os.close(stdin_write)


def test_it_ends_quietly_where_its_parent_has_ended_before_it_was_told_the_port():
    stdout_read, stdout_write = os.pipe()
    os.close(stdout_read)
    ended = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, stdout=stdout_write, stderr=subprocess.PIPE, check=False)
    os.close(stdout_write)
    assert ended.stderr == b""
    assert ended.returncode == 0


def test_the_end_of_the_thread_that_started_it_is_not_the_end_of_the_parent():
    started: list[tuple[subprocess.Popen[bytes], str]] = []
    stack = emulated()
    thread = threading.Thread(target=lambda: started.append(stack.__enter__()))
    thread.start()
    thread.join()
    [(process, path)] = started
    host = Host(path)
    assert host.ask(HELLO, INFO)
    host.close()
    stack.__exit__(None, None, None)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ShuntOptions(board="tx9"), "choose one of: tx1"),
        (ShuntOptions(rate_hz=1e9), "--rate-hz"),
        (ShuntOptions(rate_hz=float("nan")), "--rate-hz"),
        (ShuntOptions(seed=-1), "--seed"),
        (ShuntOptions(faults=("melt@5",)), "--fault"),
        (ShuntOptions(clock_ppm=float("nan")), "--clock-ppm"),
    ],
)
def test_an_option_that_cannot_be_used_is_told_in_a_sentence(options, says):
    with pytest.raises(SourceError, match=says):
        run(options)


def test_from_the_command_line_the_sentence_goes_to_stderr(capsys, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    assert main(EMULATOR, ["--energy-log", str(tmp_path / "missing" / "file")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "--energy-log" in err
    assert signal.getsignal(signal.SIGTERM) is before
