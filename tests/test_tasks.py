"""The facts of `zoo/tasks` and what other parts of the package make of them."""

from typing import get_args

import pytest

from zoo.evaluation.baselines.kinds import KINDS as BASELINES
from zoo.recipe.jsonschema import json_schema
from zoo.recipe.schema import Loss, Recipe
from zoo.tasks import SOURCES, TASKS, Kind


def test_each_task_is_found_by_its_name():
    assert all(name == task.name for name, task in TASKS.items())
    assert {task.kind for task in TASKS.values()} == set(get_args(Kind))


def test_the_schema_knows_each_task():
    assert json_schema()["properties"]["task"]["enum"] == list(TASKS)
    assert get_args(Recipe.model_fields["task"].annotation) == tuple(TASKS)


def test_each_source_serves_a_task():
    assert {source for task in TASKS.values() for source in task.sources} == set(SOURCES)


def test_the_losses_of_the_schema_and_of_the_tasks_are_the_same():
    sections = get_args(get_args(Loss)[0])
    names = [get_args(section.model_fields["name"].annotation)[0] for section in sections]
    assert {loss for task in TASKS.values() for loss in task.losses} == set(names)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_baselines_that_are_computed_are_those_that_the_tasks_name(kind):
    named = {name for task in TASKS.values() if task.kind == kind for name in task.baselines}
    assert named == set(BASELINES[kind].methods)


OF_THE_KIND = (  # attributes that tasks of one kind share
    "labeled",
    "classifies",
    "scales_targets",
    "forecasts",
    "decodes",
    "labels_pixels",
    "reconstructs",
    "finds_anomalies",
    "makes_images",
    "embeds",
)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_tasks_of_one_kind_agree(task):
    first = next(other for other in TASKS.values() if other.kind == task.kind)
    assert [getattr(task, name) for name in OF_THE_KIND] == [getattr(first, name) for name in OF_THE_KIND]
