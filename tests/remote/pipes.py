# SPDX-License-Identifier: Apache-2.0
"""Ways between ssh and sshd, as programs of their own.

    pipes.py delay PORT UP_MS UP_JITTER_MS DOWN_MS DOWN_JITTER_MS [LATE LATE_MS]
                                      a ProxyCommand that holds each block back, a fraction LATE by up to LATE_MS more
    pipes.py relay PORT                                               a relay on a port of its own, which it prints
    pipes.py ssh ... COMMAND                                          instead of ssh: runs the command here
    pipes.py talk BYTES_PER_S                                         writes lines, as a child of the agent

A relay that is stopped (SIGSTOP) is a cable that is pulled: both ends stay connected and hear nothing.
"""

from __future__ import annotations

import os
import queue
import random
import socket
import sys
import threading
import time


def carry(
    source: int, sink: int, ms: float = 0.0, jitter_ms: float = 0.0, late: float = 0.0, late_ms: float = 0.0
) -> None:
    """Blocks of bytes in their order, each held back for a while, until there are no more."""
    waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()

    def write() -> None:
        while True:
            due_s, block = waiting.get()
            time.sleep(max(0.0, due_s - time.monotonic()))
            if not block:
                os._exit(0)
            while block:
                try:
                    block = block[os.write(sink, block) :]
                except OSError:
                    os._exit(0)

    threading.Thread(target=write, daemon=True).start()
    block = b"x"
    while block:
        try:
            block = os.read(source, 65536)
        except OSError:
            block = b""
        held_ms = ms + random.uniform(-jitter_ms, jitter_ms)
        if random.random() < late:
            held_ms += random.uniform(0.0, late_ms)
        waiting.put((time.monotonic() + held_ms / 1e3, block))
    threading.Event().wait()


def connected(port: int) -> socket.socket:
    there = socket.create_connection(("127.0.0.1", port))
    there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return there


def delay(port: int, up_ms: float, up_jitter_ms: float, down_ms: float, down_jitter_ms: float, *late: float) -> None:
    there = connected(port).detach()
    threading.Thread(target=carry, args=(there, 1, down_ms, down_jitter_ms, *late), daemon=True).start()
    carry(0, there, up_ms, up_jitter_ms, *late)


def talk(bytes_per_s: float) -> None:
    line, began_s, said = "x" * 999 + "\n", time.monotonic(), 0
    while True:
        while said * 1000 < (time.monotonic() - began_s) * bytes_per_s:
            sys.stdout.write(line)
            said += 1
        sys.stdout.flush()
        time.sleep(0.02)


def relay(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)  # noqa: T201
        while True:
            here, _ = server.accept()
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if os.fork():
                here.close()
                continue
            server.close()
            there = connected(port).detach()
            threading.Thread(target=carry, args=(there, here.fileno()), daemon=True).start()
            carry(here.fileno(), there)


if __name__ == "__main__":
    if sys.argv[1] == "delay":
        delay(int(sys.argv[2]), *map(float, sys.argv[3:]))
    elif sys.argv[1] == "relay":
        relay(int(sys.argv[2]))
    elif sys.argv[1] == "talk":
        talk(float(sys.argv[2]))
    else:
        os.execv("/bin/sh", ["sh", "-c", sys.argv[-1]])
