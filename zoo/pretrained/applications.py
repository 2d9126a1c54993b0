"""ImageNet weights: files of Keras Applications, loaded into our models of the same architecture.

Nothing is downloaded. keras.io/api/applications names the files, for example `convnext_tiny_notop.h5`.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from zoo.errors import ZooError, listing

_TO_ONE = {"rescale": {"scale": 1 / 255}}
_TO_MINUS_ONE = {"rescale": {"scale": 1 / 127.5, "offset": -1.0}}
_CENTRED = {"standardize": {"mean": [123.68, 116.779, 103.939], "std": [1.0, 1.0, 1.0]}}
_IMAGENET = {"standardize": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}

# Steps of a recipe's `preprocess:` that the published weights expect, from RGB pixels of 0 to 255. VGG's weights expect
# BGR: loading reverses the input channels of the first kernel.
PREPROCESS: dict[str, list[dict[str, Any]]] = {
    "vgg16": [_CENTRED],
    "vgg19": [_CENTRED],
    "mobilenet_v2": [_TO_MINUS_ONE],
    "mobilenet_v3_large": [_TO_MINUS_ONE],
    "mobilenet_v3_small": [_TO_MINUS_ONE],
    "densenet_bc": [_TO_ONE, _IMAGENET],
    "efficientnet_b0": [_TO_ONE, _IMAGENET],
    "efficientnet_b1": [_TO_ONE, _IMAGENET],
    "efficientnet_b2": [_TO_ONE, _IMAGENET],
    "efficientnet_b3": [_TO_ONE, _IMAGENET],
    "efficientnet_v2_s": [{"rescale": {"scale": 1 / 128, "offset": -1.0}}],
    "convnext_tiny": [_TO_ONE, _IMAGENET],
    "convnext_small": [_TO_ONE, _IMAGENET],
}

# From builder and number of parameters before the head (VGG: before the dense layers) to the Keras model and its size.
REFERENCES: dict[str, dict[int, tuple[str, dict[str, float]]]] = {
    "vgg16": {14_714_688: ("VGG16", {})},
    "vgg19": {20_024_384: ("VGG19", {})},
    "mobilenet_v3_large": {2_996_352: ("MobileNetV3Large", {})},
    "mobilenet_v3_small": {939_120: ("MobileNetV3Small", {})},
    "efficientnet_b1": {6_575_232: ("EfficientNetB1", {})},
    "efficientnet_b2": {7_768_562: ("EfficientNetB2", {})},
    "efficientnet_b3": {10_783_528: ("EfficientNetB3", {})},
    "efficientnet_v2_s": {20_331_360: ("EfficientNetV2S", {})},
    "convnext_small": {49_454_688: ("ConvNeXtSmall", {})},
    "mobilenet_v2": {
        410_208: ("MobileNetV2", {"alpha": 0.35}),
        706_224: ("MobileNetV2", {"alpha": 0.5}),
        1_382_064: ("MobileNetV2", {"alpha": 0.75}),
        2_257_984: ("MobileNetV2", {"alpha": 1.0}),
        3_766_048: ("MobileNetV2", {"alpha": 1.3}),
        4_363_712: ("MobileNetV2", {"alpha": 1.4}),
    },
    "densenet_bc": {
        7_037_504: ("DenseNet121", {}),
        12_642_880: ("DenseNet169", {}),
        18_321_984: ("DenseNet201", {}),
    },
    "efficientnet_b0": {
        4_049_564: ("EfficientNetB0", {}),
        6_575_232: ("EfficientNetB1", {}),
        7_768_562: ("EfficientNetB2", {}),
        10_783_528: ("EfficientNetB3", {}),
        17_673_816: ("EfficientNetB4", {}),
        28_513_520: ("EfficientNetB5", {}),
        40_960_136: ("EfficientNetB6", {}),
        64_097_680: ("EfficientNetB7", {}),
    },
    "convnext_tiny": {
        27_820_128: ("ConvNeXtTiny", {}),
        49_454_688: ("ConvNeXtSmall", {}),
        87_566_464: ("ConvNeXtBase", {}),
        196_230_336: ("ConvNeXtLarge", {}),
    },
}

_BGR = ("VGG16", "VGG19")
_PADDED_BEHIND = ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_v2_s") + tuple(
    f"efficientnet_b{i}" for i in range(4)
)  # have the setting `padding`
# May differ from the file: the number of outputs and the size of the image.
_TOP_LAYERS = ("top1", "top2", "top_dense", "logits")


@dataclass(frozen=True)
class Loaded:
    """Result of loading.

    Attributes:
        preprocess: steps of a recipe's `preprocess:` that the published weights expect.
        kept: names of the layers that kept their weights, because the file has none or has another size.
    """

    preprocess: list[dict[str, Any]]
    kept: tuple[str, ...]


def load_applications_weights(model: keras.Model, path: str | Path) -> Loaded:
    """Put the weights of a Keras Applications file into a model of the same architecture.

    The head keeps its weights if the file has none ("notop") or the number of outputs differs. So do VGG's dense layers
    if the size of the images differs from the file's. On an error nothing is loaded.

    Args:
        model: model of a builder in `REFERENCES`, such as `mobilenet_v2`, for images of any size with three channels,
            with default settings or those of another published size, such as
            `densenet_bc(blocks=(6, 12, 32, 32))` for DenseNet-169.
        path: file of weights, `.h5` as published or `.weights.h5`.

    Returns:
        The preprocessing that the published weights expect, and the layers that kept their weights.

    Raises:
        ZooError: the file is missing, is not a file of weights, or belongs to another architecture; or there are no
            published weights for the model.
    """
    name, options = _reference_of(model)
    path = Path(path)
    if not path.is_file():
        raise ZooError(f"{path}: there is no such file; give a file of weights for {_title(name, options)}")
    if path.suffix not in (".h5", ".hdf5") or not h5py.is_hdf5(path):
        raise ZooError(f"{path}: not a file of Keras weights; one for {_title(name, options)} ends in .h5 and is HDF5")
    features = 4096 if name in _BGR else model.get_layer("logits").kernel.shape[0]
    reference = _read(path, name, options, features)
    return _load(model, reference, name, path)


def load_applications_network(model: keras.Model, name: str) -> Loaded:
    """Put the ImageNet weights of a Keras Applications network into a model of the same architecture.

    Keras finds them: in its cache, or it downloads them there.

    Args:
        model: see `load_applications_weights`.
        name: of the network, such as "DenseNet121".

    Raises:
        ZooError: it is another network than the model's, or the weights are neither in the cache nor can be had.
    """
    known, options = _reference_of(model)
    if name != known:
        raise ZooError(f"keras:{name}: model '{model.name}' is {_title(known, options)}: take keras:{known}")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras shows the download where our answers go
            reference = getattr(keras.applications, name)(weights="imagenet", **options)
    except Exception as error:  # a plain one, of the download
        reason = str(error).strip().partition("\n")[0]
        raise ZooError(f"keras:{name}: not in Keras's cache (~/.keras/models), and not to be had: {reason}") from error
    return _load(model, reference, name, f"keras:{name}")


def _load(model: keras.Model, reference: keras.Model, name: str, where: Path | str) -> Loaded:
    plan, kept = _plan(model, reference, where)
    if name in _BGR:  # see PREPROCESS
        plan[0][1][0] = plan[0][1][0][:, :, ::-1]
    for layer, values in plan:
        layer.set_weights(values)
    return Loaded(PREPROCESS[model.name], kept)


def _reference_of(model: keras.Model) -> tuple[str, dict[str, float]]:
    if model.name not in REFERENCES:
        raise ZooError(f"there are no Keras Applications weights for '{model.name}' (known: {listing(REFERENCES)})")
    if model.input_shape[-1] != 3:
        raise ZooError(
            f"Keras Applications weights need images of 3 channels; model '{model.name}' has {model.input_shape[-1]}"
        )
    if model.name in _PADDED_BEHIND and any(layer.name == "stem_pad" for layer in model.layers):
        raise ZooError(f"Keras Applications weights need padding='same', and model '{model.name}' has 'symmetric'")
    known = REFERENCES[model.name]
    count = sum(layer.count_params() for layer in _layers(model) if layer.name not in _TOP_LAYERS)
    if count not in known:
        sizes = ", ".join(f"{number:,} of {_title(*reference)}" for number, reference in known.items())
        raise ZooError(
            f"there are no Keras Applications weights for '{model.name}' of this size: it has {count:,} parameters "
            f"before its head (known: {sizes})"
        )
    return known[count]


def _read(path: Path, name: str, options: dict[str, float], features: int) -> keras.Model:
    """Return the Keras Applications model with the file's weights, with a head if the file has one."""
    problem = ""
    tops: list[dict[str, Any]] = [{"classes": n} for n in _widths_after(path, features)]
    for top in [*tops, {"include_top": False}]:
        model = getattr(keras.applications, name)(weights=None, **options, **top)
        for layer in _layers(model):  # NaN marks what the file lacks: Keras only warns, and not always
            layer.set_weights([np.full(w.shape, np.nan) for w in layer.weights])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.load_weights(path)
        except (ValueError, KeyError, OSError, TypeError, AttributeError) as error:
            problem = problem or str(error).strip().partition("\n")[0]
            continue
        if not any(np.isnan(w).any() for layer in _layers(model) for w in layer.get_weights()):
            return model
        problem = problem or "some layers have no weights in it"
    raise ZooError(f"{path}: not weights of {_title(name, options)}: {problem}")


