# SPDX-License-Identifier: Apache-2.0
"""Where the batch and the images of a file lie."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.core.errors import InferenceError
from monitor_app.inference.back_ends.file_inputs import arranged, batch_of, file_input, image_side, shape_at, with_side
from monitor_app.inference.networks.registry import find_network

NETWORK = find_network("resnet18")


@pytest.mark.parametrize(
    ("shape", "understood", "side"),
    [
        ((1, 3, 224, 224), (None, 3, 224, 224), 224),
        ((None, 160, 160, 3), (None, 160, 160, 3), 160),
        ((8, 1, 28, 28), (None, 1, 28, 28), 28),
        ((None, 3, None, None), (None, 3, 224, 224), 224),
        ((1, None, None, 3), (None, 224, 224, 3), 224),
        ((1, 3, 240, 320), (None, 3, 240, 320), None),
        ((1, 128), (None, 128), None),
        ((None,), (None,), None),
        ((7,), (7,), None),
        ((), (), None),
    ],
)
def test_the_first_dimension_is_the_batch(shape, understood, side):
    made = file_input("x", shape, "float32", NETWORK)

    assert made.shape == understood
    assert image_side([made]) == side
    if None in understood:
        assert shape_at(made, 5)[0] == 5
        assert batch_of([np.zeros(shape_at(made, 5))], [made]) == 5


def test_other_open_dimensions_are_refused():
    with pytest.raises(InferenceError, match=r"the open shape \(\?, \?\), and only the batch may be open"):
        file_input("tokens", (None, None), "int64", NETWORK)


def test_images_of_a_file_are_cropped_as_usual_ones():
    smaller = with_side(NETWORK, 112)

    assert (smaller.input_pixels, smaller.preprocessing.resize_pixels) == (112, 128)
    assert with_side(NETWORK, None) is NETWORK


@pytest.mark.parametrize("last", [True, False])
def test_images_are_laid_out_for_the_input(last):
    images = np.arange(2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)
    into = file_input("x", (1, 4, 4, 3) if last else (1, 3, 4, 4), "float32", NETWORK)

    made = arranged(images, into, NETWORK)

    assert made.flags.c_contiguous
    for y, x, channel in ((0, 0, 0), (1, 2, 1), (3, 3, 2)):
        assert made[(1, y, x, channel) if last else (1, channel, y, x)] == images[1, channel, y, x]
