"""Loading: shipped recipes, their resolved form, fractions, and where each value was written."""

import re

import pytest
import yaml
from short_recipe import BASE

from zoo.recipe import list_recipes, load_recipe
from zoo.recipe.compose import summaries
from zoo.recipe.find import recipes_folder
from zoo.recipe.load import published_source
from zoo.recipe.source import parse


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
    command = rf"#\s+(python examples/\w+\.py; )?zoo train {re.escape(name)}( data\.source=\S+)?"  # that makes files
    assert any(re.fullmatch(command, line) for line in lines)
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


def test_a_published_recipe_has_no_folder_of_this_machine(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "extends: [_base/tabular_classification, _base/adamw_cosine]\n"
        "data: {source: 'csv:shops.csv', target: open, missing: [/n]}\n"
        f"model: {{name: mlp, pretrained: {tmp_path}/run}}\ntraining: {{epochs: 2}}\n"
    )
    loaded = load_recipe(tmp_path / "mine.yaml")
    assert loaded.recipe.data.source == f"csv:{tmp_path}/shops.csv"
    published = yaml.safe_load(loaded.published_yaml())
    assert published["data"]["source"] == "csv:shops.csv" and published["model"]["pretrained"] == "run"
    assert published["data"]["missing"] == ["/n"] and published["description"] == loaded.recipe.description


@pytest.mark.parametrize(
    ("source", "published"),
    [
        ("builtin:digits", "builtin:digits"),
        ("csv:/data/new/my shops.csv", "csv:my shops.csv"),
        ("csv:shops.csv", "csv:shops.csv"),
        ("/data/a:b/run", "run"),
        ("tfds:mnist", "tfds:mnist"),
    ],
)
def test_a_published_source_has_no_absolute_path(source, published):
    assert published_source(source) == published


def test_bases_are_not_listed():
    assert list_recipes() == sorted(list_recipes())
    assert not any(name.startswith("_") for name in list_recipes())
    assert [row["name"] for row in summaries()] == list_recipes()
    assert all(row[key] for row in summaries() for key in ("task", "source", "model", "description"))


@pytest.mark.parametrize(
    ("written", "value"), [("1/255", 1 / 255), ("2/255", 2 / 255), ("-1/127.5", -1 / 127.5), ("+0.5/2", 0.25)]
)
def test_a_fraction_is_a_number(written, value, write):
    mine = write(BASE + f"preprocess: [{{rescale: {{scale: {written}}}}}]\n")
    loaded = load_recipe(mine)
    assert loaded.recipe.preprocess[0].rescale.scale == value  # to the last bit
    assert parse(loaded.to_yaml(), "f")[0]["preprocess"][0]["rescale"]["scale"] == value
    assert load_recipe(mine, [f"preprocess.0.rescale.scale={written}"]).recipe == loaded.recipe


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


def test_costs_of_a_matrix_resolve_to_a_recipe_again(tmp_path):
    """A run's own recipe has every default, and is opened again."""
    loaded = load_recipe("mlp/wine", ["evaluation.cost={matrix: {class_0: {class_1: 3}}}"])
    (tmp_path / "again.yaml").write_text(loaded.run_yaml())
    assert load_recipe(tmp_path / "again.yaml").run_yaml() == loaded.run_yaml()
