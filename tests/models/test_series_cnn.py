"""Convolutions on series: MiniRocket's features by the paper's formulas, and the sizes of the other networks."""

from itertools import combinations

import keras
import numpy as np
import onnxruntime
import pytest

import zoo
from zoo.export.convert import to_onnx
from zoo.layers.adapted import adapting
from zoo.layers.minirocket import MiniRocketFeatures, dilations_of

RANDOM = np.random.default_rng(0)


def convolved(series, chosen, dilation, channels):
    """Return one kernel's convolution of `(steps, channels)`: 2 at the chosen places, -1 elsewhere, zeros around."""
    added = series[:, channels].sum(axis=1)
    padded = np.concatenate([np.zeros(4 * dilation), added, np.zeros(4 * dilation)])
    return sum(
        (2 if place in chosen else -1) * padded[place * dilation : place * dilation + len(added)] for place in range(9)
    )


def proportions(layer, series):
    """Return the features of one series in the layer's order, from its thresholds and channels."""
    kernels = list(combinations(range(9), 3))
    found = []
    for i, dilation in enumerate(layer.dilations):
        for parity in (0, 1):
            for number in range(parity, 84, 2):
                channels = np.flatnonzero(np.array(layer.channels)[i, :, number])
                values = convolved(series, kernels[number], dilation, channels)
                if (number + i) % 2:
                    values = values[4 * dilation : len(values) - 4 * dilation]
                found += [np.mean(values > threshold) for threshold in np.array(layer.thresholds[i])[number]]
    return np.array(found)


@pytest.mark.parametrize(
    ("steps", "features", "most", "dilations", "counts"),
    [  # as aeon 1.6 computes them
        (50, 10, 32, [1, 2, 3, 4, 5, 6], [4, 2, 1, 1, 1, 1]),
        (101, 10, 32, [1, 2, 3, 4, 5, 7, 9, 12], [3, 1, 1, 1, 1, 1, 1, 1]),
        (9, 3, 32, [1], [3]),
    ],
)
def test_dilations_are_spread_on_a_logarithmic_scale(steps, features, most, dilations, counts):
    assert dilations_of(steps, features, most) == (dilations, counts)


@pytest.mark.parametrize(("steps", "channels"), [(30, 1), (41, 3), (9, 2)])
def test_minirocket_counts_steps_above_thresholds(steps, channels):
    layer = MiniRocketFeatures(300)
    layer.build((None, steps, channels))
    for thresholds in layer.thresholds:
        thresholds.assign(RANDOM.normal(0, 4, thresholds.shape))
    series = RANDOM.normal(size=(4, steps, channels)).astype("float32")
    expected = np.array([proportions(layer, each) for each in series.astype(float)])
    got = np.array(layer(series))
    assert got.shape == expected.shape == (4, 252)
    assert (np.abs(got - expected) > 1e-6).mean() < 1e-3  # a value may lie at its threshold


def test_adapting_takes_thresholds_from_the_examples_and_standardizes():
    inputs = keras.Input((40, 2))
    layer = MiniRocketFeatures(84)
    model = keras.Model(inputs, layer(inputs))
    examples = RANDOM.normal(size=(30, 40, 2)).cumsum(axis=1).astype("float32")
    with adapting(model):
        model(examples)
    kernels = list(combinations(range(9), 3))
    channels = np.array(layer.channels)[0]
    drawn = np.random.default_rng(0).integers(30, size=84)
    rounding = 1e-6 * 12 * np.abs(examples).max()  # 12: the sum of a kernel's weights without their signs
    for number in (0, 1, 40, 83):
        values = convolved(examples[drawn[number]], kernels[number], 1, np.flatnonzero(channels[:, number]))
        expected = np.quantile(values, (number + 1) * (5**0.5 + 1) / 2 % 1)
        found = np.array(layer.thresholds[0])[number, 0]
        np.testing.assert_allclose(found, expected + rounding, rtol=1e-6, atol=1e-5)
    features = np.array(model(examples))
    varies = features.std(axis=0) > 0
    assert varies.mean() > 0.9
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(features.std(axis=0)[varies], 1, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("fcn", (8 * 3 * 128 + 5 * 128 * 256 + 3 * 256 * 128) + 4 * (128 + 256 + 128) + 128 * 5 + 5),
        (
            "resnet1d",
            sum(8 * i * o + 5 * o * o + 3 * o * o + 4 * 3 * o for i, o in ((3, 64), (64, 128), (128, 128)))
            + (3 * 64 + 4 * 64)
            + (64 * 128 + 4 * 128)
            + 4 * 128
            + 128 * 5
            + 5,
        ),
        (
            "inception_time",
            sum(i * 32 + 32 * 32 * (39 + 19 + 9) + i * 32 + 4 * 128 for i in (3, *[128] * 5))
            + (3 * 128 + 4 * 128)
            + (128 * 128 + 4 * 128)
            + 128 * 5
            + 5,
        ),
        ("minirocket", (1 * 9996 + 2 * 9996) + 84 * 3 * len(dilations_of(96, 119, 32)[0]) + 9996 * 5 + 5),
    ],
)
def test_sizes_are_those_of_the_papers(name, parameters):
    assert zoo.build(name, input_shape=(96, 3), outputs=5).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "shape", "settings", "message"),
    [
        ("fcn", (8,), {}, "needs a series"),
        ("fcn", (8, 1), {"widths": [4], "kernel_sizes": [3, 3]}, "a kernel size for each width"),
        ("minirocket", (8, 1), {}, "at least 9 steps"),
        ("minirocket", (None, 1), {}, "of known number"),
        ("minirocket", (20, 1), {"features": 83}, "84"),
    ],
)
def test_what_does_not_fit_is_refused(name, shape, settings, message):
    with pytest.raises((ValueError, zoo.ZooError), match=message):
        zoo.build(name, input_shape=shape, outputs=3, **settings)


@pytest.mark.ci
def test_rounding_decides_nothing_where_series_stay_constant():
    random = np.random.default_rng(0)
    levels = random.normal(size=(20, 12, 1)).astype(np.float32) * 3
    series = np.repeat(levels, 20, axis=1)  # steps of 12 levels, 20 each: convolutions within one are 0
    model = zoo.build("minirocket", input_shape=(240, 1), outputs=2, features=840)
    layer = model.get_layer("minirocket")
    layer.adapt(series)
    features = keras.Model(model.input, layer.output)
    session = onnxruntime.InferenceSession(to_onnx(features, ["x"], ["y"]).SerializeToString())
    (found,) = session.run(None, {"x": series})
    np.testing.assert_allclose(found, features(series), rtol=0, atol=1e-4)
