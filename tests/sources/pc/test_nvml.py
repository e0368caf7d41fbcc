# SPDX-License-Identifier: Apache-2.0
"""A GPU behind NVML: what it is asked, what is made of the answers, and what is said when there are none."""

from __future__ import annotations

import builtins
import sys

import pynvml
import pytest

from monitor_app.core.errors import HandshakeError, PortError, SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role
from monitor_app.sources.pc.nvml import NvmlSource
from tests.sources.pc import nvml_stub
from tests.sources.pc.nvml_stub import ENERGY, INSTANT, NOT_SUPPORTED, Nvml
from tests.sources.polled import START_NS, FakeTime, values

MS = 1_000_000


class Rig:
    def __init__(self, nvml: Nvml, **options) -> None:
        self.nvml = nvml
        self.time = FakeTime()
        self.source = NvmlSource("gpu", load_library=lambda: nvml, clock=self.time.clock, **options)
        self.source.open()

    def poll(self, energy_mj: int = 15_000, stamp_us: int = 0):
        """The blocks of the next poll, before which the GPU draws that energy."""
        self.nvml.energy_mj += energy_mj
        self.nvml.stamp_us += stamp_us
        return self.source.read(1.0)


@pytest.fixture
def rig():
    rig = Rig(Nvml())
    yield rig
    rig.source.close()


def test_a_gpu_tells_power_load_clocks_temperature_and_memory(rig):
    info = rig.source.info
    assert [(s.name, s.quantity, s.role) for s in info.signals] == [
        ("power", Quantity.POWER, Role.GPU),
        ("power by energy counter", Quantity.POWER, Role.OTHER),
        ("gpu load", Quantity.LEVEL, Role.OTHER),
        ("sm clock", Quantity.FREQUENCY, Role.OTHER),
        ("memory clock", Quantity.FREQUENCY, Role.OTHER),
        ("temperature", Quantity.TEMPERATURE, Role.OTHER),
        ("memory used", Quantity.LEVEL, Role.OTHER),
    ]
    assert (info.model, info.serial_number, info.firmware) == ("NVIDIA Test GPU", "GPU-0123", "driver 580.65.06")
    [block] = rig.poll(energy_mj=14_000)
    assert values(block) == pytest.approx([150.0, 140.0, 0.87, 1.920e9, 10.501e9, 61.0, 0.25])
    assert block.times_ns.tolist() == [START_NS + 100 * MS]
    assert (block.first_index, block.lost_before) == (0, 0)


def test_the_energy_counter_gives_the_exact_mean_also_of_a_late_poll(rig):
    rig.poll()
    rig.time.go(0.6)
    [block] = rig.poll(energy_mj=108_000)
    assert values(block)[1] == pytest.approx(180.0)
    # It came more than half a second late: five polls were not made.
    assert (block.first_index, block.lost_before) == (6, 5)


def test_the_drivers_own_stamps_time_the_energy(rig):
    rig.poll(stamp_us=1_700_000_000_000_000)
    [block] = rig.poll(energy_mj=8_000, stamp_us=80_000)
    assert values(block)[1] == pytest.approx(100.0)
    # A clock that was put right by an hour says nothing of the interval.
    [block] = rig.poll(energy_mj=8_000, stamp_us=3_600_000_000)
    assert values(block)[1] == pytest.approx(80.0)


def test_the_same_reading_again_is_no_sample(rig):
    [first] = rig.poll()
    assert rig.poll(energy_mj=0) == []
    [second] = rig.poll(energy_mj=30_000)
    assert (second.first_index, second.lost_before) == (first.first_index + 1, 0)
    assert values(second)[1] == pytest.approx(150.0)


def test_a_gpu_that_is_off_draws_nothing(rig):
    rig.poll()
    blocks = [block for _ in range(10) for block in rig.poll(energy_mj=0)]
    assert [values(block)[1] for block in blocks] == [0.0]


