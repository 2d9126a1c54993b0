"""Networks for tables, against the papers' formulas in NumPy; members of one network have a loss each."""

from itertools import pairwise

import keras
import numpy as np
import pytest

import zoo
from zoo.layers.adapted import adapting
from zoo.layers.members import MemberDense
from zoo.layers.numeric_embedding import PiecewiseLinearEmbedding
from zoo.layers.robust_scale import RobustScaleSmoothClip

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(6, 4)).astype("float32")
TABM = {"members": 3, "width": 5, "depth": 2, "embedding": 2}


def built(name, **settings):
    """Return a model with random weights but for the bins, adapted to some rows."""
    model = zoo.build(name, input_shape=(4,), outputs=3, **settings)
    for weight in model.trainable_weights:
        weight.assign(RANDOM.normal(0, 0.5, weight.shape))
    with adapting(model):
        model(RANDOM.normal(size=(50, 4)).astype("float32"))
    return model


def weights(model, name):
    return [np.array(weight, float) for weight in model.get_layer(name).weights]


def encoded(values, edges):
    """Return the piecewise linear encoding of numbers, by the paper's formula."""
    found = np.empty((len(values), len(edges) - 1))
    for i, (lower, upper) in enumerate(pairwise(edges)):
        part = (values - lower) / (upper - lower)
        part = part if i == 0 else np.maximum(part, 0)
        found[:, i] = part if i == len(edges) - 2 else np.minimum(part, 1)
    return found


