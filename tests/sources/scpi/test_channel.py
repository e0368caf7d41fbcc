# SPDX-License-Identifier: Apache-2.0
"""One output of a supply that has several."""

from __future__ import annotations

import time

import pytest

from monitor_app.core.errors import HandshakeError, ProfileError
from monitor_app.core.samples import SampleBlock
from monitor_app.sources.profile_reader import parse_source
from monitor_app.sources.scpi.driver import ScpiSource
from tests.sources.every_source import TX1_IDLE_W, emulator


def mean_power_w(source: ScpiSource) -> float:
    powers: list[float] = []
    end = time.monotonic() + 20
    while len(powers) < 2 and time.monotonic() < end:
        for block in source.read(0.5):
            assert isinstance(block, SampleBlock)
            current, voltage = block.codes
            powers += (current * voltage).tolist()
    return sum(powers) / len(powers)


def test_the_output_of_the_profile_is_read_whichever_is_selected() -> None:
    with emulator("scpi", "--channel", "2") as port:
        powers, accuracies = {}, {}
        for channel in (1, 2):
            spec = parse_source({"kind": "scpi", "resource": f"ASRL{port}::INSTR", "channel": channel})
            source = ScpiSource("supply", spec)
            try:
                source.open()
                powers[channel] = mean_power_w(source)
                accuracies[channel] = source.info.signals[1].accuracy
            finally:
                source.close()
    assert powers[1] == pytest.approx(0, abs=0.01)
    assert powers[2] == pytest.approx(TX1_IDLE_W, abs=0.03)
    # The second output's voltage is read back less exactly.
    assert accuracies == {1: pytest.approx(0.0005), 2: pytest.approx(0.001)}


def test_an_output_that_is_not_there_is_named() -> None:
    with emulator("scpi") as port:
        source = ScpiSource("supply", parse_source({"kind": "scpi", "resource": f"ASRL{port}::INSTR", "channel": 2}))
        with pytest.raises(HandshakeError, match=r"check the model in the profile \(e364x, channel 2\)"):
            source.open()
        source.close()


def test_a_multimeter_has_none() -> None:
    with pytest.raises(ProfileError, match="a multimeter has none"):
        parse_source({"kind": "scpi", "resource": "ASRL/dev/x::INSTR", "model": "dmm", "channel": 1})
