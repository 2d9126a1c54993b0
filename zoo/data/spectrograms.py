"""From clips to log-mel spectrograms: the settings of the step, checked against the clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.data.dataset import Dataset
from zoo.data.raw_tensors import keras_inputs
from zoo.errors import ZooError
from zoo.recipe.steps import LogMel

if TYPE_CHECKING:
    import keras


def spectrogram_model(settings: LogMel, dataset: Dataset) -> keras.Model:
    """Return the Keras model from clips `(batch, samples)` to spectrograms `(batch, frames, bands, 1)`.

    Raises:
        ZooError: a window is longer than a clip, the frequencies lie outside of what the clips hold, or bands are
            narrower than what the transform tells apart.
    """
    import keras

    from zoo.layers import spectrogram

    rate, samples = dataset.signature.sample_rate, int(dataset.signature.shape[0] or 0)
    window, hop = (max(1, round(seconds * rate)) for seconds in (settings.window, settings.hop))
    high = settings.high or rate / 2
    if window > samples:
        raise ZooError(
            f"preprocess.log_mel.window: {settings.window:g} s are {window} samples, and a clip of {dataset.name} has "
            f"{samples}; make it shorter, or data.seconds longer"
        )
    if not settings.low < high <= rate / 2:
        raise ZooError(
            f"preprocess.log_mel: from {settings.low:g} to {high:g} Hz, and clips at {rate:,} Hz hold up to "
            f"{rate / 2:g} Hz; change low or high, or data.sample_rate"
        )
    empty = spectrogram.empty_bands(rate, window, settings.bands, settings.low, high)
    if empty:
        raise ZooError(
            f"preprocess.log_mel.bands: {empty} of {settings.bands} bands lie between two frequencies of the Fourier "
            "transform and are always empty; take fewer bands or a longer window"
        )
    layer = spectrogram.LogMel(
        sample_rate=rate, window=window, hop=hop, bands=settings.bands, low=settings.low, high=high, name="log_mel"
    )
    inputs = keras_inputs(dataset.signature)
    return keras.Model(inputs, layer(inputs), name="to_shape")
