# SPDX-License-Identifier: Apache-2.0
"""Images by which the ranges of an int8 network are found: a sample of a data set, the rest being for accuracy."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import InferenceError
from monitor_app.inference.datasets import find_dataset
from monitor_app.inference.networks.weights import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.inference.networks.network import Network

AT_MOST = 100
"""More change the ranges little, and each takes as long as a pass."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class CalibrationImages:
    """The sample. The accuracy of what was calibrated with them is not to be measured on them."""

    files: tuple[Path, ...]
    of: int
    """Images in the data set."""
    name: str
    """Of the data set, as the profile names it."""
    sha256: str
    """Of a line `NAME SHA256` for each of them, in the order of the names."""

    @property
    def facts(self) -> dict[str, str]:
        """What a session keeps of them."""
        return {
            "calibration": f"{len(self.files)} of the {self.of} images of {self.name}",
            "calibration images": ", ".join(file.name for file in self.files),
            "calibration SHA-256": self.sha256,
        }


def calibration_images(images: str | None, network: Network) -> CalibrationImages:
    """A sample of `demo` or of a folder: at most a hundred, and never more than half of them; always the same one.

    Raises:
        InferenceError: none are named, or there are none.
    """
    if images is None:
        raise InferenceError(
            f"int8 needs images to find the ranges of {network.title} with: set calibration in [inference] to demo, or "
            "to a folder of images."
        )
    dataset = find_dataset(images)
    if not dataset.images:
        raise InferenceError(f"There are no images to calibrate {network.title} with ({dataset.reason}).")
    every = sorted(image.file for image in dataset.images)
    sample = random.Random(_SEED).sample(every, max(min(AT_MOST, len(every) // 2), 1))
    files = tuple(sorted(sample))
    lines = "".join(f"{file.name} {file_sha256(file)}\n" for file in files)
    digest = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    return CalibrationImages(files, len(every), images, digest)
