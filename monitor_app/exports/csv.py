# SPDX-License-Identifier: Apache-2.0
"""A session as CSV tables: samples, runs and batches."""

from __future__ import annotations

import csv
import io
import math
import re
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from monitor_app.analysis.run.batch_energy import BatchEnergy
from monitor_app.analysis.run.signals import is_simulated
from monitor_app.analysis.session_summary import run_results
from monitor_app.core.errors import DamagedSessionError, ExportError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.formatting import metric_words
from monitor_app.core.models.units import IMAGE, shared_unit, worded
from monitor_app.core.plain_text import cell, comment
from monitor_app.core.runs import PREFILL, STAGES, MemoryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from monitor_app.analysis.run.energy import EnergySummary
    from monitor_app.analysis.run.latency import LatencySummary
    from monitor_app.analysis.run.parts import PartResult
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import SignalRow, SourceRow

    Progress: TypeAlias = Callable[[float], None]

_BLOCK_ROWS = 50_000
"""Rows that are formatted at a time, which bounds the memory that an export needs."""
PADDING = b" \0"
"""Characters that fill a column up to its width; they are deleted when columns are joined."""
_LARGEST = 10**17
_SPACE, _MINUS, _POINT, _ZERO = b" -.0"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One table of samples: a source and the chosen signals of it."""

    path: Path
    source: SourceRow
    signals: tuple[SignalRow, ...]


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of the session to export, in host nanoseconds; time_s is 0 at zero_ns."""

    zero_ns: int
    start_ns: int
    end_ns: int


def write_samples(
    reader: SessionReader,
    path: Path,
    signals: list[SignalRow] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    progress: Progress | None = None,
) -> int:
    """Write every sample in [start_s, end_s), in seconds since the first sample; return the number of rows.

    Each source has its own rate and therefore its own file, see `sample_files`. The row of a lost sample is missing.
    ``progress`` is called with the fraction that is done, 0 to 1; if it raises, the export is cancelled and leaves
    no file. Raises ExportError when there is nothing to write or it cannot be written.
    """
    window = _window(reader, start_s, end_s)
    files = sample_files(reader, path, signals)
    rows = 0
    with ExitStack() as stack:
        opened = [(file, stack.enter_context(completed(file.path))) for file in files]
        for k, (file, stream) in enumerate(opened):
            part = _progress_of_part(progress, k, len(opened))
            rows += _write_source(reader, file, window, stream, part)
    return rows


def sample_files(reader: SessionReader, path: Path, signals: list[SignalRow] | None = None) -> list[SampleFile]:
    """The files that `write_samples` writes: ``path`` for the first source; for others the stem ends in their name."""
    wanted = reader.signals() if signals is None else signals
    files: list[SampleFile] = []
    for source in reader.sources():
        chosen = tuple(signal for signal in wanted if signal.source == source.id)
        if chosen:
            files.append(SampleFile(_path_of(path, source, files), source, chosen))
    if not files:
        raise ExportError(f"{reader.path} has no signals to export.")
    return files


def write_runs(reader: SessionReader, path: Path) -> int:
    """Write one row per run with its results, empty where not measured; return the number of rows.

    Columns are named after the unit of the runs: images, frames, tokens, requests; units where they differ.
    """
    simulated, results = is_simulated(reader), run_results(reader)
    unit = shared_unit(result.unit for result in results)
    rows = [_run_row(result, simulated) for result in results]
    heads = tuple(name if name.startswith("top") else worded(name, unit) for name in RUN_COLUMNS)
    return _write_table(reader, path, rows, RUN_COLUMNS, heads)


