"""Generative adversarial networks: DCGAN and a class-conditional one.

Goodfellow et al., 2014, arXiv:1406.2661. DCGAN: Radford, Metz and Chintala, 2015, arXiv:1511.06434. Spectral
normalization: Miyato et al., 2018, arXiv:1802.05957. Conditional: Mirza and Osindero, 2014, arXiv:1411.1784, with the
projection discriminator of Miyato and Koyama, 2018, arXiv:1802.05637.

A model goes from noise to the discriminator's score of what the generator makes of it; its layers `generator` and
`discriminator` are the two players. Images lie in [-1, 1].
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
GENERATOR, DISCRIMINATOR = "generator", "discriminator"

_SLOPE = 0.2


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
    """Deep convolutional GAN: transposed convolutions against strided ones.

    Args:
        input_shape: shape of an image, `(height, width, channels)`.
        latent: length of the noise.
        generator_widths: channels of each level of the generator, the smallest map first; each doubles the size.
        discriminator_widths: channels of each level of the discriminator, each of which halves the size.
        generator_norm: normalization in the generator.
        discriminator_norm: normalization in the discriminator: "spectral" of the kernels, or of the features.
        dropout: share of features dropped after each level of the discriminator while training.

    Returns:
        A model from noise `(batch, latent)` to scores `(batch, 1)`, greater for what looks real, without an activation.

    Raises:
        ValueError: the shape is no image's, or too small for the levels.
    """
    shape = _image_shape(input_shape, generator_widths, discriminator_widths)

    # === Layers ===
    noise = keras.Input((latent,), name="noise")
    generator = keras.Model(noise, _image(noise, shape, generator_widths, generator_norm), name=GENERATOR)
    image = keras.Input(shape, name="image")
    x = _judge(image, discriminator_widths, discriminator_norm, dropout)
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
    """GAN that is told the class: beside the noise for the generator, by projection in the discriminator.

    Args:
        input_shape: shape of an image, `(height, width, channels)`.
        outputs: number of classes.
        latent: length of the noise.
        embedding: length of the vectors that classes are mapped to for the generator.
        generator_widths: channels of each level of the generator, the smallest map first; each doubles the size.
        discriminator_widths: channels of each level of the discriminator, each of which halves the size.
        generator_norm: normalization in the generator.
        discriminator_norm: normalization in the discriminator: "spectral" of the kernels, or of the features.
        dropout: share of features dropped after each level of the discriminator while training.

    Returns:
        A model from noise `(batch, latent)` and class `(batch,)` to scores `(batch, 1)`, without an activation.

    Raises:
        ValueError: the shape is no image's, or too small for the levels.
    """
    shape = _image_shape(input_shape, generator_widths, discriminator_widths)

    # === Layers ===
    noise, label = keras.Input((latent,), name="noise"), keras.Input((), dtype="int32", name="label")
    known = keras.layers.Embedding(outputs, embedding, name="class_embedding")(label)
    x = keras.layers.Concatenate(name="noise_and_class")([noise, known])
    generator = keras.Model([noise, label], _image(x, shape, generator_widths, generator_norm), name=GENERATOR)
    image, label = keras.Input(shape, name="image"), keras.Input((), dtype="int32", name="label")
    x = _judge(image, discriminator_widths, discriminator_norm, dropout)
    direction = keras.layers.Embedding(outputs, x.shape[-1], embeddings_initializer=_initializer(), name="projection")
    score = _dense(1, discriminator_norm, "score")(x)
    agreement = ops.sum(x * direction(label), axis=-1, keepdims=True)
    discriminator = keras.Model([image, label], keras.layers.Add(name="total")([score, agreement]), name=DISCRIMINATOR)

    # === Functional model ===
    noise, label = keras.Input((latent,), name="noise"), keras.Input((), dtype="int32", name="label")
    return keras.Model([noise, label], discriminator([generator([noise, label]), label]), name="conditional_gan")


def _image_shape(input_shape: Sequence[int], up: Sequence[int], down: Sequence[int]) -> tuple[int, ...]:
    shape, levels = tuple(input_shape), max(len(up), len(down))
    least = 2**levels
    if len(shape) != 3 or None in shape or min(shape[:2]) < least or not up or not down:
        raise ValueError(
            f"needs images (height, width, channels) of at least {least} pixels a side, which {levels} levels halve. "
            f"Received: input_shape={shape}"
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
        extra = [(0, n - wanted) for n, wanted in zip(x.shape[1:3], size, strict=True)]
        if any(e != (0, 0) for e in extra):
            x = keras.layers.Cropping2D(extra, name=f"up{i}_crop")(x)
        if not last:
            x = keras.layers.ReLU(name=f"up{i}_relu")(normalization(x, norm, name=f"up{i}_norm"))
    return keras.layers.Activation("tanh", dtype="float32", name="pixels")(x)


def _judge(x: keras.KerasTensor, widths: Sequence[int], norm: DiscriminatorNorm, dropout: float) -> keras.KerasTensor:
    """Return features `(batch, channels)` of an image."""
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
        x = keras.layers.LeakyReLU(_SLOPE, name=f"down{i}_relu")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"down{i}_dropout")(x)
    return keras.layers.Flatten(name="flatten")(x)


def _dense(units: int, norm: DiscriminatorNorm, name: str) -> Any:
    if norm == "spectral":
        return SpectralDense(units, name=name)
    return keras.layers.Dense(units, kernel_initializer=_initializer(), name=name)


def _initializer() -> keras.initializers.Initializer:
    """Return DCGAN's initializer (section 4): one for each layer, because it draws its own seed when it is made."""
    return keras.initializers.RandomNormal(0.0, 0.02)