def _widths_after(path: Path, features: int) -> list[int]:
    """Return the output sizes of the file's dense layers with `features` inputs: the head is one of them.

    MobileNetV3 has convolutions of one pixel for dense layers.
    """
    found = set()

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape[:-1] in ((features,), (1, 1, features)):
            found.add(item.shape[-1])

    with h5py.File(path) as file:
        file.visititems(visit)
    return sorted(found)


def _plan(
    model: keras.Model, reference: keras.Model, path: Path | str
) -> tuple[list[tuple[keras.layers.Layer, list[np.ndarray]]], tuple[str, ...]]:
    """Return the new weights of each layer, and the names of the layers that keep their weights."""
    plan: list[tuple[keras.layers.Layer, list[np.ndarray]]] = []
    kept: list[str] = []
    for ours, theirs in zip_longest(_layers(model), _layers(reference)):
        values = _fitting(ours, theirs) if ours and theirs else None
        if values is not None and not kept:
            plan.append((ours, values))
        elif ours is not None and ours.name in _TOP_LAYERS:
            kept.append(ours.name)
        else:
            place = f"layer '{(ours or theirs).name}'"
            raise ZooError(f"{path}: not the architecture of model '{model.name}': {place} does not fit")
    return plan, tuple(kept)


def _fitting(ours: keras.layers.Layer, theirs: keras.layers.Layer) -> list[np.ndarray] | None:
    """Return their weights in our shapes; None if they do not fit."""
    values = theirs.get_weights()
    if isinstance(ours, keras.layers.Dense) and values[0].shape[:-2] == (1, 1):
        values[0] = values[0][0, 0]  # a convolution of one pixel
    if isinstance(ours, keras.layers.DepthwiseConv2D) and not isinstance(theirs, keras.layers.DepthwiseConv2D):
        values[0] = values[0].transpose(0, 1, 3, 2)  # a convolution with as many groups as channels
    shapes = [tuple(w.shape) for w in ours.weights]
    same_form = getattr(ours, "epsilon", None) == getattr(theirs, "epsilon", None)
    return values if same_form and [v.shape for v in values] == shapes else None


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers with weights in the order of the network, without Keras's normalization of the input."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        elif layer.weights and not isinstance(layer, keras.layers.Normalization):
            yield layer


def _title(name: str, options: dict[str, float]) -> str:
    return ", ".join([name, *(f"{key} {value}" for key, value in options.items())])
