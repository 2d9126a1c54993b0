"""Networks that learn representations: by contrast, by pairs and triplets, and by filling in what is hidden.

SimCLR: Chen, Kornblith, Norouzi and Hinton, 2020, arXiv:2002.05709. Supervised contrast: Khosla et al., 2020,
arXiv:2004.11362. Siamese: Hadsell, Chopra and LeCun, 2006, doi:10.1109/CVPR.2006.100. Triplets: Schroff, Kalenichenko
and Philbin, 2015, arXiv:1503.03832.

Each network holds a model called "encoder", whose layers have the names that they have in the builder for
classification, so that its weights can be copied there by name (`zoo.layers.encoder`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo import registry
from zoo.errors import ZooError, did_you_mean, listing
from zoo.layers.encoder import ENCODER
from zoo.layers.head import FEATURES
from zoo.layers.types import Count, Counts
from zoo.layers.unit_length import UnitLength
from zoo.registry import register

ENCODERS = "image_classification"  # the task whose builders can be encoders


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:2002.05709")
def simclr(
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    projection: Counts = (128, 64),
) -> keras.Model:
    """SimCLR: an encoder and a projection head, for two augmented views of each image and the loss `nt_xent`.

    Args:
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        projection: units of the projection head's layers, with ReLU between them; it is not part of the features.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, projection[-1])`, vectors of length one.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: the encoder cannot be built with its settings.
    """
    return _contrastive("simclr", input_shape, encoder, encoder_config, projection)


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:2004.11362")
def supcon(
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    projection: Counts = (128, 64),
) -> keras.Model:
    """Supervised contrast: an encoder and a projection head, for images with classes and the loss `supcon`.

    Args:
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        projection: units of the projection head's layers, with ReLU between them; it is not part of the features.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, projection[-1])`, vectors of length one.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: the encoder cannot be built with its settings.
    """
    return _contrastive("supcon", input_shape, encoder, encoder_config, projection)


@register(
    tasks=("representation_learning",),
    input_shape=(32, 32, 3),
    paper="Hadsell, Chopra and LeCun (2006), doi:10.1109/CVPR.2006.100",
)
def siamese(
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    embedding: Count = 64,
) -> keras.Model:
    """Siamese network: one encoder for both images of a pair, for images with classes and the loss `contrastive`.

    Args:
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        embedding: length of the embedding, which is both the output and the features.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, embedding)`, vectors of length one.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: the encoder cannot be built with its settings.
    """
    return _embedding("siamese", input_shape, encoder, encoder_config, embedding)


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:1503.03832; arXiv:1703.07737")
def triplet(
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    embedding: Count = 64,
) -> keras.Model:
    """Triplet network: one encoder for anchor, positive and negative, for images with classes and the loss `triplet`.

    Args:
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        embedding: length of the embedding, which is both the output and the features.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, embedding)`, vectors of length one.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: the encoder cannot be built with its settings.
    """
    return _embedding("triplet", input_shape, encoder, encoder_config, embedding)


def _contrastive(
    name: str,
    input_shape: Sequence[int],
    encoder: str,
    encoder_config: dict[str, Any] | None,
    projection: Sequence[int],
) -> keras.Model:
    # === Layers ===
    inputs = keras.Input(tuple(input_shape))
    x = _encoder(input_shape, encoder, encoder_config)(inputs)
    x = keras.layers.Identity(name=FEATURES)(x)
    for i, units in enumerate(projection, start=1):
        if i > 1:
            x = keras.layers.ReLU(name=f"projection{i - 1}_relu")(x)
        x = keras.layers.Dense(units, name=f"projection{i}_dense")(x)

    # === Functional model ===
    return keras.Model(inputs, UnitLength(name="embedding")(x), name=name)


def _embedding(
    name: str, input_shape: Sequence[int], encoder: str, encoder_config: dict[str, Any] | None, embedding: int
) -> keras.Model:
    # === Layers ===
    inputs = keras.Input(tuple(input_shape))
    x = _encoder(input_shape, encoder, encoder_config)(inputs)
    x = keras.layers.Dense(embedding, name="embedding")(x)

    # === Functional model ===
    return keras.Model(inputs, UnitLength(name=FEATURES)(x), name=name)


def _encoder(input_shape: Sequence[int], name: str, config: dict[str, Any] | None) -> keras.Model:
    """Return the model of a builder up to its features, `(batch, channels)`."""
    known = registry.list_models(task=ENCODERS)
    if name not in known:
        raise ValueError(
            f"encoder: no model for {ENCODERS} is called '{name}'{did_you_mean(name, known)} (known: {listing(known)})"
        )
    registry.validate_config(name, config or {})
    model = registry.build(name, input_shape=input_shape, outputs=1, **(config or {}))
    features = model.get_layer(FEATURES).output
    if len(features.shape) != 2:
        raise ZooError(f"encoder: the features of model '{name}' are not one vector for each image: {features.shape}")
    return keras.Model(model.input, features, name=ENCODER)
