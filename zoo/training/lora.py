"""Low-rank adapters (LoRA, Hu et al., 2021, arXiv:2106.09685): small factors beside kernels that stay as they are."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.backend.layers import flatten_layers
from zoo.errors import ZooError, listing
from zoo.layers.attention import Attention
from zoo.layers.head import LOGITS
from zoo.utils.files import replacing

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_ADAPTED = (keras.layers.Dense, *_CONVOLUTIONS, keras.layers.Embedding)  # what Keras's `enable_lora` is made for
TARGETS = ("attention", "dense", "convolution", "embedding")


def add_lora(
    network: keras.Model, *, rank: int, alpha: float | None = None, targets: Sequence[str] = TARGETS
) -> dict[str, int]:
    """Add adapters to a network's layers, and freeze all else but the head.

    A kernel `W` acts as `W + alpha / rank * A @ B`; `B` begins at 0, so that the network's outputs do not change.
    Frozen batch norms keep their statistics.

    Args:
        network: what `zoo.build` returns, whose last layer is the head.
        rank: of the product `A @ B`.
        alpha: factor of the product, times the rank; the rank itself where left out.
        targets: which layers get adapters: the projections of "attention", other "dense" layers, "convolution",
            "embedding".

    Returns:
        `adapted`, layers with adapters; `trained` and `weights`, how many weights are trained, and how many
        the network had.

    Raises:
        ZooError: a target is unknown, the network has no such layer, or has adapters already.
    """
    unknown = sorted(set(targets) - set(TARGETS))
    if unknown or not targets:
        raise ZooError(f"targets: expected some of {listing(TARGETS)}, received {listing(unknown) or 'none'}")
    if adapted_layers(network):
        raise ZooError(f"model '{network.name}' has adapters already")
    chosen = {id(layer) for layer in _chosen(network, targets)}
    if not chosen:
        raise ZooError(f"targets: model '{network.name}' has no layer of the kind {listing(targets)} besides its head")
    weights = network.count_params()
    for layer in _leaves(network):
        if id(layer) in chosen:
            for variable in layer.trainable_variables:
                variable.trainable = False
            layer.enable_lora(rank, lora_alpha=alpha)
        else:
            layer.trainable = False
    for layer in _composite(network):  # a layer that holds others and has weights of its own
        inner = {id(v) for part in flatten_layers(layer) if part is not layer for v in part.variables}
        for variable in layer.variables:
            if id(variable) not in inner:
                variable.trainable = False
    network.train_function = network.test_function = network.predict_function = None  # compiled without adapters
    count = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    return {"adapted": len(chosen), "trained": count, "weights": weights}


def merged_weights(network: keras.Model) -> list[np.ndarray]:
    """Return the weights of a network as `get_weights` does, with adapters merged into their kernels."""
    merged, left_out = dict[int, Any](), set[int]()
    for layer in adapted_layers(network):
        own = {v.name: v for v in layer.weights}
        kernel = _kernel_name(layer)
        merged[id(own[kernel])] = getattr(layer, kernel)
        left_out |= {id(v) for name, v in own.items() if name.startswith("lora_")}
    found = (v for v in network.weights if id(v) not in left_out)
    return [keras.ops.convert_to_numpy(merged.get(id(v), v)) for v in found]


def adapted_layers(network: keras.Model) -> list[keras.Layer]:
    """Return the layers of a network that have adapters."""
    return [layer for layer in flatten_layers(network) if getattr(layer, "lora_enabled", False)]


def save_adapters(network: keras.Model, path: str | Path) -> None:
    """Write the adapters of a network and its head to an `.npz` file, a few hundredths of the network's size.

    Raises:
        ZooError: the network has none.
    """
    layers = adapted_layers(network)
    if not layers:
        raise ZooError(f"model '{network.name}' has no adapters; add_lora adds them")
    arrays = {v.path: keras.ops.convert_to_numpy(v) for v in _own_variables(network)}
    arrays |= {"rank": np.array(layers[0].lora_rank), "alpha": np.array(float(layers[0].lora_alpha))}
    with replacing(Path(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_adapters(network: keras.Model, path: str | Path) -> None:
    """Give a network with adapters those of a file, and its head; the network's own are replaced.

    Args:
        network: a network that `add_lora` was called on, with the same rank, alpha and targets.
        path: a file that `save_adapters` or a run with `model.lora` wrote.

    Raises:
        ZooError: the file is not readable, or is of another network, rank or other targets. Nothing is changed then.
    """
    layers = adapted_layers(network)
    if not layers:
        raise ZooError(f"model '{network.name}' has no adapters; add_lora adds them")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path}: not readable as adapters ({error})") from error
    settings = {"rank": layers[0].lora_rank, "alpha": float(layers[0].lora_alpha)}
    for name, own in settings.items():
        if name not in arrays or arrays[name].item() != own:
            received = arrays[name].item() if name in arrays else "none"
            raise ZooError(f"{path}: expected adapters of {name} {own:g}, as the network has, received {received}")
    variables = {v.path: v for v in _own_variables(network)}
    expected = {name: tuple(v.shape) for name, v in variables.items()}
    found = {name: array.shape for name, array in arrays.items() if name not in settings}
    if expected != found:
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise ZooError(f"{path}: adapters of another network, or of other targets: {listing(differing)} differ")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _own_variables(network: keras.Model) -> list[Any]:
    """Return the variables that adapters bring, and those of the head."""
    adapters = [v for layer in adapted_layers(network) for v in layer.weights if v.name.startswith("lora_")]
    heads = [layer for layer in flatten_layers(network) if layer.name == LOGITS]
    return [*adapters, *(v for head in heads for v in head.weights)]


def _chosen(network: keras.Model, targets: Sequence[str]) -> Iterator[keras.Layer]:
    """Yield the layers that get adapters."""
    attention = {
        id(part) for layer in flatten_layers(network) if isinstance(layer, Attention) for part in flatten_layers(layer)
    }
    for layer in _leaves(network):
        if not isinstance(layer, _ADAPTED):
            continue
        if isinstance(layer, keras.layers.Embedding):
            kind = "embedding"
        elif isinstance(layer, _CONVOLUTIONS):
            kind = "convolution"
        else:
            kind = "attention" if id(layer) in attention else "dense"
        if kind in targets:
            yield layer


def _leaves(network: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers that hold no others, without those of the head."""
    for layer in _below_head(network):
        if not any(part is not layer for part in flatten_layers(layer)):
            yield layer


def _composite(network: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers that hold others and are no models, without those of the head."""
    for layer in _below_head(network):
        if not isinstance(layer, keras.Model) and any(part is not layer for part in flatten_layers(layer)):
            yield layer


def _below_head(network: keras.Model) -> Iterator[keras.Layer]:
    head = {id(part) for layer in flatten_layers(network) if layer.name == LOGITS for part in flatten_layers(layer)}
    yield from (layer for layer in flatten_layers(network) if id(layer) not in head)


def _kernel_name(layer: keras.Layer) -> str:
    return "embeddings" if isinstance(layer, keras.layers.Embedding) else "kernel"
