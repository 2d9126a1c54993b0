"""Two routes from Keras to ONNX."""

import importlib.util

import keras
import numpy as np
import pytest

from zoo import registry
from zoo.errors import ZooError
from zoo.export import routes
from zoo.utils.onnx_session import open_session

HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "onnxscript"))


def network():
    keras.utils.set_random_seed(0)
    return registry.build("mlp", input_shape=(6,), outputs=3, widths=(8,))


def refused(model, inputs, outputs, opset):
    raise ZooError("model 'mlp' has no ONNX form at opset 18: of its layers")


def test_a_failed_route_names_the_second_one_where_torch_is_missing(monkeypatch):
    monkeypatch.setitem(routes.ROUTES, "tf2onnx", refused)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match=r"of its layers; the second route.* pip install "):
        routes.convert(network(), ["x"], ["y"])


def test_a_failed_route_falls_to_the_second_one_with_a_warning(monkeypatch):
    proto = routes.convert(network(), ["x"], ["y"])
    monkeypatch.setitem(routes.ROUTES, "tf2onnx", refused)
    monkeypatch.setitem(routes.ROUTES, "torch", lambda model, inputs, outputs, opset: proto)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with pytest.warns(UserWarning, match="of its layers; it was converted by the second route"):
        assert routes.convert(network(), ["x"], ["y"]) is proto
    with pytest.raises(ZooError, match=r"of its layers$"):
        routes.convert(network(), ["x"], ["y"], route="tf2onnx")
    monkeypatch.setitem(routes.ROUTES, "torch", refused)
    with pytest.raises(ZooError, match=r"of its layers; nor by the second route: .*of its layers"):
        routes.convert(network(), ["x"], ["y"])


@pytest.mark.ci
@pytest.mark.skipif(not HAS_TORCH, reason="the extra torch is not installed")
@pytest.mark.parametrize("name", ["mlp", "gru"])
def test_the_second_route_answers_as_keras_does_or_says_why_not(name):
    if name == "gru":
        with pytest.raises(ZooError, match="no ONNX form by PyTorch's exporter"):
            routes.convert(registry.build("gru", input_shape=(None, 2), outputs=3), ["x"], ["y"], route="torch")
        return
    model = network()
    session = open_session(routes.convert(model, ["x"], ["y"], route="torch").SerializeToString())
    for batch in (1, 5):
        x = np.random.default_rng(0).normal(size=(batch, 6)).astype(np.float32)
        np.testing.assert_allclose(session.run(["y"], {"x": x})[0], model.predict_on_batch(x), atol=1e-5)
