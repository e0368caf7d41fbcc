# SPDX-License-Identifier: Apache-2.0
"""The few calls of the CUDA runtime that a pass needs, by ctypes: every board with CUDA has the library itself."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import InferenceError, NotEnoughMemoryError
from monitor_app.core.runs import MemoryKind
from monitor_app.inference.memory import gpu_bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TO_DEVICE, _TO_HOST = 1, 2
_NO_MEMORY, _INTEGRATED = 2, 18
_NAME, _UUID, _PROPERTIES = 256, 16, 8192
"""Bytes: cudaDeviceProp begins with the first two, in every version since 10, and is far smaller than the third."""


class CudaRuntime:
    """The runtime, on one device for the calling thread.

    Args:
        device: its number.
        library: libcudart, another one in tests; None finds it.

    Raises:
        InferenceError: there is no runtime or no such device.
    """

    def __init__(self, device: int = 0, library: Any = None) -> None:
        self._library = _library() if library is None else library
        count = ctypes.c_int()
        self._check(self._library.cudaGetDeviceCount(ctypes.byref(count)), "look for a GPU")
        if device >= count.value:
            raise InferenceError(f"CUDA sees no device cuda:{device}: it has {count.value} of them, from cuda:0.")
        self.device = device
        self._check(self._library.cudaSetDevice(device), f"use cuda:{device}")
        stream = ctypes.c_void_p()
        self._check(self._library.cudaStreamCreate(ctypes.byref(stream)), "make a stream")
        self.stream = int(stream.value or 0)

    def names(self) -> dict[str, str]:
        """What the devices call themselves, by `cuda:N`."""
        count = ctypes.c_int()
        self._check(self._library.cudaGetDeviceCount(ctypes.byref(count)), "look for a GPU")
        return {f"cuda:{index}": self._name_and_uuid(index)[0] for index in range(count.value)}

    @property
    def name(self) -> str:
        """What the device calls itself."""
        return self._name_and_uuid(self.device)[0]

    @property
    def uuid(self) -> str:
        """As NVML writes it, without `GPU-`."""
        return self._name_and_uuid(self.device)[1]

    @property
    def integrated(self) -> bool:
        """The device shares the memory of the processor."""
        value = ctypes.c_int()
        self._check(
            self._library.cudaDeviceGetAttribute(ctypes.byref(value), _INTEGRATED, self.device), "describe the GPU"
        )
        return bool(value.value)

    def allocate(self, size_bytes: int) -> DeviceArray:
        """Memory of the device. Raises NotEnoughMemoryError."""
        pointer = ctypes.c_void_p()
        # An output may be empty
        code = self._library.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(max(size_bytes, 1)))
        self._check(code, f"allocate {size_bytes} bytes")
        return DeviceArray(self, int(pointer.value or 0), size_bytes)

    def copy_in(self, array: NDArray[Any], memory: DeviceArray) -> None:
        """Copy an array in one piece to the device, and wait until it is there."""
        self._copy(memory.address, array.ctypes.data, array.nbytes, _TO_DEVICE)

    def copy_out(self, memory: DeviceArray, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """An array from the device, once it has nothing left to do there."""
        array = np.empty(shape, dtype)
        self._copy(array.ctypes.data, memory.address, array.nbytes, _TO_HOST)
        return array

    def fill(self, memory: DeviceArray) -> None:
        """Write zeros over all of it, and wait."""
        self._check(
            self._library.cudaMemset(ctypes.c_void_p(memory.address), 0, ctypes.c_size_t(memory.size_bytes)), "write"
        )
        self._check(self._library.cudaDeviceSynchronize(), "wait for the GPU")

    def synchronize(self) -> None:
        """Wait until the stream has nothing left to do."""
        self._check(self._library.cudaStreamSynchronize(ctypes.c_void_p(self.stream)), "wait for the GPU")

    def event(self) -> int:
        """A mark that can be put into the stream; kept until the process ends."""
        made = ctypes.c_void_p()
        self._check(self._library.cudaEventCreate(ctypes.byref(made)), "make an event")
        return int(made.value or 0)

    def record(self, event: int) -> None:
        """Put a mark into the stream."""
        self._check(
            self._library.cudaEventRecord(ctypes.c_void_p(event), ctypes.c_void_p(self.stream)), "record an event"
        )

    def between_ns(self, begin: int, end: int) -> int:
        """Between two marks that have been passed."""
        found = ctypes.c_float()
        code = self._library.cudaEventElapsedTime(ctypes.byref(found), ctypes.c_void_p(begin), ctypes.c_void_p(end))
        self._check(code, "read an event")
        return round(found.value * 1e6)

    def give_back(self, address: int) -> None:
        """Free memory of the device."""
        self._library.cudaFree(ctypes.c_void_p(address))

    def _copy(self, to: int, source: int, size_bytes: int, kind: int) -> None:
        size = ctypes.c_size_t(size_bytes)
        self._check(self._library.cudaMemcpy(ctypes.c_void_p(to), ctypes.c_void_p(source), size, kind), "copy")

    def _name_and_uuid(self, device: int) -> tuple[str, str]:
        held = ctypes.create_string_buffer(_PROPERTIES)
        # CUDA 12 gave the call that fills today's structure another name
        ask = getattr(self._library, "cudaGetDeviceProperties_v2", None) or self._library.cudaGetDeviceProperties
        self._check(ask(held, device), "describe the GPU")
        name = held.raw[:_NAME].partition(b"\0")[0].decode("utf-8", "replace")
        digits = held.raw[_NAME : _NAME + _UUID].hex()
        return name, "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _check(self, code: int, what: str) -> None:
        if not code:
            return
        if code == _NO_MEMORY:
            raise NotEnoughMemoryError(f"The GPU has not the memory to {what}: use a smaller batch.")
        told = self._library.cudaGetErrorString
        told.restype = ctypes.c_char_p
        text = (told(code) or b"unknown error").decode("utf-8", "replace")
        raise InferenceError(f"CUDA could not {what} ({text}, error {code}): see `nvidia-smi`, or restart the board.")


class DeviceArray:
    """Memory of the device, which is freed when nobody holds it."""

    def __init__(self, runtime: CudaRuntime, address: int, size_bytes: int) -> None:
        self.address = address
        self.size_bytes = size_bytes
        self._runtime = runtime

    def __del__(self) -> None:
        self._runtime.give_back(self.address)


class GpuMemory:
    """What the driver counts for this process."""

    def __init__(self, runtime: CudaRuntime) -> None:
        self._runtime = runtime

    @property
    def integrated(self) -> bool:
        return self._runtime.integrated

    def forget_peaks(self) -> None:
        """Nothing: the driver keeps none."""

    def read(self) -> dict[MemoryKind, int]:
        used = gpu_bytes_of(os.getpid(), self._runtime.uuid)
        return {} if used is None else {MemoryKind.NVML: used}


def _library() -> Any:
    for name in _names():
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise InferenceError(
        "The CUDA runtime (libcudart) was not found: install it, or add the folder that holds it to LD_LIBRARY_PATH."
    )


def _names() -> Iterator[str]:
    found = ctypes.util.find_library("cudart")
    if found is not None:
        yield found
    yield "libcudart.so"
    # Where the packages of the index put it, and where the installer of NVIDIA does
    for folder in (*sys.path, "/usr/local/cuda"):
        for pattern in ("nvidia/*/lib/libcudart.so*", "lib64/libcudart.so*"):
            yield from map(str, sorted(Path(folder).glob(pattern), reverse=True))