def write_batches(reader: SessionReader, path: Path) -> int:
    """Write one row per batch, with times in seconds since the first sample; return the number of rows."""
    networks = {run.id: run.network for run in reader.runs()}
    batches = reader.batches()
    extent = reader.extent()
    zero_ns = extent.start_ns if extent else int(batches["start_ns"].min(initial=0))
    simulated = is_simulated(reader)
    rows = [
        {
            "run": run,
            "network": networks.get(run, ""),
            "phase": phase,
            "start_s": f"{(start_ns - zero_ns) * 1e-9:.6f}",
            "end_s": f"{(end_ns - zero_ns) * 1e-9:.6f}",
            "images": images,
            "top1": None if top1 < 0 else top1,
            "top5": None if top5 < 0 else top5,
            "device_s": None if device_ns < 0 else f"{device_ns * 1e-9:.6f}",
            "arrival_s": f"{(arrival_ns - zero_ns) * 1e-9:.6f}",
            "simulated": simulated,
        }
        for _, run, phase, start_ns, end_ns, images, top1, top5, device_ns, arrival_ns in batches.tolist()
    ]
    other = any(run.unit != IMAGE for run in reader.runs())
    heads = tuple("items" if name == "images" and other else name for name in BATCH_COLUMNS)
    return _write_table(reader, path, rows, BATCH_COLUMNS, heads)


_UNDERSCORES = str.maketrans(" -", "__")
BATCH_COLUMNS = (
    "run",
    "network",
    "phase",
    "start_s",
    "end_s",
    "images",
    "top1",
    "top5",
    "device_s",
    "arrival_s",
    "simulated",
)
RUN_COLUMNS = (
    "id", "cycle", "network", "title", "batch_size", "precision", "device", "threads", "channels_last", "compiled",
    "power_mode", "clocks", "state", "error",
    "parameters", "macs", "operations", "weights", "weights_sha256", "dataset", "unit", "images",
    "timed_s", "images_per_s", "steady", "warm_up_note", "latency_batches",
    *(f"latency_{name}{end}_ms" for name in ("mean", "p50", "p90", "p95", "p99") for end in ("", "_low", "_high")),
    "device_latency_p50_ms", "device_latency_p99_ms",
    "load", "offered_hz", "achieved_hz", "utilisation", "waiting_ms", "waiting_low_ms", "waiting_high_ms",
    "service_mean_ms", "service_p50_ms", "phase_gross_j_per_image", "phase_mean_w",
    *(f"{stage.translate(_UNDERSCORES)}_{unit}" for stage in STAGES for unit in ("ms", "j")),
    "idle_w", "full_w", "net_w",
    "energy_gross_j_per_image", "energy_gross_uncertainty_j_per_image",
    "energy_net_j_per_image", "energy_net_uncertainty_j_per_image", "coverage",
    *(f"memory_{kind.value}_mb" for kind in MemoryKind),
    "top1_correct", "top1_images", "top1_low", "top1_high", "top5_correct", "top5_images", "top5_low", "top5_high",
    "metrics", "first_token_ms", "prefill_tokens_per_s", "prefill_net_j_per_token",
    "prefill_net_uncertainty_j_per_token", "decode_tokens_per_s", "decode_net_j_per_token",
    "decode_net_uncertainty_j_per_token", "accuracy_note", "notes", "simulated",
)  # fmt: skip


# -- samples -------------------------------------------------------------------------------------


def _window(reader: SessionReader, start_s: float | None, end_s: float | None) -> _Window:
    extent = reader.extent()
    if extent is None:
        raise ExportError(f"{reader.path} has no samples to export.")
    start_ns = extent.start_ns if start_s is None else extent.start_ns + round(start_s * 1e9)
    end_ns = extent.end_ns if end_s is None else extent.start_ns + round(end_s * 1e9)
    window = _Window(extent.start_ns, max(start_ns, extent.start_ns), min(end_ns, extent.end_ns))
    if window.end_ns <= window.start_ns:
        raise ExportError(f"The session lasts {extent.duration_s:.3f} s: choose a part that lies within it.")
    return window


def _write_source(
    reader: SessionReader, file: SampleFile, window: _Window, stream: BinaryIO, progress: Progress | None
) -> int:
    decimals = _decimals(reader, file)
    time_decimals = _time_decimals(file.source.rate_hz)
    rates_hz = [rate for rate in (file.source.rate_hz, reader.sample_rate_hz(file.signals[0].id)) if rate]
    step_ns = max(round(min(_BLOCK_ROWS / max(min(rates_hz, default=1.0), 1e-6), 1e6) * 1e9), 1)
    stream.write(_heading(reader, file, window).encode())
    rows = 0
    for start_ns, end_ns in _steps(reader, file.signals[0], window, step_ns):
        read = [reader.samples(signal.id, start_ns, end_ns) for signal in file.signals]
        if len({len(values) for _, values in read}) > 1:
            raise DamagedSessionError(reader.path, f"the signals of {file.source.name} differ in length")
        times_ns = read[0][0] - window.zero_ns
        columns = [decimal_text(_divided(times_ns, 10 ** (9 - time_decimals)), time_decimals)]
        columns += [rounded_text(values, places) for (_, values), places in zip(read, decimals, strict=True)]
        stream.write(_joined(columns))
        rows += len(times_ns)
        if progress:
            progress((end_ns - window.start_ns) / (window.end_ns - window.start_ns))
    return rows


