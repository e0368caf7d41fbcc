# SPDX-License-Identifier: Apache-2.0
"""Write the tables of this folder again: `python -m monitor_app.inference.networks.tabulate [networks | counts]`.

`networks` writes torchvision.csv from torchvision's metadata, `counts` writes counts.csv by counting every
network that has a name, which takes a minute and needs the optional packages. Only for who changes them.
"""

from __future__ import annotations

import csv
import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor_app.inference.networks.torchvision_models import import_torchvision

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FOLDER = Path(__file__).parent
# Sets of weights for images larger than a network usually takes
UNUSUAL = "SWAG_E2E"


def main(arguments: Sequence[str]) -> int:
    """Write what `arguments` names, or both."""
    if not arguments or "networks" in arguments:
        _write("torchvision.csv", torchvision_rows())
    if not arguments or "counts" in arguments:
        _write("counts.csv", count_rows())
    return 0


def torchvision_rows() -> list[dict[str, Any]]:
    """A row for each classifier that the installed torchvision has."""
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    return [_torchvision_row(name, _weights(models, name)) for name in sorted(models.list_models(module=models))]


def count_rows() -> list[dict[str, Any]]:
    """A row for each network that has a name, counted now."""
    from monitor_app.inference.networks.costs import count_costs
    from monitor_app.inference.networks.registry import NETWORKS

    rows = []
    for name, network in NETWORKS.items():
        costs = count_costs(network)
        rows.append(
            {
                "name": name,
                "parameters": costs.parameters,
                "macs": costs.macs,
                "operations": costs.operations,
                "uncounted": " ".join(costs.uncounted),
            }
        )
    return rows


def _weights(models: Any, name: str) -> Any:
    return next(weights for weights in models.get_model_weights(name) if UNUSUAL not in weights.name)


def _torchvision_row(name: str, weights: Any) -> dict[str, Any]:
    transforms, meta = weights.transforms(), weights.meta
    accuracy = meta["_metrics"]["ImageNet-1K"]
    return {
        "name": name,
        "title": _title(name),
        "input_pixels": transforms.crop_size[0],
        "resize_pixels": transforms.resize_size[0],
        "interpolation": transforms.interpolation.value,
        "weights": weights.name,
        "file": weights.url.rpartition("/")[2],
        "size_bytes": round(meta["_file_size"] * (1 << 20)),
        "top1_percent": accuracy["acc@1"],
        "top5_percent": accuracy["acc@5"],
    }


_TITLES = {
    "alexnet": "AlexNet (one weird trick)",
    "googlenet": "GoogLeNet (torchvision)",
    "inception_v3": "Inception-v3 (torchvision)",
    "resnet101": "ResNet-101 (torchvision)",
    "resnet152": "ResNet-152 (torchvision)",
    "mobilenet_v2": "MobileNet-v2",
    "mobilenet_v3_large": "MobileNet-v3",
    "mobilenet_v3_small": "MobileNet-v3 Small",
}
_PATTERNS = (
    (r"convnext_(\w+)", lambda m: f"ConvNeXt-{m[1].title()}"),
    (r"densenet(\d+)", r"DenseNet-\1"),
    (r"efficientnet_b(\d)", r"EfficientNet-B\1"),
    (r"efficientnet_v2_(\w)", lambda m: f"EfficientNet-v2-{m[1].upper()}"),
    (r"maxvit_t", "MaxViT-T"),
    (r"mnasnet(\d)_(\d+)", r"MNASNet \1.\2"),
    (r"regnet_([xy])_(?:(\d+)_)?(\d+)([mg])f", lambda m: _regnet(*m.groups())),
    (r"resnet(\d+)", r"ResNet-\1"),
    (r"resnext(\d+)_(\w+)", r"ResNeXt-\1 \2"),
    (r"shufflenet_v2_x(\d)_(\d)", r"ShuffleNet-v2 x\1.\2"),
    (r"squeezenet(\d)_(\d)", r"SqueezeNet \1.\2"),
    (r"swin_v2_(\w)", lambda m: f"Swin-v2-{m[1].upper()}"),
    (r"swin_(\w)", lambda m: f"Swin-{m[1].upper()}"),
    (r"vgg(\d+)(_bn)?", lambda m: f"VGG-{m[1]}{' BN' if m[2] else ''}"),
    (r"vit_(\w)_(\d+)", lambda m: f"ViT-{m[1].upper()}/{m[2]}"),
    (r"wide_resnet(\d+)_2", r"Wide ResNet-\1-2"),
)


def _title(name: str) -> str:
    """As people write it; a network unknown here keeps its name."""
    if name in _TITLES:
        return _TITLES[name]
    for pattern, title in _PATTERNS:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, title, name)
    return name


def _regnet(kind: str, whole: str | None, digits: str, scale: str) -> str:
    return f"RegNet{kind.upper()}-{f'{whole}.' if whole else ''}{digits}{scale.upper()}F"


def _write(name: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
