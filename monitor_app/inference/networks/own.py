# SPDX-License-Identifier: Apache-2.0
"""A user's own network: a TorchScript or ExportedProgram file, or a function `module:function` that makes one.

Either may be followed by the side of the images that it takes, as in `models/mine.pt2@299`; it is 224 otherwise.
"""

from __future__ import annotations

import importlib
import re
import sys
import zipfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.errors import InferenceError, first_line
from monitor_app.inference.networks.network import IMAGENET, Network, Preprocessing
from monitor_app.inference.networks.torchvision_models import import_torchvision

if TYPE_CHECKING:
    from torch import Tensor, nn

SUFFIXES = tuple(suffix for row in BACK_ENDS.values() for suffix in row.suffixes)

_REFERENCE = re.compile(r"(?P<what>.+?)(@(?P<pixels>[1-9]\d{0,4}))?", re.DOTALL)
_FUNCTION = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<function>[A-Za-z_]\w*)")


class OwnNetworkError(InferenceError):
    """A user's own network that cannot be had."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """What is run for a network of the user's own: a function of a module, or a file that holds a program."""

    pixels: int
    """Side of the images that it takes."""
    module: str = ""
    function: str = ""
    file: Path | None = None


def own_code(name: str) -> OwnCode | None:
    """What the name of a network says is to be run; None where it is neither a file nor a function."""
    parts = _REFERENCE.fullmatch(name)
    if parts is None:
        return None
    what, pixels = parts["what"], int(parts["pixels"] or 224)
    function = _FUNCTION.fullmatch(what)
    if function is not None:
        return OwnCode(pixels, function["module"], function["function"])
    if "/" not in what and not what.lower().endswith(SUFFIXES):
        return None
    return OwnCode(pixels, file=Path(what).expanduser())


def own_network(name: str) -> Network | None:
    """The network that `name` refers to, not opened yet; None where it is neither a file nor a function.

    Raises:
        OwnNetworkError: it is a file and not there.
    """
    code = own_code(name)
    if code is None:
        return None
    pixels, file = code.pixels, code.file
    if file is None:
        build = partial(_call, code.module, code.function)
        source = f"the function {code.module}:{code.function}"
        return Network(
            name, code.function, build, pixels, preprocessing=_preprocessing(pixels), source=source, own=True
        )
    if not file.is_file():
        raise OwnNetworkError(f"There is no file {file}: name a TorchScript or ExportedProgram file that is there.")
    return Network(
        name,
        file.stem,
        partial(_open, file),
        pixels,
        preprocessing=_preprocessing(pixels),
        source=f"the file {file}",
        own=True,
        file=file,
    )


def _preprocessing(pixels: int) -> Preprocessing:
    """ImageNet's usual one, with the same share of the image for every size: 224 of 256."""
    return replace(IMAGENET, resize_pixels=round(pixels * 256 / 224))


def _call(module_name: str, function_name: str) -> nn.Module:
    from torch import nn

    reference = f"{module_name}:{function_name}"
    with suppress(ImportError):
        # Theirs may need it, where a plain import of it fails
        import_torchvision()
    module = _import(module_name)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise OwnNetworkError(
            f"The module {module_name} has no function {function_name}: give one that takes nothing and returns "
            "a torch.nn.Module."
        )
    try:
        made = function()
    # It is the user's code, and may raise anything
    except Exception as error:
        raise OwnNetworkError(
            f"{reference} failed ({first_line(error)}): it must take nothing and return a torch.nn.Module."
        ) from error
    if not isinstance(made, nn.Module):
        raise OwnNetworkError(
            f"{reference} returned {type(made).__name__}, not a torch.nn.Module: have it return the network."
        )
    return made.eval()


def _import(name: str) -> Any:
    # Where the user stands, as with `python -m`
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise OwnNetworkError(
                f"The module {name} needs {error.name}, which is not installed: install it."
            ) from error
        raise OwnNetworkError(
            f"There is no module {name}: start the program in the folder that holds it, or install its package."
        ) from error
    # Importing runs the user's code
    except Exception as error:
        raise OwnNetworkError(f"The module {name} cannot be imported ({first_line(error)}): correct it.") from error


def _open(file: Path) -> nn.Module:
    names = _members(file)
    try:
        if any("/code/" in name for name in names):
            return _open_torchscript(file)
        if any(name.endswith(("/models/model.json", "serialized_exported_program.json")) for name in names):
            return _open_exported(file)
    # Over a damaged file or an unknown operator torch raises what it likes
    except Exception as error:
        raise OwnNetworkError(
            f"{file} cannot be opened as a network ({first_line(error)}): write it again with this version of torch."
        ) from error
    if any(name.endswith("data.pkl") for name in names):
        raise OwnNetworkError(
            f"{file} holds weights or a pickled model and no program: name the network and give the file as its "
            "weights, or save it with torch.jit.save or torch.export.save."
        )
    raise OwnNetworkError(f"{file} is not a network: save it with torch.jit.save or torch.export.save.")


def _members(file: Path) -> list[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            # Older torch writes some of them without a folder around
            return [f"/{name}" for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise OwnNetworkError(
            f"{file} is not a network ({first_line(error)}): save it with torch.jit.save or torch.export.save."
        ) from error


def _open_torchscript(file: Path) -> nn.Module:
    import torch

    module: nn.Module = torch.jit.load(str(file), map_location="cpu")
    return module.eval()


def _open_exported(file: Path) -> nn.Module:
    import torch
    from torch import nn

    class Exported(nn.Module):
        """An exported program, which raises an error when it is put into evaluation mode."""

        def __init__(self) -> None:
            super().__init__()
            self.program = torch.export.load(str(file)).module()

        def train(self, mode: bool = True) -> Exported:
            return self

        def forward(self, images: Tensor) -> Any:
            return self.program(images)

    return Exported()
