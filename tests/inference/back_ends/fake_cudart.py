# SPDX-License-Identifier: Apache-2.0
"""libcudart without a GPU: its calls and codes, with memory of the processor in place of that of a device."""

from __future__ import annotations

import ctypes
from enum import IntEnum


class Code(IntEnum):
    SUCCESS, INVALID_VALUE, MEMORY_ALLOCATION, INVALID_DEVICE, NOT_READY = 0, 1, 2, 101, 600


class FakeCudart:
    """Keeps what is allocated, and a clock that `advance` moves.

    Args:
        memory_bytes: of the device.
        version: of CUDA; from 12 on the properties of a device have a second name.
    """

    def __init__(self, memory_bytes: int = 1 << 24, version: int = 12) -> None:
        self.memory_bytes = memory_bytes
        self.held: dict[int, ctypes.Array] = {}
        self.clock_ms = 0.0
        self._events: dict[int, float | None] = {}
        self.cudaGetErrorString = _ErrorString()
        if version >= 12:
            self.cudaGetDeviceProperties_v2 = self._properties
        self.cudaGetDeviceProperties = self._properties

    def advance(self, ms: float) -> None:
        self.clock_ms += ms

    def cudaGetDeviceCount(self, count) -> int:  # noqa: N802 - its name
        count._obj.value = 1
        return Code.SUCCESS

    def cudaSetDevice(self, device) -> int:  # noqa: N802
        return Code.SUCCESS if device == 0 else Code.INVALID_DEVICE

    def cudaStreamCreate(self, stream) -> int:  # noqa: N802
        stream._obj.value = 77
        return Code.SUCCESS

    def cudaStreamSynchronize(self, stream) -> int:  # noqa: N802
        return Code.SUCCESS if stream.value == 77 else Code.INVALID_VALUE

    def cudaDeviceSynchronize(self) -> int:  # noqa: N802
        return Code.SUCCESS

    def cudaDeviceGetAttribute(self, value, attribute, device) -> int:  # noqa: N802
        if attribute != 18:  # cudaDevAttrIntegrated
            return Code.INVALID_VALUE
        value._obj.value = 1
        return Code.SUCCESS

    def cudaMalloc(self, pointer, size) -> int:  # noqa: N802
        if sum(map(ctypes.sizeof, self.held.values())) + size.value > self.memory_bytes:
            return Code.MEMORY_ALLOCATION
        made = ctypes.create_string_buffer(size.value)
        self.held[ctypes.addressof(made)] = made
        pointer._obj.value = ctypes.addressof(made)
        return Code.SUCCESS

    def cudaFree(self, pointer) -> int:  # noqa: N802
        return Code.SUCCESS if self.held.pop(pointer.value, None) is not None else Code.INVALID_VALUE

    def cudaMemcpy(self, to, source, size, kind) -> int:  # noqa: N802
        on_device = to.value if kind == 1 else source.value
        if on_device not in self.held or size.value > ctypes.sizeof(self.held[on_device]):
            return Code.INVALID_VALUE
        ctypes.memmove(to.value, source.value, size.value)
        return Code.SUCCESS

    def cudaMemset(self, pointer, value, size) -> int:  # noqa: N802
        ctypes.memset(pointer.value, value, size.value)
        return Code.SUCCESS

    def cudaEventCreate(self, event) -> int:  # noqa: N802
        event._obj.value = 1000 + len(self._events)
        self._events[event._obj.value] = None
        return Code.SUCCESS

    def cudaEventRecord(self, event, stream) -> int:  # noqa: N802
        if event.value not in self._events or stream.value != 77:
            return Code.INVALID_VALUE
        self._events[event.value] = self.clock_ms
        return Code.SUCCESS

    def cudaEventElapsedTime(self, found, begin, end) -> int:  # noqa: N802
        first, last = self._events[begin.value], self._events[end.value]
        if first is None or last is None:
            return Code.NOT_READY
        found._obj.value = last - first
        return Code.SUCCESS

    @staticmethod
    def _properties(held, device) -> int:
        # char name[256]; cudaUUID_t uuid; ... : driver_types.h
        ctypes.memmove(held, b"Orin (fake)\0", 12)
        ctypes.memmove(ctypes.addressof(held) + 256, bytes(range(16)), 16)
        return Code.SUCCESS


class _ErrorString:
    restype: object = ctypes.c_int

    def __call__(self, code: int) -> bytes | int:
        return b"error " + Code(code).name.encode() if self.restype is ctypes.c_char_p else 0
