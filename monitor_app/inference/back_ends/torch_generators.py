# SPDX-License-Identifier: Apache-2.0
"""Models of torch that generate: of transformers by an adapter, or two functions of the user's own. For the child."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from monitor_app.core.errors import InferenceError
from monitor_app.inference.networks.own import call_function, own_code
from monitor_app.inference.networks.packaged import causal_model, is_of_transformers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.inference.generating import Generator
    from monitor_app.inference.networks.network import Network

MUST = "take nothing and return an object with prefill(prompts) and decode(state)"


class CausalModel:
    """A causal language model of transformers as a generator: greedy, with its own cache of keys and values.

    Args:
        module: called as those of transformers are.
        device: where it is.
    """

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._module = module
        self._device = device
        known = inspect.signature(module.forward).parameters
        # Newer versions have given the cache another name
        self._name = "cache" if "cache" in known else "past_key_values"

    def prefill(self, prompts: NDArray[Any]) -> Any:
        return self._step(torch.from_numpy(prompts).to(self._device), None)

    def decode(self, state: Any) -> tuple[Any, NDArray[Any]]:
        cache, tokens = state
        after = self._step(tokens, cache)
        # A copy to the host, since whoever reads the answer is there
        return after, after[1].cpu().numpy()

    def _step(self, tokens: torch.Tensor, cache: Any) -> tuple[Any, torch.Tensor]:
        answer = self._module(input_ids=tokens, use_cache=True, **{self._name: cache})
        return answer[self._name], answer.logits[:, -1:].argmax(-1)


def make_generator(
    network: Network, device: torch.device, dtype: torch.dtype, *, random: bool
) -> tuple[Generator, nn.Module | None]:
    """The two functions of a model that generates, and the module behind them, where there is one.

    Args:
        network: a folder of transformers, or a function.
        device: where it is to run.
        dtype: of its weights.
        random: without the weights that come with it.

    Raises:
        InferenceError: it is neither, or does not offer the two functions.
    """
    if is_of_transformers(network):
        made: Any = causal_model(network, random=random)
    else:
        code = own_code(network.name)
        if code is None or not code.function:
            raise InferenceError(
                f"{network.title} cannot generate: name a function that returns a generator, or transformers:FOLDER."
            )
        made = call_function(f"{code.module}:{code.function}", MUST)
    module = made if isinstance(made, nn.Module) else None
    if module is not None:
        module.eval().to(device=device, dtype=dtype)
    elif device.type != "cpu" or dtype is not torch.float32:
        raise InferenceError(
            f"{network.title} is no torch.nn.Module, and itself chooses its device and precision: leave both out."
        )
    if callable(getattr(made, "prefill", None)) and callable(getattr(made, "decode", None)):
        return made, module
    if module is not None and hasattr(module, "generate"):
        return CausalModel(module, device), module
    raise InferenceError(f"{network.name} returned {type(made).__name__}: it must {MUST}.")
