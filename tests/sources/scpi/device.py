# SPDX-License-Identifier: Apache-2.0
"""The far end of a conversation in lines, over a network socket or a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import threading
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ScpiDevice:
    """Answers each line with what ``answer`` returns; None is no answer. A context: enter gives the resource's name."""

    def __init__(self, answer: Callable[[bytes], bytes | None], *, network: bool = True) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self._network = network
        self._stop_r, self._stop_w = os.pipe()

    def __enter__(self) -> str:
        if self._network:
            self._listener = socket.create_server(("127.0.0.1", 0))
            target, resource = self._serve_network, f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        else:
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            self.port = os.ttyname(self._slave)
            target, resource = self._serve_terminal, f"ASRL{self.port}::INSTR"
        self._thread = threading.Thread(target=target)
        self._thread.start()
        return resource

    def __exit__(self, *_: object) -> None:
        self.unplug()
        os.close(self._stop_r)
        os.close(self._stop_w)

    def unplug(self) -> None:
        """End it; the other side notices."""
        if self._thread.is_alive():
            os.write(self._stop_w, b"x")
        self._thread.join()
        if self._network:
            self._listener.close()
        elif self._master >= 0:
            os.close(self._master)
            os.close(self._slave)
            self._master = -1

    def _serve_network(self) -> None:
        while self._ready(self._listener.fileno()):
            connection, _ = self._listener.accept()
            with connection:
                self._serve(connection.fileno())

    def _serve_terminal(self) -> None:
        self._serve(self._master)

    def _serve(self, descriptor: int) -> None:
        rest = b""
        while self._ready(descriptor):
            with contextlib.suppress(OSError):
                data = os.read(descriptor, 65_536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.heard.append(line)
                    rest_of_answer = self.answer(line) or b""
                    while rest_of_answer:
                        rest_of_answer = rest_of_answer[os.write(descriptor, rest_of_answer) :]

    def _ready(self, descriptor: int) -> bool:
        """Wait for data; False when there is no more and it is to stop."""
        ready, _, _ = select.select([descriptor, self._stop_r], [], [])
        return descriptor in ready