def _steps(reader: SessionReader, signal: SignalRow, window: _Window, step_ns: int) -> Iterator[tuple[int, int]]:
    """Windows that together hold all samples; those in gaps are left out, however long the gaps are."""
    start_ns = window.start_ns
    last = reader.waveform(signal.id).times.last()
    while last is not None and start_ns < window.end_ns and start_ns <= last[1]:
        # Asked for anew: the reader opens a file again that has been changed, as by a marker.
        times = reader.waveform(signal.id).times
        start_ns = max(start_ns, times.time_at(times.index_at(start_ns)))
        end_ns = min(start_ns + step_ns, window.end_ns)
        if start_ns < end_ns:
            yield start_ns, end_ns
        start_ns = max(end_ns, start_ns)


def _joined(columns: Sequence[NDArray[np.uint8]]) -> bytes:
    """Columns of characters side by side, without their padding."""
    rows = len(columns[0])
    pieces: list[NDArray[np.uint8]] = []
    for k, column in enumerate(columns):
        separator = b"," if k + 1 < len(columns) else b"\n"
        pieces += [column, np.full((rows, 1), ord(separator), np.uint8)]
    return np.concatenate(pieces, axis=1).tobytes().translate(None, PADDING)


def _divided(values: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    return (values + divisor // 2) // divisor


def _decimals(reader: SessionReader, file: SampleFile) -> list[int | None]:
    """Decimal places of each signal: to a tenth of its resolution; of a product, those of its finer factor."""
    places = {signal.id: _places(signal) for signal in reader.signals()}
    result: list[int | None] = []
    for signal in file.signals:
        factors = [k for k in (signal.factor_a, signal.factor_b) if k is not None]
        if not places.keys() >= set(factors):
            raise DamagedSessionError(reader.path, f"a factor of {signal.name} is missing")
        needed = [places[k] for k in factors] or [places[signal.id]]
        known = [place for place in needed if place is not None]
        result.append(max(known) if len(known) == len(needed) else None)
    return result


def _places(signal: SignalRow) -> int | None:
    """None for a floating-point signal whose resolution is not known."""
    step = abs(signal.scale) if signal.encoding.lstrip("<").startswith(("u", "i")) else signal.resolution
    return max(1 + math.ceil(-math.log10(step)), 0) if step else None


def _time_decimals(rate_hz: float) -> int:
    """A microsecond, or a tenth of a sample period where that is less."""
    return min(max(6, 1 + math.ceil(math.log10(rate_hz))), 9) if rate_hz > 0 else 6


def _heading(reader: SessionReader, file: SampleFile, window: _Window) -> str:
    source, meta = file.source, reader.meta()
    rate_hz = reader.sample_rate_hz(file.signals[0].id)
    extent = reader.extent()
    # Samples after the end of the recording are not lost samples.
    end_ns = min(window.end_ns, extent.end_ns) if extent else window.end_ns
    whole = reader.statistics(file.signals[0].id, min(window.start_ns, end_ns), end_ns)
    lines = [
        f"{meta.get('program', 'monitor-app')}, every sample",
        f"title: {meta.get('title', '')}",
        *(["SIMULATED"] if source.simulated else []),
        f"source: {source.name} ({source.model}, serial number {source.serial_number}, firmware {source.firmware})",
        f"time zero: {_utc(reader, window.zero_ns)}",
        f"rate: {'not known' if rate_hz is None else f'{rate_hz:.6g}'} samples/s",
        f"from {(window.start_ns - window.zero_ns) * 1e-9:.6f} s to {(window.end_ns - window.zero_ns) * 1e-9:.6f} s",
        f"lost samples: {whole.expected - whole.count} (their rows are missing)",
        f'read it with pandas.read_csv("{file.path.name}", comment="#")',
    ]
    names = ",".join(["time_s", *(_column(signal) for signal in file.signals)])
    return "".join(f"# {comment(' '.join(line.split()))}\n" for line in lines) + names + "\n"


def _column(signal: SignalRow) -> str:
    unit = signal.quantity.value
    return _plain(signal.name).lstrip("+-") + (f"_{unit}" if unit else "")


def _utc(reader: SessionReader, host_ns: int) -> str:
    pairs = reader.utc_pairs()
    if not pairs:
        return "UTC not known"
    at_ns, utc_ns = min(pairs, key=lambda pair: abs(pair[0] - host_ns))
    moment = datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=(utc_ns + host_ns - at_ns) // 1000)
    return f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC"


def _path_of(path: Path, source: SourceRow, files: list[SampleFile]) -> Path:
    if not files:
        return path
    named = path.with_name(f"{path.stem}-{_plain(source.name)}{path.suffix}")
    taken = {file.path for file in files}
    return named if named not in taken else path.with_name(f"{path.stem}-{source.id}{path.suffix}")


def _plain(name: str) -> str:
    """A name without characters that are unsafe in a file name or a column name."""
    return re.sub(r"[^\w.+-]+", "_", name)


def _progress_of_part(progress: Progress | None, part: int, parts: int) -> Progress | None:
    return None if progress is None else lambda fraction: progress((part + fraction) / parts)


# -- numbers as columns of characters ------------------------------------------------------------
# Python formats about a million numbers a second, and a session holds a hundred million; the digits are
# therefore computed by numpy, a decimal place at a time for the whole column.


def decimal_text(scaled: NDArray[np.int64], decimals: int) -> NDArray[np.uint8]:
    """``scaled / 10**decimals`` as text, shape (n, width), padded on the left with spaces."""
    rest = np.abs(scaled)
    digits = max(len(str(int(rest.max(initial=0)))), decimals + 1)
    width = 1 + digits + (decimals > 0)
    text: NDArray[np.uint8] = np.full((width, len(scaled)), _SPACE, np.uint8)
    place = width - 1
    for k in range(digits):
        if k == decimals and k > 0:
            text[place] = _POINT
            place -= 1
        # Places left of the point stay blank once nothing is left of the number; the first is always written.
        following = rest // 10
        digit = (rest - 10 * following + _ZERO).astype(np.uint8)
        text[place] = digit if k <= decimals else np.where(rest > 0, digit, _SPACE)
        rest = following
        place -= 1
    text[0, scaled < 0] = _MINUS
    rows: NDArray[np.uint8] = text.T
    return rows


def rounded_text(values: NDArray[np.float64], decimals: int | None) -> NDArray[np.uint8]:
    """Values as text, shape (n, width); with ``decimals`` None to nine significant digits."""
    if decimals is not None:
        scaled = np.rint(values * 10.0**decimals)
        if (np.abs(scaled) < _LARGEST).all():
            return decimal_text(scaled.astype(np.int64), decimals)
    text = np.array([f"{value:.9g}" for value in values.tolist()], "S")
    characters: NDArray[np.uint8] = text.view(np.uint8).reshape(len(values), text.itemsize)
    return characters


# -- runs ----------------------------------------------------------------------------------------


def _run_row(result: RunResult, simulated: bool) -> dict[str, Any]:
    """Values by column name; a value that was not measured is missing."""
    run, latency, power = result.run, result.latency, result.power
    row: dict[str, Any] = {name: getattr(run, name) for name in RUN_COLUMNS if hasattr(run, name)}
    row |= {"images": result.images, "timed_s": result.timed_s or None, "images_per_s": result.images_per_s}
    row["simulated"] = simulated
    if latency:
        row["latency_batches"] = latency.count
        row |= _latency_cells("latency", latency)
    row |= _load_cells(result)
    if result.device_latency:
        row |= _latency_cells("device_latency", result.device_latency)
    if power:
        row |= {name: getattr(power, name) for name in ("idle_w", "full_w", "net_w", "coverage")}
    if result.energy:
        row |= _energy_cells(result.energy)
    for use in result.memory:
        row[f"memory_{use.kind}_mb"] = use.net_bytes / 1e6
    row["notes"] = " ".join(result.notes)
    row["metrics"] = metric_words(result.metrics)
    for part in result.parts:
        row |= _part_cells(part)
    for name, fraction in (("top1", result.top1), ("top5", result.top5)):
        if fraction:
            row |= {f"{name}_{key}": getattr(fraction, key) for key in ("correct", "images", "low", "high")}
    return row


def _part_cells(part: PartResult) -> dict[str, float]:
    """Of prefill or decode."""
    row: dict[str, float] = {}
    if part.kind == PREFILL and part.latency is not None and part.latency.mean is not None:
        row["first_token_ms"] = part.latency.mean.value * 1e3
    if part.units_per_s is not None:
        row[f"{part.kind}_tokens_per_s"] = part.units_per_s.value
    if part.energy is not None and part.energy.net is not None:
        row[f"{part.kind}_net_j_per_token"] = part.energy.net.j_per_image
        row[f"{part.kind}_net_uncertainty_j_per_token"] = part.energy.net.uncertainty_j
    return {name: value for name, value in row.items() if math.isfinite(value)}


def _load_cells(result: RunResult) -> dict[str, Any]:
    """Rates a second, milliseconds, joules; what is of no steady state is left out."""
    row: dict[str, Any] = {"load": result.run.load.title}
    for stage in result.stages:
        name = stage.name.translate(_UNDERSCORES)
        row |= {f"{name}_ms": stage.mean.value * 1e3, f"{name}_j": stage.gross_j and stage.gross_j.value}
    load = result.load
    if load is None or result.passes is None:
        return row
    row |= {name: getattr(load, name) for name in ("offered_hz", "achieved_hz", "utilisation")}
    row |= _latency_cells("service", result.passes)
    if load.waiting is not None:
        row["waiting_ms"] = load.waiting.value * 1e3
        if math.isfinite(load.waiting.high):
            row |= {"waiting_low_ms": load.waiting.low * 1e3, "waiting_high_ms": load.waiting.high * 1e3}
    if isinstance(load.phase_energy, BatchEnergy) and load.phase_j_per_image is not None:
        row |= {"phase_gross_j_per_image": load.phase_j_per_image.value, "phase_mean_w": load.phase_energy.mean_w}
    return row


def _latency_cells(name: str, latency: LatencySummary) -> dict[str, float]:
    """Milliseconds; a percentile with too few batches beyond it is left out, and so is an interval of too few."""
    found = {key: getattr(latency, key) for key in ("mean", "p50", "p90", "p95", "p99")}
    row = {f"{name}_p50_ms": latency.median_s * 1e3}
    for key, estimate in found.items():
        if estimate is not None:
            row[f"{name}_{key}_ms"] = estimate.value * 1e3
            if math.isfinite(estimate.high):
                row[f"{name}_{key}_low_ms"] = estimate.low * 1e3
                row[f"{name}_{key}_high_ms"] = estimate.high * 1e3
    return row


def _energy_cells(energy: EnergySummary) -> dict[str, float]:
    """Joules; the uncertainty of too few batches is left out."""
    row = {
        "energy_gross_j_per_image": energy.gross.j_per_image,
        "energy_gross_uncertainty_j_per_image": energy.gross.uncertainty_j,
    }
    if energy.net:
        row["energy_net_j_per_image"] = energy.net.j_per_image
        row["energy_net_uncertainty_j_per_image"] = energy.net.uncertainty_j
    return {name: value for name, value in row.items() if math.isfinite(value)}


def _write_table(
    reader: SessionReader,
    path: Path,
    rows: Iterable[dict[str, Any]],
    columns: tuple[str, ...],
    heads: tuple[str, ...],
) -> int:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heads)
    count = 0
    for row in rows:
        table.writerow([_cell(row.get(name)) for name in columns])
        count += 1
    with completed(path) as file:
        file.write(text.getvalue().encode())
    return count


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return cell(value)
    return f"{value:.9g}" if isinstance(value, float) else value
