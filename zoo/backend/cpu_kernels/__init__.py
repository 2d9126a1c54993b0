"""Norms, activations, dense layers and Adam in few passes over memory, for training on TensorFlow's CPU device.

`benchmarks/speed.py` has the times with and without.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import keras


class Kernel(NamedTuple):
    """A method or function of Keras, and what computes the same faster.

    Attributes:
        owner: the class or module.
        attribute: name of its method or function.
        function: takes the same arguments; returns None for those that it does not support.
    """

    owner: Any
    attribute: str
    function: Callable[..., Any]


@contextmanager
def fused_kernels(setting: Literal["auto", "off"] = "auto", *, devices: int = 1) -> Iterator[list[str]]:
    """Make Keras's layers and Adam use fused kernels within the block; yield the names of the kernels.

    Keras builds a norm from a dozen elementwise operations and its gradient from two dozen more, each of which reads
    and writes a whole feature map. A kernel is one operation forwards and one backwards: TensorFlow's own, or a program
    that XLA compiles. Convolutions and matrix products stay with oneDNN, which is faster at them than XLA.

    Args:
        setting: "auto" uses the kernels on TensorFlow, on the CPU, on one device; "off" never does.
        devices: number of devices that train.
    """
    kernels = _kernels() if setting == "auto" and devices == 1 and _is_supported() else {}
    originals = [getattr(kernel.owner, kernel.attribute) for kernel in kernels.values()]
    try:
        for kernel, original in zip(kernels.values(), originals, strict=True):
            setattr(kernel.owner, kernel.attribute, _with_fallback(kernel.function, original))
        yield list(kernels)
    finally:
        for kernel, original in zip(kernels.values(), originals, strict=True):
            setattr(kernel.owner, kernel.attribute, original)


def _is_supported() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def _kernels() -> dict[str, Kernel]:
    """Return the kernels by name."""
    from keras.src.backend.tensorflow import nn

    from zoo.backend.cpu_kernels import activations, adam, batch_norm, dense, group_norm, layer_norm, softmax

    layers = keras.layers
    return {
        "batch_norm": Kernel(layers.BatchNormalization, "call", batch_norm.batch_norm),
        "layer_norm": Kernel(layers.LayerNormalization, "call", layer_norm.layer_norm),
        "group_norm": Kernel(layers.GroupNormalization, "call", group_norm.group_norm),
        "dense": Kernel(layers.Dense, "call", dense.dense),
        "adam": Kernel(keras.optimizers.Adam, "update_step", adam.adam),
        "gelu": Kernel(nn, "gelu", activations.gelu),
        "silu": Kernel(nn, "silu", activations.silu),
        "softmax": Kernel(nn, "softmax", softmax.softmax),
    }


def _with_fallback(kernel: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `original`: try `kernel` first and fall back where it returns None."""

    @functools.wraps(original)
    def call(*args: Any, **options: Any) -> Any:
        result = kernel(*args, **options)
        return original(*args, **options) if result is None else result

    return call
