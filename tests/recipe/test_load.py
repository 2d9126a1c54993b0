import re
from textwrap import dedent

import pytest

from zoo.errors import ZooError
from zoo.recipe import list_recipes, load_recipe
from zoo.recipe import load as loading
from zoo.recipe.load import recipes_folder, summaries
from zoo.recipe.source import dump, parse
from zoo.tasks import FILE_SOURCES

BASE = """\
extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "builtin:digits"}
model: {name: mlp}
training: {epochs: 3}
"""


@pytest.fixture
def write(tmp_path):
    """Write a recipe file and return its path."""

    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


def refusal(name, overrides=()):
    with pytest.raises(ZooError) as caught:
        load_recipe(name, overrides)
    return str(caught.value)


# --- shipped recipes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_loads_and_its_resolved_form_gives_it_again(name, write):
    loaded = load_recipe(name)
    assert loaded.name == name
    assert loaded.recipe.description
    again = load_recipe(write(loaded.to_yaml()))
    assert again.recipe == loaded.recipe
    assert again.to_yaml() == loaded.to_yaml()


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_file_says_how_to_train_it(name):
    lines = (recipes_folder() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert any(re.fullmatch(rf"#\s+zoo train {re.escape(name)}", line) for line in lines)
    assert "# yaml-language-server: $schema=../recipe.schema.json" in lines


@pytest.mark.parametrize("name", list_recipes())
def test_annotated_lines_are_the_resolved_recipe(name):
    loaded = load_recipe(name)
    lines = loaded.annotated()
    assert parse("\n".join(line for line, _ in lines), "f")[0] == parse(loaded.to_yaml(), "f")[0]
    for line, origin in lines:
        is_heading = line.endswith(":")
        assert (origin == "") == is_heading
        assert is_heading or origin == "default" or re.fullmatch(r"recipes/\S+\.yaml:\d+", origin)


def test_bases_are_not_listed():
    assert list_recipes() == sorted(list_recipes())
    assert not any(name.startswith("_") for name in list_recipes())
    assert [row["name"] for row in summaries()] == list_recipes()
    assert all(row[key] for row in summaries() for key in ("task", "source", "model", "description"))


# --- extends ------------------------------------------------------------------------------------------------------


def test_later_files_win_key_by_key(write):
    write("training: {epochs: 1, batch_size: 1}\ndescription: first", "first.yaml")
    write("training: {batch_size: 2, seed: 2}\ndescription: second", "second.yaml")
    mine = write(f"{BASE.replace('[_base', '[first.yaml, second, _base')}  # mine\n")
    recipe = load_recipe(mine).recipe
    assert (recipe.training.epochs, recipe.training.batch_size, recipe.training.seed) == (3, 2, 2)
    assert recipe.description == "second"


def test_a_parent_may_have_parents(write):
    write(BASE, "parents/a.yaml")
    write("extends: a\ntraining: {seed: 1}", "parents/b.yaml")
    training = load_recipe(write("extends: parents/b.yaml\ntraining: {batch_size: 5}")).recipe.training
    assert (training.epochs, training.seed, training.batch_size) == (3, 1, 5)


def test_one_parent_may_come_twice(write):
    write(BASE, "a.yaml")
    write("extends: a", "b.yaml")
    write("extends: a\ntraining: {epochs: 4}", "c.yaml")
    assert load_recipe(write("extends: [b, c]")).recipe.training.epochs == 4
    assert load_recipe(write("extends: [c, b]")).recipe.training.epochs == 3


def test_lists_are_replaced(write):
    write(BASE + "augment: [{random_flip: {}}, {gaussian_noise: {std: 0.1}}]\n", "a.yaml")
    recipe = load_recipe(write("extends: a\naugment: [{random_contrast: {factor: 0.1}}]\npreprocess: []")).recipe
    assert [step.kind for step in recipe.augment] == ["random_contrast"]
    assert recipe.preprocess == []


def test_a_section_that_changes_its_name_starts_afresh(write):
    write(BASE + "optimizer: {clip_global_norm: 2}\nloss: {label_smoothing: 0.1}\n", "a.yaml")
    mine = "extends: a\noptimizer: {name: sgd, learning_rate: 0.1}\nmodel: {name: resnet20}\n"
    recipe = load_recipe(write(mine)).recipe
    assert recipe.optimizer.clip_global_norm is None
    assert recipe.optimizer.learning_rate == 0.1
    assert recipe.loss.label_smoothing == 0.1
    kept = load_recipe(write("extends: a\noptimizer: {name: adamw, epsilon: 1e-6}")).recipe.optimizer
    assert (kept.clip_global_norm, kept.epsilon) == (2, 1e-6)


def test_a_schedule_that_changes_its_name_starts_afresh(write):
    write(BASE, "a.yaml")
    rate = load_recipe(write("extends: a\noptimizer: {learning_rate: {schedule: cosine, peak: 0.5}}"))
    assert rate.recipe.optimizer.learning_rate.model_dump() == {"schedule": "cosine", "peak": 0.5, "final": 0.0}
    assert "optimizer.learning_rate.warmup_epochs" not in rate.origin_names()


def test_null_takes_back_what_a_parent_set(write):
    recipe = load_recipe(write(BASE + "optimizer: {clip_global_norm: null}\nevaluation: {baseline: null}\n")).recipe
    assert recipe.optimizer.clip_global_norm is None
    assert recipe.evaluation.baseline is None


def test_null_where_the_default_is_a_value_survives_writing(write):
    loaded = load_recipe(write(BASE.replace("data: {", "data: {splits: {test: null}, ")))
    assert loaded.recipe.data.splits.test is None
    assert load_recipe(write(loaded.to_yaml())).recipe == loaded.recipe


@pytest.mark.parametrize("text", ["1e-3", "yes", "7", "null", "a\nb", "é: ×", "'#'"])
def test_text_survives_writing(text, write):
    loaded = load_recipe(write(BASE + dump({"description": text})))
    assert loaded.recipe.description == text
    assert load_recipe(write(loaded.to_yaml())).recipe == loaded.recipe


def test_cycles_are_refused(write):
    mine = write("description: a\nextends: [other]")
    write("extends: mine.yaml", "other.yaml")
    assert refusal(mine) == f"{mine.parent / 'other.yaml'}:1: extends: the recipe extends itself (mine → other → mine)"
    itself = write("extends: itself", "itself.yaml")
    assert "the recipe extends itself (itself → itself)" in refusal(itself)


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("extends: nowhere.yaml", "2: extends: there is no recipe file "),
        ("extends: cnn/digit", "2: extends: there is no recipe 'cnn/digit'; did you mean 'cnn/digits'?"),
        (
            "extends: _base/adam_cosine",
            "2: extends: there is no recipe '_base/adam_cosine'; did you mean '_base/adamw_",
        ),
        ("extends:\n- cnn/digits\n- nowhere", "4: extends: there is no recipe 'nowhere'"),
        ("extends: 5", "2: extends: expected a recipe's name or a list of names, received 5"),
        ("extends: [cnn/digits, {a: 1}]", "2: extends: expected a recipe's name or a list of names, received"),
        ("extends: null", "2: extends: expected a recipe's name or a list of names, received null"),
        (f"extends: {'x' * 300}", "2: extends: there is no recipe 'xxx"),
        ('extends: "a\\0b"', "2: extends: there is no recipe 'a\\x00b'"),
    ],
)
def test_what_cannot_be_extended_names_the_line(extends, message, write):
    mine = write(f"description: x\n{extends}\n")
    assert refusal(mine).startswith(f"{mine}:{message}")


