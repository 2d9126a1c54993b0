"""Forecasters of linear maps and perceptrons, against the papers' formulas in NumPy."""

import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.export.convert import to_onnx
from zoo.utils.onnx_session import open_session

RANDOM = np.random.default_rng(0)
WINDOW = RANDOM.normal(size=(5, 20, 2)).astype("float32")


def built(name, **settings):
    """Return a model with random weights, and its output for the window."""
    model = zoo.build(name, input_shape=(20, 2), outputs=6, **settings)
    for weight in model.weights:
        positive = weight.path.endswith("moving_variance")
        weight.assign(RANDOM.uniform(0.5, 2, weight.shape) if positive else RANDOM.normal(0, 0.3, weight.shape))
    return model, np.array(model(WINDOW, training=False))


def weights(model, name):
    return [np.array(weight, float) for weight in model.get_layer(name).weights]


def dense(model, name, x):
    kernel, bias = weights(model, name)
    return x @ kernel + bias


def residual(model, name, x):
    y = dense(model, f"{name}_dense2", np.maximum(dense(model, f"{name}_dense1", x), 0))
    return y + dense(model, f"{name}_skip", x)


def layer_norm(model, name, x):
    gamma, beta = weights(model, name)
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


def test_dlinear_adds_a_map_of_the_trend_and_one_of_the_rest():
    model, got = built("dlinear", window=7)
    x = WINDOW.astype(float)
    padded = np.concatenate([np.repeat(x[:, :1], 3, 1), x, np.repeat(x[:, -1:], 3, 1)], axis=1)
    trend = np.stack([padded[:, i : i + 7].mean(axis=1) for i in range(20)], axis=1)
    kernel, bias = weights(model, "logits")
    parts = kernel.reshape(20, 4, 6)
    expected = np.einsum("bsc,sco->bo", x - trend, parts[:, :2]) + np.einsum("bsc,sco->bo", trend, parts[:, 2:]) + bias
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    assert model.count_params() == 2 * 20 * 2 * 6 + 6


def test_nlinear_starts_from_the_last_value():
    model, got = built("nlinear")
    last = WINDOW[:, -1:, :1].astype(float)
    expected = dense(model, "logits", (WINDOW - last).reshape(5, 40)) + last[:, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    assert model.count_params() == 40 * 6 + 6


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_tsmixer_mixes_steps_and_channels_in_turn(norm):
    model, got = built("tsmixer", depth=2, width=5, norm=norm)

    def normalized(name, x):
        flat = x.reshape(5, 40)
        if norm == "none":
            return x
        if norm == "layer":
            return layer_norm(model, f"{name}_norm", flat).reshape(x.shape)
        gamma, beta, mean, variance = weights(model, f"{name}_norm")
        return ((flat - mean) / np.sqrt(variance + 1e-3) * gamma + beta).reshape(x.shape)

    x = WINDOW.astype(float)
    for i in (1, 2):
        y = normalized(f"block{i}_steps", x).transpose(0, 2, 1)
        x = x + np.maximum(dense(model, f"block{i}_steps_dense", y), 0).transpose(0, 2, 1)
        y = np.maximum(dense(model, f"block{i}_channels_dense1", normalized(f"block{i}_channels", x)), 0)
        x = x + dense(model, f"block{i}_channels_dense2", y)
    np.testing.assert_allclose(got, dense(model, "logits", x[:, :, 0]), rtol=1e-4, atol=1e-4)


def test_tide_decodes_each_step_beside_a_linear_map():
    model, got = built("tide", width=7, encoder_depth=2, decoder_depth=2, decoder_width=3, step_width=4)
    x = WINDOW.reshape(5, 40).astype(float)
    for name in ("encoder1", "encoder2", "decoder1", "decoder2"):
        x = layer_norm(model, f"{name}_norm", residual(model, name, x))
    expected = residual(model, "step", x.reshape(5, 6, 3))[..., 0] + dense(model, "logits", WINDOW[:, :, 0])
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def interpolated(knots, steps):
    """Return what torch.nn.functional.interpolate gives with mode "linear"."""
    places = np.clip((np.arange(steps) + 0.5) * knots.shape[1] / steps - 0.5, 0, knots.shape[1] - 1)
    return np.stack([np.interp(places, np.arange(knots.shape[1]), row) for row in knots])


def test_nhits_adds_the_forecasts_of_blocks_that_each_see_what_is_left():
    model, got = built("nhits", pools=(3, 1), rates=(4, 1), blocks=2, widths=(7, 5))
    x, others = WINDOW[:, :, 0].astype(float), WINDOW[:, :, 1].astype(float)
    expected = x[:, -1:]
    for block, (pool, rate) in enumerate([(3, 4), (3, 4), (1, 1), (1, 1)], start=1):
        reverse = x[:, ::-1]
        pooled = np.stack([reverse[:, i : i + pool].max(axis=1) for i in range(0, 20, pool)][::-1], axis=1)
        hidden = np.concatenate([pooled, others], axis=1)
        for layer in (1, 2):
            hidden = np.maximum(dense(model, f"block{block}_dense{layer}", hidden), 0)
        if block == 4:
            expected = expected + dense(model, "logits", hidden)
            break
        x = x - dense(model, f"block{block}_backcast", hidden)
        knots = dense(model, f"block{block}_knots", hidden)
        assert knots.shape[1] == 6 // rate
        expected = expected + interpolated(knots, 6)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "shape", "settings", "message"),
    [
        ("dlinear", (None, 1), {}, "of known length"),
        ("dlinear", (20, 1), {"window": 4}, "odd number"),
        ("tide", (20,), {}, "needs a series"),
        ("nhits", (20, 1), {"pools": (2, 1), "rates": (1,)}, r"for each stack.*pools=\(2, 1\), rates=\(1,\)"),
        ("nhits", (20, 1), {"pools": (2, 1), "rates": (1, 2)}, "the last rate must be 1"),
    ],
)
def test_what_does_not_fit_is_refused(name, shape, settings, message):
    with pytest.raises((ValueError, zoo.ZooError), match=message):
        zoo.build(name, input_shape=shape, outputs=3, **settings)


@pytest.mark.parametrize("name", ["nlinear", "nhits"])
def test_window_and_forecast_need_one_unit(name, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "extends: [_base/forecasting, _base/adamw_cosine]\n"
        "data: {source: 'csv:a.csv', target: y, window: {history: 8, horizon: 3}}\n"
        f"preprocess: []\nmodel: {{name: {name}}}\ntraining: {{epochs: 2}}\n"
    )
    with pytest.raises(zoo.ZooError, match=f"preprocess: {name} adds the last value of a window to its forecast"):
        zoo.load_recipe(str(tmp_path / "a.yaml"))


@pytest.mark.parametrize("name", registry.list_models(family="forecaster"))
def test_a_series_of_one_channel_is_exported_for_any_number_of_examples(name):
    window = WINDOW[..., :1]
    model = zoo.build(name, input_shape=(20, 1), outputs=6)
    proto = to_onnx(model, ["x"], ["y"]).SerializeToString()
    for batch in (1, len(window)):
        found = open_session(proto).run(["y"], {"x": window[:batch]})[0]
        np.testing.assert_allclose(found, model(window[:batch], training=False), rtol=1e-4, atol=1e-5)
