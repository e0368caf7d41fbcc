# SPDX-License-Identifier: Apache-2.0
"""Marks from inside a program that `monitor-app run` measures: what it does from when to when.

    from monitor_marks import mark, span

    with span("inference", images=8):
        model(batch)
    mark("frame dropped")

One file, Python 3.6 and later, the standard library alone. Without `monitor-app run` nothing happens. A mark never
waits and never raises; the time is read here (CLOCK_MONOTONIC_RAW), so how late the message about it comes changes
nothing. What runs on a GPU has to be waited for before a span ends, as before any other stopwatch.

Each mark is a record of a datagram to the Unix socket that MONITOR_APP_MARKS names, little-endian:

    datagram   "PLMM", version u16 = 1, records u16, process u32, lost u32, sender u64, records
    record     number u64, start_ns i64, end_ns i64, images u32, kind u8, bytes of the name u8, name (UTF-8)

Kind 1 is a span, 0 a moment (its end is its start), 2 the end of the sender: its number is how many marks there were.
A sender numbers its marks from 0, so that the receiver knows how many are missing. Where the socket takes no more, up
to 1024 marks wait for the next one; those that find no place are counted in `lost`.

On a simulated board MONITOR_APP_LOAD names sockets (separated by colons) that are told when it is busy: while a span
is open. On a real board the work itself does that.
"""

import atexit
import os
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from functools import wraps
from itertools import count

try:
    import fcntl
    import resource
except ImportError:  # not a Unix: there is no bench either
    fcntl = resource = None  # type: ignore

__all__ = ["mark", "span", "listening"]

SOCKET, LOAD = "MONITOR_APP_MARKS", "MONITOR_APP_LOAD"
MOMENT, SPAN, END = 0, 1, 2
LONGEST_NAME = 120
"""Bytes; more are cut off."""
MOST_WAITING = 1024
MOST_BYTES = 16384
"""Of a datagram."""
AGAIN_NS = 1000000
"""After it took no more the socket is left alone for so long: each try costs more than a mark."""
LAST_TRY_S = 1.0
"""For so long at the very end of the program, and only there, the socket is waited for."""
_HEADER = struct.Struct("<4sHHIIQ")
_RECORD = struct.Struct("<QqqIBB")
_BOTH = struct.Struct("<4sHHIIQQqqIBB")
_LOAD = struct.Struct("<qB")
_MOST = 2**32 - 1
_getpid = os.getpid

if hasattr(time, "clock_gettime_ns"):
    _clock, _RAW = time.clock_gettime_ns, getattr(time, "CLOCK_MONOTONIC_RAW", 4)

    def now_ns(_clock=_clock, _raw=_RAW):
        """The clock that the bench reads, in nanoseconds."""
        return _clock(_raw)

else:  # Python 3.6

    def now_ns():
        """The clock that the bench reads, in nanoseconds, to 0.1 us in the first ten days after a boot."""
        return int(time.clock_gettime(time.CLOCK_MONOTONIC_RAW) * 1e9)


def listening():
    """Whether a bench listens to this process."""
    return _path is not None


class span:  # noqa: N801 - written like `open`
    """Work from the start to the end of a `with`, or of each call of a function that this decorates.

    Args:
        name: what it is called in all results; 120 bytes at most, and few different ones.
        images: how many images (or frames, tokens, requests) it is for, where that is to be divided by.
    """

    __slots__ = ("images", "name", "start_ns")

    def __init__(self, name, images=0):
        self.name, self.images = name, images

    def __enter__(self):
        if _path is not None:
            if _load_paths:
                _busy(1)
            self.start_ns = now_ns()
        return self

    def __exit__(self, *_):
        if _path is not None:
            end_ns = now_ns()
            if _load_paths:
                _busy(-1)
            _send(SPAN, self.name, self.start_ns, end_ns, self.images)

    def __call__(self, function):
        @wraps(function)
        def spanned(*arguments, **options):
            with span(self.name, self.images):
                return function(*arguments, **options)

        return spanned


def mark(name, host_ns=None):
    """Something worth seeing on the time axis, now, or at a time of `now_ns`."""
    if _path is not None:
        at_ns = now_ns() if host_ns is None else host_ns
        _send(MOMENT, name, at_ns, at_ns, 0)


# -- sending -------------------------------------------------------------------------------------------

_path = os.environ.get(SOCKET) or None
_load_paths = [each for each in os.environ.get(LOAD, "").split(":") if each] if _path else []
_depth = 0


