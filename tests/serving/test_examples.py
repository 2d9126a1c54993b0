"""What a caller hands to `ExportedModel`: answered as it was meant, or refused by a `ZooError`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
IMAGE = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
SERIES = (23 + np.sin(np.arange(48) / 2)).reshape(48, 1)


@pytest.fixture(scope="module")
def opened():
    """Return a function from the name of a shipped recipe to its file, opened once."""
    files = {}

    def get(name):
        if name not in files:
            files[name] = ExportedModel(EXPORTED / name / "model.onnx")
        return files[name]

    return get


def wine(opened, rows=2):
    return {c.name: np.arange(1.0, 1 + rows) for c in opened("mlp/wine").columns}


# --- answered -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [IMAGE, IMAGE[..., 0], [IMAGE], IMAGE[None].astype(np.int64), IMAGE.tolist(), [IMAGE.tolist()]],
    ids=["one", "without channel", "list", "integers", "nested list", "list of nested lists"],
)
def test_one_image_is_one_whatever_its_form(opened, one):
    model = opened("cnn/digits")
    np.testing.assert_array_equal(model.predict(one).probabilities, model.predict(IMAGE[None]).probabilities)


def test_grey_images_without_the_axis_of_the_channel(opened):
    model, images = opened("cnn/digits"), np.stack([IMAGE, 255 - IMAGE])
    np.testing.assert_array_equal(model.predict(images[..., 0]).output, model.predict(images).output)


@pytest.mark.parametrize("one", [SERIES, SERIES[None], SERIES.tolist()], ids=["one", "batch", "nested list"])
def test_one_sequence_of_64_bits(opened, one):
    model = opened("lstm/elnino")
    expected = model.predict(SERIES[None].astype(np.float32)).forecasts
    np.testing.assert_array_equal(model.predict(one).forecasts, expected)


def test_one_text_is_one_text(opened):
    model = opened("lstm/dates")
    assert model.predict("2nd of May of 1999").texts == model.predict(["2nd of May of 1999"]).texts == ["1999-05-02"]


@pytest.mark.parametrize(
    "form",
    [
        lambda rows: {name: values.astype(np.float32) for name, values in rows.items()},
        lambda rows: {name: values.tolist() for name, values in rows.items()},
        lambda rows: {name: values[:, None] for name, values in rows.items()},
        lambda rows: {name: values.astype(int) for name, values in rows.items()},
        lambda rows: {name: pd.Series(values) for name, values in rows.items()},
        lambda rows: {name: values.astype(object) for name, values in rows.items()},
        lambda rows: pd.DataFrame(rows),
        lambda rows: pd.DataFrame(rows)[sorted(rows, reverse=True)].assign(target=0),
        lambda rows: pd.DataFrame(rows).to_dict("records"),
    ],
    ids=["float32", "lists", "(n, 1)", "integers", "series", "objects", "frame", "frame with the target", "records"],
)
def test_a_table_in_any_form_has_the_same_answer(opened, form):
    model, rows = opened("mlp/wine"), wine(opened)
    np.testing.assert_array_equal(model.predict(form(rows)).output, model.predict(rows).output)


def test_one_row_as_a_dict_of_values(opened):
    model, rows = opened("mlp/wine"), wine(opened)
    one = model.predict({name: values[1] for name, values in rows.items()}).output
    np.testing.assert_allclose(one, model.predict(rows).output[1:], atol=1e-6)


def test_none_and_nan_are_gaps_of_a_table(opened):
    model, rows = opened("mlp/wine"), wine(opened)
    gap, none = ({**rows, "ash": [2.0, missing]} for missing in (np.nan, None))
    np.testing.assert_array_equal(model.predict(gap).output, model.predict(none).output)
    assert model.predict(gap).finite.all()


EMPTY = {
    "cnn/digits": [np.zeros((0, 8, 8, 1), np.uint8), [], np.zeros(0)],
    "lstm/digits": [np.zeros((0, 8, 8, 1), np.uint8), []],
    "lstm/elnino": [np.zeros((0, 48, 1)), []],
    "rnn/adding_problem_gru": [np.zeros((0, 100, 2)), []],
    "lstm/copy_memory": [np.zeros((0, 70), np.int32), []],
    "lstm/dates": [[], np.zeros(0, object)],
    "transformer/python_topics": [[]],
    "cnn/digit_scenes_masks": [np.zeros((0, 64, 64, 1), np.uint8)],
    "cnn/digit_scenes_boxes": [[]],
    "autoencoder/digits": [[]],
    "lstm/digit_strips": [[]],
    "graph/digit_neighbors": [{"nodes": np.zeros((0, 3, 64)), "edges": np.zeros((0, 2, 2), int)}],
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_examples_give_a_prediction_of_none(opened, name):
    """In onnxruntime an LSTM or GRU aborts the process on them."""
    model = opened(name)
    for none in EMPTY[name]:
        found = model.predict(none)
        assert len(found.output) == 0
        assert not found.labels and not found.texts
        if name == "lstm/elnino":
            assert found.forecasts.shape == (0, 6) and found.forecasts.dtype == np.float32
        if name == "cnn/digit_scenes_masks":
            assert found.masks.shape == (0, 64, 64) and found.masks.dtype == np.int64


def test_no_rows_of_a_table(opened):
    columns = [c.name for c in opened("mlp/wine").columns]
    for none in ({name: [] for name in columns}, pd.DataFrame(columns=columns), []):
        found = opened("mlp/wine").predict(none)
        assert found.probabilities.shape == (0, 3) and found.labels == []


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("cnn/digits", None, "expected images .* received None"),
        ("cnn/digits", IMAGE[None] / 255, r"expected uint8, 0 to 255, received float64 .*as decoded"),
        ("cnn/digits", np.zeros((1, 8, 8, 2), np.uint8), r"expected 8, 8, 1 each, received uint8 \(1, 8, 8, 2\)"),
        ("cnn/digits", np.zeros((1, 9, 8, 1), np.uint8), "expected 8, 8, 1 each"),
        ("cnn/digits", np.full((1, 8, 8, 1), 256), "pixels must be 0 to 255, received 256 to 256"),
        ("cnn/digits", [IMAGE, None], "image 2: "),
        ("cnn/digits", "digit.png", "expected images as arrays, received str 'digit.png'; `zoo predict` reads files"),
        ("cnn/digits", np.full((1, 8, 8, 1), "a"), "expected uint8"),
        ("lstm/elnino", SERIES[None, :40], r"array: expected 48, 1 each, received float64 \(1, 40, 1\)"),
        ("lstm/elnino", {"values": SERIES}, "takes numbers by position"),
        ("lstm/elnino", pd.DataFrame(SERIES), "takes numbers by position"),
        ("lstm/elnino", [[["a"]] * 48], "expected numbers"),
        ("lstm/elnino", [SERIES, SERIES[:4]], "no array can be made of"),
        ("lstm/elnino", np.array(None), "expected numbers"),
        ("rnn/adding_problem_gru", np.zeros((1, 0, 2)), "expected 100, 2 each"),
        ("lstm/dates", None, "expected a text or a list of texts, received None"),
        ("lstm/dates", ["1 May", None], r"text 2: expected a text, received NoneType None \(1 such of 2\)"),
        ("lstm/dates", [1999], "text 1: expected a text, received int 1999"),
        ("lstm/dates", b"1 May 1999", "expected a text or a list of texts, received bytes"),
        ("lstm/copy_memory", np.full((1, 70), 2.0), "expected whole numbers"),
        ("lstm/copy_memory", np.full((1, 70), 2**40 + 5), r"example 1 has the id 1099511627781 at place 1"),
        ("lstm/copy_memory", np.full((1, 70), -1), "has the id -1 at place 1"),
        ("graph/digit_neighbors", np.zeros((1, 3, 64)), "expected a dict of 'nodes' and 'edges'"),
        (
            "graph/digit_neighbors",
            {"nodes": np.zeros((3, 64)), "edges": np.array([[0, 2**32]])},
            r"graph 1: edges must join nodes 0 to 2, received the edge \[0, 4294967296\]",
        ),
        ("graph/digit_neighbors", {"nodes": np.zeros((3, 64)), "edges": [[0, 1], [2]]}, "array 'edges'"),
        ("gan/digits", IMAGE, r"makes images from noise; use sample\(\), or `zoo sample`"),
    ],
)
def test_what_does_not_fit_is_refused(opened, name, raw, message):
    with pytest.raises(ZooError, match=message):
        opened(name).predict(raw)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: {k: v for k, v in rows.items() if k != "ash"}, "missing columns: ash"),
        (lambda rows: {**rows, "ahs": rows["ash"]}, "unknown columns: ahs; did you mean 'ash'"),
        (lambda rows: {**rows, "ash": [1.0]}, "every column needs a value for each example"),
        (lambda rows: {**rows, "ash": 1.0}, "every column needs a value for each example"),
        (lambda rows: {**rows, "ash": np.ones((2, 2))}, r"column 'ash': expected \(examples,\), received"),
        (lambda rows: {**rows, "ash": ["1", "four"]}, "column 'ash' holds numbers, but row 2 has 'four'"),
        (lambda rows: {**rows, "ash": [1, np.inf]}, "row 2 has inf, not a finite number of 32 bits"),
        (lambda rows: {**rows, "ash": [1e39, 1]}, "row 1 has 1e[+]39, not a finite number of 32 bits"),
        (lambda rows: np.zeros((2, 13)), "expected a dict or data frame of columns"),
        (lambda rows: [{"ash": 1.0}], "row 1: missing columns"),
        (lambda rows: None, "received None"),
    ],
)
def test_tables_that_do_not_fit_are_refused(opened, change, message):
    with pytest.raises(ZooError, match=message):
        opened("mlp/wine").predict(change(wine(opened)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e39])
@pytest.mark.parametrize("name", ["lstm/elnino", "rnn/adding_problem_gru", "rnn/adding_problem"])
def test_a_number_that_is_not_finite_is_refused_by_its_place(opened, name, wrong):
    x = np.zeros((2, *opened(name).shape))
    x[1, 4, 0] = wrong
    with pytest.raises(ZooError, match=r"example 2, step 5, feature 1 is .* \(1 such in 1 of 2 examples\)"):
        opened(name).predict(x)


def test_an_answer_that_is_not_finite_has_no_label(opened):
    """1e38 is a number of 32 bits, and none once it is scaled."""
    rows = wine(opened)
    found = opened("mlp/wine").predict({**rows, "ash": [1e38, 2.0], "hue": [-1e38, 2.0]})
    assert found.finite.tolist() == [False, True]
    assert found.labels[0] is None and found.labels[1] in opened("mlp/wine").labels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count: expected a whole number of at least 1, received 0"),
        ({"count": 2.5}, "count: expected a whole number"),
        ({"count": 2, "seed": -1}, "seed: expected a whole number of at least 0"),
        ({"count": 2, "guidance": 3.0}, "takes no guidance, so it would have no effect"),
        ({"count": 2, "labels": ["3", "4"]}, "takes no classes, so labels would have no effect"),
    ],
)
def test_samples_that_cannot_be_made(opened, options, message):
    with pytest.raises(ZooError, match=message):
        opened("gan/digits").sample(**options)


def test_samples_of_a_classifier(opened):
    with pytest.raises(ZooError, match=r"the file's task is image_classification; use predict\(\)"):
        opened("cnn/digits").sample(3)


def test_decoder_input_is_checked(opened):
    with pytest.raises(ZooError, match="decoder_input: expected 1 rows, received 2"):
        opened("lstm/dates").predict(["a"], np.full((2, 1), 2))
    with pytest.raises(ZooError, match="decoder_input is for sequence to sequence"):
        opened("cnn/digits").predict(IMAGE, np.full((1, 1), 2))
