"""Search spaces: what is refused, and the recipe that comes of some values."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import ZooError
from zoo.recipe import check_search, list_recipes, load_recipe
from zoo.recipe.merge import merged
from zoo.recipe.space import changes, dimensions, greater_is_better, objective_of

RECIPE = """\
extends: cnn/digits
search:
  objective: null
  space:
    optimizer.weight_decay: null
    model.widths: null
    regularization.mixup: null
    optimizer.learning_rate.peak: {log: [1e-4, 1e-2]}
    model.dropout: {linear: [0, 0.5]}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path, *overrides):
    with pytest.raises(ZooError) as caught:
        check_search(load_recipe(path, overrides))
    return str(caught.value)


@pytest.mark.parametrize("name", list_recipes())
def test_what_is_shipped_can_be_searched(name):
    check_search(load_recipe(name))


@pytest.mark.parametrize(
    ("key", "entry", "text"),
    [
        ("optimizer.learning_rat", "{log: [1e-4, 1e-2]}", "unknown key 'learning_rat'; did you mean 'learning_rate'?"),
        ("optimizer.learning_rate.peak", "{log: [1e-2, 1e-2]}", "the range is empty"),
        ("optimizer.learning_rate.peak", "{log: [0, 1e-2]}", "greater than 0"),
        ("optimizer.learning_rate.peak", "{log: [1e-4]}", "must hold at least 2 values"),
        ("optimizer.learning_rate.peak", "3e-4", "expected a list of values, {choice: [...]}"),
        ("optimizer.learning_rate.peak", "[]", "must hold at least 1 value"),
        ("optimizer.learning_rate.peak", "{log: [1e-4, 1e-2], base: 2}", "unknown key 'base'"),
        ("model.dropout", "{linear: [0, 1.5]}", "1.5 is refused: model.dropout: must be less than 1"),
        ("model.dropout", "{linear: [0, 0.5], step: 0.6}", "the step, 0.6, is longer than the range"),
        ("model.width", "[[8]]", "did you mean 'widths'?"),
        ("model.widths", "[[8, 16], [8, -1]]", "must be at least 1"),
        ("model.norm", "[batch, batch]", "batch is listed twice"),
        ("model.name", "[cnn, cn]", "cn is refused: model.name: "),
        (
            "training.batch_size",
            "{linear: [16.5, 64]}",
            "16.5 is refused: training.batch_size: expected a whole number",
        ),
        ("training.seed", "[0, 1]", "search.seeds trains each trial with several"),
        ("training.checkpoints.keep", "[1, 2]", "does not change what the model learns"),
        ("evaluation.baseline", "[majority_class]", "evaluation does not change what the model learns"),
        ("data.source", "['builtin:digits']", "trials must be compared on the same examples"),
        ("data.split_seed", "[0, 1]", "trials must be compared on the same examples"),
        ("augment.4.random_translation.height", "[0.0]", "4 is no position in a list of 1"),
        ("model.depth", "{choice: [1], when: {model.name: cnn}}", "model.name is no key of the space"),
        ("model.depth", "{choice: [1], when: {model.dropout: 0.1}}", "model.dropout must be a choice, and is a range"),
        ("no_such_section.x", "[1]", "unknown key 'no_such_section'"),
    ],
)
def test_refused(key, entry, text, write):
    told = refusal(write(RECIPE), f"search.space.{key}={entry}")
    assert text in told
    assert f"search.space.{key}" in told


def test_the_place_is_named(write):
    told = refusal(write(RECIPE + "    training.epochs: [0, 5]\n"))
    assert told.endswith(
        "mine.yaml:10: search.space.training.epochs: 0 is refused: training.epochs: must be at least 1, received 0"
    )


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["search.objective=val_acuracy"], "did you mean 'val_accuracy'?"),
        (["search.objective=accuracy"], "valid: val_loss, val_accuracy"),
        (
            ["search.objective=val_loss", "search.space.loss.label_smoothing=[0.0, 0.1]"],
            "cannot be compared by val_loss",
        ),
        (
            ["search.tuner=hyperband", "search.space.training.epochs=[5, 10]"],
            "hyperband itself sets the epochs of each trial",
        ),
        (["search.tuner=hyperband", "training.epochs=2"], "hyperband divides epochs among trials"),
        (["search.tuner=hyperband", "search.median_stopping={}"], "hyperband itself stops trials"),
        (["search.tuner=genetic"], "expected 'random', 'grid', 'bayesian' or 'hyperband'"),
    ],
)
def test_refused_beside_the_space(overrides, text, write):
    assert text in refusal(write(RECIPE), *overrides)


def test_conditions_that_cannot_be(write):
    space = RECIPE + "    model.name: {choice: [cnn, resnet20], when: {model.norm: batch}}\n"
    assert "depends on itself" in refusal(write(space + "    model.norm: {choice: [batch], when: {model.name: cnn}}\n"))
    never = RECIPE + "    model.name: [cnn, resnet20]\n    model.depth: {choice: [1, 2], when: {model.name: vgg16}}\n"
    assert "model.name is never vgg16 (its values: cnn, resnet20)" in refusal(write(never))


def test_training_does_not_look_at_an_inherited_search(write):
    path = write("extends: cnn/digits\nmodel: {name: resnet20}\n")
    load_recipe(path)  # whose space is a cnn's
    assert "model.widths" in refusal(path)