class _Sender:
    """Of one process; a child that it forks gets its own, with its own numbers and its own socket."""

    def __init__(self, pid):
        self.pid = pid
        self.id = struct.unpack("<Q", os.urandom(8))[0]
        self.numbers = count()
        self.waiting = deque()
        self.lost = 0
        self.full_ns = 0
        """When the socket last took no more."""
        self.socket = _high_socket()
        self.connected = False

    def post(self, kind, name, start_ns, end_ns, images):
        """Send it, or have it wait. Never raises OSError, never waits."""
        number = next(self.numbers)
        if self.waiting and (now_ns() - self.full_ns < AGAIN_NS or not self.flush()):
            if len(self.waiting) < MOST_WAITING:
                self.waiting.append(_RECORD.pack(number, start_ns, end_ns, images, kind, len(name)) + name)
            else:
                self.lost = (self.lost + 1) % _MOST
            return
        whole = _BOTH.pack(
            b"PLMM", 1, 1, self.pid, self.lost, self.id, number, start_ns, end_ns, images, kind, len(name)
        )
        if not self.put(whole + name):
            self.full_ns = now_ns()
            self.waiting.append(whole[_HEADER.size :] + name)

    def flush(self):
        """Send what waits, many in one datagram; whether none is left."""
        # Each step of a deque is atomic, so threads may do this at once; the numbers tell the order.
        while self.waiting:
            records, size = [], _HEADER.size
            try:
                while size < MOST_BYTES:
                    records.append(self.waiting.popleft())
                    size += len(records[-1])
            except IndexError:
                pass
            header = _HEADER.pack(b"PLMM", 1, len(records), self.pid, self.lost, self.id)
            if records and not self.put(header + b"".join(records)):
                self.waiting.extendleft(reversed(records))
                self.full_ns = now_ns()
                return False
        return True

    def put(self, data):
        """Whether the socket took it."""
        try:
            if not self.connected:
                self.socket.connect(_path)
                self.connected = True
            self.socket.send(data)
            return True
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            return self.again(data, error)

    def again(self, data, error):
        """Once more where the program has closed our socket; nothing any more where nobody listens."""
        global _path
        import errno

        if error.errno in (errno.EBADF, errno.ENOTSOCK, errno.EDESTADDRREQ, errno.EPROTOTYPE, errno.EOPNOTSUPP):
            try:
                self.socket.detach()  # the number is another's now: not ours to close
                self.socket, self.connected = _high_socket(), False
                self.socket.connect(_path)
                self.connected = True
                self.socket.send(data)
                return True
            except OSError:
                return False
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT, errno.ECONNRESET, errno.ENOTCONN):
            _path = None  # the bench has gone
        return False

    def end(self):
        """The number of marks, so that the last ones are missed too where they could not be sent."""
        total = next(self.numbers)
        if total and _path is not None:
            self.waiting.append(_RECORD.pack(total, 0, 0, 0, END, 0))
            until = time.time() + LAST_TRY_S
            while not self.flush() and _path is not None and time.time() < until:
                time.sleep(0.001)


def _high_socket():
    """Under a high number, which a program that closes all it finds and opens other things does not give again."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        least = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0] * 3 // 4, 65536)
        high = fcntl.fcntl(made.fileno(), getattr(fcntl, "F_DUPFD_CLOEXEC", 1030), least)
    except (OSError, ValueError, AttributeError):
        return made
    made.close()
    moved = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0, high)
    moved.setblocking(False)
    return moved


_sender = None
_senders = {}
_asks = not hasattr(os, "register_at_fork")
"""Python 3.6 does not tell a child that it is one."""


def _forget():
    """In a child: the sender is the parent's."""
    global _sender, _load_socket, _depth
    _sender, _load_socket, _depth = None, None, 0


if not _asks:
    os.register_at_fork(after_in_child=_forget)


def _send(kind, name, start_ns, end_ns, images):
    global _sender, _path
    try:
        sender = _sender
        if sender is None or (_asks and sender.pid != _getpid()):
            # Threads may come here at once: one sender is kept, and nothing has been sent by the others.
            sender = _sender = _senders.setdefault(_getpid(), _Sender(_getpid()))
        encoded = name.encode("utf-8", "replace")
        if len(encoded) > LONGEST_NAME:
            encoded = encoded[:LONGEST_NAME].decode("utf-8", "ignore").encode("utf-8")
        if not 0 <= images <= _MOST:
            images = 0
        sender.post(kind, encoded, start_ns, end_ns, images)
    except (OSError, struct.error, TypeError, AttributeError):  # no descriptor left, or no text for a name
        if sender is not None:
            sender.lost += 1


@atexit.register
def _end():
    if _sender is not None and _sender.pid == _getpid():
        _sender.end()


_load_socket = None


def _busy(step):
    """A simulated board becomes busy with the first span that is open, and idle with the last."""
    global _depth, _load_socket
    _depth += step
    if (step > 0 and _depth == 1) or (step < 0 and _depth == 0):
        if _load_socket is None:
            _load_socket = _high_socket()
        message = _LOAD.pack(now_ns(), _depth > 0)
        for path in _load_paths:
            with suppress(OSError):
                _load_socket.sendto(message, path)
