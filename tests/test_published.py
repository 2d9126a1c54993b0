"""What the repository shows must be what its commands make: the tables of its pages and the exported files."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from zoo.recipe import list_recipes, load_recipe
from zoo.serving.exported_model import ExportedModel

ROOT = Path(__file__).resolve().parents[1]
EXPORTED = sorted(path.parent for path in (ROOT / "exported").rglob("model.onnx"))


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_tables_are_what_the_manifests_give(page: str) -> None:
    path = ROOT / page
    assert _script("results").rendered(path) == path.read_text(encoding="utf-8")


def test_every_kept_manifest_belongs_to_a_shipped_recipe() -> None:
    kept = _script("results").manifests()
    assert kept
    assert set(kept) <= set(list_recipes())
    for recipe, runs in kept.items():
        for run in runs:
            assert run["model"] == load_recipe(recipe).recipe.model.name
            assert run["data"]["source"] == load_recipe(recipe).recipe.data.source


def test_a_figure_that_is_not_stale_is_of_the_recipe_as_it_is_now() -> None:
    """A manifest that keeps no recipe, or another one, is listed; one that is not listed has the shipped recipe."""
    figures = _script("stale_figures")
    listed = {figure.path for figure in figures.stale()}
    paths = sorted(figures.RESULTS.rglob("seed-*.json"))
    assert paths
    for path in paths:
        manifest = json.loads(path.read_text())
        if path not in listed:
            assert manifest["config"] == figures.recipe_of(manifest) and manifest["commit"]


def test_files_that_a_figure_depends_on() -> None:
    figures = _script("stale_figures")
    files = figures.files_of("cnn/digits")
    assert {"recipes/cnn/digits.yaml", "recipes/_base/image_classification.yaml", "zoo/models/cnn.py"} <= files
    assert {"zoo/training/fit.py", "zoo/layers/head.py", "zoo/data/splits.py", "zoo/losses/classes.py"} <= files
    assert not {"zoo/models/lstm.py", "zoo/cli.py", "zoo/serving/exported_model.py"} & files


def test_a_change_of_recipe_or_code_makes_a_figure_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = _script("stale_figures")
    manifest = {"recipe": "mlp/wine", "seed": 3, "commit": "c" * 40}
    manifest["config"] = figures.recipe_of(manifest)
    path = tmp_path / "seed-3.json"
    changed: set[str] = {"zoo/cli.py"}
    monkeypatch.setattr(figures, "_git", lambda *words: "commit")
    monkeypatch.setattr(figures, "_changed_since", lambda commit: changed)

    def reasons(**other: str) -> list[str]:
        path.write_text(json.dumps(manifest | other))
        return figures._figure(path).reasons

    assert reasons() == []
    assert reasons(config="model: {name: mlp}\n") == ["the recipe is another now"]
    changed.add("zoo/training/fit.py")
    assert reasons() == ["1 files that it uses have changed: zoo/training/fit.py"]
    monkeypatch.setattr(figures, "_git", lambda *words: "")
    assert reasons() == ["its commit is not known here"]


def test_hardware_is_read_and_only_a_chosen_epoch_is_called_chosen() -> None:
    results = _script("results")
    assert results._machine({"cpu": "X", "cores": 4}) == "4 cores of X"
    assert results._machine({"cpu": "X", "cores": 4, "accelerators": ["gpu:0"]}) == "4 cores of X with gpu:0"
    assert results._chooses_epoch({"recipe": "mlp/wine", "config": "training: {select: best}\n"})
    assert not results._chooses_epoch({"recipe": "mlp/wine"})


def test_every_recipe_on_builtin_data_with_figures_is_exported() -> None:
    names = {path.relative_to(ROOT / "exported").as_posix() for path in EXPORTED}
    assert names == set(_script("exported").small_recipes())


@pytest.mark.parametrize("folder", EXPORTED, ids=lambda path: path.relative_to(ROOT / "exported").as_posix())
def test_exported_file_is_small_checked_and_the_one_certified(folder: Path) -> None:
    content = (folder / "model.onnx").read_bytes()
    certificate = json.loads((folder / "certificate.json").read_text())
    assert len(content) < _script("exported").MAX_BYTES
    assert certificate["sha256"] == hashlib.sha256(content).hexdigest()
    assert certificate["label_flips"] == 0 or ExportedModel(folder / "model.onnx").labels
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    assert certificate["samples"] > 0
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert certificate["sha256"][:16] in (folder / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", EXPORTED, ids=lambda path: path.relative_to(ROOT / "exported").as_posix())
def test_exported_file_is_of_the_recipe_as_it_is_now(folder: Path, tmp_path: Path) -> None:
    """Settings that came later than the file have their defaults."""
    name = folder.relative_to(ROOT / "exported").as_posix()
    metadata = {p.key: p.value for p in onnx.load(folder / "model.onnx").metadata_props}
    written = tmp_path / "recipe.yaml"
    written.write_text(metadata["zoo.recipe"])
    assert load_recipe(written).run_yaml() == load_recipe(name).run_yaml()


@pytest.mark.parametrize("folder", EXPORTED, ids=lambda path: path.relative_to(ROOT / "exported").as_posix())
def test_exported_file_predicts(folder: Path) -> None:
    model = ExportedModel(folder / "model.onnx")
    if model.kind == "noise":
        images = model.sample(3)
        assert len(images) == 3 and images.dtype == np.uint8 and images.std() > 0
        return
    if model.kind == "table":
        raw = {c.name: np.zeros(3, np.float32) for c in model.columns}
    else:
        raw = np.zeros((3, *[n or 8 for n in model.shape]), np.uint8 if model.kind == "image" else np.float32)
    if model.kind == "text":
        raw = np.array(["a", "1 May 1999", "b c"], dtype=object)
    if model.kind == "tokens":
        raw = np.ones((3, 5), np.int32)
    if model.kind == "graph":
        raw = {"nodes": raw, "edges": np.array([[[0, 1], [1, 2], [-1, -1]]] * 3, np.int32)}
    result = model.predict(raw)
    assert len(result.output) == 3
    classifies = ("image_classification", "tabular_classification", "node_classification", "graph_classification")
    if model.task not in (*classifies, "tabular_regression"):
        return
    if model.labels:
        assert result.probabilities.shape == (3, len(model.labels))
        np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-5)
        assert result.labels == [model.labels[i] for i in result.probabilities.argmax(axis=1)]
    else:
        assert result.values.shape == (3,)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """The script takes the command out of the README by pattern: what it finds must be the one line shown there."""
    pattern = "/<!-- test command -->/,/```$/{/python3 -m venv/p}"
    assert pattern in (ROOT / ".ci" / "run").read_text()
    found = subprocess.run(["sed", "-n", pattern, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = found.stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(".venv/bin/pytest")
