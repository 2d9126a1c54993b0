"""Learning rates and starts that go by the depth of a layer."""

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter

from zoo import registry
from zoo.errors import ZooError
from zoo.optimization.depth import heights
from zoo.optimization.optimizers import build_optimizer
from zoo.recipe.optimizers import Optimizer

RATE = 0.1
BUILDERS = {
    "vit_tiny": ({"input_shape": (8, 8, 1), "patch": 4, "width": 12, "depth": 3, "heads": 3}, 5),
    "cnn": ({"input_shape": (8, 8, 1), "widths": [4, 6], "depth": 2}, 5),
    "resnet20": ({"input_shape": (8, 8, 1)}, 11),
    "mlp": ({"input_shape": (8,), "widths": [4, 4]}, 3),
    "lstm": ({"input_shape": (5, 2)}, 2),
}


def build(name):
    settings, units = BUILDERS[name]
    keras.utils.set_random_seed(0)
    return registry.build(name, outputs=3, **settings), units


def optimizer_of(model, *, steps=10, epochs=20, **given):
    settings = TypeAdapter(Optimizer).validate_python({"name": "sgd", "learning_rate": RATE, **given})
    return build_optimizer(settings, model, steps, epochs)


def moved(model, optimizer):
    """Return how far a step with gradients of one moves each variable."""
    before = [np.array(v) for v in model.trainable_variables]
    gradients = [keras.ops.ones(v.shape) for v in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)
    return [float((b - np.array(v)).mean()) for b, v in zip(before, model.trainable_variables, strict=True)]


@pytest.mark.parametrize("name", BUILDERS)
def test_heights(name):
    model, units = build(name)
    height = heights(model)
    assert set(height) == {id(v) for v in model.trainable_variables}
    assert set(height.values()) == set(range(units))
    assert {height[id(v)] for v in model.get_layer("logits").trainable_variables} == {0}
    first = next(layer for layer in model.layers if layer.trainable_variables)
    assert {height[id(v)] for v in first.trainable_variables} == {units - 1}
    along = [height[id(v)] for v in model.trainable_variables]
    assert along == sorted(along, reverse=True)  # deeper layers never come later


@pytest.mark.parametrize("nested", [False, True])
def test_layer_decay(nested):
    model, _ = build("vit_tiny")
    if nested:
        inputs = keras.Input(model.input_shape[1:])
        model = keras.Model(inputs, model(inputs))
    height, optimizer = heights(model), optimizer_of(model, layer_decay=0.5)
    assert float(optimizer.learning_rate) == pytest.approx(RATE)  # what is logged is the head's
    found = moved(model, optimizer)
    np.testing.assert_allclose(found, [RATE * 0.5 ** height[id(v)] for v in model.trainable_variables], rtol=1e-4)


@pytest.mark.parametrize("decay", [None, 0.5])
def test_gradual_unfreezing(decay):
    model, units = build("vit_tiny")
    height = heights(model)
    given = {} if decay is None else {"layer_decay": decay}
    optimizer = optimizer_of(model, steps=2, epochs=20, unfreeze_epochs=1, **given)
    for step in range(2 * units):
        found = moved(model, optimizer)
        for variable, distance in zip(model.trainable_variables, found, strict=True):
            h = height[id(variable)]
            expected = RATE * (decay or 1) ** h if step >= 2 * h else 0.0
            assert distance == pytest.approx(expected, rel=1e-3, abs=1e-7)


def test_a_schedule_is_scaled():
    model, _ = build("mlp")
    schedule = {"schedule": "cosine", "peak": RATE}
    optimizer = optimizer_of(model, steps=10, epochs=1, learning_rate=schedule, layer_decay=0.5)
    height = heights(model)
    for step in range(5):
        found = moved(model, optimizer)
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / 10))
        expected = [rate * 0.5 ** height[id(v)] for v in model.trainable_variables]
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_network_that_would_never_learn_as_a_whole_is_refused():
    model, _ = build("vit_tiny")
    with pytest.raises(ZooError, match=r"unfreeze_epochs: 3 for each of the 5 units .* in 12 epochs"):
        optimizer_of(model, epochs=12, unfreeze_epochs=3)


def test_it_survives_its_configuration():
    model, _ = build("mlp")
    optimizer = optimizer_of(model, layer_decay=0.5, unfreeze_epochs=1)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    again.build(model.trainable_variables)
    np.testing.assert_allclose(moved(model, again), moved(model, optimizer), rtol=1e-6)
