"""Normalization by name."""

from __future__ import annotations

from typing import Literal

import keras

Norm = Literal["none", "batch", "layer", "group", "rms"]

EPSILON = 1e-5  # added to the variance
MOMENTUM = 0.9  # with Keras's 0.99 the moving averages are wrong for several hundred steps


def normalization(
    x: keras.KerasTensor,
    kind: Norm,
    *,
    gamma_initializer: str = "ones",
    epsilon: float = EPSILON,
    name: str | None = None,
) -> keras.KerasTensor:
    """Normalize `x` with learned scale (and shift, except for "rms"); "none" returns it unchanged.

    The last axis contains the channels. "batch" (Ioffe and Szegedy, 2015, arXiv:1502.03167) takes its statistics over
    all other axes; "layer" (Ba, Kiros and Hinton, 2016, arXiv:1607.06450) and "rms" (root mean square, Zhang and
    Sennrich, 2019, arXiv:1910.07467) over the channels of each position; "group" (Wu and He, 2018, arXiv:1803.08494)
    over all positions of a group of channels (see `groups`).

    Args:
        x: tensor of shape `(batch, ..., channels)`.
        kind: which normalization.
        gamma_initializer: initial scale; "rms" always starts at one.
        epsilon: added to the variance, or to the mean square.
        name: name of the layer.

    Returns:
        A tensor of the shape of `x`.
    """
    if kind == "none":
        return x
    if kind == "rms":
        return keras.layers.RMSNormalization(epsilon=epsilon, name=name)(x)
    common = {"epsilon": epsilon, "gamma_initializer": gamma_initializer, "name": name}
    if kind == "batch":
        return keras.layers.BatchNormalization(momentum=MOMENTUM, **common)(x)
    if kind == "layer":
        return keras.layers.LayerNormalization(**common)(x)
    if kind == "group":
        return keras.layers.GroupNormalization(groups(x.shape[-1]), **common)(x)
    raise ValueError(f"unknown normalization. Received: kind={kind!r}")


def has_shift(kind: Norm) -> bool:
    """Return whether the normalization adds a learned shift, so that the layer before it needs no bias."""
    return kind in ("batch", "layer", "group")


def groups(channels: int) -> int:
    """Return the number of groups for "group": the largest divisor of `channels` up to 32 with 8 channels a group.

    Smaller groups lose accuracy (Wu and He, table 3), and on vectors a group of one channel is always zero.
    """
    return max(n for n in range(1, 33) if channels % n == 0 and (n == 1 or channels // n >= 8))
