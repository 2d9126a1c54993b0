"""Knowledge distillation: the loss of the paper, and what the teacher is asked."""

import json

import keras
import numpy as np
import pytest
from in_ci import in_ci
from scipy.special import rel_entr, softmax

import zoo
from zoo.commands.reopen import SILENT
from zoo.commands.teacher import load_teacher
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.tasks import TASKS
from zoo.training.problem import set_up
from zoo.training.saved_outputs import saved_outcomes
from zoo.training.teacher import Distillation

SHORT = ["training.epochs=2", "optimizer.learning_rate.warmup_epochs=0.5", "evaluation.baselines=[]"]


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_loss_is_that_of_the_paper(temperature):
    """temperature² times the Kullback-Leibler divergence of the softened probabilities, by SciPy."""
    draw = np.random.default_rng(0)
    teacher, student = draw.normal(0, 3, (2, 6, 5)).astype("float32")
    own = Distillation(temperature=temperature, weight=0.7, features=0.0, classes=5)
    soft = [softmax(logits.astype("float64") / temperature, axis=1) for logits in (teacher, student)]
    expected = 0.7 * temperature**2 * rel_entr(*soft).sum(axis=1).mean()
    found = own.distance(keras.ops.softmax(teacher), keras.ops.convert_to_tensor(student))
    np.testing.assert_allclose(float(found), expected, rtol=1e-4)


def test_features_are_compared_by_their_angle():
    draw = np.random.default_rng(1)
    logits, teacher, student = draw.normal(size=(4, 3)), draw.normal(size=(4, 7)), draw.normal(size=(4, 7))
    own = Distillation(temperature=1.0, weight=1.0, features=0.5, classes=3)
    answers = np.concatenate([softmax(logits, axis=1), teacher], axis=1).astype("float32")
    outputs = np.concatenate([logits, student], axis=1).astype("float32")
    cosine = (teacher * student).sum(1) / np.linalg.norm(teacher, axis=1) / np.linalg.norm(student, axis=1)
    found = own.distance(keras.ops.convert_to_tensor(answers), keras.ops.convert_to_tensor(outputs))
    np.testing.assert_allclose(float(found), 0.5 * (1 - cosine).mean(), rtol=1e-4)


def outputs(run):
    """Return the probabilities that a run's saved model gives for the training split."""
    recipe = zoo.load_recipe("mlp/wine").recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    return saved_outcomes(run.model, dataset.train, dataset.signature, TASKS[recipe.task])


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A run on wine whose model is not like the students'."""
    return zoo.train("mlp/wine", ["model.widths=[24]", *SHORT], runs=tmp_path_factory.mktemp("teacher"))


@pytest.mark.parametrize("kind", in_ci(["run", "file", "features"], but=["file"]))
@pytest.mark.ci
def test_a_student_comes_nearer_to_its_teacher_than_without(teacher, tmp_path, kind):
    source = teacher / "export" / "model.onnx" if kind == "file" else teacher.folder
    settings = [f"training.teacher={{source: {source}, weight: 1.0, temperature: 2.0, features: 0.1}}"]
    settings = settings if kind == "features" else [f"training.teacher={{source: {source}, weight: 1.0, features: 0}}"]
    longer = [*SHORT, "training.epochs=12", "training.select=last", "loss.label_smoothing=0.1"]
    taught = zoo.train("mlp/wine", [*settings, *longer], runs=tmp_path, export=False)
    alone = zoo.train("mlp/wine", longer, runs=tmp_path, export=False)
    facts = json.loads((taught / "data.json").read_text())["teacher"]
    assert facts["answers"] == "once for each example" and len(facts["sha256"]) == 64
    assert 0 <= facts["validation_accuracy"] <= 1
    answers = [outputs(run) for run in (teacher, taught, alone)]
    distance = [rel_entr(answers[0], each).sum(axis=1).mean() for each in answers[1:]]
    assert distance[0] < 0.7 * distance[1]


def test_others_classes_are_refused_before_training(teacher, tmp_path):
    with pytest.raises(ZooError, match=r"training.teacher: expected a teacher of the classes .* received one of"):
        zoo.train("mlp/breast_cancer", [f"training.teacher={teacher.folder}", *SHORT], runs=tmp_path)
    with pytest.raises(ZooError, match="is neither the folder of a run nor a file"):
        zoo.train("mlp/wine", [f"training.teacher={tmp_path / 'none'}", *SHORT], runs=tmp_path)
    with pytest.raises(ZooError, match="is an exported file, which gives no features"):
        file = teacher / "export" / "model.onnx"
        zoo.train("mlp/wine", [f"training.teacher={{source: {file}, features: 1.0}}", *SHORT], runs=tmp_path)
    assert not any(tmp_path.rglob("environment.json"))


@pytest.mark.ci
def test_a_run_is_asked_about_the_images_that_the_student_sees(tmp_path):
    digits = ["data.per_class=10", "training.epochs=1", "optimizer.learning_rate.warmup_epochs=0.5"]
    digits += ["training.batch_size=32", "evaluation.baselines=[]"]
    teacher = zoo.train("mlp/digits", [*digits, "model.widths=[16]"], runs=tmp_path, export=False)
    small = ["model.widths=[4,6]", "model.depth=1", "regularization.mixup=0.2", *digits]
    student = [f"training.teacher={{source: {teacher}, features: 1.0}}", *small]
    recipe = zoo.load_recipe("cnn/digits", student).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    found = load_teacher(problem, SILENT)
    assert found.facts["answers"] == "in training" and found.answers is None and found.features == 16
    pixels = np.random.default_rng(0).uniform(-3, 260, (5, 8, 8, 1)).astype("float32")
    shown = np.clip(np.round(pixels), 0, 255).astype("uint8")
    np.testing.assert_allclose(found.answer(pixels)[:, :10], teacher.model.predict(shown, verbose=0), atol=1e-5)
    np.testing.assert_allclose(
        found.answer(pixels)[:, 10:], zoo.features(teacher.model).predict(shown, verbose=0), rtol=1e-4, atol=1e-4
    )
    taught = zoo.train("cnn/digits", student, runs=tmp_path)
    weights = [v.path for v in taught.model.variables]
    assert not any("teacher" in path or "mlp" in path for path in weights)
