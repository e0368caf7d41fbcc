# SPDX-License-Identifier: Apache-2.0
"""`socket://` ports are read as fast as the network delivers, through a real socket."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import SourceLostError
from monitor_app.core.samples import SampleBlock
from monitor_app.sources.lines.driver import LinesSource
from monitor_app.sources.profile_reader import parse_source
from monitor_app.sources.serial.transport import SerialTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RATE_HZ, SECONDS = 1000, 2.0


@contextmanager
def connected(serve: Callable[[socket.socket], None]) -> Iterator[SerialTransport]:
    """A transport to a server, which begins once it is open: pyserial throws away what comes while it opens."""
    opened = threading.Event()

    def serve_once_open(client: socket.socket) -> None:
        opened.wait(60)
        serve(client)

    with served(serve_once_open) as url, closing(SerialTransport(url)) as transport:
        opened.set()
        yield transport


@contextmanager
def served(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """What a server on this machine does with its one client; the port as a URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def accept() -> None:
            client, _ = server.accept()
            with client:
                serve(client)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join()


def test_one_read_takes_all_that_has_come() -> None:
    taken = threading.Event()

    def serve(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200_000)
        client.sendall(bytes(range(250)) * 400)
        taken.wait(60)

    with connected(serve) as transport:
        reads, data = 0, b""
        while len(data) < 100_000 and reads < 100:
            data += transport.read(1.0, eager=True)
            reads += 1
        taken.set()
        assert data == bytes(range(250)) * 400
        assert reads < 30


def test_the_last_bytes_before_a_server_ends_are_not_lost() -> None:
    with connected(lambda client: client.sendall(b"the end")) as transport:
        data = b""
        while len(data) < len(b"the end"):
            data += transport.read(5.0, eager=True)
        assert data == b"the end"
        with pytest.raises(SourceLostError):
            transport.read(5.0)


def test_a_meter_on_the_network_keeps_up_with_its_lines() -> None:
    """Lines that come faster than they were read two bytes at a time: none may be missing, nor late."""
    stop = threading.Event()

    def serve(client: socket.socket) -> None:
        began, k = time.monotonic(), 0
        while not stop.is_set():
            due = int((time.monotonic() - began) * RATE_HZ)
            lines = "".join(f"{k / RATE_HZ:.6f},{1000 + k % 7},5.0\r\n" for k in range(k, due))
            k = max(k, due)
            try:
                client.sendall(lines.encode())
            except OSError:
                return
            stop.wait(0.01)

    with served(serve) as url:
        spec = parse_source(
            {
                "kind": "lines", "format": "csv", "port": url, "time": {"field": 0, "scale_s": 1.0},
                "columns": [{"name": "current", "field": 1, "quantity": "A", "scale": 1e-3}],
            }
        )  # fmt: skip
        source = LinesSource("meter", url, spec)
        try:
            source.open()
            began, samples = time.monotonic(), 0
            while time.monotonic() - began < SECONDS:
                samples += sum(len(each) for each in source.read(0.05) if isinstance(each, SampleBlock))
            assert source.malformed_lines == 0
        finally:
            stop.set()
            source.close()
    # The first read gives those of the listening too.
    assert samples >= 0.95 * RATE_HZ * SECONDS
