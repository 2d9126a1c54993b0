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


@pytest.fixture
def csv(tmp_path):
    def write(text):
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding="utf-8")
        return f"csv:{path}"

    return write


ROWS = [(f"{i % 7}.5", f"{i * i % 11}", "yes" if i % 2 else "no") for i in range(60)]


def lines(header, rows):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def test_a_column_of_splits_splits_the_rows(csv):
    names = ["Training", "test", "val"]
    rows = [(*row, names[i % 5 % 3]) for i, row in enumerate(ROWS)]
    dataset = load(csv(lines("a,b,y,part", rows)), target="y", split_column="part")
    for split, name in ((dataset.train, "Training"), (dataset.validation, "val"), (dataset.test, "test")):
        assert split.indices.tolist() == [i for i, row in enumerate(rows) if row[-1] == name]
    assert "part" not in [column.name for column in dataset.signature.columns]
    message = (
        r"data\.split_column: row 1 \(line 2\) of column 'y' has 'no', which names no split \(60 such of 60 rows\)"
    )
    refused(message, csv(lines("a,y,b", [(a, y, b) for a, b, y in ROWS])), target="b", split_column="y")


def test_rows_that_cannot_be_read_are_listed_and_left_out_on_request(csv):
    rows = [list(row) for row in ROWS]
    rows[3][0], rows[8][2], rows[20][1] = "broken", "", "inf"
    source = csv(lines("a,b,y", rows) + "1,2\n")
    refused("1 of 61 rows have another number of fields", source, target="y")
    dataset = load(source, target="y", on_error="skip")
    kept = sorted(i for split in (dataset.train, dataset.validation, dataset.test) for i in split.indices)
    assert len(kept) == 57
    a = [float(row[0]) for i, row in enumerate(rows) if i not in (3, 8, 20)]
    np.testing.assert_array_equal(dataset.train.inputs.columns["a"], np.float32(a))
    said = " ".join(dataset.notes)
    assert "'a' (1), 'b' (1), 'y' (1): row 4 (line 5), row 9 (line 10), row 21 (line 22); they are left out" in said
    assert "line 62; they are left out" in said


def test_the_other_kind_of_task_is_named(csv):
    source = csv(lines("a,b,y", [(a, b, f"{i / 7:.4f}") for i, (a, b, _) in enumerate(ROWS)]))
    refused(r"60 different numbers, such as .* take a regression task \(.*tabular_regression", source, target="y")
    source = csv(lines("a,b,y", [(a, b, i) for i, (a, b, _) in enumerate(ROWS)]))
    refused("60 classes have one example: .* take a regression task", source, target="y")
    source = csv(lines("a,b,y", [*ROWS, (1, 2, "maybe")]))
    refused("a class has only one example: 'maybe'", source, target="y")


def test_a_large_target_stays_what_it_is(csv):
    values = [1_700_000_000 + i / 7 for i in range(60)]
    source = csv(lines("a,b,y", [(a, b, repr(v)) for (a, b, _), v in zip(ROWS, values, strict=True)]))
    dataset = load(source, NUMBERS, target="y")
    np.testing.assert_array_equal(dataset.train.targets, np.array(values)[dataset.train.indices])
    assert dataset.signature.double and dataset.signature.to_json()["double"]


@pytest.mark.parametrize(
    "written",
    ["{}", "+{}", '"{:,}"', "{}.0", "{} kg"],
)
def test_whole_numbers_that_64_bits_merge_are_refused_however_they_are_written(written, tmp_path):
    rows = [f"{written.format(2**53 + i)},{i % 3}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *rows]))
    kept = len({float(2**53 + i) for i in range(40)})
    refused(f"40 different ones would become {kept} numbers", f"csv:{tmp_path}/t.csv", "tabular_regression", target="y")


@pytest.mark.parametrize("written", ["{}", '"{:,}"'])
def test_whole_numbers_that_64_bits_round_are_counted(written, tmp_path):
    rows = [f"{written.format(2**53 + 10 * i + 1)},{i % 3}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *rows]))
    rounded = sum(int(float(2**53 + 10 * i + 1)) != 2**53 + 10 * i + 1 for i in range(40))
    notes = load(f"csv:{tmp_path}/t.csv", "tabular_regression", target="y").notes
    assert (
        f"column 'a': {rounded} whole numbers beyond 2^53 are rounded to numbers of 64 bits" in notes and rounded > 30
    )
