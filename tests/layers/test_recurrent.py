"""Recurrent layers against Keras's own with a mask, and attention against its formulas."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.attention_recurrent import attend
from zoo.layers.recurrent import GRU, LSTM, GRUCell, ReversedSteps, pool_steps, recurrent

STEPS, FEATURES, UNITS = 5, 3, 4
LENGTHS = np.arange(STEPS + 1)
VALID = np.arange(STEPS) < LENGTHS[:, None]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(len(LENGTHS), STEPS, FEATURES)).astype("float32")

OURS = {
    "lstm": lambda name: LSTM(UNITS, return_sequences=True, name=name),
    "gru": lambda name: GRU(GRUCell(UNITS, name="cell"), return_sequences=True, name=name),
    "rnn": lambda name: keras.layers.SimpleRNN(UNITS, return_sequences=True, name=name),
}
KERAS = {
    "lstm": lambda: keras.layers.LSTM(UNITS, return_sequences=True),
    "gru": lambda: keras.layers.GRU(UNITS, return_sequences=True),
    "rnn": lambda: keras.layers.SimpleRNN(UNITS, return_sequences=True),
}


def stacked(cell, layers, bidirectional, masked=True, pools=("last", "mean", "max")):
    """Build a model with every weight random (biases too, which start at zero)."""
    x = keras.Input((None, FEATURES))
    valid = keras.Input((None,), dtype="bool")
    mask = {"valid": valid} if masked else {}
    y = recurrent(x, OURS[cell], layers=layers, bidirectional=bidirectional, dropout=0.1, **mask)
    pooled = [pool_steps(y, p, bidirectional=bidirectional, name=p, **mask) for p in pools]
    model = keras.Model([x, valid] if masked else x, [y, *pooled])
    model.set_weights([RNG.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def reference(model, cell, layers, bidirectional, x, valid):
    """Return every step's outputs of Keras's layers, with the model's weights and a mask."""
    for i in range(1, layers + 1):
        theirs = KERAS[cell]()
        names = [f"layer{i}"]
        if bidirectional:
            theirs = keras.layers.Bidirectional(theirs)
            names = [f"layer{i}_forward", f"layer{i}_backward"]
        theirs.build(x.shape)
        theirs.set_weights([w for name in names for w in model.get_layer(name).get_weights()])
        x = theirs(x, mask=valid)
    return ops.convert_to_numpy(x)


def numpy(outputs):
    return [ops.convert_to_numpy(y) for y in outputs]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", OURS)
def test_equals_keras_with_a_mask(cell, bidirectional, layers):
    model = stacked(cell, layers, bidirectional)
    y, last, mean, maximum = numpy(model([X, VALID]))
    expected = reference(model, cell, layers, bidirectional, X, VALID) * VALID[:, :, None]
    np.testing.assert_allclose(y, expected, atol=1e-6)
    for row, length in enumerate(LENGTHS):
        if not length:
            assert not np.any([last[row], mean[row], maximum[row]])
            continue
        forward, backward = expected[row, length - 1, :UNITS], expected[row, 0, UNITS:]
        np.testing.assert_allclose(last[row], np.concatenate([forward, backward]), atol=1e-6)
        np.testing.assert_allclose(mean[row], expected[row, :length].mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(maximum[row], expected[row, :length].max(axis=0), atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", OURS)
def test_without_padding_equals_keras(cell, bidirectional):
    model = stacked(cell, 2, bidirectional, masked=False)
    y, last, mean, maximum = numpy(model(X))
    expected = reference(model, cell, 2, bidirectional, X, None)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_allclose(last[:, :UNITS], expected[:, -1, :UNITS], atol=1e-6)
    np.testing.assert_allclose(last[:, UNITS:], expected[:, 0, UNITS:], atol=1e-6)
    np.testing.assert_allclose(mean, expected.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(maximum, expected.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_depend_neither_on_padding_values_nor_on_its_length(bidirectional):
    model = stacked("lstm", 2, bidirectional)
    expected = numpy(model([X, VALID]))
    other = np.where(VALID[:, :, None], X, 9.0).astype("float32")
    longer = np.pad(other, [(0, 0), (0, 3), (0, 0)], constant_values=-5.0)
    found = numpy(model([longer, np.pad(VALID, [(0, 0), (0, 3)])]))
    np.testing.assert_allclose(found[0][:, :STEPS], expected[0], atol=1e-6)
    assert not found[0][:, STEPS:].any()
    for a, b in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_reversed_steps():
    expected = X.copy()
    for row, length in enumerate(LENGTHS):
        expected[row, :length] = X[row, :length][::-1]
    np.testing.assert_array_equal(ops.convert_to_numpy(ReversedSteps()(X, VALID)), expected)
    np.testing.assert_array_equal(ops.convert_to_numpy(ReversedSteps()(X)), X[:, ::-1])


def test_dropout_is_between_layers():
    names = [layer.name for layer in stacked("rnn", 3, False).layers]
    assert [name for name in names if "dropout" in name] == ["layer2_dropout", "layer3_dropout"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_loaded_layers_are_the_same(cell, tmp_path):
    model = stacked(cell, 1, True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for a, b in zip(numpy(loaded([X, VALID])), numpy(model([X, VALID])), strict=True):
        np.testing.assert_array_equal(a, b)
    if cell == "lstm":
        assert loaded.get_layer("layer1_forward").use_cudnn is False


# --- attention ----------------------------------------------------------------------------------------------------


def softmax(scores):
    e = np.exp(scores - scores.max())
    return e / e.sum()


@pytest.mark.parametrize("kind", ["dot", "general", "additive"])
def test_attention_equals_its_formula(kind):
    queries, memory = keras.Input((None, UNITS)), keras.Input((None, UNITS))
    valid = keras.Input((None,), dtype="bool")
    model = keras.Model([queries, memory, valid], attend(queries, memory, valid, kind))
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    q = RNG.normal(size=(len(LENGTHS), 2, UNITS)).astype("float32")
    m = (RNG.normal(size=(len(LENGTHS), STEPS, UNITS)) * VALID[:, :, None]).astype("float32")
    found = ops.convert_to_numpy(model([q, m, VALID]))

    def score(query, key):
        if kind == "dot":
            return query @ key
        w = model.get_layer("attention_keys").get_weights()[0]
        if kind == "general":
            return query @ (key @ w)
        kernel, bias = model.get_layer("attention_queries").get_weights()
        return np.tanh(query @ kernel + bias + key @ w) @ model.get_layer("attention_scores").get_weights()[0][:, 0]

    for row, length in enumerate(LENGTHS):
        for step in range(2):
            expected = np.zeros(UNITS)
            if length:
                weights = softmax(np.array([score(q[row, step], m[row, s]) for s in range(length)]))
                expected = weights @ m[row, :length]
            np.testing.assert_allclose(found[row, step], expected, atol=1e-5)
