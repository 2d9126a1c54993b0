"""`zoo check`: recipes, without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from zoo.commands.given_data import given
from zoo.errors import ZooError, visible
from zoo.recipe import LoadedRecipe, check_search, list_recipes
from zoo.recipe.overrides import Overrides
from zoo.utils.console import ERR, OUT, print_json

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData


def check(
    recipes: str | Path | Sequence[str | Path] = (),
    overrides: Overrides = (),
    *,
    data: Any = None,
    target: str | None = None,
    validation: Any = None,
    test: Any = None,
) -> list[dict[str, Any]]:
    """Check recipes: schema, combinations, model settings, search.

    Args:
        recipes: a name or file, or several; where there is none, the one that is proposed for `data`, or all shipped
            recipes.
        overrides: `key.path=value`, for each of them; or a dict, such as `{"training.epochs": 5}`.
        data: in place of the recipes' source, as `zoo.train` takes it: it is read and audited, too.
        target: likewise, as of the two that follow.
        validation: likewise.
        test: likewise.

    Returns:
        For each `recipe`, `ok`, and `problems`, a list of messages; with `data` that can be read also `splits` (their
        sizes) and `notes`.
    """
    what = given(data, target, validation, test)
    several: list[str | Path | None] = [recipes] if isinstance(recipes, str | Path) else list(recipes)
    results = []
    for name in several or ([None] if data is not None else list_recipes()):
        found: dict[str, Any] = {}
        try:
            loaded = what.load(name, overrides)
            check_search(loaded)
            found = {} if data is None else _check_data(loaded, what.memory)
            problems: list[str] = []
        except ZooError as error:
            problems = str(error).splitlines()
        results.append({"recipe": str(name or "proposed"), "ok": not problems, "problems": problems, **found})
    return results


def _check_data(loaded: LoadedRecipe, memory: MemoryData | None) -> dict[str, Any]:
    """Read the data as a recipe does; return the sizes of its splits, and notes."""
    from zoo.data.audit import audit
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS

    recipe = loaded.recipe
    facts = audit(load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess, memory))
    return {"splits": facts["splits"], "notes": [*loaded.notes, *facts["findings"]]}


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
