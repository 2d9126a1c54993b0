"""Augmentation of spectrograms: SpecAugment's masks and shifts in time."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.data.augmentation.image_steps import build_augmentation
from zoo.recipe.augment_steps import AugmentStep

COUNT, FRAMES, BANDS = 400, 50, 20


@pytest.fixture(scope="module")
def spectrograms():
    return np.random.default_rng(0).normal(size=(COUNT, FRAMES, BANDS, 1)).astype(np.float32)


def augmented(x, seed=7, **step):
    return build_augmentation([AugmentStep(**step)])(tf.constant(x), tf.constant([0, seed], tf.int64)).numpy()


def test_spec_augment_hides_stretches_of_bands_and_of_time_by_the_mean(spectrograms):
    for step, axis, longest in (
        ({"bands": 0.25, "band_masks": 1, "time_masks": 0}, 2, 5),
        ({"time": 0.2, "band_masks": 0, "time_masks": 1}, 1, 10),
    ):
        x = augmented(spectrograms, spec_augment=step)
        hidden = (x != spectrograms)[..., 0]
        whole = hidden.all(axis=3 - axis)  # of each band, or frame
        np.testing.assert_array_equal(whole, hidden.any(axis=3 - axis))
        lengths = whole.sum(axis=1)
        assert set(lengths) == set(range(longest + 1))
        np.testing.assert_allclose(np.bincount(lengths) / COUNT, 1 / (longest + 1), atol=0.06)  # evenly drawn
        assert (np.abs(np.diff(whole.astype(int), axis=1)).sum(axis=1) <= 2).all()  # one stretch
        assert whole.any(axis=0).all()  # anywhere
        means = np.broadcast_to(spectrograms.mean(axis=(1, 2, 3), keepdims=True), x.shape)
        np.testing.assert_allclose(x[..., 0][hidden], means[..., 0][hidden], atol=1e-5)


def test_spec_augment_is_a_function_of_its_seed(spectrograms):
    once, again, other = (augmented(spectrograms, seed, spec_augment={}) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()
    assert (augmented(spectrograms, spec_augment={})[..., 0] != spectrograms[..., 0]).mean() > 0.2


def test_time_shift_moves_whole_frames_and_leaves_quiet(spectrograms):
    x = augmented(spectrograms, time_shift={"factor": 0.2})
    found = []
    for moved, own in zip(x[..., 0], spectrograms[..., 0], strict=True):
        for shift in range(-10, 11):
            wanted = np.full_like(own, own.min())
            wanted[max(shift, 0) : FRAMES + min(shift, 0)] = own[max(-shift, 0) : FRAMES - max(shift, 0)]
            if np.array_equal(moved, wanted):
                found.append(shift)
    assert len(found) == COUNT and set(found) == set(range(-10, 11))
