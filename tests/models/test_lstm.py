import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.export.convert import to_onnx
from zoo.postprocessing.decoding import beam_search, greedy
from zoo.tasks import END, START

TOKENS = {"input_shape": (None,), "vocabulary": 11}
RNG = np.random.default_rng(0)


def randomized(name, **config):
    model = registry.build(name, **config)
    model.set_weights(
        [RNG.uniform(0.5, 1.5, v.shape) if "variance" in v.path else RNG.normal(0, 0.5, v.shape) for v in model.weights]
    )
    return model


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def padded(steps):
    """Return tokens of every length from none to all steps."""
    return np.array([[*range(4, 4 + n), *[0] * (steps - n)] for n in range(steps + 1)], "int32")


def exported(model, inputs):
    proto = to_onnx(model, inputs, ["logits"])
    onnx.checker.check_model(proto, full_check=True)
    return onnxruntime.InferenceSession(proto.SerializeToString()), [node.op_type for node in proto.graph.node]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_forward_pass_equals_numpy():
    """Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000)."""
    model = randomized("lstm", input_shape=(5, 3), outputs=2, units=4)
    x = RNG.normal(size=(2, 5, 3)).astype("float32")
    kernel, recurrent, bias = model.get_layer("layer1").get_weights()
    state = cell = np.zeros((2, 4))
    for step in range(5):
        enter, keep, new, leave = np.split(x[:, step] @ kernel + state @ recurrent + bias, 4, axis=1)
        cell = sigmoid(keep) * cell + sigmoid(enter) * np.tanh(new)
        state = sigmoid(leave) * np.tanh(cell)
    out, shift = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(predict(model, x), state @ out + shift, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm", "bilstm"])
def test_forget_bias(name):
    for start in (False, True):
        model = registry.build(name, units=3, forget_bias=start)
        for layer in model.layers:
            if isinstance(layer, keras.layers.LSTM):
                np.testing.assert_array_equal(layer.get_weights()[2], [0] * 3 + [start] * 3 + [0] * 6)


@pytest.mark.parametrize("every_step", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "operators"), [("lstm", 2), pytest.param("bilstm", 4, marks=pytest.mark.ci)])
def test_is_exported_as_the_operator(name, operators, every_step):
    """With any number of examples and any length, empty rows included, and never as a loop."""
    model = randomized(name, units=4, layers=2, every_step=every_step, **TOKENS)
    session, kinds = exported(model, ["tokens"])
    assert kinds.count("LSTM") == operators
    assert not {"Loop", "Scan", "If"} & set(kinds)
    for tokens in (padded(6), padded(3), padded(1), padded(5)[2:3]):
        np.testing.assert_allclose(session.run(None, {"tokens": tokens})[0], predict(model, tokens), atol=1e-5)


@pytest.mark.slow
def test_remembers_the_first_token():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.integers(4, 11, (512, 12))
    model = registry.build("lstm", units=32, embedding=8, outputs=7, **TOKENS)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), loss, metrics=["accuracy"], jit_compile=False)
    model.fit(x, x[:, 0] - 4, batch_size=64, epochs=150, verbose=0)
    fresh = rng.integers(4, 11, (200, 12))
    assert model.evaluate(fresh, fresh[:, 0] - 4, verbose=0)[1] > 0.95


# --- sequence to sequence -----------------------------------------------------------------------------------------


def seq2seq(**config):
    return randomized("seq2seq_lstm", outputs=9, units=4, embedding=3, **config, **TOKENS)


def pair(steps=5):
    source = padded(steps)
    return source, np.tile(np.array([[START, 4, 5, 6]], "int32"), (len(source), 1))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("attention", "weights"), [("dot", 0), ("general", 16), ("additive", 16 + 16 + 4 + 4)])
def test_seq2seq_parameters(attention, weights, bidirectional, layers):
    def lstm(features):
        return 4 * 4 * (features + 4 + 1)

    width, directions = (8, 2) if bidirectional else (4, 1)
    embeddings = 11 * 3 + 9 * 3
    encoder = directions * (lstm(3) + (layers - 1) * lstm(width)) + (8 * 4 if bidirectional else 0)
    decoder = lstm(3) + (layers - 1) * lstm(4) + layers * 2 * (width * 4 + 4)
    top = 8 * 4 + 4 * 9 + 9
    model = seq2seq(attention=attention, bidirectional=bidirectional, layers=layers)
    assert model.count_params() == embeddings + encoder + decoder + weights + top


@pytest.mark.parametrize("attention", ["dot", "general", "additive"])
def test_seq2seq_ignores_padding_and_the_target_to_come(attention):
    model = seq2seq(attention=attention, layers=2)
    source, target = pair()
    expected = predict(model, [source, target])
    assert expected.shape == (6, 4, 9)
    assert np.isfinite(expected).all()
    longer = predict(model, [np.pad(source, [(0, 0), (0, 3)]), target])
    np.testing.assert_allclose(longer, expected, atol=1e-6)
    other = target.copy()
    other[:, 3] = 8
    np.testing.assert_allclose(predict(model, [source, other])[:, :3], expected[:, :3], atol=1e-6)
    np.testing.assert_allclose(predict(model, [source, target[:, :2]]), expected[:, :2], atol=1e-6)


