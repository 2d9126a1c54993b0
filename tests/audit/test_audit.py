"""Faults that were planted must be found, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from zoo.audit.audit import audit
from zoo.data.columns import Column
from zoo.data.dataset import Dataset, Signature, Split, whole
from zoo.data.hashes import split_hashes
from zoo.data.inputs import ArrayInputs, ImageInputs, TableInputs

RNG = np.random.default_rng(0)


def images(counts=(60, 60), test=(40, 40)):
    """A clean data set of random images, as one array a split."""
    splits = {}
    for name, numbers in (("train", counts), ("validation", test), ("test", test)):
        targets = np.repeat(np.arange(len(numbers), dtype=np.int32), numbers)
        splits[name] = whole(ArrayInputs(RNG.integers(0, 256, (len(targets), 4, 4, 1), dtype=np.uint8)), targets)
    labels = tuple(f"c{i}" for i in range(len(counts)))
    signature = Signature("image", "class", (4, 4, 1), labels=labels)
    return Dataset(name="made", signature=signature, fingerprint="f", **splits)


def findings(dataset):
    """Return the messages of what was found, without that of few examples."""
    few = ("too_few_examples", "rare_class")
    return [f["message"] for f in audit(dataset)["findings"] if f["name"] not in few]


def test_clean_data_has_no_findings():
    result = audit(images())
    assert result["findings"] == []
    assert result["splits"] == {"train": 120, "validation": 80, "test": 80}
    assert result["class_counts"]["train"] == {"c0": 60, "c1": 60}


def test_repeats_and_conflicting_labels():
    dataset = images()
    array = dataset.train.inputs.array
    array[1] = array[0]
    array[2] = array[0]
    array[119] = array[3]  # of the other class
    assert findings(dataset) == [
        "1 training examples repeat another under a different label",
        "3 training examples repeat another",
    ]


def test_leaks():
    dataset = images()
    dataset.test.inputs.array[:5] = dataset.train.inputs.array[:5]
    dataset.validation.inputs.array[7] = dataset.train.inputs.array[9]
    errors = [f for f in audit(dataset)["findings"] if f["name"] == "leaked_examples"]
    assert [(f["severity"], f["count"], f["message"]) for f in errors] == [
        ("error", 5, "5 of 80 test examples are also in the training split: metrics are optimistic"),
        ("warning", 1, "1 of 80 validation examples are also in the training split: metrics are optimistic"),
    ]
    of = {"split": "train", "index": 9, "label": "c0"}
    assert errors[1]["evidence"] == [{"split": "validation", "index": 7, "label": "c0", "of": of}]


def test_images_of_different_shapes_with_the_same_bytes_are_different():
    dataset = images((2, 2), (31, 31))
    flat = [np.arange(12, dtype=np.uint8).reshape(s) for s in ((3, 4, 1), (4, 3, 1), (2, 6, 1), (6, 2, 1))]
    train = whole(ImageInputs(4, flat.__getitem__, "d"), dataset.train.targets)
    assert findings(replace(dataset, train=train)) == []


def test_imbalance_and_rare_classes():
    found = audit(images((200, 20, 30), (40, 10, 40)))["findings"]
    assert [(f["name"], f["severity"], f["message"]) for f in found] == [
        (
            "imbalance",
            "warning",
            "classes are unbalanced: 'c0' has 10 times the examples of 'c1'; read balanced accuracy beside accuracy",
        ),
        ("rare_class", "note", "the test split has as few as 10 examples of a class: its metrics are rough"),
    ]
    (rare,) = [f for f in audit(images((40, 4), (40, 40)))["findings"] if f["name"] == "rare_class"]
    assert (rare["severity"], rare["count"]) == ("warning", 1) and "'c1' (4)" in rare["message"]
    assert findings(images((40, 40, 0), (40, 40, 40))) == ["classes with no example in the train split: c2"]


def table(number, word):
    rows = len(number)
    unique = np.arange(rows, dtype=np.float32)

    def split(offset):
        columns = {"number": number, "word": word, "unique": unique + offset}
        return whole(TableInputs(columns), RNG.normal(size=rows).astype(np.float32))

    columns = (Column("number", "number"), Column("word", "category"), Column("unique", "number"))
    signature = Signature("table", "y", columns=columns)
    return Dataset(
        name="made",
        signature=signature,
        train=split(0),
        validation=split(1000),
        test=split(2000),
        fingerprint="f",
        notes=("a note of the source",),
    )


def test_tables_missing_values_and_constant_columns():
    number = RNG.normal(size=40).astype(np.float32)
    word = np.array(["a", "b"] * 20, dtype=object)
    assert findings(table(number, word)) == ["a note of the source"]
    number, word = number.copy(), word.copy()
    number[:3], word[:] = np.nan, "a"
    assert findings(table(number, word)) == [
        "column 'word' has only one value and carries no information",
        "a note of the source",
        "column 'number' lacks 3 of 40 training values",
    ]
    word[0] = ""
    assert "column 'word' lacks 1 of 40 training values" in findings(table(number, word))


def test_repeated_rows_of_a_table():
    dataset = table(np.ones(40, np.float32), np.array(["a"] * 40, dtype=object))
    dataset.train.inputs.columns["unique"][1] = 0
    assert "1 training examples repeat another" in findings(dataset)


def test_range_of_a_number():
    dataset = table(np.ones(40, np.float32), np.array(["a"] * 40, dtype=object))
    y = dataset.train.targets
    expected = {"mean": y.mean(), "std": y.std(), "min": y.min(), "max": y.max()}
    assert audit(dataset)["target"] == pytest.approx(expected)


def test_rows_of_few_values_repeat_by_chance_and_stop_no_training():
    rng = np.random.default_rng(1)
    columns = {name: np.array([list("abc")[i] for i in rng.integers(0, 3, 600)], dtype=object) for name in "uvw"}
    signature = Signature("table", "y", columns=tuple(Column(name, "category") for name in columns))
    y = rng.normal(size=600).astype(np.float32)
    parts = [np.arange(0, 400), np.arange(400, 500), np.arange(500, 600)]
    train, validation, test = (Split(TableInputs(columns), part, y[part]) for part in parts)
    dataset = Dataset(name="made", signature=signature, train=train, validation=validation, test=test, fingerprint="f")
    found = [f for f in audit(dataset)["findings"] if f["name"] in ("leaked_examples", "exact_duplicates")]
    assert [(f["name"], f["severity"]) for f in found] == [
        ("exact_duplicates", "note"),
        ("leaked_examples", "note"),
        ("leaked_examples", "note"),
    ]
    numbers = {**columns, **{f"n{i}": rng.normal(size=600) for i in range(5)}}
    for values in numbers.values():
        values[500:510] = values[:10]
    signature = Signature(
        "table", "y", columns=tuple(Column(n, "category" if n in "uvw" else "number") for n in numbers)
    )
    train, validation, test = (Split(TableInputs(numbers), part, y[part]) for part in parts)
    copied = replace(dataset, signature=signature, train=train, validation=validation, test=test)
    (leaked,) = [f for f in audit(copied)["findings"] if f["name"] == "leaked_examples"]
    assert (leaked["severity"], leaked["count"]) == ("error", 10)


def test_equal_examples_have_equal_hashes_and_others_do_not():
    rng = np.random.default_rng(2)
    rows = {"a": rng.integers(0, 4, 200).astype(np.float32), "b": np.array([str(i % 3) for i in range(200)], object)}
    split = whole(TableInputs(rows), np.zeros(200, np.float32))
    pairs = list(zip(rows["a"].tolist(), rows["b"].tolist(), strict=True))
    assert len(np.unique(split_hashes(split))) == len(set(pairs))
    first = split_hashes(split) == split_hashes(split)[0]
    assert first.tolist() == [pair == pairs[0] for pair in pairs]
