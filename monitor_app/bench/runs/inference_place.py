# SPDX-License-Identifier: Apache-2.0
"""Where the inference child runs: what differs by that, and this machine. `inference_on_board` is the other one."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.inference.back_ends.choice import require_back_end
from monitor_app.inference.process import InferenceChild

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.core.errors import BoardError
    from monitor_app.inference import messages
    from monitor_app.inference.process import ChildKind

GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
VMSTAT = Path("/proc/vmstat")


class Place(Protocol):
    """Starts inference children, at most one at a time."""

    def require(self, kind: ChildKind) -> None:
        """Return where such a child can run, as far as is seen without a process. Raises InferenceError."""

    def start(self, kind: ChildKind) -> InferenceChild:
        """Raises OSError, InferenceError, BoardError."""

    def here(self, event: messages.Event) -> messages.Event | None:
        """An event with host times; None where it was for this place."""

    def expect(self) -> None:
        """A command follows: what ends the child from now on is its doing."""

    def out_of_memory(self, child: InferenceChild) -> bool:
        """The system has ended the child because memory ran out, since `expect`."""

    def lost(self) -> BoardError | None:
        """Why the child is out of reach, where it may live."""

    def end(self) -> None:
        """The child has been ended, perhaps in the middle of a pass."""


class Here:
    """Networks run beside the bench.

    Args:
        load_signals: sockets of simulated instruments, which show the load of the network.
    """

    def __init__(self, load_signals: Sequence[Path] = ()) -> None:
        self._load_signals = tuple(load_signals)
        self._oom_kills = 0

    def require(self, kind: ChildKind) -> None:
        if kind.program == "inference":
            require_back_end(kind.back_end)

    def start(self, kind: ChildKind) -> InferenceChild:
        return InferenceChild(self._load_signals, kind.command, kind.environment)

    def here(self, event: messages.Event) -> messages.Event | None:
        return event

    def expect(self) -> None:
        self._oom_kills = oom_kills()

    def out_of_memory(self, child: InferenceChild) -> bool:
        # The count is that of several processes: another one may have been killed while this one crashed.
        return child.exit_code == -signal.SIGKILL and oom_kills() > self._oom_kills

    def lost(self) -> BoardError | None:
        return None

    def end(self) -> None:
        go_dark(self._load_signals)


def go_dark(load_signals: Sequence[Path]) -> None:
    """No network runs any more, also where a child was ended in the middle of a pass."""
    if load_signals:
        load_signal = LoadSignal(*load_signals)
        load_signal.set(False, host_time_ns())
        load_signal.close()


def oom_kills() -> int:
    """How many processes the kernel has killed so far because memory ran out; 0 where it does not report it.

    Those of our own control group (v2), which its children share; where that does not count them, those of the machine.
    """
    own = _counter(_own_group() / "memory.events")
    return own if own is not None else _counter(VMSTAT) or 0


def _own_group() -> Path:
    """The folder of the control group that this process is in."""
    try:
        lines = OWN_GROUP.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return GROUPS
    return GROUPS / next((line[len("0::") :].lstrip("/") for line in lines if line.startswith("0::")), "")


def _counter(file: Path) -> int | None:
    """The line `oom_kill N` of a file of the kernel; None where there is none."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
    except (OSError, ValueError, IndexError):
        return None
