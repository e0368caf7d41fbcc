# SPDX-License-Identifier: Apache-2.0
"""Every usual network as an ONNX file: does it answer as PyTorch does, and cost what PyTorch counts?

    python tests/benchmarks/export_networks.py [NETWORK]...

Takes some ten minutes and 3 GB of disk for a while. Weights are random, so that no network is left out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from monitor_app.inference.built_modules import build_with_weights
from monitor_app.inference.inputs import images_of, random_arrays
from monitor_app.inference.networks.registry import USUAL_NAMES, find_network
from monitor_app.inference.onnx_files.export import export
from monitor_app.inference.onnx_files.graph_costs import graph_costs

BATCHES = (1, 3)
SEED = 0


def main(names: list[str]) -> None:
    """A line for each network."""
    for name in names or USUAL_NAMES:
        network = find_network(name)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.onnx"
            known = export(name, "none", SEED, str(file))
            session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
            costs, reason = graph_costs(onnx.load(file, load_external_data=False), network.input_pixels)
        module = build_with_weights(network, "none", SEED).module
        worst = 0.0
        for batch in BATCHES:
            (images,) = random_arrays((images_of(network.input_pixels),), batch, SEED)
            with torch.inference_mode():
                scores = module(torch.from_numpy(images)).numpy()
            (answer,) = session.run(None, {"images": images})
            worst = max(worst, float(np.abs(answer - scores).max() / np.abs(scores).max()))
        counted = costs.macs == known["macs"] or network.input_pixels != network.cost_pixels
        print(
            f"{name:20} {known['way']}: differs by {worst:.1e} of the largest score, "
            f"MACs {'equal' if counted else 'DIFFER'}{f' ({reason})' if reason else ''}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
