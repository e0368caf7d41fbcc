# SPDX-License-Identifier: Apache-2.0
"""Labelled folders, and the crop against torchvision's own transforms."""

from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from monitor_app.inference import datasets
from monitor_app.inference.datasets import BadImageError, DatasetError, find_dataset, read_image
from monitor_app.inference.networks.registry import EFFICIENTNET_LITE, IMAGENET, Preprocessing
from monitor_app.inference.networks.torchvision_shim import import_torchvision


def photograph(file, size=(60, 40), mode="RGB", seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (size[1] // 4, size[0] // 4, 3), np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise).resize(size).convert(mode).save(file)
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


def test_class_folders_count_as_numbers_not_as_text(tmp_path):
    for name in ("100", "22", "3"):
        photograph(tmp_path / name / "x.png")
    labels = [(image.file.parent.name, image.label) for image in find_dataset(str(tmp_path)).images]
    assert labels == [("3", 3), ("22", 22), ("100", 100)]


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


def test_folders_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder"):
        find_dataset(str(tmp_path / "missing"))
    with pytest.raises(DatasetError, match="no labelled image"):
        find_dataset(str(tmp_path))
    photograph(tmp_path / "cats" / "x.png")
    with pytest.raises(DatasetError, match="cats is not named after a class"):
        find_dataset(str(tmp_path))


@pytest.mark.parametrize("size", [(512, 512), (300, 451), (777, 260), (40, 60)])
@pytest.mark.parametrize(
    ("preprocessing", "pixels"), [(IMAGENET, 224), (EFFICIENTNET_LITE, 224), (Preprocessing(resize_pixels=342), 299)]
)
def test_the_crop_is_that_of_torchvision(tmp_path, size, preprocessing, pixels):
    import_torchvision()
    transforms = importlib.import_module("torchvision.transforms")
    file = photograph(tmp_path / "a.png", size)
    mode = transforms.InterpolationMode(preprocessing.interpolation)
    with Image.open(file) as image:
        expected = transforms.Compose(
            [
                transforms.Resize(preprocessing.resize_pixels, mode),
                transforms.CenterCrop(pixels),
                transforms.ToTensor(),
                transforms.Normalize(preprocessing.mean, preprocessing.std),
            ]
        )(image)
    got = torch.from_numpy(read_image(file, preprocessing, pixels))
    assert got.shape == (3, pixels, pixels)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)


def test_efficientnet_lite_takes_values_less_127_by_128(tmp_path):
    file = tmp_path / "a.png"
    Image.new("RGB", (256, 256), (255, 127, 0)).save(file)
    values = read_image(file, EFFICIENTNET_LITE, 224)
    np.testing.assert_allclose(values[:, 5, 5], [1.0, 0.0, -127 / 128], atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_images_of_other_modes_become_rgb(tmp_path, mode):
    values = read_image(photograph(tmp_path / "a.jpg", mode=mode), IMAGENET, 224)
    assert values.shape == (3, 224, 224)
    assert values.dtype == np.float32


def test_a_file_that_is_no_image_is_a_bad_image(tmp_path):
    good = photograph(tmp_path / "good.jpg", (400, 400)).read_bytes()
    for name, content in {"empty": b"", "text": b"hello", "half": good[: len(good) // 2]}.items():
        (tmp_path / f"{name}.jpg").write_bytes(content)
        with pytest.raises(BadImageError, match=name):
            read_image(tmp_path / f"{name}.jpg", IMAGENET, 224)
    with pytest.raises(BadImageError, match="too narrow"):
        read_image(photograph(tmp_path / "strip.png", (4000, 8)), IMAGENET, 224)
