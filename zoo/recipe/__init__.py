"""Recipes: the schema, loading with inheritance and overrides, and the JSON Schema for editors."""

from zoo.recipe.find import list_recipes
from zoo.recipe.load import LoadedRecipe, check_search, load_recipe, overridden
from zoo.recipe.schema import Recipe

__all__ = ["LoadedRecipe", "Recipe", "check_search", "list_recipes", "load_recipe", "overridden"]
