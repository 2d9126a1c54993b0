import math

import keras
import numpy as np
import onnxruntime
import pytest
from keras import ops

from zoo.export.convert import to_onnx
from zoo.layers.positions import LearnedPositions, Rotations, SinusoidalPositions, add_positions, rotate

RNG = np.random.default_rng(0)


def call(layer, x):
    return ops.convert_to_numpy(layer(x))


def paper(position, feature, width):
    angle = position / 10_000 ** (feature // 2 * 2 / width)
    return math.cos(angle) if feature % 2 else math.sin(angle)


def test_sinusoidal_positions_equal_the_formula_of_the_paper():
    got = call(SinusoidalPositions(), np.zeros((2, 100, 16), "float32"))
    expected = [[paper(position, feature, 16) for feature in range(16)] for position in range(100)]
    np.testing.assert_allclose(got, np.array([expected, expected]), atol=1e-5)


def test_sinusoidal_positions_of_a_grid_give_half_the_features_to_rows_and_half_to_columns():
    x = np.ones((1, 1 + 3 * 5, 8), "float32")
    got = call(SinusoidalPositions(grid=(3, 5), prefix=1), x)[0]
    np.testing.assert_array_equal(got[0], 1)
    for row in range(3):
        for column in range(5):
            expected = [paper(place, feature, 4) for place in (row, column) for feature in range(4)]
            np.testing.assert_allclose(got[1 + 5 * row + column] - 1, expected, atol=1e-6)


def scores(rotations, q, k):
    """Return the products of one query and one key, put at every pair of positions."""
    steps = rotations.shape[1]
    turned = [ops.convert_to_numpy(rotate(np.tile(a, (1, 1, steps, 1)), rotations))[0, 0] for a in (q, k)]
    return turned[0] @ turned[1].T


def test_rotary_scores_depend_on_the_distance_only():
    q, k = RNG.normal(size=(2, 1, 1, 1, 8)).astype("float32")
    rotations = call(Rotations(8), np.zeros((1, 20, 32), "float32"))
    found = scores(rotations, q, k)
    for distance in range(-19, 20):
        diagonal = np.diagonal(found, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[0, 0], (q * k).sum(), rtol=1e-5)
    assert len({round(float(value), 3) for value in found[0]}) == 20


def test_rotary_scores_on_a_grid_depend_on_rows_and_columns_between():
    q, k = RNG.normal(size=(2, 1, 1, 1, 8)).astype("float32")
    rotations = call(Rotations(8, grid=(3, 4), prefix=1), np.zeros((1, 13, 8), "float32"))
    found = scores(rotations, q, k)
    np.testing.assert_allclose(found[0, 0], (q * k).sum(), rtol=1e-5)  # nothing turns the class token
    by_place = found[1:, 1:].reshape(3, 4, 3, 4)
    np.testing.assert_allclose(by_place[1:, 1:, 1:, 1:], by_place[:-1, :-1, :-1, :-1], rtol=1e-4, atol=1e-4)
    assert abs(by_place[0, 0, 1, 0] - by_place[0, 0, 0, 1]) > 1e-3


def test_rotation_keeps_the_length_of_a_vector():
    x = RNG.normal(size=(2, 3, 9, 6)).astype("float32")
    turned = ops.convert_to_numpy(rotate(x, Rotations(6)(np.zeros((1, 9, 6), "float32"))))
    np.testing.assert_allclose((turned**2).sum(-1), (x**2).sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(turned[:, :, 0], x[:, :, 0])


def test_learned_positions_are_added():
    layer = LearnedPositions(6)
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    got = call(layer, x)
    table = ops.convert_to_numpy(layer.embeddings)
    assert table.shape == (6, 3) and table.std() > 0
    np.testing.assert_allclose(got, x + table[:4], atol=1e-6)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("length", [None, 12])
def test_any_length_in_keras_and_onnx(kind, length):
    inputs = keras.Input((length, 8))
    x, rotations = add_positions(inputs, kind, heads=2, longest=12)
    model = keras.Model(inputs, x if rotations is None else rotations)
    session = onnxruntime.InferenceSession(to_onnx(model, ["x"], ["y"], opset=18).SerializeToString())
    for steps in (12,) if length else (12, 1, 5):
        x = RNG.normal(size=(3, steps, 8)).astype("float32")
        got = session.run(None, {"x": x})[0]
        assert got.shape == (x.shape if kind != "rotary" else (2, steps, 2))
        np.testing.assert_allclose(got, call(model, x), atol=1e-6)


def test_long_rotations_are_exact_in_half_precision():
    rotations = call(Rotations(4, dtype="mixed_float16"), np.zeros((1, 1000, 4), "float32"))
    assert rotations.dtype == "float16"
    np.testing.assert_allclose(rotations[0, 999, 0], math.cos(999), atol=1e-3)


@pytest.mark.parametrize(
    "layer",
    [
        LearnedPositions(9),
        SinusoidalPositions(),
        SinusoidalPositions(grid=(2, 4), prefix=1),
        Rotations(4),
        Rotations(8, grid=(2, 4), prefix=1),
    ],
    ids=lambda layer: layer.name,
)
def test_is_rebuilt(layer, tmp_path):
    x = RNG.normal(size=(2, 9, 8)).astype("float32")
    inputs = keras.Input((9, 8))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(call(loaded, x), call(model, x))
    assert model.output_shape[1:] == call(model, x).shape[1:]


@pytest.mark.parametrize(
    ("kind", "shape", "grid", "message"),
    [
        ("learned", (13, 8), None, "maximum_length=12 steps. Received: 13 steps"),
        ("sinusoidal", (12, 7), None, "multiple of 2 features, not 7. Received: width=7"),
        ("sinusoidal", (12, 6), (3, 4), "multiple of 4 features, not 6"),
        ("rotary", (12, 6), None, "multiple of 2 features, not 3. Received: width=6, heads=2"),
        ("rotary", (12, 12), (3, 4), "multiple of 4 features, not 6"),
    ],
)
def test_impossible_positions_are_refused(kind, shape, grid, message):
    with pytest.raises(ValueError, match=message):
        add_positions(keras.Input(shape), kind, heads=2, longest=12, grid=grid)
