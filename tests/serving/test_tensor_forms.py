"""Columns as tensors of a file: numbers side by side, categories as ids."""

import numpy as np
import pytest

from zoo.serving.tensor_forms import TensorForm, form_from_json

FORM = TensorForm(
    input="numbers",
    numbers=("width", "height"),
    ids={"colour": {"": 2, "red": 3, "blue": 5}},
    unknown={"colour": 1},
)
INPUTS = {"colour": "colour_id", "age": "age"}
COLUMNS = {
    "height": np.array([[1.0], [2.0], [3.0]], np.float32),
    "colour": np.array([["blue"], ["green"], ["red"]], object),
    "width": np.array([[10.0], [20.0], [30.0]], np.float32),
    "age": np.array([[7.0], [8.0], [9.0]], np.float32),
}


def test_columns_become_the_inputs_of_the_file():
    feeds = FORM.join(COLUMNS, INPUTS)
    assert set(feeds) == {"numbers", "colour_id", "age"}
    np.testing.assert_array_equal(feeds["numbers"], [[10, 1], [20, 2], [30, 3]])  # in the order of the form
    assert (feeds["colour_id"].dtype, feeds["colour_id"].tolist()) == (np.int64, [[5], [1], [3]])
    np.testing.assert_array_equal(feeds["age"], COLUMNS["age"])


def test_inputs_become_columns_again_and_an_unknown_id_a_text_that_is_no_category():
    columns = FORM.split({**FORM.join(COLUMNS, INPUTS), "colour_id": np.array([[5], [99], [3]])}, INPUTS)
    assert set(columns) == set(COLUMNS)
    for name in ("width", "height", "age"):
        np.testing.assert_array_equal(columns[name], COLUMNS[name])
    (blue,), (unseen,), (red,) = columns["colour"].tolist()
    assert (blue, red, unseen in FORM.ids["colour"]) == ("blue", "red", False)


def test_a_category_named_as_the_unseen_text_stays_itself():
    form = TensorForm(ids={"c": {"\N{REPLACEMENT CHARACTER}": 2}}, unknown={"c": 1})
    columns = form.split({"c": np.array([[2], [1]])}, {"c": "c"})
    (known,), (unseen,) = columns["c"].tolist()
    assert known == "\N{REPLACEMENT CHARACTER}" != unseen


def test_a_form_is_written_and_read():
    assert form_from_json(FORM.to_json()) == FORM
    assert form_from_json(TensorForm().to_json()) == TensorForm()


@pytest.mark.parametrize(
    "facts",
    [
        {"numbers": {"input": 3, "columns": ["a"]}},
        {"numbers": {"input": "x", "columns": [3]}},
        {"categories": {"c": {"ids": {"a": 1.5}, "unknown": 1}}},
        {"categories": {"c": {"ids": {"a": True}, "unknown": 1}}},
        {"categories": {"c": {"ids": {"a": 2}, "unknown": "1"}}},
    ],
)
def test_a_form_of_another_kind_is_refused(facts):
    with pytest.raises(ValueError, match="expected names, and ids of categories"):
        form_from_json(facts)
