"""Convolutional networks: image classifiers, networks with an output for each pixel or cell, and one for sequences.

`zoo.pretrained.applications` loads ImageNet weights into some of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from zoo.layers import convnext, dense_block, detection
from zoo.layers.activations import Activation, kernel_initializer
from zoo.layers.embedding import sequence_input
from zoo.layers.head import head
from zoo.layers.image_input import Stem, check_image
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.preactivation import norm_relu, plain_convolution, wide_block
from zoo.layers.recurrent import Pool, ZeroPaddedSteps, pool_steps
from zoo.layers.residual import Shortcut, basic_block, bottleneck, convolution
from zoo.layers.stochastic_depth import linear_rates
from zoo.layers.temporal import StepNorm, temporal_block
from zoo.layers.types import AtLeastTen, AtLeastTwo, Count, DropRate, FiveCounts, NotNegative, Proportion
from zoo.layers.unet import Upsample, double_convolution, double_size
from zoo.registry import register
from zoo.utils.settings import settings_of


@register(
    tasks=("image_classification", "audio_classification"),
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

    Global average pooling from Lin, Chen and Yan, 2013, arXiv:1312.4400.

    Args:
        input_shape: `(height, width, channels)`, at least `2 ** (len(widths) - 1)` pixels high and wide.
        outputs: number of classes.
        widths: channels of each stage.
        depth: convolutions in each stage.
        kernel_size: height and width of the kernels.
        activation: activation after each normalization.
        norm: normalization after each convolution.
        dropout: fraction of features dropped before the head while training.
        stage_dropout: fraction of channels dropped between stages while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or is too small for the stages; or there is no stage or no convolution.
    """
    check_image(input_shape, smallest=2 ** (len(widths) - 1) if widths else 1)
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
        x = _stem_pool(x)
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
    paper="arXiv:1512.03385",
)
@settings_of(_resnet)
def resnet34(**settings: Any) -> keras.Model:
    """ResNet-34: 21.8M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet34", basic_block, (3, 4, 6, 3), **settings)


@register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000, paper="arXiv:1512.03385")
@settings_of(_resnet)
def resnet50(**settings: Any) -> keras.Model:
    """ResNet-50, with the stride on the 3x3 convolutions: 25.6M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet50", bottleneck, (3, 4, 6, 3), **settings)


