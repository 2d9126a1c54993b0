"""Overrides: typed by the schema, positions in lists, and what is refused."""

import pytest
from short_recipe import BASE, refusal

from zoo.errors import ZooError
from zoo.recipe import load_recipe


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("training.epochs=5", "training.epochs", 5),
        ("optimizer.weight_decay=1e-3", "optimizer.weight_decay", 1e-3),
        ("optimizer.weight_decay=0", "optimizer.weight_decay", 0.0),
        ("optimizer={name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true}", "optimizer.nesterov", True),
        ("data.ignore=[a, b c]", "data.ignore", ["a", "b c"]),
        ("evaluation.baseline=null", "evaluation.baseline", None),
        ("description=7", "description", "7"),
        ("description=true", "description", "true"),
        ("description=1e-3", "description", "1e-3"),
        ("description=a=b=c", "description", "a=b=c"),
        ("description=a: b", "description", "a: b"),
        ("description=[1, 2", "description", "[1, 2"),
        ("description=# 5", "description", "# 5"),
        ("description=*star", "description", "*star"),
        ("description=yes", "description", "yes"),
        ("data.splits.train=1", "data.splits.train", "1"),
        ("data.target=2024-01-31", "data.target", "2024-01-31"),
        (" training.epochs =5", "training.epochs", 5),
        ("optimizer={learning_rate: {peak: 0.25}}", "optimizer.learning_rate.peak", 0.25),
        ("training.steps_per_execution=auto", "training.steps_per_execution", "auto"),
        ("training.steps_per_execution=4", "training.steps_per_execution", 4),
    ],
)
def test_an_override_is_typed_by_the_schema(override, path, value, write):
    loaded = load_recipe(write(BASE), [override])
    found = loaded.recipe
    for part in path.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)
    assert loaded.origin_names()[path] == f"override '{override}'"


def test_a_number_in_an_override_is_a_position_in_a_list(write):
    base = BASE.replace("data: {", "data: {ignore: [a, b], ")
    mine = write(base + "augment: [{random_flip: {}}, {random_zoom: {factor: 0.1}}]\n")
    loaded = load_recipe(
        mine,
        ["augment.1.random_zoom.factor=0.2", "data.ignore.0=7", "preprocess.1={standardize: {mean: [1], std: [1]}}"],
    )
    assert [step.kind for step in loaded.recipe.augment] == ["random_flip", "random_zoom"]
    assert loaded.recipe.augment[1].random_zoom.factor == 0.2
    assert loaded.recipe.data.ignore == ["7", "b"]
    assert loaded.recipe.preprocess[0].rescale.scale == 1 / 255
    assert loaded.recipe.preprocess[1].standardize.mean == [1]
    names = loaded.origin_names()
    assert names["augment.1.random_zoom.factor"] == "override 'augment.1.random_zoom.factor=0.2'"
    assert names["augment.0.random_flip"] == f"{mine}:5"


def test_later_overrides_win(write):
    overrides = ["training.epochs=5", "training.batch_size=7", "training.epochs=6"]
    training = load_recipe(write(BASE), overrides).recipe.training
    assert (training.epochs, training.batch_size) == (6, 7)


def test_an_override_that_changes_a_name_starts_the_section_afresh(write):
    mine = write(BASE + "optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9}\n")
    loaded = load_recipe(mine, ["optimizer.name=adam", "optimizer.learning_rate=0.2"])
    assert loaded.recipe.optimizer.learning_rate == 0.2
    assert refusal(mine, ["optimizer.name=adam"]) == (
        "override 'optimizer.name=adam': optimizer.learning_rate: required, and missing"
    )


@pytest.mark.parametrize("text", ["epochs", "=5", ".a=5", "training..epochs=5", "training.=5", "", "--epochs"])
def test_what_is_not_an_override(text, write):
    assert refusal(write(BASE), [text]) == (
        f"override '{text}': expected key.path=value, for example training.epochs=5"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs=5.5", "training.epochs: expected a whole number, received 5.5"),
        ("training.epochs=yes", 'training.epochs: expected a whole number, received "yes"'),
        ("training.epochs=", "training.epochs: expected a whole number, received null"),
        ("training.epoch=5", "training.epoch: unknown key 'epoch'; did you mean 'epochs'?"),
        ("a.b=5", "a: unknown key 'a'"),
        ("training.epochs.x=5", 'training.epochs: expected a whole number, received {"x": 5}'),
        ("data.ignore=[1]", "data.ignore.0: expected text, received 1"),
        ("preprocess.0.rescale.scale=x", "preprocess.0.rescale.scale: expected a number, or a fraction such as 1/255"),
        ("preprocess.0.resize.height=5", "preprocess.0.resize.width: required, and missing"),
        ("preprocess.2.rescale.scale=5", "preprocess: 2 is no position in a list of 2"),
        ("preprocess.first.rescale.scale=5", "preprocess: first is no position in a list of 2"),
        ("augment.1.random_flip.mode=vertical", "augment: expected a list, received {"),
        ("description.x=5", 'description: expected text, received {"x": 5}'),
        ("optimizer={learning_rate: {peak: -1}}", "optimizer.learning_rate.peak: must be greater than 0, received -1"),
        ("extends=cnn/digits", "extends cannot be overridden; write a recipe file"),
        ("model.widths=5", "model.widths: must be a list, received 5"),
        ("training.stop_after=99", "training.stop_after: "),
    ],
)
def test_problems_of_an_override_name_it(override, message, write):
    received = refusal(write(BASE), [override])
    assert received.startswith(f"override '{override}': {message}")


def test_an_override_that_is_not_unicode(write):
    assert refusal(write(BASE), ["description=\udc80"]) == "override 'description=\\udc80': not valid Unicode"


def test_positions_of_a_list_that_is_not_there_make_it():
    loaded = load_recipe("mlp/wine", ["optimizer.groups.0.layers=logits", "optimizer.groups.0.learning_rate=0.5"])
    (group,) = loaded.recipe.optimizer.groups
    assert (group.layers, group.learning_rate) == ("logits", 0.5)
    assert loaded.origin_names()["optimizer.groups.0.layers"] == "override 'optimizer.groups.0.layers=logits'"
    assert load_recipe("mlp/wine", ["data.ignore.0=ash", "data.ignore.1=7"]).recipe.data.ignore == ["ash", "7"]


@pytest.mark.parametrize("override", ["optimizer.groups.1.layers=logits", "data.ignore.5=ash"])
def test_positions_beyond_a_list_that_is_not_there_are_refused_as_an_override(override):
    with pytest.raises(ZooError, match=r"^override .*expected a list, .* write the whole list$"):
        load_recipe("mlp/wine", [override])
