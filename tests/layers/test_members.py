"""Networks with several members: the mean, and the gradient of each, as that of a network trained by itself."""

import keras
import numpy as np
import onnxruntime
import pytest

import zoo
from zoo.backend.precision import precision
from zoo.export.convert import to_onnx
from zoo.layers.adapted import adapted_layers
from zoo.layers.members import ensemble, has_members
from zoo.layers.table import with_embedded_columns
from zoo.training.members import TrainedMembers


def members(count=3):
    keras.utils.set_random_seed(0)
    return [zoo.build("mlp", input_shape=(5,), outputs=2, widths=(4,)) for _ in range(count)]


def test_the_answer_is_the_mean_of_the_members():
    networks = members()
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    outputs = [np.array(network(x)) for network in networks]
    assert np.abs(outputs[0] - outputs[1]).max() > 0.1
    together = ensemble(networks)
    assert together.name == "mlp" and has_members(together) and not has_members(networks[0])
    np.testing.assert_allclose(together(x), np.mean(outputs, axis=0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(together(x, training=True), np.stack(outputs, axis=1), rtol=0, atol=1e-6)
    session = onnxruntime.InferenceSession(to_onnx(together, ["x"], ["y"]).SerializeToString())
    np.testing.assert_allclose(session.run(None, {"x": x})[0], np.mean(outputs, axis=0), rtol=0, atol=1e-6)


def test_each_member_learns_as_it_would_by_itself():
    alone, networks = members(), members()
    x = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
    y = np.random.default_rng(2).normal(size=(6, 2)).astype(np.float32)
    together = ensemble(networks)
    together = TrainedMembers(together.input, together.output)
    for model in (*alone, together):
        model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
        found = model.train_on_batch(x, y, return_dict=True)
    for one, member in zip(alone, networks, strict=True):
        for weights, same in zip(one.get_weights(), member.get_weights(), strict=True):
            np.testing.assert_allclose(same, weights, rtol=0, atol=1e-6)
    expected = np.abs(np.mean([np.array(n(x)) for n in members()], axis=0) - y).mean()
    assert found["mae"] == pytest.approx(expected, abs=1e-6)


def test_members_behind_embedded_columns_are_found():
    network = zoo.build("tabm", input_shape=(4,), outputs=1, members=2, width=4, depth=1, bins=2)
    behind = with_embedded_columns(network, [7], [3], [0])
    assert has_members(behind)
    assert [layer.name for layer in adapted_layers(behind)] == ["embedding"]  # of which the training examples set bins


def test_an_ensemble_is_loaded_as_it_was_saved(tmp_path):
    with precision("mixed_float16"):
        together = ensemble(members(2))
    x = np.ones((3, 5), np.float32)
    together.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    np.testing.assert_array_equal(loaded(x), together(x))
    assert loaded(x).dtype == "float32"
