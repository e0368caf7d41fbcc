# SPDX-License-Identifier: Apache-2.0
"""Against the real service of jetson-stats where it does what it should, against a stand-in where it does not."""

from __future__ import annotations

import ast
import contextlib
import copy
import math
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import HandshakeError, PortError, SourceError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role
from monitor_app.sources.jetson.boards import load_board
from monitor_app.sources.jtop import driver as jtop
from monitor_app.sources.jtop import places
from monitor_app.sources.jtop.driver import JtopProcess, JtopSource
from monitor_app.sources.jtop.failures import failure, most_telling
from monitor_app.sources.jtop.places import CHILD
from monitor_app.sources.jtop.readings import MODULE_RAILS, decode
from tests.sources.jtop.service import Board, namespaces, real_service, stand_in

WAYS = ([True] if namespaces() else []) + [False]
OWN_ROOT = WAYS[0]
RAILS = {"VDD_IN": (19_000, 500), "VDD_CPU": (19_000, 100), "NC": (0, 0)}
UPDATE = {
    "power": {
        "rail": {"VDD_GPU": {"volt": 5000, "curr": 300, "power": 1500, "avg": 1500, "online": True}},
        "tot": {"volt": 5000, "curr": 1000, "power": 5000, "avg": 5000, "online": True, "name": "VDD_IN"},
    },
    "temperature": {"tj": {"temp": 41.5, "online": True}},
    "gpu": {"gpu": {"type": "integrated", "status": {"load": 25.0}, "freq": {"cur": 306_000}}},
    "mem": {"RAM": {"tot": 4_000_000, "used": 1_000_000}},
    "fan": {},
    "cpu": {"total": {}, "cpu": [{"online": True, "user": 10.0, "nice": 0.0, "system": 5.0, "idle": 85.0}]},
}


@pytest.fixture
def board():
    # Not pytest's folder: the path of a socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="jtop-") as folder:
        yield Board(Path(folder), RAILS, {"tj": 41_500, "gpu": 40_000, "cv0": None})


@contextlib.contextmanager
def opened(socket: str, interval_s: float = 0.1, **options):
    source = JtopSource("jtop", interval_s, socket=socket, **options)
    try:
        source.open()
        yield source
    finally:
        source.close()


def next_block(source: JtopSource):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for block in source.read(0.2):
            return block
    raise AssertionError("nothing came")


def values(source: JtopSource, block) -> dict[str, float]:
    assert len(block) == 1
    assert {codes.dtype.str for codes in block.codes} == {"<f4"}
    return {signal.name: float(codes[0]) for signal, codes in zip(source.info.signals, block.codes, strict=True)}


def until(source: JtopSource, name: str, value: float):
    for _ in range(100):
        block = next_block(source)
        if values(source, block)[name] == pytest.approx(value, rel=1e-6):
            return block
    raise AssertionError(f"{name} never became {value}")


def lost(source: JtopSource, tries: int = 100) -> str:
    def read_on():
        for _ in range(tries):
            source.read(0.2)

    with pytest.raises(SourceLostError) as caught:
        read_on()
    assert is_one_sentence(str(caught.value))
    return str(caught.value)


def without(*path: str) -> dict:
    update = copy.deepcopy(UPDATE)
    inner = update
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return update


def wrapper(folder: Path, *words: str, **environment: str) -> str:
    """An interpreter that is ours with other arguments, or in another environment."""
    path = folder / "python"
    settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in environment.items())
    path.write_text(f'#!/bin/sh\nexec env {settings} {shlex.join(words)} "$@"\n')
    path.chmod(0o755)
    return str(path)


def is_one_sentence(text: str) -> bool:
    return text.endswith(".") and ". " not in text and "\n" not in text


# The real service


