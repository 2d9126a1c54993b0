import numpy as np
import pytest

from zoo.evaluation.report.diagnosis import best_epoch
from zoo.evaluation.report.diagnosis import diagnose as diagnose_situation
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.tasks import TASKS

TASK = "image_classification"
FLAT = [1.0, 0.7, 0.5, 0.42, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]


def diagnose(task, history, metrics, baseline=None, examples=None, comparison=None, **more):
    given = {"baseline": baseline or {}, "examples": examples or {}, "comparison": comparison or {}, **more}
    return diagnose_situation(Situation(task=task, history=history, metrics=metrics, **given))


def history(loss, validation_loss, learning_rate=None):
    rows = [{"loss": a, "val_loss": b} for a, b in zip(loss, validation_loss, strict=True)]
    return (
        rows if learning_rate is None else [{**r, "learning_rate": x} for r, x in zip(rows, learning_rate, strict=True)]
    )


def accuracies(train, validation, test):
    return {"train": {"accuracy": train}, "validation": {"accuracy": validation}, "test": {"accuracy": test}}


BASELINE = {"name": "logistic_regression", "validation": {"accuracy": 0.84}, "test": {"accuracy": 0.84}}


def against(metrics, baseline=BASELINE):
    """Return what is asked of a comparison on the test split."""
    ahead = metrics["test"]["accuracy"] - baseline["test"]["accuracy"]
    relation = "better" if ahead > 0.03 else "worse" if ahead < -0.03 else "no clear difference"
    return {"difference": ahead, "relation": relation, "verdict": f"{relation} than logistic regression"}


GOOD = accuracies(0.93, 0.91, 0.91)
FALLING = list(np.linspace(1.0, 0.4, 10))


@pytest.mark.parametrize(
    ("state", "words", "loss", "validation_loss", "metrics"),
    [
        ("good", "The model is better than logistic regression.", FLAT, FLAT, GOOD),
        ("overfitting", "memorised", FLAT, FLAT, accuracies(0.99, 0.90, 0.90)),
        ("overfitting", "epoch 4 of 10", FALLING, [1, 0.7, 0.5, 0.4, 0.42, 0.45, 0.5, 0.5, 0.5, 0.5], GOOD),
        (
            "underfitting",
            "logistic regression. Nor is it better",
            FLAT,
            FLAT,
            accuracies(0.83, 0.82, 0.82),
        ),
        ("too short", "still falling", FALLING, FALLING, GOOD),
        ("suspicious", "training is the harder", FLAT, FLAT, accuracies(0.85, 0.95, 0.95)),
        ("suspicious", "duplicates between the splits", FLAT, FLAT, accuracies(0.88, 0.86, 0.97)),
        ("suspicious", "harder than validation", FLAT, FLAT, accuracies(0.93, 0.92, 0.80)),
        ("diverging", "validation loss is not finite in epoch 10", FLAT, [*FLAT[:-1], np.nan], GOOD),
        ("diverging", "accuracy on the test split", FLAT, FLAT, accuracies(0.9, 0.9, np.nan)),
    ],
)
def test_states(state, words, loss, validation_loss, metrics):
    result = diagnose(TASK, history(loss, validation_loss), metrics, BASELINE, comparison=against(metrics))
    assert result["state"] == state
    assert words in " ".join(result["evidence"])


def test_one_epoch_that_was_low_by_chance_is_no_overfitting():
    """The losses of a diffusion model are samples; in 80 epochs some are low."""
    loss, noise = np.geomspace(1, 0.3, 80), np.random.default_rng(0).normal(0, 0.04, 80)
    noise[70] = -0.15
    lucky = history(loss, loss * (1 + noise), np.geomspace(1, 0.01, 80))
    assert diagnose(TASK, lucky, GOOD, BASELINE)["state"] == "good"
    rising = np.concatenate([loss[:40], np.linspace(loss[40], 2 * loss[40], 40)])
    found = diagnose(TASK, history(loss, rising * (1 + noise)), GOOD, BASELINE)
    assert found["state"] == "overfitting" and " of 80 and rose" in found["evidence"][0]


def test_best_epoch_counts_from_one_and_skips_nan():
    assert diagnose(TASK, history([3, 2, 1], [3, 1, 2]), GOOD)["best_epoch"] == 2
    assert diagnose(TASK, history([3, 2, 1], [np.nan, 3, 2]), GOOD)["best_epoch"] == 3


def test_best_epoch_goes_by_the_primary_metric_before_the_loss():
    rows = [{**row, "val_accuracy": a} for row, a in zip(history([3, 2, 1], [1, 2, 3]), [0.5, 0.7, 0.7], strict=True)]
    assert best_epoch(TASK, rows) == 2  # of two with equal accuracy, the one with the lower loss
    assert diagnose(TASK, rows, GOOD)["best_by"] == "accuracy"
    assert best_epoch(TASK, [{**row, "val_loss": 1.0} for row in rows]) == 3  # of two alike, the later
    rows = [{"val_mae": value} for value in (3.0, 1.0, 2.0)]
    assert best_epoch("tabular_regression", rows) == 2
    assert best_epoch(TASK, [{"loss": 1.0}]) is None


def test_best_epoch_goes_by_the_loss_where_the_task_monitors_it():
    rows = [{"val_loss": loss, "val_exact_match": 0.1 * e} for e, loss in enumerate([3.0, 1.0, 2.0])]
    assert best_epoch("sequence_to_sequence", rows) == 2
    assert (
        best_epoch("sequence_regression", [{"val_loss": 2.0, "val_mse": 1.0}, {"val_loss": 1.0, "val_mse": 2.0}]) == 2
    )


