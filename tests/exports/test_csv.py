# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.session_summary import run_results
from monitor_app.core.errors import ExportError
from monitor_app.core.markers import Marker
from monitor_app.core.samples import Quantity
from monitor_app.exports import csv as csv_module
from monitor_app.exports.csv import (
    PADDING,
    decimal_text,
    rounded_text,
    sample_files,
    write_batches,
    write_runs,
    write_samples,
)
from monitor_app.session.marker_store import store_markers

from .conftest import (
    BLOCK,
    CURRENT_OFFSET_A,
    CURRENT_STEP_A,
    PERIOD_NS,
    RATE_HZ,
    START_NS,
    VOLTAGE_STEP_V,
    Recipe,
    codes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.session.reader import SessionReader

    Make = Callable[[Recipe], SessionReader]


def parsed(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Comments, column names and numbers, by the rules of any reader of CSV."""
    lines = path.read_text("utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    names, *rows = csv.reader(lines[len(comments) :])
    return comments, names, np.array(rows, float).reshape(-1, len(names))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def others(folder: Path) -> list[str]:
    """What lies in the folder besides sessions."""
    return sorted(entry.name for entry in folder.iterdir() if ".plm" not in entry.name)


def test_every_sample_comes_back_as_the_code_it_was(make: Make, tmp_path: Path) -> None:
    recipe = Recipe(through_zero=True)
    out = tmp_path / "out.csv"
    count = write_samples(make(recipe), out)
    _, names, table = parsed(out)
    current, voltage = codes(recipe)
    assert names == ["time_s", "current_A", "voltage_V", "power_W"]
    assert count == len(table) == len(current) == recipe.duration_s * RATE_HZ
    assert np.array_equal(np.round((table[:, 1] - CURRENT_OFFSET_A) / CURRENT_STEP_A), current)
    assert np.array_equal(np.round(table[:, 2] / VOLTAGE_STEP_V), voltage)
    assert np.abs(table[:, 1] - (CURRENT_STEP_A * current + CURRENT_OFFSET_A)).max() < CURRENT_STEP_A / 10
    assert np.allclose(table[:, 3], table[:, 1] * table[:, 2], rtol=0, atol=1e-3)


def test_times_are_right_to_a_microsecond_and_start_at_zero(make: Make, tmp_path: Path) -> None:
    recipe = Recipe()
    write_samples(make(recipe), tmp_path / "out.csv")
    _, _, table = parsed(tmp_path / "out.csv")
    expected_s = np.arange(len(table)) * PERIOD_NS * 1e-9
    assert table[0, 0] == 0
    assert np.abs(table[:, 0] - expected_s).max() < 1e-6


def test_the_table_agrees_with_the_reader(make: Make, tmp_path: Path) -> None:
    reader = make(Recipe(lost_blocks=(3, 4, 30), through_zero=True))
    write_samples(reader, tmp_path / "out.csv")
    _, _, table = parsed(tmp_path / "out.csv")
    extent = reader.extent()
    assert extent is not None
    for column, signal in enumerate(reader.signals(), start=1):
        times_ns, values = reader.samples(signal.id, extent.start_ns, extent.end_ns)
        assert np.abs(table[:, 0] - (times_ns - START_NS) * 1e-9).max() <= 0.5e-6 + 1e-12
        assert np.abs(table[:, column] - values).max() < CURRENT_STEP_A / 10


def test_lost_samples_are_missing_rows_and_are_counted(make: Make, tmp_path: Path) -> None:
    recipe = Recipe(lost_blocks=(3, 4))
    count = write_samples(make(recipe), tmp_path / "out.csv")
    comments, _, table = parsed(tmp_path / "out.csv")
    assert count == recipe.duration_s * RATE_HZ - 2 * BLOCK
    assert any(line.startswith(f"# lost samples: {2 * BLOCK} ") for line in comments)
    steps = np.diff(table[:, 0])
    assert np.count_nonzero(steps > 1.5 / RATE_HZ) == 1
    assert steps.max() == pytest.approx((2 * BLOCK + 1) / RATE_HZ, abs=2e-6)


def test_a_part_has_the_samples_of_that_part(make: Make, tmp_path: Path) -> None:
    recipe = Recipe()
    reader = make(recipe)
    count = write_samples(reader, tmp_path / "out.csv", start_s=0.5, end_s=1.25)
    _, _, table = parsed(tmp_path / "out.csv")
    assert count == len(table) == round(0.75 * RATE_HZ)
    assert table[0, 0] == pytest.approx(0.5, abs=1e-6)
    assert table[-1, 0] == pytest.approx(1.25 - 1 / RATE_HZ, abs=1e-6)
    current, _ = codes(recipe)
    expected = current[round(0.5 * RATE_HZ) : round(1.25 * RATE_HZ)]
    assert np.array_equal(np.round((table[:, 1] - CURRENT_OFFSET_A) / CURRENT_STEP_A), expected)


def test_a_part_outside_the_session_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"lasts 4\.000 s"):
        write_samples(make(Recipe()), tmp_path / "out.csv", start_s=5.0)
    assert others(tmp_path) == []


def test_only_the_signals_that_are_asked_for(make: Make, tmp_path: Path) -> None:
    reader = make(Recipe(second_source=True))
    power = [signal for signal in reader.signals() if signal.quantity is Quantity.POWER]
    write_samples(reader, tmp_path / "out.csv", power)
    _, names, _ = parsed(tmp_path / "out.csv")
    assert names == ["time_s", "power_W"]
    assert others(tmp_path) == ["out.csv"]


def test_the_heading_says_what_it_is(make: Make, tmp_path: Path) -> None:
    write_samples(make(Recipe(title="Line one\nline two")), tmp_path / "out.csv")
    comments, _, _ = parsed(tmp_path / "out.csv")
    assert "# title: Line one line two" in comments
    assert "# time zero: 2023-11-14 22:13:20.000000 UTC" in comments
    assert "# source: shunt (Model S, serial number S-17, firmware 1.2)" in comments
    assert "# rate: 10000 samples/s" in comments
    assert any('comment="#"' in line for line in comments)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_simulated_source_is_marked(make: Make, tmp_path: Path, simulated: bool) -> None:
    reader = make(Recipe(simulated=simulated))
    write_samples(reader, tmp_path / "out.csv")
    write_runs(reader, tmp_path / "runs.csv")
    comments, _, _ = parsed(tmp_path / "out.csv")
    assert ("# SIMULATED" in comments) is simulated
    (run,) = rows_of(tmp_path / "runs.csv")
    assert run["simulated"] == str(simulated).lower()


def test_each_further_source_has_a_file_of_its_own(make: Make, tmp_path: Path) -> None:
    reader = make(Recipe(second_source=True))
    files = sample_files(reader, tmp_path / "out.csv")
    count = write_samples(reader, tmp_path / "out.csv")
    assert [file.path.name for file in files] == ["out.csv", "out-rails_1.csv"] == others(tmp_path)[::-1]
    _, names, table = parsed(tmp_path / "out-rails_1.csv")
    assert names == ["time_s", "board_left_degC"]
    assert np.array_equal(np.array(table[:, 1], "<f4"), np.array([20.25, -0.125, np.nan, 1e-9, 123456.78], "<f4"), True)
    assert count == 4 * RATE_HZ + 5


def test_progress_rises_to_one(make: Make, tmp_path: Path) -> None:
    seen: list[float] = []
    write_samples(make(Recipe(runs=6, second_source=True)), tmp_path / "out.csv", progress=seen.append)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_marker_that_is_laid_meanwhile_does_not_end_the_export(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window lays it in the file that another process exports from."""
    monkeypatch.setattr(csv_module, "_BLOCK_ROWS", BLOCK // 2)
    reader = make(Recipe())
    whole = write_samples(reader, tmp_path / "whole.csv")
    laid = iter((Marker(1, START_NS, None, "here", 0),))

    def lay(_: float) -> None:
        store_markers(reader.path, list(laid))

    assert write_samples(reader, tmp_path / "with.csv", progress=lay) == whole
    assert np.array_equal(parsed(tmp_path / "with.csv")[2], parsed(tmp_path / "whole.csv")[2])


def test_a_cancelled_export_leaves_what_was_there(make: Make, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("before")

    def cancel(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_samples(make(Recipe(second_source=True)), tmp_path / "out.csv", progress=cancel)
    assert others(tmp_path) == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "before"


def test_a_full_disk_is_one_sentence_and_leaves_nothing(make: Make, tmp_path: Path) -> None:
    import resource
    import signal

    reader = make(Recipe(runs=2))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ExportError, match=r"cannot be written \(File too large\)"):
            write_samples(reader, tmp_path / "out.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert others(tmp_path) == []


def test_places_that_cannot_be_written(make: Make, tmp_path: Path) -> None:
    reader = make(Recipe())
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match="no folder"):
        write_samples(reader, tmp_path / "missing" / "out.csv")
    with pytest.raises(ExportError, match="not an ordinary file"):
        write_runs(reader, tmp_path / "folder")
    before = reader.path.read_bytes()
    with pytest.raises(ExportError, match="is a session, which nothing else"):
        write_batches(reader, reader.path)
    assert reader.path.read_bytes() == before


def test_the_runs_table_has_the_results_of_the_analysis(make: Make, tmp_path: Path) -> None:
    reader = make(Recipe(runs=2))
    assert write_runs(reader, tmp_path / "runs.csv") == 2
    first, second = rows_of(tmp_path / "runs.csv")
    (result, _) = run_results(reader)
    assert result.energy is not None
    assert result.energy.net is not None
    assert (first["network"], second["network"]) == ("network_1", "network_2")
    assert (first["state"], first["images"], first["latency_batches"]) == ("done", "60", "60")
    assert float(first["latency_p50_ms"]) == pytest.approx(16.0)
    assert float(first["net_w"]) == pytest.approx(10.0, abs=0.05)
    assert float(first["energy_net_j_per_image"]) == pytest.approx(result.energy.net.j_per_image, rel=1e-8)
    assert (first["top1_correct"], first["top1_images"]) == ("9", "12")
    assert 0.4 < float(first["top1_low"]) < 0.75 < float(first["top1_high"]) < 1


def test_what_was_not_measured_is_empty(make: Make, tmp_path: Path) -> None:
    reader = make(Recipe(with_accuracy=False))
    write_runs(reader, tmp_path / "runs.csv")
    (run,) = rows_of(tmp_path / "runs.csv")
    assert [run[name] for name in ("top1_correct", "top1_images", "top1_low", "top1_high", "error")] == [""] * 5
    assert run["accuracy_note"] == "no weights"
    write_batches(reader, tmp_path / "batches.csv")
    assert {row["top1"] for row in rows_of(tmp_path / "batches.csv")} == {""}


def test_the_batches_table_has_a_row_a_pass(make: Make, tmp_path: Path) -> None:
    assert write_batches(make(Recipe(runs=2)), tmp_path / "batches.csv") == 144
    rows = rows_of(tmp_path / "batches.csv")
    assert len(rows) == 144
    assert rows[0] == {
        "run": "1", "network": "network_1", "phase": "timed", "start_s": "1.200000", "end_s": "1.216000",
        "images": "1", "top1": "", "top5": "", "device_s": "", "arrival_s": "1.200000", "simulated": "false",
    }  # fmt: skip
    judged = [row for row in rows if row["phase"] == "accuracy" and row["run"] == "2"]
    assert [row["top1"] for row in judged] == ["1", "1", "1", "0"] * 3


def test_tables_need_no_qt() -> None:
    code = "import sys, monitor_app.exports.csv; sys.exit(any(name.startswith('PySide6') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def lines(text: np.ndarray) -> list[str]:
    return [bytes(row).translate(None, PADDING).decode() for row in text]


@given(st.lists(st.integers(-(10**16), 10**16), max_size=20), st.integers(0, 9))
def test_fixed_is_the_exact_decimal(scaled: list[int], decimals: int) -> None:
    written = lines(decimal_text(np.array(scaled, np.int64), decimals))
    assert [Decimal(text) for text in written] == [Decimal(value).scaleb(-decimals) for value in scaled]
    assert all(text.lstrip("-")[0].isdigit() for text in written)
    assert all(len(text.partition(".")[2]) == decimals for text in written)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20), st.integers(0, 6))
def test_rounded_is_within_half_a_last_place(values: list[float], decimals: int) -> None:
    written = lines(rounded_text(np.array(values), decimals))
    for text, value in zip(written, values, strict=True):
        assert abs(float(text) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + abs(value) * 1e-15


@given(st.lists(st.floats(width=32), max_size=20))
def test_single_precision_comes_back_exactly(values: list[float]) -> None:
    written = lines(rounded_text(np.array(values, float), None))
    assert np.array_equal(np.array(written, "<f4"), np.array(values, "<f4"), equal_nan=True)


def test_a_value_without_a_fixed_form_is_written_as_a_number() -> None:
    assert lines(rounded_text(np.array([np.nan, np.inf, 1e300]), 3)) == ["nan", "inf", "1e+300"]
