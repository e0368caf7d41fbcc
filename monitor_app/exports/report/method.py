# SPDX-License-Identifier: Apache-2.0
"""How it was measured, in words: from the profile that the session was recorded with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.errors import ProfileError
from monitor_app.core.formatting import listed
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.core.profile import Plan, Profile, Protocol

UNKNOWN = "The session has no profile that this program can read, so its protocol is not known."
INTERVALS = (
    "Every ± is an interval of 95 %, unless something else is said beside it. One that is not even is written with "
    "both ends.",
    "Time of an image is the median time of a batch over its images. Its interval is a bootstrap of whole blocks of "
    "consecutive batches, because neighbours resemble each other. With too few batches for a median it is their mean "
    "by Student's t.",
    "Power and energy have a budget: resolution of the meter, noise of the mean, spread of the batches, noise of the "
    "idle baseline, its drift from before to after, the bound between the clocks of meter and computer, and the gain "
    "of the meter as its maker states it. They are added as JCGM 100:2008 has it and doubled. What a meter does not "
    "state is not in it.",
    "Net is what lies above idle power, which is measured before and after each run and laid through both as a line.",
    "Repetitions of a run are put together: the mean of their intervals, which repetition does not narrow, and the "
    "scatter between them.",
    "Top-1 has the Wilson interval for a share. It tells how sure the share is on such images, not whether the images "
    "are those that others use.",
    "The findings have intervals of 90 %: one that lies inside its margin passes both one-sided tests of an "
    "equivalence at 5 %.",
    "Values of the paper are overlays, each with its origin; those read off its plots are good to 2 to 3 %.",
)
"""What the intervals are, and what is in them."""


def method_of(campaign: Campaign) -> tuple[str, ...]:
    """The protocol of a campaign, a sentence or two for each part of it."""
    try:
        profile = parse_profile(campaign.meta.get("profile", ""), "the profile")
    except ProfileError:
        return (UNKNOWN,)
    return tuple(filter(None, (_plan(profile.plan), _run(profile.protocol), _state(profile), _meters(profile))))


def _plan(plan: Plan | None) -> str:
    if plan is None:
        return ""
    order = f"in random order (seed {plan.seed})" if plan.order == "random" else "in the order listed"
    often = "until stopped" if plan.cycles == 0 else "once" if plan.cycles == 1 else f"{plan.cycles} times"
    sizes = listed([str(size) for size in plan.batch_sizes])
    text = f"{len(plan.networks)} networks at batch {sizes}, {order}, {often}."
    if plan.images is None:
        return f"{text} No labelled images were given, so accuracy is not measured."
    when = "once for a network and precision" if plan.accuracy == "once" else "in every run"
    return f"{text} Top-1 {when}, on one central crop of each labelled image of {plan.images}."


def _run(protocol: Protocol) -> str:
    text = (
        f"Each run: {protocol.settle_s:g} s left out after loading, {protocol.idle_s:g} s of idle baseline, warm-up of "
        f"at least {protocol.warm_up_s:g} s and {protocol.warm_up_batches} batches, then at least "
        f"{protocol.timed_s:g} s and {protocol.timed_batches} batches that count, the device synchronised around "
        f"each, and {protocol.idle_s:g} s of baseline again."
    )
    if protocol.warm_up_max_s > 0:
        text += f" Warm-up goes on until latency and power are steady, for at most {protocol.warm_up_max_s:g} s."
    if protocol.fresh_process:
        text += " Each run has a process of its own, whose memory is measured."
    if protocol.cool_down_c is not None:
        text += (
            f" Before it the board cools to {protocol.cool_down_c:g} °C, for at most {protocol.cool_down_max_s:g} s."
        )
    return text


def _state(profile: Profile) -> str:
    plan, inference = profile.plan, profile.inference
    precisions = listed(plan.precisions) if plan and plan.precisions else inference.precision
    text = f"On {inference.device} in {precisions}"
    text += ", compiled" if inference.compiled else ""
    text += ", channels last." if inference.channels_last else "."
    if plan and plan.power_modes:
        text += f" Power modes: {listed(plan.power_modes)}."
    if plan and plan.clocks:
        text += f" Clocks: {listed(plan.clocks)}."
    return text


def _meters(profile: Profile) -> str:
    sources = [f"{source.name} ({source.kind})" for source in profile.source]
    if not sources:
        return "No power was measured."
    return f"Power from {listed(sources)}."