def test_numbers_are_embedded_linearly_between_quantiles():
    layer = PiecewiseLinearEmbedding(bins=4, width=3)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layer(inputs))
    examples = np.column_stack([RANDOM.normal(size=40), RANDOM.integers(0, 2, 40), np.ones(40)]).astype("float32")
    with adapting(model):
        model(examples)
    layer.kernel.assign(RANDOM.normal(size=layer.kernel.shape))
    scale, bias, kernel = (np.array(w, float) for w in (layer.scale, layer.bias, layer.kernel))
    x = np.array([[-9, 0, 1], [0.1, 1, 1], [9, 0.25, 5]])
    quantiles = np.quantile(examples[:, 0].astype(float), [0, 0.25, 0.5, 0.75, 1])
    expected = x[..., None] * scale + bias
    expected[:, 0] += encoded(x[:, 0], quantiles) @ kernel[0]
    expected[:, 1] += encoded(x[:, 1], [0.0, 1.0]) @ kernel[1, :1]  # two values make one bin, one value none
    np.testing.assert_allclose(np.array(model(x.astype("float32"))), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bins", [0, 3])
def test_tabm_is_the_mean_of_perceptrons_with_shared_kernels(bins):
    model = built("tabm", bins=bins, **TABM)
    x = ROWS.astype(float)
    if bins:
        x = np.array(model.get_layer("embedding")(ROWS), float).reshape(6, 8)
    members = []
    for i in range(3):
        y = x
        for layer in ("layer1_dense", "layer2_dense"):
            kernel, r, s, bias = weights(model, layer)
            y = np.maximum((y * r[i]) @ kernel * s[i] + bias[i], 0)
        kernel, bias = weights(model, "logits")
        members.append(y @ kernel[i] + bias[i])
    np.testing.assert_allclose(np.array(model(ROWS)), np.mean(members, axis=0), rtol=1e-4, atol=1e-4)
    model.get_layer("layer1_dropout").rate = model.get_layer("layer2_dropout").rate = 0.0
    np.testing.assert_allclose(np.array(model(ROWS, training=True)), np.stack(members, axis=1), rtol=1e-4, atol=1e-4)


def test_each_member_has_a_loss_of_its_own():
    model = built("tabm", bins=0, dropout=0.0, **TABM)
    y = np.eye(3, dtype="float32")[RANDOM.integers(0, 3, 6)]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    members, mean = np.array(model(ROWS, training=True)), np.array(model(ROWS))
    expected = np.mean([float(loss(y, members[:, i])) for i in range(3)])
    got = model.train_on_batch(ROWS, y, return_dict=True)
    assert got["loss"] == pytest.approx(expected, rel=1e-5)
    assert got["accuracy"] == pytest.approx((mean.argmax(1) == y.argmax(1)).mean())
    after = np.array(model(ROWS))
    assert model.test_on_batch(ROWS, y, return_dict=True)["loss"] == pytest.approx(float(loss(y, after)), rel=1e-5)


@pytest.mark.parametrize(("scale", "values"), [("ones", {1.0}), ("signs", {-1.0, 1.0})])
def test_members_start_with_scales_of_their_own(scale, values):
    layer = MemberDense(16, 3, scale)
    layer.build((None, 16, 8))
    assert set(np.array(layer.r).ravel()) == values
    assert (np.array(layer.bias) == np.array(layer.bias)[0]).all() and (np.array(layer.s) == 1).all()
    chunked = MemberDense(16, 3, "normal", 4)
    chunked.build((None, 16, 8))
    r = np.array(chunked.r).reshape(16, 2, 4)
    assert (r == r[..., :1]).all() and len(np.unique(r)) == 32


def test_tab_resnet_adds_perceptrons():
    model = built("tab_resnet", width=5, depth=2, hidden=2.0)

    def normalized(name, x):
        gamma, beta, mean, variance = weights(model, name)
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    def dense(name, x):
        kernel, bias = weights(model, name)
        return x @ kernel + bias

    x = dense("dense", ROWS.astype(float))
    for i in (1, 2):
        y = np.maximum(dense(f"block{i}_dense1", normalized(f"block{i}_norm", x)), 0)
        x = x + dense(f"block{i}_dense2", y)
    expected = dense("logits", np.maximum(normalized("norm", x), 0))
    np.testing.assert_allclose(np.array(model(ROWS)), expected, rtol=1e-4, atol=1e-4)


def test_ft_transformer_does_not_depend_on_the_order_of_features():
    model = built("ft_transformer", width=8, depth=2, heads=2)
    expected = np.array(model(ROWS))
    order = [2, 0, 3, 1]
    embedding = model.get_layer("embedding")
    for weight in (embedding.scale, embedding.bias):
        weight.assign(np.array(weight)[order])
    np.testing.assert_allclose(np.array(model(ROWS[:, order])), expected, rtol=1e-4, atol=1e-4)
    assert not np.allclose(np.array(model(ROWS)), expected, atol=1e-3)


@pytest.mark.parametrize("name", ["tabm", "tab_resnet", "ft_transformer"])
def test_what_is_no_vector_is_refused(name):
    with pytest.raises((ValueError, zoo.ZooError), match="needs the features of a table"):
        zoo.build(name, input_shape=(4, 2), outputs=3)


def test_numbers_are_scaled_by_quartiles_and_clipped_smoothly():
    layer = RobustScaleSmoothClip()
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layer(inputs))
    examples = np.column_stack([RANDOM.normal(3, 2, 41), [0] * 35 + [1, 5] * 3, [7] * 41]).astype("float32")
    with adapting(model):
        model(examples)
    x = np.array([[-50, 0, 7], [3, 2.5, 9], [4.5, 5, -9]])
    low, median, high = np.percentile(examples.astype(float), [25, 50, 75], axis=0)
    scaled = (x - median) / [high[0] - low[0], 2.5, np.inf]  # half the range; a constant tells nothing
    expected = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    np.testing.assert_allclose(np.array(model(x.astype("float32"))), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("embedding", [0, 3])
@pytest.mark.parametrize("activation", ["selu", "mish"])
def test_realmlp_is_the_formula_of_its_paper(embedding, activation):
    model = built("realmlp", width=6, depth=2, embedding=embedding, frequencies=5, activation=activation)
    median, factor = weights(model, "robust_scale")
    x = (ROWS - median) * factor
    x = x / np.sqrt(1 + (x / 3) ** 2)
    if embedding:
        frequency, phase, kernel, bias = weights(model, "embedding")
        waves = np.cos(2 * np.pi * x[..., None] * frequency + phase)
        mapped = np.einsum("bfn,fnw->bfw", waves, kernel) + bias
        x = np.concatenate([mapped, x[..., None]], -1).reshape(len(x), -1)
    x = x * (1 + 6 * weights(model, "feature_scale")[0])
    for i in (1, 2):
        kernel, bias = weights(model, f"layer{i}_dense")
        x = x @ kernel / np.sqrt(x.shape[1]) + 0.1 * bias
        selu = 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
        curve = selu if activation == "selu" else x * np.tanh(np.log1p(np.exp(x)))
        x = x + (1 + 0.1 * weights(model, f"layer{i}_activation")[0]) * (curve - x)
    kernel, bias = weights(model, "logits")
    np.testing.assert_allclose(np.array(model(ROWS)), x @ kernel / np.sqrt(6) + bias, rtol=1e-4, atol=1e-4)


def test_realmlp_begins_with_unit_variance_and_no_opinion():
    model = zoo.build("realmlp", input_shape=(50,), outputs=3, width=400, embedding=0)
    rows = RANDOM.normal(size=(300, 50)).astype("float32")
    before = keras.Model(model.input, model.get_layer("layer1_dense").output)
    assert np.array(before(rows)).std() == pytest.approx(np.sqrt(1 + 1), rel=0.15)  # of the kernel and of the bias
    assert not np.array(model(rows)).any()
