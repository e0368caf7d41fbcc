# SPDX-License-Identifier: Apache-2.0
"""What one NVIDIA GPU reports through NVML, and how to ask for it. All calls raise the library's NVMLError."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from monitor_app.core.samples import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Ask = Callable[[], float]
    Fields = Mapping[int, tuple[float, int]]

MAX_POWER_W = 10_000.0
"""More than any GPU draws: an energy counter that implies more was set back."""
STAMP_SLACK_S = 0.2
"""The driver's stamps are of a clock that may be adjusted in between; stamps that differ by more are not used."""
_TOTAL_ENERGY, _INSTANT_POWER = 83, 186
_VALUE_TYPES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
_QUARTER_TIME = frozenset({(8, 0), (9, 0)})
"""Compute capabilities of A100 and H100."""
_MEAN_FROM = (8, 6)
"""From this compute capability on, NVML's plain power is a mean over a second."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one poll gives of the power."""

    host_ns: int
    power_w: float | None
    energy_mj: int | None
    """Since the driver was loaded."""
    stamp_us: int
    """When the driver took it, on the system's clock; 0 where it does not say."""

    @property
    def key(self) -> int | None:
        """Changes when the driver takes a new reading; None where nothing shows that."""
        return self.energy_mj if self.energy_mj is not None else self.stamp_us or None


class Gpu:
    """One GPU: which powers it reports, and those of its gauges that work."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self.model = _text(nvml.nvmlDeviceGetName(handle))
        self.serial_number = _text(nvml.nvmlDeviceGetUUID(handle))
        self.driver = _text(nvml.nvmlSystemGetDriverVersion())
        self.capability = (0, 0)
        with contextlib.suppress(nvml.NVMLError):
            self.capability = tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle))
        self._fields = [f for f in (_TOTAL_ENERGY, _INSTANT_POWER) if self._works(partial(self._ask, [f]))]
        self._plain_power = partial(nvml.nvmlDeviceGetPowerUsage, handle)
        self._plain_energy = partial(nvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        self._instant = _INSTANT_POWER in self._fields
        self.reports_power = self._instant or self._works(self._plain_power)
        self.reports_energy = _TOTAL_ENERGY in self._fields or self._works(self._plain_energy)
        self.gauges = {name: (quantity, ask) for name, quantity, ask in self._gauges() if self._works(ask)}

    @property
    def power_is_mean(self) -> bool:
        """The power is a mean over the last second, not of the moment."""
        return self.reports_power and not self._instant and self.capability >= _MEAN_FROM

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user of its numbers must know."""
        notes = []
        if self.capability in _QUARTER_TIME:
            notes.append(
                "A GPU of this kind (A100, H100) senses its power only a quarter of the time: repeat the work for "
                "several seconds, at irregular moments, and do not read single inferences from it."
            )
        if self.power_is_mean:
            notes.append("power is the driver's mean over the last second and lags behind the load.")
        if self.reports_energy:
            notes.append("power by energy counter is the mean since the sample before it.")
        return tuple(notes)

    def measure(self, host_ns: int) -> Measured:
        """What the GPU reports of its power now."""
        fields: Fields = self._ask(self._fields) if self._fields else {}
        power_mw: float | None = None
        energy_mj: float | None = None
        stamp_us = 0
        if self._instant:
            power_mw, stamp_us = fields[_INSTANT_POWER]
        elif self.reports_power:
            power_mw = self._plain_power()
        if _TOTAL_ENERGY in fields:
            energy_mj, stamp_us = fields[_TOTAL_ENERGY]
        elif self.reports_energy:
            energy_mj = self._plain_energy()
        return Measured(
            host_ns,
            None if power_mw is None else power_mw * 1e-3,
            None if energy_mj is None else int(energy_mj),
            stamp_us,
        )

    def _gauges(self) -> Iterable[tuple[str, Quantity, Ask]]:
        nvml, handle = self._nvml, self._handle
        yield "gpu load", Quantity.LEVEL, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu * 1e-2
        yield "sm clock", Quantity.FREQUENCY, partial(self._clock_hz, nvml.NVML_CLOCK_SM)
        yield "memory clock", Quantity.FREQUENCY, partial(self._clock_hz, nvml.NVML_CLOCK_MEM)
        sensor = nvml.NVML_TEMPERATURE_GPU
        yield "temperature", Quantity.TEMPERATURE, lambda: float(nvml.nvmlDeviceGetTemperature(handle, sensor))
        yield "memory used", Quantity.LEVEL, self._memory_used

    def _clock_hz(self, clock: int) -> float:
        return float(self._nvml.nvmlDeviceGetClockInfo(self._handle, clock) * 1e6)

    def _memory_used(self) -> float:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(self._handle)
        return float(memory.used / memory.total)

    def _ask(self, wanted: list[int]) -> Fields:
        """Value and time stamp (us) of each field, in one call."""
        answers = self._nvml.nvmlDeviceGetFieldValues(self._handle, [(field, 0) for field in wanted])
        fields = {}
        for answer in answers:
            if answer.nvmlReturn != self._nvml.NVML_SUCCESS:
                raise self._nvml.NVMLError(answer.nvmlReturn)
            fields[int(answer.fieldId)] = (getattr(answer.value, _VALUE_TYPES[answer.valueType]), int(answer.timestamp))
        return fields

    def _works(self, ask: Callable[[], object]) -> bool:
        """False where the GPU or its driver does not support the query; other errors are raised."""
        nvml = self._nvml
        try:
            ask()
        except nvml.NVMLError as error:
            if error.value in {
                nvml.NVML_ERROR_NOT_SUPPORTED,
                nvml.NVML_ERROR_INVALID_ARGUMENT,
                nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
                nvml.NVML_ERROR_NO_PERMISSION,
            }:
                return False
            raise
        return True


def mean_power_w(before: Measured, now: Measured) -> float | None:
    """From the energy counted between two polls; None where the counter was set back."""
    if before.energy_mj is None or now.energy_mj is None:
        return None
    elapsed_s = (now.host_ns - before.host_ns) * 1e-9
    stamped_s = (now.stamp_us - before.stamp_us) * 1e-6
    if before.stamp_us and stamped_s > 0 and abs(stamped_s - elapsed_s) < STAMP_SLACK_S:
        elapsed_s = stamped_s
    power_w = (now.energy_mj - before.energy_mj) * 1e-3 / elapsed_s
    return power_w if 0 <= power_w <= MAX_POWER_W else None


def _text(name: str | bytes) -> str:
    """Older bindings give bytes."""
    return name.decode(errors="replace") if isinstance(name, bytes) else name
