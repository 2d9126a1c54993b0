"""Residual networks: ResNet, ResNeXt and Wide ResNet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras

from zoo.layers.head import head
from zoo.layers.image_input import Stem, check_image
from zoo.layers.norms import Norm
from zoo.layers.preactivation import norm_relu, plain_convolution, wide_block
from zoo.layers.residual import Shortcut, basic_block, bottleneck, convolution, stem_pool
from zoo.layers.types import AtLeastTen, Count, DropRate
from zoo.registry import register
from zoo.utils.settings import settings_of


def _resnet(
    name: str,
    block: Callable[..., keras.KerasTensor],
    depths: Sequence[int],
    widths: Sequence[int] = (64, 128, 256, 512),
    shortcut: Shortcut = "projection",
    *,
    input_shape: Sequence[int],
    outputs: int,
    stem: Stem = "imagenet",
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Residual network: a stem, then stages of residual blocks, each half the size of the last.

    He, Zhang, Ren and Sun, 2015, arXiv:1512.03385, initialized as in He et al., 2015, arXiv:1502.01852. The parameter
    counts equal torchvision's.

    Args:
        name: name of the model.
        block: residual block.
        depths: blocks in each stage.
        widths: channels of each stage.
        shortcut: what a shortcut does where the shape changes.
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        stem: "imagenet" (7x7 and pooling, a quarter of the size) or "small" (3x3, full size; for 32-pixel images).
        norm: normalization after each convolution.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    check_image(input_shape)

    # === Layers ===
    inputs = keras.Input(input_shape)
    if stem == "imagenet":
        x = convolution(inputs, widths[0], 7, stride=2, norm=norm, name="stem")
        x = keras.layers.ReLU(name="stem_relu")(x)
        x = stem_pool(x)
    else:
        x = convolution(inputs, widths[0], 3, norm=norm, name="stem")
        x = keras.layers.ReLU(name="stem_relu")(x)
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        for i in range(1, depth + 1):
            stride = 2 if stage > 1 and i == 1 else 1
            x = block(x, width, stride=stride, norm=norm, shortcut=shortcut, name=f"stage{stage}_block{i}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(32, 32, 3),
    outputs=10,
    family="cnn",
    paper="arXiv:1512.03385",
)
def resnet20(
    *,
    input_shape: Sequence[int],
    outputs: int,
    norm: Norm = "batch",
    shortcut: Shortcut = "identity",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """ResNet-20 for small images: 0.27M parameters (He et al., section 4.2).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        norm: normalization after each convolution.
        shortcut: "identity" (the paper's option A, without parameters) or "projection" (option B).
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    return _resnet(
        "resnet20",
        basic_block,
        (3, 3, 3),
        (16, 32, 64),
        shortcut,
        input_shape=input_shape,
        outputs=outputs,
        stem="small",
        norm=norm,
        dropout=dropout,
    )


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="arXiv:1512.03385",
)
@settings_of(_resnet)
def resnet18(**settings: Any) -> keras.Model:
    """ResNet-18: 11.7M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet18", basic_block, (2, 2, 2, 2), **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="arXiv:1512.03385",
)
@settings_of(_resnet)
def resnet34(**settings: Any) -> keras.Model:
    """ResNet-34: 21.8M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet34", basic_block, (3, 4, 6, 3), **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="arXiv:1512.03385",
)
@settings_of(_resnet)
def resnet50(**settings: Any) -> keras.Model:
    """ResNet-50, with the stride on the 3x3 convolutions: 25.6M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet50", bottleneck, (3, 4, 6, 3), **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="arXiv:1512.03385",
)
@settings_of(_resnet)
def resnet101(**settings: Any) -> keras.Model:
    """ResNet-101, with the stride on the 3x3 convolutions: 44.5M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet101", bottleneck, (3, 4, 23, 3), **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="arXiv:1512.03385",
)
@settings_of(_resnet)
def resnet152(**settings: Any) -> keras.Model:
    """ResNet-152, with the stride on the 3x3 convolutions: 60.2M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet152", bottleneck, (3, 8, 36, 3), **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Xie, Girshick, Dollár, Tu and He (2016), arXiv:1611.05431",
)
@settings_of(_resnet)
def resnext50(**settings: Any) -> keras.Model:
    """ResNeXt-50 (32x4d): 25.0M parameters with 1,000 classes (Xie et al., table 1)."""
    return _resnet("resnext50", partial(bottleneck, groups=32, group_width=4), (3, 4, 6, 3), **settings)


@register(
    tasks=("image_classification",),
    input_shape=(32, 32, 3),
    outputs=10,
    family="cnn",
    paper="Zagoruyko and Komodakis (2016), arXiv:1605.07146",
)
def wide_resnet(
    *,
    input_shape: Sequence[int],
    outputs: int,
    depth: AtLeastTen = 28,
    width: Count = 10,
    block_dropout: DropRate = 0.0,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Wide residual network for small images: 36.5M parameters as WRN-28-10 (Zagoruyko and Komodakis, table 4).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        depth: number of convolutions in a row, 6 n + 4 for n blocks in each of the three stages.
        width: multiplier of the channels, which are 16, 32 and 64 in the three stages.
        block_dropout: fraction of values dropped inside every block while training; 0.3 in the paper.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or the depth is not 6 n + 4.
    """
    check_image(input_shape)
    if depth % 6 != 4:
        raise ValueError(f"needs a depth of 6 n + 4, such as 10, 16, 22, 28 or 40. Received: depth={depth}")

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = plain_convolution(inputs, 16, 3, name="stem")
    for stage, filters in enumerate((16 * width, 32 * width, 64 * width), start=1):
        for i in range(1, depth // 6 + 1):
            stride = 2 if stage > 1 and i == 1 else 1
            x = wide_block(x, filters, stride=stride, dropout=block_dropout, name=f"stage{stage}_block{i}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(norm_relu(x, name="last"))

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="wide_resnet")
