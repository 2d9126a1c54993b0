"""`zoo train --apply`, `zoo improve`, `zoo curve` and `zoo ablate` on a small table."""

import json
import shutil

import numpy as np
import pytest
from sklearn.datasets import make_classification

import zoo
from zoo.commands.ablate import techniques
from zoo.commands.trial_runs import validate
from zoo.errors import ZooError
from zoo.evaluation.metrics.comparison import compare
from zoo.recipe import load_recipe

RECIPE = """
extends: _base/tabular_classification
data: {source: "npz:data.npz", validation: 0.4, test: 0.2}
model: {name: mlp, widths: [8], dropout: 0.2}
optimizer: {name: adamw, learning_rate: 3e-3, weight_decay: 0.01}
loss: {label_smoothing: 0.05}
training: {batch_size: 50, epochs: 2, select: last}
evaluation: {baseline: logistic_regression, baselines: []}
"""


@pytest.fixture
def zoo_command(request):
    """Return the fixture `zoo`, whose name the package has here."""
    return request.getfixturevalue("zoo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("improve")
    x, y = make_classification(600, 10, n_informative=6, n_classes=3, class_sep=2.0, random_state=0)
    np.savez(folder / "data.npz", x=x, y=y)
    (folder / "short.yaml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return zoo.train(folder / "short.yaml", runs=folder / "runs", export=False)


@pytest.fixture(scope="module")
def improved(run):
    return zoo.improve(run, trials=2)


def test_the_diagnosis_of_the_run_stands_in_its_report(run):
    diagnosis = run.report.facts["diagnosis"]
    assert diagnosis["state"] == "too short" and diagnosis["evidence"]
    assert diagnosis["edits"][0]["overrides"] == ["training.epochs=60"]
    page = (run / "report.html").read_text()
    assert "training.epochs=60" in page and diagnosis["edits"][0]["reason"] in page


@pytest.mark.ci
def test_apply_trains_the_run_with_its_edit(run, folder, zoo_command):
    code, out, _ = zoo_command(
        *("train", str(run), "training.batch_size=60", "--apply", "1", "--no-export", "--json", "--runs", "other")
    )
    found = json.loads(out)
    changed = zoo.load(found["run"]).recipe().recipe.training
    assert code == 0 and (changed.epochs, changed.batch_size) == (60, 60)
    assert any("edit 1 of" in str(finding) for finding in found["data"]["findings"])


def test_apply_takes_the_newest_run_of_a_recipe_and_says_what_there_is(run, folder):
    from zoo.commands.apply import apply_edit

    loaded = apply_edit(folder / "short.yaml", 1, runs=folder / "runs")
    assert loaded.recipe.training.epochs == 60 and loaded.name == "short"
    count = len(run.report.facts["diagnosis"]["edits"])
    with pytest.raises(ZooError, match=f"no such edit .*1.*{count}"):
        apply_edit(run, count + 1)
    with pytest.raises(ZooError, match="no run with a report"):
        apply_edit(folder / "short.yaml", 1, runs=folder / "nowhere")


@pytest.mark.ci
def test_improve_keeps_what_validation_calls_better(run, improved):
    first = improved["tried"][0]
    assert first["overrides"] == ["training.epochs=60"] and first["kept"]
    assert improved["best"]["run"] != str(run.folder)
    assert improved["best"]["validation"] > improved["validation"]
    before, after = validate(run.folder), validate(run / "improve/1")
    compared = compare("tabular_classification", after.targets, after.output, before.output)
    assert first["difference"] == pytest.approx(compared["difference"])
    assert first["interval"] == pytest.approx(compared["interval"])
    assert json.loads((run / "improve/improve.json").read_text()) == improved
    best = zoo.load(improved["best"]["run"]).report.facts
    assert improved["best"]["test"] == best["metrics"]["test"]["accuracy"]


@pytest.mark.ci
def test_a_second_call_trains_nothing_anew(run, improved):
    written = (run / "improve/1/training.json").stat().st_mtime_ns
    again = zoo.improve(run, trials=1, minutes=5)
    assert (run / "improve/1/training.json").stat().st_mtime_ns == written
    assert again["tried"][0]["validation"] == improved["tried"][0]["validation"]


def test_no_time_tries_nothing_and_says_what_is_left(run, tmp_path):
    copied = shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("improve"))
    found = zoo.improve(copied, minutes=0)
    assert found["tried"] == [] and found["ended"] == "the time is up" and found["left"]
    assert found["best"]["run"] == str(copied)


@pytest.mark.ci
def test_a_learning_curve_says_what_twice_the_data_would_bring(folder, zoo_command):
    code, out, _ = zoo_command(
        *("curve", str(folder / "short.yaml"), "training.epochs=4", "--fractions", "0.1,0.25,0.5,1"),
        *("--folder", str(folder / "curve"), "--output", str(folder / "c.png"), "--json"),
    )
    found = json.loads(out)
    assert code == 0 and [point["fraction"] for point in found["points"]] == [0.1, 0.25, 0.5, 1.0]
    assert [point["examples"] for point in found["points"]] == [29, 72, 144, 288]
    assert found["twice"]["examples"] == 576 and str(found["twice"]["examples"]) in found["verdict"]
    law, top = found["law"], found["points"][-1]
    assert found["twice"]["validation"] == pytest.approx(1 - law["floor"] - law["gain"] * 2 ** -law["exponent"])
    low, high = found["twice"]["interval"]
    assert low <= high and top["interval"][0] <= top["validation"] <= top["interval"][1]
    assert (folder / "c.png").stat().st_size > 1000 and (folder / "curve/curve.svg").is_file()
    assert json.loads((folder / "curve/curve.json").read_text()) == found
    parts = [zoo.load(point["runs"][0]) for point in found["points"]]
    assert [part.recipe().recipe.training.epochs for part in parts] == [20, 20, 10, 4]  # 20, 20, 20 and 20 steps
    places = [set(validate(part.folder).places) for part in parts]
    assert all(place == places[0] for place in places)


def test_a_curve_needs_four_sizes(folder):
    with pytest.raises(ZooError, match="four or more"):
        zoo.curve(folder / "short.yaml", fractions=[0.5, 1])
    with pytest.raises(ZooError, match="which the curve varies"):
        zoo.curve(folder / "short.yaml", ["data.train_fraction=0.5"])


@pytest.mark.ci
def test_an_ablation_leaves_out_one_technique_at_a_time(folder, zoo_command):
    code, out, _ = zoo_command("ablate", str(folder / "short.yaml"), "--folder", str(folder / "ablation"), "--json")
    found = json.loads(out)
    rows = {row["name"]: row for row in found["techniques"]}
    assert code == 0 and set(rows) == {"label smoothing", "weight decay", "dropout"}
    for row in rows.values():
        assert row["difference"] == pytest.approx(found["validation"] - row["validation"])
        assert row["interval"][0] <= row["difference"] <= row["interval"][1]
        assert row["relation"] in ("helps", "harms", "no clear difference")
    dropless = zoo.load(folder / "ablation/without_dropout-seed-0").recipe().recipe
    assert dropless.model.config["dropout"] == 0 and dropless.optimizer.weight_decay == 0.01


def test_the_techniques_of_a_recipe_are_all_that_it_uses():
    names = [each.name for each in techniques(load_recipe("cnn/digits"))]
    assert names == [
        *("random translation", "label smoothing", "warmup", "schedule", "weight decay", "clip global norm", "dropout")
    ]
    more = techniques(load_recipe("mlp/diabetes", ["model.ensemble=2", "optimizer.ema=0.9", "regularization.l2=1e-4"]))
    assert {"ensemble", "ema", "l2", "early stopping", "best epoch"} <= {each.name for each in more}


def test_a_task_whose_figure_is_of_the_test_split_is_refused():
    for command in (zoo.ablate, zoo.curve):
        with pytest.raises(ZooError, match="validation cannot choose"):
            command("gan/digits")
