"""Clips of npz files and of TensorFlow Datasets: types, ranges, rates, and what is refused."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from loading import load, refused

AUDIO = "audio_classification"
Y = np.arange(30) % 2
X = np.random.default_rng(0).uniform(-0.9, 0.9, (30, 400))


@pytest.fixture
def arrays(tmp_path):
    def write(x, y=Y, **more):
        np.savez(tmp_path / "a.npz", x=x, y=y, **more)
        return f"npz:{tmp_path / 'a.npz'}"

    return write


def of_all(dataset):
    """Return the clips of all splits, sorted."""
    parts = [split.take(np.arange(len(split))) for split in (dataset.train, dataset.validation, dataset.test)]
    return np.sort(np.concatenate(parts), axis=0)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero"),
    [("float32", 1, 0), ("float64", 1, 0), ("int16", 32_768, 0), ("int8", 128, 0), ("uint8", 128, 128)]
    + [("int32", 2**31, 0), ("int64", 32_768, 0)],
)
def test_samples_of_every_type_are_brought_to_full_scale(arrays, dtype, scale, zero):
    x = (np.round(X * scale) + zero if scale > 1 else X).astype(dtype)
    dataset = load(arrays(x), AUDIO, sample_rate=4_000)
    assert dataset.signature.kind == "audio" and dataset.signature.sample_rate == 4_000
    assert dataset.signature.shape == (400,)
    wanted = ((x.astype(np.float64) - zero) / scale).astype(np.float32)
    np.testing.assert_allclose(of_all(dataset), np.sort(wanted, axis=0), atol=1e-7)


def test_arrays_are_cut_or_padded_to_seconds(arrays):
    dataset = load(arrays(X), AUDIO, sample_rate=4_000, seconds=0.05)
    assert dataset.signature.shape == (200,)
    np.testing.assert_allclose(of_all(dataset), np.sort(X[:, :200].astype(np.float32), axis=0), atol=1e-7)
    assert "30 of 30 clips are longer than 0.05 s, and cut at their end" in dataset.notes
    longer = load(arrays(X), AUDIO, sample_rate=4_000, seconds=0.15)
    assert longer.signature.shape == (600,) and not of_all(longer)[:, 400:].any()


GAPS = X.copy()
GAPS[3, 5] = np.nan
BAD = {
    "one axis": (X[:, 0], r"clips must be numbers \(examples, samples\), received float64 \(30,\)"),
    "three axes": (X[:, :, None], r"clips must be numbers \(examples, samples\), received float64 \(30, 400, 1\)"),
    "no samples": (X[:, :0], r"clips must be numbers \(examples, samples\), received float64 \(30, 0\)"),
    "texts": (np.full((30, 4), "a"), r"clips must be numbers \(examples, samples\)"),
    "booleans": (X > 0, r"clips must be numbers \(examples, samples\), received bool"),
    "complex": (X.astype(complex), r"clips must be numbers \(examples, samples\), received complex128"),
    "large whole numbers": ((X * 2**40).astype(np.int64), "whole numbers of 8, 16 or 32 bits, received int64"),
    "integers as floats": (X * 20_000, r"30 clips cannot be read: train example 1 \(samples in floating point reach 1"),
    "gaps": (GAPS, "1 of 30 examples whose inputs hold NaN or infinity: 4"),
}


@pytest.mark.parametrize("fault", BAD)
def test_arrays_that_are_no_clips_are_refused(arrays, fault):
    x, message = BAD[fault]
    refused(message, arrays(x), AUDIO, sample_rate=4_000)


def test_splits_of_different_lengths_are_refused(arrays):
    source = arrays(X, x_test=X[:, :10], y_test=Y)
    refused("the splits have different shapes", source, AUDIO, sample_rate=4_000)


def test_a_clip_with_a_gap_is_left_out_where_the_recipe_says_so(arrays):
    assert len(of_all(load(arrays(GAPS), AUDIO, sample_rate=4_000, on_error="skip"))) == 29


def test_speech_commands_of_tfds_know_their_rate_and_are_padded():
    policy = tfds.testing.MockPolicy.USE_CODE
    settings = {"splits": {"validation": "validation"}, "seconds": 0.002}
    with tfds.testing.mock_data(num_examples=60, policy=policy):
        dataset = load("tfds:speech_commands", AUDIO, **settings)
        lower = load("tfds:speech_commands", AUDIO, sample_rate=8_000, **settings)
    assert len(dataset.signature.labels) == 12
    assert dataset.signature.shape == (32,) and dataset.signature.sample_rate == 16_000
    x = of_all(dataset)
    assert x.shape == (180, 32) and (x * 32_768 == np.round(x * 32_768)).all() and x.any()  # 16 bits
    assert any("clips are shorter than 0.002 s, and padded with zeros" in note for note in dataset.notes)
    assert lower.signature.shape == (16,)
    assert "180 of 180 clips are resampled to 8,000 Hz: 16,000 Hz (180)" in lower.notes
