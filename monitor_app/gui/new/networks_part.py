# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Which networks are run, and with which weights."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QPushButton, QTableView

from monitor_app.core.formatting import listed
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.network_table import NetworkFilter, NetworkModel, network_rows
from monitor_app.gui.new.part import ProfilePart, plan_or_default, planned
from monitor_app.gui.panels.parts import dim_label
from monitor_app.inference.networks.registry import network_title

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent

    from monitor_app.core.profile import Plan, Profile
    from monitor_app.gui.tasks import Tasks

ROW_PX, SHOWN_ROWS = 22, 6
BOX_PX = 42
"""Of a cell, beside its text: the box, and what is free on both sides."""
WEIGHTS_COLUMN, LEAST_WORDS_PX = 3, 48
WEIGHTS = {"auto": "weights that are here", "hub": "weights, downloaded where missing", "none": "without weights"}
NOTHING = "None: the power is recorded, and nothing is run."


class NetworksPart(ProfilePart):
    """A table with a box before each network, and a search above it."""

    title = "networks"
    stretch = 1

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.search = QLineEdit(placeholderText="search: resnet, 2016, here …", clearButtonEnabled=True)
        self.search.setAccessibleName("Search the networks")
        self.only_chosen = QPushButton("chosen")
        self.only_chosen.setCheckable(True)
        self.only_chosen.setObjectName("count")
        self.only_chosen.setToolTip("Show only the networks of the plan")
        self.model = NetworkModel(network_rows(), self)
        self.shown = NetworkFilter(self)
        self.shown.setSourceModel(self.model)
        self.table = _Table()
        self.table.setModel(self.shown)
        self._arrange_table()
        self.weights = Choice("Weights")
        for key, words in WEIGHTS.items():
            self.weights.addItem(words, key)
        self.names = dim_label()
        self.names.setWordWrap(True)
        self._plan: Plan | None = None
        """The last one there was, for when a network is chosen again."""
        self.row(self.search, self.only_chosen, self.weights, stretch=0)
        self.column.addWidget(self.table)
        self.column.addWidget(self.names)
        self.search.textChanged.connect(self.shown.search)
        self.only_chosen.toggled.connect(self.shown.show_only_chosen)
        self.weights.activated.connect(lambda _: self.edited.emit())
        self.model.switched.connect(self._change)

    def _arrange_table(self) -> None:
        table = self.table
        table.setObjectName("networks")
        table.setAccessibleName("Networks")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setTabKeyNavigation(False)
        table.setSortingEnabled(True)
        table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_PX)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head = table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        head.setHighlightSections(False)
        table.setMinimumHeight(ROW_PX * SHOWN_ROWS + 28)

    def _change(self) -> None:
        self._show_names()
        self.edited.emit()

    def _show_names(self) -> None:
        titles = [network_title(name) for name in self.model.chosen]
        count = len(titles)
        self.names.setText(f"{count} in the plan: {listed(titles, 8)}" if count else NOTHING)
        self.only_chosen.setText(f"{count} chosen")

    def show_profile(self, profile: Profile) -> None:
        self._plan = profile.plan or self._plan
        self.model.run_elsewhere(profile.board is not None)
        plan = plan_or_default(profile)
        if list(plan.networks) != self.model.chosen:
            self.model.choose(plan.networks)
            self.table.scrollToTop()
        self._show_names()
        if self.weights.findData(plan.weights) < 0:
            self.weights.addItem(plan.weights, plan.weights)
        self.weights.setCurrentIndex(self.weights.findData(plan.weights))

    def apply(self, profile: Profile) -> Profile:
        """Without any network there is no plan."""
        if not self.model.chosen:
            return profile.model_copy(update={"plan": None})
        changes: dict[str, object] = {"networks": tuple(self.model.chosen)}
        if self.weights.currentData() != plan_or_default(profile).weights:
            changes["weights"] = self.weights.currentData()
        if profile.plan is None:
            plan = self._plan or plan_or_default(profile)
            return profile.model_copy(update={"plan": plan.model_copy(update=changes)})
        return planned(profile, changes)


class _Table(QTableView):
    """Space puts the network of the row into the plan, whichever column is the current one."""

    _name_px, _words_px = 0.0, 0
    """What the names need, and the words about the weights."""

    def showEvent(self, event: QShowEvent) -> None:
        """Columns are as wide as the text of now; Qt would measure every row with each change of a box."""
        self.fit()
        super().showEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.model() is not None:
            self.fit()

    def fit(self) -> None:
        """Measure the texts, of all rows: those of a filter as well."""
        cells, model = QFontMetricsF(self.font()), self.model()
        assert isinstance(model, NetworkFilter)
        networks = model.sourceModel()
        assert isinstance(networks, NetworkModel)
        self._name_px = max(cells.horizontalAdvance(row.title) for row in networks.rows) + BOX_PX
        for column in range(1, model.columnCount()):
            self.resizeColumnToContents(column)
        self._words_px = self.columnWidth(WEIGHTS_COLUMN)
        self._share()

    def _share(self) -> None:
        """Names are read as a whole; where room is short, the words about the weights are elided."""
        numbers = sum(self.columnWidth(column) for column in range(1, WEIGHTS_COLUMN))
        left = self.viewport().width() - numbers - ceil(self._name_px)
        self.setColumnWidth(WEIGHTS_COLUMN, max(min(self._words_px, left), LEAST_WORDS_PX))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() == Qt.Key.Key_Space and index.isValid():
            model = self.model()
            assert isinstance(model, NetworkFilter)
            networks = model.sourceModel()
            assert isinstance(networks, NetworkModel)
            networks.switch(model.mapToSource(index).row())
            return
        super().keyPressEvent(event)
