"""Sequences of numbers of different lengths: tables in long form, and files of aeon's format."""

import numpy as np
import pandas as pd
import pytest

from zoo.data.sources.load import load_dataset
from zoo.data.sources.table import load_table
from zoo.data.sources.ts_text import read_ts
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

RANDOM = np.random.default_rng(0)
LENGTHS = [5, 3, 8, 8, 4, 6]


def frame():
    """Return six gestures of different lengths, one behind the other."""
    parts = [
        pd.DataFrame({"gesture": f"g{i}", "step": np.arange(n), "x": RANDOM.normal(size=n), "y": RANDOM.normal(size=n)})
        for i, n in enumerate(LENGTHS)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(kind=np.where(table["gesture"].isin(["g0", "g2", "g4"]), "wave", "clap"))


def load(table, tmp_path, task="sequence_classification", **options):
    path = tmp_path / "data.csv"
    table.to_csv(path, index=False)
    settings = {"source": f"csv:{path}", "target": "kind", "series": "gesture", **options}
    return load_table(str(path), Data.model_validate(settings), TASKS[task])


@pytest.mark.parametrize("mixed", [False, True])
def test_a_table_in_long_form(mixed, tmp_path):
    table = frame()
    given = table.sample(frac=1, random_state=0) if mixed else table
    found = load(given, tmp_path, time="step", sort=mixed)
    x = found.splits["train"].take(np.arange(6))
    assert found.signature.shape == (None, 2) and x.shape == (6, 8, 2)
    for row, (name, group) in zip(x, table.groupby("gesture"), strict=True):
        np.testing.assert_array_equal(row[: len(group)], np.float32(group[["x", "y"]]))
        assert np.isnan(row[len(group) :]).all(), name
    assert [found.signature.labels[i] for i in found.splits["train"].targets] == ["wave", "clap"] * 3
    assert "sequences have 3 to 8 steps: shorter ones are padded, and padding is masked" in found.notes


def test_one_length_needs_no_padding_and_numbers_are_targets(tmp_path):
    table = frame().query("gesture in ['g2', 'g3']").assign(kind=lambda t: t["gesture"].map({"g2": 1.5, "g3": -2}))
    found = load(table, tmp_path, "sequence_regression", time="step")
    assert found.signature.shape == (8, 2) and found.splits["train"].targets.tolist() == [1.5, -2]


BAD_TABLES = {
    "no such column": (frame(), {"series": "gestur"}, "data.series names the column 'gestur'.*did you mean 'gesture'"),
    "several targets": (
        frame().assign(kind=["no", *frame()["kind"][1:]]),
        {},
        r"1 of 6 have several|1 have several: 'g0'",
    ),
    "no target": (
        frame().assign(kind=frame()["kind"].mask(frame()["gesture"] == "g1")),
        {},
        "sequence 'g1' has no label",
    ),
    "a gap": (frame().assign(x=frame()["x"].mask(frame().index == 6)), {"time": "step"}, r"1 of 6 .*'g1' \(step 2\)"),
    "text": (frame().assign(x="a", y="b"), {"time": "step"}, "no column of numbers is left"),
    "a step twice": (frame().assign(step=0), {"time": "step"}, "sequence 'g0': row 2 .line 3. is not later than"),
    "not in order": (frame()[::-1], {"time": "step"}, "data.sort: true sorts them"),
    "twice, sorted": (frame().assign(step=0), {"time": "step", "sort": True}, "has a moment that stands twice"),
    "no such time": (frame(), {"time": "when"}, "data.time names the column 'when'"),
    "sort without time": (frame().drop(columns="step"), {"sort": True}, "data.sort: no column reads as time"),
    "no sequence named": (
        frame().assign(gesture=frame()["gesture"].mask(frame().index == 2)),
        {},
        "1 of 34 rows do not",
    ),
    "one class": (frame().assign(kind="wave"), {}, "at least two classes"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_refused(name, tmp_path):
    table, options, message = BAD_TABLES[name]
    with pytest.raises(ZooError, match=message):
        load(table, tmp_path, **options)


HEAD = "# one\n%another\n@problemName toy\n@timeStamps false\n@univariate false\n@classLabel true up down\n@data\n"
CASES = "1,2,3:4,5,6:up\n1.5,-2:0,1e2:down\n"


def write(path, text):
    path.write_text(text)
    return path


def test_a_file_of_aeons_format(tmp_path):
    found = read_ts(write(tmp_path / "a.ts", HEAD + CASES))
    np.testing.assert_array_equal(found.values[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(found.values[1], [[1.5, 0], [-2, 100]])
    assert found.labels == ["up", "down"] and found.classes and found.names == ["line 8", "line 9"]
    numbers = read_ts(write(tmp_path / "b.ts", "@univariate true\n@targetLabel true\n@data\n1,2:0.5\n"))
    assert numbers.labels == ["0.5"] and not numbers.classes and numbers.values[0].shape == (2, 1)
    assert read_ts(write(tmp_path / "c.ts", "@classLabel false\n@data\n1,2:3,4\n")).values[0].shape == (2, 2)


@pytest.mark.parametrize("given", ["toy", "toy_TRAIN.ts", "."])
def test_a_pair_of_files(given, tmp_path):
    write(tmp_path / "toy_TRAIN.ts", HEAD + CASES * 10)
    write(tmp_path / "toy_TEST.ts", HEAD + CASES)
    data = Data.model_validate({"source": f"ts:{tmp_path / given}"})
    found = load_dataset(data, TASKS["sequence_classification"])
    assert len(found.test) == 2 and len(found.train) + len(found.validation) == 20
    assert found.signature.shape == (None, 2) and found.signature.labels == ("down", "up")


BAD_FILES = {
    "empty": ("", "has no line @data"),
    "no data": ("@classLabel true a b\n", "has no line @data"),
    "no cases": (HEAD, "no cases behind @data"),
    "text in the head": ("problemName x\n@data\n1:a\n", "line 1: expected a line that begins with @"),
    "time stamps": ("@timeStamps true\n@data\n(0,1):a\n", "has time stamps"),
    "a flag that is none": ("@univariate maybe\n@data\n1:a\n", "line 1: @univariate has to be true or false"),
    "a flag without a value": ("@classLabel\n@data\n1:a\n", "@classLabel has to be true or false"),
    "text in a case": (HEAD + "1,two:3,4:up\n", "1 of 1 cases cannot be read: line 8 could not convert"),
    "channels of two lengths": (HEAD + "1,2:3:up\n", "line 8 has channels of 1 and 2 steps"),
    "another number of channels": (HEAD + CASES + "1,2:up\n", "line 10 has 1 channels, and the first case 2"),
    "an unknown class": (HEAD + "1,2:3,4:left\n", "the class 'left', which @classLabel does not name"),
    "no class": (HEAD + "1,2:3,4:\n", "line 8 has no label"),
    "a missing class": (HEAD + "1,2:3,4:?\n", "line 8 has no label"),
    "a number that is none": ("@targetLabel true\n@data\n1,2:x\n", "line 3 could not convert"),
    "two faults": (HEAD + "a:1:up\n" + CASES + "b:1:up\n", "2 of 4 cases cannot be read: line 8 .*line 11"),
    "not one channel": (HEAD.replace("univariate false", "univariate true") + CASES, "@univariate says one channel"),
    "not the channels": (
        HEAD.replace("@data", "@dimensions 3\n@data") + CASES,
        "@dimensions says 3 channels, .* have 2",
    ),
    "not one length": (HEAD.replace("@data", "@equalLength true\n@data") + CASES, "@equalLength says one length"),
    "a value is missing": (HEAD + "1,?:3,4:up\n" + CASES, r"1 of 3 sequences lack a value.*line 8 \(step 2\)"),
    "too large": (HEAD + "1,1e39:3,4:up\n" + CASES, "1 of 3 sequences lack a value, or have one that is no finite"),
    "no labels": ("@classLabel false\n@data\n1,2\n", "its cases have no class and no number to predict"),
    "numbers": ("@targetLabel true\n@data\n1,2:1\n", "its cases have numbers.*take sequence_regression"),
    "bytes": ("\udcff", "not readable as text"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused(name, tmp_path):
    text, message = BAD_FILES[name]
    (tmp_path / "bad.ts").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ZooError, match=message):
        load_dataset(Data.model_validate({"source": f"ts:{tmp_path / 'bad.ts'}"}), TASKS["sequence_classification"])


def test_files_that_are_not_there(tmp_path):
    for given, message in (
        ("none", "no such file, and none .*none_TRAIN.ts"),
        (".", "expected one file NAME_TRAIN.ts"),
    ):
        with pytest.raises(ZooError, match=message):
            load_dataset(Data.model_validate({"source": f"ts:{tmp_path / given}"}), TASKS["sequence_classification"])
