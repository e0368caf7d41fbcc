# SPDX-License-Identifier: Apache-2.0
"""NVML as NVIDIA documents it, with one GPU whose readings a test sets."""

from __future__ import annotations

from types import SimpleNamespace

(SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION) = range(5)
NOT_FOUND, DRIVER_NOT_LOADED, TIMEOUT, LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND = 6, 9, 10, 12, 13
GPU_IS_LOST, RESET_REQUIRED, LIB_RM_VERSION_MISMATCH, UNKNOWN = 15, 16, 18, 999
_UNSIGNED_INT, _UNSIGNED_LONG_LONG = 1, 3
ENERGY, INSTANT = 83, 186


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return f"NVML error {self.value}"


class Nvml:
    """Stands for the module ``pynvml``. What is in ``refuses`` is answered with that error."""

    NVMLError = NVMLError
    NVML_SUCCESS = SUCCESS
    NVML_CLOCK_GRAPHICS, NVML_CLOCK_SM, NVML_CLOCK_MEM = 0, 1, 2
    NVML_TEMPERATURE_GPU = 0
    NVML_ERROR_UNINITIALIZED = UNINITIALIZED
    NVML_ERROR_INVALID_ARGUMENT = INVALID_ARGUMENT
    NVML_ERROR_NOT_SUPPORTED = NOT_SUPPORTED
    NVML_ERROR_NO_PERMISSION = NO_PERMISSION
    NVML_ERROR_NOT_FOUND = NOT_FOUND
    NVML_ERROR_DRIVER_NOT_LOADED = DRIVER_NOT_LOADED
    NVML_ERROR_LIBRARY_NOT_FOUND = LIBRARY_NOT_FOUND
    NVML_ERROR_FUNCTION_NOT_FOUND = FUNCTION_NOT_FOUND
    NVML_ERROR_GPU_IS_LOST = GPU_IS_LOST
    NVML_ERROR_RESET_REQUIRED = RESET_REQUIRED
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = LIB_RM_VERSION_MISMATCH

    def __init__(self, capability: tuple[int, int] = (8, 9), refuses: dict[object, int] | None = None) -> None:
        self.capability = capability
        self.refuses = dict(refuses or {})
        self.users = 0
        self.power_mw = 120_000
        self.instant_mw = 150_000
        self.energy_mj = 4_000_000_000_000
        self.stamp_us = 0
        """Of both fields; 0 where the driver gives none."""

    def nvmlInit(self) -> None:  # noqa: N802
        self._may("init")
        self.users += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self._used()
        self.users -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        self._used()
        return "580.65.06"

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        self._used()
        self._may("handle")
        if index > 0:
            raise NVMLError(INVALID_ARGUMENT)
        return "handle 0"

    def nvmlDeviceGetName(self, handle: str) -> bytes:  # noqa: N802
        self._of(handle)
        return b"NVIDIA Test GPU"

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        self._of(handle)
        return "GPU-0123"

    def nvmlDeviceGetCudaComputeCapability(self, handle: str) -> tuple[int, int]:  # noqa: N802
        self._of(handle)
        return self.capability

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:  # noqa: N802
        self._of(handle, "power")
        return self.power_mw

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:  # noqa: N802
        self._of(handle, "energy")
        return self.energy_mj

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> SimpleNamespace:  # noqa: N802
        self._of(handle, "load")
        return SimpleNamespace(gpu=87, memory=12)

    def nvmlDeviceGetClockInfo(self, handle: str, clock: int) -> int:  # noqa: N802
        self._of(handle, "clock")
        return {0: 1_905, 1: 1_920, 2: 10_501}[clock]

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:  # noqa: N802
        assert sensor == 0
        self._of(handle, "temperature")
        return 61

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:  # noqa: N802
        self._of(handle, "memory")
        return SimpleNamespace(total=8 * 2**30, free=6 * 2**30, used=2 * 2**30)

    def nvmlDeviceGetFieldValues(self, handle: str, fields: list[tuple[int, int]]) -> list[SimpleNamespace]:  # noqa: N802
        self._of(handle, "fields")
        assert all(scope == 0 for _, scope in fields)
        return [self._field(field) for field, _ in fields]

    def _field(self, field: int) -> SimpleNamespace:
        value, kind = SimpleNamespace(uiVal=0, ullVal=0), _UNSIGNED_INT
        if field == INSTANT:
            value.uiVal = self.instant_mw
        elif field == ENERGY:
            value.ullVal, kind = self.energy_mj, _UNSIGNED_LONG_LONG
        return SimpleNamespace(
            fieldId=field,
            timestamp=self.stamp_us,
            latencyUsec=300,
            valueType=kind,
            nvmlReturn=self.refuses.get(field, SUCCESS),
            value=value,
        )

    def _of(self, handle: str, what: str = "") -> None:
        self._used()
        assert handle == "handle 0"
        self._may(what)
        self._may("all")

    def _used(self) -> None:
        if self.users < 1:
            raise NVMLError(UNINITIALIZED)

    def _may(self, what: str) -> None:
        if what in self.refuses:
            raise NVMLError(self.refuses[what])
