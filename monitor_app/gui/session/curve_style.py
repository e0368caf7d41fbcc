# SPDX-License-Identifier: Apache-2.0
"""What is drawn around the mean of each column of a curve."""

from __future__ import annotations

from enum import Enum


class CurveStyle(Enum):
    """The mean is always drawn; where each sample is shown there is nothing around it."""

    ENVELOPE = "envelope"
    """From the smallest to the largest sample of the column."""
    DEVIATION = "deviation"
    """One standard deviation of the samples of the column to either side."""
    MEAN = "mean"
    """Nothing."""

    @property
    def title(self) -> str:
        """As a menu names it."""
        return _TITLES[self]

    @property
    def short(self) -> str:
        """As the status bar names it."""
        return _SHORT[self]

    def resolution(self, samples_per_column: int | None) -> str:
        """What a column of the picture consists of; empty where nothing is drawn."""
        if samples_per_column is None:
            return ""
        if samples_per_column == 1:
            return "every sample"
        return f"{_COLUMNS[self]} of {samples_per_column:,} samples a column"


_TITLES = {
    CurveStyle.ENVELOPE: "Mean with minimum and maximum",
    CurveStyle.DEVIATION: "Mean with standard deviation",
    CurveStyle.MEAN: "Mean alone",
}
_SHORT = {
    CurveStyle.ENVELOPE: "envelope", CurveStyle.DEVIATION: "mean ± std", CurveStyle.MEAN: "mean alone",
}  # fmt: skip
_COLUMNS = {
    CurveStyle.ENVELOPE: "mean and min … max",
    CurveStyle.DEVIATION: "mean ± standard deviation",
    CurveStyle.MEAN: "mean",
}
