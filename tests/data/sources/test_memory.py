"""`memory:`: what a Python program gives, against the same data in files, and what it may not hold."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars
import pytest
from PIL import Image

from zoo.data.memory.datasets import hold
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

CLASSES, NUMBERS, IMAGES = "tabular_classification", "tabular_regression", "image_classification"
SEQUENCES, SERIES = "sequence_classification", "forecasting"


def memory(train, task=CLASSES, *, validation=None, test=None, **settings):
    given = hold(train, validation, test)
    return load_dataset(Data(source=given.source, **settings), TASKS[task], (), given)


def file(source, task=CLASSES, **settings):
    return load_dataset(Data(source=source, **settings), TASKS[task])


def refused(message, *args, **settings):
    with pytest.raises(ZooError, match=message):
        memory(*args, **settings)


def splits(dataset):
    return {name: getattr(dataset, name) for name in ("train", "validation", "test")}


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(3)
    rows = 90
    size = np.where(generator.random(rows) < 0.2, np.nan, generator.normal(50, 20, rows))
    return pd.DataFrame(
        {
            "size": size,
            "count": generator.integers(0, 9, rows),
            "new": generator.random(rows) < 0.5,
            "day": pd.Timestamp("2024-03-01") + pd.to_timedelta(generator.integers(0, 300, rows), unit="D"),
            "colour": generator.choice(np.array(["red", "green", "weiß", None], object), rows),
            "kind": np.where(np.nan_to_num(size) > 50, "big", "small"),
        }
    )


# --- tables ---------------------------------------------------------------------------------------------------------


def without_where(notes):
    return sorted(note for note in notes if "moments such as" not in note)


@pytest.mark.parametrize(("task", "target"), [(CLASSES, "kind"), (NUMBERS, "count")])
def test_a_frame_is_read_as_its_csv_file(frame, tmp_path, task, target):
    frame.to_csv(tmp_path / "data.csv", index=False)
    here, there = memory(frame, task, target=target), file(f"csv:{tmp_path / 'data.csv'}", task, target=target)
    assert here.fingerprint == there.fingerprint and here.signature.labels == there.signature.labels
    for column, other in zip(here.signature.columns, there.signature.columns, strict=True):
        assert (column.name, column.type, column.form, column.double) == (
            other.name,
            other.type,
            other.form,
            other.double,
        )
    for name, split in splits(here).items():
        other = splits(there)[name]
        raw, expected = (s.take(np.arange(len(s))) for s in (split, other))
        assert all(np.array_equal(raw[c], expected[c], equal_nan=raw[c].dtype != object) for c in expected)
        assert np.array_equal(split.targets, other.targets)


def nullable(frame):
    return frame.convert_dtypes()


def as_lists(frame):
    return {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in frame}


def as_arrays(frame):
    return {name: frame[name].to_numpy() for name in frame}


def as_polars(frame):
    return polars.DataFrame(as_lists(frame))


def as_pair(frame):
    return frame.drop(columns="kind"), frame["kind"]


@pytest.mark.parametrize("form", [nullable, as_lists, as_arrays, as_polars, as_pair])
def test_every_form_of_a_table_is_the_same_data(frame, form):
    given = form(frame)
    assert memory(given, target="kind").fingerprint == memory(frame, target="kind").fingerprint


def test_categories_stay_categories(frame):
    coded = frame.assign(count=pd.Categorical(frame["count"]), colour=frame["colour"].astype("category"))
    columns = {c.name: c.type for c in memory(coded, target="kind").signature.columns}
    assert columns["count"] == columns["colour"] == "category"
    assert {c.name: c.type for c in memory(frame, target="kind").signature.columns}["count"] == "number"
    ordered = frame.assign(count=pd.Categorical(frame["count"], ordered=True))
    assert "column 'count': the order of its categories is not used" in memory(ordered, target="kind").notes


def test_the_index_is_no_column_and_that_is_said(frame):
    plain = memory(frame, target="kind")
    assert not any("index" in note for note in plain.notes)
    for index, note in (
        (frame.index[::-1], "the index of the frame is not used"),
        (pd.Index(range(90), name="row"), "the index 'row' of the frame is not used; frame.reset_index() makes it"),
    ):
        other = memory(frame.set_axis(index, axis=0), target="kind")
        assert any(found.startswith(note) for found in other.notes)
        assert other.fingerprint == plain.fingerprint


def test_splits_that_are_given_are_kept(frame):
    apart = memory(frame, target="kind", group="day")
    days = [set(frame["day"].iloc[split.indices]) for split in splits(apart).values()]
    assert not days[0] & days[1] and not days[0] & days[2] and not days[1] & days[2]
    whole = memory(frame[:60], target="kind", validation=frame[60:75], test=frame[75:])
    assert {name: len(split) for name, split in splits(whole).items()} == {"train": 60, "validation": 15, "test": 15}
    part = frame.assign(part=np.repeat(["train", "validation", "test"], [60, 15, 15]))
    assert whole.fingerprint == memory(part, target="kind", split_column="part").fingerprint
    one = memory(frame[:75], target="kind", test=frame[75:])
    assert len(one.test) == 15 and len(one.train) + len(one.validation) == 75
    assert one.test.take(np.arange(15))["count"].tolist() == frame["count"][75:].tolist()


def test_splits_that_differ_are_refused(frame):
    changed = frame[75:].rename(columns={"size": "length"}).assign(count="many")
    message = (
        r"test lacks the column 'size', test has the column 'length', which data lacks, column 'count' holds "
        "numbers in data, and text in test"
    )
    refused(message, frame[:75], target="kind", test=changed)
    late = frame[75:].assign(kind=["odd", *frame["kind"][76:]])
    refused(
        "data: column 'kind': row 1 of test has the class 'odd', which the training", frame, target="kind", test=late
    )
    for key in ("split_column", "group", "time"):
        refused(rf"test=: data\.{key} splits the rows; leave it out", frame, target="kind", test=frame, **{key: "day"})
    refused(r"different forms: data a table, test \(x, y\)", frame, target="kind", test=(np.zeros((2, 2)), [0, 1]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"size": [1.0, "two", *[3.0] * 88]},
            r"column 'size' has numbers in 89 rows, and text in 1 \(row 2\); make them",
        ),
        ({"size": [[1], {2}, *[3.0] * 88]}, r"column 'size' has values of type list in 1 of 90 rows: row 1; a table"),
        ({"size": [True, 2, *[3.0] * 88]}, "column 'size' has numbers in 89 rows, and true and false in 1"),
        ({"size": [b"1"] * 90}, "column 'size' has values of type bytes in 90 of 90 rows: row 1, row 2, row 3, row 4"),
        (
            {"size": pd.to_timedelta(np.arange(90), unit="s")},
            r"column 'size' holds timedelta64\[\w+\] values, which no",
        ),
        ({"size": np.arange(90) * 1j}, "column 'size' holds complex128 values, which no model takes"),
        ({"size": [np.inf, *[1.0, 2.0] * 44, 5]}, "column 'size': row 1 has inf, not a finite number"),
        (
            {"kind": [None, *["a", "b"] * 44, None]},
            r"data: column 'kind': row 1 has no label \(2 such of 90 rows: also row",
        ),
        ({"size": [["x"]] * 90, "count": [1j] * 90}, "column 'size' has values of type list .*, column 'count' holds"),
    ],
)
def test_what_no_table_holds_is_refused_by_column_and_row(frame, changes, message):
    columns = {name: pd.Series(list(v), dtype=None if name != "size" else object) if isinstance(v, list) else v
               for name, v in changes.items()}  # fmt: skip
    refused(message, frame.assign(**columns), target="kind")


def test_a_number_is_missing_as_a_target(frame):
    lacking = frame.assign(price=frame["size"])
    gaps = int(lacking["price"].isna().sum())
    refused(rf"column 'price': row \d+ has no target \({gaps} such of 90 rows", lacking, NUMBERS, target="price")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), "data: columns named twice: a"),
        (pd.DataFrame({("a", "b"): [1], ("a", "c"): [2]}), "data: the columns have 2 levels; give them one name each"),
        ({"a": [1, 2], "y": [1]}, "data: the columns have different numbers of rows: 'a' 2, 'y' 1"),
        ({"a": 1, "y": [1]}, "data: column 'a': expected one value for each row, received int"),
        (
            {"a": np.zeros((2, 2)), "y": [1, 2]},
            r"data: column 'a': expected one value for each row, received ndarray \(2, 2",
        ),
        (pd.DataFrame({"a": [], "y": []}), "data: the table has no rows"),
        (
            pd.DataFrame({"a": [1], "z": [1]}),
            r"data: there is no column 'y' to predict; did you mean 'a'\?|to predict \(",
        ),
        (5, "data: expected a data frame, a dict of columns, .* received int"),
        ("data.csv", "data: expected a data frame, a dict of columns, .* received str"),
        ([1, 2], "data: expected a data frame, a dict of columns, .* received list of 2"),
    ],
)
def test_what_is_no_table(given, message):
    refused(message, given, target="y")


def test_the_target_has_to_be_named():
    refused(r"data: target= is missing: the name of the column to predict \(columns: a, b\)", {"a": [1], "b": [2]})


def test_large_whole_numbers_with_gaps_are_not_rounded():
    ids = [2**53 + 1, 2**53, None] * 30
    whole = memory({"a": ids, "y": ["a", "b"] * 45}, target="y", categorical=["a"])
    found = {text for split in splits(whole).values() for text in split.take(np.arange(len(split)))["a"]}
    assert found == {"", str(2**53), str(2**53 + 1)}


def test_moments_and_decimals(frame):
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(int(i)) for i in range(90)]
    other = memory(frame.assign(day=pd.Series(days, dtype=object)), target="kind")
    (column,) = (c for c in other.signature.columns if c.name == "day")
    assert (column.type, column.form) == ("number", "time")
    prices = memory(
        frame.assign(size=pd.Series([Decimal("1.5")] * 45 + [Decimal(2)] * 45, dtype=object)), target="kind"
    )
    assert {c.name: c.type for c in prices.signature.columns}["size"] == "number"


def test_a_series_is_that_of_its_csv_file(tmp_path):
    days = pd.date_range("2024-01-01", periods=120, freq="D")
    values = np.sin(np.arange(120) / 7) + np.arange(120) / 50
    sales = pd.DataFrame({"day": days, "sold": values})
    sales.to_csv(tmp_path / "data.csv", index=False)
    settings = {"target": "sold", "window": {"history": 14, "horizon": 7, "season": 7}}
    there = file(f"csv:{tmp_path / 'data.csv'}", SERIES, **settings)
    for given in (sales, sales.set_index("day"), pd.Series(values, days, name="sold"), as_arrays(sales)):
        here = memory(given, SERIES, **settings)
        assert here.fingerprint == there.fingerprint and here.signature.time.step == there.signature.time.step
    refused("test=: series are split by time; leave it out", sales, SERIES, test=sales, **settings)


# --- arrays, texts, images --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arrays():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 60)
    return generator.normal(size=(60, 4)) + y[:, None], y


def test_arrays_are_those_of_an_npz_file(arrays, tmp_path):
    x, y = arrays
    np.savez(tmp_path / "data.npz", x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    there = file(f"npz:{tmp_path / 'data.npz'}")
    assert memory((x[:40], y[:40]), test=(x[40:], y[40:])).fingerprint == there.fingerprint
    for form in (list, pd.Series, lambda v: v.astype(str), lambda v: v.astype(float), lambda v: v[:, None]):
        same = memory((x[:40], form(y[:40])), test=(x[40:].tolist(), form(y[40:])))
        assert same.fingerprint == there.fingerprint


def test_several_numbers_an_example_are_those_of_a_frame(arrays):
    x, y = arrays
    both = np.stack([y * 2.5, -1.0 * y], axis=1)
    as_rows = pd.DataFrame(x, columns=list("abcd"))
    there = memory(as_rows.assign(p=both[:, 0], q=both[:, 1]), "tabular_regression", target=["p", "q"])
    beside = memory((as_rows, pd.DataFrame(both, columns=["p", "q"])), "tabular_regression")
    assert beside.fingerprint == there.fingerprint and beside.signature.targets == ("p", "q")
    for given, names in ((both, ("y_1", "y_2")), (both.tolist(), ("y_1", "y_2")), (pd.DataFrame(both), ("0", "1"))):
        here = memory((x, given), "tabular_regression")
        assert here.signature.targets == names
        for ours, theirs in zip(splits(here).values(), splits(there).values(), strict=True):
            np.testing.assert_array_equal(ours.targets, theirs.targets)
    named = memory((x, both), "tabular_regression", target=["height", "weight"])
    assert named.signature.targets == ("height", "weight")
    refused("y has 2 columns, and data.target names 1", (x, both), "tabular_regression", target="height")
    refused("the splits have different numbers of targets", (x, both), "tabular_regression", test=(x, y * 1.0))
    refused("takes a frame, such as pandas.DataFrame", (x, both > 0), "tabular_multi_label_classification")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 2)), [0, 1], "data: x has 3 examples, and y 2"),
        (
            np.zeros((2, 2)),
            np.eye(2),
            r"data: y: targets must be one label or number an example, .* y\.argmax\(axis=1\)",
        ),
        (
            np.zeros((4, 2)),
            ["a", 1, "b", "c"],
            r"targets must be labels or numbers of one type, found text in 3 of 4 rows",
        ),
        (np.zeros((2, 2, 2)), [0, 1], r"data: array 'data x': vectors must be numbers \(examples, features\)"),
        (np.full((4, 1), np.nan), [0, 1, 0, 1], "4 of 4 examples whose inputs hold NaN or infinity: 1, 2, 3, 4;"),
        ([[1, 2], [3]], [0, 1], "data: x: expected examples of one shape"),
        (["a text", "b"], [0, 1], "data: x holds texts, and tabular_classification takes table or array"),
        (np.zeros((4, 2)), [0, None, 1, np.nan], r"row 2 has no label \(2 such of 4 rows: also row 4\)"),
    ],
)
def test_arrays_that_do_not_fit(x, y, message):
    refused(message, (x, y))


def test_keys_of_tables_have_no_effect_on_arrays(arrays):
    refused(
        r"\(x, y\) has no columns, and data\.ignore, data\.missing is for tables", arrays, ignore=["a"], missing=["b"]
    )
    refused("sparse matrices are not read", (pytest.importorskip("scipy.sparse").eye(3), [0, 1, 2]))


def test_texts_are_those_of_a_csv_file(tmp_path):
    texts, labels = [f"word{i}, and" for i in range(40)], ["good", "bad"] * 20
    frame = pd.DataFrame({"text": texts, "y": labels})
    frame.to_csv(tmp_path / "data.csv", index=False)
    there = file(f"csv:{tmp_path / 'data.csv'}", SEQUENCES, text="text", target="y")
    assert there.signature.kind == "text" and there.signature.labels == ("bad", "good")
    for given in ((texts, labels), (np.array(texts), pd.Series(labels)), (pd.Series(texts), np.array(labels))):
        assert memory(given, SEQUENCES).fingerprint == there.fingerprint
    for given in (frame, as_polars(frame), as_lists(frame)):
        assert memory(given, SEQUENCES, target="y").fingerprint == there.fingerprint
        assert memory(given, SEQUENCES, target="y", text="text").fingerprint == there.fingerprint
    gaps = [None if i in (2, 5) else text for i, text in enumerate(texts)]
    refused(r"2 of 40 rows have no text: row 3 has None, row 6", (gaps, labels), SEQUENCES)
    assert len(memory((gaps, labels), SEQUENCES, on_error="skip").train) < len(there.train)
    refused(r"name it under data\.text \(columns: a, b\)", {"a": texts, "b": texts, "y": labels}, SEQUENCES, target="y")
    pairs = memory((texts, [text.upper() for text in texts]), "sequence_to_sequence")
    assert pairs.signature.kind == "text" and len(pairs.signature.labels) > 10


def test_images_of_pillow_are_those_of_files(tmp_path, write_images):
    files = write_images(tmp_path / "data")
    there = file(f"folder:{tmp_path / 'data'}", IMAGES)
    images = [Image.open(path) for path in files]
    here = memory((images, [path.parent.name for path in files]), IMAGES)
    assert here.signature.shape == there.signature.shape == (None, None, 3)
    assert here.signature.labels == there.signature.labels
    for name, split in splits(here).items():
        other = splits(there)[name]
        pairs = zip(split.take(np.arange(len(split))), other.take(np.arange(len(other))), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs) and np.array_equal(split.targets, other.targets)


def test_images_of_one_size_are_one_array():
    pixels = np.random.default_rng(0).integers(0, 255, (40, 6, 5), np.uint8)
    labels = [0, 1] * 20
    one = memory((pixels, labels), IMAGES)
    assert one.signature.shape == (6, 5, 1)
    assert memory(([Image.fromarray(p) for p in pixels], labels), IMAGES).fingerprint == one.fingerprint
    assert memory((list(pixels), labels), IMAGES).fingerprint == one.fingerprint
    assert memory(([Image.fromarray(p) for p in pixels], labels), IMAGES, channels=3).signature.shape == (6, 5, 3)
    refused(
        r"image 1 has 3 channels and data\.channels is 1",
        (
            [np.zeros((2, 2, 3), np.uint8)] * 2,
            [0, 1],
        ),
        IMAGES,
        channels=1,
    )
    refused(r"data\.channels: arrays have their channels", (pixels, labels), IMAGES, channels=3)
    refused("data x: image 2: expected", ([pixels[0], pixels[0, 0]], [0, 1]), IMAGES)


# --- data sets of other libraries -------------------------------------------------------------------------------------


def test_a_data_set_of_tensorflow(arrays):
    tf = pytest.importorskip("tensorflow")
    x, y = arrays
    expected = memory((x, y)).fingerprint
    examples = tf.data.Dataset.from_tensor_slices((x, y))
    for given in (examples, examples.batch(7), examples.batch(60).prefetch(1)):
        assert memory(given).fingerprint == expected
    columns = tf.data.Dataset.from_tensor_slices({"a": x[:, 0], "b": x[:, 1], "y": y.astype(str)})
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    assert memory(columns.batch(8), target="y").fingerprint == memory(frame, target="y").fingerprint
    pairs = tf.data.Dataset.from_tensor_slices(({"a": x[:, 0], "b": x[:, 1]}, y.astype(str)))
    assert memory(pairs, target="y").fingerprint == memory(frame, target="y").fingerprint
    refused(r"the data set is infinite; take away repeat\(\)", examples.repeat())
    refused(r"expected a data set of \(x, y\)", tf.data.Dataset.from_tensor_slices(x))
    refused("the data set holds no examples", examples.take(0))


def test_images_of_a_tensorflow_data_set_may_have_any_size():
    tf = pytest.importorskip("tensorflow")
    images = [np.full((4 + i % 3, 5, 3), i, np.uint8) for i in range(30)]
    spec = (tf.TensorSpec((None, 5, 3), tf.uint8), tf.TensorSpec((), tf.int64))
    given = tf.data.Dataset.from_generator(lambda: ((x, i % 2) for i, x in enumerate(images)), output_signature=spec)
    assert memory(given, IMAGES).fingerprint == memory((images, [0, 1] * 15), IMAGES).fingerprint


def test_a_data_set_of_keras(arrays):
    keras = pytest.importorskip("keras")
    x, y = arrays

    class Batches(keras.utils.PyDataset):
        num = 3

        def __len__(self):
            return self.num

        def __getitem__(self, number):
            part = slice(20 * number, 20 * number + 20)
            return x[part], y[part]

    class Weighted(Batches):
        def __getitem__(self, number):
            return (*super().__getitem__(number), np.ones(20))

    class Endless(Batches):
        @property
        def num_batches(self):
            return None

    assert memory(Batches()).fingerprint == memory((x, y)).fingerprint
    refused(r"expected batches \(x, y\), received tuple of 3, such as with sample weights in batch 0", Weighted())
    refused("the data set is infinite: its num_batches is None", Endless())


class Features:
    """What is used of a Hugging Face `Dataset`."""

    def __init__(self, columns, **names):
        self.columns = columns
        self.column_names = list(columns)
        self.features = {name: type("Feature", (), {"names": names[name]} if name in names else {}) for name in columns}

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name):
        return self.columns[name]


def hugging_face(columns, **names):
    datasets = pytest.importorskip("datasets")
    types = {name: datasets.ClassLabel(names=given) for name, given in names.items()}
    dataset = datasets.Dataset.from_dict(columns)
    for name, kind in types.items():
        dataset = dataset.cast_column(name, kind)
    return dataset


@pytest.mark.parametrize("make", [Features, hugging_face])
def test_a_data_set_of_hugging_face(make, arrays):
    x, y = arrays
    columns = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y.tolist()}
    expected = memory({**columns, "y": [("no", "yes", "other")[v] for v in y]}, target="y").fingerprint
    assert memory(make(columns, y=["no", "yes", "other"]), target="y").fingerprint == expected
    refused("row 1 has no label", make({**columns, "y": [-1, *columns["y"][1:]]}, y=["no", "yes", "other"]), target="y")
    texts = make({"text": [f"a{i}" for i in range(60)], "label": y.tolist()}, label=["no", "yes", "other"])
    assert memory(texts, SEQUENCES, target="label").signature.kind == "text"


def test_a_recipe_that_reads_memory_needs_the_data():
    with pytest.raises(
        ZooError, match=r"data\.source is memory:DataFrame: the data was given in Python and is not kept"
    ):
        load_dataset(Data(source="memory:DataFrame", target="y"), TASKS[CLASSES])