def test_a_problem_in_a_parent_names_the_parent(write):
    write(BASE + "export:\n  opset: 5\n", "parent.yaml")
    mine = write("extends: parent\ndescription: x")
    assert refusal(mine) == f"{mine.parent / 'parent.yaml'}:6: export.opset: must be at least 13, received 5"


# --- finding ------------------------------------------------------------------------------------------------------


def test_an_unknown_recipe_suggests_the_nearest():
    assert refusal("cnn/digit") == (
        "there is no recipe 'cnn/digit'; did you mean 'cnn/digits'? (`zoo recipes` lists them all)"
    )


@pytest.mark.parametrize(
    "name", ["", "cnn", "../recipes/cnn/digits/../nothing", "a\0b", "x" * 300, "/etc/passwd", "\udc80"]
)
def test_names_that_are_no_recipe(name):
    assert refusal(name).startswith("there is no recipe '")
    assert refusal(name).isprintable()


def test_a_shipped_name_stays_in_the_folder(write, monkeypatch, tmp_path):
    resolved = load_recipe("mlp/wine").to_yaml()
    write(resolved, "outside.yaml")
    write(resolved, "shipped/inside.yaml")
    monkeypatch.setattr(loading, "recipes_folder", lambda: tmp_path / "shipped")
    assert load_recipe("inside").name == "inside"
    for name in ("../outside", "x/../../outside", str(tmp_path / "outside")):
        assert refusal(name).startswith("there is no recipe '")


def test_a_missing_file():
    assert refusal("nowhere/mine.yaml") == "there is no recipe file nowhere/mine.yaml"


def test_a_file_is_filed_under_its_stem(write):
    assert load_recipe(write(BASE, "deep/er.yaml")).name == "er"


# --- file sources -------------------------------------------------------------------------------------------------