def test_dimensions(write):
    path = write(
        RECIPE
        + "    training.batch_size: {log: [16, 128]}\n"
        + "    model.depth: {linear: [1, 3], when: {model.name: cnn}}\n"
        + "    model.name: [cnn, resnet20]\n"
        + "    augment.0.random_translation.width: [0.0, 0.125]\n"
    )
    loaded = load_recipe(path)
    check_search(loaded)
    found = {d.key: d for d in dimensions(loaded.recipe, loaded.tree())}
    assert list(found).index("model.name") < list(found).index("model.depth")
    assert (found["training.batch_size"].whole, found["training.batch_size"].values) == (True, (16, 128))
    assert (found["model.dropout"].whole, found["model.dropout"].values) == (False, (0.0, 0.5))
    assert found["model.depth"].when == (("model.name", ("cnn",)),)
    assert {key: d.own for key, d in found.items()} == {
        "optimizer.learning_rate.peak": 3e-3,
        "model.dropout": 0.2,
        "training.batch_size": 64,
        "model.name": "cnn",
        "model.depth": 2,
        "augment.0.random_translation.width": 0.125,
    }


def test_a_default_of_the_builder_is_the_recipes_own_value(write):
    loaded = load_recipe(write(RECIPE + "    model.norm: [batch, layer]\n"))
    (norm,) = (d for d in dimensions(loaded.recipe, loaded.tree()) if d.key == "model.norm")
    assert norm.own == "batch"


def test_a_section_that_says_the_same_with_its_defaults_is_the_recipes_own_value(write):
    key = "augment.0.random_translation"
    loaded = load_recipe(write(RECIPE + f"    {key}: [{{height: 0.0, width: 0.0}}, {{height: 0.125, width: 0.125}}]\n"))
    (found,) = (d for d in dimensions(loaded.recipe, loaded.tree()) if d.key == key)
    assert found.own == {"height": 0.125, "width": 0.125}  # resolved, it has a fill, too


def test_what_belongs_to_another_model_has_no_own_value(write):
    text = "    model.name: [cnn, resnet20]\n    model.width: {choice: [8], when: {model.name: resnet20}}\n"
    loaded = load_recipe(write(RECIPE + text.replace("model.width:", "model.stem:").replace("[8]", "[small]")))
    (stem,) = (d for d in dimensions(loaded.recipe, loaded.tree()) if d.key == "model.stem")
    assert stem.own is None


@pytest.mark.parametrize(
    ("name", "objective", "rises"),
    [
        ("cnn/digits", "val_loss", False),
        ("cnn/fashion_mnist", "val_accuracy", True),
        ("mlp/diabetes", "val_mae", False),
        ("lstm/dates", "val_loss", False),
        ("autoencoder/digits", "val_loss", False),
    ],
)
def test_what_is_looked_at(name, objective, rises):
    recipe = load_recipe(name).recipe
    assert (objective_of(recipe), greater_is_better(recipe)) == (objective, rises)


@pytest.mark.parametrize(
    ("name", "metric", "rises"),
    [("cnn/fashion_mnist", "log_loss", False), ("mlp/wine", "mcc", True), ("mlp/diabetes", "r2", True)],
)
def test_the_metric_that_a_recipe_chooses_is_looked_at(name, metric, rises):
    recipe = load_recipe(name, [f"evaluation.metric={metric}"]).recipe
    assert (objective_of(recipe), greater_is_better(recipe)) == (f"val_{metric}", rises)


# --- the recipe that comes of some values ---


def test_changes_of_a_list_hold_the_whole_list():
    tree = {"augment": [{"a": {"x": 1, "y": 2}}, {"b": {"z": 3}}], "model": {"name": "cnn"}}
    before = copy.deepcopy(tree)
    part = changes(tree, {"augment.0.a.x": 5, "augment.1.b.z": 6, "model.depth": 1})
    assert part == {"augment": [{"a": {"x": 5, "y": 2}}, {"b": {"z": 6}}], "model": {"depth": 1}}
    assert tree == before


def test_a_model_that_changes_begins_afresh():
    tree = load_recipe("cnn/digits").tree()
    part = changes(tree, {"model.dropout": 0.1, "model.name": "resnet20"})
    assert part == {"model": {"dropout": 0.1, "name": "resnet20"}}
    assert merged(tree, part)["model"] == {"dropout": 0.1, "name": "resnet20"}


KEYS = [
    "model.dropout",
    "model.depth",
    "optimizer.learning_rate.peak",
    "augment.0.random_translation.height",
    "loss.label_smoothing",
]


@given(st.dictionaries(st.sampled_from(KEYS), st.floats(0, 0.9), min_size=1))
def test_changed_values_stand_where_they_belong_and_nothing_else_changes(values):
    tree = load_recipe("cnn/digits").tree()
    result = merged(tree, changes(tree, values))
    expected = copy.deepcopy(tree)
    for key, value in values.items():
        *parents, last = (int(part) if part.isdigit() else part for part in key.split("."))
        holder = expected
        for part in parents:
            holder = holder[part]
        holder[last] = value
    assert result == expected


@pytest.mark.parametrize("key", ["hopeless", "median_stopping"])
def test_the_name_that_median_stopping_had_still_works(write, key):
    loaded = load_recipe(write(f"{RECIPE}  {key}: {{after_epochs: 2, after_trials: 3}}\n"))
    assert loaded.recipe.search.median_stopping.after_epochs == 2
