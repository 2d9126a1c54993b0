"""`zoo compare`: side by side, significance on the same test examples, and what differs."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

import zoo
from zoo.cli import app
from zoo.commands.compare import _same_examples, comparison_lines
from zoo.commands.run_differences import flat
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import TASKS

OLD = Path(__file__).resolve().parents[1] / "old_runs" / "wine"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a run, and a copy whose model knows less and whose files tell of another recipe and version."""
    folder = tmp_path_factory.mktemp("runs")
    first, second = (shutil.copytree(OLD, folder / name) for name in ("first", "second"))
    model = zoo.load(second).model
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            layer.set_weights([w + generator.normal(0, 0.7, w.shape) for w in layer.get_weights()])
    model.save(second / "model.keras")
    recipe = second / "recipe.yaml"
    recipe.write_text(re.sub(r"(?m)^  epochs: \d+", "  epochs: 77", recipe.read_text()))
    environment = json.loads((second / "environment.json").read_text())
    environment["versions"]["numpy"] = "0.1"
    (second / "environment.json").write_text(json.dumps(environment))
    return first, second


@pytest.fixture(scope="module")
def compared(runs, tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "page.html"
    return zoo.compare(*runs, output=page), page


def test_significance_is_that_of_the_two_models_on_the_test_examples(runs, compared):
    found, _ = compared
    (row,) = found["significance"]["against"]
    data = load_dataset((recipe := load_recipe(runs[0] / "recipe.yaml", trained=True).recipe).data, TASKS[recipe.task])
    raw = {f"column_{i}": v[:, None] for i, v in enumerate(data.test.take(np.arange(len(data.test))).values())}
    right = [zoo.load(run).model.predict(raw, verbose=0).argmax(1) == data.test.targets for run in runs]
    assert row["difference"] == pytest.approx(right[1].mean() - right[0].mean()) and row["difference"] < -0.1
    lost, won = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    assert row["p_value"] == pytest.approx(binomtest(int(won), int(won + lost)).pvalue)
    assert row["interval"][0] < row["difference"] < row["interval"][1] < 0 and row["relation"] == "worse"
    assert found["significance"]["examples"] == len(data.test) and found["significance"]["refused"] is None


def test_what_differs_is_named_by_key_and_nothing_else(compared):
    found, _ = compared
    epochs, versions = found["differences"]["recipe"], found["differences"]["versions"]
    assert list(epochs) == ["training.epochs"] and epochs["training.epochs"][1] == 77
    assert list(versions) == ["numpy"] and versions["numpy"][1] == "0.1"
    assert found["differences"]["data"] == found["differences"]["hardware"] == {}
    lines = comparison_lines(found)
    assert any(re.match(r"2 against 1, accuracy: worse: -0\.\d+ \(95% interval", line) for line in lines)
    assert any(line.startswith("recipe: training.epochs: ") for line in lines)


def test_the_page_holds_it_and_needs_nothing_else(compared):
    found, page = compared
    text = page.read_text()
    assert "training.epochs" in text and "worse" in text and "<style>" in text
    assert not re.search(r"(src|href)=\"(?!#)", text) and "undefined" not in text.lower()
    assert f"{found['runs'][0]['metrics']['accuracy']:.1%}" in text


def test_examples_are_the_same_whichever_columns_are_inputs(tmp_path):
    lines = "a,b,y\n" + "".join(f"{i % 7},{i},{'xz'[i % 2]}\n" for i in range(200))
    (tmp_path / "one.csv").write_text(lines)
    (tmp_path / "two.csv").write_text(lines)
    (tmp_path / "three.csv").write_text(lines.replace("3,", "9,"))

    def load(name, *more):
        section = [f"data.source=csv:{tmp_path / name}", "data.target=y", "model.name=mlp", "training.epochs=1", *more]
        section.append("optimizer={name: adam, learning_rate: 0.1}")
        recipe = load_recipe("_base/tabular_classification", section).recipe
        return load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)

    first = load("one.csv")
    assert _same_examples(first, load("one.csv", "data.ignore=[a]")) and _same_examples(first, load("two.csv"))
    assert not _same_examples(first, load("one.csv", "data.split_seed=5"))
    alike = np.flatnonzero(first.train.targets == 0)
    parts = [replace(first, test=first.train.part(alike[place : place + 5])) for place in (0, 5)]
    assert not _same_examples(*parts) and np.array_equal(parts[0].test.targets, parts[1].test.targets)
    changed = load("three.csv", "data.test=0.85"), load("one.csv", "data.test=0.85")
    assert not _same_examples(*changed)


def test_other_data_is_said_and_not_compared(runs, tmp_path):
    other = shutil.copytree(runs[0], tmp_path / "other")
    facts = json.loads((other / "data.json").read_text())
    (other / "data.json").write_text(json.dumps(facts | {"fingerprint": "0" * 64}))
    found = zoo.compare(runs[0], other)
    assert re.match("run 2: .* is not the data that .* was trained on", found["significance"]["refused"])
    assert found["significance"]["against"] == [] and list(found["differences"]["data"]) == ["fingerprint"]
    assert len(found["runs"]) == 2
    result = CliRunner().invoke(app, ["compare", str(runs[0]), str(other), "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout) == found


def test_what_is_no_comparison_is_refused(runs, tmp_path):
    with pytest.raises(ZooError, match="expected two runs or more, received 1"):
        zoo.compare(runs[0])
    with pytest.raises(ZooError, match=r"expected a name that ends with \.html or \.json"):
        zoo.compare(*runs, output=tmp_path / "page.pdf")
    half = shutil.copytree(runs[0], tmp_path / "half")
    (half / "report.json").unlink()
    with pytest.raises(ZooError, match=r"has no report\.json: the run is not finished"):
        zoo.compare(runs[0], half)


def test_dotted_keys():
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 3}, {"f": None}]}
    assert flat(tree) == {"a.b": 1, "a.c": [1, 2], "d.0.e": 3, "d.1.f": None}
