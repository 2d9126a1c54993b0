"""The edits that a diagnosis proposes: valid for the recipe, in the order of leverage, with what they change."""

import numpy as np
import pytest

from zoo.evaluation.report.diagnosis import STATES, diagnose
from zoo.evaluation.report.diagnosis.edits.edit import LEVERS
from zoo.evaluation.report.diagnosis.edits.propose import EDITS, propose_edits
from zoo.evaluation.report.diagnosis.findings import Finding, read_findings
from zoo.evaluation.report.diagnosis.sign import Sign
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.recipe import list_recipes, load_recipe, overridden
from zoo.recipe.findings import FINDINGS
from zoo.tasks import TASKS

RECIPES = list_recipes()


def situation(recipe, *overrides, **more):
    loaded = load_recipe(recipe, list(overrides))
    given = {"history": [{"loss": 1.0}], "metrics": {}, "train_size": 1000, **more}
    return Situation(task=loaded.recipe.task, loaded=loaded, **given)


def edits_of(recipe, state, *overrides, causes=(), **more):
    signs = [Sign(state=state, text="", cause=cause) for cause in causes or ("",)]
    return propose_edits(situation(recipe, *overrides, **more), signs)


def first(edits, lever):
    return next(list(edit.overrides) for edit in edits if edit.lever == lever)


@pytest.mark.parametrize("recipe", [r for i, r in enumerate(RECIPES) if i % 4 == 0])
@pytest.mark.parametrize("state", [s for s in EDITS if s not in ("good", "balanced")])
def test_every_edit_is_taken_by_the_recipe_and_changes_it(recipe, state):
    loaded = load_recipe(recipe)
    causes = ("leak", "late", "chance", "falling", "still", "loss")
    found = edits_of(recipe, state, causes=causes)
    for edit in found:
        assert overridden(loaded, edit.overrides).recipe != loaded.recipe
        assert edit.reason.endswith(".") and edit.overrides
    places = [LEVERS.index(edit.lever) for edit in found]
    assert places == sorted(places)


def test_every_state_has_its_edits_and_a_good_run_none():
    assert set(STATES) <= set(EDITS)
    assert edits_of("mlp/digits", "good") == []


def test_a_rate_that_is_too_high_is_lowered_wherever_it_stands():
    assert first(edits_of("mlp/digits", "diverging"), "optimization") == ["optimizer.learning_rate.peak=0.003"]
    plain = edits_of("mlp/wine", "diverging", "optimizer={name: adam, learning_rate: 0.5}")
    assert first(plain, "optimization") == ["optimizer.learning_rate=0.05", "optimizer.clip_global_norm=1.0"]


def test_images_are_augmented_first_and_digits_are_not_mirrored():
    digits = edits_of("mlp/digits", "overfitting", "augment=[]")
    assert "random_translation" in first(digits, "preprocessing")[0]
    assert "flip" not in str(digits)
    photos = edits_of("cnn/cifar10", "overfitting", "augment=[]", input_shape=(32, 32, 3))
    assert "random_flip" in first(photos, "preprocessing")[0]
    assert "random_brightness" in str(edits_of("cnn/digit_scenes_boxes", "overfitting", "augment=[]"))
    assert "spec_augment" in str(edits_of("cnn/sounds", "overfitting", "augment=[]"))
    assert "augment" not in str(edits_of("mlp/wine", "overfitting"))


def test_a_table_without_scaling_is_scaled_first():
    edits = edits_of("mlp/wine", "underfitting", "preprocess=[{encode: {}}]")
    assert "standardize" in edits[0].overrides[0] and edits[0].lever == "preprocessing"


def test_a_narrow_network_is_widened_and_not_trained_longer():
    edits = edits_of("mlp/digits", "underfitting", "model.widths=[2]", causes=("capacity", "falling"))
    assert [list(edit.overrides) for edit in edits] == [["model.widths=[32]"], ["model.widths=[2, 2]"]]


def test_a_quantile_is_replaced_by_the_loss_of_the_metric():
    edits = edits_of("mlp/diabetes", "underfitting", "loss={name: quantile, quantile: 0.95}")
    assert edits[0].overrides == ("loss={name: mean_absolute_error}",)


def test_a_short_run_gets_three_times_the_epochs_or_enough_steps():
    assert "training.epochs=180" in edits_of("mlp/wine", "too short", train_size=16 * 60 * 16)[0].overrides
    few = situation("mlp/wine", "training.epochs=2", history=[{"loss": 1.0}] * 2, train_size=114)
    (longest, *_) = propose_edits(few, [Sign(state="too short", text="")])
    assert longest.overrides == ("training.epochs=60",)  # 14 steps, 30 times


