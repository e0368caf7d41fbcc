# SPDX-License-Identifier: Apache-2.0
"""A model that generates: one pass is a request, which reads prompts and then adds one token after the other.

The model is two functions of the user's own, or of an adapter. Every back end's library can stand behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import DECODE, PREFILL
from monitor_app.inference.inputs import Input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.core.models.spec import ModelSpec
    from monitor_app.inference.messages import Loaded, PartRow
    from monitor_app.inference.networks.network import Network


class Generator(Protocol):
    """What a user's function returns for a model that generates."""

    def prefill(self, prompts: NDArray[Any]) -> Any:
        """Read prompts, whole numbers of shape (batch, tokens), and choose the first new token of each.

        Returns:
            A state, which nobody but the model looks into.
        """
        ...

    def decode(self, state: Any) -> tuple[Any, Any]:
        """Choose one more token for each prompt: the next state, and the tokens."""
        ...


class GeneratingModel:
    """A generator as the loops that measure run it: a model whose pass is a request.

    Args:
        network: its name.
        loaded: what is known of it.
        generator: the two functions.
        spec: how long prompts and answers are.
        synchronize: waits until the device has nothing left to do.
        phase: held while passes are run.
    """

    def __init__(
        self,
        network: Network,
        loaded: Loaded,
        generator: Generator,
        spec: ModelSpec,
        synchronize: Callable[[], None],
        phase: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.network = network
        self.loaded = loaded
        self.inputs = (Input("prompts", (None, spec.prompt_tokens), "int64", spec.vocabulary),)
        self.synchronize = synchronize
        self.phase = phase
        self.calibrated_with: frozenset[Path] = frozenset()
        self.parts: tuple[PartRow, ...] = ()
        """Of the last pass: they follow each other without a pause."""
        self._prefill, self._decode = generator.prefill, generator.decode
        self._new_tokens = spec.new_tokens

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return arrays[0]

    def run(self, prepared: NDArray[Any]) -> list[Any]:
        """One request; returns the tokens after the first, one entry a step."""
        prompts, width = prepared.shape
        stamps = [host_time_ns()]
        state = self._prefill(prepared)
        self.synchronize()
        stamps.append(host_time_ns())
        tokens = []
        for _ in range(self._new_tokens - 1):
            state, token = self._decode(state)
            # A token is of use only once it is there
            self.synchronize()
            stamps.append(host_time_ns())
            tokens.append(token)
        kinds = [(PREFILL, prompts * width)] + [(DECODE, prompts)] * len(tokens)
        self.parts = tuple(
            (kind, start_ns, end_ns, units)
            for (kind, units), start_ns, end_ns in zip(kinds, stamps, stamps[1:], strict=False)
        )
        return tokens

    def device_ns(self) -> int | None:
        return None

    def arrays(self, outputs: list[Any]) -> tuple[NDArray[Any], ...]:
        return tuple(outputs)
