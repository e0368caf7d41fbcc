# SPDX-License-Identifier: Apache-2.0
"""The method in sentences, from the profile that the session was recorded with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.back_ends import back_end_title
from monitor_app.core.errors import ProfileError
from monitor_app.core.formatting import listed
from monitor_app.core.models.units import worded
from monitor_app.core.runs import is_emulated
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.core.profile import Plan, Profile, Protocol

UNKNOWN = "The session holds no profile that this program can read, so its protocol is not known."
INTERVALS = (
    "Every ± is the half-width of a 95 % confidence interval, unless stated otherwise. An interval whose sides differ "
    "by more than a tenth is given by both ends.",
    "Time per image is the mean time of the timed batches divided by their images. Its interval allows for "
    "consecutive batches being correlated: it averages over all correlations that explain the series. Fewer than ten "
    "batches have no interval, unless other runs of the session show how strongly they are correlated.",
    "The uncertainty of power and energy combines the resolution of the meter, the noise of the mean, the spread of "
    "the batches (of their energies for energy, of energy divided by time for power), the noise of the idle baseline, "
    "its drift over the run, the clock bound between meter and computer (and between computer and board, where the "
    "networks ran on a board elsewhere), and the gain error that the manufacturer of "
    "the meter states. They are combined as in JCGM 100:2008 and expanded with a coverage factor of 2. What a meter "
    "does not state is not included.",
    "Net power is power above idle. Idle power is measured before and after each run and interpolated linearly.",
    "Repeated runs are pooled: their mean half-width and their scatter are combined in quadrature.",
    "Accuracy by a metric of the user's own has Student's interval of the mean of its items, cut off at 0 and 1, or "
    "Wilson's where every item is right or wrong; a metric that gives one number has none.",
    "Top-1 accuracy has a Wilson interval. It covers the sampling of these images; it does not tell whether they "
    "represent the images of an application.",
    "The findings use 90 % intervals: an interval inside a margin passes two one-sided tests for equivalence at 5 %.",
    "Values of the paper are shown with their origin; those digitised from its plots are accurate to 2 to 3 %.",
)
"""What the intervals are, and what they include."""


def intervals(unit: str) -> tuple[str, ...]:
    """The same in the words of a unit of work; pictures on which accuracy was measured stay images."""
    return tuple(worded(each, unit) if each.startswith("Time per image") else each for each in INTERVALS)


def method_of(campaign: Campaign) -> tuple[str, ...]:
    """The protocol of a campaign, one or two sentences for each part."""
    profile = _profile_of(campaign)
    if profile is None:
        return (UNKNOWN,)
    parts = (
        _plan(profile.plan),
        _models(profile),
        _run(profile.protocol),
        _state(profile),
        _board(campaign),
        _meters(profile),
    )
    return tuple(filter(None, parts))


def method_of_program(campaign: Campaign) -> tuple[str, ...]:
    """The protocol of a session in which a program of the user's was measured, and no network."""
    profile = _profile_of(campaign)
    if profile is None:
        return (UNKNOWN,)
    protocol = profile.protocol
    around = (
        f"Each time the program ran, the board had {protocol.settle_s:g} s to settle and {protocol.idle_s:g} s of idle "
        f"baseline before it, and {protocol.idle_s:g} s of idle baseline after it. Energy counts from the start of the "
        "command to its end."
    )
    return tuple(filter(None, (around, _board(campaign), _meters(profile))))


def _profile_of(campaign: Campaign) -> Profile | None:
    try:
        return parse_profile(campaign.meta.get("profile", ""), "the profile")
    except ProfileError:
        return None


def _models(profile: Profile) -> str:
    """Of models that the profile describes: what one unit is."""
    told = []
    for spec in (each.spec for each in profile.model):
        if spec.generates:
            told.append(
                f"{spec.name} reads {spec.prompt_tokens} tokens and adds {spec.new_tokens}, the first at the end of "
                f"prefill; its unit is the {spec.unit}"
            )
        else:
            each = "" if spec.units == 1 else f", {spec.units} of them in an item of a batch"
            told.append(f"the unit of {spec.name} is the {spec.unit}{each}")
    return f"Models that the profile describes: {'; '.join(told)}." if told else ""