@pytest.mark.parametrize(
    ("task", "train", "validation", "test", "state", "words"),
    [
        ("language_modeling", 1.1, 1.8, 1.8, "overfitting", "Bits per token is 1.1 in training but 1.8 in validation"),
        ("language_modeling", 1.5, 1.8, 1.8, "good", "Neither"),
        ("forecasting", 0.8, 0.9, 1.6, "suspicious", "the series may have changed since"),
        ("forecasting", 1.6, 0.9, 0.9, "suspicious", "the later part of the series calmer"),
        ("transcription", 0.001, 0.03, 0.03, "overfitting", "Character error rate is 0.1% in training but 3.0%"),
        ("transcription", 0.001, 0.002, 0.002, "good", "Neither"),
        ("sequence_to_sequence", 1.0, 0.9, 0.9, "overfitting", "Exact match is 100.0% in training but 90.0%"),
        ("semantic_segmentation", 0.82, 0.80, 0.80, "good", "Neither"),
        ("object_detection", 0.95, 0.70, 0.70, "overfitting", "AP50 is 95.0% in training but 70.0%"),
    ],
)
def test_other_kinds(task, train, validation, test, state, words):
    values = {"train": train, "validation": validation, "test": test}
    metrics = {split: {TASKS[task].primary: value} for split, value in values.items()}
    examples = {"train": 5000, "validation": 500, "test": 500}
    result = diagnose(task, history(FLAT, FLAT), metrics, examples=examples)
    assert result["state"] == state and words.lower() in " ".join(result["evidence"]).lower()


def test_without_validation_it_is_inconclusive():
    result = diagnose(TASK, [{"loss": value} for value in FLAT], {"test": {"accuracy": 0.9}})
    assert (result["state"], result["best_epoch"], result["best_by"]) == ("inconclusive", None, None)
    assert "Without a validation split" in result["evidence"][0] and result["edits"] == []


def test_a_loss_that_falls_because_the_learning_rate_does_is_no_sign_of_too_little_training():
    annealed = diagnose(TASK, history(FALLING, FALLING, np.linspace(1, 0.01, 10)), GOOD)
    assert annealed["state"] == "good"
    constant = diagnose(TASK, history(FALLING, FALLING, np.ones(10)), GOOD)
    assert constant["state"] == "too short"


def test_an_overfitting_model_is_not_called_underfitting():
    metrics = accuracies(0.99, 0.80, 0.80)
    result = diagnose(TASK, history(FLAT, FLAT), metrics, BASELINE, comparison=against(metrics))
    assert result["state"] == "overfitting" and "Nor is it" not in " ".join(result["evidence"])


def test_a_model_without_errors_has_nothing_to_beat():
    perfect = {"name": "ridge", "validation": {"accuracy": 1.0}, "test": {"accuracy": 1.0}}
    metrics = accuracies(1.0, 1.0, 1.0)
    result = diagnose(TASK, history(FLAT, FLAT), metrics, perfect, comparison=against(metrics, perfect))
    assert result["state"] == "good" and "The model is no clear difference than" in result["evidence"][0]


def test_training_well_but_testing_no_better_than_the_baseline_is_inconclusive():
    metrics = accuracies(0.87, 0.83, 0.83)
    result = diagnose(TASK, history(FLAT, FLAT), metrics, BASELINE, comparison=against(metrics))
    assert result["state"] == "inconclusive" and "On its training split it does better" in result["evidence"][0]


def test_what_is_said_of_the_baseline_is_the_verdict_alone():
    """The validation split says otherwise: it is not asked."""
    metrics = accuracies(0.93, 0.91, 0.84)
    comparison = {"difference": 0.0, "relation": "no clear difference", "verdict": "VERDICT"}
    advice = " ".join(diagnose(TASK, history(FLAT, FLAT), metrics, BASELINE, comparison=comparison)["evidence"])
    assert "The model is VERDICT." in advice and "logistic" not in advice and "beats" not in advice


def test_a_gap_within_the_noise_of_few_examples_is_none():
    metrics = accuracies(1.0, 1.0, 0.932)
    assert diagnose(TASK, history(FLAT, FLAT), metrics)["state"] == "suspicious"
    few, many = {"train": 114, "validation": 20, "test": 44}, {"train": 5000, "validation": 1000, "test": 1000}
    assert diagnose(TASK, history(FLAT, FLAT), metrics, examples=few)["state"] == "good"
    assert diagnose(TASK, history(FLAT, FLAT), metrics, examples=many)["state"] == "suspicious"


def test_regression_reads_the_error_as_it_is():
    metrics = {"train": {"mae": 1.0}, "validation": {"mae": 2.0}, "test": {"mae": 2.0}}
    result = diagnose("tabular_regression", history(FLAT, FLAT), metrics)
    assert result["state"] == "overfitting"
    assert result["evidence"][0].startswith("Mean absolute error is 1 in training but 2 in validation")


def test_a_loss_that_hardly_falls_counts_unless_the_baseline_is_beaten():
    still = history([1.0] * 10, [1.0] * 10)
    result = diagnose(TASK, still, GOOD)
    assert result["state"] == "underfitting" and "hardly fell" in result["evidence"][0]
    assert diagnose(TASK, still, GOOD, BASELINE, comparison=against(GOOD))["state"] == "good"


def test_an_empty_history_is_no_error():
    assert diagnose(TASK, [], GOOD)["state"] == "good"