def test_the_remedies_of_the_audit_come_first_and_lists_are_joined():
    found = [
        {"name": "identifier_column", "severity": "warning", "count": 1, "message": "an id", "remedy": "x"},
        {"name": "constant_column", "severity": "warning", "remedy": "data: {ignore: [b]}", "message": "b is constant"},
        {"name": "constant_column", "severity": "warning", "remedy": "data: {ignore: [c]}", "message": "c is constant"},
        {"name": "near_duplicates", "severity": "error", "remedy": "data: {accept: [near_duplicates]}"},
        {"name": "too_few_examples", "severity": "warning", "remedy": "evaluation: {folds: 5}"},
        {"name": "target_leakage", "severity": "warning", "remedy": "data: {ignore: [COLUMN]}"},
        {"name": "mixed_types", "severity": "warning", "remedy": FINDINGS["mixed_types"].remedy},
        {
            "name": "imbalance",
            "severity": "warning",
            "message": "unbalanced",
            "remedy": "loss: {class_weights: balanced}",
        },
        "a sentence of an older run",
    ]
    base = ["data={source: 'csv:a.csv', target: y, ignore: [a]}"]
    edits = edits_of("mlp/wine", "overfitting", *base, findings=read_findings(found))
    assert edits[0].lever == "data" and edits[0].overrides == ("data.ignore=[a, b, c]",)
    assert edits[0].reason == "b is constant c is constant"
    assert "accept" not in str(edits) and "folds" not in str(edits) and "COLUMN" not in str(edits)
    assert FINDINGS["mixed_types"].remedy == "data: {missing: [TEXT]}" and "TEXT" not in str(edits)
    assert first(edits, "loss") == ["loss.class_weights=balanced"]
    assert [edit.lever for edit in edits] == sorted((edit.lever for edit in edits), key=LEVERS.index)


def test_an_edit_that_the_builder_refuses_is_not_offered():
    loaded = load_recipe("mlp/digits", ["model.widths=[2]"])
    s = Situation(task="image_classification", history=[], metrics={}, loaded=loaded, train_size=1000)
    signs = [Sign(state="underfitting", text="", cause="capacity")]
    assert propose_edits(s, signs, lambda changed: False) == []
    assert len(propose_edits(s, signs, lambda changed: True)) == 2


# --- states that need outputs or findings -------------------------------------------------------------------------


def classified(validation_accuracy, baseline, *, auc, baseline_auc, train=0.99, classes=10, n=200, **more):
    """Return a classifier's run with these figures on validation."""
    y = np.arange(n) % classes
    figures = [
        {"accuracy": a, "balanced_accuracy": a, "roc_auc": r}
        for a, r in ((validation_accuracy, auc), (baseline, baseline_auc))
    ]
    return Situation(
        task="image_classification",
        history=[{"loss": 2.3, "val_loss": 2.3}, {"loss": 0.1, "val_loss": 2.2}],
        metrics={"train": {"accuracy": train}, "validation": figures[0], "test": figures[0]},
        baseline={"name": "logistic_regression", "validation": figures[1], "test": figures[1]},
        outputs={"train": (y, np.eye(classes)[y]), "validation": (y, np.eye(classes)[y])},
        train_size=1000,
        **more,
    )


@pytest.mark.parametrize(
    ("accuracy", "baseline", "auc", "state"),
    [(0.11, 0.09, 0.51, "label noise"), (0.5, 0.1, 0.8, "overfitting"), (0.1, 0.1, 0.65, "overfitting")],
)
def test_labels_that_nothing_can_tell_are_noise(accuracy, baseline, auc, state):
    found = diagnose(classified(accuracy, baseline, auc=auc, baseline_auc=0.5))
    assert found["state"] == state
    if state == "label noise":
        assert "Neither the model nor logistic regression" in found["evidence"][0]


def test_a_baseline_that_can_tell_them_clears_the_labels():
    assert diagnose(classified(0.1, 0.6, auc=0.5, baseline_auc=0.9))["state"] == "overfitting"


def test_labels_that_the_audit_takes_for_errors():
    wrong = [Finding(name="label_errors", severity="warning", count=120)]
    good = {"auc": 0.99, "baseline_auc": 0.99, "train": 0.97}
    assert diagnose(classified(0.95, 0.9, findings=wrong, **good))["state"] == "label noise"
    hard = {"auc": 0.9, "baseline_auc": 0.9, "train": 0.97}  # a baseline that is wrong of a third of the labels itself
    assert diagnose(classified(0.95, 0.7, findings=wrong, **hard))["state"] == "good"
    most = [Finding(name="label_errors", severity="warning", count=600)]
    assert diagnose(classified(0.95, 0.3, findings=most, **hard))["state"] == "good"
    few = [Finding(name="label_errors", severity="warning", count=20)]
    assert diagnose(classified(0.95, 0.9, findings=few, **good))["state"] == "good"


def test_leaks_of_the_audit_are_suspicious():
    good = {"auc": 0.99, "baseline_auc": 0.99, "train": 0.97}
    leak = [Finding(name="target_leakage", severity="error", message="column 'a' tells the target")]
    found = diagnose(classified(0.95, 0.9, findings=leak, **good))
    assert found["state"] == "suspicious" and "Column 'a' tells the target." in found["evidence"]


