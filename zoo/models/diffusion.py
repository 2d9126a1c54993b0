"""Denoisers of diffusion models: a U-Net and a transformer. `zoo.layers.diffusion_sampler` makes images with them.

Inputs: `image`, `time` (0: no noise, 1: only noise) and, if conditional, `label` (`outputs`: no class), in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from zoo.layers.attention import Attention
from zoo.layers.norms import EPSILON
from zoo.layers.patches import embed_patches
from zoo.layers.positions import add_positions
from zoo.layers.residual import convolution
from zoo.layers.time_embedding import embed_label, embed_time
from zoo.layers.transformer import EPSILON as BLOCK_EPSILON
from zoo.layers.transformer import hidden_width, mlp_branch
from zoo.layers.types import Count, DropRate, Factor
from zoo.registry import register
from zoo.utils.settings import settings_of

TIME_WAVES = 256  # sines and cosines of the time in the diffusion transformer, as in its authors' code


@dataclass(frozen=True)
class _Blocks:
    """Settings that all residual blocks of a U-Net have in common.

    Attributes:
        condition: embedding of time and class, `(batch, features)`.
        groups: upper bound for the groups of each group norm.
        dropout: fraction of values dropped in each block while training.
        heads: attention heads.
    """

    condition: keras.KerasTensor
    groups: int
    dropout: float
    heads: int


def _unet(
    name: str,
    classes: int | None,
    *,
    input_shape: Sequence[int],
    widths: Sequence[Count] = (128, 256, 256, 256),
    depth: Count = 2,
    attention: Sequence[Count] = (2,),
    heads: Count = 1,
    groups: Count = 32,
    dropout: DropRate = 0.1,
) -> keras.Model:
    """U-Net with time embedding and self-attention (Ho, Jain and Abbeel, 2020, arXiv:2006.11239, appendix B).

    It predicts noise, image or a mixture of both, as `zoo.layers.diffusion.Process` says.

    Args:
        name: name of the model.
        classes: number of classes of a conditional model; None for a model without classes.
        input_shape: `(height, width, channels)`, at least `2 ** (len(widths) - 1)` pixels high and wide.
        widths: channels of each level, each half the size of the one before, odd sizes rounded up; the first is even.
        depth: residual blocks of each level on the way down; there is one more on the way up.
        attention: levels, counted from 1, with self-attention after each block; the smallest maps always have it once.
        heads: attention heads, which split the channels among them.
        groups: groups of each group norm, or the next smaller number that divides the channels.
        dropout: fraction of values dropped in each block while training.

    Returns:
        A model from images `(batch, height, width, channels)`, times `(batch,)` and, with classes, labels `(batch,)` to
        `(batch, height, width, channels)`.

    Raises:
        ValueError: the input is no image or too small for the levels, or there is no such level.
    """
    # === Layers ===
    image, time = _inputs(input_shape)
    _check_levels(input_shape, widths, attention)
    inputs, condition = _condition(time, classes, widths[0], 4 * widths[0])
    blocks = _Blocks(condition, groups, dropout, heads)
    x = convolution(image, widths[0], 3, norm="none", name="stem")
    skips = [x]
    for level, width in enumerate(widths, start=1):
        if level > 1:
            x = convolution(x, widths[level - 2], 3, stride=2, norm="none", name=f"down{level}")
            skips.append(x)
        for i in range(1, depth + 1):
            x = _block(x, width, blocks, attend=level in attention, name=f"down{level}_{i}")
            skips.append(x)
    x = _block(x, widths[-1], blocks, attend=True, name="middle1")
    x = _block(x, widths[-1], blocks, attend=False, name="middle2")
    for level, width in reversed(list(enumerate(widths, start=1))):
        if x.shape[1:3] != skips[-1].shape[1:3]:
            x = _enlarge(x, skips[-1].shape[1:3], name=f"up{level}")
        for i in range(1, depth + 2):
            x = keras.layers.Concatenate(name=f"up{level}_{i}_concat")([x, skips.pop()])
            x = _block(x, width, blocks, attend=level in attention, name=f"up{level}_{i}")
    x = _norm_silu(x, groups, name="final")
    x = keras.layers.Conv2D(
        input_shape[2],
        3,
        padding="same",
        kernel_initializer="zeros",
        dtype=keras.config.floatx(),  # not that of mixed precision
        name="prediction",
    )(x)

    # === Functional model ===
    return keras.Model([image, time, *inputs], x, name=name)


@register(tasks=("image_generation",), input_shape=(32, 32, 3), paper="arXiv:2006.11239")
@settings_of(_unet)
def ddpm(**settings: Any) -> keras.Model:
    """U-Net with time embedding and self-attention: 35.7M parameters (Ho et al., 2020, appendix B, for CIFAR-10)."""
    return _unet("ddpm", None, **settings)


@register(tasks=("image_generation",), input_shape=(32, 32, 3), outputs=10, paper="arXiv:2006.11239; arXiv:2207.12598")
@settings_of(_unet)
def conditional_ddpm(*, outputs: int, **settings: Any) -> keras.Model:
    """Class-conditional U-Net for classifier-free guidance: 35.8M parameters (Ho and Salimans, 2022).

    Args:
        outputs: number of classes; the label `outputs` stands for no class.
        **settings: the arguments of `_unet`.
    """
    return _unet("conditional_ddpm", outputs, **settings)


@register(tasks=("image_generation",), input_shape=(32, 32, 3), outputs=10, paper="arXiv:2212.09748")
def dit_tiny(
    *,
    input_shape: Sequence[int],
    outputs: int,
    conditional: bool = True,
    patch: Count = 4,
    width: Count = 192,
    depth: Count = 12,
    heads: Count = 3,
    mlp_ratio: Factor = 4.0,
) -> keras.Model:
    """Diffusion transformer DiT-Ti/4: blocks with adaLN-Zero in the width of ViT-Ti, 8.2M parameters (Peebles and Xie).

    Args:
        input_shape: `(height, width, channels)`, multiples of `patch`.
        outputs: number of classes, where the model is conditional; the label `outputs` stands for no class.
        conditional: give the model the class as an input.
        patch: height and width of the patches that become the steps.
        width: features of each step, a multiple of `heads` and of 4.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.

    Returns:
        A model from images `(batch, height, width, channels)`, times `(batch,)` and, where it is conditional, labels
        `(batch,)` to `(batch, height, width, channels)`.

    Raises:
        ValueError: the input is no image, the patches do not tile it, or the heads do not divide the width.
    """
    # === Layers ===
    image, time = _inputs(input_shape)
    inputs, condition = _condition(time, outputs if conditional else None, TIME_WAVES, width)
    grid = (input_shape[0] // patch, input_shape[1] // patch)
    x = embed_patches(image, patch, width)
    x, _ = add_positions(x, "sinusoidal", heads=heads, longest=x.shape[1], grid=grid)
    hidden = hidden_width(width, mlp_ratio)
    for i in range(1, depth + 1):
        shift1, scale1, gate1, shift2, scale2, gate2 = _modulation(condition, 6, width, name=f"block{i}_modulation")
        y = _modulated(x, shift1, scale1, name=f"block{i}_attention")
        x = x + gate1 * Attention(heads, name=f"block{i}_attention")(y)
        y = _modulated(x, shift2, scale2, name=f"block{i}_mlp")
        x = x + gate2 * mlp_branch(y, hidden, "gelu", name=f"block{i}_mlp")
    shift, scale = _modulation(condition, 2, width, name="final_modulation")
    x = _modulated(x, shift, scale, name="final")
    channels, dtype = input_shape[2], keras.config.floatx()  # not that of mixed precision
    x = keras.layers.Dense(patch**2 * channels, kernel_initializer="zeros", dtype=dtype, name="prediction")(x)
    x = keras.layers.Reshape((*grid, patch, patch, channels), dtype=dtype, name="rows_of_patches")(x)
    x = keras.layers.Permute((1, 3, 2, 4, 5), dtype=dtype, name="rows_of_pixels")(x)
    x = keras.layers.Reshape(tuple(input_shape), dtype=dtype, name="unpatch")(x)

    # === Functional model ===
    return keras.Model([image, time, *inputs], x, name="dit_tiny")


def _check_levels(input_shape: Sequence[int], widths: Sequence[int], attention: Sequence[int]) -> None:
    if not widths:
        raise ValueError("needs at least one level. Received: widths=()")
    if widths[0] % 2:
        raise ValueError(f"the first level has an even number of channels. Received: widths={tuple(widths)}")
    unknown = [level for level in attention if not 1 <= level <= len(widths)]
    if unknown:
        raise ValueError(f"attention names levels from 1 to {len(widths)}. Received: attention={tuple(attention)}")
    smallest = 2 ** (len(widths) - 1)
    if min(input_shape[:2]) < smallest:
        raise ValueError(f"needs images of {smallest}x{smallest} or more. Received: input_shape={tuple(input_shape)}")


def _inputs(input_shape: Sequence[int]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    if len(input_shape) != 3 or None in input_shape:
        raise ValueError(
            f"needs images, (height, width, channels), of a known size. Received: input_shape={tuple(input_shape)}"
        )
    return keras.Input(tuple(input_shape), name="image"), keras.Input((), name="time")


def _condition(
    time: keras.KerasTensor, classes: int | None, waves: int, width: int
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Return the further inputs, and the embedding of time and class, `(batch, width)`, after an activation."""
    inputs, x = [], embed_time(time, waves, width)
    if classes is not None:
        label, x = embed_label(x, classes)
        inputs = [label]
    return inputs, keras.layers.Activation("silu", name="condition_silu")(x)