@pytest.mark.parametrize("own_root", WAYS, ids=lambda own: "own root" if own else "rewritten")
def test_follows_the_real_service(board, own_root):
    before = multiprocessing.get_start_method(allow_none=True), set(sys.modules)
    with real_service(board, own_root=own_root) as service, opened(service.socket) as source:
        info = source.info
        assert {signal.name: signal.quantity for signal in info.signals} == {
            "VDD_CPU current": Quantity.CURRENT,
            "VDD_CPU voltage": Quantity.VOLTAGE,
            "VDD_CPU": Quantity.POWER,
            "VDD_IN current": Quantity.CURRENT,
            "VDD_IN voltage": Quantity.VOLTAGE,
            "VDD_IN": Quantity.POWER,
            "gpu load": Quantity.LEVEL,
            "gpu frequency": Quantity.FREQUENCY,
            "cpu load": Quantity.LEVEL,
            "cpu frequency": Quantity.FREQUENCY,
            "RAM used": Quantity.LEVEL,
            "EMC load": Quantity.LEVEL,
            "EMC frequency": Quantity.FREQUENCY,
            "tj temperature": Quantity.TEMPERATURE,
            "pwmfan 0 duty": Quantity.LEVEL,
        }
        assert {signal.name for signal in info.signals if signal.role is not Role.OTHER} == {"VDD_IN"}
        assert info.kind == "jtop"
        assert info.rate_hz == pytest.approx(10)
        assert info.firmware.startswith("jetson-stats 7.")
        assert not info.simulated
        first = next_block(source)
        told = values(source, first)
        assert told["VDD_IN"] == pytest.approx(9.5)
        assert told["VDD_IN current"] == pytest.approx(0.5)
        assert told["VDD_CPU voltage"] == pytest.approx(19.0)
        assert told["gpu frequency"] == pytest.approx(306e6)
        assert told["cpu frequency"] == pytest.approx(1510.4e6)
        assert told["EMC frequency"] == pytest.approx(2.133e9)
        assert told["EMC load"] == pytest.approx(1.0)
        assert told["tj temperature"] == pytest.approx(41.5)
        assert told["pwmfan 0 duty"] == pytest.approx(0.2)
        assert 0 < told["RAM used"] < 1
        assert 0 <= told["cpu load"] <= 1

        changed_ns = host_time_ns()
        board.set_rail("VDD_IN", 19_000, 1_100)
        board.set_gpu(0.99, 1_300_500_000)
        board.set_temperature("tj", 60_250)
        block = until(source, "VDD_IN", 20.9)
        assert block.times_ns[0] > changed_ns - info.transport_bound_ns
        assert block.times_ns[0] < block.arrival_ns + info.transport_bound_ns
        block = until(source, "tj temperature", 60.25)
        assert values(source, block)["gpu load"] == pytest.approx(0.99)
        assert values(source, block)["gpu frequency"] == pytest.approx(1_300.5e6)
        assert block.first_index > first.first_index
    assert "jtop" not in set(sys.modules) - before[1]
    assert multiprocessing.get_start_method(allow_none=True) == before[0]
    assert not Path("/fake_sys").exists()


