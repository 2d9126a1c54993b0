"""Simple recurrent networks as ONNX's RNN operator, compared with the recurrence in NumPy and with the Keras model."""

import keras
import numpy as np
import onnx
import pytest
from in_ci import in_ci

from zoo import registry
from zoo.export.convert import to_onnx
from zoo.utils.onnx_session import open_session

CASES = {
    "images": {"input_shape": (6, 4, 1)},
    "open length": {"input_shape": (None, 3), "pool": "mean"},
    "both directions": {"input_shape": (7, 3), "layers": 2, "bidirectional": True},
    "padded tokens": {"input_shape": (None,), "vocabulary": 9, "bidirectional": True, "every_step": True},
    "one step": {"input_shape": (1, 3)},
}


def converted(model, opset=18):
    draw = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(draw.normal(scale=0.4, size=weight.shape))
    proto = to_onnx(model, ["x"], ["y"], opset=opset)
    onnx.checker.check_model(proto, full_check=True)
    return proto, [node.op_type for node in proto.graph.node]


@pytest.mark.parametrize("case", in_ci(CASES, but=["images", "padded tokens"]))
def test_a_simple_rnn_is_an_operator_that_answers_as_keras_does(case):
    settings = CASES[case]
    model = registry.build("rnn", outputs=2, units=5, **settings)
    proto, kinds = converted(model)
    assert "Loop" not in kinds
    assert kinds.count("RNN") == (1 + settings.get("bidirectional", False)) * settings.get("layers", 1)
    draw, shape = np.random.default_rng(1), [3, *(size or 8 for size in settings["input_shape"])]
    if "vocabulary" in settings:
        x = draw.integers(1, 9, shape).astype(np.int32)
        x[1, 5:] = 0
    else:
        x = draw.normal(size=shape).astype(np.float32)
    (found,) = open_session(proto.SerializeToString()).run(["y"], {"x": x})
    np.testing.assert_allclose(found, model.predict_on_batch(x), atol=1e-5)


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize("starts_at_zero", [True, False])
def test_states_are_those_of_the_recurrence(starts_at_zero, opset):
    x = keras.Input((4, 2))
    first = keras.ops.zeros_like(x[:, 0, :1]) if starts_at_zero else x[:, 0, :1]
    states, last = keras.layers.SimpleRNN(3, return_sequences=True, return_state=True)(
        x, initial_state=keras.ops.concatenate([first] * 3, axis=-1)
    )
    model = keras.Model(x, keras.layers.Concatenate(axis=1)([states, last[:, None]]))
    proto, kinds = converted(model, opset)
    assert kinds.count("RNN") == 1 and "Loop" not in kinds
    kernel, recurrent, bias = (np.asarray(weight, np.float64) for weight in model.get_weights())
    values = np.random.default_rng(1).normal(size=(5, 4, 2)).astype(np.float32)
    state, expected = np.repeat(values[:, 0, :1] * (not starts_at_zero), 3, axis=1), []
    for step in range(4):
        state = np.tanh(values[:, step] @ kernel + state @ recurrent + bias)
        expected.append(state)
    (found,) = open_session(proto.SerializeToString()).run(["y"], {"x": values})
    np.testing.assert_allclose(found, np.stack([*expected, state], axis=1), atol=1e-5)


def test_a_loop_over_another_cell_stays_as_it_is():
    x = keras.Input((4, 2))
    model = keras.Model(x, keras.layers.SimpleRNN(3, activation="softsign")(x))
    proto, kinds = converted(model)
    assert kinds.count("Loop") == 1 and "RNN" not in kinds
    values = np.random.default_rng(1).normal(size=(5, 4, 2)).astype(np.float32)
    (found,) = open_session(proto.SerializeToString()).run(["y"], {"x": values})
    np.testing.assert_allclose(found, model.predict_on_batch(values), atol=1e-5)
