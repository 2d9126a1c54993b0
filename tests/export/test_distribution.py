"""The distribution of training data in an exported file: of every kind of input, and what `zoo drift` says by it."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest

import zoo as package
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.export.convert import add_metadata, seal
from zoo.export.distribution import MAX_PREDICTED, distribution
from zoo.recipe import load_recipe
from zoo.serving.drift.distribution import DISTRIBUTION_KEY, MAX_BYTES, read_distribution
from zoo.serving.drift.kinds import KINDS
from zoo.serving.exported_model import ExportedModel
from zoo.tasks import TASKS

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
RUNS = ["image", "folder", "table", "regression", "text", "tags", "array"]
INPUTS = {  # of shipped files: what is compared of each kind of input
    "autoencoder/digits_anomaly": (["brightness", "contrast", "sharpness"], ["class", "score"]),
    "cnn/digit_scenes_boxes": (["brightness", "contrast", "sharpness"], ["objects", "best score"]),
    "cnn/sounds": (["level", "spectral centroid"], ["class", "confidence"]),
    "graph/digit_graphs": (["nodes", "edges", "node feature 1", "node feature 2", "node feature 3"], None),
    "lstm/copy_memory": (["length", "token rank", "distinct tokens"], []),
    "lstm/digit_strips": (["brightness", "contrast", "sharpness"], ["length"]),
    "lstm/elnino": (["level", "scale", "difference scale"], ["forecast"]),
    "mlp/shop_sales": (None, ["forecast"]),
}
SLOWER = ("cnn/digit_scenes_boxes", "cnn/sounds", "graph/digit_graphs", "lstm/digit_strips")  # seconds to make the data


@pytest.mark.parametrize("kind", RUNS)
def test_every_exported_file_carries_it(kind, reopened):
    run, dataset, _ = reopened(kind)
    path = run.folder / "export" / "model.onnx"
    model = ExportedModel(path)
    found = read_distribution(model.metadata, path)
    assert found.examples == len(dataset.train) and found.inputs and found.left_out == 0
    assert len(model.metadata[DISTRIBUTION_KEY]) <= MAX_BYTES
    for feature in found.inputs:  # the vocabulary is of the training split, in which no token is unknown
        unseen = "unknown tokens" in feature.name
        assert feature.split == ("validation" if unseen else "train")
        assert feature.cells.sum() == len(dataset.validation if unseen else dataset.train)
    learned = min(MAX_PREDICTED, len(dataset.train))
    for feature in found.predictions:
        assert feature.split == ("validation" if feature.is_number else "train and validation")
        assert feature.cells.sum() == len(dataset.validation) + (0 if feature.is_number else learned)
    if kind == "table":
        assert [feature.name for feature in found.inputs] == [column.name for column in model.columns]


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.ci if n in SLOWER else ()) for n in INPUTS])
def test_other_kinds_of_input_and_task(name):
    model = ExportedModel(EXPORTED / name / "model.onnx")
    recipe = load_recipe(name).recipe
    data = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    few = {split: getattr(data, split).part(np.arange(30)) for split in ("train", "validation")}
    found = distribution(model, replace(data, **few))
    inputs, predictions = INPUTS[name]
    assert inputs is None or [feature.name for feature in found.inputs] == inputs
    assert predictions is None or [feature.name for feature in found.predictions] == predictions
    assert all(feature.cells.sum() == 30 for feature in found.inputs)
    assert read_distribution({DISTRIBUTION_KEY: json.dumps(found.to_json())}, model.path) == found


def test_windows_that_overlap_are_worth_less():
    name = "lstm/elnino"
    recipe = load_recipe(name).recipe
    data = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    model = ExportedModel(EXPORTED / name / "model.onnx")
    found = distribution(model, data)
    assert found.effective == pytest.approx(found.examples / model.shape[0], rel=0.01)


def test_categories_and_numbers_are_counted_as_by_numpy(reopened):
    run, dataset, _ = reopened("table")
    path = run.folder / "export" / "model.onnx"
    found = {feature.name: feature for feature in read_distribution(ExportedModel(path).metadata, path).inputs}
    raw = dataset.train.take(np.arange(len(dataset.train)))
    colours = found["colour"]
    wanted = {name: int((raw["colour"] == name).sum()) for name in set(raw["colour"]) - {""}}
    assert dict(zip(colours.categories, colours.counts, strict=False)) == wanted
    assert colours.missing == (raw["colour"] == "").sum() and colours.counts[-1] == 0
    sizes = raw["size, in cm"].astype(float)
    feature = found["size, in cm"]
    edges = [-np.inf, *feature.edges, np.inf]
    wanted = [int(((sizes > a) & (sizes <= b)).sum()) for a, b in pairwise(edges)]
    assert list(feature.counts) == wanted and feature.missing == np.isnan(sizes).sum()


# --- zoo drift ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "table", "text"])
def test_the_test_split_is_no_drift(kind, reopened):
    run, dataset, _ = reopened(kind)
    raw = dataset.test.take(np.arange(len(dataset.test)))
    found = package.drift(run.folder, raw)
    assert not found["drift"] and found["examples"] == len(dataset.test)
    assert found["features"] and found["predictions"]["features"]


def test_dark_images_are_drift(reopened):
    run, dataset, _ = reopened("image")
    raw = dataset.test.take(np.arange(len(dataset.test)))
    found = package.drift(run.folder, raw // 3)
    assert found["drift"] and found["features"][0]["name"] in ("brightness", "contrast", "sharpness")


def test_the_command(trained, zoo, tmp_path):
    import pandas as pd

    run, _, data = trained("table")
    file, table = run / "export" / "model.onnx", pd.read_csv(data)
    table["größe"] += 3
    table.loc[::3, "colour"] = "lila"
    table.to_csv(tmp_path / "new.csv", index=False)
    code, out, err = zoo("drift", str(file), str(data))
    assert code == 0 and "no drift" in out and f"{len(table)} examples" in out
    assert "does not take" in err
    code, out, _ = zoo("drift", str(file), str(tmp_path / "new.csv"))
    assert code == 0 and out.splitlines()[1].split()[:2] == ["größe", "drift"]
    code, out, _ = zoo("drift", str(file), str(tmp_path / "new.csv"), "--fail", "--json")
    found = json.loads(out)
    assert code == 2 and found["drift"] and found == package.drift(file, tmp_path / "new.csv")
    rows = {row["name"]: row for row in found["features"]}
    assert rows["größe"]["drift"] and rows["colour"]["drift"] and not rows["size, in cm"]["drift"]
    assert rows["colour"]["unseen"] == pytest.approx(1 / 3)
    assert set(rows["größe"]) >= {"name", "psi", "ks", "p_value", "drift", "missing", "unseen"}


def test_a_file_of_an_earlier_version_is_refused(trained, zoo, tmp_path):
    run, _, data = trained("table")
    proto = onnx.load(run / "export" / "model.onnx")
    add_metadata(proto, {e.key: e.value for e in proto.metadata_props if e.key != DISTRIBUTION_KEY})
    seal(proto)
    onnx.save(proto, tmp_path / "old.onnx")
    code, _, err = zoo("drift", str(tmp_path / "old.onnx"), str(data))
    assert code == 2 and "lacks the metadata 'zoo.distribution'" in err and "export the run again" in err
    with pytest.raises(ZooError, match="lacks the metadata"):
        package.drift(tmp_path / "old.onnx", data)


def test_every_kind_of_task_has_features_of_its_predictions():
    empty = {"generation"}
    assert {kind for kind, features in KINDS.items() if features.__name__ == "_nothing"} == empty
