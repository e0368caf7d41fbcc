# SPDX-License-Identifier: Apache-2.0
"""Is a latency of ours that of ten lines of the back end's own API? Both on one file in one process, in turn.

    python tests/benchmarks/bench_back_ends.py onnxruntime|openvino|litert [NETWORK] [ROUNDS]

Ours is the very loop of the inference child (measure.Runner), its batches reported to nobody. One thread.
"""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.runs import Phase
from monitor_app.inference.arrivals import ClosedLoop
from monitor_app.inference.back_ends.choice import open_back_end
from monitor_app.inference.back_ends.model_file import model_file
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Batches, Load
from monitor_app.inference.passes import NoLoadSignal

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.inference.back_ends.back_end import Model

PASSES = 60


def main(back_end: str, network: str, rounds: int) -> None:
    """Measure in turn, print the ratio of each round and its median."""
    command = Load(network, threads=1)
    model = open_back_end(back_end).load(command)
    plain = SCRIPTS[back_end](str(model_file(command, back_end).path))
    ours(model)
    theirs(plain)
    ratios = []
    for k in range(rounds):
        first, second = (ours(model), theirs(plain)) if k % 2 == 0 else (theirs(plain), ours(model))
        mine, its = (first, second) if k % 2 == 0 else (second, first)
        ratios.append(mine / its)
        print(f"{k + 1:2d}: ours {mine:7.3f} ms, {back_end} {its:7.3f} ms, ratio {ratios[-1]:.4f}")
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    print(f"{back_end} {network}: ratio of medians {middle:.4f}, middle half of the rounds {low:.4f} to {high:.4f}")


def ours(model: Model) -> float:
    """Median in ms by the loop of the child."""
    rows = []

    def keep(event: Batches) -> None:
        rows.extend(event.rows)

    Runner(model, NoLoadSignal(), keep, lambda: False).run_for(Phase.TIMED, 1, ClosedLoop(0.0, PASSES))
    return float(np.median([(row[1] - row[0]) * 1e-6 for row in rows]))


def theirs(run: Callable[[], object]) -> float:
    """Median in ms of a plain loop."""
    times = []
    for _ in range(PASSES):
        start = perf_counter()
        run()
        times.append((perf_counter() - start) * 1e3)
    return float(np.median(times))


def _onnxruntime(path: str) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    described = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in described.shape]
    images = np.random.default_rng(0).standard_normal(shape, np.float32)
    return lambda: session.run(None, {described.name: images})


def _openvino(path: str) -> Callable[[], object]:
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    images = np.random.default_rng(0).standard_normal(_of_one(model.inputs[0].get_partial_shape()), np.float32)
    model.reshape(list(images.shape))
    options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(model, "CPU", options).create_infer_request()
    request.set_input_tensor(openvino.Tensor(images))
    return request.infer


def _of_one(shape: Any) -> list[int]:
    return [each.get_length() if each.is_static else 1 for each in shape]


def _litert(path: str) -> Callable[[], object]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    described = interpreter.get_input_details()[0]
    images = np.random.default_rng(0).standard_normal(tuple(described["shape"]), np.float32)
    interpreter.set_tensor(described["index"], images)
    return interpreter.invoke


SCRIPTS = {"onnxruntime": _onnxruntime, "openvino": _openvino, "litert": _litert}
"""For each back end, what somebody would write who has read its first page."""

if __name__ == "__main__":
    given = sys.argv[1:]
    main((given or ["onnxruntime"])[0], (given[1:2] or ["resnet18"])[0], int((given[2:3] or ["9"])[0]))
