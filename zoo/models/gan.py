"""Generative adversarial networks (Goodfellow et al., 2014, arXiv:1406.2661), on images in [-1, 1].

A model maps noise to the discriminator's score of the generated image; its layers are `generator` and `discriminator`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.spectral import SpectralConv2D, SpectralDense
from zoo.layers.types import Count, DropRate
from zoo.registry import register

DiscriminatorNorm = Literal["none", "spectral", "layer", "batch"]
GENERATOR = "generator"
DISCRIMINATOR = "discriminator"

_LEAKY_RELU_SLOPE = 0.2  # DCGAN, section 3


@register(
    tasks=("image_generation",),
    input_shape=(28, 28, 1),
    paper="arXiv:1511.06434",
)
def dcgan(
    *,
    input_shape: Sequence[int],
    latent: Count = 64,
    generator_widths: Sequence[Count] = (128, 64),
    discriminator_widths: Sequence[Count] = (64, 128),
    generator_norm: Norm = "batch",
    discriminator_norm: DiscriminatorNorm = "spectral",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Deep convolutional GAN (DCGAN): transposed convolutions in the generator, strided ones in the discriminator.

    Args:
        input_shape: `(height, width, channels)` of an image.
        latent: length of the noise.
        generator_widths: channels of each level of the generator, the smallest map first; each doubles the size.
        discriminator_widths: channels of each level of the discriminator, each of which halves the size.
        generator_norm: normalization in the generator.
        discriminator_norm: normalization in the discriminator: of the kernels ("spectral", Miyato et al., 2018,
            arXiv:1802.05957) or of the features.
        dropout: fraction of features dropped after each level of the discriminator while training.

    Returns:
        A model from noise `(batch, latent)` to scores `(batch, 1)`, higher for real images, without an activation.

    Raises:
        ValueError: the input is no image, or too small for the levels.
    """
    shape = _image_shape(input_shape, generator_widths, discriminator_widths)

    # === Layers ===
    noise = keras.Input((latent,), name="noise")
    generator = keras.Model(noise, _image(noise, shape, generator_widths, generator_norm), name=GENERATOR)
    image = keras.Input(shape, name="image")
    x = _image_features(image, discriminator_widths, discriminator_norm, dropout)
    discriminator = keras.Model(image, _dense(1, discriminator_norm, "score")(x), name=DISCRIMINATOR)

    # === Functional model ===
    inputs = keras.Input((latent,), name="noise")
    return keras.Model(inputs, discriminator(generator(inputs)), name="dcgan")


