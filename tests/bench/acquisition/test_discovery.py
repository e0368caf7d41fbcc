# SPDX-License-Identifier: Apache-2.0
"""Plugs that go in and out while the bench runs, and what is asked of whom."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition import discovery as module
from monitor_app.bench.acquisition.discovery import Finder, open_files
from monitor_app.core.errors import PortError
from monitor_app.sources.serial.transport import SerialPort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.core.status import FoundSource

PPK2 = SerialPort("/dev/null", "PPK2", "F00D", True, 0x1915, 0xC00A, "1-2:1.1")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)


def test_a_plug_that_goes_in_is_shown_and_one_that_goes_out_is_not(
    quick: None, wait_until: Callable[..., None]
) -> None:
    present: list[SerialPort] = []
    finder = Finder(lambda: list(present))
    try:
        for _ in range(2):
            present.append(PPK2)
            wait_until(lambda: [found.kind for found in finder.found] == ["ppk2"])
            assert finder.found[0].spec == {"kind": "ppk2", "serial_number": "F00D"}
            present.clear()
            wait_until(lambda: finder.found == ())
    finally:
        finder.close()
        finder.close()


def test_who_is_read_by_this_session_is_not_asked(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    asked: list[frozenset[str]] = []

    def find(ports: object, *, in_use: frozenset[str], stopped: Callable[[], bool]) -> list[FoundSource]:
        asked.append(in_use)
        assert not stopped()
        return []

    monkeypatch.setattr(module, "find_sources", find)
    finder = Finder(list)
    with (tmp_path / "ttyUSB0").open("w"):
        finder.ask()
        wait_until(lambda: len(asked) == 1)
        assert str(tmp_path / "ttyUSB0") in asked[0]
        assert str(tmp_path / "ttyUSB0") in open_files()
    assert str(tmp_path / "ttyUSB0") not in open_files()
    finder.close()


def test_closing_does_not_wait_for_an_instrument_that_does_not_answer(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, answer = threading.Event(), threading.Event()
    stops: list[bool] = []

    def find(ports: object, *, in_use: frozenset[str], stopped: Callable[[], bool]) -> list[FoundSource]:
        asking.set()
        answer.wait()
        stops.append(stopped())
        return []

    monkeypatch.setattr(module, "find_sources", find)
    monkeypatch.setattr(module, "CLOSE_S", 0.0)
    finder = Finder(list)
    finder.ask()
    asking.wait()
    finder.close()
    answer.set()
    monkeypatch.setattr(module, "CLOSE_S", 10.0)
    finder.close()
    assert stops == [True]


def test_listing_what_is_open_leaves_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    open_files()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_list_of_ports_that_cannot_be_read_is_looked_at_again(quick: None, wait_until: Callable[..., None]) -> None:
    looks = 0

    def ports() -> list[SerialPort]:
        nonlocal looks
        looks += 1
        if looks < 4:
            raise PortError("The list of serial ports cannot be read now.")
        return [PPK2]

    finder = Finder(ports)
    try:
        wait_until(lambda: [found.kind for found in finder.found] == ["ppk2"])
    finally:
        finder.close()
