# SPDX-License-Identifier: Apache-2.0
"""How far from a claim is still the claim.

Each was set before a board was judged by it, but for `above` and `floor`: the paper's own numbers had been seen.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Margins:
    """What the verdicts are decided against; docs/findings.md argues for each."""

    power: float = 0.10
    """Net power at two batch sizes may differ by this share of its mean. The paper's own spread between networks is
    0.7 of 11.8 W; two of its networks so differ by 1 W as a rule, and less than 1.18 W it calls constant."""
    spread: float = 0.10
    """Standard deviation of net power between networks, as a share of its mean."""
    exceptions: float = 0.25
    """Share of networks whose own power may follow the batch size although the mean of all does not."""
    deviation: float = 2.0
    """Factor by which the standard deviation of net power may differ from the paper's share of 0.7 in 11.8."""
    evidence: float = 2.0
    """Difference of AICc from which one form is preferred to another: a likelihood ratio of e."""
    bound: float = 2.0
    """Points of top-1 to which the bound by energy must be known."""
    above: float = 5.0
    """Points of top-1 by which a network may lie above that bound, which is the middle of those on the hull: a fifth
    of what lies between the paper's best and worst."""
    prediction: float = 2.0
    """Factor within which nine of ten further networks are to be predicted from their operations."""
    steeper: float = 1.05
    """Ratio of two slopes below which neither is called the steeper."""
    speed_up: float = 1.25
    """Factor by which AlexNet's gain from batches may differ from 3."""
    small_speed_up: float = 2.0
    """What the other networks gain less than."""
    memory_slope: float = 0.25
    """By which share memory for each byte of parameters may differ from 1.30."""
    floor: float = 0.5
    """Share of the paper's 100 MB of parameters to which a floor must reach to be one."""
    flat: float = 0.25
    """Growth of memory by image before the knee, as a share of that after it."""
    rank: float = 0.90
    """Spearman's correlation with the paper's ranking."""
    ratio: float = 0.10
    """By which share a ratio of densities may differ from the paper's."""
    bandwidth: float = 2.0
    """Factor by which the needed bandwidth may differ from 1.4 kHz."""
    meter: float = 0.02
    """Error of energy, as a share, that a meter must keep 95 % of the time to be called sufficient."""
