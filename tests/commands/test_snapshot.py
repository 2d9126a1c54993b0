"""Snapshots: the exact data of a recipe in files that other programs read, and what has changed since."""

import io
import json
import warnings

import mlcroissant
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

import zoo as package
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS

TABLE = """extends: [_base/tabular_classification, _base/adamw_cosine]
data: {source: "csv:shops.csv", target: open}
model: {name: mlp, widths: [4]}
training: {epochs: 2}
"""


def dataset_of(name):
    recipe = load_recipe(name).recipe
    return load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)


def records(folder, split):
    """Return the records as the Croissant library reads them, after it has validated the metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not found.metadata.issues.errors
    return list(found.records(split))


@pytest.fixture
def shops(tmp_path):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "sales": generator.normal(size=80).round(3),
            "city": generator.choice(["Łódź", "Bath", ""], 80),
            "open": generator.choice(["yes", "no"], 80),
        }
    )
    frame.loc[3, "sales"] = np.nan
    frame.to_csv(tmp_path / "shops.csv", index=False)
    (tmp_path / "mine.yaml").write_text(TABLE)
    return tmp_path


def test_a_table_is_written_as_the_model_takes_it(shops, monkeypatch):
    monkeypatch.chdir(shops)
    facts = package.snapshot("mine.yaml", output="kept")
    given = pd.read_csv("shops.csv", keep_default_na=False, dtype={"sales": str})
    written = pd.concat(pd.read_parquet(f"kept/{split}.parquet") for split in ("train", "validation", "test"))
    assert facts["splits"] == {s: len(pd.read_parquet(f"kept/{s}.parquet")) for s in ("train", "validation", "test")}
    rows = sorted(zip(pd.to_numeric(given.sales).fillna(9).astype("f4"), given.city, given.open, strict=True))
    assert sorted(zip(written.sales.fillna(9).astype("f4"), written.city, written.open, strict=True)) == rows
    assert json.loads((shops / "kept/snapshot.json").read_text())["source"] == "csv:shops.csv"
    assert len(records(shops / "kept", "train")) == facts["splits"]["train"]


def test_a_table_can_be_trained_from_its_snapshot(shops, monkeypatch):
    monkeypatch.chdir(shops)
    package.snapshot("mine.yaml", output="kept")
    again = load_recipe("mine.yaml", [f"data.source=parquet:{shops}/kept"]).recipe
    found = load_dataset(again.data, TASKS[again.task], again.preprocess)
    first = dataset_of("mine.yaml")
    for split in ("train", "validation", "test"):
        one, other = getattr(first, split), getattr(found, split)
        np.testing.assert_array_equal(one.targets, other.targets)
        for name, values in one.take(np.arange(len(one))).items():
            np.testing.assert_array_equal(values, other.take(np.arange(len(other)))[name])


def test_what_has_changed_is_counted(shops, monkeypatch, zoo):
    monkeypatch.chdir(shops)
    package.snapshot("mine.yaml", output="kept")
    assert package.snapshot("mine.yaml", compare="kept")["same"]
    recipe = TABLE.replace("target: open", "target: open, snapshot: kept")
    (shops / "mine.yaml").write_text(recipe)
    assert zoo("check", "mine.yaml", "--data")[0] == 0
    frame = pd.read_csv(shops / "shops.csv", keep_default_na=False)
    frame.loc[5, "city"] = "Rome"
    frame.to_csv(shops / "shops.csv", index=False)
    counts = package.snapshot("mine.yaml", compare="kept")["differences"].values()
    assert sum(each["added"] for each in counts) == sum(each["removed"] for each in counts) == 1
    code, _, err = zoo("train", "mine.yaml")
    assert code == 2 and "1 examples removed, 1 added" in err and not (shops / "runs").exists()
    assert zoo("snapshot", "mine.yaml", "--compare", "kept")[0] == 2


def test_images_are_png_files(tmp_path):
    package.snapshot("cnn/digits", output=tmp_path / "kept")
    dataset, found = dataset_of("cnn/digits"), records(tmp_path / "kept", "test")
    assert [r["test/label"].decode() for r in found] == [dataset.signature.labels[i] for i in dataset.test.targets]
    images = np.stack([np.asarray(record["test/input"]) for record in found])
    np.testing.assert_array_equal(images[..., None], dataset.test.take(np.arange(len(dataset.test))))
    stored = pq.read_table(tmp_path / "kept/train.parquet")["input"][0].as_py()
    assert Image.open(io.BytesIO(stored)).format == "PNG"


@pytest.mark.parametrize(
    "name",
    [
        "mlp/wine",
        "transformer/sunspots",
        pytest.param("graph/digit_graphs", marks=pytest.mark.ci),
        pytest.param("transformer/python_topics", marks=pytest.mark.ci),
        pytest.param("cnn/sounds", marks=pytest.mark.ci),
        pytest.param("cnn/digit_scenes_boxes", marks=pytest.mark.ci),
        pytest.param("lstm/dates", marks=pytest.mark.ci),
    ],
)
def test_other_kinds_are_nested_lists(name, tmp_path):
    package.snapshot(name, output=tmp_path / "kept")
    dataset = dataset_of(name)
    written = pq.read_table(tmp_path / "kept/test.parquet").slice(0, 5).to_pydict()
    raw = dataset.test.take(np.arange(5))
    for column, values in (raw if isinstance(raw, dict) else {"input": raw}).items():
        if dataset.signature.kind == "image":
            assert all(Image.open(io.BytesIO(png)).size == values[0].shape[1::-1] for png in written[column])
        elif np.asarray(values).dtype.kind in "OU":
            assert written[column] == list(map(str, values))
        else:
            np.testing.assert_array_equal(np.array(written[column], np.asarray(values).dtype), values)
    assert len(records(tmp_path / "kept", "validation")) == len(dataset.validation)


def test_what_cannot_be_is_refused(tmp_path, zoo):
    (tmp_path / "kept").mkdir()
    for arguments, said in (
        (["cnn/digits", "--output", "kept"], "exists already"),
        (["cnn/digits", "--compare", "kept"], "is no snapshot"),
        (["cnn/digits"], "--output FOLDER"),
        (["cnn/nothing", "--output", "new"], "cnn/nothing"),
    ):
        code, _, err = zoo("snapshot", *arguments)
        assert code == 2 and said in err.replace("\n", " ") and not (tmp_path / "new").exists(), err


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZooError("full")

    monkeypatch.setattr("zoo.data.croissant.write_croissant", fail)
    with pytest.raises(ZooError, match="full"):
        package.snapshot("mlp/wine", output=tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


def test_rows_that_are_added_move_no_other(shops, monkeypatch):
    """Splits by content: what a snapshot had stays where it was."""
    monkeypatch.chdir(shops)
    (shops / "mine.yaml").write_text(TABLE.replace("target: open", "target: open, split_by: content"))
    package.snapshot("mine.yaml", output="kept")
    frame = pd.read_csv("shops.csv", keep_default_na=False)
    more = frame.sample(20, random_state=0).assign(sales=np.arange(20) + 100.5)
    pd.concat([more, frame]).to_csv("shops.csv", index=False)
    counts = package.snapshot("mine.yaml", compare="kept")["differences"].values()
    assert sum(each["added"] for each in counts) == 20 and not any(each["removed"] for each in counts)


@pytest.mark.parametrize(
    ("key", "said"),
    [("group: city", "data.group says how to split"), ("fold: {number: 1, of: 3}", "folds are drawn")],
)
def test_a_split_by_content_that_cannot_be_is_refused(shops, key, said):
    (shops / "mine.yaml").write_text(TABLE.replace("target: open", f"target: open, split_by: content, {key}"))
    with pytest.raises(ZooError, match=f"data.split_by.*{said}"):
        load_recipe(shops / "mine.yaml")
