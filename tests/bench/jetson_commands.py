# SPDX-License-Identifier: Apache-2.0
"""nvpmodel, jetson_clocks and sudo of a Jetson as programs that can be called, on a board of small files.

Written from what the real ones print and do: nvpmodel 1.1 of JetPack 5 and 6, jetson_clocks of L4T 28 to 35, sudo 1.9.
Each file of the folder `board` is a setting of the machine.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODES = ("MAXN", "MODE_15W", "MODE_30W", "MODE_10W")
WANTS_REBOOT = 3
NVPMODEL = """
MODES = {0: ("MAXN", 2265600, 1377000000, 1), 1: ("MODE_15W", 1190400, 675750000, 0),
         2: ("MODE_30W", 1497600, 905250000, 1), 3: ("MODE_10W", 729600, 522750000, 0)}
words = sys.argv[1:]
if words == ["-p", "--verbose"]:
    print("NVPM VERB: Config file: /etc/nvpmodel.conf")
    print("NVPM VERB: parsing done for /etc/nvpmodel.conf")
    for number, (name, *_) in MODES.items():
        print(f"NVPM VERB: POWER_MODEL: ID={number} NAME={name}")
        print("NVPM VERB: PARAM CPU_ONLINE: ARG CORE_0: PATH /sys/devices/system/cpu/cpu0/online: VAL: 1")
elif words == ["-q"]:
    print("NV Fan Mode:quiet")
    if there("unset"):
        print("NVPM WARN: power mode is not set!")
        sys.exit(0)
    number = int(get("pmode"))
    print(f"NV Power Mode: {MODES[number][0]}")
    print(number)
    if not root:
        print("NVPM ERROR: Error opening /sys/kernel/nvpmodel_emc_cap/emc_iso_cap: 13", file=sys.stderr)
elif len(words) == 2 and words[0] == "-m":
    number = int(words[1])
    if not root or there("stuck"):
        print("NVPM ERROR: Error opening /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq: 13", file=sys.stderr)
        print("NVPM ERROR: failed to set power mode!", file=sys.stderr)
        sys.exit(255)
    if number == 3 and get("pmode") != "3":
        print("NVPM WARN: Golden image context is already created")
        print(f"NVPM WARN: Reboot required for changing to this power mode: {number}")
        print("NVPM WARN: DO YOU WANT TO REBOOT NOW? enter YES/yes to confirm:")
        if sys.stdin.readline().strip() in ("YES", "yes"):
            put("rebooted", "1")
            sys.exit(0)
        print("NVPM ERROR: optMask is 1, no request for power mode")
        sys.exit(255)
    _, cpu, gpu, online = MODES[number]
    put("pmode", str(number))
    put("cpu1_online", str(online))
    for name, low, high in (("cpu0", 115200, cpu), ("cpu1", 115200, cpu), ("gpu", 114750000, gpu)):
        put(f"{name}_min", str(low))
        put(f"{name}_max", str(high))
else:
    print("NVPM ERROR: invalid arguments")
    sys.exit(255)
"""
JETSON_CLOCKS = """
KEPT = ("cpu1_online", "cpu0_min", "cpu1_min", "idle_disable", "gpu_min", "gpu_railgate", "emc_override")
words = sys.argv[1:]
if words and words[0] not in ("--show", "--store", "--restore"):
    print(f"Unknown option: {words[0]}")
    sys.exit(1)
if not root:
    print(f"Error: Run this script({sys.argv[0]}) as a root user")
    sys.exit(1)
if there("hangs"):
    time.sleep(60)
file = os.path.abspath(words[1]) if len(words) > 1 else None
if words[:1] == ["--show"]:
    print("SOC family:tegra194  Machine:Jetson AGX Xavier")
    print("Online CPUs: 0-1")
    for cpu in ("cpu0", "cpu1"):
        online = get("cpu1_online") if cpu == "cpu1" else "1"
        print(f"{cpu}: Online={online} Governor=schedutil MinFreq={get(cpu + '_min')} MaxFreq={get(cpu + '_max')} "
              f"CurrentFreq={get(cpu + '_min')} IdleStates: C1={1 - int(get('idle_disable'))} c6=0 ")
    print(f"GPU MinFreq={get('gpu_min')} MaxFreq={get('gpu_max')} CurrentFreq={get('gpu_min')}")
    print(f"EMC MinFreq=204000000 MaxFreq=2133000000 CurrentFreq=1600000000 FreqOverride={get('emc_override')}")
    print("FAN Dynamic Speed control=active hwmon1_pwm1=0")
    print("NV Power Mode: MAXN")
