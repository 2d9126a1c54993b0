"""CSV and Parquet files: columns, labels and fingerprints, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from loading import NUMBERS, load, refused

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
FRAME = pd.DataFrame(
    {"height": RNG.normal(size=60), "colour": np.array(["red", "blue"])[LABELS % 2], "code": LABELS, "kind": LABELS}
)


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    def write(frame=FRAME, **changes):
        frame = frame.assign(**changes)
        path = tmp_path / f"t.{request.param}"
        frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
        return f"{request.param}:{path}"

    return write


def test_tables(table):
    dataset = load(table(), target="kind", categorical=["code"], ignore=["colour"])
    assert [(c.name, c.type) for c in dataset.signature.columns] == [("height", "number"), ("code", "category")]
    assert dataset.signature.labels == ("0", "1", "2") and dataset.signature.target == "kind"
    rows = dataset.train.take([0, 5])
    np.testing.assert_array_equal(rows["height"], FRAME["height"].astype(np.float32)[dataset.train.indices[[0, 5]]])
    assert load(table(), NUMBERS, target="height").train.targets.dtype == np.float32


def test_labels_and_fingerprints_of_tables(table):
    def dataset(**changes):
        return load(table(**changes), target="kind")

    first = dataset()
    assert dataset().fingerprint == first.fingerprint
    assert dataset(height=FRAME["height"].where(FRAME.index != 3, 0.0)).fingerprint != first.fingerprint
    assert dataset(kind=FRAME["kind"].replace({0: 1, 1: 0})).fingerprint != first.fingerprint
    assert dataset(kind=FRAME["kind"].astype(float)).signature.labels == ("0", "1", "2")
    assert dataset(kind=FRAME["kind"] + 9).signature.labels == ("9", "10", "11")


@pytest.mark.parametrize(
    ("settings", "changes", "message"),
    [
        ({"target": "kin"}, {}, r"data\.target names the column 'kin', which the table lacks; did you mean 'kind'\?"),
        ({"target": "kind", "ignore": ["hight"]}, {}, r"data\.ignore names the column 'hight', .* 'height'\?"),
        ({"target": "kind", "categorical": ["x"]}, {}, r"data\.categorical names the column 'x', which the table"),
        ({"target": "kind", "ignore": ["height", "colour", "code"]}, {}, "no input column is left beside the target"),
        (
            {"target": "kind"},
            {"kind": FRAME["kind"].where(FRAME.index != 6)},
            r"column 'kind': row 7( \(line 8\))? has no label",
        ),
        ({"target": "kind"}, {"kind": 1}, "column 'kind': a classifier needs at least two classes, found 1"),
    ],
)
def test_tables_that_are_not_right(table, settings, changes, message):
    refused(message, table(**changes), **settings)


def test_numbers_that_are_missing(table):
    source = table(height=FRAME["height"].where(FRAME.index != 6))
    refused(
        r"column 'height': row 7( \(line 8\))? has no target \(1 such of 60 rows\)", source, NUMBERS, target="height"
    )
    refused(
        r"column 'colour' holds text, 'red' \(40\), 'blue' \(20\), .* take a classification task",
        table(),
        NUMBERS,
        target="colour",
    )