OF_A_KIND = {  # what else a recipe says that reads such a file
    "folder": "extends: [_base/image_classification, _base/adamw_cosine]\nmodel: {name: mlp}",
    "npz": "extends: [_base/image_classification, _base/adamw_cosine]\nmodel: {name: mlp}",
    "csv": "extends: [_base/tabular_regression, _base/adamw_cosine]\nmodel: {name: mlp}",
    "parquet": "extends: [_base/tabular_regression, _base/adamw_cosine]\nmodel: {name: mlp}",
    "text": "extends: [_base/language_modeling, _base/adamw_cosine]\nmodel: {name: gpt}",
}


@pytest.mark.parametrize("kind", FILE_SOURCES)
def test_a_relative_path_is_relative_to_the_recipe(kind, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = f"{OF_A_KIND[kind]}\ntraining: {{epochs: 3}}\ndata: {{source: '{kind}:../pets', target: y}}\n"
    write(text, "a/b/parent.yaml")
    mine = write("extends: a/b/parent\n")
    assert load_recipe(mine).recipe.data.source == f"{kind}:{tmp_path / 'a/pets'}"
    assert load_recipe("mine.yaml", [f"data.source={kind}:cats"]).recipe.data.source == f"{kind}:{tmp_path / 'cats'}"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_beside_the_recipe(kind, write, tmp_path):
    text = f"""
        extends: [_base/tabular_regression, _base/adamw_cosine]
        data: {{source: "{kind}:t.{kind}", target: y}}
        model: {{name: mlp}}
        training: {{epochs: 3}}
    """
    loaded = load_recipe(write(text))
    assert loaded.recipe.data.source == f"{kind}:{tmp_path / 't'}.{kind}"
    assert loaded.origin_names()["data.source"].endswith("mine.yaml:3")
    assert load_recipe(write(loaded.to_yaml(), "elsewhere/again.yaml")).recipe == loaded.recipe


def test_an_absolute_path_and_a_home_folder(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (
        load_recipe(write(BASE.replace("builtin:digits", "npz:~/a.npz"))).recipe.data.source == f"npz:{tmp_path}/a.npz"
    )
    assert load_recipe(write(BASE.replace("builtin:digits", "npz:/a.npz"))).recipe.data.source == "npz:/a.npz"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("npz:~nobody-of-this-name/a", "data.source: not a path: ~nobody-of-this-name/a"),
        ("npz:\\0", "data.source: not a path: \\x00"),
        ("npz:", "data.source: expected tfds:NAME"),
    ],
)
def test_what_is_not_a_path(source, message, write):
    mine = write(BASE.replace("builtin:digits", source))
    assert refusal(mine).startswith(f"{mine}:2: {message}")


# --- fractions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"), [("1/255", 1 / 255), ("2/255", 2 / 255), ("-1/127.5", -1 / 127.5), ("+0.5/2", 0.25)]
)
def test_a_fraction_is_a_number(written, value, write):
    mine = write(BASE + f"preprocess: [{{rescale: {{scale: {written}}}}}]\n")
    loaded = load_recipe(mine)
    assert loaded.recipe.preprocess[0].rescale.scale == value  # to the last bit
    assert parse(loaded.to_yaml(), "f")[0]["preprocess"][0]["rescale"]["scale"] == value
    assert load_recipe(mine, [f"preprocess.0.rescale.scale={written}"]).recipe == loaded.recipe


# --- overrides ----------------------------------------------------------------------------------------------------


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


# --- origins ------------------------------------------------------------------------------------------------------


def test_origins(write):
    mine = write(
        """\
        extends: [_base/image_classification, _base/adamw_cosine]
        data:
          source: builtin:digits

          test: 0.25
        model: {name: mlp,
          widths: [8]}
        optimizer: {learning_rate: {peak: 5e-3}}
        training: {epochs: 3}
        """
    )
    loaded = load_recipe(mine, ["training.seed=3"])
    names = loaded.origin_names()
    assert names["data.test"] == f"{mine}:5"
    assert names["model.widths"] == f"{mine}:7"
    assert names["optimizer.learning_rate.peak"] == f"{mine}:8"
    assert names["optimizer.learning_rate.warmup_epochs"] == "recipes/_base/adamw_cosine.yaml:4"
    assert names["task"] == "recipes/_base/image_classification.yaml:2"
    assert names["training.seed"] == "override 'training.seed=3'"
    assert "extends" not in names
    assert "training.batch_size" not in names
    lines = dict(loaded.annotated())
    assert lines["  test: 0.25"] == f"{mine}:5"
    assert lines["  widths: [8]"] == f"{mine}:7"
    assert lines["    peak: 0.005"] == f"{mine}:8"
    assert lines["  batch_size: 64"] == "default"
    assert lines["  seed: 3"] == "override 'training.seed=3'"
    assert lines["training:"] == ""
    assert next(iter(lines)) == "description: ''"


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
