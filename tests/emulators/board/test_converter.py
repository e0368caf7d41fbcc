# SPDX-License-Identifier: Apache-2.0
"""The converter: calibration, noise, rounding, range."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from monitor_app.emulators.board.sampler import CURRENT, VOLTAGE, Converter

CHANNELS = (CURRENT, VOLTAGE)
SCALE = np.array([CURRENT.scale, VOLTAGE.scale])
ZERO = np.array([CURRENT.zero, VOLTAGE.zero])


def test_the_calibration_gives_the_mean_back_far_better_than_a_tenth_of_a_percent():
    true = np.tile([0.0684, 18.998], (50_000, 1))
    codes = Converter(CHANNELS, seed=3).digitise(true)
    assert np.mean(SCALE * (codes - ZERO), axis=0) == pytest.approx([0.0684, 18.998], rel=1e-4)


def test_the_noise_is_one_to_two_codes():
    codes = Converter(CHANNELS, seed=3).digitise(np.tile([0.5, 19.0], (50_000, 1)))
    assert np.all((np.std(codes, axis=0) > 1.0) & (np.std(codes, axis=0) < 2.0))


def test_without_noise_a_code_is_off_by_half_at_most():
    silent = [dataclasses.replace(channel, noise_codes=0.0) for channel in CHANNELS]
    true = np.column_stack((np.linspace(-2.4, 2.4, 999), np.linspace(0.0, 29.0, 999)))
    values = SCALE * (Converter(silent, seed=0).digitise(true) - ZERO)
    assert np.all(np.abs(values - true) <= SCALE * 0.500001)


def test_what_is_out_of_range_sticks_at_the_end():
    codes = Converter(CHANNELS, seed=0).digitise(np.array([[1e3, 1e3], [-1e3, -1e3]]))
    assert codes.tolist() == [[65_535, 65_535], [0, 0]]
    assert codes.dtype == np.uint16


def test_the_range_is_two_and_a_half_ampere_and_thirty_volt():
    top, bottom = SCALE * (65_535 - ZERO), SCALE * (0 - ZERO)
    assert top == pytest.approx([2.5, 30.0], rel=0.02)
    assert bottom[0] == pytest.approx(-2.5, rel=0.02)


def test_the_same_seed_gives_the_same_codes_in_any_split():
    true = np.tile([0.5, 19.0], (100, 1))
    whole = Converter(CHANNELS, seed=7).digitise(true)
    parts = Converter(CHANNELS, seed=7)
    split = np.concatenate((parts.digitise(true[:33]), parts.digitise(true[33:])))
    assert split.tolist() == whole.tolist()
    assert Converter(CHANNELS, seed=8).digitise(true).tolist() != whole.tolist()
