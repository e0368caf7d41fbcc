# SPDX-License-Identifier: Apache-2.0
"""A home, a screen and a profile for random_actions.py; imported before what reads the environment."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HOME = tempfile.TemporaryDirectory(prefix="random-actions-")
for _variable in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
    os.environ[_variable] = HOME.name
if os.environ["QT_QPA_PLATFORM"] == "offscreen":
    # Its own screen is of 800 x 800 pixels.
    _screen = {"name": "one", "x": 0, "y": 0, "width": 2560, "height": 1440, "logicalDpi": 96, "dpr": 1}
    (Path(HOME.name) / "screens.json").write_text(json.dumps({"screens": [_screen]}))
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={HOME.name}/screens.json"

PROFILE = """
title = "Random actions"
[[source]]
kind = "shunt"
emulate = "tx1"
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.3
idle_s = 0.4
warm_up_s = 0.5
warm_up_batches = 1
timed_s = 1.5
timed_batches = 3
[plan]
networks = ["alexnet_2016", "resnet18", "enet"]
batch_sizes = [1, 4]
cycles = 0
images = "published"
"""
