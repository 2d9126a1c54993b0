"""`zoo check`: recipes, without training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from zoo.errors import ZooError, visible
from zoo.recipe import check_search, list_recipes, load_recipe
from zoo.utils.console import ERR, OUT, print_json


def check(recipes: Sequence[str] = (), overrides: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Check recipes: schema, combinations, model settings, search.

    Args:
        recipes: names or files; all shipped recipes where there is none.
        overrides: `key.path=value`, for each of them.

    Returns:
        For each `recipe`, `ok`, and `problems`, a list of messages.
    """
    results = []
    for name in recipes or list_recipes():
        problems: list[str] = []
        try:
            check_search(load_recipe(name, overrides))
        except ZooError as error:
            problems = str(error).splitlines()
        results.append({"recipe": name, "ok": not problems, "problems": problems})
    return results


def check_and_print(words: Sequence[str], as_json: bool) -> bool:
    """Check the recipes among some words, with the overrides among them, and print what was found.

    Args:
        words: recipes, and overrides, which have an equals sign.
        as_json: print a JSON document on standard output, too.

    Returns:
        Whether all are right.
    """
    overrides = [word for word in words if "=" in word]
    results = check([word for word in words if "=" not in word], overrides)
    if as_json:
        print_json(results)
    for result in results:
        if not as_json:
            verdict = Text("ok   ", style="green") if result["ok"] else Text("bad  ", style="red")
            OUT.print(verdict.append(visible(result["recipe"]), style="default"))
        for problem in result["problems"]:
            ERR.print(f"  {problem}", markup=False)
    return all(result["ok"] for result in results)
