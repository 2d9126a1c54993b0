"""`evaluation.folds`: a model for each fold, mean and spread, predictions of examples that no model had seen."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error

import zoo
from zoo.commands.reopen import reopen
from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.recipe import load_recipe

SMALL = ["model.widths=[8]", "training.epochs=2", "evaluation.baseline=ridge", "evaluation.baselines=[]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A regression in three folds."""
    runs = tmp_path_factory.mktemp("runs")
    load_diabetes(as_frame=True).frame.to_csv(runs / "diabetes.csv", index=False)
    source = f"data={{source: 'csv:{runs / 'diabetes.csv'}', target: target}}"
    return zoo.train("mlp/diabetes", [source, *SMALL, "evaluation.folds=3"], runs=runs, export=False)


@pytest.mark.ci
def test_mean_and_deviation_are_those_of_the_folds(run):
    found = run.report.facts["cross_validation"]
    reports = [json.loads((run / name / "report.json").read_text()) for name in found["runs"]]
    for name, spread in found["metrics"].items():
        values = [report["metrics"]["test"][name] for report in reports]
        assert spread == {"mean": np.mean(values), "deviation": np.std(values, ddof=1), "folds": values}
    assert found["baseline"]["name"] == "ridge"
    assert found["baseline"]["metrics"]["mae"]["folds"] == [report["baseline"]["test"]["mae"] for report in reports]
    assert "Cross-validation" in (run / "report.html").read_text()


@pytest.mark.ci
def test_predictions_are_those_of_the_models_that_had_not_seen_the_example(run):
    found = run.report.facts["cross_validation"]
    rows = pd.read_csv(run / found["predictions"])
    target = load_diabetes().target
    assert len(rows) == found["examples"] == rows["example"].nunique()
    assert not set(reopen(run)[2].test.indices) & set(rows["example"])
    np.testing.assert_allclose(rows["target"], target[rows["example"]], rtol=1e-6)
    assert found["pooled"]["mae"] == pytest.approx(mean_absolute_error(rows["target"], rows["prediction"]), rel=1e-5)
    for number in (1, 2, 3):
        fold = zoo.load(run / f"folds/{number}")
        own = rows[rows["fold"] == number]
        _, _, data = reopen(fold)
        assert sorted(own["example"]) == sorted(data.test.indices)
        seen = {int(i) for split in (data.train, data.validation) for i in split.indices}
        assert not seen & set(own["example"])
        raw = as_tensors(data.test.take(np.arange(len(data.test))), data.signature)
        again = fold.model.predict_on_batch(raw)
        np.testing.assert_allclose(own["prediction"], again[np.argsort(data.test.indices), 0], rtol=1e-5)


@pytest.mark.ci
def test_resuming_trains_the_folds_that_are_missing(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    kept = (folder / "folds/1/report.json").read_text()
    for name in ("folds/2/report.json", "report.json", "out_of_fold.csv"):
        (folder / name).unlink()
    shutil.rmtree(folder / "folds/3")
    again = zoo.train(None, resume=folder, export=False)
    assert again.report.facts["cross_validation"] == run.report.facts["cross_validation"]
    assert (folder / "folds/1/report.json").read_text() == kept
    assert (folder / "out_of_fold.csv").read_text() == (run / "out_of_fold.csv").read_text()


@pytest.mark.parametrize(
    ("recipe", "overrides", "message"),
    [
        (
            "transformer/sunspots",
            ["evaluation.folds=3"],
            "evaluation.folds: cross-validation is for tasks with a target",
        ),
        ("mlp/digits", ["evaluation.folds=1"], "evaluation.folds"),
        ("mlp/digits", ["evaluation.folds=3", "data.fold={number: 1, of: 3}"], "leave one of them out"),
        ("mlp/digits", ["data.fold={number: 4, of: 3}"], "data.fold.number: there are 3 folds"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused(recipe, overrides, message):
    with pytest.raises(ZooError, match=message):
        load_recipe(recipe, overrides)


def test_too_many_folds_are_refused_before_training(tmp_path):
    frame = pd.DataFrame({"x": range(60), "y": ["a"] * 50 + ["b"] * 10})
    with pytest.raises(ZooError, match=r"evaluation\.folds is 20, and there are only 8 examples of a class"):
        zoo.train("_base/tabular_classification", {"evaluation.folds": 20}, data=frame, target="y", runs=tmp_path)
    assert not list(tmp_path.rglob("*.yaml"))
