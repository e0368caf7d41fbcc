# SPDX-License-Identifier: Apache-2.0
"""The emulated PowerSensor3 as a process, spoken to over its real pseudo-terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.emulators.powersensor3.__main__ import EMULATOR, PowerSensor3Options, run
from monitor_app.emulators.runtime.main import main

COMMAND = [sys.executable, "-m", "monitor_app.emulators.powersensor3", "--until-stdin-closes"]
VERSION = b"F411-1.6.1 emulated\r\n"
STOP_WORDS = b"\xff\x3f\xff\x3f"


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


class Host:
    """The other end of the line."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += os.read(self._fd, count - len(data))
        return data

    def until(self, end: bytes) -> bytes:
        data = bytearray()
        while not data.endswith(end):
            select.select([self._fd], [], [])
            data += os.read(self._fd, 65_536)
        return bytes(data)

    def whatever_comes(self, timeout_s: float) -> bytes:
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        return os.read(self._fd, 65_536) if ready else b""

    def config(self) -> list[bytes]:
        self.send(b"R")
        records = []
        for _ in range(8):
            records.append(self.read(41))
            self.send(b"s")
        assert self.read(1) == b"D"
        return records

    def close(self) -> None:
        os.close(self._fd)


@contextmanager
def conversation(*arguments: object):
    with emulated(*arguments) as (_, path):
        host = Host(path)
        try:
            yield host
        finally:
            host.close()


def test_a_whole_conversation():
    with conversation("--pairs", 2) as host:
        host.send(b"V")
        assert host.until(b"\r\n") == VERSION
        assert [record[-1] for record in host.config()] == [1, 1, 1, 1, 0, 0, 0, 0]
        host.send(b"S")
        stream = host.read(18 * 10_000)
        host.send(b"M")
        stream += host.read(18 * 1_000)
        host.send(b"X")
        stream += host.until(STOP_WORDS).removesuffix(STOP_WORDS)
        host.send(b"V")
        assert host.until(b"\r\n") == VERSION
    words = np.frombuffer(stream, np.uint8).reshape(-1, 9, 2)
    assert (words[:, :, 0] >> 4 == [15, 8, 9, 10, 11, 12, 13, 14, 15]).all()
    time_us = (words[:, 0, 0].astype(int) & 0x0F) << 6 | words[:, 0, 1] & 0x3F
    assert set((np.diff(time_us) % 1024).tolist()) == {50}
    [marked] = np.flatnonzero(words[:, 1, 1] & 0x40)
    assert marked >= 10_000


def test_the_account_agrees_with_the_levels(tmp_path):
    lamp_path, energy_log = tmp_path / "lamp", tmp_path / "energy-log"
    with conversation("--load-signal", lamp_path, "--energy-log", energy_log, "--clock-ppm", 100) as host:
        records = [struct.unpack("<16s16sff?", record) for record in host.config()]
        load_signal = LoadSignal(lamp_path)
        host.send(b"S")
        now_ns = host_time_ns()
        # No more than the socket holds if nobody reads it for a while.
        for number in range(8):
            load_signal.set(number % 2 == 0, now_ns + number * 90_000_000)
        load_signal.close()
        stream = host.read(18 * 22_000)
        host.send(b"X")
        stream += host.until(STOP_WORDS).removesuffix(STOP_WORDS)
        *_, line = map(json.loads, energy_log.read_text().splitlines())
    words = np.frombuffer(stream, np.uint8).reshape(-1, 9, 2).astype(int)
    levels = (words[:, 1:3, 0] & 0x0F) << 6 | words[:, 1:3, 1] & 0x3F
    current_a, voltage_v = ((3.3 * levels[:, n] / 1023 - records[n][2]) / records[n][3] for n in (0, 1))
    assert line["sample"] - line["first_sample"] == len(levels)
    seconds = len(levels) / (20_000 * 1.0001)
    assert line["seconds"] == pytest.approx(seconds, rel=1e-12)
    noise_j = 5 * 0.37 * len(levels) ** 0.5 / 20_000
    assert line["energy_j"] == pytest.approx(np.mean(current_a * voltage_v) * seconds, abs=noise_j)
    assert line["energy_j"] > 2 * 1.30 * seconds


def test_a_reset_ends_the_stream_and_it_listens_again():
    with conversation("--fault", "reset@0.2") as host:
        host.send(b"S")
        heard = b""
        # Between two answers there are frames for as long as it streams; a question during the reset has no answer.
        while VERSION + VERSION not in heard:
            host.send(b"V")
            heard = heard[-len(VERSION) :] + host.whatever_comes(0.1)
        host.send(b"S")
        # On a busy machine there are answers still to come, and nothing else before the first frame.
        while (byte := host.read(1)) < b"\xf0":
            assert byte in VERSION


def test_it_goes_on_when_the_host_comes_back():
    with emulated() as (_, path):
        for _ in range(2):
            host = Host(path)
            host.send(b"V")
            assert host.until(b"\r\n") == VERSION
            host.close()


def test_it_ends_and_leaves_nothing_behind(tmp_path):
    link, load_signal = tmp_path / "port", tmp_path / "lamp"
    with emulated("--link", link, "--load-signal", load_signal) as (process, path):
        assert os.readlink(link) == path
        host = Host(str(link))
        host.send(b"S")
        host.read(1_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        host.close()
    assert not os.path.lexists(link)
    assert not os.path.lexists(load_signal)


@pytest.mark.parametrize("pairs", [0, 5])
def test_an_option_that_cannot_be_used_is_told_in_a_sentence(pairs):
    with pytest.raises(SourceError, match="--pairs"):
        run(PowerSensor3Options(pairs=pairs))


def test_from_the_command_line_the_sentence_goes_to_stderr(capsys):
    assert main(EMULATOR, ["--pairs", "9"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert (err.count("\n"), "--pairs" in err) == (1, True)
