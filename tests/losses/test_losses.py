"""Losses by name: regression, what every loss of every task must do, and what Keras logs of them."""

import keras
import numpy as np
import pytest
from keras import ops
from pydantic import TypeAdapter

from zoo.losses import build_loss
from zoo.recipe.losses import Loss
from zoo.tasks import TASKS

RNG = np.random.default_rng(0)
VALUES, ERRORS = RNG.normal(size=(2, 64, 1)).astype(np.float32)
CLASSES = 4


def built(settings, **options):
    return build_loss(TypeAdapter(Loss).validate_python(settings), **options)


def example(kind, name=""):
    """Return targets and outputs of a small batch, for one loss where its outputs have a form of their own."""

    def logits(*shape):
        return RNG.normal(size=shape).astype("float32")

    numbers = logits(3, 2), logits(3, 2)
    tokens = np.array([[2, 1, 3, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "int32"), logits(3, 4, CLASSES)
    images = RNG.uniform(size=(2, 3, 4, 4, 1)).astype("float32")
    return {
        "reconstruction": tuple(images),
        "anomaly": tuple(images),
        "classification": (np.eye(CLASSES, dtype="float32")[[0, 3, 1]], logits(3, CLASSES)),
        "multi_label": (RNG.integers(0, 2, (4, CLASSES)).astype("float32"), logits(4, CLASSES)),
        "regression": numbers,
        "forecasting": numbers,
        "tokens": tokens,
        "sequences": tokens,
        "transcription": (tokens[0], logits(3, 9, CLASSES)),
        "segmentation": (RNG.integers(0, CLASSES, (3, 8, 4)).astype("uint8"), logits(3, 8, 4, CLASSES)),
        "detection": (
            np.array(
                [[[0.1, 0.2, 0.6, 0.9, 1], [0, 0, 0, 0, -1]], [[0, 0, 1, 1, 3], [0.4, 0.4, 0.5, 0.5, 0]]], "float32"
            ),
            logits(2, 8, 4, CLASSES + 4),
        ),
        # two views, each with the logits of its whole and of a crop, and then the teacher's
        "dino": (np.array([0, 3, 0, 1], "int32"), np.abs(logits(4, 2, 3, 5))),
        # four examples in two views each; the last feature is also the mask of hidden patches
        "representation": (np.array([0, 3, 0, 1], "int32"), np.abs(logits(4, 2, 5))),
    }[name if name == "dino" else kind]


# models that make images compute their losses themselves: see test_adversarial.py and test_diffusion_training.py
LOSSES = sorted({(t.kind, name) for t in TASKS.values() if t.kind != "generation" for name in t.losses})
ONCE = {name: (kind, name) for kind, name in reversed(LOSSES)}


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_loss_against_scikit_learn(quantile):
    from sklearn.metrics import mean_pinball_loss

    found = built({"name": "quantile", "quantile": quantile})(VALUES, VALUES + ERRORS)
    assert float(found) == pytest.approx(mean_pinball_loss(VALUES, VALUES + ERRORS, alpha=quantile), rel=1e-5)


@pytest.mark.parametrize("delta", [0.3, 1.0, 5.0])
def test_huber(delta):
    error = np.abs(ERRORS)
    expected = np.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta)).mean()
    found = built({"name": "huber", "delta": delta})(VALUES, VALUES + ERRORS)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_squared_and_absolute_error():
    output = VALUES + ERRORS
    assert float(built({"name": "mean_squared_error"})(VALUES, output)) == pytest.approx((ERRORS**2).mean(), rel=1e-5)
    absolute = float(built({"name": "mean_absolute_error"})(VALUES, output))
    assert absolute == pytest.approx(np.abs(ERRORS).mean(), rel=1e-5)


def test_every_loss_of_the_recipes_serves_a_task():
    named = {part.model_fields["name"].annotation.__args__[0] for part in Loss.__origin__.__args__}
    assert named == {name for task in TASKS.values() for name in task.losses}


QUICK = ("categorical_crossentropy", "mean_squared_error", "masked_crossentropy", "pixel_crossentropy", "supcon")


def mark_of(kind, name):
    return pytest.mark.slow if (kind, name) != ONCE[name] else [] if name in QUICK else pytest.mark.ci


@pytest.mark.parametrize(
    ("kind", "name"),  # each loss with one kind of task, and with the others where there is time
    [pytest.param(*one, marks=mark_of(*one)) for one in LOSSES],
)
def test_every_loss_of_every_task_is_one_finite_number_that_training_lowers(kind, name):
    """The outputs are the weights: gradient descent on the outputs themselves."""
    y, output = example(kind, name)
    loss = built({"name": name}, kind=kind)
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(output[0].size), keras.layers.Reshape(output.shape[1:])]
    )
    model.compile(keras.optimizers.SGD(0.05), loss, jit_compile=False)
    x = np.linspace(-1, 1, len(y))[:, None]
    history = model.fit(x, y, batch_size=len(y), epochs=20, shuffle=False, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < history[0]
    assert all(np.isfinite(w).all() for w in model.get_weights())
    value = float(ops.convert_to_numpy(loss(y, model(x, training=False))))
    assert model.evaluate(x, y, batch_size=len(y), verbose=0) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_every_loss_of_every_task_survives_its_configuration(kind, name):
    y, output = example(kind, name)
    loss = built({"name": name}, kind=kind)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert float(again(y, output)) == float(loss(y, output))
    assert loss.name == name


@pytest.mark.parametrize(("kind", "name"), LOSSES)
def test_every_loss_takes_whole_numbers_and_half_precision(kind, name):
    y, output = example(kind, name)
    loss = built({"name": name}, kind=kind)
    half = ops.convert_to_tensor(output, "float16")
    exact = float(loss(y, ops.convert_to_numpy(half).astype("float32")))
    assert float(loss(y, half)) == pytest.approx(exact, rel=1e-6)
    if y.dtype.kind in "iu":
        assert float(loss(y.astype("int64"), output)) == float(loss(y, output))


def test_an_epochs_loss_weighs_each_batch_by_its_examples():
    """Keras's mean: a batch of the same size with fewer tokens counts as much as the others."""
    y = np.array([[1, 2, 3], [1, 0, 0], [2, 0, 0]], "int32")
    x = RNG.normal(size=(3, 3, CLASSES)).astype("float32")
    inputs = keras.Input((3, CLASSES))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    loss = built({"name": "masked_crossentropy"})
    model.compile(loss=loss, jit_compile=False)
    first, last = float(loss(y[:2], x[:2])), float(loss(y[2:], x[2:]))
    assert model.evaluate(x, y, batch_size=2, verbose=0) == pytest.approx((2 * first + last) / 3, rel=1e-5)


def test_weights_of_single_examples_are_refused():
    y, output = example("tokens")
    with pytest.raises(ValueError, match="masked_crossentropy is one number for the whole batch"):
        built({"name": "masked_crossentropy"})(y, output, sample_weight=np.ones(3))
