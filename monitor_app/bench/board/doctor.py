# SPDX-License-Identifier: Apache-2.0
"""Whether a board is ready to be measured: what would make its numbers wrong or its runs fail, and what mends it.

Every check looks at files below a root, that of this machine or a copy of another's, and changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from monitor_app.core.formatting import clock_bound, engineering, size
from monitor_app.sources.jetson.boards import recognise_board
from monitor_app.sources.jetson.chips import RAIL_PATTERNS, find_chips

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PATTERNS = (
    *RAIL_PATTERNS,
    "/etc/nv_tegra_release",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/class/devfreq/*/governor",
    "/sys/class/devfreq/*/max_freq",
    "/sys/class/devfreq/*/min_freq",
    "/sys/class/hwmon/hwmon*/oc*_event_cnt",
    "/sys/class/thermal/cooling_device*/cur_state",
    "/sys/class/thermal/cooling_device*/type",
    "/sys/class/thermal/thermal_zone*/temp",
    "/sys/class/thermal/thermal_zone*/trip_point_*_temp",
    "/sys/class/thermal/thermal_zone*/trip_point_*_type",
    "/sys/class/thermal/thermal_zone*/type",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_max_freq",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_min_freq",
    "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count",
)
"""The files that the checks read, for a board of which they have to be fetched."""
BUSY_CORES = 0.2
"""Other work above this disturbs latencies and is in every power."""
LEAST_MEMORY_BYTES = 1 << 30
NEAR_C = 5.0
"""Distance to the temperature at which the board slows down, below which it soon does."""
GOOD_LINK_NS = 2_000_000
"""Energies of batches shorter than ten times the bound of the link are doubtful."""
LEAST_DISK_BYTES, GOOD_DISK_BYTES = 200_000_000, 5_000_000_000
JETPACKS = {24: 2, 27: 3, 28: 3, 31: 4, 32: 4, 34: 5, 35: 5, 36: 6, 38: 7}
"""Major version of JetPack by that of L4T."""
_L4T = re.compile(r"#\s*R(?P<major>\d{1,3}) \(release\), REVISION: (?P<minor>\d{1,3}(?:\.\d{1,3})*)")
LEAST_BOARD_DISK_BYTES = 50_000_000
"""On a board elsewhere, which keeps the agent and what runs the networks, and no session."""
_CPU = "sys/devices/system/cpu"
_NO_COOLING = ("fan", "pwm")
"""Kinds of cooling devices that cool and do not slow down."""


class Verdict(str, Enum):
    """What a check has found."""

    READY = "ready"
    CAUTION = "caution"
    """It can be measured, with results that are worse or hard to repeat."""
    NOT_READY = "not ready"
    """It cannot be measured."""
    UNKNOWN = "unknown"
    """This machine does not show it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's answer."""

    name: str
    verdict: Verdict
    text: str
    """What was found, one sentence."""
    mend: str = ""
    """The command that mends it, where there is one."""


def is_ready(checks: Sequence[Check]) -> bool:
    """Nothing found that prevents a measurement."""
    return all(each.verdict is not Verdict.NOT_READY for each in checks)


def machine_checks(root: Path, busy_cores: float | None = None) -> Iterator[Check]:
    """All that the files of a machine tell.

    Args:
        root: / or a folder with a copy of its files.
        busy_cores: how many cores other work keeps busy, from `busy_cores_between`; None where it was not measured.
    """
    yield board_check(root)
    yield rails_check(root)
    yield _processor_clock(root)
    yield from _gpu_clock(root)
    yield from _slowed_down(root)
    yield from _temperature(root)
    if busy_cores is not None:
        yield _other_load(busy_cores)
    yield from _memory(root)


def disk_check(free_bytes: int, folder: str) -> Check:
    """Whether a session fits where it is to be recorded."""
    text = f"{size(free_bytes)} are free in {folder}."
    if free_bytes < LEAST_DISK_BYTES:
        return Check("disk", Verdict.NOT_READY, text, "df -h .")
    return Check("disk", Verdict.READY if free_bytes >= GOOD_DISK_BYTES else Verdict.CAUTION, text)


