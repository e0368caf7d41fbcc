# SPDX-License-Identifier: Apache-2.0
"""The mend is used for the one known failure and for nothing else."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

from monitor_app.inference.networks import torchvision_models
from monitor_app.inference.networks.torchvision_models import import_torchvision


def test_the_models_can_be_used_and_the_second_import_is_the_first():
    torchvision = import_torchvision()
    assert torchvision is import_torchvision() is sys.modules["torchvision"]
    assert torchvision.models.get_model("squeezenet1_1") is not None


def test_a_torchvision_that_fits_is_left_alone(monkeypatch):
    fitting = types.ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", fitting)
    monkeypatch.setattr(torchvision_models, "_declare", lambda: pytest.fail("it was declared again"))
    assert import_torchvision() is fitting


@pytest.mark.parametrize("error", [RuntimeError("operator torchvision::roi_pool does not exist"), ImportError("none")])
def test_any_other_failure_is_passed_on(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    monkeypatch.setattr(torchvision_models, "_declare", lambda: pytest.fail("it was declared"))
    with pytest.raises(type(error), match=str(error)):
        import_torchvision()