def test_without_an_energy_counter_the_stamps_tell_new_readings():
    rig = Rig(Nvml(refuses={ENERGY: NOT_SUPPORTED, "energy": NOT_SUPPORTED}))
    assert [s.name for s in rig.source.info.signals][:2] == ["power", "gpu load"]
    assert len(rig.poll(stamp_us=5)) == 1
    assert rig.poll(stamp_us=0) == []
    assert len(rig.poll(stamp_us=100_000)) == 1
    rig.source.close()


def test_without_stamps_every_poll_counts():
    rig = Rig(Nvml(refuses={ENERGY: NOT_SUPPORTED, "energy": NOT_SUPPORTED}))
    assert [len(rig.poll()) for _ in range(3)] == [1, 1, 1]
    rig.source.close()


@pytest.mark.parametrize(
    ("capability", "mean"), [((7, 5), False), ((8, 0), False), ((8, 6), True), ((8, 9), True), ((9, 0), True)]
)
def test_plain_power_is_a_mean_over_a_second_from_ampere_on(capability, mean):
    rig = Rig(Nvml(capability, refuses={INSTANT: NOT_SUPPORTED}))
    info = rig.source.info
    assert any("mean over the last second" in note for note in info.notes) == mean
    assert info.transport_bound_ns == (1_000 * MS if mean else 100 * MS)
    assert values(rig.poll()[0])[0] == pytest.approx(120.0)
    rig.source.close()


@pytest.mark.parametrize(("capability", "warned"), [((8, 0), True), ((9, 0), True), ((8, 9), False), ((7, 0), False)])
def test_the_quarter_of_the_time_is_said_where_it_applies(capability, warned):
    rig = Rig(Nvml(capability))
    assert any("quarter of the time" in note for note in rig.source.info.notes) == warned
    rig.source.close()


def test_old_drivers_without_fields_are_asked_plainly():
    rig = Rig(Nvml((7, 5), refuses={"fields": nvml_stub.FUNCTION_NOT_FOUND}))
    assert values(rig.poll(energy_mj=10_000)[0])[:2] == pytest.approx([120.0, 100.0])
    rig.source.close()


def test_what_is_not_supported_is_left_out():
    refuses = dict.fromkeys(("load", "temperature"), NOT_SUPPORTED)
    rig = Rig(Nvml(refuses=refuses), role=Role.TOTAL)
    signals = rig.source.info.signals
    assert [s.name for s in signals] == [
        "power", "power by energy counter", "sm clock", "memory clock", "memory used",
    ]  # fmt: skip
    assert signals[0].role is Role.TOTAL
    assert len(values(rig.poll()[0])) == 5
    rig.source.close()


def test_the_energy_counter_stands_in_for_a_power_that_is_missing():
    rig = Rig(Nvml(refuses={INSTANT: NOT_SUPPORTED, "power": NOT_SUPPORTED}))
    assert [(s.name, s.role) for s in rig.source.info.signals[:1]] == [("power by energy counter", Role.GPU)]
    assert values(rig.poll(energy_mj=5_000)[0])[0] == pytest.approx(50.0)
    rig.source.close()


def test_no_power_at_all_is_one_sentence():
    nvml = Nvml(refuses=dict.fromkeys((INSTANT, ENERGY, "power", "energy"), NOT_SUPPORTED))
    with pytest.raises(HandshakeError, match="kind jetson-rails"):
        Rig(nvml)
    assert nvml.users == 0


def test_a_poll_that_fails_is_left_out_and_counted(rig):
    rig.poll()
    rig.nvml.refuses["load"] = nvml_stub.TIMEOUT
    assert rig.poll() == []
    del rig.nvml.refuses["load"]
    [block] = rig.poll()
    assert (block.first_index, block.lost_before) == (2, 1)
    # The energy of the poll that failed is in this one.
    assert values(block)[1] == pytest.approx(150.0)


