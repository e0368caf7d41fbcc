# SPDX-License-Identifier: Apache-2.0
"""What a profile says of a meter's calibration: `gain`, `zero_a` and `accuracy`, for all of its signals or by name.

A current I that the meter shows becomes ``gain * (I - zero_a)``, and its power the same times the voltage. This changes
scale and offset of the signals; the samples are stored as they came, and a note of the source says what was done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from monitor_app.core.errors import ProfileError
from monitor_app.core.samples import CALIBRATED, Quantity
from monitor_app.sources.accuracy import product_accuracy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor_app.core.samples import PowerSource, Reading, Signal, SourceInfo
    from monitor_app.core.source_specs import BySignal, SourceSpec

_CORRECTED = frozenset({Quantity.CURRENT, Quantity.POWER})
_Value = TypeVar("_Value")


def corrected_source(source: PowerSource, spec: SourceSpec, siblings: Iterable[str] = ()) -> PowerSource:
    """The source as its profile corrects it; the source itself where the profile says nothing.

    Args:
        source: Of the instrument.
        spec: Its [[source]] table.
        siblings: Rails of other sources of the same table, to which the table may also refer.
    """
    return _CorrectedSource(source, spec, frozenset(siblings)) if spec.is_calibrated else source


def corrected(info: SourceInfo, spec: SourceSpec, siblings: Iterable[str] = ()) -> SourceInfo:
    """A source's description with scale, offset, accuracy and notes as the profile has them.

    Raises:
        ProfileError: The profile names a signal that is not there, or gives a zero where there is no current.
    """
    _check_names(info, spec, siblings)
    stored = {signal.name: _signal(signal, info, spec) for signal in info.stored_signals}
    signals = tuple(
        stored[signal.name] if signal.product_of is None else _product(signal, stored, spec) for signal in info.signals
    )
    return replace(info, signals=signals, notes=(*info.notes, *_notes(spec)))


class _CorrectedSource:
    """Passes everything on but the description of the signals."""

    def __init__(self, source: PowerSource, spec: SourceSpec, siblings: frozenset[str]) -> None:
        self._source = source
        self._spec = spec
        self._siblings = siblings
        self._info: SourceInfo | None = None

    @property
    def info(self) -> SourceInfo:
        """Complete after open."""
        return self._source.info if self._info is None else self._info

    def open(self) -> None:
        """Connect. Raises SourceError, and ProfileError where the correction does not fit the signals."""
        self._source.open()
        try:
            self._info = corrected(self._source.info, self._spec, self._siblings)
        except BaseException:
            self._source.close()
            raise

    def read(self, timeout_s: float) -> list[Reading]:
        """What the source reads."""
        return self._source.read(timeout_s)

    def close(self) -> None:
        """Release the instrument; calling it twice is fine."""
        self._source.close()


@dataclass(frozen=True, slots=True)
class _Names:
    """What a profile may call a signal: its name, and that of the power that it makes or goes with."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, signal: Signal, info: SourceInfo) -> _Names:
        powers = [each.name for each in info.signals if each.product_of and signal.name in each.product_of]
        return cls((signal.name, *powers, signal.name.removesuffix(" current"), f"{signal.name} current"))

    def value(self, table: BySignal, default: _Value) -> float | _Value:
        if not isinstance(table, dict):
            return default if table is None else table
        return next((table[name] for name in self.names if name in table), default)


def _signal(signal: Signal, info: SourceInfo, spec: SourceSpec) -> Signal:
    if signal.quantity not in _CORRECTED:
        return signal
    names = _Names.of(signal, info)
    gain = names.value(spec.gain, 1.0)
    zero = names.value(spec.zero_a, 0.0)
    if zero and signal.quantity is Quantity.POWER:
        zero *= _supply_v(signal, info, spec)
    step = signal.resolution
    return replace(
        signal,
        scale=gain * signal.scale,
        offset=gain * (signal.offset - zero),
        resolution=None if step is None else gain * step,
        accuracy=names.value(spec.accuracy, signal.accuracy),
        zero=None if _zero_is_given(names, spec) or signal.zero is None else abs(gain) * signal.zero,
    )


def _zero_is_given(names: _Names, spec: SourceSpec) -> bool:
    """A zero that was measured leaves no error of the data sheet's size; what it leaves is in its accuracy."""
    return names.value(spec.zero_a, 0.0) != 0.0


def _product(signal: Signal, stored: dict[str, Signal], spec: SourceSpec) -> Signal:
    """A power that is computed follows its factors; a given accuracy is that of the power."""
    factors = [stored[name] for name in signal.product_of or ()]
    default = product_accuracy(factors) if signal.accuracy is not None else None
    names = _Names((signal.name, *(factor.name for factor in factors)))
    gain = names.value(spec.gain, 1.0)
    step = signal.resolution
    return replace(
        signal,
        resolution=None if step is None else gain * step,
        accuracy=names.value(spec.accuracy, default),
    )


def _supply_v(signal: Signal, info: SourceInfo, spec: SourceSpec) -> float:
    """The voltage by which a stored power was made of its current. Raises ProfileError where it was not."""
    supply_v = getattr(spec, "supply_v", None)
    if not isinstance(supply_v, float):
        raise ProfileError(
            f"zero_a of {info.name} cannot be used: it measures the power {signal.name} itself, not from a current. "
            "Leave zero_a out, or give it for a current by its name."
        )
    return supply_v


def _check_names(info: SourceInfo, spec: SourceSpec, siblings: Iterable[str]) -> None:
    known = {name for signal in info.signals if signal.quantity in _CORRECTED for name in _Names.of(signal, info).names}
    known |= {name for rail in siblings for name in (rail, f"{rail} current")}
    for key in ("gain", "zero_a", "accuracy"):
        table = getattr(spec, key)
        unknown = sorted(set(table) - known) if isinstance(table, dict) else []
        if unknown:
            there = ", ".join(signal.name for signal in info.signals if signal.quantity in _CORRECTED)
            raise ProfileError(
                f"{key} of {info.name} names {unknown[0]}, which it does not measure; there are: {there}."
            )


def _notes(spec: SourceSpec) -> Iterator[str]:
    words = [
        f"{key} = {_written(value)}"
        for key, value, usual in (("gain", spec.gain, 1.0), ("zero_a", spec.zero_a, 0.0))
        if value != usual
    ]
    if words:
        yield f"The profile corrects its currents: {' and '.join(words)}."
    if spec.accuracy is not None:
        yield f"The profile gives its accuracy: {_written(spec.accuracy)} of the value, as a limit."
    if spec.calibrated is not None:
        yield f"{CALIBRATED}{spec.calibrated}."


def _written(value: BySignal) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number:.6g} ({name})" for name, number in value.items())
    return f"{value:.6g}"
