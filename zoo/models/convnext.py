"""ConvNeXt and ConvNeXt V2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.layers import convnext
from zoo.layers.head import head
from zoo.layers.image_input import check_image, check_stages
from zoo.layers.norms import normalization
from zoo.layers.stochastic_depth import linear_rates
from zoo.layers.types import Count, DropRate, NotNegative
from zoo.registry import register
from zoo.utils.settings import settings_of


def _convnext(
    name: str,
    response_norm: bool = False,
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
    """ConvNeXt: stages of depthwise convolutions between dense layers, each half the size of the last.

    Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, 2022, arXiv:2201.03545.

    Args:
        name: name of the model.
        response_norm: the blocks have global response normalization.
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
    check_stages(depths, widths)
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
                response_norm=response_norm,
                drop=next(rates),
                name=f"stage{stage}_block{i}",
            )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = normalization(x, "layer", epsilon=convnext.EPSILON, name="last_norm")

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Liu, Mao, Wu, Feichtenhofer, Darrell and Xie (2022), arXiv:2201.03545",
)
@settings_of(_convnext)
def convnext_tiny(**settings: Any) -> keras.Model:
    """ConvNeXt-T: 28.6M parameters with 1,000 classes (Liu et al., table 9)."""
    return _convnext("convnext_tiny", **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Liu, Mao, Wu, Feichtenhofer, Darrell and Xie (2022), arXiv:2201.03545",
)
@settings_of(_convnext, depths=(3, 3, 27, 3), stochastic_depth=0.4)
def convnext_small(**settings: Any) -> keras.Model:
    """ConvNeXt-S: 50.2M parameters with 1,000 classes (Liu et al., table 9)."""
    return _convnext("convnext_small", **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Woo, Debnath, Hu, Chen, Liu, Kweon and Xie (2023), arXiv:2301.00808",
)
@settings_of(_convnext, layer_scale=0.0, stochastic_depth=0.2)
def convnext_v2_tiny(**settings: Any) -> keras.Model:
    """ConvNeXt V2-T: 28.6M parameters with 1,000 classes; with global response normalization (Woo et al., table 13)."""
    return _convnext("convnext_v2_tiny", True, **settings)
