import json

import jsonschema
import pytest

from zoo.recipe import list_recipes, load_recipe
from zoo.recipe.find import recipes_folder
from zoo.recipe.jsonschema import json_schema
from zoo.recipe.source import parse, read

FILES = sorted(recipes_folder().rglob("*.yaml"))


@pytest.fixture(scope="module")
def validator():
    """Return a validator of recipe files."""
    return jsonschema.Draft202012Validator(json_schema())


def errors(validator, tree):
    return [error.message for error in validator.iter_errors(tree)]


def test_the_schema_is_valid():
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_shipped_file_is_current():
    text = (recipes_folder() / "recipe.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == json_schema(), "run: python -m zoo schema > recipes/recipe.schema.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(recipes_folder()).as_posix())
def test_every_shipped_file_fits(path, validator):
    assert errors(validator, read(path, str(path))[0]) == []


@pytest.mark.parametrize("name", list_recipes())
def test_every_resolved_recipe_fits(name, validator):
    assert errors(validator, parse(load_recipe(name).to_yaml(), name)[0]) == []


@pytest.mark.parametrize(
    "text",
    [
        "extends: cnn/digits",
        "extends: [a, b]",
        "optimizer: {learning_rate: {peak: 1e-3}}",
        "optimizer: {learning_rate: 0.1}",
        "optimizer: {clip_norm: null}",
        "optimizer: {learning_rate: {warmup: 500 steps}}",
        "optimizer: {learning_rate: {warmup_epochs: null, warmup: 10%}}",
        "loss: {label_smoothing: 0.1}",
        "model: {anything: [1]}",
        "training: {steps_per_execution: 4}",
        "training: {steps_per_execution: auto}",
        "data: {splits: {test: null}}",
        "preprocess: [{rescale: {scale: 1/255, offset: -1/2}}]",
    ],
)
def test_a_file_may_hold_a_part(text, validator):
    assert errors(validator, parse(text, "f")[0]) == []


@pytest.mark.parametrize(
    "text",
    [
        "trainning: {}",
        "training: {epoch: 5}",
        "training: {epochs: five}",
        "training: {epochs: 0}",
        "training: {steps_per_execution: all}",
        "extends: 5",
        "extends: [5]",
        "task: images",
        "data: {source: mnist}",
        "data: {channels: 2}",
        "data: {ignore: a}",
        "preprocess: [{rescal: {scale: 1}}]",
        "preprocess: [{rescale: {scale: x}}]",
        "preprocess: [{rescale: {scale: 1/}}]",
        "augment: [{random_flip: {mode: up}}]",
        "loss: {name: crossentropy}",
        "loss: {name: huber, label_smoothing: 0.1}",
        "optimizer: {name: adamm}",
        "optimizer: {name: adam, momentum: 0.9}",
        "optimizer: {learning_rate: {schedule: cosin}}",
        "optimizer: {learning_rate: {schedule: cosine, warmup_epochs: 1}}",
        "optimizer: {learning_rate: -1}",
        "optimizer: {learning_rate: {schedule: one_cycle, peak: 1, rise: 5 weeks}}",
        "model: {name: 7}",
        "export: {opset: 99}",
        "description: 7",
    ],
)
def test_a_wrong_file_does_not_fit(text, validator):
    assert errors(validator, parse(text, "f")[0]) != []


def test_every_section_is_described():
    schema = json_schema()
    assert all(part.get("description") for part in schema["$defs"].values())
