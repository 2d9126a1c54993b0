"""The run folder: what is in it, and what is said of folders that are none."""

import json
import platform
from importlib.metadata import version

import pytest

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.training.run import create_run, open_run


def test_a_new_run(tmp_path):
    loaded = load_recipe("mlp/digits", ["training.epochs=3"])
    run = create_run(loaded, tmp_path / "runs")
    assert run.folder.parent == tmp_path / "runs" / "mlp" / "digits"
    assert run.name == "mlp/digits"
    facts = json.loads((run.folder / "environment.json").read_text())
    assert facts["recipe"] == "mlp/digits" and facts["created"].endswith("+00:00")
    assert facts["versions"]["python"] == platform.python_version()
    assert facts["versions"]["keras"] == version("keras") and facts["versions"]["onnx"] == version("onnx")
    assert facts["hardware"]["cores"] >= 1 and facts["hardware"]["cpu"]
    assert facts["command"] and "commit" in facts
    again = open_run(run.folder).recipe()
    assert again.name == "mlp/digits" and again.run_yaml() == loaded.run_yaml()
    assert create_run(loaded, tmp_path / "runs").folder != run.folder


def test_a_run_keeps_the_recipe_that_it_was_begun_with(tmp_path):
    run = create_run(load_recipe("mlp/digits"), tmp_path)
    path = run.folder / "recipe.yaml"
    text = path.read_text()
    path.write_text("# moved\n" + text.replace("builtin:digits", "npz:/moved.npz"))
    assert run.recipe().recipe.data.source == "npz:/moved.npz"
    for changed in (text.replace("seed: 0", "seed: 1"), text[: text.index("export:")]):
        assert changed != text
        path.write_text(changed)
        with pytest.raises(ZooError, match=r"recipe\.yaml is not the recipe that the run was begun with"):
            run.recipe()


def test_a_finished_run_is_complete(trained):
    folder = trained("image").run
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {
        "recipe.yaml",
        "environment.json",
        "data.json",
        "metrics.csv",
        "checkpoints/best.weights.h5",
        "checkpoints/last.keras",
        "model.keras",
        "report.json",
        "report.html",
        "export/model.onnx",
        "export/certificate.json",
        "export/card.md",
    } <= files
    assert any(name.startswith("tensorboard/") for name in files)
    assert not [name for name in files if name.rpartition("/")[2].startswith(".")]  # nothing half written


def test_data_json_describes_the_data(reopened):
    run, dataset, _ = reopened("table")
    facts = json.loads((run.folder / "data.json").read_text())
    assert facts["fingerprint"] == dataset.fingerprint and facts["source"] == dataset.name
    assert facts["splits"] == {"train": len(dataset.train), "validation": len(dataset.validation), "test": 24}
    assert [c["name"] for c in facts["signature"]["columns"]] == ["size, in cm", "größe", "colour", "zip code"]


def test_folders_that_are_no_runs(tmp_path):
    with pytest.raises(ZooError, match=r"gone is not a run folder: it has no environment\.json"):
        open_run(tmp_path / "gone")
    run = create_run(load_recipe("mlp/digits"), tmp_path)
    with pytest.raises(ZooError, match=f"did you mean '{run.folder.name}'"):
        open_run(run.folder.with_name(run.folder.name[:-1]))
    (run.folder / "environment.json").write_text("{")
    with pytest.raises(ZooError, match=r"environment\.json: not readable as JSON"):
        open_run(run.folder).recipe()


def test_a_run_that_did_not_finish_has_no_model(tmp_path):
    from zoo.training.saved_model import load_model

    run = create_run(load_recipe("mlp/digits"), tmp_path)
    with pytest.raises(ZooError, match=r"has no model\.keras: the run did not finish its training"):
        load_model(run)
    run.model_path.write_bytes(b"not a model")
    with pytest.raises(ZooError, match=r"model\.keras: not readable as a Keras model"):
        load_model(run)


def test_a_root_that_is_a_file(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(ZooError, match="--runs: cannot make a run folder in"):
        create_run(load_recipe("mlp/digits"), tmp_path / "runs")
