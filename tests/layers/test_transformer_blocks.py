import math

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.patches import ClassToken, Patches, embed_patches, embed_windows
from zoo.layers.stochastic_depth import StochasticDepth
from zoo.layers.tied_embedding import TiedEmbedding
from zoo.layers.transformer import BlockOptions, TokenPooling, mlp_branch, transformer_blocks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 6)).astype("float32")
MEMORY = RNG.normal(size=(2, 3, 6)).astype("float32")


def call(layer, *arguments, **options):
    return ops.convert_to_numpy(layer(*arguments, **options))


def randomized(model):
    model.set_weights([RNG.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    return model


def weights(model, layer):
    return [ops.convert_to_numpy(w) for w in model.get_layer(layer).weights]


def normalized(x, kind, *parameters):
    if kind == "rms":
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * parameters[0]
    scale, shift = parameters
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * scale + shift


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def silu(x):
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize("norm", ["layer", "rms"])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_block_equals_the_formula(norm, norm_position):
    """Pre: x + branch(norm(x)), and a norm at the end; post: norm(x + branch(x))."""
    inputs, memory = keras.Input((5, 6)), keras.Input((3, 6))
    options = BlockOptions(norm, norm_position)
    model = randomized(
        keras.Model(
            [inputs, memory],
            transformer_blocks(inputs, options, depth=1, heads=2, mlp_ratio=1.5, causal=True, memory=memory),
        )
    )

    def attend(x):
        return call(model.get_layer("block1_attention"), x)

    def remember(x):
        return call(model.get_layer("block1_memory"), x, MEMORY)

    def feed(x):
        (kernel1, bias1), (kernel2, bias2) = weights(model, "block1_mlp_dense1"), weights(model, "block1_mlp_dense2")
        return gelu(x @ kernel1 + bias1) @ kernel2 + bias2

    x = X
    for name, branch in (("attention", attend), ("memory", remember), ("mlp", feed)):
        parameters = weights(model, f"block1_{name}_norm")
        if norm_position == "pre":
            x = x + branch(normalized(x, norm, *parameters).astype("float32"))
        else:
            x = normalized(x + branch(x.astype("float32")), norm, *parameters)
    if norm_position == "pre":
        x = normalized(x, norm, *weights(model, "blocks_norm"))
    assert ("blocks_norm" in [layer.name for layer in model.layers]) == (norm_position == "pre")
    np.testing.assert_allclose(call(model, [X, MEMORY]), x, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "activation"), [("gelu", gelu), ("relu", lambda x: np.maximum(x, 0)), ("swiglu", None)]
)
def test_feed_forward_branch_equals_numpy(kind, activation):
    inputs = keras.Input((5, 6))
    model = randomized(keras.Model(inputs, mlp_branch(inputs, 12, kind, name="mlp")))
    (kernel1, bias1), (kernel2, bias2) = weights(model, "mlp_dense1"), weights(model, "mlp_dense2")
    hidden = X @ kernel1 + bias1
    hidden = hidden[..., :8] * silu(hidden[..., 8:]) if kind == "swiglu" else activation(hidden)
    np.testing.assert_allclose(call(model, X), hidden @ kernel2 + bias2, rtol=1e-4, atol=1e-4)


def test_swiglu_has_as_many_parameters_as_gelu():
    inputs = keras.Input((96,))
    counts = [
        sum(w.size for w in keras.Model(inputs, mlp_branch(inputs, 384, kind, name="mlp")).get_weights() if w.ndim > 1)
        for kind in ("gelu", "swiglu")
    ]
    assert counts[0] == counts[1] == 2 * 96 * 384


def test_dropout_and_stochastic_depth_stand_at_the_end_of_each_branch():
    inputs = keras.Input((5, 6))
    options = BlockOptions(dropout=0.1, stochastic_depth=0.2)
    model = keras.Model(inputs, transformer_blocks(inputs, options, depth=3, heads=2, mlp_ratio=2.0))
    depth = {layer.name: layer.rate for layer in model.layers if isinstance(layer, StochasticDepth)}
    assert depth == {
        f"block{i}_{part}_stochastic_depth": 0.1 * (i - 1) for i in (2, 3) for part in ("attention", "mlp")
    }
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.1] * 6
    assert (call(model, X, training=True) != call(model, X, training=True)).any()
    np.testing.assert_array_equal(call(model, X, training=False), call(model, X, training=False))