def link_check(bound_ns: int | None) -> Check:
    """How well times of a board elsewhere are known here; None: not yet."""
    if bound_ns is None:
        return Check("link", Verdict.UNKNOWN, "The board's clock is not known yet: look again.")
    text = f"Times of the board are known to {clock_bound(bound_ns)}, which is added to the bound of a meter here."
    wide = bound_ns > GOOD_LINK_NS
    mend = "connect the board by a cable to the same switch; a sync line to the meter makes it independent of the link"
    return Check("link", Verdict.CAUTION if wide else Verdict.READY, text, mend if wide else "")


def inference_check(versions: Mapping[str, str], devices: Mapping[str, str], *, gpu_expected: bool) -> Check:
    """What torch says of itself: `Ready` of the inference child."""
    torch, names = versions.get("torch", "not installed"), ", ".join(f"{key} ({name})" for key, name in devices.items())
    text = f"Python {versions.get('python', '?')}, torch {torch}, on {names}."
    if gpu_expected and not any(key.startswith("cuda") for key in devices):
        mend = "install the build of torch for this JetPack; it is there when `torch.zeros(1).cuda()` works"
        return Check("inference", Verdict.CAUTION, f"torch does not see the GPU of this board: {text}", mend)
    return Check("inference", Verdict.READY, text)


def busy_cores_between(before: str, after: str) -> float | None:
    """How many cores were busy between two texts of /proc/stat; None where they tell nothing."""
    first, second = _ticks(before), _ticks(after)
    if first is None or second is None:
        return None
    total, busy = second[0] - first[0], second[1] - first[1]
    cores = sum(line.startswith("cpu") for line in after.splitlines()) - 1
    return cores * busy / total if total > 0 else None


