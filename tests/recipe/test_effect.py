"""What cannot have an effect is refused; what a shorter run has no room for comes sooner, and is said."""

import pytest

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.find import list_recipes

RATE = "optimizer.learning_rate={schedule: "
SGD = "optimizer={name: sgd, learning_rate: 0.1"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.epochs=5", "regularization.early_stopping={patience: 4}"], "patience: .* at most 3"),
        (
            ["training.epochs=2", "regularization.early_stopping={patience: 1}"],
            "of 1 cannot .*leave it out",
        ),
        (
            ["training.epochs=5", RATE + "reduce_on_plateau, initial: 0.1, patience: 4}"],
            "rate.patience: .*most 3",
        ),
        (["training.epochs=5", RATE + "step, initial: 0.1, epochs: [2, 5]}"], r"learning_rate.epochs: .*\(5\)"),
        (["training.epochs=5", RATE + "step, initial: 0.1, at: [100%]}"], "learning_rate.at: .*end of the run"),
        (
            ["training.epochs=5", RATE + "warmup_cosine, peak: 0.1, warmup: 5}"],
            "rate.warmup: the warmup must",
        ),
        (["training.epochs=5", RATE + "one_cycle, peak: 0.1, rise: 60%}"], "learning_rate.rise: the way up"),
        ([RATE + "exponential, initial: 0.1, factor: 1.0}"], "learning_rate.factor: a factor of 1 changes nothing"),
        ([RATE + "cosine, peak: 0.1, final: 0.1}"], "learning_rate.final: .* is not below the first"),
        (["training.epochs=5", "optimizer.unfreeze_epochs=5"], "unfreeze_epochs: no block below the head"),
        (["training.epochs=5", "training.augment_until=6"], "augment_until: augmentation would end after the run"),
        (["training.epochs=5", "training.stop_after=6"], "stop_after: .* 6 is after its end"),
        (["optimizer.groups=[{layers: a}]"], "groups.0: changes nothing"),
        ([SGD + ", nesterov: true}"], "nesterov: has no effect without momentum"),
        (["training.batch_size=1"], "model.norm: batch normalization of vectors needs several"),
        (["training.batch_size=1", "model.norm=none", "regularization.mixup=0.2"], "mixup needs several examples"),
    ],
)
def test_what_cannot_act_is_refused_by_its_key(overrides, message):
    with pytest.raises(ZooError, match=message):
        load_recipe("mlp/digits", overrides)


def test_smoothing_without_targets_and_pairs_of_one_are_refused():
    with pytest.raises(ZooError, match=r"loss.label_smoothing: has no effect with the form hinge"):
        load_recipe("gan/digits_conditional", ["loss.label_smoothing=0.1"])
    with pytest.raises(ZooError, match=r"loss.name: nt_xent needs several examples"):
        load_recipe("representation/digits_simclr", ["training.batch_size=1"])


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.epochs=5", "regularization.early_stopping={patience: 3}"],
        ["training.epochs=5", RATE + "step, initial: 0.1, epochs: [2, 4]}"],
        [SGD + ", nesterov: true, momentum: 0.9}"],
        [RATE + "warmup_linear, peak: 0.1, warmup: 1, final: 0.1}"],  # a warmup, then a constant rate
    ],
)
def test_what_can_act_is_taken(overrides):
    assert load_recipe("mlp/digits", overrides).notes == ()


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_every_shipped_recipe_takes_a_shorter_run(epochs):
    for name in list_recipes():
        loaded = load_recipe(name, [f"training.epochs={epochs}"])
        assert loaded.recipe.training.epochs == epochs
        load = [line.partition(": ")[2] for line in loaded.notes]
        assert all(f"override 'training.epochs={epochs}'" in line for line in loaded.notes), load


def test_a_duration_keeps_its_part_of_a_shorter_run_and_the_resolved_recipe_is_a_recipe(tmp_path):
    loaded = load_recipe("cnn/digit_scenes_masks", ["training.epochs=1"])
    assert loaded.recipe.optimizer.learning_rate.warmup_epochs == pytest.approx(1 / 30, abs=1e-4)
    assert loaded.recipe.training.augment_until == "0.8667 epochs"
    assert "warmup_epochs: 1 (recipes/_base/adamw_cosine.yaml:4) becomes" in loaded.notes[0]
    for name in ("cnn/digit_scenes_masks", "cnn/cifar10", "mlp/diabetes"):
        short = load_recipe(name, ["training.epochs=1"])
        (tmp_path / "short.yaml").write_text(short.to_yaml())
        again = load_recipe(tmp_path / "short.yaml")
        assert again.recipe == short.recipe and again.notes == ()


def test_steps_of_a_schedule_and_patience_in_a_shorter_run():
    assert load_recipe("cnn/cifar10", ["training.epochs=1"]).recipe.optimizer.learning_rate.at == [0.5, 0.7527]
    loaded = load_recipe("mlp/diabetes", ["training.epochs=1"])
    assert loaded.recipe.regularization.early_stopping is None
    assert any("patience: 20" in note and "is left out" in note for note in loaded.notes)


def test_a_plateau_in_a_shorter_run_is_its_first_rate(tmp_path):
    rate = "{schedule: reduce_on_plateau, initial: 0.2, patience: 4}"
    (tmp_path / "mine.yaml").write_text(
        f"extends: mlp/wine\noptimizer: {{name: sgd, learning_rate: {rate}}}\ntraining: {{epochs: 9}}\n"
    )
    assert load_recipe(tmp_path / "mine.yaml", ["training.epochs=3"]).recipe.optimizer.learning_rate == 0.2


def test_what_an_override_says_is_not_shortened():
    with pytest.raises(ZooError, match=r"override 'optimizer.learning_rate.warmup_epochs=1'.*the warmup must end"):
        load_recipe("mlp/wine", ["training.epochs=1", "optimizer.learning_rate.warmup_epochs=1"])


def test_the_recipe_of_a_run_is_read_whatever_it_asked_for(tmp_path):
    text = load_recipe("mlp/diabetes").to_yaml().replace("patience: 20", "patience: 90")
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(ZooError, match="a patience of 90 cannot act"):
        load_recipe(tmp_path / "recipe.yaml")
    assert load_recipe(tmp_path / "recipe.yaml", trained=True).recipe.regularization.early_stopping.patience == 90
