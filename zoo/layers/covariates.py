"""Windows of series with covariates as one sequence: the history, then the horizon with what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.preprocessing import WindowStandardize


@keras.saving.register_keras_serializable("zoo")
class JoinHorizon(keras.layers.Layer):
    """Put the steps to forecast behind the history.

    What is known of a step stands in its channels: first those that are known in the history alone, 0 in the horizon;
    then known covariates; then static ones, the same at each step; last, 1 in the horizon and 0 before. So a network of
    sequences reads covariates without inputs of its own, as masked encoders do (Woo et al., 2024, arXiv:2402.02592).

    Input `(batch, history, channels)`, and where there are some `(batch, horizon, known)` and `(batch, features)`;
    output `(batch, history + horizon, channels + features + 1)`.

    Args:
        horizon: steps to forecast.
        known: number of known covariates, the last channels of the history.
    """

    def __init__(self, horizon: int, known: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.known = horizon, known

    def call(self, history: Any, future: Any = None, static: Any = None) -> Any:
        """Join the parts."""
        x = ops.cast(history, self.compute_dtype)
        alone = x.shape[2] - self.known
        steps = x.shape[1] + self.horizon
        blank = ops.zeros_like(ops.repeat(x[:, :1, :alone], self.horizon, axis=1))
        parts = [ops.concatenate([x[:, :, :alone], blank], axis=1)]
        if future is not None:
            parts.append(ops.concatenate([x[:, :, alone:], ops.cast(future, self.compute_dtype)], axis=1))
        if static is not None:
            parts.append(ops.repeat(ops.cast(static, self.compute_dtype)[:, None, :], steps, axis=1))
        is_future = np.zeros((1, steps, 1))
        is_future[:, -self.horizon :] = 1
        first = ops.zeros_like(parts[0][:, :, :1])
        parts.append(first + ops.convert_to_tensor(is_future, self.compute_dtype))
        return ops.concatenate(parts, axis=2)

    def compute_output_spec(self, history: Any, future: Any = None, static: Any = None) -> Any:
        """Return the spec of the output."""
        features = 0 if static is None else static.shape[1]
        shape = (history.shape[0], history.shape[1] + self.horizon, history.shape[2] + features + 1)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "horizon": self.horizon, "known": self.known}


@keras.saving.register_keras_serializable("zoo")
class RescaleKnown(keras.layers.Layer):
    """Multiply by `scale` and add `offset`, and leave 0 where a channel is not known.

    Input and output `(batch, steps, channels)`; with `dtype="float64"` it computes in float64.

    Args:
        scale: a factor, one for each channel or one for all.
        offset: what is added, likewise.
        horizon: number of the last steps, in which not all channels are known.
        unknown: number of the first channels that are not known there.
        output: type of the output.
    """

    def __init__(
        self,
        scale: Sequence[float],
        offset: Sequence[float],
        horizon: int,
        unknown: int,
        output: str = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = [*map(float, scale)], [*map(float, offset)]
        self.horizon, self.unknown, self.output_type = horizon, unknown, output

    def call(self, steps: Any) -> Any:
        """Rescale what is known."""
        known = np.ones((1, *steps.shape[1:]))
        known[:, -self.horizon :, : self.unknown] = 0
        scale, offset, known = (
            ops.convert_to_tensor(values, self.compute_dtype) for values in (self.scale, self.offset, known)
        )
        return ops.cast((ops.cast(steps, self.compute_dtype) * scale + offset) * known, self.output_type)

    def compute_output_spec(self, steps: Any) -> Any:
        """Return the spec of the output."""
        return keras.KerasTensor(steps.shape, dtype=self.output_type)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"scale": self.scale, "offset": self.offset, "horizon": self.horizon, "unknown": self.unknown}
        return {**super().get_config(), **own, "output": self.output_type}


@keras.saving.register_keras_serializable("zoo")
class HistoryStandardize(WindowStandardize):
    """Standardise the history of the first channels, as `WindowStandardize` does; the rest stays as it is.

    Args:
        horizon: number of the last steps, which are no history.
        unknown: number of the first channels, which are 0 in the horizon.
        targets: number of the first channels, which are predicted.
    """

    def __init__(self, horizon: int, unknown: int, targets: int = 1, **kwargs: Any) -> None:
        super().__init__(targets, **kwargs)
        self.horizon, self.unknown = horizon, unknown

    def call(self, steps: Any) -> Any:
        """Standardize the history."""
        history = steps.shape[1] - self.horizon
        past, *moments = super().call(steps[:, :history, : self.unknown])
        rest = ops.cast(steps[:, :, self.unknown :], past.dtype)
        future = ops.cast(steps[:, history:, : self.unknown], past.dtype)
        return ops.concatenate([ops.concatenate([past, future], axis=1), rest], axis=2), *moments

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "horizon": self.horizon, "unknown": self.unknown}
