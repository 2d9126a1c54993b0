"""The log-mel spectrogram as a layer, made of operations that ONNX has: part of the saved and the exported model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.types import Shape

FLOOR = 1e-4  # added to each energy before the logarithm: some 80 dB below a tone of full scale


@keras.saving.register_keras_serializable("zoo")
class LogMel(keras.layers.Layer):
    """Logarithm of the energy in mel bands of short windows: `(batch, samples)` to `(batch, frames, bands, 1)` float.

    Frames are not padded: the first begins at the first sample, and the last ends within the clip. Each is weighted by
    a periodic Hann window and padded with zeros to a power of two for the Fourier transform, whose squared magnitudes
    are summed by triangles of height one, evenly spaced on the mel scale of HTK, `2595 * log10(1 + hertz / 700)`, and
    linear on it, as HTK and TensorFlow have them. The output is `log(energy + 1e-4)`.

    The transform is a convolution with cosines and sines, because TensorFlow's FFT does not convert to ONNX.

    Args:
        sample_rate: samples a second.
        window: samples of a frame.
        hop: samples from the begin of a frame to that of the next.
        bands: number of mel bands.
        low: lowest frequency of the first band in hertz.
        high: highest frequency of the last band in hertz.
    """

    def __init__(
        self, *, sample_rate: int, window: int, hop: int, bands: int, low: float, high: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sample_rate, self.window, self.hop = sample_rate, window, hop
        self.bands, self.low, self.high = bands, low, high

    def call(self, samples: Any) -> Any:
        """Return the spectrogram of each clip."""
        kernel, mel = self._constants()
        waves = ops.conv(
            ops.expand_dims(ops.cast(samples, "float32"), -1), ops.convert_to_tensor(kernel), strides=self.hop
        )
        bins = kernel.shape[-1] // 2
        power = ops.square(waves[..., :bins]) + ops.square(waves[..., bins:])
        energy = ops.matmul(power, ops.convert_to_tensor(mel))
        return ops.cast(ops.expand_dims(ops.log(energy + FLOOR), -1), self.compute_dtype)

    def _constants(self) -> tuple[np.ndarray, np.ndarray]:
        """Return windowed cosines and sines `(window, 1, 2 * bins)`, and the weights of the bands `(bins, bands)`."""
        weights = mel_weights(self.sample_rate, self.window, self.bands, self.low, self.high)
        used = np.flatnonzero(weights.any(axis=1))  # bins that no band takes need no transform
        time = np.arange(self.window)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * time / self.window)
        angles = 2 * np.pi * np.outer(time, used) / fft_size(self.window)
        kernel = hann[:, None] * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        return kernel[:, None, :].astype(np.float32), weights[used].astype(np.float32)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, frames, bands, 1)`."""
        frames = None if shape[1] is None else 1 + (shape[1] - self.window) // self.hop
        return (shape[0], frames, self.bands, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("sample_rate", "window", "hop", "bands", "low", "high")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def fft_size(window: int) -> int:
    """Return the length of the Fourier transform of a window: the next power of two."""
    return 1 << (window - 1).bit_length()


def mel_weights(sample_rate: int, window: int, bands: int, low: float, high: float) -> np.ndarray:
    """Return the weight of each frequency in each mel band, float64 `(bins, bands)`; see `LogMel`."""
    size = fft_size(window)
    bins = _mel(np.arange(size // 2 + 1) * sample_rate / size)
    edges = np.linspace(_mel(low), _mel(high), bands + 2)
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(np.minimum(rising, falling), 0.0)


def empty_bands(sample_rate: int, window: int, bands: int, low: float, high: float) -> int:
    """Return how many bands take no frequency of the transform."""
    return int((~mel_weights(sample_rate, window, bands, low, high).any(axis=0)).sum())


def _mel(hertz: Any) -> Any:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz, np.float64) / 700.0)
