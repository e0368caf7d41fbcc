# SPDX-License-Identifier: Apache-2.0
"""From a photograph to the input of a network."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from monitor_app.inference.datasets import DatasetError, LabelledImage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor_app.inference.networks.registry import Preprocessing

BLOCK = 64
MAX_ASPECT = 20

# Pillow 9.1 gave them a place of their own; the last for Python 3.6 is 8.4
_RESAMPLING = getattr(Image, "Resampling", Image)
_FILTERS = {"bilinear": _RESAMPLING.BILINEAR, "bicubic": _RESAMPLING.BICUBIC}


class BadImageError(DatasetError):
    """One image that cannot be decoded. The evaluation continues without it."""


def read_images(
    images: Sequence[LabelledImage], preprocessing: Preprocessing, pixels: int
) -> Iterator[tuple[LabelledImage, np.ndarray | BadImageError]]:
    """Each image with its central crop as `read_image` gives it, or with why there is none; in their order.

    They are decoded on all processors, a block at a time, and the caller has the processors for itself:
    nothing is decoded between two calls.
    """
    read = partial(_read_or_error, preprocessing=preprocessing, pixels=pixels)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="decode") as pool:
        for start in range(0, len(images), BLOCK):
            block = images[start : start + BLOCK]
            # All of it before the first is given away
            yield from list(zip(block, pool.map(read, block), strict=True))


def _read_or_error(image: LabelledImage, preprocessing: Preprocessing, pixels: int) -> np.ndarray | BadImageError:
    try:
        return read_image(image.file, preprocessing, pixels)
    except BadImageError as error:
        return error


def read_image(file: Path, preprocessing: Preprocessing, pixels: int) -> np.ndarray:
    """The central crop of an image as a network takes it.

    Returns:
        float32 (3, pixels, pixels): red, green, blue, normalised.

    Raises:
        BadImageError: it cannot be opened or decoded.
    """
    return prepare_image(decode_image(file), preprocessing, pixels)


def decode_image(file: Path) -> Image.Image:
    """An image in memory, red, green and blue, of any size. Raises BadImageError."""
    try:
        with Image.open(file) as image:
            photograph: Image.Image = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise BadImageError(f"{file.name} cannot be decoded ({error})") from error
    if max(photograph.size) > MAX_ASPECT * min(photograph.size):
        raise BadImageError(f"{file.name} is too narrow for a square crop")
    return photograph


def prepare_image(photograph: Image.Image, preprocessing: Preprocessing, pixels: int) -> np.ndarray:
    """Resize, crop and normalise an RGB image of any size; see `read_image`."""
    short = min(photograph.size)
    # The long side is cut to whole pixels, not rounded, as the reference transforms do
    size = [int(preprocessing.resize_pixels * side / short) for side in photograph.size]
    resized = photograph.resize((size[0], size[1]), _FILTERS[preprocessing.interpolation])
    left, top = (round((side - pixels) / 2) for side in size)
    crop = resized.crop((left, top, left + pixels, top + pixels))
    values = np.asarray(crop, np.float32) / np.float32(255)
    mean = np.array(preprocessing.mean, np.float32)
    std = np.array(preprocessing.std, np.float32)
    values = (values - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1))
