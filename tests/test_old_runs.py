"""Run folders that an earlier version wrote (`old_runs/`, the commit is in each `environment.json`) still open."""

import json
import shutil
from pathlib import Path

import pytest

import zoo

OLD = Path(__file__).parent / "old_runs"
NEAR = {"rel": 1e-3, "abs": 1e-4}  # another processor rounds otherwise


def reported(name):
    return json.loads((OLD / name / "report.json").read_text(encoding="utf-8"))["metrics"]["test"]


def same_metrics(found, name):
    """Whether metrics equal those of the old report, which had fewer."""
    expected = reported(name)
    return {key: found[key] for key in expected} == pytest.approx(expected, **NEAR)


@pytest.fixture
def copied(tmp_path):
    return lambda name: shutil.copytree(OLD / name, tmp_path / name)


@pytest.mark.parametrize("name", ["wine", pytest.param("dates", marks=pytest.mark.ci)])
def test_evaluate_gives_the_metrics_of_the_report(name):
    assert same_metrics(zoo.evaluate(OLD / name)["metrics"], name)


def test_an_old_model_is_exported(copied):
    certificate = zoo.export(copied("wine"))
    assert certificate["label_flips"] == 0 and certificate["max_abs_difference"] <= 1e-4
    assert zoo.ExportedModel(certificate["path"]).task == "tabular_classification"


def test_an_interrupted_run_resumes_to_the_same_end(copied):
    folder = copied("wine_interrupted")
    assert zoo.train(None, resume=folder, export=False).folder == folder
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert same_metrics(found["metrics"]["test"], "wine")
    assert [row["epoch"] for row in found["history"]] == [1, 2, 3, 4, 5, 6]
