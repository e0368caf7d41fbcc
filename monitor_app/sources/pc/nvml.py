# SPDX-License-Identifier: Apache-2.0
"""An NVIDIA GPU of a PC, through the management library of its driver (NVML, the extra ``nvml``)."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from monitor_app.core.errors import HandshakeError, PortError, SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.sources.accuracy import NVML
from monitor_app.sources.base import Described, try_source
from monitor_app.sources.pc.nvml_gpu import Gpu, mean_power_w
from monitor_app.sources.polling import Blocks, Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.core.samples import Reading
    from monitor_app.core.status import FoundSource
    from monitor_app.sources.pc.nvml_gpu import Measured

RATE_HZ = 10.0
SILENCE_S = 2.0
MAX_GPUS = 16
STILL_S = 1.0
"""Readings that have not changed for this long count as new ones, as of a GPU that is off."""
INSTANT_LAG_S, MEAN_LAG_S = 0.1, 1.0
"""How old a reading may be: of the sensor's own interval, and of the driver's mean."""


class NvmlSpec(SourceSpec):
    """An NVIDIA GPU of a PC, through its driver's management library (the extra `nvml`)."""

    kind: Literal["nvml"]
    name: Name = "gpu"
    index: int = Field(0, ge=0)
    role: Role = Role.GPU


