"""Log-mel spectrograms, against SciPy's Fourier transform and TensorFlow's mel bands."""

import keras
import numpy as np
import pytest
from scipy import signal

from zoo.layers.spectrogram import FLOOR, LogMel, mel_weights

RATE, WINDOW, HOP, BANDS, LOW, HIGH = 16_000, 400, 160, 40, 60.0, 7_600.0


def layer(**settings):
    given = {"sample_rate": RATE, "window": WINDOW, "hop": HOP, "bands": BANDS, "low": LOW, "high": HIGH}
    return LogMel(**{**given, **settings})


@pytest.fixture(scope="module")
def clips():
    """A chirp, noise, silence, and a quiet tone after a loud one."""
    time = np.arange(RATE // 2) / RATE
    noise = np.random.default_rng(0).normal(0, 0.2, len(time))
    step = np.sin(2 * np.pi * 440 * time) * np.where(time < 0.25, 0.9, 1e-3)
    return np.stack([signal.chirp(time, 100, 0.5, 7_000), noise, np.zeros_like(time), step]).astype(np.float32)


def reference(clips):
    """Return the same by SciPy's real FFT of each frame and TensorFlow's matrix of mel bands."""
    import tensorflow as tf

    frames = np.lib.stride_tricks.sliding_window_view(clips.astype(np.float64), WINDOW, axis=-1)[:, ::HOP]
    power = np.abs(np.fft.rfft(frames * signal.get_window("hann", WINDOW), 512)) ** 2
    mel = tf.signal.linear_to_mel_weight_matrix(BANDS, 257, RATE, LOW, HIGH, dtype=tf.float64).numpy()
    return np.log(power @ mel + FLOOR)


def test_equals_fourier_transform_and_mel_bands_of_other_libraries(clips):
    found = keras.ops.convert_to_numpy(layer()(clips))
    wanted = reference(clips)
    assert found.shape == (*wanted.shape, 1) == (4, 48, BANDS, 1)
    np.testing.assert_allclose(found[..., 0], wanted, rtol=2e-5, atol=1e-4)
    assert found.max() - found.min() > 12  # from silence to a full scale


def test_frames_equal_scipys_short_time_transform(clips):
    _, _, transform = signal.stft(
        clips[0], RATE, "hann", WINDOW, WINDOW - HOP, 512, boundary=None, padded=False, scaling="spectrum"
    )
    power = np.abs(transform.T * signal.get_window("hann", WINDOW).sum()) ** 2
    wanted = np.log(power @ mel_weights(RATE, WINDOW, BANDS, LOW, HIGH) + FLOOR)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer()(clips[:1]))[0, ..., 0], wanted, rtol=2e-5, atol=1e-4)


def test_bands_are_those_of_tensorflow():
    import tensorflow as tf

    for rate, window, bands, low, high in ((16_000, 400, 64, 20.0, 8_000.0), (8_000, 200, 32, 0.0, 4_000.0)):
        size = 1 << (window - 1).bit_length()
        wanted = tf.signal.linear_to_mel_weight_matrix(bands, size // 2 + 1, rate, low, high, dtype=tf.float64).numpy()
        found = mel_weights(rate, window, bands, low, high)
        np.testing.assert_allclose(found[1:], wanted[1:], atol=1e-9)  # TensorFlow leaves the constant component out
        assert (found[0] == 0).all()


def test_is_read_back_from_its_settings(clips, tmp_path):
    inputs = keras.Input((RATE // 2,))
    model = keras.Model(inputs, layer(hop=200)(inputs))
    assert model.output_shape == (None, 39, BANDS, 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.predict(clips, verbose=0), model.predict(clips, verbose=0))
