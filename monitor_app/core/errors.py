# SPDX-License-Identifier: Apache-2.0
"""The errors that are shown to the user.

Each carries one sentence that says what happened and what to do; the sentence is shown unchanged.
The traceback goes to the log, never to the user.

    MonitorError
    ├── ProfileError            a profile that cannot be used: file, key, line, what is allowed
    ├── SourceError             an instrument that cannot be used
    │   ├── PortError           its port is missing, busy, or needs a permission
    │   ├── HandshakeError      something answers, but not the device that was asked for
    │   └── SourceLostError     it was connected and is gone: unplugged, reset, silent
    ├── InferenceError          a network cannot be loaded or run
    │   ├── NotEnoughMemoryError
    │   └── ChildDiedError      the inference process ended without being asked to
    ├── ProgramError            a program of the user's own cannot be measured
    ├── SessionError            a session file that cannot be read or written
    │   ├── NotASessionError
    │   │   └── DamagedSessionError
    │   ├── NewerSessionError
    │   ├── DiskFullError
    │   └── SessionMovedError   its file was renamed or deleted while it was written
    ├── BoardError              a board that cannot be used over ssh, or that refuses what it is asked for
    │   ├── BoardUnreachableError   ssh cannot log in there, or the agent cannot be started
    │   ├── BoardBusyError          another bench holds it
    │   └── BoardLostError          the link to it was there and is gone: cable, reboot, a process killed
    ├── BenchError              the bench process did not start, or ended
    └── ExportError             an export that cannot be written
"""

from __future__ import annotations

import shlex


class MonitorError(Exception):
    """Base of every error that reaches a user as one sentence."""


class ProfileError(MonitorError):
    """A profile that cannot be used."""


class SourceError(MonitorError):
    """An instrument that cannot be used."""


class PortError(SourceError):
    """A port that does not exist, is busy, or needs a permission."""


class HandshakeError(SourceError):
    """Something answers on the port, but not the device that was asked for."""


class SourceLostError(SourceError):
    """The instrument was connected and is gone: unplugged, reset, or silent."""


class InferenceError(MonitorError):
    """A network that cannot be loaded or run."""


class NotEnoughMemoryError(InferenceError):
    """The network at this batch size does not fit in memory."""


class ChildDiedError(InferenceError):
    """The inference process ended without being asked to."""


class ProgramError(MonitorError):
    """A program of the user's own cannot be measured."""


class SessionError(MonitorError):
    """A session file that cannot be read or written."""


class NotASessionError(SessionError):
    """The file is not a session of this program, or is damaged beyond reading."""


class DamagedSessionError(NotASessionError):
    """A part of the session cannot be read, or holds what cannot be; the rest can be saved."""

    def __init__(self, path: object, detail: object) -> None:
        said = " ".join(str(detail).split()).rstrip(".")[:200]
        super().__init__(
            f"{path} is damaged ({said}): `monitor-app repair {shlex.quote(str(path))} -o COPY` saves what can be read."
        )


class NewerSessionError(SessionError):
    """The file was written by a newer version than this one can read."""


class DiskFullError(SessionError):
    """The recording stopped because the disk is full; the file is complete up to then."""


class SessionMovedError(SessionError):
    """The recording stopped because its file was renamed or deleted; the sentence says where the samples are."""


class BoardError(MonitorError):
    """A board that cannot be used, or that cannot do what it is asked for; in the latter case the link lives on."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno
        """Number of the system's error on the board, where one was the reason."""


class BoardUnreachableError(BoardError):
    """ssh cannot log in on the board, or the agent cannot be started there."""


class BoardBusyError(BoardError):
    """Another bench holds the board."""


class BoardLostError(BoardError):
    """The link to the board has ended without being asked to."""


class BenchError(MonitorError):
    """The bench process did not start, or ended without being asked to."""


class ExportError(MonitorError):
    """An export that cannot be written."""


def first_line(error: Exception) -> str:
    """The type and the first line of an exception, for a sentence."""
    text = str(error).strip().partition("\n")[0].rstrip(".")[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
