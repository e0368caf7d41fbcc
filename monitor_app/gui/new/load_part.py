# SPDX-License-Identifier: Apache-2.0
"""How requests arrive while batches are timed: a scenario, and a rate where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QLineEdit

from monitor_app.core.formatting import number
from monitor_app.core.offered_load import SCENARIOS, Arrivals
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart
from monitor_app.gui.panels.parts import dim_label

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.gui.tasks import Tasks

OF_CAPACITY, A_SECOND = "% of capacity", "requests/s"
USUAL_PERCENT = "80"


class LoadPart(ProfilePart):
    """What a scenario means stands below it."""

    title = "load"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.scenario = Choice("Load")
        for name, scenario in SCENARIOS.items():
            self.scenario.addItem(scenario.title, name)
        self.rate = QLineEdit()
        self.rate.setAccessibleName("Offered rate")
        self.rate.setMaximumWidth(80)
        self.unit = Choice("Unit of the offered rate")
        self.unit.addItems([OF_CAPACITY, A_SECOND])
        self.streams = QLineEdit()
        self.streams.setAccessibleName("Streams")
        self.streams.setMaximumWidth(60)
        self.end_to_end = QCheckBox("end to end")
        self.end_to_end.setToolTip("Decode the images and copy them in and out in each timed pass")
        self.row(self.scenario, self.rate, self.unit, "streams", self.streams, self.end_to_end)
        self.words = dim_label()
        self.words.setWordWrap(True)
        self.column.addWidget(self.words)
        self.scenario.activated.connect(self._choose)
        self.unit.activated.connect(lambda _: self.edited.emit())
        self.end_to_end.clicked.connect(lambda _: self.edited.emit())
        for field in (self.rate, self.streams):
            field.textEdited.connect(lambda _: self.edited.emit())

    @property
    def _name(self) -> str:
        return str(self.scenario.currentData())

    def _choose(self) -> None:
        self._enable()
        if self.rate.isEnabled() and not self.rate.text():
            self.rate.setText(USUAL_PERCENT)
            self.unit.setCurrentText(OF_CAPACITY)
        self.edited.emit()

    def _enable(self) -> None:
        with_rate = SCENARIOS[self._name].arrivals is not Arrivals.CLOSED
        self.rate.setEnabled(with_rate)
        self.unit.setEnabled(with_rate)
        self.streams.setEnabled(self._name in ("closed", "paced"))
        self.words.setText(in_words(self._name))

    def show_profile(self, profile: Profile) -> None:
        load = profile.load
        self.scenario.setCurrentIndex(list(SCENARIOS).index(load.scenario))
        given = load.rate_hz if load.rate_hz is not None else load.of_capacity and 100 * load.of_capacity
        if _number(self.rate.text()) != given:  # what is being typed stays as it is
            self.rate.setText("" if given is None else f"{given:g}")
        if given is not None:
            self.unit.setCurrentText(A_SECOND if load.rate_hz is not None else OF_CAPACITY)
        if _number(self.streams.text()) != load.streams:
            self.streams.setText(f"{load.streams}")
        self.end_to_end.setChecked(load.end_to_end)
        self._enable()

    def apply(self, profile: Profile) -> Profile:
        """What is no number is no rate, which the check of the profile then asks for."""
        value = _number(self.rate.text()) if self.rate.isEnabled() else None
        of_capacity = self.unit.currentText() == OF_CAPACITY
        streams = _number(self.streams.text()) if self.streams.isEnabled() else None
        changes = {
            "scenario": self._name,
            "rate_hz": None if of_capacity else value,
            "of_capacity": value / 100 if of_capacity and value is not None else None,
            "streams": int(streams or 1),
            "end_to_end": self.end_to_end.isChecked(),
        }
        changed: dict[str, object] = {"load": profile.load.model_copy(update=changes)}
        samples = SCENARIOS[self._name].samples
        if samples is not None and profile.plan is not None and profile.load.scenario != self._name:
            changed["plan"] = profile.plan.model_copy(update={"batch_sizes": (samples,)})
        return profile.model_copy(update=changed)


def in_words(name: str) -> str:
    """What the scenario means, with MLPerf's rules where it has any."""
    scenario = SCENARIOS[name]
    how = {
        Arrivals.CLOSED: "the next request comes when the last has been answered",
        Arrivals.PACED: "requests come at equal intervals; latency counts from the arrival",
        Arrivals.POISSON: "requests come at random; latency counts from the arrival",
    }[scenario.arrivals]
    if not scenario.least_s:
        return how
    samples = f"; {scenario.samples} image{'s' * (scenario.samples > 1)} a request" if scenario.samples else ""
    metric = f"p{scenario.percentile} of the latency" if scenario.percentile else "images per second"
    return f"{how}{samples}; its metric is {metric}. MLPerf Inference times for {number(scenario.least_s)} s at least"


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
