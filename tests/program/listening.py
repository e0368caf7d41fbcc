# SPDX-License-Identifier: Apache-2.0
"""A socket as the bench has it, read here by the description in resources/marks/monitor_marks.py alone."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.files.package_data import resource_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER = resource_path("marks")


@dataclass(frozen=True)
class Received:
    """One record."""

    sender: int
    process: int
    lost: int
    number: int
    start_ns: int
    end_ns: int
    images: int
    kind: int
    name: str


def datagram(
    *records: tuple[int, int, int, int, int, bytes], sender: int = 7, lost: int = 0, count: int | None = None
) -> bytes:
    """As a program sends it: number, start, end, images, kind and name of each."""
    head = b"PLMM" + struct.pack("<HHIIQ", 1, len(records) if count is None else count, os.getpid(), lost, sender)
    return head + b"".join(struct.pack("<QqqIBB", *each[:5], len(each[5])) + each[5] for each in records)


def records_of(data: bytes) -> list[Received]:
    assert data[:4] == b"PLMM"
    version, count, process, lost, sender = struct.unpack("<HHIIQ", data[4:24])
    assert version == 1
    at, found = 24, []
    for _ in range(count):
        number, start, end, images, kind, length = struct.unpack("<QqqIBB", data[at : at + 30])
        at += 30
        found.append(Received(sender, process, lost, number, start, end, images, kind, data[at : at + length].decode()))
        at += length
    assert at == len(data)
    return found


class Socket:
    """Where marks come to."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "m")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "MONITOR_APP_MARKS": self.path, "PYTHONPATH": str(FOLDER), **more}

    def waiting(self) -> list[Received]:
        """What has come, and is in the queue now."""
        found: list[Received] = []
        while True:
            try:
                found += records_of(self.socket.recv(65536))
            except BlockingIOError:
                return found

    def run(self, command: Sequence[str], **more: str) -> list[Received]:
        """All that the program sends, while it runs and after; it must end well."""
        process = subprocess.Popen(list(command), env=self.environment(**more))
        found: list[Received] = []
        while process.poll() is None:
            found += self.waiting()
        assert process.returncode == 0
        return found + self.waiting()
