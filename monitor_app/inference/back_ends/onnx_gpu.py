# SPDX-License-Identifier: Apache-2.0
"""A GPU as ONNX Runtime uses it: its memory, and work that keeps it busy. For the child only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from monitor_app.core.runs import MemoryKind
from monitor_app.inference.memory import gpu_bytes_of
from monitor_app.inference.pulses import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.inference.back_ends.onnx_providers import Provider

MULTIPLICATION = (
    b'\x08\x08:b\n\x11\n\x01a\n\x01b\x12\x01c"\x06MatMul\x12\x08multiplyZ\x15\n\x01a\x12\x10\n\x0e\x08\x01\x12\n\n\x03'
    b"\x12\x01n\n\x03\x12\x01nZ\x15\n\x01b\x12\x10\n\x0e\x08\x01\x12\n\n\x03\x12\x01n\n\x03\x12\x01nb\x15\n\x01c\x12\x10"
    b"\n\x0e\x08\x01\x12\n\n\x03\x12\x01n\n\x03\x12\x01nB\x04\n\x00\x10\r"
)
"""An ONNX file: c = a b of square matrices (opset 13), so that none has to be made where onnx is not installed."""


class OnnxGpuMemory:
    """By the driver, since the library has no account of its own.

    Args:
        index: of the GPU among those that this process sees.
    """

    integrated = False

    def __init__(self, index: int) -> None:
        self._uuid = visible_uuid(index)
        # The context of CUDA belongs to the floor
        self._one = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32), "cuda", index)

    def forget_peaks(self) -> None:
        """Nothing: the driver keeps none, and the library holds what it has taken."""

    def read(self) -> dict[MemoryKind, int]:
        used = None if self._uuid is None else gpu_bytes_of(os.getpid(), self._uuid)
        return {} if used is None else {MemoryKind.NVML: used}


def visible_uuid(index: int) -> str | None:
    """Of a GPU as this process counts them, without `GPU-`; None where that cannot be known."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    word = str(index) if seen is None else ([*seen.split(","), *[""] * (index + 1)])[index].strip()
    if word.startswith("GPU-"):
        return word[len("GPU-") :]
    if not word.isdigit():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        uuid = pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(int(word)))
    except pynvml.NVMLError:
        return None
    text = uuid if isinstance(uuid, str) else uuid.decode()
    return text[len("GPU-") :] if text.startswith("GPU-") else None


def multiplication_by(provider: Provider) -> Callable[[], object]:
    """Work of the GPU, for a load-step sequence."""
    session = onnxruntime.InferenceSession(MULTIPLICATION, providers=[(provider.name, provider.options)])
    factor = np.random.default_rng(0).standard_normal((SIZE, SIZE), np.float32)
    binding = session.io_binding()
    for name in "ab":
        binding.bind_ortvalue_input(
            name, onnxruntime.OrtValue.ortvalue_from_numpy(factor, provider.memory, provider.index)
        )
    binding.bind_output("c", provider.memory, provider.index)

    def multiply() -> None:
        session.run_with_iobinding(binding)

    return multiply