def test_leaves_the_machine_as_it_was(board):
    def state():
        return [Path(file).read_text() for file in ("/etc/group", "/proc/self/mountinfo")], sorted(os.listdir("/"))

    before = state()
    with real_service(board, own_root=OWN_ROOT) as service, opened(service.socket):
        assert state() == before
        group = {process.pid for process in psutil.process_iter() if board.base.name in " ".join(_words(process))}
        assert group
    assert state() == before
    assert not [pid for pid in group if psutil.pid_exists(pid)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_samples_keep_the_services_pace(board):
    with real_service(board, own_root=OWN_ROOT) as service, opened(service.socket, 0.05) as source:
        blocks = [next_block(source) for _ in range(20)]
    times = np.concatenate([block.times_ns for block in blocks])
    assert (np.diff(times) > 0).all()
    ends = [block.first_index + 1 for block in blocks[:-1]]
    assert [block.first_index - block.lost_before for block in blocks[1:]] == ends


def test_goes_on_at_the_pace_that_another_program_has_set(board):
    with (
        real_service(board, own_root=OWN_ROOT) as service,
        opened(service.socket, 0.5),
        opened(service.socket, 0.05) as source,
    ):
        assert source.info.rate_hz == pytest.approx(2)
        assert any("Another program has set" in note for note in source.info.notes)
        times = [next_block(source).times_ns[0] for _ in range(4)]
        # One that expects 0.05 s hears nothing after the third of these.
        assert np.diff(times).min() > 0.25e9


def test_a_service_that_is_killed_is_lost_and_one_that_returns_is_found(board):
    with opened_and_killed(board) as (source, sentence):
        assert sentence == (
            "The jtop service ended while jtop listened: start it again with `sudo systemctl start jtop`."
        )
        with pytest.raises(PortError, match="not running"):
            source.open()
        with real_service(board, own_root=OWN_ROOT):
            source.open()
            assert next_block(source).first_index == 0


@contextlib.contextmanager
def opened_and_killed(board):
    with real_service(board, own_root=OWN_ROOT) as service:
        source = JtopSource("jtop", 0.1, socket=service.socket)
        source.open()
        try:
            next_block(source)
            service.kill()
            yield source, lost(source)
        finally:
            source.close()


def test_a_rail_whose_chip_falls_silent_ends_the_source(board):
    with real_service(board, own_root=OWN_ROOT) as service, opened(service.socket) as source:
        next_block(source)
        board.lose_rail("VDD_CPU")
        assert "VDD_CPU current" in lost(source)


def test_a_user_outside_the_group_is_told(board, tmp_path):
    with real_service(board, own_root=OWN_ROOT) as service:
        Path(service.socket).chmod(0)
        # root may do anything, unless it gives that up
        powers = "-dac_override,-dac_read_search"
        words = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"] if os.geteuid() == 0 else []
        python = wrapper(tmp_path, *words, sys.executable)
        source = JtopSource("jtop", 0.1, socket=service.socket, python=python)
        with pytest.raises(PortError, match="sudo usermod -aG jtop"):
            source.open()


# Without a service, or with one that misbehaves


def test_an_absent_service_is_told(tmp_path):
    source = JtopSource("jtop", 1.0, socket=str(tmp_path / "none"))
    with pytest.raises(PortError, match="not running: start it with `sudo systemctl start jtop`"):
        source.open()
    source.close()
    source.close()
    with pytest.raises(SourceLostError, match="not connected"):
        source.read(0.0)
    with pytest.raises(PortError, match="has not been opened"):
        _ = source.info


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"version": "4.3.2"}, r"service is version 4\.3\.2, and the jetson-stats of \S+ is 7\.\S+: .*==4\.3\.2"),
        ({"how": "other key"}, "does not accept the jetson-stats"),
        ({"how": "other pickle"}, "name the interpreter that runs the service"),
        ({}, "no values, so it has failed inside"),
        ({"first": {"power": {}, "temperature": {}, "gpu": {}, "mem": {}, "fan": {}, "cpu": {"cpu": []}}}, "nothing"),
        ({"how": "silent"}, "has not answered jtop"),
    ],
    ids=["version", "key", "pickle", "no data", "nothing to tell", "silent"],
)
def test_a_service_that_does_not_fit_is_told(monkeypatch, options, sentence):
    # Without an answer jetson-stats asks again and again, as fast as it can, until it is told to end.
    monkeypatch.setattr(jtop, "CONNECT_S", 1.0 if options == {"how": "silent"} else 3.0)
    with stand_in(**options) as service:
        source = JtopSource("jtop", 0.1, python=sys.executable, socket=service.socket)
        with pytest.raises(HandshakeError, match=sentence) as caught:
            source.open()
    assert is_one_sentence(str(caught.value))


def test_an_interpreter_without_jetson_stats_is_told(tmp_path):
    python = wrapper(tmp_path, sys.executable, "-S", "-E")
    with pytest.raises(HandshakeError, match=r"has no jetson-stats: run `pip install 'inferwatt\[jetson\]'`"):
        JtopSource("jtop", 1.0, python=python).open()


def test_a_broken_jetson_stats_is_told(tmp_path):
    (tmp_path / "jtop.py").write_text("print('not for the parent')\nimport smbus2_which_is_missing\n")
    python = wrapper(tmp_path, sys.executable, PYTHONPATH=str(tmp_path))
    with pytest.raises(HandshakeError, match=r"cannot be loaded \(No module named 'smbus2_which_is_missing'\)"):
        JtopSource("jtop", 1.0, python=python).open()


def test_an_interpreter_that_is_none_is_told(tmp_path):
    with pytest.raises(PortError, match="cannot be run"):
        JtopSource("jtop", 1.0, python=str(tmp_path / "python")).open()


def test_a_child_that_ends_without_a_word_is_told(tmp_path):
    python = wrapper(tmp_path, sys.executable, "-c", "raise SystemExit('out of order')")
    with pytest.raises(SourceLostError, match=r"ended with exit code \d+ \(its last message: out of order\)"):
        JtopSource("jtop", 1.0, python=python).open()