def test_a_counter_that_was_set_back_gives_no_power(rig):
    rig.nvml.energy_mj = 0
    assert rig.poll(energy_mj=10) == []
    [block] = rig.poll(energy_mj=10_000)
    assert values(block)[1] == pytest.approx(100.0)
    assert block.lost_before == 1


@pytest.mark.parametrize("error", [nvml_stub.GPU_IS_LOST, nvml_stub.RESET_REQUIRED, nvml_stub.DRIVER_NOT_LOADED])
def test_a_gpu_that_is_gone_is_lost_at_once(rig, error):
    rig.nvml.refuses["all"] = error
    with pytest.raises(SourceLostError, match="does not answer"):
        rig.poll()


def test_a_gpu_that_stays_silent_is_lost(rig):
    rig.nvml.refuses["all"] = nvml_stub.UNKNOWN
    assert [rig.poll() for _ in range(20)] == [[]] * 20
    with pytest.raises(SourceLostError, match="does not answer"):
        rig.poll()


@pytest.mark.parametrize(
    ("refuses", "error", "says"),
    [
        ({"init": nvml_stub.LIBRARY_NOT_FOUND}, SourceError, "no NVIDIA driver on this machine"),
        ({"init": nvml_stub.DRIVER_NOT_LOADED}, SourceError, "sudo modprobe nvidia"),
        ({"init": nvml_stub.LIB_RM_VERSION_MISMATCH}, SourceError, "restart the machine"),
        ({"init": nvml_stub.NO_PERMISSION}, PortError, "ls -l /dev/nvidia"),
        ({"init": nvml_stub.UNKNOWN}, SourceError, "nvidia-smi"),
        ({"handle": nvml_stub.NO_PERMISSION}, PortError, "ls -l /dev/nvidia"),
        ({"handle": nvml_stub.GPU_IS_LOST}, SourceLostError, "grep Xid"),
        ({"all": nvml_stub.GPU_IS_LOST}, SourceLostError, "grep Xid"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(refuses, error, says):
    nvml = Nvml(refuses=refuses)
    with pytest.raises(error, match=says) as caught:
        Rig(nvml)
    assert str(caught.value).endswith(".")
    assert nvml.users == 0


def test_an_index_out_of_range_is_one_sentence():
    with pytest.raises(SourceError, match=r"no NVIDIA GPU number 3: `nvidia-smi -L`"):
        Rig(Nvml(), index=3)


def test_a_missing_binding_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(SourceError, match=r"pip install 'inferwatt\[nvml\]'"):
        NvmlSource("gpu").open()


def test_the_real_binding_without_a_driver(monkeypatch):
    """Whatever this machine has, the driver's library is not found."""

    def not_found(_name):
        raise OSError("libnvidia-ml.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(pynvml, "CDLL", not_found)
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    with pytest.raises(SourceError, match="no NVIDIA driver on this machine"):
        NvmlSource("gpu").open()


def test_the_stub_has_only_names_of_the_real_binding():
    names = [name for name in vars(Nvml) if name.lower().startswith("nvml")]
    assert len(names) > 20
    assert [name for name in names if not hasattr(pynvml, name)] == []
    # Only these names: Python 3.13 adds numbers of its own to a class, such as __firstlineno__.
    numbers = {name: vars(Nvml)[name] for name in names if isinstance(vars(Nvml)[name], int)}
    assert len(numbers) > 10
    assert {name: getattr(pynvml, name) for name in numbers} == numbers


def test_closing_twice_gives_the_library_back(rig):
    rig.source.open()
    assert rig.nvml.users == 1
    rig.source.close()
    rig.source.close()
    assert rig.nvml.users == 0
    with pytest.raises(SourceLostError):
        rig.source.read(0.0)
    unopened = NvmlSource("gpu", load_library=builtins.dict)
    unopened.close()
    with pytest.raises(PortError):
        _ = unopened.info
