"""Networks with an output for each pixel or cell of an image, of their own or around any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from zoo import registry
from zoo.layers import detection
from zoo.layers.encoder import ENCODER
from zoo.layers.encoder_maps import dilate, encoder_maps
from zoo.layers.head import head
from zoo.layers.image_input import check_divisible, check_image
from zoo.layers.norms import Norm
from zoo.layers.pyramid import conv_relu, enlarge, feature_pyramid, spatial_pyramid
from zoo.layers.residual import basic_block, convolution, stem_pool
from zoo.layers.types import AtLeastTwo, Count, Counts, DropRate
from zoo.layers.unet import Upsample, double_convolution, double_size
from zoo.registry import register

LOW_STRIDE = 4  # of the encoder's map that DeepLabV3+ takes edges from


@register(
    tasks=("semantic_segmentation",), input_shape=(256, 256, 1), outputs=2, family="cnn", paper="arXiv:1505.04597"
)
def unet(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (64, 128, 256, 512, 1024),
    norm: Norm = "batch",
    upsample: Upsample = "transpose",
    dropout: DropRate = 0.0,
    encoder: str | None = None,
    encoder_config: dict[str, Any] | None = None,
) -> keras.Model:
    """U-Net: 31.0M parameters (Ronneberger et al., 2015), padded so that the output has the size of the image.

    Args:
        input_shape: `(height, width, channels)`, sides that are multiples of `2 ** (len(widths) - 1)`, or of what the
            encoder divides them by.
        outputs: number of classes of a pixel.
        widths: channels of each stage, each half the size of the one before; around an encoder, of the way up alone.
        norm: normalization after each convolution; "none" in the paper.
        upsample: "transpose" (transposed convolutions, as in the paper) or "bilinear" (interpolation).
        dropout: fraction of the smallest stage's features dropped while training.
        encoder: name of a builder for image classification that takes the place of the way down.
        encoder_config: settings of that builder.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, height, width, outputs)`.

    Raises:
        ValueError: the input is no image, or cannot be halved evenly; or there is no stage.
    """
    if not widths:
        raise ValueError("needs at least one stage. Received: widths=()")

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    if encoder is None:
        check_divisible(input_shape, 2 ** (len(widths) - 1))
        skips, ways_up = {}, widths[:-1]
        for stage, width in enumerate(widths, start=1):
            if stage > 1:
                x = keras.layers.MaxPooling2D(2, name=f"down{stage}_pool")(x)
            x = double_convolution(x, width, norm=norm, name=f"down{stage}")
            skips[2 ** (stage - 1)] = x
    else:
        skips, ways_up = encode(inputs, encoder, encoder_config), widths
        x = skips[max(skips)]
        if max(skips) != 2 ** len(widths):
            raise ValueError(
                f"encoder '{encoder}' divides the size by {max(skips)}, which the widths double back "
                f"{len(widths)} times. Received: widths={tuple(widths)}"
            )
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    for stage, width in reversed(list(enumerate(ways_up, start=1))):
        x = double_size(x, width, upsample, name=f"up{stage}")
        if 2 ** (stage - 1) in skips:
            x = keras.layers.Concatenate(name=f"up{stage}_concat")([skips[2 ** (stage - 1)], x])
        x = double_convolution(x, width, norm=norm, name=f"up{stage}")

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="unet")


@register(tasks=("object_detection",), input_shape=(512, 512, 3), outputs=80, family="cnn", paper="arXiv:1904.07850")
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
    encoder: str | None = None,
    encoder_config: dict[str, Any] | None = None,
) -> keras.Model:
    """CenterNet: objects as points on the maps of a ResNet-18 with an upsampling path (Zhou et al., 2019).

    The downsampling path is a ResNet, or any encoder. The upsampling path adds the stage of equal size at each step, up
    to a quarter of the image's size.

    Args:
        input_shape: `(height, width, channels)`, sides that are multiples of `4 * 2 ** (len(widths) - 1)`.
        outputs: number of classes.
        widths: channels of each stage: the first at a quarter of the image's size, each half the size of the last.
        depth: residual blocks in each stage; has no effect around an encoder.
        head_width: channels of the features.
        norm: normalization after each convolution.
        upsample: "transpose" (transposed convolutions, as in the paper) or "bilinear" (interpolation).
        dropout: fraction of features dropped before the head while training.
        encoder: name of a builder for image classification that takes the place of the ResNet.
        encoder_config: settings of that builder.

    Returns:
        A model from `(batch, height, width, channels)` to the maps `(batch, height / 4, width / 4, outputs + 4)`: for
        each cell the logits of the classes, the centre's offset (y, x), the height and the width, in cells.

    Raises:
        ValueError: the input is no image, or cannot be halved evenly; or there is no stage.
    """
    if not widths:
        raise ValueError("needs at least one stage. Received: widths=()")
    strides = [4 * 2**i for i in range(len(widths))]

    # === Layers ===
    inputs = keras.Input(input_shape)
    stages = []
    if encoder is None:
        check_divisible(input_shape, strides[-1])
        x = convolution(inputs, widths[0], 7, stride=2, norm=norm, name="stem")
        x = keras.layers.ReLU(name="stem_relu")(x)
        x = stem_pool(x)
        for stage, width in enumerate(widths, start=1):
            for i in range(1, depth + 1):
                stride = 2 if stage > 1 and i == 1 else 1
                x = basic_block(x, width, stride=stride, norm=norm, name=f"stage{stage}_block{i}")
            stages.append(x)
    else:
        maps = encode(inputs, encoder, encoder_config)
        if [stride for stride in maps if stride >= strides[0]] != strides:
            raise ValueError(
                f"needs a width for each map of the encoder from a quarter of the image's size on; '{encoder}' divides "
                f"it by {list(maps)}. Received: widths={tuple(widths)}"
            )
        for stage, (stride, width) in enumerate(zip(strides, widths, strict=True), start=1):
            stages.append(conv_relu(maps[stride], width, 1, norm=norm, name=f"lateral{stage}"))
        x = stages[-1]
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


@register(
    tasks=("semantic_segmentation",),
    input_shape=(256, 256, 3),
    outputs=21,
    family="cnn",
    paper="arXiv:1612.03144; Kirillov, Girshick, He and Dollár (2019), arXiv:1901.02446",
)
def fpn(
    *,
    input_shape: Sequence[int],
    outputs: int,
    encoder: str = "resnet50",
    encoder_config: dict[str, Any] | None = None,
    levels: AtLeastTwo = 4,
    width: Count = 256,
    head_width: Count = 128,
    norm: Norm = "group",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Feature pyramid network with a head for semantic segmentation (Lin et al., 2016; Kirillov et al., 2019).

    The maps of all levels are enlarged to that of the first, 3x3 convolution by convolution, and added. The features
    are enlarged to the image before the head, which gives the same as enlarging the logits.

    Args:
        input_shape: `(height, width, channels)`, sides that are multiples of what the encoder divides them by.
        outputs: number of classes of a pixel.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        levels: maps of the encoder that are taken, the deepest first.
        width: channels of the pyramid.
        head_width: channels of the features.
        norm: normalization in the head.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, height, width, outputs)`.

    Raises:
        ValueError: the input is no image or cannot be halved evenly, or the encoder has fewer maps.
    """
    # === Layers ===
    inputs = keras.Input(input_shape)
    maps = encode(inputs, encoder, encoder_config)
    if len(maps) < levels:
        raise ValueError(f"encoder '{encoder}' has {len(maps)} maps. Received: levels={levels}")
    pyramid = feature_pyramid(dict(list(maps.items())[-levels:]), width)
    first = min(pyramid)
    branches = []
    for level, (stride, x) in enumerate(pyramid.items(), start=1):
        steps = max(1, (stride // first).bit_length() - 1)
        for i in range(1, steps + 1):
            x = conv_relu(x, head_width, 3, norm=norm, name=f"level{level}_{i}")
            x = enlarge(x, 1 if stride == first else 2, name=f"level{level}_{i}_enlarge")
        branches.append(x)
    x = enlarge(keras.layers.Add(name="levels_add")(branches), first, name="enlarge")

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="fpn")


@register(
    tasks=("semantic_segmentation",),
    input_shape=(256, 256, 3),
    outputs=21,
    family="cnn",
    paper="Chen, Zhu, Papandreou, Schroff and Adam (2018), arXiv:1802.02611",
)
def deeplab_v3_plus(
    *,
    input_shape: Sequence[int],
    outputs: int,
    encoder: str = "resnet50",
    encoder_config: dict[str, Any] | None = None,
    output_stride: Literal[8, 16, 32] = 16,
    rates: Counts = (6, 12, 18),
    width: Count = 256,
    low_width: Count = 48,
    norm: Norm = "batch",
    dropout: DropRate = 0.5,
) -> keras.Model:
    """DeepLabV3+: pyramid pooling by dilated kernels, and a decoder that takes edges from a map of a quarter's size.

    Chen et al., 2018, arXiv:1802.02611; convolutions are plain, as in torchvision's DeepLabV3. The features are
    enlarged to the image before the head, which gives the same as enlarging the logits.

    Args:
        input_shape: `(height, width, channels)`, sides that are multiples of what the encoder divides them by.
        outputs: number of classes of a pixel.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        output_stride: by what the deepest map divides the size: beyond it, the encoder's convolutions are dilated in
            place of their strides, which keeps its weights.
        rates: dilations of the pyramid pooling; the paper doubles them for a stride of 8.
        width: channels of pyramid pooling and decoder.
        low_width: channels that the decoder takes of the map of a quarter's size.
        norm: normalization after each convolution.
        dropout: fraction of the pyramid pooling's features dropped while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, height, width, outputs)`.

    Raises:
        ValueError: the input is no image or cannot be halved evenly, or the encoder cannot be dilated or has no map
            of a quarter's size.
    """
    # === Layers ===
    inputs = keras.Input(input_shape)
    maps = encode(inputs, encoder, encoder_config, output_stride)
    deepest = max(maps)
    if LOW_STRIDE not in maps or deepest <= LOW_STRIDE:
        raise ValueError(
            f"needs a map of a quarter of the image's size and a smaller one; encoder '{encoder}' divides it by "
            f"{list(maps)}"
        )
    x = spatial_pyramid(maps[deepest], width, rates, norm=norm)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = enlarge(x, deepest // LOW_STRIDE, name="deep_enlarge")
    low = conv_relu(maps[LOW_STRIDE], low_width, 1, norm=norm, name="low")
    x = keras.layers.Concatenate(name="decoder_concat")([low, x])
    for i in (1, 2):
        x = conv_relu(x, width, 3, norm=norm, name=f"decoder{i}")

    # === Functional model ===
    return keras.Model(inputs, head(enlarge(x, LOW_STRIDE, name="enlarge"), outputs), name="deeplab_v3_plus")


def encode(
    inputs: keras.KerasTensor, name: str, config: dict[str, Any] | None, output_stride: int | None = None
) -> dict[int, keras.KerasTensor]:
    """Return the maps of an encoder, by stride. It is the submodel "encoder", with the layer names of its builder.

    Args:
        inputs: images, `(batch, height, width, channels)`.
        name: of a builder for image classification.
        config: its settings.
        output_stride: the largest stride, where the builder's is larger.

    Raises:
        ValueError: there is no such builder, it has no maps, or cannot be dilated.
    """
    shape = inputs.shape[1:]
    check_image(shape)
    model = registry.build_encoder(name, shape, config)
    maps = encoder_maps(model)
    if output_stride is not None and max(maps) > output_stride:
        model = dilate(model, output_stride)
        maps = encoder_maps(model)
    outputs = keras.Model(model.input, list(maps.values()), name=ENCODER)(inputs)
    return dict(zip(maps, keras.tree.flatten(outputs), strict=True))
