"""`zoo check`: recipes, without training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.errors import ZooError
from zoo.recipe import check_search, list_recipes, load_recipe


def check(recipes: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Check recipes: schema, combinations, model settings, search.

    Args:
        recipes: names or files; all shipped recipes where there is none.

    Returns:
        For each `recipe`, `ok`, and `problems`, a list of messages.
    """
    results = []
    for name in recipes or list_recipes():
        problems: list[str] = []
        try:
            check_search(load_recipe(name))
        except ZooError as error:
            problems = str(error).splitlines()
        results.append({"recipe": name, "ok": not problems, "problems": problems})
    return results
