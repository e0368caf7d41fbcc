# SPDX-License-Identifier: Apache-2.0
"""Labelled photographs for the accuracy phase: which images a folder holds, and what the right answers are.

The layouts are in docs/datasets.md. A folder from which the right answers are not certain is refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.inference.ground_truth import (
    CLASSES,
    DatasetError,
    check_first_labels,
    class_indices,
    find_ground_truth,
    validation_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find_dataset", "Dataset", "LabelledImage", "DatasetError"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_INDEX = re.compile(r"\d{1,3}", re.ASCII)
_WNID = re.compile(r"n\d{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A file and the index (from 0) of the right answer among the network's answers."""

    file: Path
    label: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images to evaluate on, in a fixed order."""

    images: tuple[LabelledImage, ...]
    unlabelled: tuple[str, ...] = ()
    """Image files without a known label."""
    reason: str | None = None
    """Why there are no images at all."""
    classes: int | None = None
    """The number of answers that a network must have for the labels to apply; None: any with at least the labels."""

    @property
    def sha256(self) -> str:
        """Of the names of the images below their common folder, and their labels, in their order."""
        if not self.images:
            return hashlib.sha256().hexdigest()
        folder = os.path.commonpath([image.file.parent for image in self.images])
        lines = (f"{image.file.relative_to(folder).as_posix()} {image.label}\n" for image in self.images)
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()

    def misfit(self, answers: int, network_title: str) -> str | None:
        """Why a network with this number of answers cannot be evaluated on the labels; None: it can."""
        if self.classes is not None and answers != self.classes:
            misfit = f"the images are of {self.classes}"
        elif (beyond := next((image for image in self.images if image.label >= answers), None)) is not None:
            misfit = f"{beyond.file.name} is labelled {beyond.label}"
        else:
            return None
        return f"{network_title} has {answers} classes and {misfit}: name images of the classes that it was trained on"


def find_dataset(images: str) -> Dataset:
    """The labelled images of `demo`, or of a folder.

    A folder holds one folder per class, flat files named `..._LABEL.jpg`, or the flat ImageNet validation images
    with a ground-truth file beside them or one folder up.

    Raises:
        DatasetError: there is no such folder, no labelled image in it, or its labels are ambiguous.
    """
    if images == "demo":
        return _demo()
    folder = Path(images).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}: name one with labelled images, or `demo`.")
    try:
        dataset = _in_folder(folder)
    except OSError as error:
        raise DatasetError(
            f"The images in {folder} cannot be listed ({error.strerror}): name a folder that can be read."
        ) from error
    if not dataset.images:
        raise DatasetError(
            f"The folder {folder} has no labelled image: name files like photo_243.jpg after the class, put them in "
            "one folder per class, or put the ground-truth file beside them."
        )
    return dataset


def _demo() -> Dataset:
    spec = importlib.util.find_spec("foolbox")
    folder = Path(next(iter(spec.submodule_search_locations or [""])), "data") if spec else None
    if folder is None or not folder.is_dir():
        return Dataset((), reason="no images: type `pip install --no-deps foolbox==3.3.4` for the twenty of the demo")
    photographs = [file for file in _image_files(folder) if file.name.startswith("imagenet_")]
    return replace(_by_name(photographs), classes=CLASSES)


def _in_folder(folder: Path) -> Dataset:
    flat = _image_files(folder)
    subfolders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    truth = find_ground_truth(folder) if flat else None
    if truth is not None:
        check_first_labels(truth.items(), "The ground-truth file")
        return _by_truth(flat, truth)
    if subfolders:
        dataset = _by_class(folder, subfolders)
        return replace(dataset, unlabelled=tuple(file.name for file in flat))
    return _by_name(flat)


def _image_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _by_truth(files: list[Path], truth: Mapping[str, int]) -> Dataset:
    labelled = tuple(LabelledImage(file, truth[file.stem]) for file in files if file.stem in truth)
    unlabelled = tuple(file.name for file in files if file.stem not in truth)
    of_imagenet = any(validation_number(image.file.stem) is not None for image in labelled)
    return Dataset(labelled, unlabelled, classes=CLASSES if of_imagenet else None)


def _by_name(files: list[Path]) -> Dataset:
    found = [(file, re.search(r"_(\d{1,3})$", file.stem, re.ASCII)) for file in files]
    return Dataset(
        tuple(LabelledImage(file, int(label[1])) for file, label in found if label is not None),
        tuple(file.name for file, label in found if label is None),
    )


def _by_class(folder: Path, subfolders: list[Path]) -> Dataset:
    index_of, classes = _classes(folder, [entry.name for entry in subfolders])
    # Names sort as text, classes as numbers: 22 comes before 100
    ordered = sorted(subfolders, key=lambda entry: index_of[entry.name])
    images = tuple(LabelledImage(file, index_of[entry.name]) for entry in ordered for file in _image_files(entry))
    check_first_labels(((image.file.stem, image.label) for image in images), f"The folder {folder}")
    return Dataset(images, classes=classes)


def _classes(folder: Path, names: list[str]) -> tuple[dict[str, int], int | None]:
    """The class index of each folder, and how many classes there are if that is certain."""
    if all(_INDEX.fullmatch(name) for name in names):
        return _numbered(folder, names), None
    if all(_WNID.fullmatch(name) for name in names):
        return class_indices(names, folder), CLASSES
    mixed = any(_INDEX.fullmatch(name) or _WNID.fullmatch(name) for name in names)
    if mixed or len(names) == CLASSES:
        odd = next(name for name in names if not _INDEX.fullmatch(name) and not _WNID.fullmatch(name))
        raise DatasetError(
            f"The folder {folder / odd} is not named after a class of ImageNet and others may be: use the class index "
            f"(0 to {CLASSES - 1}) or the WordNet id (n01440764), the same way for all."
        )
    if _SPLITS.issuperset(name.lower() for name in names):
        raise DatasetError(
            f"The folders in {folder} ({', '.join(names)}) are no classes: name the one of them with the images to "
            "evaluate on."
        )
    return {name: index for index, name in enumerate(sorted(names))}, len(names)


def _numbered(folder: Path, names: list[str]) -> dict[str, int]:
    index_of = {name: int(name) for name in names}
    numbers = sorted(index_of.values())
    # A network of the user's that was trained on them with torchvision's ImageFolder has 10 before 2
    all_from_0 = numbers == list(range(len(names))) and len(names) < CLASSES
    if len(set(numbers)) < len(names) or (all_from_0 and [index_of[name] for name in sorted(names)] != numbers):
        raise DatasetError(
            f"The folders in {folder} are numbered so that 10 may come before 2 or after 9: fill the numbers up with "
            "zeros to one length (02, 10)."
        )
    return index_of