def test_pooling_over_the_steps_that_are_no_padding():
    valid = np.array([[True, True, False, False, False], [False] * 5])
    pooled = call(TokenPooling("mean"), X, valid)
    np.testing.assert_allclose(pooled[0], X[0, :2].mean(0), atol=1e-6)
    np.testing.assert_array_equal(pooled[1], 0)
    np.testing.assert_allclose(call(TokenPooling("mean"), X), X.mean(1), atol=1e-6)
    np.testing.assert_array_equal(call(TokenPooling("first"), X, valid), X[:, 0])


def test_patches_are_squares_of_the_image_row_by_row():
    images = np.arange(2 * 4 * 6 * 3, dtype="float32").reshape(2, 4, 6, 3)
    patches = call(Patches(2), images)
    assert patches.shape == (2, 6, 12)
    for row in range(2):
        for column in range(3):
            square = images[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_array_equal(patches[:, 3 * row + column], square.reshape(2, 12))


def test_patch_embedding_equals_the_convolution():
    inputs = keras.Input((8, 12, 3))
    model = randomized(keras.Model(inputs, embed_patches(inputs, 4, 5)))
    kernel, bias = weights(model, "patches_embedding")
    images = RNG.normal(size=(2, 8, 12, 3)).astype("float32")
    wanted = ops.convert_to_numpy(ops.conv(images, kernel.reshape(4, 4, 3, 5), strides=4)) + bias
    np.testing.assert_allclose(call(model, images), wanted.reshape(2, 6, 5), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("steps", "size", "stride", "windows"), [(12, 4, 4, 3), (12, 4, 2, 5), (13, 4, 4, 4), (3, 4, 2, 1), (7, 1, 1, 7)]
)
def test_windows_end_at_the_last_step(steps, size, stride, windows):
    inputs = keras.Input((steps, 2))
    model = randomized(keras.Model(inputs, embed_windows(inputs, size, stride, 5)))
    kernel, bias = weights(model, "patches_embedding")
    x = RNG.normal(size=(2, steps, 2)).astype("float32")
    padded = np.concatenate([np.zeros((2, size, 2)), x], 1)
    ends = [padded.shape[1] - stride * i for i in reversed(range(windows))]
    wanted = [padded[:, end - size : end].reshape(2, -1) @ kernel.reshape(-1, 5) + bias for end in ends]
    assert ends[0] - size <= size
    np.testing.assert_allclose(call(model, x), np.stack(wanted, 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(9, 8, 1), (8, 10, 1)])
def test_patches_must_tile_the_image(shape):
    with pytest.raises(ValueError, match=r"patch=4, input_shape=\(\d+, \d+, 1\)"):
        embed_patches(keras.Input(shape), 4, 6)


@pytest.mark.parametrize("shape", [(None, 8, 1), (8, 8)])
def test_patches_need_an_image_of_known_size(shape):
    with pytest.raises(ValueError, match="needs images"):
        embed_patches(keras.Input(shape), 4, 6)


def test_windows_need_a_known_length():
    with pytest.raises(ValueError, match=r"Received: input_shape=\(None, 2\)"):
        embed_windows(keras.Input((None, 2)), 4, 2, 6)


def test_class_token_is_first():
    layer = ClassToken()
    y = call(layer, X)
    assert y.shape == (2, 6, 6)
    np.testing.assert_array_equal(y[:, 1:], X)
    np.testing.assert_array_equal(y[:, 0], np.tile(ops.convert_to_numpy(layer.token)[0], (2, 1)))


def test_tied_embedding_uses_one_matrix_both_ways():
    layer = TiedEmbedding(9, 4, outputs=7)
    tokens = np.array([[1, 8, 0]])
    vectors = call(layer, tokens)
    (matrix,) = layer.get_weights()
    np.testing.assert_array_equal(vectors, matrix[tokens])
    np.testing.assert_allclose(call(layer, vectors, to_logits=True), vectors @ matrix[:7].T, atol=1e-6)
    with pytest.raises(ValueError, match="outputs=10, more than vocabulary=9"):
        TiedEmbedding(9, 4, outputs=10)
