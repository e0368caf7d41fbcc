# SPDX-License-Identifier: Apache-2.0
"""Folders of labelled images: what is read from each layout, and what is refused rather than guessed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from monitor_app.inference import datasets
from monitor_app.inference.datasets import Dataset, DatasetError, LabelledImage, find_dataset


def photograph(file):
    """Nothing that could be decoded: finding images opens none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return file


def test_the_demo_has_twenty_labelled_photographs_without_importing_their_package():
    script = (
        "import sys; from monitor_app.inference.datasets import find_dataset; images = find_dataset('demo').images;"
        "print(len(images), images[0].label, images[0].file.name, 'foolbox' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.split() == ["20", "243", "imagenet_00_243.jpg", "False"]


def test_without_the_package_the_demo_is_empty_and_says_what_to_type(monkeypatch):
    monkeypatch.setattr(datasets.importlib.util, "find_spec", lambda name: None)
    dataset = find_dataset("demo")
    assert dataset.images == ()
    assert "pip install" in dataset.reason


def test_flat_files_are_labelled_by_their_names(tmp_path):
    for name in ("b_7.png", "a_243.jpg", "ILSVRC2012_val_00000293.JPEG", "plain.jpg"):
        photograph(tmp_path / name)
    (tmp_path / "notes_5.txt").write_text("no image")
    dataset = find_dataset(str(tmp_path))
    assert [(image.file.name, image.label) for image in dataset.images] == [("a_243.jpg", 243), ("b_7.png", 7)]
    assert dataset.unlabelled == ("ILSVRC2012_val_00000293.JPEG", "plain.jpg")
    assert dataset.classes is None


def test_class_folders_count_as_numbers_not_as_text(tmp_path):
    for name in ("100", "22", "3"):
        photograph(tmp_path / name / "x.png")
    labels = [(image.file.parent.name, image.label) for image in find_dataset(str(tmp_path)).images]
    assert labels == [("3", 3), ("22", 22), ("100", 100)]
    photograph(tmp_path / "stray.jpg")
    assert find_dataset(str(tmp_path)).unlabelled == ("stray.jpg",)


def test_class_folders_that_count_another_way_for_imagefolder_are_refused(tmp_path):
    for name in range(11):
        photograph(tmp_path / "unpadded" / f"{name}" / "x.png")
        photograph(tmp_path / "padded" / f"{name:02d}" / "x.png")
    with pytest.raises(DatasetError, match="fill the numbers up with zeros"):
        find_dataset(str(tmp_path / "unpadded"))
    assert [image.label for image in find_dataset(str(tmp_path / "padded")).images] == list(range(11))
    photograph(tmp_path / "padded" / "7" / "x.png")
    with pytest.raises(DatasetError, match="fill the numbers up with zeros"):
        find_dataset(str(tmp_path / "padded"))


def synsets():
    return [f"n{10_000_000 + 7 * index:08d}" for index in range(1000)]


def test_some_synset_folders_need_the_table(tmp_path):
    ids = synsets()
    for index in (999, 41):
        photograph(tmp_path / ids[index] / "x.png")
    with pytest.raises(DatasetError, match=r"synsets\.txt"):
        find_dataset(str(tmp_path))
    (tmp_path / "synsets.txt").write_text("\n".join(f"{wnid} name, of it" for wnid in ids))
    assert [image.label for image in find_dataset(str(tmp_path)).images] == [41, 999]
    (tmp_path / "synsets.txt").write_text("\n".join(ids[:990]))
    with pytest.raises(DatasetError, match="990 ids instead of 1000"):
        find_dataset(str(tmp_path))


def test_all_synset_folders_need_none(tmp_path):
    ids = synsets()
    for wnid in ids:
        (tmp_path / wnid).mkdir()
    photograph(tmp_path / ids[512] / "x.png")
    assert [image.label for image in find_dataset(str(tmp_path)).images] == [512]


def test_a_package_that_carries_the_table_will_do(tmp_path, monkeypatch):
    ids = synsets()
    package = tmp_path / "packages" / "timm"
    (package / "data" / "_info").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "_info" / "imagenet_synsets.txt").write_text("\n".join(ids))
    photograph(tmp_path / "images" / ids[77] / "x.png")
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    # The real one, if another test has imported it
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    dataset = find_dataset(str(tmp_path / "images"))
    assert [image.label for image in dataset.images] == [77]
    assert dataset.classes == 1000
    photograph(tmp_path / "images" / "n00000001" / "x.png")
    with pytest.raises(DatasetError, match="does not list n00000001"):
        find_dataset(str(tmp_path / "images"))


