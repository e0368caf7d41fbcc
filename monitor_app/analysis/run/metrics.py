# SPDX-License-Identifier: Apache-2.0
"""The interval of an accuracy by a metric of the user's own, from the scores of its items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.analysis.statistics.intervals import t_quantile, wilson
from monitor_app.core.estimate import RESULT_LEVEL, Metric

if TYPE_CHECKING:
    from monitor_app.core.runs import Scores


def metric_of(scores: Scores) -> Metric:
    """With the interval of the mean over all such items.

    Wilson's, where every score is 0 or 1; else Student's, cut off at 0 and 1 where the mean lies between. None where
    the metric gave one number, or scores that are all the same and therefore show nothing of their scatter.
    """
    items = scores.items or None
    if scores.counted and scores.items:
        found = wilson(round(scores.mean * scores.items), scores.items)
        if found is not None:
            return Metric(scores.name, scores.mean, found.low, found.high, items)
    if not scores.deviation or scores.items < 2:
        return Metric(scores.name, scores.mean, None, None, items)
    half = t_quantile((1 + RESULT_LEVEL) / 2, scores.items - 1) * scores.deviation / math.sqrt(scores.items)
    low, high = scores.mean - half, scores.mean + half
    if 0 <= scores.mean <= 1:
        low, high = max(low, 0.0), min(high, 1.0)
    return Metric(scores.name, scores.mean, low, high, items)