def _plan(plan: Plan | None) -> str:
    if plan is None:
        return ""
    order = f"in random order (seed {plan.seed})" if plan.order == "random" else "in the order listed"
    often = "until stopped" if plan.cycles == 0 else "once" if plan.cycles == 1 else f"{plan.cycles} times"
    sizes = listed(plan.batch_sizes)
    text = f"The plan runs {_networks(len(plan.networks))} at batch size {sizes}, {order}, {often}."
    if plan.images is None:
        return f"{text} Accuracy is not measured, because the profile names no labelled images."
    when = "once per network and precision" if plan.accuracy == "once" else "in every run"
    images = f"each labelled image of the data set {plan.images}"
    return f"{text} Top-1 accuracy is measured {when}, on one central crop of {images}."


def _run(protocol: Protocol) -> str:
    text = (
        f"Each run has {protocol.settle_s:g} s to settle after loading, {protocol.idle_s:g} s of idle baseline, "
        f"a warm-up of at least {protocol.warm_up_s:g} s and {_batches(protocol.warm_up_batches)}, at least "
        f"{protocol.timed_s:g} s and {_batches(protocol.timed_batches)} that are timed, with the device synchronised "
        f"before and after each, and {protocol.idle_s:g} s of idle baseline again."
    )
    if protocol.warm_up_max_s > 0:
        text += f" Warm-up continues until latency and power are steady, for at most {protocol.warm_up_max_s:g} s."
    if protocol.fresh_process:
        text += " Each run has its own process, whose memory is measured."
    if protocol.cool_down_c is not None:
        text += (
            f" Before each run the board cools down to {protocol.cool_down_c:g} °C, for at most "
            f"{protocol.cool_down_max_s:g} s."
        )
    return text


def _state(profile: Profile) -> str:
    plan, inference = profile.plan, profile.inference
    precisions = listed(plan.precisions) if plan and plan.precisions else inference.precision
    text = f"The networks run on {inference.device} in {precisions}{_back_ends(profile)}"
    text += ", compiled by torch" if inference.compiled else ""
    text += ", with channels last." if inference.channels_last else "."
    if plan and plan.power_modes:
        text += f" Power modes: {listed(plan.power_modes)}."
    if plan and plan.clocks:
        text += f" Clocks: {listed(plan.clocks)}."
    return text


def _back_ends(profile: Profile) -> str:
    """What runs them, and by which images int8 was calibrated; nothing for published figures."""
    if is_emulated(profile.inference.device):
        return ""
    specs = profile.run_specs(1)
    named = list(dict.fromkeys(back_end_title(spec.back_end) for spec in specs))
    text = f" by {listed(named)}" if named else ""
    calibration = profile.inference.calibration
    if calibration is not None and any(spec.precision == "int8" for spec in specs):
        text += f" (int8 calibrated with images of {calibration})"
    return text


def _board(campaign: Campaign) -> str:
    """Where the networks ran, if not on the computer that recorded, and how well times of that place are known."""
    link, meta, environment = campaign.link, campaign.meta, campaign.environment
    if link is None:
        return ""
    cores = f"{meta['cores']} cores" if "cores" in meta else ""
    python = f"Python {meta['python']}" if "python" in meta else ""
    facts = (campaign.board, meta.get("processor", ""), cores, environment.get("L4T", "").lstrip("# "), python)
    told = ", ".join(dict.fromkeys(filter(None, facts)))
    return (
        f"What was measured ran on a board elsewhere, {link.name}, reached over ssh as {link.host}"
        f"{f' ({told})' if told else ''}. "
        f"Questions over the link tell its times on the clock of the recording computer to {link.bound}, which is "
        "added to the clock bound of every meter on that computer."
    )


def _meters(profile: Profile) -> str:
    sources = [f"{source.name} ({source.kind})" for source in profile.source]
    if not sources:
        return "Power was not measured."
    return f"Power is measured by {listed(sources)}."


def _batches(number: int) -> str:
    return "1 batch" if number == 1 else f"{number} batches"


def _networks(number: int) -> str:
    return "1 network" if number == 1 else f"{number} networks"
