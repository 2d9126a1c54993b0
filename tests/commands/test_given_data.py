"""`zoo.train(…, data=…)`: a run on data of a Python program, beside the same data in a file."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.errors import ZooError

SHORT = {
    "training": {"epochs": 2, "batch_size": 16},
    "model.widths": (8,),
    "evaluation.baseline": "majority_class",
    "evaluation.baselines": [],
}


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(5)
    size = np.where(generator.random(120) < 0.1, np.nan, generator.normal(50, 20, 120))
    colour = generator.choice(np.array(["red", "green", None], object), 120)
    kind = np.where(np.nan_to_num(size) + 30 * (colour == "red") > 50, "big", "small")
    return pd.DataFrame({"size": size, "colour": colour, "new": generator.random(120) < 0.5, "kind": kind})


@pytest.fixture(scope="module")
def run(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return zoo.train("_base/tabular_classification", SHORT, data=frame, target="kind", runs=folder, export=False)


def test_a_frame_gives_the_figures_of_its_csv_file_to_the_last_digit(frame, run, tmp_path):
    frame.to_csv(tmp_path / "data.csv", index=False)
    data = f"{{source: 'csv:{tmp_path / 'data.csv'}', target: kind}}"
    (tmp_path / "same.yaml").write_text(
        f"extends: [_base/tabular_classification, _base/adamw_cosine]\ndata: {data}\n"
        "model: {name: mlp, widths: [8], dropout: 0.1}\ntraining: {epochs: 2, batch_size: 16}\n"
        "evaluation: {baseline: majority_class, baselines: []}\n"
    )
    there = zoo.train(tmp_path / "same.yaml", runs=tmp_path / "runs", export=False)
    assert run.metrics == there.metrics
    timeless = [name for name in run.history if name != "seconds"]
    pd.testing.assert_frame_equal(run.history[timeless], there.history[timeless], check_exact=True)
    assert all(np.array_equal(a, b) for a, b in zip(run.model.get_weights(), there.model.get_weights(), strict=True))


def test_what_the_recipe_leaves_open_is_chosen_and_said(run):
    recipe = run.recipe().recipe
    assert recipe.data.source == "memory:DataFrame" and recipe.data.target == "kind"
    assert recipe.model.name == "mlp" and recipe.model.config["widths"] == [8] and recipe.training.epochs == 2
    findings = json.loads((run / "data.json").read_text())["findings"]
    assert [note for note in findings if note.startswith("the recipe names no")] == [
        "the recipe names no model; taken is {dropout: 0.1, name: mlp, widths: [8]}",
        "the recipe names no optimizer; taken is that of _base/adamw_cosine",
    ]


def test_the_data_is_not_in_the_run_and_is_given_again(run, frame, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("export"))
    refusal = (
        r"data\.source is memory:DataFrame: the data was given in Python and is not kept in the run\. Give it again"
    )
    for command in (zoo.export, zoo.evaluate):
        with pytest.raises(ZooError, match=refusal):
            command(folder)
    (folder / "report.json").unlink()
    with pytest.raises(ZooError, match=refusal):
        zoo.train(None, resume=folder)
    with pytest.raises(ZooError, match=r"is not the data that .* was trained on"):
        zoo.train(None, resume=folder, data=frame[::-1])
    assert zoo.train(None, resume=folder, data=frame).metrics == run.metrics
    with pytest.raises(ZooError, match=r"is not the data that .* was trained on"):
        zoo.export(folder, data=frame[1:])
    assert zoo.export(folder, data=frame)["label_flips"] == 0


def test_the_run_itself_knows_its_data(run, frame):
    assert zoo.evaluate(run)["metrics"] == pytest.approx(run.metrics["test"])
    assert run.export()["label_flips"] == 0
    assert run.predict(frame).labels == zoo.ExportedModel(run / "export" / "model.onnx").predict(frame).labels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "kind", "test": []}, r"target=, test= goes with data=, which is not given"),
        (
            {"data": {"a": [1]}, "overrides": "a=1"},
            r"overrides: expected a list of key\.path=value or a dict, received",
        ),
        ({"data": {"a": [1]}, "overrides": {"model": object()}}, "overrides: model: expected plain values, received"),
        ({"data": {"a": [1]}, "overrides": {"model.width": [3]}}, "model.width: unknown setting|no setting|width"),
        ({"data": {"a": [1, 2]}}, r"data: target= is missing: the name of the column to predict \(columns: a\)"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message, tmp_path):
    with pytest.raises(ZooError, match=message):
        zoo.train("_base/tabular_classification", **arguments, runs=tmp_path)
    with pytest.raises(ZooError, match=r"object_detection reads tfds, builtin.*, not memory"):
        zoo.train("cnn/digit_scenes_boxes", data=([], []), runs=tmp_path)
    assert list(tmp_path.iterdir()) == []
