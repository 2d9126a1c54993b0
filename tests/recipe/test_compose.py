"""Recipes that extend others, and paths that are relative to the file that names them."""

import pytest
from short_recipe import BASE, refusal

from zoo.recipe import load_recipe
from zoo.recipe.source import dump
from zoo.tasks import FILE_SOURCES


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


OF_A_KIND = {  # what else a recipe says that reads such a file
    "folder": "extends: [_base/image_classification, _base/adamw_cosine]\nmodel: {name: mlp}",
    "masks": "extends: [_base/semantic_segmentation, _base/adamw_cosine]\nmodel: {name: unet}",
    **dict.fromkeys(
        ("coco", "yolo", "voc"), "extends: [_base/object_detection, _base/adamw_cosine]\nmodel: {name: center_net}"
    ),
    "mvtec": "extends: [_base/anomaly_detection, _base/adamw_cosine]\nmodel: {name: conv_autoencoder}",
    "npz": "extends: [_base/image_classification, _base/adamw_cosine]\nmodel: {name: mlp}",
    "csv": "extends: [_base/tabular_regression, _base/adamw_cosine]\nmodel: {name: mlp}",
    "parquet": "extends: [_base/tabular_regression, _base/adamw_cosine]\nmodel: {name: mlp}",
    "jsonl": "extends: [_base/tabular_regression, _base/adamw_cosine]\nmodel: {name: mlp}",
    "conll": "extends: [_base/sequence_labeling, _base/adamw_cosine]\nmodel: {name: lstm}",
    "ts": "extends: [_base/series_classification, _base/adamw_cosine]\nmodel: {name: gru}",
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
