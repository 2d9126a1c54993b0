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
    findings = [each["message"] for each in json.loads((run / "data.json").read_text())["findings"]]
    assert [note for note in findings if note.startswith("the recipe names no")] == [
        "the recipe names no model; taken is {dropout: 0.1, name: mlp, widths: [8]}",
        "the recipe names no optimizer; taken is that of _base/adamw_cosine",
    ]


@pytest.mark.ci
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
    with pytest.raises(ZooError, match="data: holds no examples"):
        zoo.train("cnn/digit_scenes_boxes", data=([], []), runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ci
def test_a_run_without_a_recipe_says_what_was_chosen_and_why(frame, tmp_path):
    overrides = {"training.epochs": 2, "evaluation.baselines": []}
    run = zoo.train(data=frame, target="kind", overrides=overrides, runs=tmp_path, export=False)
    recipe = run.recipe().recipe
    assert (recipe.task, recipe.data.target, recipe.training.epochs) == ("tabular_classification", "kind", 2)
    notes = [f for f in json.loads((run / "data.json").read_text())["findings"] if f["name"] == "source_note"]
    reason = "no recipe was named; proposed is task: tabular_classification: 'kind' holds 2 classes: "
    assert reason in notes[0]["message"]
    assert 0 <= run.metrics["test"]["accuracy"] <= 1 and run.folder.parent.name == "data"
    frame.to_csv(tmp_path / "mine.csv", index=False)
    same = zoo.train(tmp_path / "mine.csv", overrides, target="kind", runs=tmp_path, export=False)
    assert same.metrics == run.metrics and same.folder.parent.name == "mine"


# --- the other commands ---------------------------------------------------------------------------------------------


def test_predict_gives_for_data_what_it_gives_for_its_file(run, frame, tmp_path):
    run.export()
    frame.to_csv(tmp_path / "data.csv", index=False)
    expected = zoo.predict(run / "export" / "model.onnx", tmp_path / "data.csv")
    for model in (run, run.folder, run / "export" / "model.onnx"):
        found = zoo.predict(model, frame)
        assert [{**row, "input": 0} for row in found] == [{**row, "input": 0} for row in expected]
    assert [row["input"] for row in found][:2] == ["row 1", "row 2"]
    assert zoo.predict(run, [tmp_path / "data.csv"] * 2) == expected * 2
    with pytest.raises(ZooError, match=r"model\.onnx is not there; export the run first"):
        zoo.predict(tmp_path, frame)


def test_new_labelled_data_is_evaluated(run, frame, tmp_path):
    run.export()
    frame.to_csv(tmp_path / "data.csv", index=False)
    expected = zoo.evaluate(run, tmp_path / "data.csv")
    assert expected["samples"] == 120
    for given in (frame, (frame.drop(columns="kind"), frame["kind"])):
        found = zoo.evaluate(run, given)
        assert found["metrics"] == expected["metrics"] and found["intervals"] == expected["intervals"]
    with pytest.raises(ZooError, match="data: data\\.target names the column 'kind', which the table lacks"):
        zoo.evaluate(run, frame.drop(columns="kind"))


def test_check_reads_the_data(frame):
    (found,) = zoo.check("_base/tabular_classification", SHORT, data=frame, target="kind")
    assert found["ok"] and sum(found["splits"].values()) == 120
    assert "the recipe names no optimizer; taken is that of _base/adamw_cosine" in found["notes"]
    (found,) = zoo.check("_base/tabular_classification", SHORT, data=frame, target="kin")
    assert not found["ok"] and "there is no column 'kin' to predict; did you mean 'kind'?" in found["problems"][0]
    (found,) = zoo.check("mlp/wine", {"training.epochs": 3})
    assert found == {"recipe": "mlp/wine", "ok": True, "problems": []}


@pytest.mark.ci
def test_tune_searches_on_data(frame, tmp_path):
    search = {"tuner": "grid", "max_trials": 2, "objective": "val_loss", "space": {"model.widths": [[4], [8]]}}
    parts = {"model": {"name": "mlp"}, "optimizer": {"name": "adamw", "learning_rate": 0.01}, "search": search}
    overrides = {**SHORT, **parts}
    with pytest.raises(ZooError, match="this process alone, which trains one trial at a time; leave out workers"):
        zoo.tune("_base/tabular_classification", overrides, data=frame, target="kind", workers=2)
    report = zoo.tune("_base/tabular_classification", overrides, data=frame, target="kind", folder=tmp_path / "search")
    assert len(report["trials"]) == 2
    best = zoo.train(report["best_recipe"], data=frame, runs=tmp_path / "runs", export=False)
    assert best.history["val_loss"].min() == report["best"]["figure"]


@pytest.mark.ci
def test_images_of_pillow_are_predicted_as_their_files(trained, write_images, tmp_path):
    from PIL import Image

    run = zoo.load(trained("folder").run)
    files = write_images(tmp_path / "images", count=2)
    expected = zoo.predict(run, files)
    images = [Image.open(path) for path in files]
    assert [row["probabilities"] for row in zoo.predict(run, images)] == [row["probabilities"] for row in expected]
    assert run.predict(images[0]).labels == [expected[0]["label"]]


@pytest.mark.ci
def test_the_forecast_after_a_frame_is_that_after_its_file(tmp_path):
    values = np.sin(np.arange(90) / 7) + np.arange(90) / 50
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "sold": values})
    parts = {"data.window": {"history": 14, "horizon": 3, "season": 7}, "model.widths": [4], "training.epochs": 2}
    baseline = {"evaluation.baseline": "naive", "evaluation.baselines": []}
    run = zoo.train("_base/forecasting", parts | baseline, data=frame, target="sold", runs=tmp_path / "runs")
    frame.to_csv(tmp_path / "data.csv", index=False)
    (expected,) = zoo.predict(run, tmp_path / "data.csv")
    (found,) = zoo.predict(run, frame)
    assert found["forecast"] == expected["forecast"]
    for given in (frame.set_index("day"), frame.set_index("day")["sold"], values[-14:, None]):
        assert run.predict(given).forecasts[0].tolist() == expected["forecast"]
