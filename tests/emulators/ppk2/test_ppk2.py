# SPDX-License-Identifier: Apache-2.0
"""The emulated PPK2 as a process, spoken to over its real pseudo-terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.emulators.ppk2.__main__ import EMULATOR, Ppk2Options, run
from monitor_app.emulators.runtime.main import main

COMMAND = [sys.executable, "-m", "monitor_app.emulators.ppk2", "--until-stdin-closes"]
START, STOP, METADATA, AMPERE = b"\x06", b"\x07", b"\x19", b"\x11\x01"


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

    def metadata(self) -> dict[str, str]:
        """The answer; what comes before it is passed over."""
        self.send(METADATA)
        data = bytearray()
        while not data.endswith(b"END\n"):
            select.select([self._fd], [], [])
            data += os.read(self._fd, 65_536)
        self.before, _, text = data.partition(b"Calibrated: ")
        return dict(line.split(": ") for line in f"Calibrated: {text.decode()}".splitlines()[:-1])

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
    with conversation("--seed", 42) as host:
        metadata = host.metadata()
        assert (metadata["HW"], metadata["emulated"]) == ("42", "1")
        host.send(AMPERE + START)
        stream = host.read(4 * 50_000)
        host.send(STOP)
        # All that was sampled comes before the answer, and nothing after it.
        assert host.metadata()["mode"] == "1"
    words = np.frombuffer(stream + host.before, "<u4")
    assert set((np.diff((words >> 18 & 63).astype(int)) % 64).tolist()) == {1}


def test_the_account_agrees_with_the_samples(tmp_path):
    lamp_path, energy_log = tmp_path / "lamp", tmp_path / "energy-log"
    arguments = (
        "--load-signal",
        lamp_path,
        "--energy-log",
        energy_log,
        "--clock-ppm",
        -100,
        "--supply-v",
        4.0,
        "--no-spikes",
    )
    with conversation(*arguments) as host:
        metadata = host.metadata()
        load_signal = LoadSignal(lamp_path)
        host.send(AMPERE + START)
        now_ns = host_time_ns()
        # No more than the socket holds if nobody reads it for a while.
        for number in range(4):
            load_signal.set(number % 2 == 0, now_ns + number * 90_000_000)
            load_signal.set_sync(number % 2 == 0, now_ns + number * 90_000_000 + 30_000_000)
        load_signal.close()
        stream = host.read(4 * 110_000)
        host.send(STOP)
        host.metadata()
        *_, line = map(json.loads, energy_log.read_text().splitlines())
    words = np.frombuffer(stream + host.before, "<u4")
    constants = {
        key: np.array([float(metadata[f"{key}{number}"]) for number in range(5)])
        for key in ("R", "GS", "GI", "O", "S", "I")
    }
    r, gs, gi, o, s, i = (constants[key][words >> 14 & 7] for key in ("R", "GS", "GI", "O", "S", "I"))
    result = ((words & 0x3FFF) * 4.0 - o) * (1.8 / 163840 / r)
    power_w = 4.0 * (result * (gs * result + gi) + s * 4.0 + i)
    seconds = len(words) / (100_000 * 0.9999)
    assert line["sample"] - line["first_sample"] == len(words)
    assert line["seconds"] == pytest.approx(seconds, rel=1e-12)
    assert line["energy_j"] == pytest.approx(np.mean(power_w) * seconds, rel=1e-3)
    lines = words >> 24
    assert np.mean(lines & 1) == pytest.approx(line["busy_s"] / seconds, abs=1e-4)
    # The edges of the sync line, 30 ms after those of the load.
    busy, sync = (np.flatnonzero(np.diff(lines >> bit & 1)) for bit in (0, 1))
    # The first one may have been before the first sample.
    assert (len(busy[-3:]), len(sync)) == (3, 4)
    assert sync[-3:] - busy[-3:] == pytest.approx(3_000, abs=2)


def test_it_goes_on_when_the_host_comes_back():
    with emulated() as (_, path):
        for _ in range(2):
            host = Host(path)
            assert host.metadata()["emulated"] == "1"
            host.close()


def test_it_ends_and_leaves_nothing_behind(tmp_path):
    link, load_signal = tmp_path / "port", tmp_path / "lamp"
    with emulated("--link", link, "--load-signal", load_signal) as (process, path):
        assert os.readlink(link) == path
        host = Host(str(link))
        host.send(START)
        host.read(1_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        host.close()
    assert not os.path.lexists(link)
    assert not os.path.lexists(load_signal)


@pytest.mark.parametrize("supply_v", [0.0, 5.1, float("nan")])
def test_an_option_that_cannot_be_used_is_told_in_a_sentence(supply_v):
    with pytest.raises(SourceError, match="--supply-v"):
        run(Ppk2Options(supply_v=supply_v))


def test_from_the_command_line_the_sentence_goes_to_stderr(capsys):
    assert main(EMULATOR, ["--supply-v", "19"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert (err.count("\n"), "--supply-v" in err) == (1, True)
