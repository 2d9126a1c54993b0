import numpy as np
import onnx
import onnxruntime
import pytest
from in_ci import in_ci
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.export.convert import to_onnx

TOKENS = {"input_shape": (None,), "vocabulary": 11}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 3)).astype("float32")


def randomized(name, **config):
    model = registry.build(name, **config)
    model.set_weights([RNG.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_simple_network_equals_numpy():
    model = randomized("rnn", input_shape=(5, 3), outputs=2, units=4)
    kernel, recurrent, bias = model.get_layer("layer1").get_weights()
    state = np.zeros((2, 4))
    for step in range(5):
        state = np.tanh(X[:, step] @ kernel + state @ recurrent + bias)
    out, shift = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(predict(model, X), state @ out + shift, atol=1e-5)


def test_gated_recurrent_unit_equals_numpy():
    """Cho et al. (2014), equations 5 to 8, with the reset gate after the recurrent kernel."""
    model = randomized("gru", input_shape=(5, 3), outputs=2, units=4, every_step=True)
    kernel, recurrent, (bias, recurrent_bias) = model.get_layer("layer1").get_weights()
    out, shift = model.get_layer("logits").get_weights()
    state, expected = np.zeros((2, 4)), []
    for step in range(5):
        z, r, h = np.split(X[:, step] @ kernel + bias, 3, axis=1)
        z_state, r_state, h_state = np.split(state @ recurrent + recurrent_bias, 3, axis=1)
        z, r = sigmoid(z + z_state), sigmoid(r + r_state)
        state = z * state + (1 - z) * np.tanh(h + r * h_state)
        expected.append(state @ out + shift)
    np.testing.assert_allclose(predict(model, X), np.stack(expected, axis=1), atol=1e-5)


@pytest.mark.parametrize(("name", "gates", "biases"), [("rnn", 1, 1), ("gru", 3, 2), ("lstm", 4, 1)])
def test_parameters(name, gates, biases):
    def layer(features, units):
        return gates * units * (features + units + biases)

    head = 128 * 10 + 10
    assert registry.build(name).count_params() == layer(28, 128) + head
    assert registry.build(name, layers=2).count_params() == layer(28, 128) + layer(128, 128) + head
    model = registry.build(name, units=6, embedding=5, outputs=3, **TOKENS)
    assert model.count_params() == 11 * 5 + layer(5, 6) + 6 * 3 + 3
    both = {"name": "bilstm"} if name == "lstm" else {"name": name, "bidirectional": True}
    model = registry.build(**both, input_shape=(None, 5), units=6, layers=2, outputs=3)
    assert model.count_params() == 2 * layer(5, 6) + 2 * layer(12, 6) + 12 * 3 + 3


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "bilstm"])
def test_images_are_read_row_by_row(name):
    images = RNG.normal(size=(2, 4, 3, 2)).astype("float32")
    a = randomized(name, input_shape=(4, 3, 2), units=5)
    b = registry.build(name, input_shape=(4, 6), units=5)
    b.set_weights(a.get_weights())
    np.testing.assert_array_equal(predict(a, images), predict(b, images.reshape(2, 4, 6)))


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "tcn"])
def test_an_output_does_not_depend_on_later_tokens(name):
    sizes = {"width": 4} if name == "tcn" else {"units": 4, "layers": 2}
    model = randomized(name, every_step=True, **sizes, **TOKENS)
    a = np.array([[4, 5, 6, 7, 8, 9]])
    b = np.array([[4, 5, 6, 10, 1, 0]])
    found_a, found_b = predict(model, a), predict(model, b)
    np.testing.assert_allclose(found_a[:, :3], found_b[:, :3], atol=1e-6)
    assert (np.abs(found_a[:, 3] - found_b[:, 3]) > 1e-3).any()


def test_both_directions_see_the_whole_sequence():
    model = randomized("gru", bidirectional=True, every_step=True, units=4, **TOKENS)
    a, b = predict(model, np.array([[4, 5, 6]])), predict(model, np.array([[4, 5, 7]]))
    assert (np.abs(a - b).max(axis=-1) > 1e-3).all()


@pytest.mark.parametrize("bidirectional", in_ci([False, True], but=[True]))
@pytest.mark.parametrize("every_step", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_gru_is_exported_as_the_operator(bidirectional, every_step):
    model = randomized("gru", bidirectional=bidirectional, every_step=every_step, units=4, layers=2, **TOKENS)
    proto = to_onnx(model, ["tokens"], ["logits"])
    onnx.checker.check_model(proto, full_check=True)
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds.count("GRU") == 2 * (1 + bidirectional)
    assert "Loop" not in kinds
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    for steps in (1, 6):
        tokens = np.array([[*range(4, 4 + n), *[0] * (steps - n)] for n in range(steps + 1)], "int32")
        np.testing.assert_allclose(session.run(None, {"tokens": tokens})[0], predict(model, tokens), atol=1e-5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"input_shape": (8,)}, "tokens .* with a vocabulary"),
        ({"input_shape": (8, 3), "vocabulary": 5}, "tokens need the shape"),
        ({"units": 0}, "units: must be at least 1"),
        ({"dropout": 1.0}, "dropout: must be"),
        ({"pool": "first"}, "pool"),
    ],
)
@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "bilstm"])
def test_impossible_settings_are_refused(name, config, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **config)
