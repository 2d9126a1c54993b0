import numpy as np
import pytest
from keras import Model, ops

from zoo.layers.embedding import not_padding, sequence_input, token_input


def outputs(shape, vocabulary=None):
    inputs, x, valid = sequence_input(shape, vocabulary, 3)
    return Model(inputs, x if valid is None else [x, valid])


@pytest.mark.parametrize("height", [4, None])
def test_rows_of_an_image_are_the_steps(height):
    images = np.arange(2 * 4 * 3 * 2, dtype="float32").reshape(2, 4, 3, 2)
    rows = outputs((height, 3, 2))(images)
    np.testing.assert_array_equal(ops.convert_to_numpy(rows), images.reshape(2, 4, 6))


@pytest.mark.parametrize("length", [4, None])
def test_tokens_become_vectors_and_padding_is_known(length):
    model = outputs((length,), vocabulary=7)
    tokens = np.array([[5, 1, 6, 0], [0, 0, 0, 0]], "int32")
    x, valid = (ops.convert_to_numpy(y) for y in model(tokens))
    np.testing.assert_array_equal(x, ops.convert_to_numpy(model.get_layer("embedding").embeddings)[tokens])
    np.testing.assert_array_equal(valid, tokens > 0)
    assert model.get_layer("embedding").compute_mask(tokens) is None


def test_floats_stay_as_they_are():
    x = np.ones((2, 5, 3), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs((5, 3))(x)), x)


def test_floats_of_open_length_have_no_padding_left():
    x = np.ones((2, 5, 3), "float32")
    x[1, 3:] = np.nan
    steps, valid = outputs((None, 3))(x)
    np.testing.assert_array_equal(ops.convert_to_numpy(steps), np.nan_to_num(x))
    np.testing.assert_array_equal(ops.convert_to_numpy(valid), ~np.isnan(x[..., 0]))


def test_not_padding_is_boolean():
    assert not_padding(token_input((None,))).dtype == "bool"


@pytest.mark.parametrize(
    ("shape", "vocabulary", "message"),
    [
        ((8,), None, r"tokens \(steps,\) with a vocabulary. Received: input_shape=\(8,\), vocabulary=None"),
        ((8, None), None, "only the first may be open"),
        ((8, None, 1), None, "only the first may be open"),
        ((8, 8, 3, 1), None, "needs"),
        ((8, 3), 10, r"tokens need the shape \(steps,\). Received: input_shape=\(8, 3\)"),
    ],
)
def test_other_shapes_are_refused(shape, vocabulary, message):
    with pytest.raises(ValueError, match=message):
        sequence_input(shape, vocabulary, 3)
