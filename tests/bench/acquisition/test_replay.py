# SPDX-License-Identifier: Apache-2.0
"""A capture of each serial instrument by the command, played back by the other: the same samples at the same pace."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.session.reader import SessionReader
from monitor_app.sources.lines import edgepowermeter_decoder
from monitor_app.sources.powersensor3 import decoder as powersensor3_decoder
from monitor_app.sources.ppk2 import decoder as ppk2_decoder
from monitor_app.sources.ppk2.calibration import FilterState, amperes, parse_metadata
from monitor_app.sources.shunt import decoder as shunt_decoder
from tests.cli.program import monitor_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A capture in real time, of which a machine that is busy with other work loses bytes.
pytestmark = pytest.mark.realtime

CAPTURE_S = 1.0


def records_of(capture: Path) -> list[tuple[int, int, bytes]]:
    """By the format's own description, not by the program's reader."""
    _, rest = capture.read_bytes().split(b"\n", 1)
    records = []
    while rest:
        time_ns, direction, length = struct.unpack_from("<qBI", rest)
        records.append((time_ns, direction, rest[13 : 13 + length]))
        rest = rest[13 + length :]
    return records


def played(folder: Path, kind: str, more: str = "") -> tuple[list[tuple[int, int, bytes]], Path]:
    profile, capture, session = folder / "p.toml", folder / "a.capture", folder / "s.plm"
    profile.write_text(f'title = "one"\n[[source]]\nkind = "{kind}"\nemulate = "tx1"\n{more}')
    done = monitor_app("sources", "--capture", str(capture), "--profile", str(profile), "--duration", str(CAPTURE_S))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["capture", str(capture)]
    done = monitor_app("record", "--replay", str(capture), "-o", str(session), "-q")
    assert done.returncode == 0, done.stderr
    return records_of(capture), session


def stored(session: Path) -> tuple[dict[str, np.ndarray], float]:
    """Values of each signal that is no product, and how long they last."""
    with SessionReader(session) as reader:
        assert [source.simulated for source in reader.sources()] == [True]
        extent = reader.extent()
        assert extent is not None
        values = {
            signal.name: reader.samples(signal.id, extent.start_ns, extent.end_ns + 1)[1]
            for signal in reader.signals()
            if not signal.is_product
        }
        assert reader.gaps() == []
    return values, extent.duration_s


def stream_of(records: list[tuple[int, int, bytes]], command: Callable[[bytes], bool]) -> tuple[bytes, float]:
    """What came after the last command of a kind, and how long it took from the first to the last read."""
    (start,) = [k for k, (_, way, data) in enumerate(records) if way == 1 and command(data)][-1:]
    come = [(time_ns, data) for time_ns, way, data in records[start:] if way == 0]
    return b"".join(data for _, data in come), (come[-1][0] - come[0][0]) * 1e-9


def all_received(records: list[tuple[int, int, bytes]]) -> bytes:
    return b"".join(data for _, way, data in records if way == 0)


def same_pace(duration_s: float, capture_s: float) -> bool:
    return duration_s == pytest.approx(capture_s, rel=0.1)


def test_a_shunt(tmp_path: Path) -> None:
    records, session = played(tmp_path, "shunt", "clock_ppm = 50\nrate_hz = 10_000\n")
    values, duration_s = stored(session)
    messages = shunt_decoder.decode(all_received(records), shunt_decoder.DecoderState()).messages
    (info,) = [m for m in messages if isinstance(m, shunt_decoder.DeviceInfo)][:1]
    codes = np.concatenate([m.codes for m in messages if isinstance(m, shunt_decoder.Samples)])
    for column, channel in enumerate(info.channels):
        expected = channel.scale * (codes[:, column].astype(float) - channel.zero)
        assert values[channel.name] == pytest.approx(expected)
    assert same_pace(duration_s, len(codes) / (10_000 * (1 + 50e-6)))
    assert len(codes) > 0.9 * CAPTURE_S * 10_000


def test_a_powersensor3(tmp_path: Path) -> None:
    records, session = played(tmp_path, "powersensor3")
    values, duration_s = stored(session)
    stream, took_s = stream_of(records, lambda data: data == b"S")
    frames = powersensor3_decoder.decode(stream, powersensor3_decoder.DecoderState()).frames
    # The last frame waits for one that confirms it.
    levels = np.asarray(frames.levels)[:-1]
    assert len(values) == 8
    # One level is one level, whatever the calibration makes of it.
    for values_of_one, levels_of_one in zip(values.values(), levels.T, strict=True):
        assert len(values_of_one) == len(levels_of_one)
        slope, offset = np.polyfit(levels_of_one, values_of_one, 1)
        assert values_of_one == pytest.approx(slope * levels_of_one + offset, abs=abs(slope) * 1e-3)
    assert same_pace(duration_s, took_s)
    assert len(levels) > 0.9 * CAPTURE_S * 20_000


def test_a_ppk2(tmp_path: Path) -> None:
    records, session = played(tmp_path, "ppk2", "supply_v = 5.0\n")
    values, duration_s = stored(session)
    metadata = parse_metadata(all_received(records).partition(b"\nEND")[0])
    assert metadata is not None
    stream, took_s = stream_of(records, lambda data: data == b"\x06")
    runs = ppk2_decoder.decode(stream, ppk2_decoder.DecoderState()).runs
    words = np.concatenate([run.words for run in runs])
    currents, _ = amperes(words, metadata.calibration.table(5.0), FilterState())
    assert len(values["current"]) == len(words)
    assert values["current"] == pytest.approx(currents, rel=1e-6)
    assert values["power"] == pytest.approx(5 * currents, rel=1e-6)
    assert same_pace(duration_s, took_s)
    assert len(words) > 0.9 * CAPTURE_S * 100_000


def test_lines(tmp_path: Path) -> None:
    records, session = played(tmp_path, "lines", 'format = "edgepowermeter"\n')
    values, duration_s = stored(session)
    _, took_s = stream_of(records, lambda data: data == b"MODE RAW\n")
    # Before that command there are no raw lines.
    lines = edgepowermeter_decoder.decode(all_received(records), edgepowermeter_decoder.RawState())
    # What came in one read with the answer to that command is from before the source was open.
    n = len(values["voltage"])
    assert len(lines.bus) - 50 < n <= len(lines.bus)
    assert values["voltage"] == pytest.approx(1.25e-3 * lines.bus[-n:])
    assert values["current"] == pytest.approx(2.5e-6 / 0.02 * lines.shunt[-n:])
    assert same_pace(duration_s, took_s)
    assert len(lines.bus) > 0.9 * CAPTURE_S * 1086
