# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
from itertools import combinations

import numpy as np
import pytest

from monitor_app.analysis.figures.colours import _OTHERS, PAPER, PAPER_SHAPES, colour_of, shape_of, toned
from monitor_app.charts.canvas import Style
from monitor_app.charts.model import SHAPES
from monitor_app.charts.palette import PALETTES
from monitor_app.core.files.package_data import resource_path


def test_each_network_of_the_paper_has_its_own() -> None:
    with resource_path("reference/canziani2016_networks.csv").open(encoding="utf-8", newline="") as file:
        assert set(PAPER) == {row["network"] for row in csv.DictReader(file)}
    assert len({*PAPER.values(), *_OTHERS}) == len(PAPER) + len(_OTHERS)


def test_others_keep_theirs_from_run_to_run() -> None:
    # Python's own hash of text differs from process to process; these were computed once.
    assert colour_of("resnet50", "ResNet-50") == "#f768a1"
    assert colour_of("mobilenet_v2") == "#d95f02"
    assert colour_of("efficientnet_b0") != colour_of("mobilenet_v2")


def test_tones_go_towards_grey_and_stay_apart() -> None:
    assert toned("#000000", 0) == "#000000"
    tones = [toned("#de2d26", k) for k in range(5)]
    assert len(set(tones)) == 5
    distances = [abs(int(tone[1:3], 16) - 128) for tone in tones]
    assert distances == sorted(distances, reverse=True)


# -- without a kind of cone ----------------------------------------------------------------------

EYES = {
    "usual": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
"""Of linear RGB as such eyes see it: Machado, Oliveira and Fernandes 2009, severity 1."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
ALIKE = 20.0
"""Colours nearer to each other than this (CIE 1976) are not told apart on thin lines."""


def lab(colour: str, eyes: str) -> np.ndarray:
    parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(EYES[eyes] @ linear, 0, 1) / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_that_look_alike_have_marks_of_different_shape(eyes: str, theme: str) -> None:
    style = Style(PALETTES[theme], 0, 0, 10)  # type: ignore[index]
    seen = {name: lab(style.line_colour(colour), eyes) for name, colour in PAPER.items()}
    for one, other in combinations(PAPER, 2):
        if np.linalg.norm(seen[one] - seen[other]) < ALIKE:
            assert PAPER_SHAPES[one] != PAPER_SHAPES[other], f"{one} and {other}"


def test_every_network_has_a_shape() -> None:
    assert shape_of("resnet18", "ResNet-18") == PAPER_SHAPES["ResNet-18"]
    assert {shape_of(f"net{k}") for k in range(200)} == set(range(SHAPES))
