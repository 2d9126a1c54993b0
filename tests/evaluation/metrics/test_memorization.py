"""Copies of training images, found by their distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from zoo.evaluation.metrics import memorization
from zoo.evaluation.metrics.memorization import nearest_training


def pixels(seed, n):
    """Return images that lie near a surface with four dimensions."""
    codes = np.random.default_rng(seed).normal(size=(n, 4))
    basis = np.random.default_rng(99).normal(size=(4, 48))
    return np.rint(255 / (1 + np.exp(-codes @ basis))).astype(np.uint8).reshape(n, 4, 4, 3)


def test_nearest_training_images_against_all_distances():
    generated, held_out, train = pixels(0, 40), pixels(1, 60), pixels(2, 300)
    found = nearest_training(generated, held_out, train)
    every, usual = (cdist(x.reshape(len(x), -1) / 255, train.reshape(300, -1) / 255) for x in (generated, held_out))
    assert found["index"].tolist() == every.argmin(1).tolist()
    np.testing.assert_allclose(found["distance"], every.min(1), rtol=1e-6)
    np.testing.assert_allclose(found["held_out"], usual.min(1), rtol=1e-6)
    assert found["ratio"] == pytest.approx(np.median(every.min(1)) / np.median(usual.min(1)))
    assert found["closer"] == (every.min(1) <= np.quantile(usual.min(1), 0.01)).mean()


def test_copies_are_told_from_new_images():
    held_out, train, new = pixels(1, 300), pixels(2, 600), pixels(3, 300)
    assert nearest_training(new, held_out, train)["verdict"] == "not memorized"
    copied = nearest_training(train[::2], held_out, train)
    assert copied["verdict"] == "memorized" and copied["ratio"] == 0 and copied["closer"] == 1
    assert copied["distance"].tolist() == [0] * 300 and copied["index"].tolist() == list(range(0, 600, 2))
    some = nearest_training(np.concatenate([train[:18], new[18:]]), held_out, train)
    assert some["verdict"] == "suspect" and some["closer"] >= 0.06
    few = nearest_training(np.concatenate([train[:60], new[60:]]), held_out, train)
    assert few["verdict"] == "memorized" and few["ratio"] > 0.7


def test_distances_go_in_chunks(monkeypatch):
    generated, train = np.random.default_rng(0).normal(size=(2, 50, 3))
    whole = nearest_training(generated, train, train)["index"]
    monkeypatch.setattr(memorization, "_CHUNK_DISTANCES", 170)
    np.testing.assert_array_equal(nearest_training(generated, train, train)["index"], whole)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [(((5, 2), (5, 2), (5, 3)), "of one shape"), (((0, 2), (5, 2), (5, 2)), "received")],
)
def test_wrong_input_is_named(shapes, message):
    with pytest.raises(ValueError, match=message):
        nearest_training(*map(np.zeros, shapes))
