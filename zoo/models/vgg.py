"""AlexNet and VGG: convolutions below dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from zoo.layers.adaptive_pool import AdaptiveAveragePooling
from zoo.layers.head import head
from zoo.layers.image_input import Stem, check_image, check_stages
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.types import Count, DropRate, FiveCounts
from zoo.registry import register
from zoo.utils.settings import settings_of


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Krizhevsky, Sutskever and Hinton (2012), doi:10.1145/3065386; Krizhevsky (2014), arXiv:1404.5997",
)
def alexnet(
    *,
    input_shape: Sequence[int],
    outputs: int,
    stem: Stem = "imagenet",
    widths: FiveCounts = (64, 192, 384, 256, 256),
    top_width: Count = 4096,
    dropout: DropRate = 0.5,
) -> keras.Model:
    """AlexNet in the form for one GPU: 61.1M parameters with 1,000 classes (Krizhevsky, 2014, section 5).

    Without local response normalization, and initialized as in He et al., arXiv:1502.01852. A pooling layer is left out
    where its input is smaller than its window.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        stem: "imagenet" (11x11 and pooling, an eighth of the size) or "small" (3x3 and pooling, half the size).
        widths: channels of the five convolutions.
        top_width: units of the two dense layers.
        dropout: fraction of units dropped after each of the dense layers while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or with stem "imagenet" is smaller than 7x7.
    """
    check_image(input_shape, smallest=7 if stem == "imagenet" else 1)

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    if stem == "imagenet":
        x = keras.layers.ZeroPadding2D(2, name="stem_pad")(x)
        x = _relu_convolution(x, widths[0], 11, strides=4, padding="valid", name="conv1")
    else:
        x = _relu_convolution(x, widths[0], 3, name="conv1")
    for i, (width, kernel_size) in enumerate(zip(widths[1:], (5, 3, 3, 3), strict=True), start=2):
        if i <= 3:
            x = _overlapping_pool(x, name=f"pool{i - 1}")
        x = _relu_convolution(x, width, kernel_size, name=f"conv{i}")
    x = _overlapping_pool(x, name="pool5")

    # === Functional model ===
    return keras.Model(inputs, head(_dense_top(x, top_width, dropout), outputs, dropout=dropout), name="alexnet")


def _vgg(
    name: str,
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (64, 128, 256, 512, 512),
    depths: Sequence[Count] = (2, 2, 3, 3, 3),
    norm: Literal["none", "batch"] = "none",
    top_size: Count | None = None,
    top_width: Count = 4096,
    dropout: DropRate = 0.5,
) -> keras.Model:
    """VGG: stages of 3x3 convolutions and a pooling layer, then two dense layers.

    Simonyan and Zisserman, 2014, arXiv:1409.1556. Initialized as in He et al., arXiv:1502.01852. Every pooling rounds
    up, so that small images work too; fewer stages and a narrower top suit them better.

    Args:
        name: name of the model.
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        widths: channels of each stage.
        depths: convolutions in each stage.
        norm: normalization after each convolution; "none" in the paper.
        top_size: height and width to which the last maps are averaged, so that the dense layers fit images of any size;
            every pooling then rounds down. torchvision's networks have 7. None: the maps stay as large as they are.
        top_width: units of the two dense layers.
        dropout: fraction of units dropped after each of the dense layers while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or with `top_size` too small for the stages; or depths and widths differ in
            length.
    """
    check_stages(depths, widths)
    check_image(input_shape, smallest=2 ** len(depths) if top_size else 1)

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        for i in range(1, depth + 1):
            x = _relu_convolution(x, width, 3, norm=norm, name=f"stage{stage}_{i}")
        x = keras.layers.MaxPooling2D(2, padding="valid" if top_size else "same", name=f"stage{stage}_pool")(x)
    if top_size:
        x = AdaptiveAveragePooling(top_size, name="top_pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(_dense_top(x, top_width, dropout), outputs, dropout=dropout), name=name)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Simonyan and Zisserman (2014), arXiv:1409.1556",
)
@settings_of(_vgg, depths=(1, 1, 2, 2, 2))
def vgg11(**settings: Any) -> keras.Model:
    """VGG-11: 132.9M parameters with 1,000 classes (Simonyan and Zisserman, table 1, configuration A)."""
    return _vgg("vgg11", **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Simonyan and Zisserman (2014), arXiv:1409.1556",
)
@settings_of(_vgg, depths=(2, 2, 2, 2, 2))
def vgg13(**settings: Any) -> keras.Model:
    """VGG-13: 133.0M parameters with 1,000 classes (Simonyan and Zisserman, table 1, configuration B)."""
    return _vgg("vgg13", **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Simonyan and Zisserman (2014), arXiv:1409.1556",
)
@settings_of(_vgg)
def vgg16(**settings: Any) -> keras.Model:
    """VGG-16: 138.4M parameters with 1,000 classes (Simonyan and Zisserman, table 1, configuration D)."""
    return _vgg("vgg16", **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Simonyan and Zisserman (2014), arXiv:1409.1556",
)
@settings_of(_vgg, depths=(2, 2, 4, 4, 4))
def vgg19(**settings: Any) -> keras.Model:
    """VGG-19: 143.7M parameters with 1,000 classes (Simonyan and Zisserman, table 1, configuration E)."""
    return _vgg("vgg19", **settings)


def _relu_convolution(
    x: keras.KerasTensor, filters: int, kernel_size: int, *, norm: Norm = "none", name: str, **options: Any
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        use_bias=not has_shift(norm),
        kernel_initializer="he_normal",
        name=f"{name}_conv",
        **{"padding": "same", **options},
    )(x)
    return keras.layers.ReLU(name=f"{name}_relu")(normalization(x, norm, name=f"{name}_norm"))


def _overlapping_pool(x: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    return keras.layers.MaxPooling2D(3, strides=2, name=name)(x) if min(x.shape[1:3]) >= 3 else x


def _dense_top(x: keras.KerasTensor, width: int, dropout: float) -> keras.KerasTensor:
    """Flatten, then two dense layers with ReLU and dropout between them; the head adds the dropout after the second."""
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(width, activation="relu", kernel_initializer="he_normal", name="top1")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="top1_dropout")(x)
    return keras.layers.Dense(width, activation="relu", kernel_initializer="he_normal", name="top2")(x)
