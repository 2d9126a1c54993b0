"""What the repository shows must be what its commands make: the tables of its pages and the exported files."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import onnx
import pytest

from zoo.recipe import list_recipes, load_recipe
from zoo.recipe.load import published_source
from zoo.serving.exported_model import ExportedModel

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # whose scripts import each other
EXPORTED = sorted(path.parent for path in (ROOT / "exported").rglob("model.onnx"))


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where data classes look for it
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
            source = load_recipe(recipe).recipe.data.source  # a path is relative to the recipe
            assert run["data"]["source"] == published_source(source)


@pytest.mark.ci
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
    assert not {"zoo/models/lstm.py", "zoo/cli/train.py", "zoo/serving/exported_model.py"} & files


def test_a_change_of_recipe_or_code_makes_a_figure_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = _script("stale_figures")
    manifest = {"recipe": "mlp/wine", "seed": 3, "commit": "c" * 40}
    manifest["config"] = figures.recipe_of(manifest)
    path = tmp_path / "seed-3.json"
    changed: set[str] = {"zoo/cli/train.py"}
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
    assert certificate["file"] == "model.onnx"
    for output in certificate["outputs"].values():
        assert output["max_abs_difference"] <= output["tolerance"]
    assert certificate["samples"] > 0
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert certificate["sha256"][:16] in (folder / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", EXPORTED, ids=lambda path: path.relative_to(ROOT / "exported").as_posix())
def test_exported_file_is_of_the_recipe_as_it_is_now(folder: Path, tmp_path: Path) -> None:
    """Settings that came later than the file have their defaults; the int8 file beside it was asked for."""
    name = folder.relative_to(ROOT / "exported").as_posix()
    metadata = {p.key: p.value for p in onnx.load(folder / "model.onnx").metadata_props}
    written = tmp_path / "recipe.yaml"
    written.write_text(metadata["zoo.recipe"])
    assert load_recipe(written).run_yaml() == load_recipe(name, ["export.quantize=int8"]).run_yaml()


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
    inputs = onnx.load(folder / "model.onnx").graph.input
    if model.kind == "series" and len(inputs) > 1:  # covariates beside the window
        raw = {each.name: _zeros(each.type.tensor_type) for each in inputs}
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


def _zeros(form: onnx.TypeProto.Tensor) -> np.ndarray:
    """Return three rows of an input: zeros, or empty texts."""
    shape = (3, *(each.dim_value for each in form.shape.dim[1:]))
    return np.full(shape, "", object) if form.elem_type == onnx.TensorProto.STRING else np.zeros(shape, np.float32)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """The script takes the command out of the README by pattern: what it finds must be the one line shown there."""
    pattern = "/<!-- test command -->/,/```$/{/python3 -m venv/p}"
    assert pattern in (ROOT / ".ci" / "run").read_text()
    found = subprocess.run(["sed", "-n", pattern, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = found.stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(".venv/bin/pytest")


# --- what is shipped is what the code makes -----------------------------------------------------------------------

LONG = {  # recipes whose data or graph takes long to make
    *("cnn/digit_scenes_boxes", "cnn/digit_scenes_masks", "diffusion/digits", "graph/digit_graphs"),
    *("graph/digit_neighbors", "graph/digit_neighbors_gat", "graph/digit_neighbors_sage"),
    *("lstm/dates", "lstm/digit_strips", "transformer/dates", "transformer/python_topics"),
}
QUICK = ("autoencoder/digits", "cnn/digits", "mlp/wine")


def _structure(graph: onnx.GraphProto) -> tuple[Counter[str], Counter[tuple[int, ...]], list[bytes]]:
    """Return how often a graph has each operator and each shape of weights, and its inputs and outputs."""
    operators, weights = Counter(node.op_type for node in graph.node), Counter()
    weights.update((tensor.data_type, *tensor.dims) for tensor in graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                inner = _structure(attribute.g)
                operators, weights = operators + inner[0], weights + inner[1]
    return operators, weights, [value.SerializeToString() for value in (*graph.input, *graph.output)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LONG else () if name in QUICK else pytest.mark.ci)
        for name in (path.relative_to(ROOT / "exported").as_posix() for path in EXPORTED)
    ],
)
def test_exported_file_has_the_graph_that_the_code_makes(name: str) -> None:
    """A model of the recipe with random weights, converted now: the same operators, weights and metadata."""
    from zoo.data.sources.load import load_dataset
    from zoo.export.export import converted
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up

    loaded = load_recipe(name)
    task = TASKS[loaded.recipe.task]
    dataset = load_dataset(loaded.recipe.data, task, loaded.recipe.preprocess)
    model = set_up(loaded.recipe, dataset).views.saved
    draw = np.random.default_rng(0)
    for weight in model.weights:  # zeros would be folded away
        if weight.dtype.startswith("float"):
            weight.assign(draw.uniform(0.5, 1.5, weight.shape))
    fresh = converted(loaded, dataset, model, {"threshold": 0.1} if task.finds_anomalies else None)
    shipped = onnx.load(ROOT / "exported" / name / "model.onnx")
    entries = [{entry.key: entry.value for entry in proto.metadata_props} for proto in (fresh, shipped)]
    assert entries[0]["zoo.format"] == entries[1]["zoo.format"]
    ours, theirs = _structure(fresh.graph), _structure(shipped.graph)
    assert ours[0] == theirs[0] and ours[2] == theirs[2]
    assert not theirs[1] - ours[1]
    assert all(len(shape) == 2 for shape in ours[1] - theirs[1])  # biases that training left at zero are folded away
    # the distribution is counted when the file is there; old files have none
    assert entries[0].keys() == entries[1].keys() - {"zoo.distribution"}
    ours, theirs = (json.loads(each["zoo.signature"]) for each in entries)
    assert {**ours, "threshold": None} == {**theirs, "threshold": None}


@pytest.mark.parametrize(
    ("version", "requires", "refused"),
    [
        ("2.13.0+cpu", None, None),
        ("2.13.0", ["numpy"], None),
        ("2.13.0", ["nvidia-cudnn-cu12==9; platform_system == 'Linux'"], "torch 2.13.0 is a build for CUDA"),
        ("2.13.0+cu126", None, r"named torch-VERSION\+cpu"),
    ],
)
def test_benchmarks_name_the_build_of_torch_that_works(
    version: str, requires: list[str] | None, refused: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = _script("torch_build")
    monkeypatch.setattr(build, "distribution", lambda name: SimpleNamespace(version=version, requires=requires))
    if refused is None:
        build.require_cpu_torch()
        return
    with pytest.raises(SystemExit, match=refused):
        build.require_cpu_torch()
