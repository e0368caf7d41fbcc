# SPDX-License-Identifier: Apache-2.0
"""What the doctor says of trees of files as boards have them."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.board.doctor import (
    PATTERNS,
    Check,
    Verdict,
    busy_cores_between,
    disk_check,
    inference_check,
    is_ready,
    machine_checks,
)

if TYPE_CHECKING:
    from pathlib import Path

CPU = "sys/devices/system/cpu"
ORIN = {
    "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0",
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n",
    "proc/meminfo": "MemTotal: 7802 kB\nMemAvailable: 4194304 kB\n",
    f"{CPU}/cpu0/cpufreq/scaling_governor": "schedutil\n",
    f"{CPU}/cpu0/cpufreq/scaling_min_freq": "729600\n",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "1510400\n",
    "sys/class/devfreq/17000000.gpu/min_freq": "306000000\n",
    "sys/class/devfreq/17000000.gpu/max_freq": "624750000\n",
    "sys/class/devfreq/15340000.vic/min_freq": "115200000\n",
    "sys/class/devfreq/15340000.vic/max_freq": "435200000\n",
    "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
    "sys/class/thermal/cooling_device0/cur_state": "3\n",
    "sys/class/thermal/cooling_device1/type": "cpufreq-cpu0\n",
    "sys/class/thermal/cooling_device1/cur_state": "0\n",
    "sys/class/hwmon/hwmon4/oc1_event_cnt": "0\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48500\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_type": "passive\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp": "99000\n",
    "sys/class/thermal/thermal_zone1/type": "cv0-thermal\n",
    "sys/class/thermal/thermal_zone1/temp": "-256000\n",
}


def look(root: Path, files: dict[str, str], busy_cores: float | None = None) -> dict[str, Check]:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return {check.name: check for check in machine_checks(root, busy_cores)}


def test_a_board_as_it_comes_can_be_measured_and_its_clocks_change(tmp_path):
    found = look(tmp_path, ORIN)
    assert found["board"].text == "Jetson Orin Nano, L4T 36.4.3 (JetPack 6)."
    assert found["processor clock"].verdict is Verdict.CAUTION
    assert found["processor clock"].text == "It changes with the load, from 730 MHz to 1.51 GHz (schedutil)."
    assert found["processor clock"].mend == found["GPU clock"].mend == "sudo jetson_clocks"
    assert "from 306 MHz to 625 MHz" in found["GPU clock"].text
    assert found["throttling"].verdict is Verdict.READY
    assert found["temperature"] == Check(
        "temperature", Verdict.READY, "cpu-thermal is at 48 degC, and slows down at 99 degC."
    )
    assert found["memory"].text == "4.3 GB of memory are free."
    assert is_ready(list(found.values()))


def test_clocks_that_are_held(tmp_path):
    found = look(tmp_path, {
        **ORIN,
        f"{CPU}/cpu0/cpufreq/scaling_min_freq": "1510400\n",
        "sys/class/devfreq/17000000.gpu/min_freq": "624750000\n",
    })  # fmt: skip
    assert found["processor clock"] == Check("processor clock", Verdict.READY, "Held at 1.51 GHz (schedutil).")
    assert found["GPU clock"] == Check("GPU clock", Verdict.READY, "Held at 625 MHz.")


def test_a_pc_is_mended_by_other_commands(tmp_path):
    found = look(tmp_path, {name: text for name, text in ORIN.items() if name.startswith((CPU, "sys/class/thermal"))})
    assert found["board"].verdict is Verdict.UNKNOWN
    assert found["processor clock"].mend == "sudo cpupower frequency-set -g performance"
    assert "GPU clock" not in found


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"sys/class/thermal/cooling_device1/cur_state": "2\n"}, "It is slowed down now, by cpufreq-cpu0."),
        ({"sys/class/hwmon/hwmon4/oc1_event_cnt": "7\n"}, "by too much current 7 times"),
        ({"sys/class/hwmon/hwmon4/oc1_event_cnt": "0\n", f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "2\n"},
         "by heat 2 times"),
    ],
)  # fmt: skip
def test_a_board_that_is_slower_than_it_could_be(tmp_path, files, text):
    throttling = look(tmp_path, {**ORIN, **files})["throttling"]
    assert throttling.verdict is Verdict.CAUTION
    assert text in throttling.text


def test_a_board_that_will_soon_be_too_hot(tmp_path):
    found = look(tmp_path, {**ORIN, "sys/class/thermal/thermal_zone0/temp": "96000\n"})["temperature"]
    assert found.verdict is Verdict.CAUTION
    assert "cool_down_c" in found.mend


def test_a_machine_that_shows_nothing_is_not_said_to_be_ready_or_not(tmp_path):
    found = look(tmp_path, {})
    assert {check.verdict for check in found.values()} == {Verdict.UNKNOWN}


def test_files_that_say_nonsense_are_not_believed(tmp_path):
    found = look(tmp_path, dict.fromkeys(ORIN, "\0\xff nonsense\n"), busy_cores=0.0)
    assert found["processor clock"].verdict is Verdict.UNKNOWN
    assert "temperature" not in found


def test_other_load(tmp_path):
    before = "cpu  100 0 50 1000 20 0 0 0 0 0\ncpu0 1\ncpu1 1\n"
    after = "cpu  150 0 100 1090 30 0 0 0 0 0\ncpu0 1\ncpu1 1\n"
    busy = busy_cores_between(before, after)
    assert busy == pytest.approx(1.0)  # 100 of 200 ticks, of two cores
    assert look(tmp_path, {}, busy)["other load"].verdict is Verdict.CAUTION
    assert look(tmp_path, {}, 0.05)["other load"].verdict is Verdict.READY
    assert busy_cores_between("", after) is None


def test_what_prevents_a_measurement_makes_a_board_not_ready():
    assert is_ready([disk_check(10**12, "/out")])
    assert not is_ready([disk_check(10**6, "/out")])


def test_a_gpu_that_torch_does_not_see():
    versions = {"python": "3.10.12", "torch": "2.3.0+cpu"}
    blind = inference_check(versions, {"cpu": "Cortex-A78AE"}, gpu_expected=True)
    assert (blind.verdict, "does not see the GPU" in blind.text) == (Verdict.CAUTION, True)
    seeing = inference_check(versions, {"cpu": "Cortex-A78AE", "cuda:0": "Orin"}, gpu_expected=True)
    assert seeing.verdict is Verdict.READY


def test_every_file_that_is_looked_at_is_fetched_from_a_board_elsewhere(tmp_path):
    for name in ORIN:
        assert any(fnmatch.fnmatch(f"/{name}", pattern) for pattern in PATTERNS) or "vic" in name, name
