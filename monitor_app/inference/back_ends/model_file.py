# SPDX-License-Identifier: Apache-2.0
"""The file that a back end other than PyTorch runs for a network, and what is known of the network in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.errors import InferenceError
from monitor_app.inference.messages import Loaded
from monitor_app.inference.networks.counts import Costs, known_costs
from monitor_app.inference.networks.registry import network_of
from monitor_app.inference.networks.weights import file_sha256
from monitor_app.inference.onnx_files import workshop

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.inference.messages import Load
    from monitor_app.inference.networks.network import Network

ONNX, TFLITE = ".onnx", ".tflite"
COSTS = "costs"
"""Name of the fact that says why some of them are not known."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A network as a file."""

    network: Network
    path: Path
    costs: Costs | None
    """Of one image; None where they are not known."""
    weights: str | None
    """What its weights are called; None: random, and accuracy is not measured."""
    weights_sha256: str | None
    precision: str | None = None
    """That it holds: fp32, fp16 or int8; None where that is not known."""
    facts: dict[str, str] = field(default_factory=dict)
    """How it was made, by the names of the table run_fact."""
    calibrated_with: tuple[Path, ...] = ()
    """Images by which its ranges were found: its accuracy is not to be measured on them."""

    def loaded(self, input_pixels: int | None, started: float, settings: dict[str, str]) -> Loaded:
        """What the child reports once it is loaded.

        Args:
            input_pixels: side of the images; None where it takes something else.
            started: when loading began, as `time.perf_counter` has it.
            settings: of the back end.
        """
        costs = self.costs
        return Loaded(
            network=self.network.name,
            title=self.network.title,
            parameters=costs.parameters if costs else None,
            macs=costs.macs if costs else None,
            operations=costs.operations if costs else None,
            input_pixels=input_pixels,
            weights=self.weights,
            weights_sha256=self.weights_sha256,
            seconds=perf_counter() - started,
            settings={**settings, **self.facts},
        )


def model_file(command: Load, back_end: str) -> ModelFile:
    """The file that `back_end` runs for the network of `command`, which is made where it is missing.

    Raises:
        InferenceError: there is none that it can run.
    """
    network, row = network_of(command), BACK_ENDS[back_end]
    suffixes = (*row.suffixes, *row.takes)
    if network.file is not None and network.file.name.lower().endswith(suffixes):
        return _own(network, network.file, command.weights)
    if not {ONNX, TFLITE}.intersection(suffixes) or _of_another(network, back_end):
        kinds = " or ".join(suffixes)
        raise InferenceError(f"{row.title} runs files that end in {kinds}, and {network.title} is none: name such one.")
    if ONNX in suffixes:
        path, known = workshop.kept_export(network, command.weights, command.seed)
        facts = {"exported by": f"{known['way']}, opset {known['opset']}"}
    else:
        path, known = workshop.kept_tflite(network, command.weights, command.seed)
        facts = {"exported by": str(known["way"])}
    return ModelFile(network, path, _costs(network, known), known["weights"], known["weights_sha256"], "fp32", facts)


def in_precision(file: ModelFile, command: Load, *, symmetric: bool = False) -> ModelFile:
    """The file with the network in the precision of `command`, which is made where it is missing.

    Args:
        file: what there is.
        command: names the precision and, for int8, the images for the calibration.
        symmetric: int8 with zero in the middle for activations too, as GPUs have it.

    Raises:
        InferenceError: it is in another one already, or cannot be converted.
    """
    # TF32 is how a GPU multiplies the numbers of fp32
    wanted = "fp32" if command.precision == "tf32" else command.precision
    if file.precision is None or wanted == file.precision:
        return file
    if file.precision != "fp32":
        raise InferenceError(
            f"{file.path} holds a network in {file.precision}: set precision to {file.precision}, or name its file in "
            "fp32."
        )
    made = workshop.converted(file.path, file.network, wanted, command.calibration or None, symmetric=symmetric)
    return replace(
        file, path=made.path, precision=wanted, facts={**file.facts, **made.facts}, calibrated_with=made.images
    )


def _of_another(network: Network, back_end: str) -> bool:
    """Whether it is a file that is made for neither PyTorch nor this back end."""
    torch = BACK_ENDS["torch"].suffixes
    return network.file is not None and back_end != "torch" and not network.file.name.lower().endswith(torch)


def _own(network: Network, path: Path, weights: str) -> ModelFile:
    title = None if weights == "none" else network.source
    sha256 = None if weights == "none" else file_sha256(path)
    if not path.name.lower().endswith(ONNX):
        return ModelFile(network, path, None, title, sha256, facts={COSTS: f"a file {path.suffix} is not counted"})
    found = workshop.description(path, network.cost_pixels)
    costs = Costs(**found["costs"]) if found["costs"] else None
    facts = {COSTS: found["reason"]} if found["reason"] else {}
    return ModelFile(network, path, costs, title, sha256, found["precision"], facts)


def _costs(network: Network, known: dict[str, Any]) -> Costs:
    named = None if network.own else known_costs(network.name)
    return named or Costs(known["parameters"], known["macs"], known["operations"])
