import numpy as np
import onnxruntime
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.export.convert import to_onnx

RNG = np.random.default_rng(0)
TOKENS = {"input_shape": (None,), "vocabulary": 11}


def randomized(**config):
    model = registry.build("tcn", **config)
    model.set_weights([RNG.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def test_parameters():
    def block(features, width, kernel):
        convolutions = kernel * width * (features + width) + 2 * 2 * width
        return convolutions + (0 if features == width else features * width + width)

    assert registry.build("tcn").count_params() == block(28, 64, 3) + 3 * block(64, 64, 3) + 64 * 10 + 10
    model = registry.build("tcn", width=6, depth=2, kernel_size=2, embedding=6, outputs=3, **TOKENS)
    assert model.count_params() == 11 * 6 + 2 * block(6, 6, 2) + 6 * 3 + 3


@pytest.mark.parametrize(("kernel_size", "depth"), [(2, 1), (2, 3), (3, 2)])
def test_receptive_field_is_as_said(kernel_size, depth):
    field = 1 + 2 * (kernel_size - 1) * (2**depth - 1)
    model = randomized(input_shape=(None, 1), outputs=2, width=8, depth=depth, kernel_size=kernel_size, norm="none")
    x = np.zeros((1, field + 3, 1), "float32")
    expected = predict(model, x)
    for back in range(field + 3):
        other = x.copy()
        other[0, -1 - back] = 5.0
        assert (np.abs(predict(model, other) - expected).max() > 1e-6) == (back < field), back


@pytest.mark.parametrize("pool", ["last", "mean", "max"])
def test_padding_changes_nothing(pool):
    model = randomized(width=4, depth=2, pool=pool, **TOKENS)
    rows = [predict(model, np.array([[*range(4, 4 + n)]])) for n in range(1, 6)]
    tokens = np.array([[*range(4, 4 + n), *[0] * (9 - n)] for n in range(6)])
    found = predict(model, tokens)
    np.testing.assert_allclose(found[1:], np.concatenate(rows), atol=1e-5)
    np.testing.assert_allclose(found[0], model.get_layer("logits").get_weights()[1], atol=1e-6)


@pytest.mark.parametrize("every_step", [False, True])
def test_is_exported_for_any_length(every_step):
    model = randomized(width=4, depth=3, every_step=every_step, **TOKENS)
    session = onnxruntime.InferenceSession(to_onnx(model, ["tokens"], ["logits"]).SerializeToString())
    for steps in (1, 4, 12):
        tokens = np.array([[*(RNG.integers(4, 11, n)), *[0] * (steps - n)] for n in range(steps + 1)], "int32")
        np.testing.assert_allclose(
            session.run(None, {"tokens": tokens})[0], predict(model, tokens), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kernel_size": 1}, "kernel_size: must be at least 2"),
        ({"norm": "batch"}, "norm"),
        ({"input_shape": (8,)}, "tokens .* with a vocabulary"),
    ],
)
def test_impossible_settings_are_refused(config, message):
    with pytest.raises(ZooError, match=message):
        registry.build("tcn", **config)


@pytest.mark.parametrize(("steps", "depth"), [(61, 4), (62, 5), (500, 7)])
def test_by_default_the_last_step_sees_the_first(steps, depth):
    model = registry.build("tcn", input_shape=(steps, 1), outputs=2, width=4, norm="none")
    assert sum(layer.name.endswith("_add") for layer in model.layers) == depth
    series = np.random.default_rng(0).normal(size=(1, steps, 1)).astype("float32")
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(np.abs(weight))  # so that no unit is off
    changed = series.copy()
    changed[0, 0] += 1e6
    assert not np.array_equal(model(series), model(changed))
    shorter = registry.build("tcn", input_shape=(steps, 1), outputs=2, width=4, norm="none", depth=depth - 1)
    shorter.set_weights([np.abs(weight) for weight in shorter.get_weights()])
    if steps > 61:
        np.testing.assert_array_equal(np.array(shorter(series)), np.array(shorter(changed)))