def test_another_interpreter_is_tried_where_the_first_does_not_fit(tmp_path, monkeypatch):
    package = Path(find_spec("jtop").origin).parent
    shutil.copytree(package, tmp_path / "jtop")
    init = tmp_path / "jtop/__init__.py"
    init.write_text(init.read_text().replace('__version__ = "7.', '__version__ = "4.'))
    old = wrapper(tmp_path, sys.executable, PYTHONPATH=str(tmp_path))
    monkeypatch.setattr(places.Here, "interpreters", lambda _: [old, sys.executable])
    with stand_in(first=UPDATE) as service, opened(service.socket) as source:
        assert source.info.firmware.startswith("jetson-stats 7.")
    monkeypatch.setattr(places.Here, "interpreters", lambda _: [sys.executable, old])
    with stand_in(first=UPDATE, version="4.2.2") as service, opened(service.socket) as source:
        assert source.info.firmware.startswith("jetson-stats 4.")


def test_interpreters_are_ours_the_services_and_the_systems(tmp_path, monkeypatch):
    command = tmp_path / "jtop"
    own = tmp_path / "python3"
    own.touch()
    command.write_text(f"#!{own}\nimport jtop\n")
    monkeypatch.setattr(places, "SERVICE_COMMAND", command)
    monkeypatch.setattr(places, "SYSTEM_PYTHON", sys.executable)
    assert places.Here().interpreters() == [sys.executable, str(own)]
    command.write_text("#!/usr/bin/env python3\n")
    assert places.Here().interpreters() == [sys.executable]
    command.unlink()
    assert places.Here().interpreters() == [sys.executable]


def test_the_most_telling_of_several_failures_is_told():
    mismatch = {"code": "version-mismatch", "service": "4.3.2", "client": "7.2.2", "python": "/opt/python"}
    assert most_telling([{"code": "not-installed"}, mismatch]) is mismatch


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("code", ["absent", "forbidden", "no-data", "hung-up", "failed", "not-installed", "unheard of"])
def test_every_failure_is_one_sentence(code, lost):
    error = failure("jtop", {"code": code, "text": "it broke\nand fell", "python": "/opt/python"}, lost=lost)
    assert isinstance(error, SourceError)
    assert is_one_sentence(str(error))


# Updates


def test_says_what_the_board_is_and_takes_roles_from_the_profile():
    with stand_in(first=UPDATE) as service, opened(service.socket, roles={"VDD_GPU": Role.GPU}) as source:
        assert source.info.model == "Stand-in"
        assert source.info.serial_number == "0815"
        assert {s.name: s.role for s in source.info.signals if s.role is not Role.OTHER} == {
            "VDD_GPU": Role.GPU,
            "VDD_IN": Role.TOTAL,
        }
        assert source.environment["L4T"] == "36.4"
        assert "Serial Number" not in source.environment


def test_each_update_comes_once_at_its_time():
    with stand_in(first=UPDATE) as service, opened(service.socket, 5.0) as source:
        for index in range(3):
            before_ns = host_time_ns()
            service.tell(publish=UPDATE)
            block = next_block(source)
            # Stamps have steps of 10 ms.
            assert before_ns - 10_000_000 < block.times_ns[0] < block.arrival_ns + 10_000_000
            assert (block.first_index, block.lost_before) == (index, 0)
            service.tell(publish=UPDATE, repeat=True)
            assert source.read(0.2) == []


def test_a_jump_of_the_stamps_is_a_loss():
    with stand_in(first=UPDATE) as service, opened(service.socket, 0.5) as source:
        service.tell(publish=UPDATE)
        near = next_block(source)
        while host_time_ns() < near.times_ns[0] + 2_000_000_000:
            assert source.read(0.1) == []
        service.tell(publish=UPDATE)
        far = next_block(source)
    intervals = (far.times_ns[0] - near.times_ns[0]) / 0.5e9
    assert far.lost_before == pytest.approx(intervals - 1, abs=0.6)
    assert far.first_index == near.first_index + 1 + far.lost_before


def test_an_update_without_one_value_is_left_out_and_counted():
    with stand_in(first=UPDATE) as service, opened(service.socket, 5.0) as source:
        service.tell(publish=UPDATE)
        whole = next_block(source)
        service.tell(publish=without("power", "rail", "VDD_GPU", "power"))
        assert source.read(2.0) == []
        service.tell(publish=UPDATE)
        block = next_block(source)
    assert (block.first_index, block.lost_before) == (whole.first_index + 2, 1)


def test_a_value_that_stays_away_ends_the_source():
    with stand_in(first=UPDATE) as service, opened(service.socket, 5.0) as source:
        for _ in range(2):
            service.tell(publish=without("temperature", "tj"))
            assert source.read(2.0) == []
        service.tell(publish=without("temperature", "tj"))
        assert "no longer sends jtop the value of tj temperature" in lost(source, 10)