elif words[:1] == ["--store"]:
    if there(file):
        print(f"File {file} already exists. Can I overwrite it? Y/N:")
        if sys.stdin.readline().strip() not in ("y", "Y"):
            print(f"Error: file {file} already exists!")
            sys.exit(1)
    print(f"Storing system configuration in {file}")
    put(file, "".join(f"{name}:{get(name)}\\n" for name in KEPT))
elif words[:1] == ["--restore"]:
    if not there(file):
        print(f"Error: {file} file not found !")
        sys.exit(1)
    print(f"Restoring system configuration from {file}")
    for line in get(file).split():
        put(*line.split(":"))
    if there("unrestorable"):
        print("Error: Failed to restore /sys/devices/17000000.gv11b/devfreq/17000000.gv11b/min_freq")
else:
    for name in ("cpu0", "cpu1", "gpu"):
        put(f"{name}_min", get(f"{name}_max"))
    put("idle_disable", "1")
    put("gpu_railgate", "0")
    put("emc_override", "1")
"""
SUDO = """
words = sys.argv[1:]
assert words[0] == "-n", "it would ask for a password"
if there("no_sudo"):
    print("sudo: a password is required", file=sys.stderr)
    sys.exit(1)
if there("not_allowed") and "-m" in words:
    print(f"Sorry, user jetson is not allowed to execute '{' '.join(words[1:])}' as root on ubuntu.", file=sys.stderr)
    sys.exit(1)
os.environ["BOARD_ROOT"] = "1"
with open(words[1]) as file: text = file.read()
if not text.startswith("#!" + sys.executable + " "): os.execv(words[1], words[1:])
sys.argv = words[1:]  # in this interpreter, as to start one more takes longer than what it does
exec(compile(text, words[1], "exec"))
"""
_BEGINNING = """#!{python} -SE
import os, sys, time
BOARD = {board!r}
def put(name, value, mode="w"):
    with open(os.path.join(BOARD, name), mode) as file: file.write(value)
def get(name):
    with open(os.path.join(BOARD, name)) as file: return file.read()
def there(name): return os.path.exists(os.path.join(BOARD, name))
put("../calls", " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n", "a")
root = "BOARD_ROOT" in os.environ
"""


@dataclass(frozen=True, slots=True)
class Jetson:
    """A board in a folder."""

    folder: Path

    @property
    def commands(self) -> Path:
        """The folder to put in PATH."""
        return self.folder / "bin"

    @property
    def state_file(self) -> Path:
        return self.folder / "state" / "board.json"

    @property
    def clocks_file(self) -> Path:
        return self.folder / "run" / "clocks"

    def settings(self) -> dict[str, str]:
        """All that can be set."""
        return {file.name: file.read_text() for file in sorted((self.folder / "board").iterdir())}

    def set(self, **values: str) -> None:
        for name, value in values.items():
            (self.folder / "board" / name).write_text(value)

    def unset(self, name: str) -> None:
        (self.folder / "board" / name).unlink()

    def calls(self) -> list[str]:
        """What was called since the last time, in order; sudo and what it calls are both in it."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def changes(self) -> list[str]:
        """The calls that may change something."""
        return [line for line in self.calls() if line.split()[0] != "sudo" and line.split()[1:2] not in _QUESTIONS]


_QUESTIONS = (["-q"], ["-p"], ["--show"])


def make_jetson(folder: Path) -> Jetson:
    """In MODE_30W, with clocks that the board chooses."""
    jetson = Jetson(folder)
    for name in ("board", "bin", "run"):
        (folder / name).mkdir(parents=True)
    for name, body in (("nvpmodel", NVPMODEL), ("jetson_clocks", JETSON_CLOCKS), ("sudo", SUDO)):
        beginning = _BEGINNING.format(python=sys.executable, board=str(folder / "board"))
        program = jetson.commands / name
        program.write_text(beginning + body)
        program.chmod(0o755)
    jetson.set(
        pmode="2", cpu1_online="1", cpu0_min="422400", cpu0_max="1497600", cpu1_min="422400", cpu1_max="1497600",
        gpu_min="318750000", gpu_max="905250000", gpu_railgate="1", idle_disable="0", emc_override="0",
    )  # fmt: skip
    return jetson
