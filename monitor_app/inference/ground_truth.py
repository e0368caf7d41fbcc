# SPDX-License-Identifier: Apache-2.0
"""The right answers to the flat ImageNet validation images, from the files that hold them, and classes by WordNet id.

A class has an index from 0 to 999: its place among the 1000 ids in sorted order, which is what published networks
answer. The numbers in ImageNet's own development kit are others.
"""

from __future__ import annotations

import csv
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

CLASSES = 1000
FIRST_LABELS = (65, 970, 230, 809, 516, 57, 334, 415, 674, 332)
"""Of ILSVRC2012_val_00000001 and those after it: they reveal another order of the classes."""

_VALIDATION = re.compile(r"ILSVRC2012_val_(\d{8})", re.ASCII)
_WNID = re.compile(r"n\d{8}", re.ASCII)


class DatasetError(InferenceError):
    """A folder of images that cannot be used."""


def validation_number(stem: str) -> int | None:
    """Of the image of the ImageNet validation set whose file is called so, from 1; None for any other file."""
    name = _VALIDATION.fullmatch(stem)
    return int(name[1]) if name else None


def find_ground_truth(folder: Path) -> Mapping[str, int] | None:
    """The class index of each image by its file's name without suffix; None where there is no ground-truth file.

    Looked for in `folder`, then in the one above.

    Raises:
        DatasetError: the file cannot be used, or its labels cannot be turned into class indices.
    """
    for place in (folder, folder.parent):
        for pattern, read in _READERS.items():
            found = sorted(place.glob(pattern))
            if found:
                return read(found[0])
    return None


def check_first_labels(labels: Iterable[tuple[str, int]], origin: str) -> None:
    """Compare labels, given by file name without suffix, with those of the first validation images.

    Raises:
        DatasetError: they are in another order than that of the networks' answers.
    """
    for stem, label in labels:
        number = validation_number(stem)
        if number is not None and 1 <= number <= len(FIRST_LABELS) and FIRST_LABELS[number - 1] != label:
            raise DatasetError(
                f"{origin} puts {stem} into class {label}, which is class {FIRST_LABELS[number - 1]}: number the "
                "classes from 0 in the order of their sorted WordNet ids."
            )


def class_indices(wnids: Iterable[str], folder: Path) -> dict[str, int]:
    """The class index of each of these WordNet ids.

    By a file synsets.txt in `folder` or above it (1000 ids, one a line, in class order); else by the ids alone if
    all 1000 are there; else by the list that the package timm carries, if that is installed.

    Raises:
        DatasetError: the indices follow from none of these, or one is in no list.
    """
    wanted = sorted(set(wnids))
    tables = (place / "synsets.txt" for place in (folder, folder.parent))
    table = next((each for each in tables if each.is_file()), None)
    if table is None and len(wanted) == CLASSES:
        return {wnid: index for index, wnid in enumerate(wanted)}
    table = table or _timm_table()
    remedy = f"put the {CLASSES} WordNet ids, one a line in class order, into {folder / 'synsets.txt'}"
    if table is None:
        raise DatasetError(
            f"{folder} has {len(wanted)} of the {CLASSES} classes, from which their indices do not follow: {remedy}."
        )
    ids = [line.split()[0] for line in _lines(table)]
    if len(set(ids)) != CLASSES or len(ids) != CLASSES:
        raise DatasetError(
            f"{table} lists {len(ids)} ids instead of {CLASSES} different ones: put all of them in, in class order."
        )
    unknown = [wnid for wnid in wanted if wnid not in ids]
    if unknown:
        raise DatasetError(f"{table} does not list {unknown[0]}: remove its images, or {remedy}.")
    return {wnid: index for index, wnid in enumerate(ids)}


def _timm_table() -> Path | None:
    spec = importlib.util.find_spec("timm")
    places = spec.submodule_search_locations if spec else None
    table = Path(next(iter(places or [""])), "data", "_info", "imagenet_synsets.txt")
    return table if table.is_file() else None


def _lines(file: Path) -> list[str]:
    """Without empty ones."""
    try:
        text = file.read_text("utf-8-sig", "replace")
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}): make it readable, or remove it.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _unusable(file: Path, line: str, form: str) -> DatasetError:
    return DatasetError(f"{file} has a line {line[:60]!r}, which is not {form}: put the original file there.")


def _read_caffe(file: Path) -> dict[str, int]:
    labels: dict[str, int] = {}
    for line in _lines(file):
        name, _, label = line.rpartition(" ")
        if not name or not re.fullmatch(r"\d{1,3}", label, re.ASCII):
            raise _unusable(file, line, f"a file's name and a class index from 0 to {CLASSES - 1}")
        labels[Path(name.strip()).stem] = int(label)
    return labels


def _read_synset_labels(file: Path) -> dict[str, int]:
    return _by_place(_indexed(file, _lines(file)))


def _read_kaggle(file: Path) -> dict[str, int]:
    names: list[str] = []
    wnids: list[str] = []
    for line in csv.reader(_lines(file)[1:]):
        # An id and four corners for each object
        objects = set(line[1].split()[::5]) if len(line) == 2 else set()
        if len(objects) != 1:
            raise _unusable(file, ",".join(line), "an image and boxes of one class")
        names.append(line[0])
        wnids.append(objects.pop())
    return dict(zip(names, _indexed(file, wnids), strict=True))


def _read_devkit(file: Path) -> dict[str, int]:
    table = next(
        (each for place in (file.parent, file.parent.parent) if (each := place / "map_clsloc.txt").is_file()), None
    )
    if table is None:
        raise DatasetError(
            f"{file} numbers the classes in an order of its own, which only the development kit defines: put its "
            "map_clsloc.txt there too, or Caffe's val.txt in its place."
        )
    wnids: dict[str, str] = {}
    for line in _lines(table):
        wnid, number, *_ = (*line.split(), "", "")
        if number in wnids:
            raise _unusable(table, line, "a WordNet id and a number of its own")
        wnids[number] = wnid
    if wnids.keys() != {str(number) for number in range(1, CLASSES + 1)}:
        raise DatasetError(f"{table} does not number {CLASSES} ids from 1: put the original file there.")
    unknown = next((line for line in _lines(file) if line not in wnids), None)
    if unknown is not None:
        raise _unusable(file, unknown, f"a number from 1 to {CLASSES}")
    index_of = dict(zip(wnids.values(), _indexed(table, list(wnids.values())), strict=True))
    return _by_place([index_of[wnids[line]] for line in _lines(file)])


def _indexed(file: Path, wnids: Sequence[str]) -> list[int]:
    odd = next((wnid for wnid in wnids if not _WNID.fullmatch(wnid)), None)
    if odd is not None:
        raise _unusable(file, odd, "a WordNet id")
    index_of = class_indices(wnids, file.parent)
    return [index_of[wnid] for wnid in wnids]


def _by_place(labels: Sequence[int]) -> dict[str, int]:
    return {f"ILSVRC2012_val_{number:08d}": label for number, label in enumerate(labels, start=1)}


_READERS: dict[str, Callable[[Path], dict[str, int]]] = {
    "val.txt": _read_caffe,
    "*synset_labels.txt": _read_synset_labels,
    "LOC_val_solution.csv": _read_kaggle,
    "ILSVRC2012_validation_ground_truth.txt": _read_devkit,
}