def _block(x: keras.KerasTensor, width: int, blocks: _Blocks, *, attend: bool, name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions with the condition added between them, and a shortcut; then self-attention if `attend`.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        width: output channels.
        blocks: settings that the blocks have in common.
        attend: end with self-attention over the pixels.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, height, width, width)`.
    """
    y = _norm_silu(x, blocks.groups, name=f"{name}_1")
    y = keras.layers.Conv2D(width, 3, padding="same", name=f"{name}_1_conv")(y)
    condition = keras.layers.Dense(width, name=f"{name}_condition")(blocks.condition)
    condition = keras.layers.Reshape((1, 1, width), name=f"{name}_pixels")(condition)
    y = keras.layers.Add(name=f"{name}_told")([y, condition])
    y = _norm_silu(y, blocks.groups, name=f"{name}_2")
    if blocks.dropout:
        y = keras.layers.Dropout(blocks.dropout, name=f"{name}_dropout")(y)
    y = keras.layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros", name=f"{name}_2_conv")(y)
    if x.shape[-1] != width:
        x = keras.layers.Conv2D(width, 1, name=f"{name}_shortcut")(x)
    x = keras.layers.Add(name=f"{name}_add")([x, y])
    return _attend(x, blocks, name=f"{name}_attention") if attend else x


def _attend(x: keras.KerasTensor, blocks: _Blocks, *, name: str) -> keras.KerasTensor:
    """Residual self-attention over the pixels; input and output `(batch, height, width, channels)`."""
    height, width, channels = x.shape[1:]
    y = _group_norm(x, blocks.groups, name=f"{name}_norm")
    y = keras.layers.Reshape((height * width, channels), name=f"{name}_steps")(y)
    y = Attention(blocks.heads, name=name)(y)
    y = keras.layers.Reshape((height, width, channels), name=f"{name}_pixels")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _enlarge(x: keras.KerasTensor, size: Sequence[int], *, name: str) -> keras.KerasTensor:
    """Double height and width by repeating pixels, crop to an odd size, and convolve.

    Repeating the channels of each pixel, then each row, and reshaping is cheaper than a resize, also in the exported
    graph.
    """
    height, width, channels = x.shape[1:]
    x = keras.layers.Concatenate(name=f"{name}_columns")([x, x])
    x = keras.layers.Reshape((height, 2 * width * channels), name=f"{name}_row")(x)
    x = keras.layers.Concatenate(name=f"{name}_rows")([x, x])
    x = keras.layers.Reshape((2 * height, 2 * width, channels), name=f"{name}_image")(x)
    if (2 * height, 2 * width) != tuple(size):
        x = keras.layers.Cropping2D(((0, 2 * height - size[0]), (0, 2 * width - size[1])), name=f"{name}_crop")(x)
    return convolution(x, channels, 3, norm="none", name=name)


def _norm_silu(x: keras.KerasTensor, groups: int, *, name: str) -> keras.KerasTensor:
    return keras.layers.Activation("silu", name=f"{name}_silu")(_group_norm(x, groups, name=f"{name}_norm"))


def _group_norm(x: keras.KerasTensor, groups: int, *, name: str) -> keras.KerasTensor:
    count = max(n for n in range(1, groups + 1) if x.shape[-1] % n == 0)
    return keras.layers.GroupNormalization(count, epsilon=EPSILON, name=name)(x)


def _modulation(condition: keras.KerasTensor, parts: int, width: int, *, name: str) -> list[keras.KerasTensor]:
    """Return shifts, scales and gates, each `(batch, 1, width)`; all are zero at the start (adaLN-Zero)."""
    x = keras.layers.Dense(parts * width, kernel_initializer="zeros", name=name)(condition)
    return ops.split(ops.expand_dims(x, axis=1), parts, axis=-1)


def _modulated(
    x: keras.KerasTensor, shift: keras.KerasTensor, scale: keras.KerasTensor, *, name: str
) -> keras.KerasTensor:
    """Normalize each step, then scale and shift it by the condition."""
    norm = keras.layers.LayerNormalization(epsilon=BLOCK_EPSILON, center=False, scale=False, name=f"{name}_norm")
    return norm(x) * (1 + scale) + shift
