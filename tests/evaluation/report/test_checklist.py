"""The checklist: each answer follows from what the report holds."""

import numpy as np
import pytest
import yaml

from zoo.evaluation.report.build import build_report
from zoo.evaluation.report.checklist import LOOK, NO, YES

RECIPE = {
    "preprocess": [{"rescale": {"scale": 0.5}}],
    "model": {"name": "mlp", "dropout": 0.2},
    "loss": {"name": "categorical_crossentropy"},
    "optimizer": {"learning_rate": {"schedule": "warmup_cosine", "peak": 0.01}, "weight_decay": 0.0},
    "training": {"select": "best"},
}


def answers(*, recipe=RECIPE, findings=(), train_right=1.0, baseline_right=0.5, val_loss=None):
    """Return question to answer and evidence of a run of 200 examples with a test accuracy of 0.9."""
    y = np.arange(200) % 2

    def outputs(right):
        p = np.where(np.arange(200) < round(200 * right), 0.9, 0.1)
        return np.where(np.eye(2)[y] > 0, p[:, None], 1 - p[:, None])

    accuracy = np.linspace(0.5, 0.9, 8)
    report = build_report(
        task="tabular_classification",
        recipe="mlp/mine",
        model="mlp",
        outputs={"train": (y, outputs(train_right)), "validation": (y, outputs(0.9)), "test": (y, outputs(0.9))},
        labels=("no", "yes"),
        history=[
            {"loss": 1 - a, "accuracy": a, "val_loss": v, "val_accuracy": a}
            for a, v in zip(accuracy, 1 - accuracy if val_loss is None else val_loss, strict=True)
        ],
        data={"source": "csv:a.csv", "fingerprint": "0" * 64, "splits": {"train": 200}, "findings": list(findings)},
        seed=3,
        seconds=1.0,
        parameters=10,
        versions={"keras": "3"},
        hardware="",
        config=yaml.safe_dump(recipe),
        baseline={
            "name": "logistic_regression",
            "validation": outputs(baseline_right),
            "test": outputs(baseline_right),
        },
    )
    return {line["question"]: (line["answer"], line["evidence"]) for line in report["checklist"]}


def finding(name, severity):
    return {"name": name, "severity": severity, "count": 7, "message": f"{name} it is", "evidence": [], "remedy": ""}


def test_a_sound_run():
    found = answers()
    assert found["Is it better than a strong, simple baseline?"][0] == YES
    assert found["Is it regularized?"] == (YES, "dropout 0.2.")
    assert found["Does the learning rate follow a schedule?"] == (YES, "warmup cosine, from a peak of 0.01.")
    assert found["Is the kept epoch chosen on validation?"] == (YES, "Epoch 8 of 8 was kept.")
    assert found["Is preprocessing identical in training and serving?"][1].startswith(
        "rescale: part of the saved model"
    )
    assert found["Does the loss fit the task?"][0] == YES and "is 1.00 (" in found["Does the loss fit the task?"][1]
    assert found["Are the labels right?"][0] == YES
    assert "Seed 3" in found["Can another person reproduce it?"][1]


@pytest.mark.parametrize(("severity", "answer"), [("error", NO), ("warning", LOOK)])
def test_findings_of_the_audit_are_evidence(severity, answer):
    found = answers(findings=[finding("label_errors", severity), finding("shift", severity), "a sentence"])
    assert found["Are the labels right?"] == (answer, "label_errors it is")
    assert found["Is the data representative?"] == (answer, "shift it is")


def test_a_gap_between_training_and_validation_is_overfitting():
    assert answers(train_right=0.9)["Is the model free of overfitting?"][0] == YES
    apart = answers(train_right=1.0, baseline_right=0.95)
    assert apart["Is it better than a strong, simple baseline?"][0] == NO
    assert "100.0% in training but 90.0% in validation" in apart["Is the model free of overfitting?"][1]
    assert answers(train_right=1.0)["Is the model free of overfitting?"][0] == NO


def test_a_loss_that_rises_while_the_metric_gets_better_is_to_look_at():
    found = answers(val_loss=np.linspace(0.1, 0.9, 8))["Does the loss fit the task?"]
    assert found[0] == LOOK and "is -1.00" in found[1]


def test_a_run_without_regularization_schedule_or_choice():
    bare = RECIPE | {"model": {"name": "mlp", "dropout": 0.0}, "optimizer": {"learning_rate": 0.1}}
    found = answers(recipe=bare | {"training": {"select": "last"}})
    assert found["Is it regularized?"][0] == found["Does the learning rate follow a schedule?"][0] == LOOK
    assert found["Is the kept epoch chosen on validation?"] == (LOOK, "The recipe keeps the last epoch, 8.")


def test_all_that_regularizes_is_named():
    recipe = {
        "regularization": {"mixup": 0.2, "l2": 0.0, "early_stopping": {"patience": 3}},
        "augment": [{"random_flip": {"mode": "horizontal"}}],
        "optimizer": {"weight_decay": 0.05, "ema": 0.99},
        "loss": {"name": "categorical_crossentropy", "label_smoothing": 0.1},
    }
    found = answers(recipe=RECIPE | recipe)
    assert found["Is it regularized?"][1] == (
        "mixup 0.2, augmentation (random flip), dropout 0.2, weight decay 0.05, label smoothing 0.1, weight averaging."
    )
    assert found["Is the kept epoch chosen on validation?"][1].endswith(
        "early stopping after 3 epochs without progress."
    )
