"""The metric that a recipe chooses, in training: measured after each epoch, and what the best epoch goes by."""

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import fbeta_score, log_loss

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.evaluation.watched import check_metric, measure_of, watch_notes, watched_part
from zoo.recipe import load_recipe
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.training.fit import fit
from zoo.training.problem import set_up
from zoo.training.saved_outputs import saved_outcomes

SMALL = [
    "model.widths=[8]",
    "training.batch_size=100",
    "training.epochs=4",
    "optimizer.learning_rate=0.05",
    "training.select=best",
]


@pytest.fixture(scope="module")
def digits():
    recipe = load_recipe("mlp/digits").recipe
    return load_dataset(recipe.data, TASKS[recipe.task])


def trained(data, folder, *overrides):
    problem = set_up(load_recipe("mlp/digits", [*SMALL, "training.select=best", *overrides]).recipe, data)
    fitted = fit(problem, folder, Console(quiet=True), measure=measure_of(problem))
    return problem, fitted


@pytest.mark.parametrize(
    "extra",
    [
        [],
        pytest.param(["optimizer.ema=0.9"], marks=pytest.mark.ci),
        pytest.param(["training.precision=mixed_float16"], marks=pytest.mark.ci),
    ],
    ids=["plain", "ema", "16 bits"],
)
def test_the_epoch_that_is_kept_has_the_best_value_which_is_that_of_the_saved_model(digits, tmp_path, extra):
    problem, fitted = trained(digits, tmp_path, "evaluation.metric=f_beta", "evaluation.beta=0.5", *extra)
    values = [row["val_f_beta"] for row in fitted.history]
    assert values[fitted.kept_epoch - 1] == max(values) and len(set(values)) > 1
    y, task = digits.validation.targets, TASKS[problem.recipe.task]
    output = saved_outcomes(problem.views.saved, digits.validation, digits.signature, task)
    expected = fbeta_score(y, output.argmax(1), beta=0.5, average="macro", zero_division=0)
    assert max(values) == pytest.approx(expected, abs=0.02 if "float16" in str(extra) else 1e-6)
    assert all("val_accuracy" in row for row in fitted.history)  # what training computes by itself stays in the log


def test_a_metric_that_is_better_low_keeps_the_lowest(digits, tmp_path):
    problem, fitted = trained(digits, tmp_path, "evaluation.metric=log_loss")
    values = [row["val_log_loss"] for row in fitted.history]
    assert fitted.kept_epoch == int(np.argmin(values)) + 1
    y = digits.validation.targets
    output = saved_outcomes(problem.views.saved, digits.validation, digits.signature, TASKS["image_classification"])
    assert min(values) == pytest.approx(
        log_loss(y, (output := output.astype(float)) / output.sum(1, keepdims=True)), rel=1e-5
    )


def test_what_training_computes_itself_is_not_measured_again(digits):
    for lines in ([], ["evaluation.metric=accuracy"]):
        assert measure_of(set_up(load_recipe("mlp/digits", [*SMALL, *lines]).recipe, digits)) is None


def test_large_splits_are_measured_in_part_and_it_is_said(digits, monkeypatch):
    monkeypatch.setattr("zoo.evaluation.watched.MAX_WATCHED_EXAMPLES", 50)
    problem = set_up(load_recipe("mlp/digits", [*SMALL, "evaluation.metric=mcc"]).recipe, digits)
    count = len(digits.validation)
    assert watch_notes(problem) == [f"mcc is measured after each epoch on 50 of {count} validation examples"]
    parts = [watched_part(digits.validation, task_of(problem.recipe), 0).indices for _ in range(2)]
    assert len(set(parts[0])) == 50 and parts[0].tolist() == parts[1].tolist()
    assert -1 <= measure_of(problem)() <= 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["evaluation.metric=roc_auc"], r"roc_auc is not defined on the validation split .* no example of .*'?3"),
        (["evaluation.positive=3"], r"evaluation.positive: '3' is not one of two classes; .* has 0, 1"),
    ],
)
def test_a_metric_without_a_value_is_refused_before_training(digits, lines, message):
    from dataclasses import replace

    kept = np.flatnonzero(digits.validation.targets != 3)
    few = replace(digits, validation=digits.validation.part(kept))
    with pytest.raises(ZooError, match=message):
        check_metric(set_up(load_recipe("mlp/digits", [*SMALL, *lines]).recipe, few))
