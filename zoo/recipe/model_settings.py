"""What the builder that a recipe names says of the recipe's settings for it."""

from __future__ import annotations

from typing import Any

from zoo import registry
from zoo.errors import ZooError
from zoo.recipe.problems import Problem
from zoo.recipe.schema import Recipe
from zoo.tasks import TASKS


def model_problems(recipe: Recipe) -> list[Problem]:
    """Return the settings of a recipe's model that its builder cannot take, each with its key."""
    try:
        entry = registry.entry(recipe.model.name)
    except ZooError as error:
        return [Problem(("model", "name"), "inconsistent", str(error))]
    if recipe.task not in entry.tasks:
        text = f"{entry.name} serves {', '.join(entry.tasks)}, not {recipe.task}"
        return [Problem(("model", "name"), "inconsistent", text)]
    try:
        registry.validate_config(entry.name, recipe.model.config)
    except registry.ModelConfigError as error:
        text = str(error).removeprefix(f"model '{entry.name}': {error.key}: ")
        return [Problem(("model", error.key), "inconsistent", text)]
    if TASKS[recipe.task].inputs == ("graph",):
        return _graph_problems(recipe)
    return _encoder_problems(recipe.model.config)


def _encoder_problems(config: dict[str, Any]) -> list[Problem]:
    """Return what is wrong with the builder that a network is built around, and with its settings."""
    name = config.get("encoder")
    if name is None:
        return []
    try:
        registry.validate_encoder(name, config.get("encoder_config") or {})
    except registry.ModelConfigError as error:
        return [Problem(("model", error.key), "inconsistent", str(error))]
    return []


def _graph_problems(recipe: Recipe) -> list[Problem]:
    """Return the settings of a graph model that do not fit what a source gives or what the task asks."""
    found: list[Problem] = []
    settings = {**registry.defaults(recipe.model.name), **recipe.model.config}
    pool, edges = settings.get("pool"), settings.get("edges", "list")
    if recipe.task == "node_classification" and pool not in ("first", None):
        text = f"the node that is asked for is the first of its graph; set it to first, received {pool}"
        found.append(Problem(("model", "pool"), "inconsistent", text))
    if recipe.task == "graph_classification" and pool == "first":
        text = "the first node does not stand for the graph; set it to mean, sum or max, received first"
        found.append(Problem(("model", "pool"), "inconsistent", text))
    if edges != "list":
        text = f"sources give edges as a list; leave it out, or set it to list, received {edges}"
        found.append(Problem(("model", "edges"), "inconsistent", text))
    return found
