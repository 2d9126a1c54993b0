"""Recipes: the schema, loading with inheritance and overrides, and the JSON Schema for editors.

The schema is loaded by whoever asks for it: parts of this folder are for programs that only serve a file.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.recipe.find import list_recipes
    from zoo.recipe.load import LoadedRecipe, check_search, load_recipe, overridden
    from zoo.recipe.schema import Recipe

_HOME = {
    "LoadedRecipe": "zoo.recipe.load",
    "Recipe": "zoo.recipe.schema",
    "check_search": "zoo.recipe.load",
    "list_recipes": "zoo.recipe.find",
    "load_recipe": "zoo.recipe.load",
    "overridden": "zoo.recipe.load",
}

__all__ = ["LoadedRecipe", "Recipe", "check_search", "list_recipes", "load_recipe", "overridden"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo.recipe' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
