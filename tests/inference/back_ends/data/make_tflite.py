# SPDX-License-Identifier: Apache-2.0
"""Writes the .tflite files of this folder and their weights; needs litert-torch, which the tests do without.

python make_tflite.py
"""

from pathlib import Path

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import quantizer, recipe
from torch import nn

HERE = Path(__file__).parent


class Two(nn.Module):
    """Two inputs, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 6), nn.Linear(3, 6)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = torch.relu(self.a(x) + self.b(y))
        return hidden, hidden.sum(-1, keepdim=True)


def main() -> None:
    torch.manual_seed(0)
    tiny = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        nn.ReLU6(),
        nn.Conv2d(8, 8, 3, 1, 1, groups=8),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    ).eval()
    two = Two().eval()
    last = litert_torch.to_channel_last_io(tiny, args=[0])
    litert_torch.convert(last, (torch.zeros(1, 16, 16, 3),)).export(str(HERE / "tiny.tflite"))
    litert_torch.convert(two, (torch.zeros(1, 4), torch.zeros(1, 3))).export(str(HERE / "two.tflite"))
    weights = {
        f"{name}.{key}": value
        for name, module in (("tiny", tiny), ("two", two))
        for key, value in module.state_dict().items()
    }
    np.savez(HERE / "weights.npz", **{key: value.numpy() for key, value in weights.items()})
    made = quantizer.Quantizer(str(HERE / "tiny.tflite"), recipe.static_wi8_ai8())
    rng = np.random.default_rng(0)
    images = [{"args_0": rng.standard_normal((1, 16, 16, 3), dtype=np.float32)} for _ in range(50)]
    made.quantize(made.calibrate({"serving_default": images})).export_model(str(HERE / "tiny_int8.tflite"))


if __name__ == "__main__":
    main()
