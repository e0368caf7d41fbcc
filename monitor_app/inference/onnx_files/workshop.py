# SPDX-License-Identifier: Apache-2.0
"""ONNX and LiteRT files of networks, made where they are missing and kept for the next time. Imports no converter.

What is made depends only on what stands in its name: the same network, weights, precision and versions are made once.
A board elsewhere has a stand-in for this file (`remote/bundle/on_board/workshop.py`), which makes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor_app import __version__
from monitor_app.core.child_process import python_module, signal_name
from monitor_app.core.errors import InferenceError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.files.private_files import private_folder
from monitor_app.inference.networks.weights import file_sha256
from monitor_app.inference.networks.weights_files import locate_weights
from monitor_app.inference.torch_missing import TorchMissingError, require_torch
from monitor_app.inference.versions import installed_versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.inference.networks.network import Network

_MAKERS = "monitor_app.inference.onnx_files."


@dataclass(frozen=True, slots=True)
class Converted:
    """A network in another precision."""

    path: Path
    facts: dict[str, str]
    """How it was made, by the names of the table run_fact."""
    images: tuple[Path, ...]
    """By which its ranges were found: its accuracy is not to be measured on them."""


def export_network(network: Network, weights: str, seed: int, file: Path) -> dict[str, Any]:
    """Write a network of PyTorch to an ONNX file. What is known of it, see `export.export`.

    Raises:
        InferenceError: torch or its exporter is not installed, or it cannot be exported.
    """
    _require_exporter(network)
    _say(f"Exporting {network.title} to ONNX, which takes up to a minute")
    return _work("export", network=network.name, weights=weights, seed=seed, file=str(file))


def kept_export(network: Network, weights: str, seed: int) -> tuple[Path, dict[str, Any]]:
    """The ONNX file of a network of PyTorch, made if it is missing, and what is known of it.

    Raises:
        InferenceError: as `export_network`; or it cannot be kept.
    """
    known = _made_of(network, weights, seed)
    # Whatever a function of the user's builds may be another network the next time
    changes = network.own and network.file is None
    file = _named(network, known)
    return _kept(file, lambda: export_network(network, weights, seed, file), changes=changes)


def converted(
    file: Path, network: Network, precision: str, calibration: str | None, *, symmetric: bool = False
) -> Converted:
    """The same network in another precision, made if it is missing.

    Args:
        file: in fp32.
        network: whose.
        precision: fp16 or int8.
        calibration: images by which the ranges of int8 are found, `demo` or a folder.
        symmetric: int8 with zero in the middle for activations too, as GPUs have it.

    Raises:
        InferenceError: it cannot be converted, or there are no images to calibrate it with.
    """
    from monitor_app.inference.onnx_files.calibration import calibration_images

    images = calibration_images(calibration, network) if precision == "int8" else None
    known = {
        "file": file_sha256(file),
        "precision": precision,
        "images": images.sha256 if images is not None else None,
        "pixels": network.input_pixels,
        "symmetric": symmetric,
        "versions": [__version__, *installed_versions("onnx", "onnxruntime").values()],
    }
    made = _named(network, known, precision)

    def make() -> dict[str, Any]:
        _say(f"Converting {network.title} to {precision}")
        return _work(
            "convert",
            source=str(file),
            network=network.name,
            precision=precision,
            images=[str(each) for each in images.files] if images is not None else [],
            symmetric=symmetric,
            file=str(made),
        )

    path, answer = _kept(made, make)
    facts = {"conversion": str(answer["way"]), **(images.facts if images is not None else {})}
    return Converted(path, facts, images.files if images is not None else ())


def quantised_for_openvino(file: Path, network: Network, calibration: str | None) -> Converted:
    """The same network in int8 by OpenVINO's own quantiser, made if it is missing.

    Args:
        file: that OpenVINO reads.
        network: whose.
        calibration: images by which the ranges are found, `demo` or a folder.

    Raises:
        InferenceError: it cannot be converted, or there are no images to calibrate it with.
    """
    from monitor_app.inference.onnx_files.calibration import calibration_images

    images = calibration_images(calibration, network)
    known = {
        "file": file_sha256(file),
        # The weights of a file .xml are beside it
        "weights": file_sha256(file.with_suffix(".bin")) if file.suffix.lower() == ".xml" else None,
        "images": images.sha256,
        "pixels": network.input_pixels,
        "versions": [__version__, *installed_versions("nncf", "openvino").values()],
    }
    made = _named(network, known, "openvino-int8", ".xml")

    def make() -> dict[str, Any]:
        _say(f"Quantising {network.title} for OpenVINO, which takes minutes")
        files = [str(each) for each in images.files]
        return _work("openvino_int8", source=str(file), network=network.name, images=files, file=str(made))

    path, answer = _kept(made, make)
    return Converted(path, {"conversion": str(answer["way"]), **images.facts}, images.files)


def kept_tflite(network: Network, weights: str, seed: int) -> tuple[Path, dict[str, Any]]:
    """The LiteRT file of a network of PyTorch, made if it is missing, and what is known of it.

    Raises:
        InferenceError: its converter is not installed, or it cannot be converted; or it cannot be kept.
    """
    # Not on the converter, which is large: what another environment has made is found by one without it
    file = _named(network, _made_of(network, weights, seed), suffix=".tflite")
    changes = network.own and network.file is None
    return _kept(file, lambda: export_tflite(network, weights, seed, file), changes=changes)


def export_tflite(network: Network, weights: str, seed: int, file: Path) -> dict[str, Any]:
    """Write a network of PyTorch to a LiteRT file. What is known of it, see `export_tflite.export_tflite`.

    Raises:
        InferenceError: torch or the converter is not installed, or it cannot be converted.
    """
    require_torch()
    _say(f"Converting {network.title} for LiteRT, which takes up to a minute")
    return _work("export_tflite", network=network.name, weights=weights, seed=seed, file=str(file))


def description(file: Path, pixels: int) -> dict[str, Any]:
    """What an ONNX file of the user's holds, see `describe.describe`. Raises InferenceError."""
    return _work("describe", file=str(file), pixels=pixels)


