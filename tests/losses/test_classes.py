"""Losses of classes against their formulas in NumPy, scikit-learn and Keras."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops
from pydantic import TypeAdapter, ValidationError
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from zoo.errors import ZooError
from zoo.losses import balanced_weights, build_loss
from zoo.recipe.losses import Loss

RNG = np.random.default_rng(0)
LOGITS = (3 * RNG.normal(size=(64, 7))).astype(np.float32)
NUMBERS = RNG.integers(0, 7, 64)
CLASSES = np.eye(7, dtype=np.float32)[NUMBERS]
BLENDED = 0.3 * CLASSES + 0.7 * CLASSES[::-1]
WEIGHTS = [0.5, 2.0, 1.0, 0.0, 3.0, 1.0, 0.25]
PIXELS = RNG.integers(0, 7, (2, 4, 3)).astype("uint8")
PIXEL_LOGITS = (3 * RNG.normal(size=(2, 4, 3, 7))).astype("float32")
WEIGHTED = ["categorical_crossentropy", "binary_crossentropy", "focal"]


def built(settings, **options):
    return build_loss(TypeAdapter(Loss).validate_python(settings), **options)


def loss(settings, y, output, **options):
    return float(built(settings, **options)(y, output))


def each(name, y, output):
    """Return the loss of each example, by its formula."""
    if name == "binary_crossentropy":
        p = expit(output.astype("float64"))
        return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1)
    log_p = log_softmax(output.astype("float64"), axis=-1)
    return -(y * log_p * ((1 - np.exp(log_p)) ** 2 if name == "focal" else 1)).sum(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_cross_entropy_with_label_smoothing(smoothing):
    """Szegedy et al. (2016), section 7."""
    expected = each("categorical_crossentropy", (1 - smoothing) * CLASSES + smoothing / 7, LOGITS).mean()
    found = loss({"name": "categorical_crossentropy", "label_smoothing": smoothing}, CLASSES, LOGITS)
    assert found == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_of_blended_targets_and_of_extreme_logits():
    expected = -(BLENDED * log_softmax(LOGITS, axis=1)).sum(axis=1).mean()
    assert loss({"name": "categorical_crossentropy"}, BLENDED, LOGITS) == pytest.approx(expected, rel=1e-5)
    extreme = loss({"name": "categorical_crossentropy"}, CLASSES[:1], 1e4 * (1 - CLASSES[:1]))
    assert extreme == pytest.approx(1e4 + np.log(6), rel=1e-5)


def test_sparse_cross_entropy_takes_the_most_likely_class():
    settings = {"name": "sparse_categorical_crossentropy"}
    expected = log_loss(NUMBERS, softmax(LOGITS.astype("float64"), axis=1), labels=range(7))
    assert loss(settings, CLASSES, LOGITS) == pytest.approx(expected, rel=1e-5)
    assert loss(settings, 0.4 * CLASSES + 0.1, LOGITS) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy(smoothing):
    """Each class is a question of its own, and smoothing moves the answer towards one half."""
    expected = each("binary_crossentropy", (1 - smoothing) * CLASSES + smoothing / 2, LOGITS).mean()
    found = loss({"name": "binary_crossentropy", "label_smoothing": smoothing}, CLASSES, LOGITS)
    assert found == pytest.approx(expected, rel=1e-5)
    extreme = loss({"name": "binary_crossentropy"}, CLASSES[:1], 1e4 * (1 - 2 * CLASSES[:1]))
    assert extreme == pytest.approx(1e4, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [0.25, 1.0])
def test_focal_equals_keras(gamma, alpha):
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=alpha, gamma=gamma, from_logits=True, label_smoothing=0.1)
    found = loss({"name": "focal", "gamma": gamma, "alpha": alpha, "label_smoothing": 0.1}, CLASSES, LOGITS)
    assert found == pytest.approx(float(theirs(CLASSES, LOGITS)), rel=1e-4)


def test_focal_without_focus_is_cross_entropy():
    settings = {"name": "focal", "gamma": 0.0}
    assert loss(settings, BLENDED, LOGITS) == pytest.approx(
        loss({"name": "categorical_crossentropy"}, BLENDED, LOGITS), rel=1e-5
    )


def test_focal_holds_back_what_is_easy():
    """Figure 1 of the paper: at p = 0.9 a hundredth of the cross-entropy with gamma 2."""
    logits = np.log(np.array([[0.9, 0.1]], "float32"))
    found = loss({"name": "focal"}, np.array([[1.0, 0.0]]), logits)
    assert found == pytest.approx(0.01 * -np.log(0.9), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_has_finite_slopes_at_certain_answers(gamma):
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(7, kernel_initializer="identity")])
    model.compile(keras.optimizers.SGD(1e-3), built({"name": "focal", "gamma": gamma}), jit_compile=False)
    sure = 1e3 * np.concatenate([CLASSES[:4], 1 - CLASSES[:4]])
    assert np.isfinite(model.train_on_batch(sure, np.concatenate([CLASSES[:4], CLASSES[:4]])))
    assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.parametrize("name", WEIGHTED)
def test_class_weights_multiply_each_example(name):
    """The mean is over the examples, not over the weights; a blended target has the blend of the weights."""
    settings = {"name": name, "class_weights": WEIGHTS}
    for y in (CLASSES, BLENDED):
        expected = (each(name, y, LOGITS) * (y @ np.array(WEIGHTS))).mean()
        assert loss(settings, y, LOGITS) == pytest.approx(expected, rel=1e-4)


def test_class_weights_are_those_of_keras():
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(7, kernel_initializer="identity")])
    plain = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), plain, jit_compile=False)
    theirs = model.train_on_batch(LOGITS, CLASSES, class_weight=dict(enumerate(WEIGHTS)))
    found = loss({"name": "categorical_crossentropy", "class_weights": WEIGHTS}, CLASSES, LOGITS)
    assert found == pytest.approx(float(theirs), rel=1e-4)


@pytest.mark.parametrize("name", WEIGHTED)
def test_balanced_weights_come_from_the_caller(name):
    weights = balanced_weights(np.bincount(NUMBERS, minlength=7))
    found = loss({"name": name, "class_weights": "balanced"}, CLASSES, LOGITS, class_weights=weights)
    expected = loss({"name": name, "class_weights": [float(w) for w in weights]}, CLASSES, LOGITS)
    assert found == pytest.approx(expected, rel=1e-6)
    unweighted = loss({"name": name}, CLASSES, LOGITS, class_weights=weights)
    assert unweighted == loss({"name": name}, CLASSES, LOGITS)
    with pytest.raises(ValueError, match="class_weights: balanced needs the weights"):
        built({"name": name, "class_weights": "balanced"})


def test_balanced_weights_are_those_of_scikit_learn():
    expected = compute_class_weight("balanced", classes=np.arange(7), y=NUMBERS)
    np.testing.assert_allclose(balanced_weights(np.bincount(NUMBERS)), expected, rtol=1e-6)
    np.testing.assert_array_equal(balanced_weights([6, 0, 2]), np.array([8 / 18, 0, 8 / 6], "float32"))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=9).filter(any))
@settings(max_examples=50, deadline=None)
def test_balanced_classes_weigh_the_same_together(counts):
    together = balanced_weights(counts) * np.array(counts)
    np.testing.assert_allclose(together[np.array(counts) > 0], sum(counts) / len(counts), rtol=1e-5)


def test_weights_for_another_number_of_classes_are_refused():
    with pytest.raises(ZooError, match=r"loss.class_weights: 3 numbers for 7 classes"):
        loss({"name": "focal", "class_weights": [1.0, 2.0, 1.0]}, CLASSES, LOGITS)


@pytest.mark.parametrize("weights", [[], [1.0, -1.0], [float("inf")], "even", [True], 2.0])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValidationError):
        TypeAdapter(Loss).validate_python({"name": "categorical_crossentropy", "class_weights": weights})


@pytest.mark.parametrize("name", ["pixel_crossentropy", "focal"])
def test_pixels_are_examples(name):
    """The same values as for the pixels in one row with one-hot targets."""
    settings = {"name": name, "class_weights": WEIGHTS, "label_smoothing": 0.1}
    flat = {**settings, "name": "focal" if name == "focal" else "categorical_crossentropy"}
    found = loss(settings, PIXELS, PIXEL_LOGITS, kind="segmentation")
    expected = loss(flat, np.eye(7)[PIXELS.ravel()], PIXEL_LOGITS.reshape(-1, 7))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [*WEIGHTED, "sparse_categorical_crossentropy"])
@given(arrays("float32", (3, 5), elements=st.floats(-1e4, 1e4, width=32)), st.integers(0, 4))
@settings(max_examples=30, deadline=None)
def test_never_negative_nor_infinite(name, logits, number):
    found = loss({"name": name}, np.eye(5)[[number] * 3], logits)
    assert np.isfinite(found)
    assert found >= 0


def test_weights_reach_the_outputs():
    """A class of weight 0 moves nothing."""
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(7, kernel_initializer="identity")])
    settings = {"name": "categorical_crossentropy", "class_weights": WEIGHTS}
    model.compile(keras.optimizers.SGD(1.0), built(settings), jit_compile=False)
    ignored, counted = NUMBERS == 3, NUMBERS == 4
    before = ops.convert_to_numpy(model.layers[0].kernel)
    model.train_on_batch(LOGITS[ignored], CLASSES[ignored])
    np.testing.assert_array_equal(ops.convert_to_numpy(model.layers[0].kernel), before)
    model.train_on_batch(LOGITS[counted], CLASSES[counted])
    assert (ops.convert_to_numpy(model.layers[0].kernel) != before).any()
