# SPDX-License-Identifier: Apache-2.0
"""Models of all forms for the tests, named as module:function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

VOCABULARY, WIDTH, CLASSES = 50, 8, 3


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, CLASSES, 1)

    def forward(self, images):
        return {"out": self.layer(images), "aux": [images.mean((2, 3))]}


class Matcher(nn.Module):
    """Its inputs stand in another order than in the table of the test."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.layer = nn.Linear(WIDTH, 4)

    def forward(self, features, input_ids):
        return self.layer(features), self.words(input_ids).sum()


@dataclass
class Answer:
    logits: torch.Tensor
    hidden: tuple


class Boxed(nn.Module):
    def forward(self, images):
        return Answer(images.sum((1, 2, 3)), (images[:, 0], None))


class Counter:
    """A generator without torch: the next token is the last one plus 1, in as many steps as it was asked."""

    def __init__(self):
        self.calls = []

    def prefill(self, prompts):
        self.calls.append(("prefill", prompts.shape))
        return prompts[:, -1] + 1

    def decode(self, state):
        self.calls.append(("decode", state.shape))
        return state + 1, state + 1


def segmenter():
    return Segmenter()


def matcher():
    return Matcher()


def boxed():
    return Boxed()


def counter():
    return Counter()


def no_generator():
    return 3


def pixel_accuracy(run):
    """Of pictures whose right answer at every pixel is class 0 in the first and class 1 in the second."""
    (images,) = (np.zeros((2, *run.inputs[0].shape[1:]), np.float32),)
    scores = run(images)[0].argmax(1)
    return {"accuracy": [float((scores[0] == 0).mean()), float((scores[1] == 1).mean())], "seen": 2}


def nonsense(run):
    return 0.5


def by_name(run):
    given = {
        each.name: np.ones([1 if size is None else size for size in each.shape], each.dtype) for each in run.inputs
    }
    outputs = run(**given)
    return {"outputs": len(outputs)}