def _ticks(stat: str) -> tuple[int, int] | None:
    """All and the busy ticks of all processors."""
    words = stat.partition("\n")[0].split()
    if words[:1] != ["cpu"] or not all(word.isdigit() for word in words[1:]) or len(words) < 6:
        return None
    ticks = [int(word) for word in words[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks), sum(ticks) - idle


def board_check(root: Path) -> Check:
    """Which board it is, and which JetPack it has."""
    board, model = recognise_board(root), _text(root / "proc/device-tree/model")
    release = _release(_text(root / "etc/nv_tegra_release"))
    if board is not None:
        return Check("board", Verdict.READY, f"{board.title}{f', {release}' if release else ''}.")
    return Check(
        "board", Verdict.UNKNOWN, f"{model or 'A machine without a device tree'}: no board that is known by name."
    )


def _release(text: str) -> str:
    """L4T 32.7.1 (JetPack 4), from a line as NVIDIA writes it; empty where it is none."""
    found = _L4T.match(text)
    if found is None:
        return ""
    jetpack = JETPACKS.get(int(found["major"]))
    return f"L4T {found['major']}.{found['minor']}" + (f" (JetPack {jetpack})" if jetpack else "")


def rails_check(root: Path) -> Check:
    """Which rails it measures of itself."""
    chips = find_chips(root, recognise_board(root))
    if not chips:
        return Check("rails", Verdict.UNKNOWN, "It has no power monitor of its own that is known: use a meter.")
    return Check("rails", Verdict.READY, f"{', '.join(rail.name for chip in chips for rail in chip.rails)}.")


def _processor_clock(root: Path) -> Check:
    folders = sorted((root / _CPU).glob("cpu*/cpufreq"))
    ranges = [(_number(each / "scaling_min_freq"), _number(each / "scaling_max_freq")) for each in folders]
    known = [(low, high) for low, high in ranges if low is not None and high is not None]
    if not known:
        return Check("processor clock", Verdict.UNKNOWN, "This machine does not show the clock of its processor.")
    governors = sorted({_text(each / "scaling_governor") for each in folders} - {""})
    low, high = min(low for low, _ in known) * 1e3, max(high for _, high in known) * 1e3
    if governors == ["performance"] or all(low == high for low, high in known):
        return Check("processor clock", Verdict.READY, f"Held at {engineering(high, 'Hz')} ({', '.join(governors)}).")
    mend = "sudo jetson_clocks" if _is_jetson(root) else "sudo cpupower frequency-set -g performance"
    span = f"from {engineering(low, 'Hz')} to {engineering(high, 'Hz')}"
    text = f"It changes with the load, {span} ({', '.join(governors)})."
    return Check("processor clock", Verdict.CAUTION, text, mend)


def _gpu_clock(root: Path) -> Iterator[Check]:
    for folder in sorted((root / "sys/class/devfreq").glob("*")):
        low, high = _number(folder / "min_freq"), _number(folder / "max_freq")
        if not folder.name.endswith(("gpu", "gv11b", "gp10b", "ga10b", "gm20b")) or low is None or high is None:
            continue
        if low == high:
            yield Check("GPU clock", Verdict.READY, f"Held at {engineering(high, 'Hz')}.")
        else:
            text = f"It changes with the load, from {engineering(low, 'Hz')} to {engineering(high, 'Hz')}."
            yield Check("GPU clock", Verdict.CAUTION, text, "sudo jetson_clocks")


def _slowed_down(root: Path) -> Iterator[Check]:
    """Whether the machine runs slower than it could, or has since it was started."""
    limits = [
        _text(folder / "type")
        for folder in sorted((root / "sys/class/thermal").glob("cooling_device*"))
        if (_number(folder / "cur_state") or 0) > 0 and not _text(folder / "type").lower().startswith(_NO_COOLING)
    ]
    over_current = _total(root, "sys/class/hwmon/hwmon*/oc*_event_cnt")
    too_hot = _total(root, f"{_CPU}/cpu*/thermal_throttle/core_throttle_count")
    if limits:
        text = f"It is slowed down now, by {', '.join(sorted(set(limits)))}."
        yield Check("throttling", Verdict.CAUTION, text, "let it cool, and set cool_down_c under [protocol]")
    elif over_current or too_hot:
        what = "too much current" if over_current else "heat"
        text = f"It was slowed down by {what} {over_current or too_hot} times since it was started."
        yield Check(
            "throttling", Verdict.CAUTION, text, "use a stronger supply" if over_current else "improve the cooling"
        )
    elif over_current is not None or too_hot is not None:
        yield Check("throttling", Verdict.READY, "It has not been slowed down since it was started.")


def _temperature(root: Path) -> Iterator[Check]:
    """Of the zone that is nearest to where the board slows down."""
    zones = [
        zone for zone in map(_zone, sorted((root / "sys/class/thermal").glob("thermal_zone*"))) if zone is not None
    ]
    if not zones:
        return
    room_c, now_c, name = min(zones, key=lambda zone: (zone[0], -zone[1]))
    near = room_c < NEAR_C
    limit = f", and slows down at {now_c + room_c:.0f} degC" if room_c < float("inf") else ""
    mend = "let it cool, and set cool_down_c under [protocol]" if near else ""
    verdict = Verdict.CAUTION if near else Verdict.READY
    yield Check("temperature", verdict, f"{name} is at {now_c:.0f} degC{limit}.", mend)


def _zone(folder: Path) -> tuple[float, float, str] | None:
    """How far a zone is below its limit and how warm it is, both in degrees, and its name; None where it is off."""
    now = _number(folder / "temp")
    if now is None or now <= 0:
        return None
    passive = [each for each in folder.glob("trip_point_*_type") if _text(each) == "passive"]
    limits = [_number(each.with_name(each.name.replace("_type", "_temp"))) for each in passive]
    known = [limit for limit in limits if limit]
    room_c = (min(known) - now) * 1e-3 if known else float("inf")
    return room_c, now * 1e-3, _text(folder / "type") or folder.name


def _other_load(busy_cores: float) -> Check:
    text = f"Other programs keep {busy_cores:.2f} of a core busy."
    return (
        Check("other load", Verdict.CAUTION, text, "top")
        if busy_cores > BUSY_CORES
        else Check("other load", Verdict.READY, text)
    )


def _memory(root: Path) -> Iterator[Check]:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:") and line.split()[1].isdigit():
            free = int(line.split()[1]) * 1024
            enough = free >= LEAST_MEMORY_BYTES
            text = f"{size(free)} of memory are free."
            yield Check(
                "memory", Verdict.READY if enough else Verdict.CAUTION, text, "" if enough else "free -h; top -o %MEM"
            )


def _is_jetson(root: Path) -> bool:
    return bool(_text(root / "etc/nv_tegra_release")) or recognise_board(root) is not None


def _total(root: Path, pattern: str) -> int | None:
    """The sum of counters; None where there is none."""
    found = [number for file in root.glob(pattern) if (number := _number(file)) is not None]
    return sum(found) if found else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.lstrip("-").isdigit() else None
