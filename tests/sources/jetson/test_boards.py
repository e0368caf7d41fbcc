# SPDX-License-Identifier: Apache-2.0
"""Every board's rails are those of its documents, and it is recognised by what its device tree says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import ProfileError
from monitor_app.core.samples import Role
from monitor_app.sources.jetson.boards import board_names, load_board, parse_board, recognise_board

if TYPE_CHECKING:
    from pathlib import Path

MODULE: dict[str, tuple[int | None, int | None]] = {
    "VDD_IN": (0x40, 1),
    "VDD_CPU_GPU_CV": (0x40, 2),
    "VDD_SOC": (0x40, 3),
}
RAILS: dict[str, dict[str, tuple[int | None, int | None]]] = {
    "jetson-tx1": {
        "VDD_IN": (0x40, 1),
        "VDD_GPU": (0x40, 2),
        "VDD_CPU": (0x40, 3),
        "VDD_MUX": (0x42, 1),
        "VDD_5V_IO_SYS": (0x42, 2),
        "VDD_3V3_SYS": (0x42, 3),
        "VDD_3V3_IO": (0x43, 1),
        "VDD_1V8_IO": (0x43, 2),
        "VDD_M2_IN": (0x43, 3),
    },
    "jetson-tx2": {
        "VDD_SYS_GPU": (0x40, 1),
        "VDD_SYS_SOC": (0x40, 2),
        "VDD_4V0_WIFI": (0x40, 3),
        "VDD_IN": (0x41, 1),
        "VDD_SYS_CPU": (0x41, 2),
        "VDD_SYS_DDR": (0x41, 3),
        "VDD_MUX": (0x42, 1),
        "VDD_5V0_IO_SYS": (0x42, 2),
        "VDD_3V3_SYS": (0x42, 3),
        "VDD_3V3_IO_SLP": (0x43, 1),
        "VDD_1V8_IO": (0x43, 2),
        "VDD_3V3_SYS_M2": (0x43, 3),
    },
    "jetson-tx2-nx": {"VDD_IN": (0x40, 1), "VDD_CPU_GPU": (0x40, 2), "VDD_SOC": (0x40, 3)},
    "jetson-nano": {"POM_5V_IN": (0x40, 1), "POM_5V_GPU": (0x40, 2), "POM_5V_CPU": (0x40, 3)},
    "jetson-nano-2gb": {},
    "jetson-xavier-nx": MODULE,
    "jetson-agx-xavier": {
        "GPU": (0x40, 1),
        "CPU": (0x40, 2),
        "SOC": (0x40, 3),
        "CV": (0x41, 1),
        "VDDRQ": (0x41, 2),
        "SYS5V": (0x41, 3),
    },
    "jetson-orin-nano": MODULE,
    "jetson-orin-nx": MODULE,
    "jetson-agx-orin": {
        "VDD_GPU_SOC": (0x40, 1),
        "VDD_CPU_CV": (0x40, 2),
        "VIN_SYS_5V0": (0x40, 3),
        "VDDQ_VDD2_1V8AO": (0x41, 2),
    },
    "jetson-agx-thor": {
        "VDD_GPU": (None, None),
        "VDD_CPU_SOC_MSS": (None, None),
        "VIN_SYS_5V0": (None, None),
        "VIN": (None, None),
    },
}
TOTALS = {
    "jetson-tx1": ("VDD_IN",),
    "jetson-tx2": ("VDD_IN",),
    "jetson-tx2-nx": ("VDD_IN",),
    "jetson-nano": ("POM_5V_IN",),
    "jetson-nano-2gb": (),
    "jetson-xavier-nx": ("VDD_IN",),
    "jetson-agx-xavier": ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
    "jetson-orin-nano": ("VDD_IN",),
    "jetson-orin-nx": ("VDD_IN",),
    "jetson-agx-orin": ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
    "jetson-agx-thor": ("VIN",),
}
# What device trees of NVIDIA's and of the mainline kernel say, and some of makers of carrier boards.
SEEN = [
    ("jetson-tx1", "Jetson-TX1", ["nvidia,jetson-cv", "nvidia,tegra210"]),
    ("jetson-tx1", "NVIDIA Jetson TX1 Developer Kit", ["nvidia,p2371-2180", "nvidia,tegra210"]),
    ("jetson-tx1", "", ["nvidia,p2597-0000+p2180-1000", "nvidia,jetson-cv", "nvidia,tegra210"]),
    ("jetson-tx2", "quill", ["nvidia,p2597-0000+p3310-1000", "nvidia,quill", "nvidia,tegra186"]),
    ("jetson-tx2", "storm", ["nvidia,storm", "nvidia,tegra186"]),
    ("jetson-tx2", "NVIDIA Jetson TX2 Developer Kit", ["nvidia,p2771-0000", "nvidia,tegra186"]),
    ("jetson-tx2", "", ["nvidia,p2597-0000+p3489-0888", "nvidia,tegra186"]),
    ("jetson-tx2-nx", "NVIDIA Jetson TX2 NX Developer Kit", ["nvidia,p3509-0000+p3636-0001", "nvidia,tegra186"]),
    (
        "jetson-nano",
        "NVIDIA Jetson Nano Developer Kit",
        ["nvidia,p3449-0000-b00+p3448-0000-b00", "nvidia,jetson-nano", "nvidia,tegra210"],
    ),
    ("jetson-nano", "NVIDIA Jetson Nano Developer Kit", ["nvidia,jetson-nano", "nvidia,tegra210"]),
    ("jetson-nano", "NVIDIA Jetson Nano Developer Kit", ["nvidia,p3450-0000", "nvidia,tegra210"]),
    (
        "jetson-nano-2gb",
        "NVIDIA Jetson Nano 2GB Developer Kit",
        ["nvidia,p3542-0000+p3448-0003", "nvidia,jetson-nano-2gb", "nvidia,jetson-nano", "nvidia,tegra210"],
    ),
    ("jetson-xavier-nx", "NVIDIA Jetson Xavier NX Developer Kit", ["nvidia,p3509-0000+p3668-0000", "nvidia,tegra194"]),
    ("jetson-xavier-nx", "", ["nvidia,p3449-0000+p3668-0001", "nvidia,tegra194"]),
    ("jetson-xavier-nx", "Lenovo ThinkEdge SE70", ["lenovo,thinkedge-se70", "nvidia,p3668-0001", "nvidia,tegra194"]),
    ("jetson-agx-xavier", "jetson-xavier", ["nvidia,jetson-xavier", "nvidia,tegra194"]),
    ("jetson-agx-xavier", "Jetson-AGX", ["nvidia,galen", "nvidia,p2822-0000+p2888-0001", "nvidia,tegra194"]),
    ("jetson-agx-xavier", "NVIDIA Jetson AGX Xavier Developer Kit", ["nvidia,p2972-0000", "nvidia,tegra194"]),
    (
        "jetson-orin-nano",
        "NVIDIA Jetson Orin Nano Developer Kit",
        ["nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"],
    ),
    # This maker's model text names the wrong module.
    (
        "jetson-orin-nano",
        "NVIDIA Jetson Orin NX Engineering Reference Developer Kit Super",
        ["nvidia,p3768-0000+p3767-0003-super", "nvidia,p3767-0003", "nvidia,tegra234"],
    ),
    (
        "jetson-orin-nx",
        "NVIDIA Jetson Orin NX Engineering Reference Developer Kit",
        ["nvidia,p3768-0000+p3767-0000-super", "nvidia,p3767-0000", "nvidia,tegra234"],
    ),
    ("jetson-orin-nx", "", ["nvidia,p3509-0000+p3767-0001", "nvidia,tegra234"]),
    # A module newer than the profiles: the model text is all there is to tell it by.
    ("jetson-orin-nx", "NVIDIA Jetson Orin NX", ["nvidia,p3768-0000+p3767-0042", "nvidia,tegra234"]),
    (
        "jetson-agx-orin",
        "NVIDIA Jetson AGX Orin Developer Kit",
        ["nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000", "nvidia,tegra234"],
    ),
    ("jetson-agx-orin", "NVIDIA IGX Orin Developer Kit", ["nvidia,p3740-0002+p3701-0008", "nvidia,p3701-0008"]),
    (
        "jetson-agx-thor",
        "NVIDIA Jetson AGX Thor Developer Kit",
        ["nvidia,p4071-0000+p3834-0008", "nvidia,p3834-0008", "nvidia,tegra264"],
    ),
]
SHUNTS = {
    "jetson-agx-orin": {0.002},
    "jetson-orin-nano": {0.005},
    "jetson-orin-nx": {0.005},
    "jetson-xavier-nx": {0.005},
    "jetson-agx-xavier": {0.005},
}


def _describe(root: Path, model: str, compatible: list[str], folder: str = "proc/device-tree") -> None:
    (root / folder).mkdir(parents=True)
    (root / folder / "model").write_bytes(model.encode() + b"\0")
    (root / folder / "compatible").write_bytes("".join(f"{each}\0" for each in compatible).encode())


def test_there_is_a_profile_for_every_board_and_no_other() -> None:
    assert board_names() == sorted(RAILS) == sorted(TOTALS)


@pytest.mark.parametrize("name", sorted(RAILS))
def test_the_rails_are_those_of_the_boards_documents(name: str) -> None:
    board = load_board(name)
    assert {rail.name: (rail.address, rail.channel) for rail in board.rails} == RAILS[name]
    assert board.name == name


@pytest.mark.parametrize("name", sorted(TOTALS))
def test_the_total_is_one_rail_or_a_sum_and_marked_so(name: str) -> None:
    board = load_board(name)
    assert board.total == TOTALS[name]
    marked = [rail.name for rail in board.rails if rail.role is Role.TOTAL]
    assert marked == (list(board.total) if len(board.total) == 1 else [])


@pytest.mark.parametrize("name", sorted(SHUNTS))
def test_the_shunts_are_those_of_the_kernels_device_tree(name: str) -> None:
    assert {rail.shunt_ohm for rail in load_board(name).rails} == SHUNTS[name]


def test_the_carrier_board_of_tx1_and_tx2_is_fed_beside_the_module() -> None:
    for name in ("jetson-tx1", "jetson-tx2"):
        board = load_board(name)
        assert board.parallel == ("VDD_MUX",)
        assert {rail.address for rail in board.rails if rail.on_carrier} == {0x42, 0x43}


def test_only_the_vin_of_a_thor_is_on_an_ina238() -> None:
    found = {(name, rail.name) for name in RAILS for rail in load_board(name).rails if rail.chip == "ina238"}
    assert found == {("jetson-agx-thor", "VIN")}


def test_a_rail_is_found_by_the_name_another_kernel_gives_it() -> None:
    rail = load_board("jetson-tx2").rail("VDD_M2_IN")
    assert rail is not None
    assert rail.name == "VDD_3V3_SYS_M2"
    assert load_board("jetson-tx2").rail("VDD_GPU") is None


@pytest.mark.parametrize(("name", "model", "compatible"), SEEN)
def test_a_board_is_recognised(name: str, model: str, compatible: list[str], tmp_path: Path) -> None:
    _describe(tmp_path, model, compatible)
    board = recognise_board(tmp_path)
    assert board is not None
    assert board.name == name


def test_every_board_has_been_seen() -> None:
    assert {name for name, _, _ in SEEN} == set(RAILS)


def test_the_device_tree_is_found_where_proc_links_to(tmp_path: Path) -> None:
    _describe(tmp_path, "Jetson-TX1", ["nvidia,jetson-cv"], folder="sys/firmware/devicetree/base")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/device-tree").symlink_to("/nowhere/else")
    board = recognise_board(tmp_path)
    assert board is not None
    assert board.name == "jetson-tx1"


def test_no_other_computer_is_taken_for_a_jetson(tmp_path: Path) -> None:
    assert recognise_board(tmp_path) is None
    _describe(tmp_path, "Raspberry Pi 5 Model B Rev 1.0", ["raspberrypi,5-model-b", "brcm,bcm2712"])
    assert recognise_board(tmp_path) is None


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xfe,\x80+\0\0", b"nvidia,"])
def test_an_absurd_device_tree_is_no_board(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/compatible").write_bytes(data)
    assert recognise_board(tmp_path) is None


@pytest.mark.parametrize("name", ["toaster", "../simulated-tx1", "boards/jetson-tx1", ""])
def test_an_unknown_board_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ProfileError, match=r"No board is named .*jetson-tx1"):
        load_board(name)


BASE = 'title = "X"\ncompatible = ["p9999"]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title = ", "not valid TOML"),
        (BASE + 'colour = "red"', "colour"),
        (BASE + 'rails = [{ name = "A", address = 0x90 }]', r"rails\.0\.address"),
        (BASE + 'rails = [{ name = "A" }, { name = "A" }]', "same name"),
        (BASE + 'total = ["B"]\nrails = [{ name = "A" }]', "B is in total or parallel but not a rail"),
        (BASE + 'total = ["A"]\nrails = [{ name = "A" }]', "role total"),
        (BASE + 'rails = [{ name = "A", role = "total" }]', "role total"),
        (
            BASE + 'total = ["A", "B"]\nrails = [{ name = "A", role = "total" }, { name = "B" }]',
            "role total",
        ),
    ],
)
def test_a_board_that_makes_no_sense_is_refused_by_its_key(text: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says) as refusal:
        parse_board(text, "mine")
    assert "board mine" in str(refusal.value)
