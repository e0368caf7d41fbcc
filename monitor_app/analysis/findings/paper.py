# SPDX-License-Identifier: Apache-2.0
"""The numbers of Canziani, Paszke and Culurciello (2016) that claims are about. As quoted, except where said."""

from __future__ import annotations

NET_W = 11.8
NET_DEVIATION_W = 0.7
SMALL_BATCH = 1
LARGE_BATCH = 16
"""The two batch sizes of its figures 7, 8 and 9."""
ALEXNETS = ("AlexNet", "BN-AlexNet")
ALEXNET_SPEED_UP = 3.0
"""From batch 1 to `LARGEST_BATCH`."""
LARGEST_BATCH = 64
MEMORY_SLOPE = 1.30
"""MB of memory for each MB of parameters."""
FLOOR_TO_MB = 100.0
"""Parameters up to which memory is at its floor."""
BANDWIDTH_HZ = 1400.0
SLOW_METERS_HZ = (12.0, 2.0)

DENSITIES = {
    "AlexNet": 0.896,
    "BN-AlexNet": 0.935,
    "BN-NIN": 7.248,
    "ENet": 11.672,
    "GoogLeNet": 9.828,
    "ResNet-18": 5.951,
    "VGG-16": 0.510,
    "VGG-19": 0.492,
    "ResNet-34": 3.361,
    "ResNet-50": 2.973,
    "ResNet-101": 1.739,
    "ResNet-152": 1.292,
    "Inception-v3": 3.293,
    "Inception-v4": 2.537,
}
"""Points of top-1 a million parameters, exact from figure 10."""
DENSITY_RATIOS = (("ENet", "AlexNet", 13.03), ("ENet", "VGG-19", 23.71))
"""Computed from them."""
