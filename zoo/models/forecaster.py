"""Forecasters of linear maps and perceptrons: DLinear, NLinear, TSMixer, TiDE and N-HiTS.

The first channel of a window is what is forecast; the others are read beside it. `standardize_window` in a recipe's
`preprocess:` is the reversible instance normalization that the papers put around their networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras

from zoo.layers.head import head
from zoo.layers.series import (
    FirstChannel,
    LastValue,
    LinearInterpolation,
    MovingAverage,
    OtherChannels,
    RecentMaximum,
)
from zoo.layers.types import Count, Counts, DropRate, OddCount
from zoo.registry import register

StepNorm = Literal["batch", "layer", "none"]


@register(tasks=("forecasting", "sequence_regression"), input_shape=(96, 1), outputs=24, paper="arXiv:2205.13504")
def dlinear(*, input_shape: Sequence[int | None], outputs: int, window: OddCount = 25) -> keras.Model:
    """DLinear: a linear map of the trend, a moving average, and one of what is left (Zeng et al., 2022).

    The maps start at zero.

    Args:
        input_shape: `(steps, channels)`; channels share no weights.
        outputs: the horizon of a forecast, or number of values.
        window: steps of the moving average, odd.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length.
    """
    # === Layers ===
    inputs = _window_input(input_shape)
    trend = MovingAverage(window, name="trend")(inputs)
    rest = keras.layers.Subtract(name="rest")([inputs, trend])
    x = keras.layers.Concatenate(name="parts")([rest, trend])
    x = keras.layers.Flatten(name="flatten")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, kernel_initializer="zeros"), name="dlinear")


@register(tasks=("forecasting",), input_shape=(96, 1), outputs=24, paper="arXiv:2205.13504")
def nlinear(*, input_shape: Sequence[int | None], outputs: int) -> keras.Model:
    """NLinear: a linear map of the differences from the last value, which is added again (Zeng et al., 2022).

    The map starts at zero, so that training begins with the naive forecast.

    Args:
        input_shape: `(steps, channels)`; channels share no weights.
        outputs: the horizon.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length.
    """
    # === Layers ===
    inputs = _window_input(input_shape)
    last = LastValue(name="last")(inputs)
    x = keras.layers.Subtract(name="differences")([inputs, keras.layers.Reshape((1, 1), name="last_step")(last)])
    x = keras.layers.Flatten(name="flatten")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, offset=last, kernel_initializer="zeros"), name="nlinear")


@register(tasks=("forecasting", "sequence_regression"), input_shape=(96, 1), outputs=24, paper="arXiv:2303.06053")
def tsmixer(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    depth: Count = 2,
    width: Count = 64,
    norm: StepNorm = "batch",
    dropout: DropRate = 0.1,
) -> keras.Model:
    """TSMixer: perceptrons over the steps and over the channels in turn (Chen et al., 2023).

    Args:
        input_shape: `(steps, channels)`.
        outputs: the horizon of a forecast, or number of values.
        depth: blocks.
        width: hidden units of the perceptron over the channels.
        norm: normalization of all values of a window, before each perceptron.
        dropout: fraction of each perceptron's units dropped while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length.
    """
    # === Layers ===
    inputs = _window_input(input_shape)
    steps, channels = inputs.shape[1:]
    x = inputs
    for i in range(1, depth + 1):
        y = _normalized(x, norm, name=f"block{i}_steps")
        y = _swapped(y, name=f"block{i}_steps_last")
        y = keras.layers.Dense(steps, activation="relu", name=f"block{i}_steps_dense")(y)
        y = _swapped(y, name=f"block{i}_steps_first")
        y = keras.layers.Dropout(dropout, name=f"block{i}_steps_dropout")(y)
        x = keras.layers.Add(name=f"block{i}_steps_add")([x, y])
        y = _normalized(x, norm, name=f"block{i}_channels")
        y = keras.layers.Dense(width, activation="relu", name=f"block{i}_channels_dense1")(y)
        y = keras.layers.Dropout(dropout, name=f"block{i}_channels_dropout1")(y)
        y = keras.layers.Dense(channels, name=f"block{i}_channels_dense2")(y)
        y = keras.layers.Dropout(dropout, name=f"block{i}_channels_dropout2")(y)
        x = keras.layers.Add(name=f"block{i}_channels_add")([x, y])
    x = FirstChannel(name="target")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="tsmixer")


def _swapped(x: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    """Exchange steps and channels."""
    if 1 in x.shape[1:]:  # tf2onnx loses the batch where it moves the transposition of a single channel
        return keras.layers.Reshape((x.shape[2], x.shape[1]), name=name)(x)
    return keras.layers.Permute((2, 1), name=name)(x)


@register(tasks=("forecasting",), input_shape=(96, 1), outputs=24, paper="arXiv:2304.08424")
def tide(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    width: Count = 256,
    encoder_depth: Count = 1,
    decoder_depth: Count = 1,
    decoder_width: Count = 16,
    step_width: Count = 64,
    norm: Literal["layer", "none"] = "layer",
    dropout: DropRate = 0.1,
) -> keras.Model:
    """TiDE: a perceptron that encodes the window, one that decodes each step, and a linear map beside them.

    Das et al., 2023.

    Args:
        input_shape: `(steps, channels)`.
        outputs: the horizon.
        width: units of the encoder and the decoder.
        encoder_depth: residual blocks of the encoder.
        decoder_depth: residual blocks of the decoder.
        decoder_width: features of each step of the forecast.
        step_width: hidden units of the block that reads a step's value from them.
        norm: normalization after each residual block but the last.
        dropout: fraction of each residual block's units dropped while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length.
    """
    # === Layers ===
    inputs = _window_input(input_shape)
    x = keras.layers.Flatten(name="flatten")(inputs)
    for i in range(1, encoder_depth + 1):
        x = _residual(x, width, width, norm=norm, dropout=dropout, name=f"encoder{i}")
    for i in range(1, decoder_depth + 1):
        to = outputs * decoder_width if i == decoder_depth else width
        x = _residual(x, width, to, norm=norm, dropout=dropout, name=f"decoder{i}")
    x = keras.layers.Reshape((outputs, decoder_width), name="steps")(x)
    x = _residual(x, step_width, 1, norm="none", dropout=dropout, name="step")
    decoded = keras.layers.Reshape((outputs,), name="decoded")(x)
    own = FirstChannel(name="target")(inputs)

    # === Functional model ===
    return keras.Model(inputs, head(own, outputs, offset=decoded), name="tide")


@register(tasks=("forecasting",), input_shape=(96, 1), outputs=24, paper="arXiv:2201.12886")
def nhits(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    pools: Counts = (8, 4, 1),
    rates: Counts = (8, 4, 1),
    blocks: Count = 1,
    widths: Counts = (256, 256),
    dropout: DropRate = 0.0,
) -> keras.Model:
    """N-HiTS: perceptrons that each forecast what those before them left, from coarse to fine (Challu et al., 2022).

    Each block sees maxima of the window, and gives the window's values, which the next block no longer sees, and a few
    knots of the forecast, between which it is interpolated. The forecast is their sum, on top of the last value.

    Args:
        input_shape: `(steps, channels)`; the other channels are read by each block as they are.
        outputs: the horizon.
        pools: steps of each maximum of the window, for each stack.
        rates: steps of the forecast for each knot, for each stack; 1 for the last.
        blocks: blocks of a stack.
        widths: units of the perceptron of a block.
        dropout: fraction of each layer's units dropped while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length, pools and rates differ in number, or the last rate is not 1.
    """
    if len(pools) != len(rates) or rates[-1] != 1:
        raise ValueError(
            "pools and rates must have a number for each stack, and the last rate must be 1. "
            f"Received: pools={tuple(pools)}, rates={tuple(rates)}"
        )

    # === Layers ===
    inputs = _window_input(input_shape)
    rest = FirstChannel(name="target")(inputs)
    steps, others = rest.shape[1], []
    if inputs.shape[2] > 1:
        others = [keras.layers.Flatten(name="others_flatten")(OtherChannels(name="others")(inputs))]
    parts = [LastValue(name="last")(inputs)]
    stacks = [(pool, rate) for pool, rate in zip(pools, rates, strict=True) for _ in range(blocks)]
    for i, (pool, rate) in enumerate(stacks, start=1):
        x = RecentMaximum(pool, name=f"block{i}_pool")(rest)
        x = keras.layers.Concatenate(name=f"block{i}_inputs")([x, *others]) if others else x
        for j, width in enumerate(widths, start=1):
            x = keras.layers.Dense(width, activation="relu", name=f"block{i}_dense{j}")(x)
            if dropout:
                x = keras.layers.Dropout(dropout, name=f"block{i}_dropout{j}")(x)
        if i == len(stacks):
            break
        backcast = keras.layers.Dense(steps, name=f"block{i}_backcast")(x)
        rest = keras.layers.Subtract(name=f"block{i}_rest")([rest, backcast])
        knots = keras.layers.Dense(max(1, outputs // rate), name=f"block{i}_knots")(x)
        parts.append(LinearInterpolation(outputs, name=f"block{i}_forecast")(knots))
    offset = keras.layers.Add(name="coarse")(parts) if len(parts) > 1 else parts[0]

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, offset=offset), name="nhits")


def _residual(
    x: keras.KerasTensor, hidden: int, width: int, *, norm: str, dropout: float, name: str
) -> keras.KerasTensor:
    """Return a perceptron with one hidden layer, a linear map beside it, and a normalization."""
    y = keras.layers.Dense(hidden, activation="relu", name=f"{name}_dense1")(x)
    y = keras.layers.Dense(width, name=f"{name}_dense2")(y)
    y = keras.layers.Dropout(dropout, name=f"{name}_dropout")(y)
    y = keras.layers.Add(name=f"{name}_add")([y, keras.layers.Dense(width, name=f"{name}_skip")(x)])
    return y if norm == "none" else keras.layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(y)


def _normalized(x: keras.KerasTensor, norm: StepNorm, *, name: str) -> keras.KerasTensor:
    """Normalize each value of a window over the batch, or all values of a window."""
    if norm == "none":
        return x
    shape = x.shape[1:]
    x = keras.layers.Flatten(name=f"{name}_flatten")(x)
    if norm == "batch":
        x = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}_norm")(x)
    else:
        x = keras.layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(x)
    return keras.layers.Reshape(shape, name=f"{name}_shape")(x)


def _window_input(input_shape: Sequence[int | None]) -> keras.KerasTensor:
    shape = tuple(input_shape)
    if len(shape) != 2 or None in shape:
        raise ValueError(f"needs a series of known length, (steps, channels). Received: input_shape={shape}")
    return keras.Input(shape)
