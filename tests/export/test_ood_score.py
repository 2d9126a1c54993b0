"""The out-of-distribution score: against NumPy, in the file, and on letters and noise where digits were learned."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from sklearn.metrics import roc_auc_score

from zoo.data.class_decisions import OOD_SCORE
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.evaluation.decisions import decisions_of
from zoo.evaluation.out_of_distribution import add_ood, check_features, feature_statistics, features_of
from zoo.evaluation.result import TaskResult
from zoo.export.export import converted
from zoo.export.kinds import KINDS
from zoo.export.ood_score import with_ood_score
from zoo.export.parity import hold_to
from zoo.recipe import load_recipe
from zoo.serving.exported_model import ExportedModel
from zoo.serving.predict import facts
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.problem import set_up

SETTINGS = ["model.widths=[64]", "training.epochs=8", "training.batch_size=32", "evaluation.ood=true"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ood")
    loaded = load_recipe("mlp/digits", SETTINGS)
    data = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task])
    problem = set_up(loaded.recipe, data)
    fit(problem, folder, Console(quiet=True))
    problem.views.saved.save(folder / "model.keras")
    model = keras.saving.load_model(folder / "model.keras")
    result = TaskResult({"test": (data.test.targets, np.zeros((1, 10)))}, None)
    add_ood(SimpleNamespace(problem=problem, model=model), result)
    data = replace(data, signature=replace(data.signature, decisions=decisions_of(result.facts)))
    return SimpleNamespace(loaded=loaded, data=data, model=model, facts=result.facts["out_of_distribution"])


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "model.onnx"
    model = with_ood_score(trained.model, trained.data, "image_classification")
    onnx.save(converted(trained.loaded, trained.data, model), path)
    return SimpleNamespace(path=path, model=model, file=ExportedModel(path))


def letters():
    found = []
    for letter in "ABCDEFGHJKLMNPQRTUVWXY":
        image = Image.new("L", (16, 16))
        ImageDraw.Draw(image).text((3, 1), letter, fill=255, font=ImageFont.load_default(11))
        small = np.asarray(image.resize((8, 8), Image.BILINEAR), float)
        found.append((255 * small / small.max()).astype(np.uint8)[..., None])
    return np.stack(found)


@pytest.mark.ci
def test_the_score_is_the_distance_to_the_nearest_class(trained, exported):
    data, task = trained.data, "image_classification"
    x, y = features_of(trained.model, data.train, data, task), data.train.targets
    within = np.concatenate([x[y == i] - x[y == i].mean(0) for i in range(10)])
    statistics = feature_statistics(trained.model, data, task)
    precision = statistics.projection @ statistics.projection.T
    shrunk = np.linalg.inv(precision)
    np.testing.assert_allclose(np.trace(shrunk), np.trace(within.T @ within / len(within)), rtol=1e-6)
    test = features_of(trained.model, data.test, data, task)
    expected = [
        min((row - x[y == i].mean(0)) @ precision @ (row - x[y == i].mean(0)) for i in range(10)) for row in test
    ]
    found = exported.file.predict(data.test.take(np.arange(len(data.test)))).ood_scores
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_letters_and_noise_score_above_digits(trained, exported):
    data = trained.data
    digits = data.test.take(np.arange(len(data.test)))
    noise = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
    usual = exported.file.predict(digits).ood_scores
    for unusual in (letters(), noise):
        scores = exported.file.predict(unusual).ood_scores
        assert roc_auc_score(np.repeat([0, 1], [len(usual), len(scores)]), np.concatenate([usual, scores])) > 0.95
    rows = facts(exported.file, noise)
    limit = exported.file.signature.decisions.ood_quantiles[1]
    assert all(row["unusual"] == (row["ood_score"] > limit) for row in rows)
    assert np.mean([row["unusual"] for row in rows]) > 0.9
    assert np.mean([row["unusual"] for row in facts(exported.file, digits)]) < 0.05
    assert trained.facts["quantiles"]["0.99"] == limit and trained.facts["unusual"]["test"] < 0.05


def test_the_file_is_proved_and_computes_the_network_once(trained, exported):
    few = trained.data.test.part(np.arange(50))
    parity = KINDS["classification"].measure(exported.path, exported.model, few, trained.data.signature)
    assert set(parity.outputs) == {"probabilities", OOD_SCORE, "unusual"} and parity.label_flips == 0
    assert parity.outputs["unusual"].max_abs_difference == 0
    assert parity.outputs[OOD_SCORE].max_abs_difference < 1e-4 * parity.outputs[OOD_SCORE].scale
    plain = replace(trained.data, signature=replace(trained.data.signature, decisions=None))
    proto = onnx.load(exported.path)
    alone = converted(trained.loaded, plain, trained.model)
    products = [sum(node.op_type in ("MatMul", "Gemm") for node in each.graph.node) for each in (proto, alone)]
    assert products[0] == products[1] + 2  # the projection, and the distances
    assert [output.name for output in proto.graph.output] == ["probabilities", "label", "ood_score", "unusual"]


def test_a_flag_by_another_threshold_is_no_match(trained, exported, tmp_path):
    proto = onnx.load(exported.path)
    (limit,) = (each for each in proto.graph.initializer if each.name == "post/unusual_above")
    limit.CopyFrom(numpy_helper.from_array(np.array(0, np.float32), limit.name))
    onnx.save(proto, tmp_path / "model.onnx")
    few = trained.data.test.part(np.arange(50))
    exporter = KINDS["classification"]
    parity = exporter.measure(tmp_path / "model.onnx", exported.model, few, trained.data.signature)
    held, allowed = hold_to(parity, 1e-4, bounded=exporter.bounded)
    assert held.outputs["unusual"].max_abs_difference == held.max_abs_difference == 1 > allowed


def test_a_network_without_features_is_refused():
    recipe = load_recipe("mlp/digits", ["model.widths=[4]", "model.ensemble=2", "evaluation.ood=true"]).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task]))
    with pytest.raises(ZooError, match=r"evaluation\.ood: model 'mlp' has no layer 'features'"):
        check_features(problem)
