# SPDX-License-Identifier: Apache-2.0
"""The flat ImageNet validation images with each of the files that hold the right answers."""

from __future__ import annotations

import importlib.util
import random
from types import SimpleNamespace

import pytest

from monitor_app.inference.datasets import DatasetError, find_dataset

# Of the first ten images, as every copy of Caffe's val.txt has them
FIRST = [65, 970, 230, 809, 516, 57, 334, 415, 674, 332]
IDS = [f"n{10_000_000 + 7 * index:08d}" for index in range(1000)]
# All classes occur, and the last images are not there
LABELS = FIRST + [index for index in range(1000) if index not in FIRST]
# The order of the development kit is neither that of the ids nor a shift of it
KIT = IDS[:]
random.Random(5).shuffle(KIT)


def name(number):
    return f"ILSVRC2012_val_{number:08d}"


def caffe(labels):
    return "val.txt", "".join(f"{name(number)}.JPEG {label}\n" for number, label in enumerate(labels, 1))


def synset_labels(labels):
    return "imagenet_2012_validation_synset_labels.txt", "\n".join(IDS[label] for label in labels)


def kaggle(labels):
    lines = [
        f"{name(number)},{IDS[label]} 85 1 499 272 {IDS[label]} 3 4 20 30 " for number, label in enumerate(labels, 1)
    ]
    # In no order, as the original
    random.Random(2).shuffle(lines)
    return "LOC_val_solution.csv", "\r\n".join(["ImageId,PredictionString", *lines])


def kit(labels):
    numbers = (KIT.index(IDS[label]) + 1 for label in labels)
    return "ILSVRC2012_validation_ground_truth.txt", "".join(f"{number}\n" for number in numbers)


def kit_map():
    return "".join(f"{wnid} {number} some_name\n" for number, wnid in enumerate(KIT, 1))


def write(folder, file):
    (folder / file[0]).write_text(file[1])


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "validation"
    folder.mkdir()
    for number in range(1, 31):
        (folder / f"{name(number)}.JPEG").touch()
    return folder


def labels_of(dataset):
    return {image.file.stem: image.label for image in dataset.images}


@pytest.mark.parametrize("form", [caffe, synset_labels, kaggle, kit])
@pytest.mark.parametrize("above", [False, True])
def test_every_form_gives_the_same_labels_beside_the_images_or_above(images, form, above):
    place = images.parent if above else images
    write(place, form(LABELS))
    write(place, ("map_clsloc.txt", kit_map()))
    dataset = find_dataset(str(images))
    assert labels_of(dataset) == {name(number): LABELS[number - 1] for number in range(1, 31)}
    assert [image.file.name for image in dataset.images] == sorted(image.file.name for image in dataset.images)
    assert (dataset.classes, dataset.unlabelled) == (1000, ())


def test_images_that_the_file_does_not_name_are_unlabelled(images):
    write(images, caffe(LABELS[:25]))
    (images / "holiday_7.jpg").touch()
    dataset = find_dataset(str(images))
    assert len(dataset.images) == 25
    assert dataset.unlabelled == (*(f"{name(number)}.JPEG" for number in range(26, 31)), "holiday_7.jpg")


def test_val_txt_may_name_any_files_of_a_network_of_ones_own(tmp_path):
    for file in ("a cat.jpg", "dog.png"):
        (tmp_path / file).touch()
    (tmp_path / "val.txt").write_text("val/a cat.jpg 1\nval/dog.png 0\n")
    dataset = find_dataset(str(tmp_path))
    assert labels_of(dataset) == {"a cat": 1, "dog": 0}
    assert dataset.classes is None


def test_the_kits_numbers_are_refused_without_the_kits_map(images):
    write(images, kit(LABELS))
    with pytest.raises(DatasetError, match="an order of its own"):
        find_dataset(str(images))
    # The usual order is not that map, though it looks like one
    (images / "synsets.txt").write_text("\n".join(IDS))
    with pytest.raises(DatasetError, match="an order of its own"):
        find_dataset(str(images))
    short = kit_map().splitlines()[:999]
    for wrong in (short, [*short, short[0]], [line.split()[0] for line in kit_map().splitlines()]):
        (images / "map_clsloc.txt").write_text("\n".join(wrong))
        with pytest.raises(DatasetError, match=r"map_clsloc\.txt"):
            find_dataset(str(images))


@pytest.mark.parametrize(
    "mistaken",
    [
        pytest.param([KIT.index(IDS[label]) for label in LABELS], id="the kit's numbers less one"),
        pytest.param([label + 1 for label in LABELS[:20]], id="counted from one"),
        pytest.param(LABELS[1:], id="one image missing"),
    ],
)
def test_another_order_of_the_classes_is_noticed(images, mistaken):
    write(images, caffe(mistaken))
    with pytest.raises(DatasetError, match="in the order of their sorted WordNet ids"):
        find_dataset(str(images))


def test_ids_in_another_order_are_noticed(images):
    write(images, synset_labels(LABELS))
    (images / "synsets.txt").write_text("\n".join(KIT))
    with pytest.raises(DatasetError, match="in the order of their sorted WordNet ids"):
        find_dataset(str(images))


def test_some_of_the_ids_need_the_table(images, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    write(images, synset_labels(LABELS[:40]))
    with pytest.raises(DatasetError, match=r"40 of the 1000 classes.*synsets\.txt"):
        find_dataset(str(images))
    (images.parent / "synsets.txt").write_text("\n".join(IDS))
    assert labels_of(find_dataset(str(images)))[name(30)] == LABELS[29]


def test_an_id_that_the_table_of_timm_lacks_needs_a_table_of_ones_own(images, monkeypatch, tmp_path):
    table = tmp_path / "timm" / "data" / "_info" / "imagenet_synsets.txt"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(wnid.replace("n1", "n2", 1) for wnid in IDS))
    timm = SimpleNamespace(submodule_search_locations=[str(tmp_path / "timm")])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: timm)
    write(images, synset_labels(LABELS[:40]))
    with pytest.raises(DatasetError, match=rf"does not list {min(IDS)}: .* into {images}/synsets\.txt"):
        find_dataset(str(images))
    table.write_text("\n".join(IDS))
    assert labels_of(find_dataset(str(images)))[name(30)] == LABELS[29]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("val.txt", f"{name(1)}.JPEG 1000\n"),
        ("val.txt", f"{name(1)}.JPEG\n"),
        ("val.txt", f"{name(1)}.JPEG -1\n"),
        ("imagenet_2012_validation_synset_labels.txt", "n01440764\nsea snake\n"),
        ("LOC_val_solution.csv", f"ImageId,PredictionString\n{name(1)},n01440764 1 2 3 4 n01443537 1 2 3 4\n"),
        ("LOC_val_solution.csv", f"ImageId,PredictionString\n{name(1)}\n"),
        ("ILSVRC2012_validation_ground_truth.txt", "0\n"),
        ("ILSVRC2012_validation_ground_truth.txt", "1001\n"),
    ],
)
def test_lines_that_make_no_sense_are_shown(images, file, content):
    write(images, (file, content))
    write(images, ("map_clsloc.txt", kit_map()))
    with pytest.raises(DatasetError, match=f"{file} has a line '"):
        find_dataset(str(images))
