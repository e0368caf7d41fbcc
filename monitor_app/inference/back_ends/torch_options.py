# SPDX-License-Identifier: Apache-2.0
"""Options of a run that are PyTorch's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from monitor_app.inference.messages import Load


def refuse_torch_options(command: Load, back_end: str) -> None:
    """Raise InferenceError where one is set that this back end does not have: a session would say that it was used."""
    named = [name for name in ("channels_last", "compiled", "cudnn_benchmark") if getattr(command, name)]
    if named:
        raise InferenceError(
            f"{BACK_ENDS[back_end].title} does not have {' and '.join(named)}, which PyTorch alone has: leave that out "
            "of [inference]."
        )
