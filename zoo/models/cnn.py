"""Convolutional networks for images: a plain one, and residual networks (ResNet).

Plain: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998; stages of
3x3 convolutions from Simonyan and Zisserman, 2014, arXiv:1409.1556; global average pooling from Lin, Chen and Yan,
2013, arXiv:1312.4400. ResNet: He, Zhang, Ren and Sun, 2015, arXiv:1512.03385, initialized as in He et al., 2015,
arXiv:1502.01852; parameter counts equal torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import keras

from zoo.layers.activations import Activation, kernel_initializer
from zoo.layers.head import head
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.residual import Shortcut, basic_block, bottleneck, convolution
from zoo.layers.types import Count, DropRate
from zoo.registry import register

Stem = Literal["small", "imagenet"]


@register(
    tasks=("image_classification",),
    input_shape=(32, 32, 3),
    outputs=10,
    paper="LeCun et al. (1998), doi:10.1109/5.726791; Simonyan and Zisserman (2014), arXiv:1409.1556",
)
def cnn(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (32, 64, 128),
    depth: Count = 2,
    kernel_size: Count = 3,
    activation: Activation = "relu",
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
    stage_dropout: DropRate = 0.0,
) -> keras.Model:
    """Plain convolutional network: stages of convolution, normalization and activation, each half the size of the last.

    Args:
        input_shape: `(height, width, channels)`, at least `2 ** (len(widths) - 1)` pixels high and wide.
        outputs: number of classes.
        widths: channels of each stage.
        depth: convolutions in each stage.
        kernel_size: height and width of the kernels.
        activation: activation after each normalization.
        norm: normalization after each convolution.
        dropout: share of features dropped before the head while training.
        stage_dropout: share of channels dropped between stages while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or is too small for the stages; or there is no stage or no convolution.
    """
    _check_image(input_shape, smallest=2 ** (len(widths) - 1) if widths else 1)
    if not widths or depth < 1:
        raise ValueError(f"needs at least one stage and one convolution. Received: widths={widths}, depth={depth}")

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    initializer = kernel_initializer(activation)
    for stage, width in enumerate(widths, start=1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
            if stage_dropout:
                x = keras.layers.SpatialDropout2D(stage_dropout, name=f"stage{stage}_dropout")(x)
        for i in range(1, depth + 1):
            name = f"stage{stage}_{i}"
            x = keras.layers.Conv2D(
                width,
                kernel_size,
                padding="same",
                use_bias=not has_shift(norm),
                kernel_initializer=initializer,
                name=f"{name}_conv",
            )(x)
            x = normalization(x, norm, name=f"{name}_norm")
            x = keras.layers.Activation(activation, name=f"{name}_{activation}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="cnn")


def _resnet(
    name: str,
    input_shape: Sequence[int],
    outputs: int,
    block: Callable[..., keras.KerasTensor],
    depths: Sequence[int],
    widths: Sequence[Count] = (64, 128, 256, 512),
    *,
    stem: Stem,
    norm: Norm,
    dropout: DropRate,
    shortcut: Shortcut = "projection",
) -> keras.Model:
    _check_image(input_shape)

    # === Layers ===
    inputs = keras.Input(input_shape)
    if stem == "imagenet":
        x = convolution(inputs, widths[0], 7, stride=2, norm=norm, name="stem")
        x = keras.layers.ReLU(name="stem_relu")(x)
        x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # zero is the least value after the ReLU
        x = keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
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


@register(tasks=("image_classification",), input_shape=(32, 32, 3), outputs=10, paper="arXiv:1512.03385")
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
        dropout: share of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    return _resnet(
        "resnet20",
        input_shape,
        outputs,
        basic_block,
        depths=(3, 3, 3),
        widths=(16, 32, 64),
        stem="small",
        norm=norm,
        dropout=dropout,
        shortcut=shortcut,
    )


@register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000, paper="arXiv:1512.03385")
def resnet18(
    *,
    input_shape: Sequence[int],
    outputs: int,
    stem: Stem = "imagenet",
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """ResNet-18: 11.7M parameters with 1,000 classes (He et al., table 1).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        stem: "imagenet" (7x7 and pooling, a quarter of the size) or "small" (3x3, full size; for 32-pixel images).
        norm: normalization after each convolution.
        dropout: share of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    return _resnet("resnet18", input_shape, outputs, basic_block, (2, 2, 2, 2), stem=stem, norm=norm, dropout=dropout)


@register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000, paper="arXiv:1512.03385")
def resnet34(
    *,
    input_shape: Sequence[int],
    outputs: int,
    stem: Stem = "imagenet",
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """ResNet-34: 21.8M parameters with 1,000 classes (He et al., table 1).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        stem: "imagenet" (7x7 and pooling, a quarter of the size) or "small" (3x3, full size; for 32-pixel images).
        norm: normalization after each convolution.
        dropout: share of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    return _resnet("resnet34", input_shape, outputs, basic_block, (3, 4, 6, 3), stem=stem, norm=norm, dropout=dropout)


@register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000, paper="arXiv:1512.03385")
def resnet50(
    *,
    input_shape: Sequence[int],
    outputs: int,
    stem: Stem = "imagenet",
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """ResNet-50, with the stride on the 3x3 convolutions: 25.6M parameters with 1,000 classes (He et al., table 1).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        stem: "imagenet" (7x7 and pooling, a quarter of the size) or "small" (3x3, full size; for 32-pixel images).
        norm: normalization after each convolution.
        dropout: share of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    return _resnet("resnet50", input_shape, outputs, bottleneck, (3, 4, 6, 3), stem=stem, norm=norm, dropout=dropout)


def _check_image(input_shape: Sequence[int], smallest: int = 1) -> None:
    if len(input_shape) != 3:
        raise ValueError(f"needs images, (height, width, channels). Received: input_shape={tuple(input_shape)}")
    if min(input_shape[:2]) < smallest:
        raise ValueError(f"needs images of {smallest}x{smallest} or more. Received: input_shape={tuple(input_shape)}")