def loaded_situation(loss, validation_loss=None, rate=None, recipe="mlp/digits", overrides=(), **more):
    rows = [{"loss": a, "val_loss": b} for a, b in zip(loss, validation_loss or loss, strict=True)]
    rows = [{**row, "learning_rate": r} for row, r in zip(rows, rate or [1.0] * len(rows), strict=True)]
    y = np.arange(500) % 10
    loaded = load_recipe(recipe, list(overrides))
    given = {"metrics": {}, "outputs": {"train": (y, np.eye(10)[y])}, "train_size": 500, **more}
    return Situation(task=loaded.recipe.task, history=rows, loaded=loaded, **given)


@pytest.mark.parametrize(
    ("loss", "state"),
    [
        ([9.7, 2.5, 2.3, 2.3, 2.3], "diverging"),  # log 10 = 2.303
        ([9.7, 2.0, 0.5, 0.2, 0.1], "good"),  # it came down
        ([2.4, 2.3, 2.3, 2.3, 2.3], "underfitting"),  # it never blew up
        ([2.0, 0.5, 0.4, 0.9, 1.9], "diverging"),  # training went backwards
    ],
)
def test_a_training_loss_that_blows_up_diverges(loss, state):
    assert diagnose(loaded_situation(loss, [0.9] * 5))["state"] == state


@pytest.mark.parametrize(
    ("values", "rate", "state"),
    [
        ([1.0] * 4 + [0.5, 0.502] * 8, None, "plateau"),
        ([1.0] * 4 + [0.5, 0.502] * 8, [1.0] * 10 + [0.1] * 10, "good"),  # the rate did fall
        (list(np.linspace(1, 0.4, 20)), None, "too short"),
        ([1.0] * 4 + [0.001] * 16, None, "good"),  # nothing is left to learn
    ],
)
def test_a_loss_that_stands_still_at_a_constant_rate_is_a_plateau(values, rate, state):
    metrics = {split: {"accuracy": 0.9} for split in ("train", "validation", "test")}
    assert diagnose(loaded_situation(values, rate=rate, metrics=metrics))["state"] == state


def test_a_run_of_few_steps_is_too_short_though_its_rate_ended_at_zero():
    metrics = {split: {"accuracy": 0.6} for split in ("train", "validation", "test")}
    simple = {"name": "logistic_regression", "validation": {"accuracy": 0.95}}
    falling = {"loss": [2.3, 1.6], "validation_loss": [2.0, 1.4], "rate": [1.0, 0.0], "metrics": metrics}
    assert diagnose(loaded_situation(**falling, baseline=simple))["state"] == "too short"
    enough = loaded_situation(**falling, baseline=simple, overrides=["training.batch_size=2"])
    assert diagnose(enough)["state"] == "good"


def test_predictions_beside_their_targets_speak_for_the_loss():
    y = np.random.default_rng(0).normal(size=300)
    figures = {split: {"mae": 2.0} for split in ("train", "validation", "test")}
    found = diagnose(
        Situation(
            task="tabular_regression",
            history=[{"loss": 0.3}, {"loss": 0.2}],
            metrics=figures,
            baseline={"name": "ridge", "validation": {"mae": 1.0}},
            comparison={"difference": -1.0, "relation": "worse", "verdict": "worse than ridge"},
            outputs={"train": (y, y + 2)},
            loaded=load_recipe("mlp/diabetes"),
            train_size=300,
        )
    )
    assert found["state"] == "underfitting" and any("on average 2 above" in text for text in found["evidence"])
    assert found["edits"][0]["overrides"] == ["loss={name: mean_absolute_error}"]


def test_tasks_without_a_recipe_still_have_a_state():
    for task in TASKS:
        assert diagnose(Situation(task=task, history=[], metrics={}))["edits"] == []


def test_a_run_of_few_steps_that_fits_its_data_is_not_too_short():
    metrics = {split: {"accuracy": 1.0 - 0.02 * (split == "test")} for split in ("train", "validation", "test")}
    simple = {"name": "logistic_regression", "validation": {"accuracy": 1.0}}
    beside = {"difference": -0.02, "relation": "no clear difference", "verdict": "no better than logistic regression"}
    falling = {"loss": [1.0, 0.2], "validation_loss": [0.5, 0.1], "rate": [1.0, 0.0], "metrics": metrics}
    assert diagnose(loaded_situation(**falling, baseline=simple, comparison=beside))["state"] == "good"
    worse = diagnose(loaded_situation(**falling, baseline=simple, comparison={**beside, "relation": "worse"}))
    assert worse["state"] == "underfitting"


@pytest.mark.parametrize(("last", "state"), [(0.06, "good"), (0.2, "overfitting")])
def test_a_small_rise_of_a_small_loss_is_no_overfitting(last, state):
    """The loss on few validation examples doubles because of one of them, when next to nothing is left of it."""
    loss = [0.9, 0.3, 0.1, *np.linspace(0.05, 0.01, 12)]
    validation_loss = [0.3, 0.1, 0.03, *np.linspace(0.03, last, 12)]
    metrics = {split: {"accuracy": 0.99} for split in ("train", "validation", "test")}
    assert diagnose(loaded_situation(loss, validation_loss, metrics=metrics))["state"] == state