@register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000, paper="arXiv:1512.03385")
@settings_of(_resnet)
def resnet101(**settings: Any) -> keras.Model:
    """ResNet-101, with the stride on the 3x3 convolutions: 44.5M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet101", bottleneck, (3, 4, 23, 3), **settings)


@register(tasks=("image_classification",), input_shape=(224, 224, 3), outputs=1000, paper="arXiv:1512.03385")
@settings_of(_resnet)
def resnet152(**settings: Any) -> keras.Model:
    """ResNet-152, with the stride on the 3x3 convolutions: 60.2M parameters with 1,000 classes (He et al., table 1)."""
    return _resnet("resnet152", bottleneck, (3, 8, 36, 3), **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
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


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="Simonyan and Zisserman (2014), arXiv:1409.1556",
)
def vgg16(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (64, 128, 256, 512, 512),
    depths: Sequence[Count] = (2, 2, 3, 3, 3),
    norm: Literal["none", "batch"] = "none",
    top_width: Count = 4096,
    dropout: DropRate = 0.5,
) -> keras.Model:
    """VGG-16: 138.4M parameters with 1,000 classes (Simonyan and Zisserman, table 1, configuration D).

    Initialized as in He et al., arXiv:1502.01852. Every pooling rounds up, so that small images work too; fewer stages
    and a narrower top suit them better.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        widths: channels of each stage.
        depths: convolutions in each stage.
        norm: normalization after each convolution; "none" in the paper.
        top_width: units of the two dense layers.
        dropout: fraction of units dropped after each of the dense layers while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image; or depths and widths differ in length.
    """
    check_image(input_shape)
    _check_stages(depths, widths)

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        for i in range(1, depth + 1):
            x = _relu_convolution(x, width, 3, norm=norm, name=f"stage{stage}_{i}")
        x = keras.layers.MaxPooling2D(2, padding="same", name=f"stage{stage}_pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(_dense_top(x, top_width, dropout), outputs, dropout=dropout), name="vgg16")


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


@register(
    tasks=("image_classification",),
    input_shape=(32, 32, 3),
    outputs=10,
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


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="Huang, Liu, van der Maaten and Weinberger (2016), arXiv:1608.06993",
)
def densenet_bc(
    *,
    input_shape: Sequence[int],
    outputs: int,
    blocks: Sequence[Count] = (6, 12, 24, 16),
    growth: Count = 32,
    compression: Proportion = 0.5,
    stem: Stem = "imagenet",
    block_dropout: DropRate = 0.0,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """DenseNet with bottlenecks and compression: DenseNet-121 has 8.0M parameters with 1,000 classes (table 1).

    For small images the paper uses three equal blocks and growth 12: `blocks=(16, 16, 16)` is DenseNet-BC of depth 100,
    with 0.8M parameters (table 2), and `blocks=(6, 6, 6)` has depth 40.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        blocks: layers in each dense block, of two convolutions each.
        growth: channels that each layer adds.
        compression: fraction of the channels that remains after the transition between two blocks.
        stem: "imagenet" (7x7 and pooling, a quarter of the size) or "small" (3x3, full size; for 32-pixel images).
        block_dropout: fraction of each layer's values dropped while training; 0.2 in the paper without augmentation.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or is too small for the blocks; or there is no block.
    """
    if not blocks:
        raise ValueError("needs at least one block. Received: blocks=()")
    halvings = 2 ** (len(blocks) - 1)
    check_image(input_shape, smallest=halvings if stem == "small" else 4 * halvings - 3)

    # === Layers ===
    inputs = keras.Input(input_shape)
    if stem == "imagenet":
        x = plain_convolution(inputs, 2 * growth, 7, stride=2, name="stem")
        x = norm_relu(x, epsilon=dense_block.EPSILON, name="stem")
        x = _stem_pool(x)
    else:
        x = plain_convolution(inputs, 2 * growth, 3, name="stem")
    for i, depth in enumerate(blocks, start=1):
        if i > 1:
            x = dense_block.transition(x, max(1, int(x.shape[-1] * compression)), name=f"transition{i}")
        x = dense_block.dense_block(x, depth, growth, dropout=block_dropout, name=f"block{i}")
    x = norm_relu(x, epsilon=dense_block.EPSILON, name="last")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="densenet_bc")


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="Liu, Mao, Wu, Feichtenhofer, Darrell and Xie (2022), arXiv:2201.03545",
)
def convnext_tiny(
    *,
    input_shape: Sequence[int],
    outputs: int,
    depths: Sequence[Count] = (3, 3, 9, 3),
    widths: Sequence[Count] = (96, 192, 384, 768),
    patch: Count = 4,
    kernel_size: Count = 7,
    layer_scale: NotNegative = 1e-6,
    stochastic_depth: DropRate = 0.1,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """ConvNeXt-T: 28.6M parameters with 1,000 classes (Liu et al., table 9).

    Args:
        input_shape: `(height, width, channels)`, at least `patch * 2 ** (len(depths) - 1)` pixels high and wide.
        outputs: number of classes.
        depths: blocks in each stage.
        widths: channels of each stage.
        patch: height and width of the patches that the stem cuts; 1 or 2 for 32-pixel images.
        kernel_size: height and width of the depthwise kernels.
        layer_scale: initial scale of every branch; 0 means no scales.
        stochastic_depth: rate at which the last block is dropped while training; it grows from 0 at the first.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or is too small for the stages; or depths and widths differ in length.
    """
    _check_stages(depths, widths)
    check_image(input_shape, smallest=patch * 2 ** (len(depths) - 1))
    rates = iter(linear_rates(sum(depths), stochastic_depth))

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = convnext.patches(inputs, widths[0], patch, name="stem")
    x = normalization(x, "layer", epsilon=convnext.EPSILON, name="stem_norm")
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        if stage > 1:
            x = normalization(x, "layer", epsilon=convnext.EPSILON, name=f"stage{stage}_norm")
            x = convnext.patches(x, width, 2, name=f"stage{stage}")
        for i in range(1, depth + 1):
            x = convnext.convnext_block(
                x,
                kernel_size=kernel_size,
                layer_scale=layer_scale,
                drop=next(rates),
                name=f"stage{stage}_block{i}",
            )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = normalization(x, "layer", epsilon=convnext.EPSILON, name="last_norm")

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="convnext_tiny")


def _check_stages(depths: Sequence[int], widths: Sequence[int]) -> None:
    if not depths or len(depths) != len(widths):
        raise ValueError(f"needs a depth and a width for each stage. Received: depths={depths}, widths={widths}")


def _stem_pool(x: keras.KerasTensor) -> keras.KerasTensor:
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # zero is the minimum after the ReLU
    return keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)


@register(tasks=("semantic_segmentation",), input_shape=(256, 256, 1), outputs=2, paper="arXiv:1505.04597")
def unet(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (64, 128, 256, 512, 1024),
    norm: Norm = "batch",
    upsample: Upsample = "transpose",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """U-Net: 31.0M parameters (Ronneberger et al., 2015), padded so that the output has the size of the image.

    Args:
        input_shape: `(height, width, channels)`, sides that are multiples of `2 ** (len(widths) - 1)`.
        outputs: number of classes of a pixel.
        widths: channels of each stage, each half the size of the one before.
        norm: normalization after each convolution; "none" in the paper.
        upsample: "transpose" (transposed convolutions, as in the paper) or "bilinear" (interpolation).
        dropout: fraction of the smallest stage's features dropped while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, height, width, outputs)`.

    Raises:
        ValueError: the input is no image, or cannot be halved evenly; or there is no stage.
    """
    if not widths:
        raise ValueError("needs at least one stage. Received: widths=()")
    _check_divisible(input_shape, 2 ** (len(widths) - 1))

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    skips = []
    for stage, width in enumerate(widths, start=1):
        if stage > 1:
            skips.append(x)
            x = keras.layers.MaxPooling2D(2, name=f"down{stage}_pool")(x)
        x = double_convolution(x, width, norm=norm, name=f"down{stage}")
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    for stage, width in reversed(list(enumerate(widths[:-1], start=1))):
        x = double_size(x, width, upsample, name=f"up{stage}")
        x = keras.layers.Concatenate(name=f"up{stage}_concat")([skips.pop(), x])
        x = double_convolution(x, width, norm=norm, name=f"up{stage}")

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="unet")


@register(tasks=("object_detection",), input_shape=(512, 512, 3), outputs=80, paper="arXiv:1904.07850")
def center_net(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (64, 128, 256, 512),
    depth: Count = 2,
    head_width: Count = 64,
    norm: Norm = "batch",
    upsample: Upsample = "transpose",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """CenterNet: objects as points on the maps of a ResNet-18 with an upsampling path (Zhou et al., 2019).

    The downsampling path is a ResNet. The upsampling path adds the stage of equal size at each step, up to a quarter of
    the image's size.

    Args:
        input_shape: `(height, width, channels)`, sides that are multiples of `4 * 2 ** (len(widths) - 1)`.
        outputs: number of classes.
        widths: channels of each stage: the first at a quarter of the image's size, each half the size of the last.
        depth: residual blocks in each stage.
        head_width: channels of the features.
        norm: normalization after each convolution.
        upsample: "transpose" (transposed convolutions, as in the paper) or "bilinear" (interpolation).
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to the maps `(batch, height / 4, width / 4, outputs + 4)`: for
        each cell the logits of the classes, the centre's offset (y, x), the height and the width, in cells.

    Raises:
        ValueError: the input is no image, or cannot be halved evenly; or there is no stage.
    """
    if not widths:
        raise ValueError("needs at least one stage. Received: widths=()")
    _check_divisible(input_shape, 4 * 2 ** (len(widths) - 1))

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = convolution(inputs, widths[0], 7, stride=2, norm=norm, name="stem")
    x = keras.layers.ReLU(name="stem_relu")(x)
    x = _stem_pool(x)
    stages = []
    for stage, width in enumerate(widths, start=1):
        for i in range(1, depth + 1):
            stride = 2 if stage > 1 and i == 1 else 1
            x = basic_block(x, width, stride=stride, norm=norm, name=f"stage{stage}_block{i}")
        stages.append(x)
    for stage, width in reversed(list(enumerate(widths[:-1], start=1))):
        x = double_size(x, width, upsample, name=f"up{stage}")
        x = keras.layers.Add(name=f"up{stage}_add")([stages[stage - 1], x])
        x = convolution(x, width, 3, norm=norm, name=f"up{stage}_merge")
        x = keras.layers.ReLU(name=f"up{stage}_relu")(x)
    x = convolution(x, head_width, 3, norm=norm, name="maps")
    x = keras.layers.ReLU(name="maps_relu")(x)

    # === Functional model ===
    maps = head(x, outputs + detection.BOX, dropout=dropout, bias_initializer=detection.MapBias())
    return keras.Model(inputs, maps, name="center_net")


def _check_divisible(input_shape: Sequence[int], by: int) -> None:
    check_image(input_shape)
    if any(size % by for size in input_shape[:2]):
        raise ValueError(f"needs images whose sides are multiples of {by}. Received: input_shape={tuple(input_shape)}")


@register(
    tasks=(
        "sequence_classification",
        "sequence_regression",
        "sequence_labeling",
        "language_modeling",
        "forecasting",
        "image_classification",
    ),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="arXiv:1803.01271",
)
def tcn(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    width: Count = 64,
    depth: Count | None = None,
    kernel_size: AtLeastTwo = 3,
    norm: StepNorm = "layer",
    dropout: DropRate = 0.0,
    embedding: Count = 64,
    pool: Pool = "last",
) -> keras.Model:
    """Temporal convolutional network: residual blocks of causal convolutions; each block doubles the dilation.

    The receptive field is `1 + 2 * (kernel_size - 1) * (2 ** depth - 1)` steps. The paper uses weight
    normalization (Salimans and Kingma, 2016); here `norm` normalizes the features of each step.

    Args:
        input_shape: `(steps,)` for tokens, `(steps, features)`, or `(height, width, channels)`, read row by row; the
            number of steps may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids, where the input is tokens; id 0 is padding, on the right.
        every_step: give one output for each step.
        width: channels.
        depth: blocks; their dilations are 1, 2, 4 and so on. None: as many as it takes to see all steps, at least 4.
        kernel_size: steps that a kernel spans.
        norm: normalization after each convolution.
        dropout: fraction of channels dropped in the blocks, and of features before the head, while training.
        embedding: length of the vectors that tokens are mapped to.
        pool: features of the "last" step, or their "mean" or "max" over the steps.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.

    Raises:
        ValueError: the shape does not fit the kind of input.
    """
    # === Layers ===
    inputs, x, valid = sequence_input(input_shape, vocabulary, embedding)
    for i in range(depth or _depth_to_see(x.shape[1], kernel_size)):
        x = temporal_block(
            x, width, kernel_size=kernel_size, dilation=2**i, norm=norm, dropout=dropout, name=f"block{i + 1}"
        )
    if valid is not None:
        x = ZeroPaddedSteps(name="zero_padding")(x, valid)
    if not every_step:
        x = pool_steps(x, pool, valid=valid)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="tcn")


def _depth_to_see(steps: int | None, kernel_size: int) -> int:
    """Return how many blocks of a `tcn` see so many steps, at least 4."""
    depth = 4
    while steps is not None and 1 + 2 * (kernel_size - 1) * (2**depth - 1) < steps:
        depth += 1
    return depth