@register(
    tasks=("image_generation",),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="arXiv:1411.1784; projection arXiv:1802.05637",
)
def conditional_gan(
    *,
    input_shape: Sequence[int],
    outputs: int,
    latent: Count = 64,
    embedding: Count = 32,
    generator_widths: Sequence[Count] = (128, 64),
    discriminator_widths: Sequence[Count] = (64, 128),
    generator_norm: Norm = "batch",
    discriminator_norm: DiscriminatorNorm = "spectral",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Class-conditional GAN: the class goes to the generator beside the noise, and to the discriminator by projection.

    Args:
        input_shape: `(height, width, channels)` of an image.
        outputs: number of classes.
        latent: length of the noise.
        embedding: length of the vectors that classes are mapped to for the generator.
        generator_widths: channels of each level of the generator, the smallest map first; each doubles the size.
        discriminator_widths: channels of each level of the discriminator, each of which halves the size.
        generator_norm: normalization in the generator.
        discriminator_norm: normalization in the discriminator: of the kernels ("spectral", Miyato et al., 2018,
            arXiv:1802.05957) or of the features.
        dropout: fraction of features dropped after each level of the discriminator while training.

    Returns:
        A model from noise `(batch, latent)` and class `(batch,)` to scores `(batch, 1)`, without an activation.

    Raises:
        ValueError: the input is no image, or too small for the levels.
    """
    shape = _image_shape(input_shape, generator_widths, discriminator_widths)

    # === Layers ===
    noise, label = keras.Input((latent,), name="noise"), keras.Input((), dtype="int32", name="label")
    class_vector = keras.layers.Embedding(outputs, embedding, name="class_embedding")(label)
    x = keras.layers.Concatenate(name="noise_and_class")([noise, class_vector])
    generator = keras.Model([noise, label], _image(x, shape, generator_widths, generator_norm), name=GENERATOR)
    image, label = keras.Input(shape, name="image"), keras.Input((), dtype="int32", name="label")
    x = _image_features(image, discriminator_widths, discriminator_norm, dropout)
    class_direction = keras.layers.Embedding(
        outputs, x.shape[-1], embeddings_initializer=_initializer(), name="projection"
    )
    score = _dense(1, discriminator_norm, "score")(x)
    class_score = ops.sum(x * class_direction(label), axis=-1, keepdims=True)
    discriminator = keras.Model(
        [image, label], keras.layers.Add(name="total")([score, class_score]), name=DISCRIMINATOR
    )

    # === Functional model ===
    noise, label = keras.Input((latent,), name="noise"), keras.Input((), dtype="int32", name="label")
    return keras.Model([noise, label], discriminator([generator([noise, label]), label]), name="conditional_gan")


def _image_shape(input_shape: Sequence[int], up: Sequence[int], down: Sequence[int]) -> tuple[int, ...]:
    shape, levels = tuple(input_shape), max(len(up), len(down))
    smallest = 2**levels
    if len(shape) != 3 or None in shape or min(shape[:2]) < smallest or not up or not down:
        raise ValueError(
            f"needs images (height, width, channels) of at least {smallest} pixels a side, for {levels} levels that "
            f"halve them. Received: input_shape={shape}"
        )
    return shape


def _image(x: keras.KerasTensor, shape: tuple[int, ...], widths: Sequence[int], norm: Norm) -> keras.KerasTensor:
    """Return images in [-1, 1] from a vector `(batch, channels)`."""
    sizes = [shape[:2]]
    for _ in widths:
        sizes.append(tuple(math.ceil(n / 2) for n in sizes[-1]))
    sizes.reverse()
    smallest = (*sizes[0], widths[0])
    x = keras.layers.Dense(
        math.prod(smallest), use_bias=not has_shift(norm), kernel_initializer=_initializer(), name="start"
    )(x)
    x = keras.layers.Reshape(smallest, name="smallest")(x)
    x = keras.layers.ReLU(name="start_relu")(normalization(x, norm, name="start_norm"))
    for i, size in enumerate(sizes[1:], start=1):
        last = i == len(widths)
        width = shape[-1] if last else widths[i]
        x = keras.layers.Conv2DTranspose(
            width,
            4,
            strides=2,
            padding="same",
            use_bias=last or not has_shift(norm),
            kernel_initializer=_initializer(),
            name=f"up{i}",
        )(x)
        extra = [(0, n - target) for n, target in zip(x.shape[1:3], size, strict=True)]
        if any(e != (0, 0) for e in extra):
            x = keras.layers.Cropping2D(extra, name=f"up{i}_crop")(x)
        if not last:
            x = keras.layers.ReLU(name=f"up{i}_relu")(normalization(x, norm, name=f"up{i}_norm"))
    return keras.layers.Activation("tanh", dtype="float32", name="pixels")(x)


def _image_features(
    x: keras.KerasTensor, widths: Sequence[int], norm: DiscriminatorNorm, dropout: float
) -> keras.KerasTensor:
    """Return the discriminator's features, `(batch, channels)`, of images `(batch, height, width, channels)`."""
    spectral = norm == "spectral"
    convolution = SpectralConv2D if spectral else keras.layers.Conv2D
    for i, width in enumerate(widths, start=1):
        normalized: Norm = "none" if norm == "spectral" or i == 1 else norm  # not the first (DCGAN, section 3)
        x = convolution(
            width,
            4,
            strides=2,
            padding="same",
            use_bias=not has_shift(normalized),
            kernel_initializer="he_normal" if spectral else _initializer(),
            name=f"down{i}",
        )(x)
        x = normalization(x, normalized, name=f"down{i}_norm")
        x = keras.layers.LeakyReLU(_LEAKY_RELU_SLOPE, name=f"down{i}_relu")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"down{i}_dropout")(x)
    return keras.layers.Flatten(name="flatten")(x)


def _dense(units: int, norm: DiscriminatorNorm, name: str) -> Any:
    if norm == "spectral":
        return SpectralDense(units, name=name)
    return keras.layers.Dense(units, kernel_initializer=_initializer(), name=name)


def _initializer() -> keras.initializers.Initializer:
    """Return a new initializer of DCGAN (section 4): each layer needs its own, because each draws its own seed."""
    return keras.initializers.RandomNormal(0.0, 0.02)
