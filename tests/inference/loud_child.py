# SPDX-License-Identifier: Apache-2.0
"""The inference child with networks that misbehave, for the tests."""

from __future__ import annotations

import os
import sys

import torch
from torch import nn

from monitor_app.inference.child import main
from monitor_app.inference.networks import counts
from monitor_app.inference.networks.registry import NETWORKS, Network


class Misbehaving(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how = how
        self.layer = nn.Linear(8, 10)

    def forward(self, images):
        self.how()
        return self.layer(images[:, 0, 0, :8])


def talk():
    sys.stdout.write("printed by a network\n")
    sys.stdout.write('{"type":"ready"}\n')
    sys.stdout.flush()
    os.write(1, b"written to the descriptor\n")


def break_down():
    raise ValueError("the layer\nis broken")


def run_out():
    torch.empty(2**55)


def run_out_elsewhere():
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def vanish():
    sys.stderr.write("about to vanish\n")
    sys.stderr.flush()
    os._exit(7)


def hang():
    os.write(2, b"hanging\n")
    torch.multiprocessing.Event().wait()


for function in (talk, break_down, run_out, run_out_elsewhere, vanish, hang):
    name = function.__name__
    NETWORKS[name] = Network(name, name, lambda how=function: Misbehaving(how), input_pixels=8)
    # In the table, so that nothing runs to be counted, nor torch's compiler is imported for it
    counts._table()[name] = counts.Costs(8 * 10 + 10, None, None)

if __name__ == "__main__":
    main()
