# SPDX-License-Identifier: Apache-2.0
"""Two answers to each of the same questions: how many more are wrong in the second set (McNemar 1947).

Questions that both answer rightly, or both wrongly, say nothing about a difference. Of the others as many should be
lost as gained where nothing has changed, so the number of lost ones is binomial with probability 1/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Discordance:
    """Questions with two answers."""

    lost: int
    """Right in the first set, wrong in the second."""
    gained: int
    """Wrong in the first set, right in the second."""
    questions: int
    """All, at least 1."""

    @property
    def drop(self) -> float:
        """By how much the fraction of right answers fell, -1 to 1."""
        return (self.lost - self.gained) / self.questions

    def chance(self) -> float:
        """Probability of losing at least as many of the discordant questions if nothing has changed (exact test)."""
        count = self.lost + self.gained
        log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))
        lost = np.arange(self.lost, count + 1)
        logs = log_factorial[count] - log_factorial[lost] - log_factorial[count - lost] - count * math.log(2)
        return min(float(np.exp(logs).sum()), 1.0)

    def drop_interval(self, z: float) -> tuple[float, float]:
        """The drop within z standard errors, with one half added to each cell of the 2 x 2 table.

        Agresti and Min 2005, Statistics in Medicine 24:729, "Simple improved confidence intervals for comparing
        matched proportions".
        """
        questions = self.questions + 2
        middle = (self.lost - self.gained) / questions
        half = z * math.sqrt(self.lost + self.gained + 1 - (self.lost - self.gained) ** 2 / questions) / questions
        return middle - half, middle + half