def test_class_folders_of_other_names_are_classes_in_sorted_order(tmp_path):
    for name in ("tabby", "Siamese", ".thumbnails", "manx"):
        photograph(tmp_path / name / "x.png")
    dataset = find_dataset(str(tmp_path))
    # Capitals first, as torchvision's ImageFolder has them
    labels = [(image.file.parent.name, image.label) for image in dataset.images]
    assert labels == [("Siamese", 0), ("manx", 1), ("tabby", 2)]
    assert dataset.classes == 3


@pytest.mark.parametrize("other", ["n01440764", "17"])
def test_a_mixture_of_names_is_refused(tmp_path, other):
    photograph(tmp_path / "cats" / "x.png")
    photograph(tmp_path / other / "x.png")
    with pytest.raises(DatasetError, match="cats is not named after a class of ImageNet"):
        find_dataset(str(tmp_path))


def test_a_thousand_names_may_be_imagenets_in_any_order_and_are_refused(tmp_path):
    for index in range(1000):
        (tmp_path / f"class {index}").mkdir()
    photograph(tmp_path / "class 0" / "x.png")
    with pytest.raises(DatasetError, match="use the class index"):
        find_dataset(str(tmp_path))


def test_parts_of_a_dataset_are_no_classes(tmp_path):
    for name in ("train", "val"):
        photograph(tmp_path / name / "x.png")
    with pytest.raises(DatasetError, match="are no classes"):
        find_dataset(str(tmp_path))


def test_validation_images_in_the_wrong_class_folder_are_noticed(tmp_path):
    photograph(tmp_path / "65" / "ILSVRC2012_val_00000001.JPEG")
    photograph(tmp_path / "970" / "ILSVRC2012_val_00000002.JPEG")
    assert len(find_dataset(str(tmp_path)).images) == 2
    photograph(tmp_path / "489" / "ILSVRC2012_val_00000003.JPEG")
    with pytest.raises(DatasetError, match="into class 489, which is class 230"):
        find_dataset(str(tmp_path))


def test_a_network_that_answers_other_classes_is_refused(tmp_path):
    images = (LabelledImage(tmp_path / "a.jpg", 2), LabelledImage(tmp_path / "b_9.jpg", 9))
    assert Dataset(images, classes=10).misfit(10, "Mine") is None
    said = Dataset(images, classes=10).misfit(1000, "ResNet-18")
    assert said.startswith("ResNet-18 has 1000 classes and the images are of 10: ")
    assert Dataset(images).misfit(1000, "ResNet-18") is None
    assert Dataset(images).misfit(9, "Mine").startswith("Mine has 9 classes and b_9.jpg is labelled 9: ")


def test_folders_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder"):
        find_dataset(str(tmp_path / "missing"))
    with pytest.raises(DatasetError, match="no labelled image"):
        find_dataset(str(tmp_path))
    photograph(tmp_path / "ILSVRC2012_val_00000293.JPEG")
    with pytest.raises(DatasetError, match="ground-truth file"):
        find_dataset(str(tmp_path))


def test_the_same_images_elsewhere_are_the_same_images_and_others_are_not(tmp_path):
    for folder in ("here", "there"):
        for name in ("tabby", "manx"):
            photograph(tmp_path / folder / "val" / name / "x.png")
    here, there = (find_dataset(str(tmp_path / folder / "val")) for folder in ("here", "there"))
    assert here.sha256 == there.sha256
    photograph(tmp_path / "there" / "val" / "manx" / "y.png")
    assert find_dataset(str(tmp_path / "there" / "val")).sha256 != here.sha256
