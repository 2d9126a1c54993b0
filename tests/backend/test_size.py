import keras
import numpy as np
import pytest

from zoo import registry
from zoo.backend.size import count_flops, count_parameters
from zoo.errors import ZooError


def test_dense():
    inputs = keras.Input((30,))
    model = keras.Model(inputs, keras.layers.Dense(20)(inputs))
    assert count_flops(model) == 2 * 30 * 20 + 20


def test_convolution():
    inputs = keras.Input((10, 12, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(8, 3, strides=1, padding="valid")(inputs))
    positions = 8 * 10 * 8
    assert count_flops(model) == 2 * positions * 3 * 3 * 3 + positions


def test_several_inputs():
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((6,), name="b")}
    both = keras.layers.Concatenate()(list(inputs.values()))
    assert count_flops(keras.Model(inputs, keras.layers.Dense(5, use_bias=False)(both))) == 2 * 10 * 5


def test_prints_nothing(capfd):
    count_flops(registry.build("cnn", widths=(4,), depth=1))
    out, err = capfd.readouterr()
    assert "deprecated" not in err
    assert not out


def test_open_shape_is_refused():
    inputs = keras.Input((None, 3))
    with pytest.raises(ZooError, match="input shape is open"):
        count_flops(keras.Model(inputs, keras.layers.Dense(2)(inputs)))


def test_backend_without_a_profiler_is_refused(monkeypatch):
    model = registry.build("mlp", widths=(2,))
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ZooError, match="torch backend; use tensorflow or jax"):
        count_flops(model)


@pytest.mark.parametrize("name", ["resnet20", "vit_tiny", "lstm"])
def test_frozen_layers_count_and_stay_frozen(name):
    model = registry.build(name)
    expected = count_parameters(model)
    assert expected == sum(np.prod(v.shape) for v in model.trainable_variables)
    for layer in model.layers:
        layer.trainable = layer.name == "logits"
    head = [v.path for v in model.trainable_variables]
    assert count_parameters(model) == expected
    assert [v.path for v in model.trainable_variables] == head and len(head) == 2


def test_a_model_in_a_model_counts_once():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(2)(inner(x)))
    inner.layers[0].trainable = False
    assert count_parameters(model) == 3 * 4 + 4 + 2 * 4 + 4 * 2 + 2
    inner.trainable = False
    assert count_parameters(model) == 3 * 4 + 4 + 2 * 4 + 4 * 2 + 2 and not inner.trainable