def test_seq2seq_sees_every_source_step():
    model = seq2seq(attention="dot")
    source, target = pair()
    expected = predict(model, [source, target])[-1]
    for step in range(5):
        other = source[-1:].copy()
        other[0, step] = 10
        assert (np.abs(predict(model, [other, target[-1:]])[0] - expected).max(axis=-1) > 1e-4).all()


@pytest.mark.parametrize(
    "attention", [*(pytest.param(n, marks=pytest.mark.slow) for n in ("dot", "general")), "additive"]
)
@pytest.mark.ci
def test_seq2seq_is_exported_with_the_operator(attention):
    model = seq2seq(attention=attention)
    session, kinds = exported(model, ["source", "target"])
    assert kinds.count("LSTM") == 3
    assert "Loop" not in kinds
    source, target = pair()
    for s, t in ((source, target), (source[:2, :3], target[:2, :1])):
        found = session.run(None, {"source": s, "target": t})[0]
        np.testing.assert_allclose(found, predict(model, [s, t]), atol=1e-5)


@pytest.mark.slow
def test_seq2seq_learns_to_reverse():
    keras.utils.set_random_seed(0)
    lengths = RNG.integers(1, 5, 1000)
    source = (RNG.integers(4, 10, (1000, 4)) * (np.arange(4) < lengths[:, None])).astype("int32")
    target = np.zeros((1000, 6), "int32")
    target[:, 0] = START
    for row, length in enumerate(lengths):
        target[row, 1 : length + 2] = [*source[row, :length][::-1], END]
    model = registry.build("seq2seq_lstm", input_shape=(None,), vocabulary=10, outputs=10, units=32, embedding=16)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    model.fit([source[:900], target[:900, :-1]], target[:900, 1:], batch_size=50, epochs=25, verbose=0)

    def step(rows, tokens):
        return predict(model, [source[900:][rows], tokens])[:, -1]

    expected = np.where(target[900:, 1:] == END, 0, target[900:, 1:])
    assert (greedy(step, 100, most=5) == expected).all(axis=1).mean() > 0.9
    assert (beam_search(step, 100, most=5, width=3) == expected).all(axis=1).mean() > 0.9


def test_seq2seq_needs_tokens():
    with pytest.raises(ZooError, match=r"needs tokens with a vocabulary. Received: input_shape=\(8,\)"):
        registry.build("seq2seq_lstm", input_shape=(8,))
    with pytest.raises(ZooError, match="tokens need the shape"):
        registry.build("seq2seq_lstm", input_shape=(8, 3), vocabulary=9)


# --- CRNN ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "widths", "columns"), [((16, 20), (4, 6, 8), 5), ((9, 23), (4, 6), 5), ((3, 8), (4,), 4)]
)
def test_crnn_gives_one_output_for_four_pixels(size, widths, columns):
    model = randomized("crnn", input_shape=(*size, 1), widths=widths, units=5, outputs=7)
    images = RNG.normal(size=(2, *size, 1)).astype("float32")
    assert predict(model, images).shape == (2, columns, 7)
    wide = registry.build("crnn", input_shape=(size[0], None, 1), widths=widths, units=5, outputs=7)
    wide.set_weights(model.get_weights())
    np.testing.assert_allclose(predict(wide, images), predict(model, images), atol=1e-5)


def test_crnn_parameters():
    def lstm(features):
        return 2 * 4 * 5 * (features + 5 + 1)

    model = registry.build("crnn", input_shape=(16, 20, 1), widths=(4, 6, 8), depth=2, units=5, outputs=7, norm="none")
    stages = (9 * 1 + 1 + 9 * 4 + 1) * 4 + (9 * 4 + 1 + 9 * 6 + 1) * 6 + (9 * 6 + 1 + 9 * 8 + 1) * 8
    columns = 2 * 8 * 8 + 8  # two rows are left
    assert model.count_params() == stages + columns + lstm(8) + lstm(10) + 10 * 7 + 7


def test_crnn_is_exported_for_any_width():
    model = randomized("crnn", input_shape=(8, None, 1), widths=(4, 6), units=5, outputs=7)
    session, kinds = exported(model, ["image"])
    assert "LSTM" in kinds
    assert "Loop" not in kinds
    for width in (4, 12, 33):
        images = RNG.normal(size=(3, 8, width, 1)).astype("float32")
        np.testing.assert_allclose(session.run(None, {"image": images})[0], predict(model, images), atol=1e-5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"input_shape": (None, 32, 1)}, "of a fixed height"),
        ({"input_shape": (32, 32)}, "needs images"),
        ({"input_shape": (15, 32, 1)}, r"16 pixels of height and 4 of width .* Received: input_shape=\(15, 32, 1\)"),
        ({"input_shape": (32, 3, 1)}, "4 of width"),
        ({"widths": ()}, "needs a stage"),
    ],
)
def test_crnn_refuses_what_is_too_small(config, message):
    with pytest.raises(ZooError, match=message):
        registry.build("crnn", **config)
