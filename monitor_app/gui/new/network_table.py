# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The networks as rows of a table: which are in the plan, what each costs, and whether its weights are here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Signal

from monitor_app.core.formatting import size
from monitor_app.inference.networks.counts import known_costs
from monitor_app.inference.networks.registry import NETWORKS, network_title
from monitor_app.inference.networks.weights import WeightsError
from monitor_app.inference.networks.weights_files import usual_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtCore import QObject

    from monitor_app.inference.networks.network import Network

Index: TypeAlias = "QModelIndex | QPersistentModelIndex"
HEADS = ("network", "MACs", "parameters", "weights")
SORTED = int(Qt.ItemDataRole.UserRole)
HERE, TO_DOWNLOAD, NO_WEIGHTS, OWN = "here", "to download", "none", "your own"
ELSEWHERE = "not known"
LOOKED_FOR = "Weights are looked for on the board when the plan begins."


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One network; what is not known is None."""

    name: str
    title: str
    macs: int | None
    parameters: int | None
    weights: str
    """One of the words above, with the size of a download."""
    tip: str

    @property
    def words(self) -> str:
        """What a search is made in."""
        return f"{self.name} {self.title} {self.weights}".lower()


def network_rows() -> list[NetworkRow]:
    """Every network that has a name, the usual ones first."""
    return [_row(network) for network in NETWORKS.values()]


def own_row(name: str) -> NetworkRow:
    """A file or a function of the user's, which a plan names."""
    return NetworkRow(name, network_title(name), None, None, OWN, "")


def _row(network: Network) -> NetworkRow:
    costs = known_costs(network.name)
    weights, tip = _weights(network)
    return NetworkRow(
        network.name, network.title, costs.macs if costs else None, costs.parameters if costs else None, weights,
        "\n".join(filter(None, (network.name, tip, network.differs))),
    )  # fmt: skip


def _weights(network: Network) -> tuple[str, str]:
    """Whether there are any, without opening them; and which."""
    try:
        here = usual_title(network)
    except WeightsError as error:
        return NO_WEIGHTS, str(error)
    if here is not None:
        return HERE, here
    if network.published is not None:
        return f"{TO_DOWNLOAD}, {size(network.published.size_bytes)}", network.published.title
    return NO_WEIGHTS, "No weights are published: it is timed with random ones, and accuracy is not measured."


class NetworkModel(QAbstractTableModel):
    """The box before a name says whether the network is in the plan."""

    switched = Signal()

    def __init__(self, rows: Sequence[NetworkRow], parent: QObject) -> None:
        super().__init__(parent)
        self._known = {row.name: row for row in rows}
        self.rows = list(rows)
        self.chosen: list[str] = []
        """In the order of the plan."""
        self._elsewhere = False

    def choose(self, names: Iterable[str]) -> None:
        """These are in the plan, and no others; they stand first."""
        self.beginResetModel()
        self.chosen = list(names)
        first = [self._known.get(name) or own_row(name) for name in self.chosen]
        self.rows = [*first, *(row for name, row in self._known.items() if name not in self.chosen)]
        self.endResetModel()

    def run_elsewhere(self, elsewhere: bool) -> None:
        """Whether networks run on a board whose files are not seen here, so that its weights are not known."""
        if elsewhere != self._elsewhere:
            self._elsewhere = elsewhere
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(HEADS) - 1))

    def switch(self, row: int) -> None:
        """Into the plan, at its end, or out of it."""
        name = self.rows[row].name
        if name in self.chosen:
            self.chosen.remove(name)
        else:
            self.chosen.append(name)
        index = self.index(row, 0)
        self.dataChanged.emit(index, index)
        self.switched.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        return 0 if parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        boxes = Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else Qt.ItemFlag.NoItemFlags
        return super().flags(index) | boxes

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.title, _millions(row.macs), _millions(row.parameters), self._weights(row))[column]
        if role == SORTED:
            return (row.title.lower(), row.macs or 0, row.parameters or 0, self._weights(row))[column]
        if role == Qt.ItemDataRole.CheckStateRole and column == 0:
            return Qt.CheckState.Checked if row.name in self.chosen else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = LOOKED_FOR if self._weights(row) == ELSEWHERE else row.tip
            # Of the first two a cell may have no room.
            return "\n".join(filter(None, (row.title, self._weights(row), tip)))
        return _alignment(column) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _weights(self, row: NetworkRow) -> str:
        return ELSEWHERE if self._elsewhere and row.weights not in {NO_WEIGHTS, OWN} else row.weights

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.switch(index.row())
        return True


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in {1, 2} else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _millions(count: int | None) -> str:
    """1,814 M or 0.9 M."""
    if count is None:
        return "–"  # noqa: RUF001 (a dash)
    return f"{count / 1e6:,.0f} M" if count >= 10e6 else f"{count / 1e6:,.1f} M"


class NetworkFilter(QSortFilterProxyModel):
    """Rows in which each word that was typed occurs; or only those in the plan."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.setSortRole(SORTED)
        self._words: list[str] = []
        self._only_chosen = False

    def search(self, text: str) -> None:
        """Show what has all of these words."""
        self._words = text.lower().split()
        self.invalidateFilter()

    def show_only_chosen(self, on: bool) -> None:
        """Show those in the plan alone."""
        self._only_chosen = on
        self.invalidateFilter()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        model = self.sourceModel()
        assert isinstance(model, NetworkModel)
        row = model.rows[source_row]
        if self._only_chosen and row.name not in model.chosen:
            return False
        return all(word in row.words for word in self._words)
