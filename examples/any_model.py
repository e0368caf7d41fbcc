# SPDX-License-Identifier: Apache-2.0
"""Models that classify no images, for `examples/any-model.toml` (docs/any-model.md).

Small and with random weights, so that they run anywhere in seconds; put your own in their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

CLASSES, SIDE = 5, 128
WORDS, WIDTH = 200, 256


class Segmenter(nn.Module):
    """A class for every pixel, as a dict, as the networks of torchvision answer."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1))
        self.classes = nn.Conv2d(32, CLASSES, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"out": self.classes(self.features(images).relu())}


class Matcher(nn.Module):
    """Two inputs of different types: which of several features a question in words is about."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, batch_first=True)

    def forward(self, question: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        read = self.layer(self.words(question)).mean(1)
        return torch.einsum("bw,bfw->bf", read, features), read


class Writer(nn.Module):
    """A recurrent language model of four layers: the two functions that generating needs."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.memory = nn.GRU(WIDTH, WIDTH, 4, batch_first=True)
        self.answer = nn.Linear(WIDTH, WORDS)

    def prefill(self, prompts: np.ndarray) -> Any:
        """Read prompts of shape (batch, tokens), and choose the first new token of each."""
        read, memory = self.memory(self.words(torch.from_numpy(prompts)))
        return memory, self.answer(read[:, -1:]).argmax(-1)

    def decode(self, state: Any) -> tuple[Any, np.ndarray]:
        """One more token for each."""
        memory, token = state
        read, memory = self.memory(self.words(token), memory)
        after = self.answer(read).argmax(-1)
        return (memory, after), after.numpy()


def segmenter() -> nn.Module:
    """For `function` of the table [[model]]."""
    return Segmenter()


def matcher() -> nn.Module:
    """Likewise."""
    return Matcher()


def writer() -> nn.Module:
    """Likewise."""
    return Writer()


def mean_iou(run: Any) -> dict[str, list[float]]:
    """The metric of the segmenter: intersection over union of each picture, the mean over its classes.

    The pictures and what is on them are made up here; yours would be read from the folder `run.images`.
    """
    rng = np.random.default_rng(0)
    scores: list[float] = []
    for _ in range(10):
        if run.stopped:
            break
        pictures = rng.standard_normal((run.batch_size, 3, SIDE, SIDE)).astype(np.float32)
        truth = rng.integers(0, CLASSES, (run.batch_size, SIDE, SIDE))
        (answers,) = run(pictures)
        scores += [_iou(found, true) for found, true in zip(answers.argmax(1), truth, strict=True)]
    return {"mIoU": scores}


def _iou(found: np.ndarray, true: np.ndarray) -> float:
    both = [np.logical_and(found == k, true == k).sum() for k in range(CLASSES)]
    either = [np.logical_or(found == k, true == k).sum() for k in range(CLASSES)]
    return float(np.mean([b / e for b, e in zip(both, either, strict=True) if e]))
