"""Embeddings of the noise level (time) and of the class, which condition a denoiser."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import ZooError

STEPS = 1000  # of Ho et al.: time 1 is the last one
BASE = 10_000.0  # the longest wave has 2 * pi * BASE steps
LABEL = "label"


def embed_time(time: keras.KerasTensor, size: int, width: int, *, name: str = "time") -> keras.KerasTensor:
    """Map times to vectors: waves, then two dense layers with SiLU between them.

    Ho, Jain and Abbeel, 2020, arXiv:2006.11239, appendix B, after Vaswani et al., 2017, arXiv:1706.03762.

    Args:
        time: `(batch,)` from 0 (no noise) to 1 (nothing but noise).
        size: number of waves, even.
        width: length of the vectors.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, width)`, without an activation at its end.

    Raises:
        ValueError: `size` is odd.
    """
    x = TimeWaves(size, name=f"{name}_waves")(time)
    x = keras.layers.Dense(width, name=f"{name}_dense1")(x)
    x = keras.layers.Activation("silu", name=f"{name}_silu")(x)
    return keras.layers.Dense(width, name=f"{name}_dense2")(x)


def embed_label(
    x: keras.KerasTensor, classes: int, *, name: str = LABEL
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Add a learned vector of the class, a further input of the model.

    Args:
        x: vectors of the times, `(batch, width)`.
        classes: number of classes; the label `classes` stands for no class.
        name: name of the input, and prefix of the layers' names.

    Returns:
        The input, `(batch,)` int32, and a tensor of the shape of `x`.
    """
    label = keras.Input((), dtype="int32", name=name)
    y = LabelEmbedding(classes, x.shape[-1], name=f"{name}_embedding")(label)
    return label, keras.layers.Add(name=f"{name}_add")([x, y])


def class_count(denoiser: keras.Model) -> int | None:
    """Return the number of classes of a conditional denoiser, which is also its label for no class.

    Args:
        denoiser: model with the inputs `image`, `time` and, if conditional, `label`.

    Returns:
        The number of classes; None if the denoiser takes no label.

    Raises:
        ZooError: the denoiser takes a label but has no `LabelEmbedding`.
    """
    if all(x.name != LABEL for x in denoiser.inputs):
        return None
    found = [layer.classes for layer in denoiser.layers if isinstance(layer, LabelEmbedding)]
    if not found:
        raise ZooError(
            f"model '{denoiser.name}' takes a label but does not say which one stands for no class: embed it with "
            "zoo.layers.time_embedding.embed_label"
        )
    return found[0]


@keras.saving.register_keras_serializable("zoo")
class TimeWaves(keras.layers.Layer):
    """Map times to sines and cosines of many wavelengths: `(batch,)` to `(batch, size)`.

    Computed in float32 also under mixed precision, because float16 cannot resolve neighboring times.

    Args:
        size: number of waves, even: sines, then as many cosines.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        if size % 2:
            raise ValueError(f"times need an even number of waves. Received: size={size}")
        self.size = size

    def call(self, time: Any) -> Any:
        """Return the waves."""
        frequencies = STEPS * BASE ** (-np.arange(0, self.size, 2) / self.size)
        angles = ops.expand_dims(ops.cast(time, self.variable_dtype), axis=1) * ops.convert_to_tensor(
            frequencies.astype("float32"), self.variable_dtype
        )
        return ops.cast(ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, size)`."""
        return (shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("zoo")
class LabelEmbedding(keras.layers.Layer):
    """Look up a learned vector for each class and for "no class": `(batch,)` int32 to `(batch, width)`.

    Ho and Salimans, 2022, arXiv:2207.12598.

    Args:
        classes: number of classes; the label `classes` stands for no class.
        width: length of the vectors.
    """

    def __init__(self, classes: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes, self.width = classes, width

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.embeddings = self.add_weight(
            shape=(self.classes + 1, self.width),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="embeddings",
        )

    def call(self, label: Any) -> Any:
        """Look up the vectors."""
        return ops.cast(ops.take(self.embeddings, ops.cast(label, "int32"), axis=0), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, width)`."""
        return (*shape, self.width)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "classes": self.classes, "width": self.width}
