# SPDX-License-Identifier: Apache-2.0
"""An emulated instrument on the network: a TCP port of this machine, one client at a time."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from monitor_app.core.errors import PortError
from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from monitor_app.emulators.board.load_signal import LoadSignalReceiver
    from monitor_app.emulators.runtime.loop import StopSignals
    from monitor_app.emulators.runtime.send_queue import SendQueue
    from monitor_app.emulators.scpi.device import ScpiDevice
    from monitor_app.emulators.scpi.oscilloscope import Probe

_HOST = "127.0.0.1"
_CHUNK = 65_536


class SocketLine:
    """Listens; a client that connects while another is served waits until that one is gone.

    Args:
        port: 1 to 65535, or 0 for any that is free.

    Raises:
        PortError: the port is not available.
    """

    def __init__(self, port: int = 0) -> None:
        self.client: socket.socket | None = None
        try:
            self.listener = socket.create_server((_HOST, port), backlog=1)
        except OSError as error:
            raise PortError(
                f"TCP port {port} cannot be used ({error.strerror}); choose another with --tcp-port."
            ) from error
        self.listener.setblocking(False)

    @property
    def resource(self) -> str:
        """What VISA calls it."""
        return f"TCPIP::{_HOST}::{self.listener.getsockname()[1]}::SOCKET"

    def accept(self) -> None:
        """Accept a waiting host, if none is being served."""
        with suppress(BlockingIOError, ConnectionError):
            self.client, _ = self.listener.accept()
            self.client.setblocking(False)
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes | None:
        """What the client has sent, empty if nothing; None when it is gone."""
        if self.client is None:
            return b""
        with suppress(BlockingIOError):
            try:
                return self.client.recv(_CHUNK) or None
            except ConnectionError:
                return None
        return b""

    def write(self, data: bytes) -> int:
        """Hand over as much as the client takes now, and say how much that is; without a client all is lost."""
        if self.client is None:
            return len(data)
        try:
            return self.client.send(data)
        except BlockingIOError:
            return 0
        except ConnectionError:
            return len(data)

    def hang_up(self) -> None:
        """Close the connection to the client."""
        if self.client is not None:
            self.client.close()
            self.client = None

    def close(self) -> None:
        """Close everything; twice is fine."""
        self.hang_up()
        self.listener.close()


def serve_socket(
    device: ScpiDevice,
    queue: SendQueue,
    line: SocketLine,
    probe: Probe,
    load_signal: LoadSignalReceiver | None,
    stop: StopSignals,
) -> None:
    """Run the device on the network until it has to stop."""
    with selectors.PollSelector() as selector:
        stop.watch(selector)
        if load_signal is not None:
            selector.register(load_signal, selectors.EVENT_READ)
        while True:
            watched: socket.socket = line.client or line.listener
            wants_room = selectors.EVENT_WRITE if queue and line.client else 0
            selector.register(watched, selectors.EVENT_READ | wants_room)
            ready = {key.fd for key, _ in selector.select(_timeout_s(device))}
            selector.unregister(watched)
            stop.look(ready)
            if stop.stopped:
                return
            if load_signal is not None and load_signal.fileno() in ready:
                probe.change(load_signal.read())
            if watched.fileno() in ready:
                _attend(device, queue, line)
            device.tick(host_time_ns())
            queue.flush(line.write)


def _attend(device: ScpiDevice, queue: SendQueue, line: SocketLine) -> None:
    if line.client is None:
        line.accept()
        return
    chunk = line.read()
    if chunk is None:
        # Settings stay; what the last client asked for is not for the next one.
        line.hang_up()
        device.forget()
        queue.clear()
    elif chunk:
        device.receive(chunk, host_time_ns())


def _timeout_s(device: ScpiDevice) -> float | None:
    due_ns = device.due_ns()
    return None if due_ns is None else max(0.0, (due_ns - host_time_ns()) * 1e-9)
