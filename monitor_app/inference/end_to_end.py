# SPDX-License-Identifier: Apache-2.0
"""A pass from the bytes of images to answers on the host, with a stamp between its stages. The same for every back end.

The files are read once before, so that they come from the memory of the system as those of a camera or of a network
would, and not from a disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.host_time import host_time_ns
from monitor_app.inference.datasets import DatasetError
from monitor_app.inference.images import BadImageError, decode_image, prepare_image

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor_app.inference.back_ends.back_end import Model
    from monitor_app.inference.datasets import Dataset

MOST_IMAGES = 256
"""Different ones; they are used again and again."""


class EndToEnd:
    """Passes over the images of a data set, one batch after the other.

    Args:
        model: the network, which takes images.
        dataset: where they come from.
        batch_size: images of a pass.

    Raises:
        DatasetError: none of the images can be decoded.
    """

    def __init__(self, model: Model, dataset: Dataset, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size
        usable = list(_usable(image.file for image in dataset.images[:MOST_IMAGES]))
        if not usable:
            raise DatasetError(dataset.reason or "No image can be decoded: name a folder of images.")
        self._files = usable
        self._used = 0

    def run(self) -> tuple[int, ...]:
        """One pass: the start of each of core.runs.STAGES, and the end of the last."""
        model, network = self._model, self._model.network
        files = [self._files[(self._used + place) % len(self._files)] for place in range(self._batch_size)]
        self._used += self._batch_size
        model.synchronize()
        start_ns = host_time_ns()
        photographs = [decode_image(file) for file in files]
        decoded_ns = host_time_ns()
        arrays = np.stack([prepare_image(each, network.preprocessing, network.input_pixels) for each in photographs])
        processed_ns = host_time_ns()
        prepared = model.prepare([arrays])
        model.synchronize()
        copied_ns = host_time_ns()
        outputs = model.run(prepared)
        model.synchronize()
        computed_ns = host_time_ns()
        model.arrays(outputs)
        return start_ns, decoded_ns, processed_ns, copied_ns, computed_ns, host_time_ns()


def _usable(files: Iterable[Path]) -> Iterable[Path]:
    for file in files:
        try:
            decode_image(file)
        except BadImageError:
            continue
        yield file
