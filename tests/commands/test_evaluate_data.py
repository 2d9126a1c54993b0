"""`zoo evaluate RUN DATA`: the metrics of new labelled data, against scikit-learn on what the file answers."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

from zoo.commands import evaluate_data as module
from zoo.commands.evaluate import evaluate
from zoo.errors import ZooError


class Run:
    """What `evaluate_data` asks of a run."""

    def __init__(self, folder, recipe):
        self.folder, self.loaded = folder, recipe

    def recipe(self):
        return self.loaded


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that makes a run of a task, whose file answers from the column `a`."""
    from types import SimpleNamespace

    from zoo.recipe import load_recipe
    from zoo.serving import exported_model, inputs

    def make(recipe, *overrides):
        loaded = load_recipe(recipe, [*overrides, "data.target=y"])
        (tmp_path / "run" / "export").mkdir(parents=True)
        (tmp_path / "run" / "export" / "model.onnx").write_bytes(b"")

        class Model:
            labels = ("no", "yes")

            def __init__(self, path):
                self.path = path

            def predict(self, raw):
                a = np.asarray(raw, float)
                return SimpleNamespace(values=a, probabilities=np.stack([1 - a, a], axis=1))

        def read_inputs(model, paths, notes):
            for path in paths:
                frame = pd.read_csv(path)
                yield [f"{path}:{i + 1}" for i in range(len(frame))], frame["a"].to_numpy()

        monkeypatch.setattr("zoo.training.run.open_run", lambda folder: Run(tmp_path / "run", loaded))
        monkeypatch.setattr(exported_model, "ExportedModel", Model)
        monkeypatch.setattr(inputs, "read_inputs", read_inputs)
        return tmp_path / "run"

    return make


def rows(folder, a, y):
    pd.DataFrame({"a": a, "y": y}).to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


def test_labels(run, tmp_path):
    a, y = [0.9, 0.2, 0.6, 0.4, 0.8], ["yes", "no", "no", "no", "yes"]
    file = rows(tmp_path, a, y)
    result = evaluate(run("mlp/wine"), file, output=tmp_path / "result.json")
    assert result["metrics"]["accuracy"] == accuracy_score(y, np.where(np.array(a) > 0.5, "yes", "no")) == 0.8
    low, high = result["intervals"]["accuracy"]
    assert low < 0.8 < high
    assert result["samples"] == 5 and result["data"] == str(file)
    assert json.loads((tmp_path / "result.json").read_text()) == result


def test_numbers(run, tmp_path):
    a, y = [0.9, 0.2, 0.6], [1.0, 0.0, 4.0]
    result = evaluate(run("mlp/diabetes"), rows(tmp_path, a, y))
    assert result["metrics"]["mae"] == pytest.approx(mean_absolute_error(y, a))


@pytest.mark.parametrize(
    ("recipe", "y", "message"),
    [
        (
            "mlp/wine",
            ["yes", "maybe", "ja"],
            r"no such class.*classes: no, yes\): 2 examples: .*new\.csv:2 \(maybe",
        ),
        ("mlp/diabetes", [1.0, None, 2.0], r"new\.csv:2: expected a number as target, received nan"),
    ],
)
def test_targets_that_do_not_fit_are_named(run, tmp_path, recipe, y, message):
    with pytest.raises(ZooError, match=message):
        evaluate(run(recipe), rows(tmp_path, [0.1, 0.2, 0.3], y))


def test_answers_that_are_not_finite_are_counted(run, tmp_path):
    with pytest.raises(ZooError, match=r"not a finite number for 1 examples: .*new\.csv:2"):
        evaluate(run("mlp/diabetes"), rows(tmp_path, [0.1, None, 0.3], [1, 2, 3]))


@pytest.mark.parametrize(("name", "message"), [("none.csv", "does not exist"), ("x.txt", r"or a file: \.csv, \.jsonl")])
def test_data_of_another_form(run, tmp_path, name, message):
    (tmp_path / "x.txt").write_text("a")
    with pytest.raises(ZooError, match=message):
        evaluate(run("mlp/wine"), tmp_path / name)


def test_folders_of_classes_and_arrays_name_their_targets(tmp_path):
    for label in ("dog", "cat", ".thumbnails"):
        (tmp_path / "photos" / label).mkdir(parents=True)
    found = list(module._folders(tmp_path / "photos", None))
    assert found == [(str(tmp_path / "photos" / label), label) for label in ("cat", "dog")]
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 3)), y=[1, 0])
    ((path, targets),) = module._arrays(tmp_path / "x.npz", None)
    assert path == str(tmp_path / "x.npz") and targets.tolist() == [1, 0]
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 3)))
    with pytest.raises(ZooError, match="expected an array 'y' with the targets; found x"):
        list(module._arrays(tmp_path / "x.npz", None))
