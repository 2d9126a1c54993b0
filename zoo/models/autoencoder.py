"""Autoencoders: dense, of the rows of tables, convolutional, denoising, variational (β-VAE) and vector-quantized.

Every model maps images in [0, 1] to images in [0, 1], or vectors to vectors. `zoo.layers.code` splits it into encoder
and decoder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import keras

from zoo.layers.activations import Activation, kernel_initializer
from zoo.layers.code import CODE, GaussianCode, Masking, VectorQuantizer, plain_code
from zoo.layers.head import FEATURES
from zoo.layers.norms import Norm
from zoo.layers.residual import convolution
from zoo.layers.types import AtLeastTwo, Count, DropRate, Factor, NotNegative
from zoo.registry import register

Noise = Literal["gaussian", "masking"]


@register(
    tasks=("reconstruction", "anomaly_detection"),
    input_shape=(28, 28, 1),
    paper="Hinton and Salakhutdinov (2006), doi:10.1126/science.1127647",
)
def autoencoder(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (256, 128),
    code: Count = 32,
    activation: Activation = "relu",
) -> keras.Model:
    """Autoencoder of dense layers; the decoder mirrors the encoder.

    Args:
        input_shape: shape of one image.
        widths: units of the encoder's hidden layers; an empty list makes a linear encoder.
        code: length of the code.
        activation: activation of the hidden layers.

    Returns:
        A model from `(batch, *input_shape)` to the same shape, values in [0, 1].
    """
    shape = tuple(input_shape)
    initializer = kernel_initializer(activation)

    # === Layers ===
    inputs = keras.Input(shape)
    x = keras.layers.Flatten(name="flatten")(inputs)
    for i, width in enumerate(widths, start=1):
        x = keras.layers.Dense(width, activation, kernel_initializer=initializer, name=f"encoder{i}_dense")(x)
    x = plain_code(keras.layers.Dense(code, name="encode")(x))
    for i, width in enumerate(reversed(widths), start=1):
        x = keras.layers.Dense(width, activation, kernel_initializer=initializer, name=f"decoder{i}_dense")(x)
    x = keras.layers.Dense(math.prod(shape), name="pixels")(x)
    x = keras.layers.Reshape(shape, name="image")(x)

    # === Functional model ===
    return keras.Model(inputs, _image(x), name="autoencoder")


@register(
    tasks=("tabular_anomaly_detection",),
    input_shape=(16,),
    paper="Hinton and Salakhutdinov (2006), doi:10.1126/science.1127647",
)
def row_autoencoder(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (64, 32),
    code: Count = 8,
    activation: Activation = "relu",
    noise: NotNegative = 0.1,
) -> keras.Model:
    """Autoencoder of dense layers for standardised vectors, to which noise is added while training.

    Args:
        input_shape: `(features,)`.
        widths: units of the encoder's hidden layers, which the decoder mirrors; an empty list makes a linear model.
        code: length of the code.
        activation: activation of the hidden layers.
        noise: standard deviation of the noise (Vincent et al., 2008, doi:10.1145/1390156.1390294).

    Returns:
        A model from `(batch, features)` to the same shape.

    Raises:
        ValueError: the input is no vector.
    """
    shape = tuple(input_shape)
    if len(shape) != 1:
        raise ValueError(f"needs vectors (features,). Received: input_shape={shape}")
    initializer = kernel_initializer(activation)

    # === Layers ===
    inputs = keras.Input(shape)
    x = keras.layers.GaussianNoise(noise, name="noise")(inputs)
    for i, width in enumerate(widths, start=1):
        x = keras.layers.Dense(width, activation, kernel_initializer=initializer, name=f"encoder{i}_dense")(x)
    x = plain_code(keras.layers.Dense(code, name="encode")(x))
    for i, width in enumerate(reversed(widths), start=1):
        x = keras.layers.Dense(width, activation, kernel_initializer=initializer, name=f"decoder{i}_dense")(x)
    x = keras.layers.Dense(shape[0], dtype="float32", name="reconstruction")(x)

    # === Functional model ===
    return keras.Model(inputs, x, name="row_autoencoder")


@register(
    tasks=("series_anomaly_detection",),
    input_shape=(32, 1),
    paper="Hinton and Salakhutdinov (2006), doi:10.1126/science.1127647",
)
def window_autoencoder(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (64, 32),
    code: Count = 8,
    activation: Activation = "relu",
    noise: NotNegative = 0.1,
) -> keras.Model:
    """Autoencoder of dense layers for windows of standardised series, to which noise is added while training.

    Args:
        input_shape: `(steps, channels)`.
        widths: units of the encoder's hidden layers, which the decoder mirrors; an empty list makes a linear model.
        code: length of the code.
        activation: activation of the hidden layers.
        noise: standard deviation of the noise (Vincent et al., 2008, doi:10.1145/1390156.1390294).

    Returns:
        A model from `(batch, steps, channels)` to the same shape.

    Raises:
        ValueError: the input is no window.
    """
    shape = tuple(input_shape)
    if len(shape) != 2 or None in shape:
        raise ValueError(f"needs windows of known length, (steps, channels). Received: input_shape={shape}")
    initializer = kernel_initializer(activation)

    # === Layers ===
    inputs = keras.Input(shape)
    x = keras.layers.GaussianNoise(noise, name="noise")(inputs)
    x = keras.layers.Flatten(name="flatten")(x)
    for i, width in enumerate(widths, start=1):
        x = keras.layers.Dense(width, activation, kernel_initializer=initializer, name=f"encoder{i}_dense")(x)
    x = plain_code(keras.layers.Dense(code, name="encode")(x))
    for i, width in enumerate(reversed(widths), start=1):
        x = keras.layers.Dense(width, activation, kernel_initializer=initializer, name=f"decoder{i}_dense")(x)
    x = keras.layers.Dense(shape[0] * shape[1], dtype="float32", name="decode")(x)
    x = keras.layers.Reshape(shape, dtype="float32", name="reconstruction")(x)

    # === Functional model ===
    return keras.Model(inputs, x, name="window_autoencoder")


@register(
    tasks=("reconstruction", "anomaly_detection"),
    input_shape=(28, 28, 1),
    paper="Masci et al. (2011), doi:10.1007/978-3-642-21735-7_7",
)
def conv_autoencoder(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (32, 64),
    code: Count = 32,
    norm: Norm = "batch",
) -> keras.Model:
    """Convolutional autoencoder: each level halves height and width.

    Args:
        input_shape: `(height, width, channels)`.
        widths: channels of each level.
        code: length of the code.
        norm: normalization after each convolution.

    Returns:
        A model from `(batch, height, width, channels)` to the same shape, values in [0, 1].

    Raises:
        ValueError: the input is no image, or too small for the levels.
    """
    # === Layers ===
    inputs = keras.Input(_image_shape(input_shape, len(widths)))
    x = _encode(inputs, widths, norm)
    x = plain_code(keras.layers.Dense(code, name="encode")(keras.layers.Flatten(name="flatten")(x)))
    x = _decode(x, widths, norm, input_shape)

    # === Functional model ===
    return keras.Model(inputs, _image(x), name="conv_autoencoder")


@register(
    tasks=("reconstruction", "anomaly_detection"),
    input_shape=(28, 28, 1),
    paper="Vincent et al. (2008), doi:10.1145/1390156.1390294",
)
def denoising_autoencoder(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (32, 64),
    code: Count = 64,
    noise: Noise = "gaussian",
    level: DropRate = 0.3,
    norm: Norm = "batch",
) -> keras.Model:
    """Convolutional autoencoder that learns to remove the noise added to its input while training.

    Args:
        input_shape: `(height, width, channels)`.
        widths: channels of each level, which halves height and width.
        code: length of the code.
        noise: "gaussian" adds noise; "masking" sets values to zero.
        level: standard deviation of the Gaussian noise, or fraction of the values that are masked.
        norm: normalization after each convolution.

    Returns:
        A model from `(batch, height, width, channels)` to the same shape, values in [0, 1].

    Raises:
        ValueError: the input is no image, or too small for the levels.
    """
    # === Layers ===
    inputs = keras.Input(_image_shape(input_shape, len(widths)))
    layer = keras.layers.GaussianNoise if noise == "gaussian" else Masking
    x = _encode(layer(level, name="noise")(inputs), widths, norm)
    x = plain_code(keras.layers.Dense(code, name="encode")(keras.layers.Flatten(name="flatten")(x)))
    x = _decode(x, widths, norm, input_shape)

    # === Functional model ===
    return keras.Model(inputs, _image(x), name="denoising_autoencoder")


@register(
    tasks=("reconstruction", "anomaly_detection"),
    input_shape=(28, 28, 1),
    paper="arXiv:1312.6114",
)
def vae(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (32, 64),
    code: Count = 32,
    beta: NotNegative = 1.0,
    norm: Norm = "batch",
) -> keras.Model:
    """Variational autoencoder: the code is drawn from a Gaussian that is kept close to the standard normal.

    The model adds the divergence to the loss, divided by the number of pixels, as the reconstruction loss is. With
    binary cross-entropy and β = 1 the loss is the negative evidence lower bound in nats per pixel. β: Higgins et al.,
    2017 (ICLR).

    Args:
        input_shape: `(height, width, channels)`.
        widths: channels of each level, which halves height and width.
        code: length of the code.
        beta: weight of the divergence.
        norm: normalization after each convolution.

    Returns:
        A model from `(batch, height, width, channels)` to the same shape, values in [0, 1]. At inference it
        decodes the mean of the code, which `zoo.features` returns.

    Raises:
        ValueError: the input is no image, or too small for the levels.
    """
    # === Layers ===
    inputs = keras.Input(_image_shape(input_shape, len(widths)))
    x = keras.layers.Flatten(name="flatten")(_encode(inputs, widths, norm))
    mean = keras.layers.Identity(name=FEATURES)(keras.layers.Dense(code, name="mean")(x))
    log_variance = keras.layers.Dense(code, kernel_initializer="zeros", name="log_variance")(x)
    x = GaussianCode(beta / math.prod(input_shape), name=CODE)(mean, log_variance)
    x = _decode(x, widths, norm, input_shape)

    # === Functional model ===
    return keras.Model(inputs, _image(x), name="vae")


@register(
    tasks=("reconstruction", "anomaly_detection"),
    input_shape=(28, 28, 1),
    paper="arXiv:1711.00937",
)
def vq_vae(
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (32, 64),
    code: Count = 16,
    codebook: AtLeastTwo = 128,
    commitment: Factor = 0.25,
    norm: Norm = "batch",
) -> keras.Model:
    """Vector-quantized autoencoder: every position of the smallest map holds a vector from a codebook.

    Args:
        input_shape: `(height, width, channels)`.
        widths: channels of each level, which halves height and width.
        code: length of the codebook's vectors.
        codebook: number of vectors.
        commitment: weight of the loss that keeps the encoder's output near its vectors.
        norm: normalization after each convolution.

    Returns:
        A model from `(batch, height, width, channels)` to the same shape, values in [0, 1]. Its features are the
        vectors of all positions, concatenated.

    Raises:
        ValueError: the input is no image, or too small for the levels.
    """
    # === Layers ===
    inputs = keras.Input(_image_shape(input_shape, len(widths)))
    x = keras.layers.Conv2D(code, 1, name="encode")(_encode(inputs, widths, norm))
    x = VectorQuantizer(codebook, commitment, name="quantize")(x)
    shape = x.shape[1:]
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Reshape(shape, name="places")(plain_code(x))
    x = _decode(x, widths, norm, input_shape)

    # === Functional model ===
    return keras.Model(inputs, _image(x), name="vq_vae")


def _image_shape(input_shape: Sequence[int], levels: int) -> tuple[int, ...]:
    shape = tuple(input_shape)
    if len(shape) != 3 or None in shape or min(shape[:2]) < 2**levels:
        raise ValueError(
            f"needs images (height, width, channels) of at least {2**levels} pixels a side, for {levels} levels that "
            f"halve them. Received: input_shape={shape}"
        )
    return shape


def _encode(x: keras.KerasTensor, widths: Sequence[int], norm: Norm) -> keras.KerasTensor:
    """Return the smallest map, `(batch, ceil(height / 2^levels), ceil(width / 2^levels), widths[-1])`."""
    for i, width in enumerate(widths, start=1):
        x = convolution(x, width, 3, norm=norm, name=f"encoder{i}_1")
        x = keras.layers.ReLU(name=f"encoder{i}_1_relu")(x)
        x = convolution(x, width, 3, stride=2, norm=norm, name=f"encoder{i}_2")
        x = keras.layers.ReLU(name=f"encoder{i}_2_relu")(x)
    return x


def _decode(x: keras.KerasTensor, widths: Sequence[int], norm: Norm, image: Sequence[int]) -> keras.KerasTensor:
    """Return a map of the image's shape from a code `(batch, channels)` or a smallest map."""
    sizes = [tuple(image[:2])]
    for _ in widths:
        sizes.append(tuple(math.ceil(n / 2) for n in sizes[-1]))
    if len(x.shape) == 2:
        smallest = (*sizes[-1], widths[-1])
        x = keras.layers.Dense(math.prod(smallest), name="decode")(x)
        x = keras.layers.Reshape(smallest, name="smallest")(x)
    for level in reversed(range(len(widths))):
        width = widths[max(0, level - 1)]
        x = convolution(x, widths[level], 3, norm=norm, name=f"decoder{level + 1}_1")
        x = keras.layers.ReLU(name=f"decoder{level + 1}_1_relu")(x)
        x = keras.layers.Conv2DTranspose(
            width, 4, strides=2, padding="same", kernel_initializer="he_normal", name=f"decoder{level + 1}_up"
        )(x)
        x = keras.layers.ReLU(name=f"decoder{level + 1}_up_relu")(x)
        extra = [(0, 2 * small - n) for small, n in zip(sizes[level + 1], sizes[level], strict=True)]
        if any(e != (0, 0) for e in extra):
            x = keras.layers.Cropping2D(extra, name=f"decoder{level + 1}_crop")(x)
    return keras.layers.Conv2D(image[-1], 3, padding="same", name="pixels")(x)


def _image(x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Activation("sigmoid", dtype="float32", name="reconstruction")(x)
