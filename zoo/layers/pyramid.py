"""Parts of networks that answer for every pixel from the maps of an encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from zoo.layers.norms import Norm
from zoo.layers.residual import convolution


def feature_pyramid(maps: Mapping[int, keras.KerasTensor], width: int) -> dict[int, keras.KerasTensor]:
    """Give all maps of an encoder what the deepest one knows (Lin et al., 2016, arXiv:1612.03144, section 3).

    Each is mapped to the width by a 1x1 convolution; the deeper ones are enlarged and added; a 3x3 convolution follows.

    Args:
        maps: `(batch, height / stride, width / stride, channels)` by stride, smallest first.
        width: channels of the result.

    Returns:
        Maps of the same sizes, by stride.
    """
    found: dict[int, keras.KerasTensor] = {}
    above: keras.KerasTensor | None = None
    coarser = 0
    for level, (stride, x) in reversed(list(enumerate(maps.items(), start=1))):
        x = keras.layers.Conv2D(width, 1, kernel_initializer="lecun_uniform", name=f"lateral{level}_conv")(x)
        if above is not None:
            y = keras.layers.UpSampling2D(coarser // stride, name=f"lateral{level + 1}_enlarge")(above)
            x = keras.layers.Add(name=f"lateral{level}_add")([x, y])
        above, coarser = x, stride
        found[stride] = keras.layers.Conv2D(
            width, 3, padding="same", kernel_initializer="lecun_uniform", name=f"pyramid{level}_conv"
        )(x)
    return dict(sorted(found.items()))


def spatial_pyramid(x: keras.KerasTensor, width: int, rates: Sequence[int], *, norm: Norm) -> keras.KerasTensor:
    """See a map at several scales: atrous spatial pyramid pooling (Chen et al., 2017, arXiv:1706.05587, section 3.3).

    A 1x1 convolution, dilated 3x3 ones, and the mean of the map, side by side, then a 1x1 convolution.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        width: channels of each branch, and of the result.
        rates: dilations of the 3x3 convolutions.
        norm: normalization after each convolution.

    Returns:
        A tensor of shape `(batch, height, width, width)`.
    """
    branches = [conv_relu(x, width, 1, norm=norm, name="scale1")]
    for i, rate in enumerate(rates, start=2):
        branches.append(conv_relu(x, width, 3, dilation=rate, norm=norm, name=f"scale{i}"))
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="scale_mean_pool")(x)
    mean = conv_relu(mean, width, 1, norm=norm, name="scale_mean")
    branches.append(keras.layers.UpSampling2D(x.shape[1:3], name="scale_mean_enlarge")(mean))
    x = keras.layers.Concatenate(name="scales_concat")(branches)
    return conv_relu(x, width, 1, norm=norm, name="scales")


def conv_relu(
    x: keras.KerasTensor, filters: int, kernel_size: int, *, dilation: int = 1, norm: Norm, name: str
) -> keras.KerasTensor:
    """Convolve, normalize, and apply a ReLU; see `zoo.layers.residual.convolution`."""
    x = convolution(x, filters, kernel_size, dilation=dilation, norm=norm, name=name)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def enlarge(x: keras.KerasTensor, factor: int, *, name: str) -> keras.KerasTensor:
    """Enlarge maps by bilinear interpolation; a factor of 1 returns them."""
    return x if factor == 1 else keras.layers.UpSampling2D(factor, interpolation="bilinear", name=name)(x)
