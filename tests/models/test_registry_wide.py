"""What every registered builder must do, with every option of its settings. A new builder is tested here by itself."""

import typing
from functools import cache

import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.layers.head import features, with_head
from zoo.tasks import TASKS

SHAPES = {"image": (32, 32, 3), "table": (8,)}
BATCH, OUTPUTS = 2, 3
SLOW = ("resnet34", "resnet50")  # same code as resnet18


def cases():
    """Yield each builder with its defaults, then with each other option of each of its settings."""
    for name in registry.list_models():
        yield pytest.param(name, {}, id=name)
        hints, defaults = typing.get_type_hints(registry.builder(name)), registry.defaults(name)
        for key, default in defaults.items():
            options = (True, False) if hints[key] is bool else typing.get_args(hints[key])
            if hints[key] is not bool and typing.get_origin(hints[key]) is not typing.Literal:
                continue
            for option in options:
                if option != default:
                    marks = [pytest.mark.slow] if name in SLOW else []
                    yield pytest.param(name, {key: option}, id=f"{name}-{key}={option}", marks=marks)


@cache
def example(name):
    """Return a small batch: inputs and targets."""
    task = TASKS[registry.entry(name).tasks[0]]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, *SHAPES[task.inputs[0]])).astype("float32")
    if task.kind == "classification":
        return x, rng.integers(0, OUTPUTS, BATCH)
    return x, rng.normal(size=(BATCH, OUTPUTS)).astype("float32")


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


@pytest.mark.parametrize(("name", "config"), cases())
def test_train_save_load_and_change_the_head(name, config, tmp_path):
    x, y = example(name)
    model = registry.build(name, input_shape=x.shape[1:], outputs=OUTPUTS, **config)
    assert model.name == name

    classifies = y.dtype.kind == "i"
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classifies else "mean_squared_error"
    model.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True, jit_compile=False)
    before = [w.copy() for w in model.get_weights()]
    assert np.isfinite(model.train_on_batch(x, y))
    assert any((w != b).any() for w, b in zip(model.get_weights(), before, strict=True))

    trained = predict(model, x)
    assert trained.shape == (BATCH, OUTPUTS)
    assert np.isfinite(trained).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    np.testing.assert_array_equal(predict(loaded, x), trained)

    pooled = features(model)
    assert len(pooled.output_shape) == 2
    new = with_head(model, 5, dropout=0.1)
    assert new.output_shape == (None, 5)
    assert {id(w) for w in pooled.weights} == {id(w) for w in model.weights} & {id(w) for w in new.weights}
    logits = new.get_layer("logits")
    expected = predict(pooled, x) @ ops.convert_to_numpy(logits.kernel) + ops.convert_to_numpy(logits.bias)
    np.testing.assert_allclose(predict(new, x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", registry.list_models())
def test_builds_with_its_defaults(name):
    found = registry.entry(name)
    model = registry.build(name)
    assert model.input_shape == (None, *found.input_shape)
    assert model.output_shape == (None, found.outputs)
    assert found.summary.endswith(".")
    assert found.paper
    assert set(found.tasks) <= set(TASKS)
