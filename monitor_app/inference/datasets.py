# SPDX-License-Identifier: Apache-2.0
"""Labelled photographs for the accuracy phase, and how one becomes the input of a network."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from monitor_app.inference.networks.registry import Preprocessing

CLASSES = 1000
MAX_ASPECT = 20


class DatasetError(InferenceError):
    """A folder of images that cannot be used."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A file and the index (0 to 999) of the right answer, in the usual order of the ImageNet classes."""

    file: Path
    label: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images to evaluate on, in a fixed order."""

    images: tuple[LabelledImage, ...]
    unlabelled: tuple[str, ...] = ()
    """Image files whose label could not be told."""
    reason: str | None = None
    """Why there are no images at all."""


def find_dataset(images: str) -> Dataset:
    """The labelled images of `demo`, or of a folder.

    A folder holds either flat files named `..._LABEL.jpg`, or one folder per class, named by its index or by
    its WordNet id. Ids are told apart by a file `synsets.txt` in the folder (1000 ids, one a line, in class
    order); without it all 1000 must be there.

    Raises:
        DatasetError: there is no such folder, or no labelled image in it.
    """
    if images == "demo":
        return _demo()
    folder = Path(images).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}: name one with labelled images, or `demo`.")
    subfolders = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    dataset = _by_class(folder, subfolders) if subfolders else _by_name(folder)
    if not dataset.images:
        raise DatasetError(
            f"The folder {folder} has no labelled image: name files like photo_243.jpg after the class, "
            "or put them in one folder per class."
        )
    return dataset


def _demo() -> Dataset:
    spec = importlib.util.find_spec("foolbox")
    folder = Path(next(iter(spec.submodule_search_locations or [""])), "data") if spec else None
    if folder is None or not folder.is_dir():
        return Dataset((), reason="no images: type `pip install --no-deps foolbox==3.3.4` for the twenty of the demo")
    return _by_name(folder, prefix="imagenet_")


_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def _image_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())


def _by_name(folder: Path, prefix: str = "") -> Dataset:
    images: list[LabelledImage] = []
    unlabelled: list[str] = []
    for file in _image_files(folder):
        if not file.name.startswith(prefix):
            continue
        label = re.search(r"_(\d{1,3})$", file.stem, re.ASCII)
        if label is None:
            unlabelled.append(file.name)
        else:
            images.append(LabelledImage(file, int(label[1])))
    return Dataset(tuple(images), tuple(unlabelled))


def _by_class(folder: Path, subfolders: list[Path]) -> Dataset:
    index_of = _class_indices(folder, [entry.name for entry in subfolders])
    # Names sort as text, classes as numbers: 22 comes before 100
    ordered = sorted(subfolders, key=lambda entry: index_of[entry.name])
    return Dataset(
        tuple(LabelledImage(file, index_of[entry.name]) for entry in ordered for file in _image_files(entry))
    )


def _class_indices(folder: Path, names: list[str]) -> dict[str, int]:
    if all(re.fullmatch(r"\d{1,3}", name, re.ASCII) for name in names):
        return {name: int(name) for name in names}
    if not all(re.fullmatch(r"n\d{8}", name, re.ASCII) for name in names):
        odd = next(name for name in names if not re.fullmatch(r"\d{1,3}|n\d{8}", name, re.ASCII))
        raise DatasetError(
            f"The folder {folder / odd} is not named after a class: use the class index (0 to {CLASSES - 1}) "
            "or the WordNet id (n01440764), the same way for all."
        )
    synsets = _synsets(folder, names)
    unknown = [name for name in names if name not in synsets]
    if unknown:
        raise DatasetError(f"{folder / 'synsets.txt'} does not list {unknown[0]}: add it, or remove its folder.")
    return {name: synsets[name] for name in names}


def _synsets(folder: Path, names: list[str]) -> dict[str, int]:
    table = folder / "synsets.txt"
    if table.is_file():
        ids = [line.split()[0] for line in table.read_text("utf-8", "replace").splitlines() if line.strip()]
    elif len(names) == CLASSES:
        # The usual class order is that of the sorted ids
        ids = sorted(names)
    else:
        raise DatasetError(
            f"{folder} has {len(names)} of the {CLASSES} class folders, which does not tell their indices: "
            f"put the {CLASSES} WordNet ids, one a line in class order, into {table}."
        )
    if len(ids) != CLASSES:
        raise DatasetError(f"{table} lists {len(ids)} ids instead of {CLASSES}: put all of them in, in class order.")
    return {wnid: index for index, wnid in enumerate(ids)}


class BadImageError(DatasetError):
    """One image that cannot be decoded. The evaluation goes on without it."""


def read_image(file: Path, preprocessing: Preprocessing, pixels: int) -> np.ndarray:
    """The central crop of an image as a network takes it.

    Returns:
        float32 (3, pixels, pixels): red, green, blue, normalised.

    Raises:
        BadImageError: it cannot be opened or decoded.
    """
    try:
        with Image.open(file) as image:
            photograph = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise BadImageError(f"{file.name} cannot be decoded ({error})") from error
    if max(photograph.size) > MAX_ASPECT * min(photograph.size):
        raise BadImageError(f"{file.name} is too narrow to take a square of it")
    return prepare_image(photograph, preprocessing, pixels)


def prepare_image(photograph: Image.Image, preprocessing: Preprocessing, pixels: int) -> np.ndarray:
    """Resize, crop and normalise an RGB image of any size; see `read_image`."""
    short = min(photograph.size)
    # The long side is cut to whole pixels, not rounded, as the reference transforms do
    size = [int(preprocessing.resize_pixels * side / short) for side in photograph.size]
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    resized = photograph.resize((size[0], size[1]), filters[preprocessing.interpolation])
    left, top = (round((side - pixels) / 2) for side in size)
    crop = resized.crop((left, top, left + pixels, top + pixels))
    values = np.asarray(crop, np.float32) / np.float32(255)
    mean = np.array(preprocessing.mean, np.float32)
    std = np.array(preprocessing.std, np.float32)
    values = (values - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1))
