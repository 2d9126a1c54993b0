"""A new head begins where scikit-learn's regression of the same features ends."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import zoo
from zoo.data.sources.load import load_dataset
from zoo.layers.head import features
from zoo.tasks import TASKS
from zoo.training import probed_head
from zoo.training.probed_head import begin_with_probe
from zoo.training.problem import set_up


def problem_of(name, *overrides):
    """Return a problem whose network stands for one that came with weights, all but its head."""
    recipe = zoo.load_recipe(name, list(overrides)).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    problem.pretrained = {"new_head": True}
    return problem


def inputs(problem):
    normalize = problem.preprocessor.normalize()
    x = problem.train.array.astype("float32")
    return x if normalize is None else np.asarray(normalize(x))


def head_of(problem):
    return [np.array(w) for w in problem.views.learner.get_layer("logits").get_weights()]


@pytest.mark.parametrize("name", ["mlp/wine", "mlp/breast_cancer"])  # three classes, and two
def test_classes_get_logistic_regression(name):
    problem = problem_of(name)
    network = problem.views.learner
    before = [np.array(v) for v in network.variables]
    said = begin_with_probe(problem)
    c = float(said.split("C = ")[1].split(")")[0])
    x, labels = features(network).predict(inputs(problem), verbose=0), problem.train.targets.argmax(1)
    own = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000)).fit(x.astype("float64"), labels)
    found = np.asarray(keras.ops.softmax(network.predict(inputs(problem), verbose=0)))
    np.testing.assert_allclose(found, own.predict_proba(x.astype("float64")), atol=2e-3)
    assert (found.argmax(1) == labels).mean() > 0.9
    changed = [v.path for v, old in zip(network.variables, before, strict=True) if not np.array_equal(v, old)]
    assert {path.split("/")[-2] for path in changed} == {"logits"}


def test_rare_classes_count_as_in_the_loss():
    problem = problem_of("mlp/breast_cancer", "loss.class_weights=[3.0,1.0]")
    c = float(begin_with_probe(problem).split("C = ")[1].split(")")[0])
    network = problem.views.learner
    x, labels = features(network).predict(inputs(problem), verbose=0), problem.train.targets.argmax(1)
    scaled = StandardScaler().fit_transform(x.astype("float64"))
    own = LogisticRegression(C=c, max_iter=2000, class_weight={0: 3.0, 1: 1.0}).fit(scaled, labels)
    found = np.asarray(keras.ops.softmax(network.predict(inputs(problem), verbose=0)))
    np.testing.assert_allclose(found, own.predict_proba(scaled), atol=2e-3)


def test_each_label_gets_a_regression_of_its_own():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4))
    first, second = x[:, 0] + 0.5 * rng.normal(size=80) > 0, x[:, 1] - x[:, 2] + 0.5 * rng.normal(size=80) > 0.5
    targets = np.stack([first, second, np.ones(80), np.zeros(80)], axis=1).astype("float32")
    kernel, bias, said = probed_head._logistic_of_each(x, targets, 0, None)
    assert said.startswith("logistic regression of each label (C = ")
    for label in range(2):
        known = targets[:, label].astype(int)
        own = min(
            (LogisticRegression(C=c, max_iter=2000).fit(x, known) for c in probed_head._INVERSE_PENALTIES),
            key=lambda model: np.abs(model.coef_[0] - kernel[:, label]).max(),
        )
        np.testing.assert_allclose(kernel[:, label], own.coef_[0], atol=1e-4)
        np.testing.assert_allclose(bias[label], own.intercept_[0], atol=1e-4)
    assert not kernel[:, 2:].any()
    np.testing.assert_allclose(bias[2:], [np.log(81), -np.log(81)])


@pytest.mark.ci
def test_several_labels_begin_with_a_probe():
    data = ["data.train_fraction=0.1", "model.widths=[8, 16]"]
    problem = problem_of("cnn/digit_scenes_labels", *data)
    x, targets = inputs(problem), problem.train.targets
    said, network = begin_with_probe(problem), problem.views.learner
    assert said.endswith(f"of {len(targets)} training examples")
    found = np.asarray(keras.ops.sigmoid(network.predict(x, verbose=0)))
    assert roc_auc_score(targets, found, average="macro") > 0.6


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        ("graph/digit_graphs", ["data.train_fraction=0.1"], "a model of several inputs"),
        ("mlp/wine", ["model.ensemble=2"], "an ensemble"),
        ("mlp/diabetes", ["loss={name: quantile, quantile: 0.9}"], "a model with the loss quantile"),
    ],
)
def test_where_none_is_fitted_it_is_said(name, overrides, said):
    problem = problem_of(name, *overrides)
    before = [np.array(weight) for weight in problem.views.learner.get_weights()]
    assert begin_with_probe(problem) == f"drawn at random: no probe is fitted for {said}"
    assert all(map(np.array_equal, before, problem.views.learner.get_weights()))


def test_values_get_ridge_regression():
    problem = problem_of("mlp/diabetes")
    said = begin_with_probe(problem)
    penalty = float(said.split("penalty ")[1].split(")")[0])
    x, targets = features(problem.views.learner).predict(inputs(problem), verbose=0), problem.train.targets
    own = make_pipeline(StandardScaler(), Ridge(penalty)).fit(x.astype("float64"), targets)
    found = problem.views.learner.predict(inputs(problem), verbose=0)
    np.testing.assert_allclose(found.reshape(-1), own.predict(x.astype("float64")).reshape(-1), atol=1e-3)


def test_a_class_without_examples_is_the_least_likely():
    x = np.random.default_rng(0).normal(size=(40, 3))
    labels = np.where(x[:, 0] > 0, 3, 1)
    kernel, bias, _ = probed_head._logistic(x, labels, 5, 0, None)
    logits = x @ kernel + bias
    assert set(logits.argmax(1)) == {1, 3} and (logits.argmax(1) == labels).mean() > 0.9
    assert not kernel[:, [0, 2, 4]].any()


def test_of_many_examples_a_part_is_taken(monkeypatch):
    monkeypatch.setattr(probed_head, "MAX_EXAMPLES", 60)
    problem = problem_of("mlp/wine")
    assert begin_with_probe(problem).endswith("fitted to the features of 60 training examples")


@pytest.mark.parametrize(
    ("overrides", "pretrained"),
    [(["model.head=new"], {"new_head": True}), ([], {"new_head": False}), ([], None)],
    ids=["asked for", "came with the weights", "nothing pretrained"],
)
def test_a_head_that_is_left_as_it_is(overrides, pretrained):
    problem = problem_of("mlp/wine", *overrides)
    problem.pretrained = pretrained
    before = head_of(problem)
    assert begin_with_probe(problem) is None
    assert all(np.array_equal(a, b) for a, b in zip(before, head_of(problem), strict=True))


@pytest.mark.ci
def test_training_begins_with_it(tmp_path):
    """Fine-tuning of no more than a few steps, at a rate of nearly nothing, has the probe's accuracy."""
    short = ["training.epochs=1", "evaluation.baselines=[]", "optimizer.learning_rate=1e-9"]
    source = zoo.train("mlp/wine", ["training.epochs=2", *short[1:2]], runs=tmp_path, export=False)
    accuracy = {
        head: zoo.train(
            "mlp/wine", [f"model.pretrained={source.folder}", f"model.head={head}", *short], runs=tmp_path, export=False
        ).report.facts["metrics"]["train"]["accuracy"]
        for head in ("probed", "new")
    }
    assert accuracy["probed"] > 0.95 > accuracy["new"]
