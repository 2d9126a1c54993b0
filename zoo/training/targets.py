"""What the network is trained on, a function for each form of target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zoo.data.dataset import Signature, Split
    from zoo.data.preprocessor import Preprocessor


@dataclass(frozen=True)
class TargetScale:
    """The unit that numbers are trained in: standard deviations from the mean of the training split.

    Attributes:
        mean: of the training split; an array where each example has several numbers of different kinds.
        std: its standard deviation, likewise.
        double: values in their own unit are float64, because float32 would lose what differs between them.
        by_window: forecasts are trained in standard deviations from the mean of their own window, so that each series
            of a panel counts the same whatever its level.
    """

    mean: Any = 0.0
    std: Any = 1.0
    double: bool = False
    by_window: bool = False

    @classmethod
    def of(cls, values: np.ndarray) -> TargetScale:
        """Return the scale of some numbers; of constant ones the deviation counts as 1."""
        mean, std = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
        return cls(mean, std or 1.0, values.dtype == np.float64)

    @classmethod
    def of_each(cls, values: np.ndarray) -> TargetScale:
        """Return the scales of several numbers an example, `(examples, targets)`."""
        mean, std = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
        return cls(mean, np.where(std > 0, std, 1.0), values.dtype == np.float64)

    def lists(self) -> tuple[list[float], list[float]]:
        """Return mean and deviation as lists, one number for each target."""
        return np.atleast_1d(self.mean).tolist(), np.atleast_1d(self.std).tolist()

    def units(self, split: Split) -> tuple[Any, Any]:
        """Return mean and deviation that the targets of a split are trained in: one of all, or one of each window."""
        return _window_units(split) if self.by_window else (self.mean, self.std)


def _window_units(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of the targets in each window, as `WindowStandardize` does.

    Both are `(windows, 1)`; of several targets `(windows, 1, targets)`.
    """
    several = split.targets.shape[-1] if split.targets.ndim == 3 else 0
    raw = (split.take(positions) for positions in split.chunks())
    windows = (each["array"] if isinstance(each, dict) else each for each in raw)
    chunks = [np.asarray(window[..., :several] if several else window[..., 0], np.float64) for window in windows]
    mean = np.concatenate([window.mean(1, keepdims=True) for window in chunks])
    deviation = np.concatenate([window.std(1, keepdims=True) for window in chunks])
    rounding = 1e-12 if split.targets.dtype == np.float64 else 1e-6
    return mean, np.where(deviation > rounding * (1 + np.abs(mean)), deviation, 1.0)


def no_scale(train: Split) -> TargetScale:
    """Return the scale of targets that are not numbers: it changes nothing."""
    return TargetScale()


def value_scale(train: Split) -> TargetScale:
    """Return the scale of values."""
    return TargetScale.of(train.targets) if train.targets.ndim == 1 else TargetScale.of_each(train.targets)


def forecast_scale(train: Split) -> TargetScale:
    """Return the scale of the values to forecast; the last column of the targets is what MASE divides by."""
    values = train.targets[:, :-1]
    if values.ndim < 3:
        return TargetScale.of(values)
    mean, std = (measure(values, axis=(0, 1), dtype=np.float64) for measure in (np.mean, np.std))
    return TargetScale(mean, np.where(std > 0, std, 1.0), values.dtype == np.float64)


def in_units_of_input(scale: TargetScale, preprocessor: Preprocessor) -> TargetScale:
    """Return the scale of forecasts in the unit that the preprocessing gives the predicted channels of a window.

    So a network may add the window's last value to its forecast.
    """
    several = np.ndim(scale.mean)
    factor, offset = (
        np.broadcast_to(values, preprocessor.shape[-1:])[: np.size(scale.mean)]
        for values in (preprocessor.scale, preprocessor.offset)
    )
    mean, std = -offset / factor, 1 / factor
    return replace(scale, mean=mean, std=std) if several else replace(scale, mean=float(mean[0]), std=float(std[0]))


def one_hot(split: Split, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return classes as float32 `(examples, classes)`."""
    return np.eye(len(signature.labels), dtype=np.float32)[split.targets]


def multi_hot(split: Split, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return 1 for each label that an example has, float32 `(examples, labels)`."""
    return split.targets.astype(np.float32)


def standardized_values(split: Split, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return standardised values, float32 `(examples, targets)`."""
    values = ((split.targets - scale.mean) / scale.std).astype(np.float32)
    return values[:, None] if values.ndim == 1 else values


def standardized_forecasts(split: Split, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return standardised values to forecast, float32 `(examples, horizon)` or `(examples, horizon, targets)`."""
    mean, std = scale.units(split)
    return ((split.targets[:, :-1] - mean) / std).astype(np.float32)


def boxes(split: Split, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return the boxes as they are."""
    return split.targets


def whole_numbers(split: Split, signature: Signature, scale: TargetScale) -> np.ndarray:
    """Return tokens, symbols, masks or classes as int32."""
    return split.targets.astype(np.int32)