def cache_folder() -> Path:
    """Where files are kept that can be made again, by the XDG base directory specification. Raises InferenceError."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return private_folder(Path(base).expanduser() / "monitor-app" / "models")
    except (OSError, RuntimeError) as error:
        raise InferenceError(
            f"There is no folder to keep models in ({error}): set XDG_CACHE_HOME to a folder of your own."
        ) from error


def _made_of(network: Network, weights: str, seed: int) -> dict[str, Any]:
    """All that the file of a network of PyTorch depends on."""
    located = locate_weights(network, weights)
    return {
        "network": network.name,
        "weights": None if located is None else file_sha256(located),
        "seed": seed if located is None else None,
        "file": None if network.file is None else file_sha256(network.file),
        "versions": [__version__, *installed_versions("torch", "torchvision", "onnxscript").values()],
    }


def _named(network: Network, known: dict[str, Any], precision: str = "", suffix: str = ".onnx") -> Path:
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    title = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in network.title)[:60]
    return cache_folder() / f"{title}{'-' if precision else ''}{precision}-{digest[:16]}{suffix}"


def _kept(file: Path, make: Callable[[], dict[str, Any]], *, changes: bool = False) -> tuple[Path, dict[str, Any]]:
    """A file with what is known of it, which is written last: where that is there, both are whole."""
    # The same network may be kept as .onnx and as .tflite
    beside = file.with_name(f"{file.name}.json")
    if not changes and file.is_file():
        try:
            return file, json.loads(beside.read_text("utf-8"))
        except (OSError, ValueError):
            pass  # made by a process that did not come to its end
    answer = make()
    with completed(beside) as stream:
        stream.write(json.dumps(answer).encode())
    return file, answer


def _require_exporter(network: Network) -> None:
    line = f"`monitor-app networks --export {network.name} -o {network.name}.onnx`"
    try:
        require_torch()
    except TorchMissingError as error:
        raise InferenceError(
            f"{network.title} has to be made an ONNX file by PyTorch, which is not installed here: type {line} on a "
            "computer that has it, and name the file in the profile."
        ) from error
    if "not installed" in installed_versions("onnxscript").values():
        raise InferenceError(
            f"PyTorch needs the package onnxscript to export {network.title}: type `pip install 'inferwatt[onnx]'`."
        )


def _work(maker: str, **request: Any) -> dict[str, Any]:
    """What a process of that module answers. Raises InferenceError."""
    command = python_module(_MAKERS + maker, json.dumps({**request, "parent": os.getpid()}))
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise InferenceError(
            f"The process that makes ONNX files cannot be started ({error.strerror}): free some memory."
        ) from error
    lines = ended.stdout.splitlines()
    if not lines:
        code = ended.returncode
        how = f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        raise InferenceError(f"The process that makes ONNX files {how}: see the log, and free some memory.")
    answer: dict[str, Any] = json.loads(lines[-1])
    if "error" in answer:
        raise InferenceError(answer["error"])
    return answer


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
