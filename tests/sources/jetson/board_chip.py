# SPDX-License-Identifier: Apache-2.0
"""A power monitor chip on a board elsewhere: source that replaces how the agent there reads its files.

A value is the number of its conversion since `Chip.base_ns`, which tells when it held. It knows nothing of sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.core.samples import SampleBlock

_SOURCE = """
import threading

CYCLE_NS, BASE_NS, WAITS, FAULT = {cycle_ns}, {base_ns}, {waits}, {fault!r}
taken, turn = [-1], threading.Lock()


def conversion():
    return (time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - BASE_NS) // CYCLE_NS - 1


def read(descriptor, size):
    name = os.path.basename(os.readlink("/proc/self/fd/%d" % descriptor))
    if not name.endswith("_input") and not name.startswith("ui_input"):
        return os.pread(descriptor, size, 0)
    if os.path.exists(FAULT):
        with open(FAULT) as file:
            number, only = file.read().split()
        if name in only.split(","):
            raise OSError(int(number), os.strerror(int(number)))
    with turn:
        done = conversion()
        while WAITS and done == taken[0]:
            time.sleep(0.0002)
            done = conversion()
        taken[0] = done
    return (b"%d %d\\n" if name.startswith("ui_input") else b"%d\\n") % ((done,) * (1 + name.startswith("ui_input")))
"""


@dataclass(frozen=True)
class Chip:
    """One whose conversions take ``cycle_ns``; the board's clock is ahead of ours."""

    folder: Path
    cycle_ns: int
    waits: bool
    ahead_ns: int = 0
    base_ns: int = field(default_factory=host_time_ns)
    """Host time at which the first conversion began."""

    @property
    def source(self) -> str:
        """What `FakeBoard.payload` is to be given as ``more``."""
        return _SOURCE.format(
            cycle_ns=self.cycle_ns, base_ns=self.base_ns + self.ahead_ns, waits=self.waits, fault=str(self._fault)
        )

    def fail(self, number: int, *names: str) -> None:
        """Reads of these files fail from now on; of none without names."""
        self._fault.unlink(missing_ok=True)
        if names:
            written = self._fault.with_suffix(".new")
            written.write_text(f"{number} {','.join(names)}")
            written.rename(self._fault)

    def check(self, blocks: Sequence[SampleBlock], bound_ns: int) -> int:
        """Every value held within the bounds around its time. The number of values."""
        count = 0
        for block in blocks:
            assert block.times_ns is not None
            within_ns = bound_ns + block.times_bound_ns
            for codes in block.codes:
                for time_ns, value in zip(block.times_ns.tolist(), codes.tolist(), strict=True):
                    start_ns = self.base_ns + round(value * 1e3) * self.cycle_ns
                    assert start_ns + self.cycle_ns >= time_ns - within_ns
                    assert start_ns <= time_ns + within_ns
                    count += 1
        return count

    @property
    def _fault(self) -> Path:
        return self.folder / "fault"
