"""A file by itself, in onnxruntime alone: a batch of no examples, and numbers that are not finite."""

import keras
import numpy as np
import pytest
from in_ci import in_ci

from zoo import registry
from zoo.data.dataset import Signature
from zoo.export import predictors
from zoo.export.kinds import KINDS
from zoo.utils.onnx_session import open_session

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)


def networks():
    keras.utils.set_random_seed(0)
    sequence, classes = {"input_shape": (None, 3), "outputs": 2}, ("a", "b")
    sizes = {"lstm": {"units": 3, "layers": 2}, "gru": {"units": 3}, "rnn": {"units": 3}, "tcn": {"width": 4}}
    for name, options in sizes.items():
        inputs = keras.Input((None, 3), name="array")
        logits = registry.build(name, **sequence, **options)(inputs)
        model = keras.Model(inputs, keras.layers.Softmax()(logits), name=name)
        yield name, model, Signature("array", "class", (None, 3), labels=classes)


NETWORKS = {name: (model, signature) for name, model, signature in networks()}


def exported(name, opset=18):
    model, signature = NETWORKS[name]
    return open_session(KINDS["classification"].graph(model, signature, opset=opset).SerializeToString())


@pytest.mark.parametrize("opset", in_ci([13, 18], but=[18]))
@pytest.mark.parametrize("name", NETWORKS)
def test_no_examples_give_outputs_of_none(name, opset):
    """Without the guard, onnxruntime aborts the process in recurrent operators."""
    probabilities, label = exported(name, opset).run(None, {"array": X[:0]})
    assert probabilities.shape == (0, 2) and probabilities.dtype == np.float32 and label.shape == (0,)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_number_that_is_not_finite_spoils_its_example_alone(name):
    """Keras answers NaN to NaN; onnxruntime's LSTM and GRU, by themselves, a number."""
    model, _ = NETWORKS[name]
    session, expected = exported(name), model.predict_on_batch(X)
    for wrong in (np.nan, np.inf):
        x = X.copy()
        x[1, 2, 0] = wrong
        (found,) = session.run(["probabilities"], {"array": x})
        assert np.isnan(found[1]).all()
        np.testing.assert_allclose(found[[0, 2, 3]], expected[[0, 2, 3]], atol=1e-5)
        if np.isnan(wrong):
            assert np.isnan(model.predict_on_batch(x)[1]).all()


@pytest.mark.parametrize("name", in_ci(NETWORKS, but=[next(iter(NETWORKS))]))
def test_finite_answers_are_those_of_the_file_without_guards(name, monkeypatch):
    guarded = exported(name)
    monkeypatch.setattr(predictors, "guard", lambda proto, signature: None)
    plain = exported(name)
    for count in (1, 4):
        for ours, theirs in zip(
            guarded.run(None, {"array": X[:count]}), plain.run(None, {"array": X[:count]}), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
