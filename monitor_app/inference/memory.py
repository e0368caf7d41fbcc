# SPDX-License-Identifier: Apache-2.0
"""Memory of this process: the floor before a network is loaded, and the peak since. For the child only.

Several quantities are measured, since none is complete: a set size does not include a GPU, torch's allocator does not
include what the driver holds, and the use of the whole system includes other processes.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.runs import MemoryKind

if TYPE_CHECKING:
    from monitor_app.inference.messages import MemoryRow

KIB = 1024
RESET_PEAK = "5"
"""Written to clear_refs it resets the peak of the resident set (proc_pid_clear_refs(5))."""


class DeviceMemory(Protocol):
    """The memory of a GPU, by the accounts that a back end has of it. Its context is there from the beginning."""

    @property
    def integrated(self) -> bool:
        """The GPU says that it shares the memory of the processor."""
        ...

    def forget_peaks(self) -> None:
        """From now on they are counted anew."""
        ...

    def read(self) -> dict[MemoryKind, int]:
        """Bytes, by account."""
        ...


class MemoryMeter:
    """Measures from its creation, in a process that has its back end and no network yet: that is the floor.

    Args:
        device: the memory of the GPU on which the network will run; None: it runs on the processor.
        proc: the proc file system, another one in tests.
        unified: processor and GPU share one memory, as on a Jetson; None finds out.
    """

    def __init__(
        self, device: DeviceMemory | None = None, *, proc: Path = Path("/proc"), unified: bool | None = None
    ) -> None:
        self._device = device
        self._proc = proc
        self._unified = is_unified(device) if unified is None else unified
        # The peak of importing the back end is not part of the floor.
        self.begin()
        self._floor = self._read()

    def begin(self) -> None:
        """Forget the peaks up to now, such as those of loading."""
        # On an old or a locked kernel the peak of loading stays in.
        with contextlib.suppress(OSError):
            (self._proc / "self" / "clear_refs").write_text(RESET_PEAK)
        if self._device is not None:
            self._device.forget_peaks()

    def rows(self) -> tuple[MemoryRow, ...]:
        """Every quantity that this machine can measure, with its peak and its floor."""
        peaks = self._read()
        return tuple(
            (kind, max(peak, self._floor[kind]), self._floor[kind])
            for kind, peak in peaks.items()
            if kind in self._floor
        )

    def _read(self) -> dict[MemoryKind, int]:
        found: dict[MemoryKind, int] = {}
        beyond = self._resident_peak() - self._resident()
        pss = self._number("self/smaps_rollup", "Pss:")
        if pss is not None:
            found[MemoryKind.PSS] = pss + max(beyond, 0)
        if self._unified:
            used = self._system_used()
            if used is not None:
                found[MemoryKind.SYSTEM] = used + max(beyond, 0)
        if self._device is not None:
            found.update(self._device.read())
        return found

    def _resident(self) -> int:
        return self._number("self/status", "VmRSS:") or 0

    def _resident_peak(self) -> int:
        return self._number("self/status", "VmHWM:") or 0

    def _system_used(self) -> int | None:
        total, left = self._number("meminfo", "MemTotal:"), self._number("meminfo", "MemAvailable:")
        return None if total is None or left is None else total - left

    def _number(self, file: str, name: str) -> int | None:
        """Bytes of a line such as `VmRSS:   123 kB`; None where there is none."""
        try:
            lines = (self._proc / file).read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return None
        found = next((line.split() for line in lines if line.startswith(name)), [])
        return int(found[1]) * KIB if len(found) > 1 and found[1].isdigit() else None


def is_unified(device: DeviceMemory | None) -> bool:
    """Whether the processor and the GPU of this board share one memory: a Tegra, or a GPU that says so."""
    # A container on a Tegra hides the device tree from its processes.
    if device is not None and device.integrated:
        return True
    try:
        compatible = Path("/proc/device-tree/compatible").read_bytes()
    except OSError:
        return False
    return b"nvidia,tegra" in compatible


def gpu_bytes_of(pid: int, uuid: str) -> int | None:
    """Of a process on a GPU, as the driver counts it; None where it does not (a container hides process ids).

    Args:
        pid: of the process.
        uuid: of the GPU, without `GPU-`; CUDA_VISIBLE_DEVICES renumbers the devices of a back end and not the driver's.
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        used = [each.usedGpuMemory for each in pynvml.nvmlDeviceGetComputeRunningProcesses(handle) if each.pid == pid]
    except pynvml.NVMLError:
        return None
    return int(used[0]) if used and used[0] is not None else None
