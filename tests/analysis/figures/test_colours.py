# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv

from monitor_app.analysis.figures.colours import _OTHERS, PAPER, colour_of, toned
from monitor_app.core.package_data import resource_path


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
