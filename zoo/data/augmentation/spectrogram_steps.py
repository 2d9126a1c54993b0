"""Augmentation of training batches of spectrograms `(batch, frames, bands, 1)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


def shift_time(spectrograms: tf.Tensor, settings: Any, draws: Any) -> tf.Tensor:
    """Move each spectrogram by whole frames; what is left open takes its smallest value."""
    import tensorflow as tf

    frames = spectrograms.shape[1]
    limit = settings.factor * frames
    shift = tf.round(draws.uniform((tf.shape(spectrograms)[0], 1), -limit, limit))
    sources = tf.range(frames)[None] - tf.cast(shift, tf.int32)
    moved = tf.gather(spectrograms, tf.clip_by_value(sources, 0, frames - 1), axis=1, batch_dims=1)
    inside = (sources >= 0) & (sources < frames)
    quiet = tf.reduce_min(spectrograms, axis=[1, 2, 3], keepdims=True)
    return tf.where(inside[:, :, None, None], moved, quiet)


def spec_augment(spectrograms: tf.Tensor, settings: Any, draws: Any) -> tf.Tensor:
    """Replace bands and stretches of time by the mean of the spectrogram, as SpecAugment does."""
    import tensorflow as tf

    count, (frames, bands) = tf.shape(spectrograms)[0], spectrograms.shape[1:3]
    hidden = tf.zeros((count, frames, bands), tf.bool)
    for _ in range(settings.band_masks):
        hidden |= _stretch(count, bands, settings.bands, draws)[:, None, :]
    for _ in range(settings.time_masks):
        hidden |= _stretch(count, frames, settings.time, draws)[:, :, None]
    mean = tf.reduce_mean(spectrograms, axis=[1, 2, 3], keepdims=True)
    return tf.where(hidden[..., None], mean, spectrograms)


def _stretch(count: tf.Tensor, size: int, fraction: float, draws: Any) -> tf.Tensor:
    """Return a mask `(count, size)`: a stretch of 0 to `fraction * size` places, anywhere, both evenly drawn."""
    import tensorflow as tf

    longest = int(fraction * size)
    length = tf.floor(draws.uniform((count, 1)) * (longest + 1))
    start = tf.floor(draws.uniform((count, 1)) * (size - length + 1))
    places = tf.range(size, dtype=tf.float32)[None]
    return (places >= start) & (places < start + length)
