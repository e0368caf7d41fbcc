# SPDX-License-Identifier: Apache-2.0
"""The pseudo-terminal as a serial port."""

from __future__ import annotations

import os

import pytest

from monitor_app.core.errors import PortError
from monitor_app.emulators.runtime.pty import PtyLink


@pytest.fixture
def link():
    pty = PtyLink()
    yield pty
    pty.close()


def open_port(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_NOCTTY)


def read_exactly(fd: int, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += os.read(fd, size - len(got))
    return got


def test_every_byte_passes_unchanged_both_ways(link):
    every = bytes(range(256))
    port = open_port(link.path)
    try:
        assert link.write(every) == 256
        assert read_exactly(port, 256) == every
        os.write(port, every)
        got = b""
        while len(got) < 256:
            got += link.read()
        assert got == every
    finally:
        os.close(port)


def test_a_host_may_come_go_and_come_again(link):
    assert link.read() == b""
    for _ in range(3):
        os.close(open_port(link.path))
        assert link.read() == b""
    assert link.write(b"still there") == 11


def test_a_line_that_nobody_reads_takes_no_more_in_the_end(link):
    taken = 0
    while size := link.write(bytes(4_096)):
        taken += size
        assert taken < 10_000_000
    assert taken > 0


def test_the_link_leads_to_the_port_and_is_removed(tmp_path):
    place = tmp_path / "port"
    place.symlink_to("/nowhere")
    pty = PtyLink(place)
    assert os.readlink(place) == pty.path
    pty.close()
    pty.close()
    assert not os.path.lexists(place)


def test_a_link_that_leads_elsewhere_by_now_is_left_alone(tmp_path):
    place = tmp_path / "port"
    pty = PtyLink(place)
    place.unlink()
    place.symlink_to("/elsewhere")
    pty.close()
    assert os.readlink(place) == "/elsewhere"


def test_a_file_in_the_way_is_told_in_a_sentence_and_left_alone(tmp_path):
    place = tmp_path / "port"
    place.write_text("mine")
    with pytest.raises(PortError, match="--link"):
        PtyLink(place)
    assert place.read_text() == "mine"
