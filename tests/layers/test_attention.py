import keras
import numpy as np
import onnxruntime
import pytest
from in_ci import in_ci
from keras import ops

from zoo.export.convert import to_onnx
from zoo.layers.attention import Attention
from zoo.layers.positions import Rotations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 8)).astype("float32")
CONTEXT = RNG.normal(size=(3, 7, 6)).astype("float32")
VALID = np.arange(5) < np.array([[5], [3], [0]])
CONTEXT_VALID = np.arange(7) < np.array([[7], [2], [1]])


def randomized(layer, *arguments, **options):
    """Build the layer and make every weight random (biases too, which otherwise start at zero)."""
    layer(*arguments, **options)
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def call(layer, *arguments, **options):
    return ops.convert_to_numpy(layer(*arguments, **options))


def reference(layer, x, context=None, seen=None):
    """Compute attention in NumPy; `seen` is a boolean that fits `(batch, heads, steps, context steps)`."""
    query_kernel, query_bias, kv_kernel, kv_bias, out_kernel, out_bias = layer.get_weights()
    context = x if context is None else context
    width = x.shape[-1]

    def by_head(a):
        return a.reshape(*a.shape[:2], layer.heads, -1).transpose(0, 2, 1, 3)

    query = by_head(x @ query_kernel + query_bias)
    both = context @ kv_kernel + kv_bias
    key, value = by_head(both[..., :width]), by_head(both[..., width:])
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(width / layer.heads)
    if seen is not None:
        scores = np.where(seen, scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    mean = weights / weights.sum(-1, keepdims=True) @ value
    return mean.transpose(0, 2, 1, 3).reshape(x.shape) @ out_kernel + out_bias


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_equals_numpy(heads):
    layer = randomized(Attention(heads), X)
    np.testing.assert_allclose(call(layer, X), reference(layer, X), rtol=1e-4, atol=1e-4)


def test_causal_and_padded_equals_numpy():
    layer = randomized(Attention(2, causal=True), X)
    earlier = np.tril(np.ones((5, 5), bool))
    np.testing.assert_allclose(call(layer, X), reference(layer, X, seen=earlier), rtol=1e-4, atol=1e-4)
    seen = earlier & VALID[:, None, None, :]
    expected = reference(layer, X[:2], seen=seen[:2])
    np.testing.assert_allclose(call(layer, X, valid=VALID)[:2], expected, rtol=1e-4, atol=1e-4)


def test_context_equals_numpy():
    layer = randomized(Attention(2), X, CONTEXT)
    assert layer.count_params() == 8 * 8 + 8 + 6 * 16 + 16 + 8 * 8 + 8
    got = call(layer, X, CONTEXT, valid=CONTEXT_VALID)
    expected = reference(layer, X, CONTEXT, CONTEXT_VALID[:, None, None, :])
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("causal", [False, True])
def test_equals_keras_with_the_same_weights(causal):
    layer = randomized(Attention(2, causal=causal), X)
    theirs = keras.layers.MultiHeadAttention(2, 4)
    theirs(X, X)
    query_kernel, query_bias, kv_kernel, kv_bias, out_kernel, out_bias = layer.get_weights()
    theirs.set_weights(
        [
            query_kernel.reshape(8, 2, 4),
            query_bias.reshape(2, 4),
            kv_kernel[:, :8].reshape(8, 2, 4),
            kv_bias[:8].reshape(2, 4),
            kv_kernel[:, 8:].reshape(8, 2, 4),
            kv_bias[8:].reshape(2, 4),
            out_kernel.reshape(2, 4, 8),
            out_bias,
        ]
    )
    assert theirs.count_params() == layer.count_params()
    expected = call(theirs, X, X, attention_mask=VALID[:2, None, :].repeat(5, 1)[[0, 1, 0]], use_causal_mask=causal)
    np.testing.assert_allclose(call(layer, X, valid=VALID[[0, 1, 0]]), expected, rtol=1e-4, atol=1e-4)


def test_padding_has_no_influence_at_all():
    layer = randomized(Attention(2), X)
    other = np.where(VALID[..., None], X, 1e3).astype("float32")
    a, b = call(layer, X, valid=VALID), call(layer, other, valid=VALID)
    np.testing.assert_array_equal(a[VALID], b[VALID])
    np.testing.assert_allclose(call(layer, X[1:2, :3]), a[1:2, :3], rtol=1e-5, atol=1e-5)


def test_a_row_of_padding_gives_the_bias_alone():
    layer = randomized(Attention(2), X)
    np.testing.assert_allclose(call(layer, X, valid=VALID)[2], np.tile(layer.get_weights()[-1], (5, 1)), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_row_of_padding_gives_finite_values_and_gradients(dtype):
    layer = Attention(2, dtype=dtype)
    assert np.isfinite(call(layer, X, valid=VALID).astype("float32")).all()
    inputs, valid = keras.Input((5, 8)), keras.Input((5,), dtype="bool")
    model = keras.Model([inputs, valid], layer(inputs, valid=valid))
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False)
    model.train_on_batch([X, VALID], np.zeros_like(X))
    assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # over a single step
@pytest.mark.parametrize("causal", in_ci([False, True], but=[True]))
def test_onnx_of_any_batch_and_length(causal):
    inputs, context = keras.Input((None, 8)), keras.Input((None, 6))
    valid = keras.Input((None,), dtype="bool")
    rotations = Rotations(4)(inputs)
    y = Attention(2, causal=causal, name="own")(inputs, rotations=rotations)
    y = Attention(2, name="other")(y, context, valid=valid)
    model = keras.Model([inputs, context, valid], y)
    session = onnxruntime.InferenceSession(to_onnx(model, ["x", "c", "v"], ["y"], opset=18).SerializeToString())
    for rows, steps, context_steps in ((3, 5, 7), (1, 1, 1), (2, 4, 3)):
        given = (X[:rows, :steps], CONTEXT[:rows, :context_steps], CONTEXT_VALID[:rows, :context_steps])
        got = session.run(None, dict(zip(("x", "c", "v"), given, strict=True)))[0]
        np.testing.assert_allclose(got, call(model, list(given)), rtol=0, atol=1e-5)


def test_is_rebuilt_with_its_weights(tmp_path):
    inputs, context = keras.Input((None, 8)), keras.Input((None, 6))
    model = keras.Model([inputs, context], Attention(4, causal=True)(Attention(2)(inputs, context)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(call(loaded, [X, CONTEXT]), call(model, [X, CONTEXT]))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="width=8, heads=3"):
        Attention(3)(X)