def test_a_service_that_says_nothing_new_is_lost(monkeypatch):
    monkeypatch.setattr(jtop, "STALE_S", 0.5)
    with stand_in(first=UPDATE) as service, opened(service.socket) as source:
        sentence = lost(source)
    assert sentence == (
        "The jtop service has sent jtop nothing new for 0.5 s: restart it with `sudo systemctl restart jtop`."
    )


def test_a_stand_in_that_dies_is_lost():
    with stand_in(first=UPDATE) as service, opened(service.socket) as source:
        service.kill()
        assert "ended while jtop listened" in lost(source)


def test_values_from_before_the_connection_are_not_taken(monkeypatch):
    monkeypatch.setattr(jtop, "STALE_S", 0.5)
    with stand_in() as service:
        service.tell(publish=UPDATE, age_s=100.0)
        source = JtopSource("jtop", 0.1, socket=service.socket)
        with pytest.raises(HandshakeError, match="has not answered"):
            source.open()


# What an update means


def names(update) -> set[str]:
    return set(decode(update).values)


def child_update(**changes) -> dict:
    """As the child passes it on."""
    update = copy.deepcopy(UPDATE)
    update["memory"] = update.pop("mem")
    update["cpu"] = update["cpu"]["cpu"]
    return {**update, **changes}


def rails(**watts: float) -> dict:
    return {"rail": {name: {"power": round(1000 * power)} for name, power in watts.items()}}


def test_a_sum_is_the_total_only_where_no_rail_feeds_another():
    xavier = rails(GPU=1, CPU=2, SOC=1, CV=0.5, VDDRQ=0.5, SYS5V=3)
    total = {"tot": {"power": 8000, "avg": 8000}}
    readings = decode({"power": xavier | total})
    assert (readings.total, readings.sums_twice) == ("tot", False)
    assert readings.values["tot"] == (Quantity.POWER, 8.0)
    unknown = rails(VDD_GPU_SOC=5, VIN_SYS_5V0=6, VDDQ_VDD2_1V8AO=1)
    readings = decode({"power": unknown | total})
    assert (readings.total, readings.sums_twice) == (None, True)


def test_the_total_of_an_agx_orin_is_that_of_its_rails():
    orin = rails(VDD_GPU_SOC=5, VDD_CPU_CV=2, VIN_SYS_5V0=6, VDDQ_VDD2_1V8AO=1)
    readings = decode({"power": orin | {"tot": {"power": 14000, "avg": 14000}}})
    assert (readings.total, readings.sums_twice) == ("total", True)
    assert readings.values["total"] == (Quantity.POWER, 13.0)
    assert readings.values["tot"] == (Quantity.POWER, 14.0)
    assert load_board("jetson-agx-orin").total == MODULE_RAILS
    orin["rail"]["VDD_CPU_CV"] = {"volt": 5000}
    assert decode({"power": orin}).total is None


def test_the_source_of_an_agx_orin_has_a_total_without_a_profile():
    orin = rails(VDD_GPU_SOC=5, VDD_CPU_CV=2, VIN_SYS_5V0=6, VDDQ_VDD2_1V8AO=1)
    first = {**UPDATE, "power": orin | {"tot": {"power": 14000, "avg": 14000}}}
    with stand_in(first=first) as service:
        source = JtopSource("jtop", 0.1, python=sys.executable, socket=service.socket)
        try:
            source.open()
            info = source.info
        finally:
            source.close()
    [total] = [signal for signal in info.signals if signal.role is Role.TOTAL]
    assert (total.name, total.accuracy) == ("total", pytest.approx(0.015))
    assert "The total of the module is the sum of VDD_GPU_SOC, VDD_CPU_CV, VIN_SYS_5V0." in info.notes


def test_a_board_without_power_sensors_has_no_power():
    assert {quantity for quantity, _ in decode(child_update(power={})).values.values()} == {
        Quantity.LEVEL,
        Quantity.FREQUENCY,
        Quantity.TEMPERATURE,
    }


def test_sensors_that_are_off_have_no_value():
    on = {"temp": 40.0, "online": True}
    assert "cpu temperature" in names({"temperature": {"cpu": on, "gpu": on}})
    assert "gpu temperature" in names({"temperature": {"cpu": on, "gpu": on}})
    off = {"temp": -256, "online": False}
    assert names({"temperature": {"cpu": on, "gpu": on, "cv0": off}}) == {"cpu temperature"}
    assert names({"temperature": {"cpu": on, "gpu": off, "cv0": on}}) == {"cpu temperature"}


