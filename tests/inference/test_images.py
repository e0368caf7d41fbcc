# SPDX-License-Identifier: Apache-2.0
"""From a file to the input of a network, against torchvision's own transforms."""

from __future__ import annotations

import importlib
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from monitor_app.inference import images as images_module
from monitor_app.inference.datasets import LabelledImage
from monitor_app.inference.images import BadImageError, read_image, read_images
from monitor_app.inference.networks.registry import EFFICIENTNET_LITE, IMAGENET, Preprocessing, find_network
from monitor_app.inference.networks.torchvision_models import import_torchvision


def photograph(file, size=(60, 40), mode="RGB", seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (size[1] // 4, size[0] // 4, 3), np.uint8)
    Image.fromarray(noise).resize(size).convert(mode).save(file)
    return file


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


def test_many_are_decoded_in_their_order_and_none_while_one_is_in_use(tmp_path, monkeypatch):
    count = 3 * images_module.BLOCK // 2
    files = [tmp_path / f"{index:03d}.png" for index in range(count)]
    for index, file in enumerate(files):
        Image.new("RGB", (32, 32), (index, 0, 0)).save(file)
    files[5].write_bytes(b"hello")
    decoding = []

    def counted(file, *arguments):
        decoding.append(file)
        values = read_image(file, *arguments)
        decoding.remove(file)
        return values

    monkeypatch.setattr(images_module, "read_image", counted)
    plain = Preprocessing(resize_pixels=32, mean=(0,) * 3, std=(1,) * 3)
    found = {}
    for image, values in read_images([LabelledImage(file, 0) for file in files], plain, 32):
        assert set(decoding) <= {files[5]}
        found[image.file] = values
    assert list(found) == files
    assert isinstance(found.pop(files[5]), BadImageError)
    assert [round(255 * float(values[0].max())) for values in found.values()] == [
        index for index in range(count) if index != 5
    ]


def test_leaving_early_leaves_no_thread(tmp_path):
    image = LabelledImage(photograph(tmp_path / "a.png"), 0)
    reading = read_images([image] * 3, IMAGENET, 224)
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.parametrize("pixels", [160, 224, 299])
def test_a_network_of_ones_own_gets_the_same_share_of_the_image_at_any_size(pixels, tmp_path):
    network = find_network(f"a.module:function@{pixels}")
    # A black margin, of which a crop that is larger than the resized image would add more
    image = Image.new("RGB", (512, 512))
    image.paste((255, 255, 255), (32, 32, 480, 480))
    image.save(tmp_path / "a.png")
    values = read_image(tmp_path / "a.png", network.preprocessing, network.input_pixels)
    assert values.shape == (3, pixels, pixels)
    white = values > 2.2
    assert white[:, 2:-2, 2:-2].all()
    resized = network.preprocessing.resize_pixels
    assert abs(pixels / resized - 224 / 256) < 0.002
