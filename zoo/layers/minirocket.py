"""Features of series by fixed convolutions: MiniRocket (Dempster, Schmidt and Webb, 2021, arXiv:2012.08791)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.adapted import AdaptedLayer
from zoo.layers.types import Shape

LENGTH = 9  # steps that a kernel spans
KERNELS = np.array([[2.0 if i in chosen else -1.0 for i in range(LENGTH)] for chosen in combinations(range(LENGTH), 3)])
_GOLDEN = (5**0.5 + 1) / 2
_MAX_CHANNELS = 9  # that one kernel adds up
_ROUNDING = 1e-6  # of a product in a convolution: backends add in different orders
_MIN_DEVIATION = 0.01  # of a proportion of steps; a feature that hardly varies would show rounding alone


@keras.saving.register_keras_serializable("zoo")
class MiniRocketFeatures(AdaptedLayer):
    """How often each of 84 kernels, at several dilations, exceeds each of several thresholds.

    A kernel has three weights of 2 and six of -1, and adds up some of the channels, drawn once. `adapt` takes the
    thresholds from quantiles of the convolution of one example each, and then mean and deviation of each feature.

    Input `(batch, steps, channels)` float, at least 9 steps; output `(batch, 84 * (features // 84))`, standardised.

    Args:
        features: how many there are at most, at least 84.
        max_dilations: of one kernel.
        seed: of the channels and of the examples that give the thresholds.
    """

    def __init__(self, features: int = 9996, max_dilations: int = 32, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.features, self.max_dilations, self.seed = features, max_dilations, seed

    def build(self, shape: Shape) -> None:
        """Draw the channels, and make room for the thresholds."""
        steps, channels = shape[1], shape[2]
        assert steps is not None and channels is not None
        self.dilations, self.counts = dilations_of(steps, self.features // len(KERNELS), self.max_dilations)
        drawn = _draw_channels(channels, len(self.dilations), np.random.default_rng(self.seed))

        def weight(name: str, values: np.ndarray) -> Any:
            initializer = keras.initializers.Constant(values) if values.ndim == 0 else _Given(values)
            return self.add_weight(name=name, shape=values.shape, initializer=initializer, trainable=False)

        self.channels = weight("channels", drawn)
        self.thresholds = [
            weight(f"thresholds_{dilation}", np.zeros((len(KERNELS), count), np.float32))
            for dilation, count in zip(self.dilations, self.counts, strict=True)
        ]
        total = len(KERNELS) * sum(self.counts)
        self.mean = weight("mean", np.zeros(total, np.float32))
        self.deviation = weight("deviation", np.ones(total, np.float32))

    def adapt(self, examples: np.ndarray) -> None:
        """Set the thresholds, then mean and deviation of the features."""
        random = np.random.default_rng(self.seed)
        quantiles = np.arange(1, len(KERNELS) * sum(self.counts) + 1) * _GOLDEN % 1
        # Of steps where a series stays constant every convolution is 0 but for rounding, which must not decide what
        # exceeds a threshold of 0.
        margin = _ROUNDING * np.abs(KERNELS[0]).sum() * np.abs(examples).max()
        first = 0
        for i, count in enumerate(self.counts):
            chosen = random.integers(len(examples), size=len(KERNELS))
            found = np.empty((len(KERNELS), count))
            for kernel, example in enumerate(chosen):
                some = self._convolve(ops.convert_to_tensor(examples[example : example + 1], self.compute_dtype), i)
                values = ops.convert_to_numpy(some)[0, :, kernel]
                found[kernel] = np.quantile(values, quantiles[first : first + count])
                first += count
            self.thresholds[i].assign(found + margin)
        size = max(1, (1 << 24) // (examples.shape[1] * len(KERNELS)))
        parts = [
            ops.convert_to_numpy(self._proportions(ops.convert_to_tensor(examples[at : at + size], self.compute_dtype)))
            for at in range(0, len(examples), size)
        ]
        values = np.concatenate(parts).astype(np.float64)
        deviation = values.std(axis=0)
        self.mean.assign(values.mean(axis=0))
        self.deviation.assign(np.maximum(deviation, _MIN_DEVIATION))

    def call(self, series: Any) -> Any:
        """Return the standardised features."""
        return (self._proportions(ops.cast(series, self.compute_dtype)) - self.mean) / self.deviation

    def _proportions(self, series: Any) -> Any:
        """Return, of each kernel, dilation and threshold, the proportion of steps above it, `(batch, features)`."""
        found = []
        for i, dilation in enumerate(self.dilations):
            values = self._convolve(series, i)
            inner = dilation * (LENGTH // 2)  # every other kernel is read where it lies within the series
            for start in (0, 1):
                own = values[:, :, start::2]
                if (start + i) % 2:
                    own = own[:, inner : series.shape[1] - inner]
                above = ops.expand_dims(own, -1) > self.thresholds[i][start::2]
                proportions = ops.mean(ops.cast(above, self.compute_dtype), axis=1)
                found.append(ops.reshape(proportions, (-1, len(KERNELS) // 2 * self.counts[i])))
        return ops.concatenate(found, axis=1)

    def _convolve(self, series: Any, i: int) -> Any:
        """Return the convolutions at one dilation, with zeros around the series, `(batch, steps, kernels)`."""
        kernels = ops.convert_to_tensor(KERNELS.T[:, None, :], self.compute_dtype)
        weights = kernels * ops.cast(self.channels[i], self.compute_dtype)[None]
        return ops.conv(series, weights, padding="same", dilation_rate=self.dilations[i])

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, features)`."""
        _, counts = dilations_of(int(shape[1] or 0), self.features // len(KERNELS), self.max_dilations)
        return (shape[0], len(KERNELS) * sum(counts))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"features": self.features, "max_dilations": self.max_dilations, "seed": self.seed}
        return {**super().get_config(), **own}


class _Given(keras.initializers.Initializer):
    """The values of an array."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        return ops.convert_to_tensor(self.values, dtype)


def dilations_of(steps: int, features: int, most: int) -> tuple[list[int], list[int]]:
    """Return the dilations of each kernel, spread evenly on a logarithmic scale, and how many features each has.

    Args:
        steps: of the series.
        features: of one kernel.
        most: largest number of dilations.
    """
    number = min(features, most)
    exponents = np.logspace(0, np.log2((steps - 1) / (LENGTH - 1)), number, base=2)
    found, counts = np.unique(exponents.astype(np.int32), return_counts=True)
    each = (counts * (features / number)).astype(np.int32)
    for i in range(features - each.sum()):
        each[i % len(each)] += 1
    return found.tolist(), each.tolist()


def _draw_channels(channels: int, dilations: int, random: np.random.Generator) -> np.ndarray:
    """Return which channels each kernel adds up at each dilation, `(dilations, channels, kernels)` of 0 and 1."""
    most = np.log2(min(channels, _MAX_CHANNELS) + 1)
    chosen = np.zeros((dilations, channels, len(KERNELS)), np.float32)
    for i in range(dilations):
        for kernel in range(len(KERNELS)):
            count = int(2 ** random.uniform(0, most))
            chosen[i, random.choice(channels, count, replace=False), kernel] = 1
    return chosen
