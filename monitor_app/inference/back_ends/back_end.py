# SPDX-License-Identifier: Apache-2.0
"""What a back end has to offer to the inference child: load, describe, prepare, run, synchronise, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from monitor_app.inference.inputs import Input
    from monitor_app.inference.memory import DeviceMemory
    from monitor_app.inference.messages import Load, Loaded, Pulses
    from monitor_app.inference.networks.network import Network


class Model(Protocol):
    """A network that is loaded and ready to run. Used from the thread that loaded it."""

    @property
    def network(self) -> Network:
        """Its name, and what its images are to look like."""
        ...

    @property
    def loaded(self) -> Loaded:
        """What is known of it, with all settings that change a time."""
        ...

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What one pass takes, in the order of `prepare`."""
        ...

    def phase(self) -> AbstractContextManager[object]:
        """Held while passes are run, for what is set once for many of them."""
        ...

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> Any:
        """The inputs of one pass, where and as the back end takes them; what `run` gets. Not timed."""
        ...

    def run(self, prepared: Any) -> Any:
        """One pass; it may still be under way when this returns. Nothing is done here that the pass does not need."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has nothing left to do."""
        ...

    def device_ns(self) -> int | None:
        """The duration of the last pass by the device's own clock, after `synchronize`; None where it has none."""
        ...

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        """What `run` has returned, as arrays on the host, the first one the scores of a classifier. Not timed."""
        ...


class BackEnd(Protocol):
    """A library that runs networks, imported. One for a process."""

    def versions(self) -> dict[str, str]:
        """Of the packages that take part, by their names."""
        ...

    def devices(self) -> dict[str, str]:
        """Values of `Load.device`, and the name that each device gives itself."""
        ...

    def warm_imports(self, command: Load) -> None:
        """Load into memory what loading any network needs, so that it is not counted for the first. InferenceError."""
        ...

    def load(self, command: Load) -> Model:
        """The network, ready to run. Called on the thread that will run it.

        Raises:
            InferenceError: it cannot be had, or not with these settings; one sentence for the user.
        """
        ...

    def device_memory(self, device: str) -> DeviceMemory | None:
        """Of the GPU of that name, made ready; None where the device has no memory of its own. InferenceError."""
        ...

    def work(self, command: Pulses) -> Callable[[], object]:
        """Something that keeps the device of a load-step sequence busy for some milliseconds."""
        ...

    def free(self) -> None:
        """Hand back what networks that are no longer used have left allocated."""
        ...