class NvmlSource(Described):
    """One GPU: power, mean power by its energy counter, load, clocks, temperature, memory in use.

    What this GPU does not report is left out. ``role`` is that of its power. A poll that finds the readings of the
    poll before gives no sample, for the driver has taken none.
    """

    def __init__(
        self,
        name: str,
        index: int = 0,
        role: Role = Role.GPU,
        load_library: Callable[[], Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(name)
        self._index = index
        self._role = role
        self._load_library = load_library or _load_pynvml
        self._clock = clock or Clock()
        self._nvml: Any = None
        self._last: Measured

    def open(self) -> None:
        """Load the driver's library and find out what the GPU reports. Raises SourceError with what to do."""
        self.close()
        nvml = self._load_library()
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            raise _cannot_start(nvml, error) from error
        self._nvml = nvml
        try:
            self._find_out()
        except nvml.NVMLError as error:
            self.close()
            raise self._cannot_open(nvml, error) from error
        except BaseException:
            self.close()
            raise
        self._blocks = Blocks()
        self._schedule = Schedule(1 / RATE_HZ, self._clock)
        self._heard_ns = self._clock.now_ns()

    def read(self, timeout_s: float) -> list[Reading]:
        """One sample when a poll is due and finds new readings. Raises SourceLostError when the GPU is gone."""
        if self._nvml is None:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        slots = self._schedule.wait(timeout_s)
        if slots == 0:
            return []
        self._blocks.leave_out(slots - 1)
        start_ns = self._clock.now_ns()
        try:
            measured = self._gpu.measure(start_ns)
            gauges = [ask() for _, ask in self._gpu.gauges.values()]
        except self._nvml.NVMLError as error:
            self._pass_over(error)
            return []
        arrival_ns = self._heard_ns = self._clock.now_ns()
        before = self._last
        if measured.key is not None and measured.key == before.key and start_ns - before.host_ns < STILL_S * 1e9:
            return []
        self._last = measured
        powers = _powers(before, measured)
        if powers is None:
            self._blocks.leave_out()
            return []
        return [self._blocks.make([*powers, *gauges], (start_ns + arrival_ns) // 2, arrival_ns)]

    def close(self) -> None:
        """Release the driver; calling it twice is fine."""
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            with contextlib.suppress(nvml.NVMLError):
                nvml.nvmlShutdown()

    def _find_out(self) -> None:
        nvml = self._nvml
        self._gpu: Gpu = Gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(self._index))
        gpu = self._gpu
        reported = {"power": gpu.reports_power, "power by energy counter": gpu.reports_energy}
        names = [name for name, is_reported in reported.items() if is_reported]
        if not names:
            raise HandshakeError(
                f"GPU {self._index} ({gpu.model}) does not report its power through NVML: on a Jetson use its rails "
                "(kind jetson-rails), elsewhere an external meter."
            )
        start_ns = self._clock.now_ns()
        self._last = gpu.measure(start_ns)
        took_ns = self._clock.now_ns() - start_ns
        # Both are of the same board: only one may stand for what it feeds.
        roles = (self._role, Role.OTHER)
        powers = [
            Signal(name, Quantity.POWER, role, accuracy=NVML.power) for name, role in zip(names, roles, strict=False)
        ]
        self._info = SourceInfo(
            name=self._name,
            kind="nvml",
            model=gpu.model,
            serial_number=gpu.serial_number,
            firmware=f"driver {gpu.driver}",
            rate_hz=RATE_HZ,
            signals=(*powers, *(Signal(name, quantity) for name, (quantity, _) in gpu.gauges.items())),
            transport_bound_ns=round(1e9 * (MEAN_LAG_S if gpu.power_is_mean else INSTANT_LAG_S)) + took_ns // 2,
            notes=(*gpu.notes, NVML.note),
        )

    def _pass_over(self, error: Any) -> None:
        """Count a poll that failed. Raises SourceLostError where there is nothing to wait for."""
        nvml = self._nvml
        gone = {
            nvml.NVML_ERROR_GPU_IS_LOST,
            nvml.NVML_ERROR_RESET_REQUIRED,
            nvml.NVML_ERROR_UNINITIALIZED,
            nvml.NVML_ERROR_DRIVER_NOT_LOADED,
        }
        if error.value in gone or self._clock.now_ns() - self._heard_ns > SILENCE_S * 1e9:
            raise self._lost(error) from error
        self._blocks.leave_out()

    def _cannot_open(self, nvml: Any, error: Any) -> SourceError:
        if error.value in {nvml.NVML_ERROR_INVALID_ARGUMENT, nvml.NVML_ERROR_NOT_FOUND}:
            return SourceError(f"There is no NVIDIA GPU number {self._index}: `nvidia-smi -L` lists them from 0.")
        if error.value == nvml.NVML_ERROR_NO_PERMISSION:
            return _no_permission()
        return self._lost(error)

    def _lost(self, error: Any) -> SourceLostError:
        return SourceLostError(
            f"GPU {self._index} does not answer ({error}): see `sudo dmesg | grep Xid`; the machine may need a restart."
        )


def find(root: Path) -> list[FoundSource]:
    """The GPUs of a machine that has NVIDIA's driver."""
    if not ((root / "proc/driver/nvidia").exists() or (root / "dev/nvidiactl").exists()):
        return []
    found: list[FoundSource] = []
    for index in range(MAX_GPUS):
        gpu = try_source("nvml", f"GPU {index}", NvmlSource("probe", index), {"kind": "nvml", "index": index})
        if not gpu.ready and index > 0:
            break
        found.append(gpu)
    return found


def _load_pynvml() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError as error:
        raise SourceError("The Python side of NVML is missing: run `pip install 'inferwatt[nvml]'`.") from error


def _powers(before: Measured, now: Measured) -> list[float] | None:
    """In the order of the signals, W; None where the energy counter was set back."""
    powers = [] if now.power_w is None else [now.power_w]
    if now.energy_mj is None:
        return powers
    mean_w = mean_power_w(before, now)
    return None if mean_w is None else [*powers, mean_w]


def _cannot_start(nvml: Any, error: Any) -> SourceError:
    sentences = {
        nvml.NVML_ERROR_LIBRARY_NOT_FOUND: "There is no NVIDIA driver on this machine (libnvidia-ml.so.1): "
        "install it, or take this source out of the profile.",
        nvml.NVML_ERROR_DRIVER_NOT_LOADED: "The NVIDIA driver is not loaded: run `sudo modprobe nvidia`.",
        nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "The NVIDIA driver was updated while it ran: restart the machine.",
    }
    if error.value == nvml.NVML_ERROR_NO_PERMISSION:
        return _no_permission()
    sentence = sentences.get(error.value, f"The NVIDIA driver does not start ({error}): see what `nvidia-smi` says.")
    return SourceError(sentence)


def _no_permission() -> PortError:
    return PortError("You may not use the NVIDIA driver: `ls -l /dev/nvidia*` shows which group may; join it.")
