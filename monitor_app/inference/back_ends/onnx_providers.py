# SPDX-License-Identifier: Apache-2.0
"""The providers of ONNX Runtime: what runs a network on which device, with which settings, and what really does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import onnxruntime

from monitor_app.core.back_ends import precision_refused
from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from monitor_app.inference.messages import Load

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
WITH_TENSORRT = "onnxruntime-tensorrt"
"""The key of core.back_ends by which TensorRT is asked for."""
SPINNING = "session.intra_op.allow_spinning"
ASSIGNMENT = "session.record_ep_graph_assignment_info"


@dataclass(frozen=True, slots=True)
class Provider:
    """What is asked to run a network."""

    name: str
    memory: str = "cpu"
    """Where its inputs and outputs lie, as OrtValue has it."""
    index: int = 0
    """Of the device."""
    options: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """What changes a time, by the names of the table run_fact."""

    @property
    def on_gpu(self) -> bool:
        """Inputs and outputs lie in the memory of a GPU."""
        return self.memory != "cpu"


def devices(back_end: str, cpu: str) -> dict[str, str]:
    """Values of `Load.device` for this build of ONNX Runtime, and what each is called."""
    available = onnxruntime.get_available_providers()
    named = {} if back_end == WITH_TENSORRT else {"cpu": cpu}
    if (TENSORRT if back_end == WITH_TENSORRT else CUDA) in available:
        named.update(_gpus())
    return named


def provider_of(back_end: str, command: Load) -> Provider:
    """What runs a network on the device of `command` in its precision.

    Raises:
        InferenceError: this build has no such provider, or it does not have that precision.
    """
    if (refused := precision_refused(back_end, command.precision)) is not None:
        raise InferenceError(refused)
    kind, _, number = command.device.partition(":")
    if kind == "cpu" and back_end != WITH_TENSORRT:
        _refuse_on_the_processor(command)
        return Provider(CPU, settings=_host_settings(command))
    if kind != "cuda" or not (number or "0").isdigit():
        raise InferenceError(
            f"ONNX Runtime runs no network on {command.device!r} here: use cpu or cuda:0, and for TensorRT cuda:0."
        )
    name = TENSORRT if back_end == WITH_TENSORRT else CUDA
    _require(name, command.device)
    index = int(number or 0)
    tf32 = command.precision == "tf32"
    if name == TENSORRT:
        # Nothing is chosen for it: a network in fp16 or int8 says so itself
        return Provider(name, "cuda", index, {"device_id": str(index)}, _host_settings(command))
    search = "EXHAUSTIVE" if command.cudnn_benchmark else "HEURISTIC"
    options = {"device_id": str(index), "use_tf32": str(int(tf32)), "cudnn_conv_algo_search": search}
    settings = {"TF32": "on" if tf32 else "off", "cuDNN search": search.lower(), **_host_settings(command)}
    return Provider(name, "cuda", index, options, settings)


def session_options(command: Load) -> onnxruntime.SessionOptions:
    """The settings of a session, each of them set here and not left to the version."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = command.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry(SPINNING, "1")
    options.add_session_config_entry(ASSIGNMENT, "1")
    # Warnings of the library about its own work; errors are raised
    options.log_severity_level = 3
    return options


def running_providers(session: onnxruntime.InferenceSession, wanted: Provider) -> dict[str, str]:
    """Which providers really run the network, by the names of the table run_fact.

    Raises:
        InferenceError: that which was wanted does not, and the processor would do its work under its name.
    """
    running = session.get_providers()
    nodes = _nodes(session)
    if wanted.name not in running or (nodes and wanted.name not in nodes):
        raise InferenceError(
            f"ONNX Runtime would run the network by {', '.join(nodes or running)} and not by {wanted.name}: see the "
            "log for what that one lacks, such as CUDA and cuDNN of the versions that it was built for."
        )
    found = {"providers": ", ".join(each for each in running if not nodes or each in nodes)}
    if nodes:
        found["operators by provider"] = ", ".join(f"{name} {count}" for name, count in sorted(nodes.items()))
    return found


def _nodes(session: onnxruntime.InferenceSession) -> dict[str, int]:
    """How many operators of the graph each provider runs; none before ONNX Runtime could tell."""
    tell = getattr(session, "get_provider_graph_assignment_info", None)
    counts: dict[str, int] = {}
    for part in tell() if tell is not None else ():
        counts[part.ep_name] = counts.get(part.ep_name, 0) + len(part.get_nodes())
    return counts


def _host_settings(command: Load) -> dict[str, str]:
    return {
        "threads": str(command.threads),
        "threads between operators": "1",
        "spinning": "on",
        "graph optimisation": "all",
    }


def _refuse_on_the_processor(command: Load) -> None:
    if command.precision in {"fp16", "tf32"}:
        raise InferenceError(
            f"ONNX Runtime computes {command.precision} on a GPU only, on this processor it would be fp32 again: use "
            "fp32 or int8."
        )


def _require(name: str, device: str) -> None:
    available = onnxruntime.get_available_providers()
    if name not in available:
        have = ", ".join(each for each in available if each != "AzureExecutionProvider")
        raise InferenceError(
            f"This build of ONNX Runtime has no {name} for {device}, only {have}: install onnxruntime-gpu in its "
            "place, on a Jetson the build that NVIDIA offers for your JetPack, or use the device cpu."
        )


def _gpus() -> dict[str, str]:
    """By the driver, since the library does not say; one without a name where it does not either."""
    try:
        import pynvml
    except ImportError:
        return {"cuda:0": "GPU"}
    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        names = [pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index)) for index in range(count)]
    except pynvml.NVMLError:
        return {"cuda:0": "GPU"}
    return {f"cuda:{index}": name if isinstance(name, str) else name.decode() for index, name in enumerate(names)}