@pytest.mark.parametrize(
    ("frequency", "control", "hertz"),
    [(306_000, None, 306e6), (0, "auto", 0.0), (1575, "nvml", 1575e6), (1_575_000, "nvml", 1575e6), (0, "nvml", None)],
)
def test_the_gpus_clock_is_in_hertz_whatever_it_comes_in(frequency, control, hertz):
    told = decode({"gpu": {"Thor": {"freq": {"cur": frequency}, "power_control": control}}}).values
    assert told.get("Thor frequency") == (None if hertz is None else (Quantity.FREQUENCY, hertz))


def test_cores_that_are_off_do_not_count():
    cores = [
        {"online": True, "user": 50.0, "nice": 0.0, "system": 10.0, "idle": 40.0, "freq": {"cur": 1_000_000}},
        {"online": True, "user": 0.0, "nice": 20.0, "system": 0.0, "idle": 80.0, "freq": {"cur": 2_000_000}},
        {"online": False},
    ]
    told = decode({"cpu": cores}).values
    assert told["cpu load"][1] == pytest.approx(0.4)
    assert told["cpu frequency"] == (Quantity.FREQUENCY, 2e9)


def test_fans_and_memory():
    told = decode({"fan": {"pwmfan": {"speed": [50.0, 20.0], "rpm": [1800]}}, **child_update()}).values
    assert told["RAM used"] == (Quantity.LEVEL, 0.25)
    told = decode({"fan": {"pwmfan": {"speed": [50.0, 20.0], "rpm": [1800]}}}).values
    assert told == {
        "pwmfan 0 duty": (Quantity.LEVEL, 0.5),
        "pwmfan 1 duty": (Quantity.LEVEL, pytest.approx(0.2)),
        "pwmfan 0 rotation": (Quantity.FREQUENCY, pytest.approx(30.0)),
    }


@given(st.sets(st.sampled_from(sorted(child_update()))), st.floats() | st.none() | st.text())
def test_what_is_missing_or_no_number_changes_nothing_else(missing, odd):
    whole = decode(child_update()).values
    update = {key: value for key, value in child_update().items() if key not in missing}
    if "power" in update:
        update["power"]["rail"]["VDD_GPU"]["power"] = odd
    told = decode(update).values
    assert all(math.isfinite(value) for _, value in told.values())
    assert all(told[name] == whole[name] for name in told.keys() - {"VDD_GPU"})
    assert ("VDD_GPU" in told) == ("power" not in missing and isinstance(odd, float) and math.isfinite(odd))


# The child


def test_the_child_runs_on_an_old_python_and_needs_nothing_of_ours():
    tree = ast.parse(CHILD.read_text(), feature_version=(3, 6))
    imports = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imports <= sys.stdlib_module_names
    # 3.6 has no annotations of the future; those that it would evaluate are strings.
    assert "__future__" not in imports


def test_the_child_runs_no_other_program(tmp_path):
    """jetson-stats would run several to list libraries, one of them on the GPU that is being measured."""
    for program in ("dpkg", "which", "opencv_version", "nvcc"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/{program}.ran\n")
        (tmp_path / program).chmod(0o755)
    python = wrapper(tmp_path, sys.executable, PATH=f"{tmp_path}:{os.environ['PATH']}")
    with stand_in(first=UPDATE) as service, opened(service.socket, 5.0, python=python) as source:
        service.tell(publish=UPDATE)
        next_block(source)
    assert not list(tmp_path.glob("*.ran"))


def test_the_child_ends_with_its_parent():
    with stand_in(first=UPDATE) as service:
        child = subprocess.Popen(
            [sys.executable, str(CHILD), service.socket, "0.1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdout.readline()
        child.stdin.close()
        assert child.wait(60) == 0
        child.stdout.close()


def test_a_child_that_hears_nothing_is_killed(tmp_path):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); signal.pause()"
    python = wrapper(tmp_path, sys.executable, "-c", deaf.replace("{}", '{"deaf": {}}'))
    process = JtopProcess(places.Here().start(python, ["", "1.0"]))
    assert process.receive(10) == [("deaf", {})]
    process.close()
    process.close()
    assert process._child.exit_code == -signal.SIGKILL
