"""`zoo check`: recipes, without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from zoo.backend.startup import start_keras
from zoo.commands.given_data import given
from zoo.commands.init import is_data
from zoo.errors import ZooError, visible
from zoo.recipe import LoadedRecipe, check_search, list_recipes
from zoo.recipe.findings import SEVERITIES
from zoo.recipe.overrides import Overrides
from zoo.utils.console import ERR, OUT, print_findings, print_json

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
    audit: bool = False,
) -> list[dict[str, Any]]:
    """Check recipes: schema, combinations, model settings, search; and the data, where it is given or asked for.

    Args:
        recipes: a name or file, or several; where there is none, the one that is proposed for `data`, or all shipped
            recipes.
        overrides: `key.path=value`, for each of them; or a dict, such as `{"training.epochs": 5}`.
        data: in place of the recipes' source, as `zoo.train` takes it: it is read and audited, too.
        target: likewise, as of the two that follow.
        validation: likewise.
        test: likewise.
        audit: read the recipes' own data and audit it, too.

    Returns:
        For each `recipe`, `ok`, and `problems`, a list of messages; with data that can be read also `splits` (their
        sizes), `findings` of the audit (`name`, `severity`, `count`, `message`, `evidence`, `remedy`), and `notes`,
        their messages. Errors of the audit that the recipe does not accept are problems.
    """
    what = given(data, target, validation, test)
    several: list[str | Path | None] = [recipes] if isinstance(recipes, str | Path) else list(recipes)
    results = []
    for name in several or ([None] if data is not None else list_recipes()):
        found: dict[str, Any] = {}
        problems: list[str] = []
        try:
            loaded = what.load(name, overrides)
            check_search(loaded)
            if data is not None or audit:
                found = _check_data(loaded, what.memory)
                problems = found.pop("problems")
        except ZooError as error:
            problems = str(error).splitlines()
        results.append({"recipe": str(name or "proposed"), "ok": not problems, "problems": problems, **found})
    return results


def _check_data(loaded: LoadedRecipe, memory: MemoryData | None) -> dict[str, Any]:
    """Read the data as a recipe does and audit it."""
    from zoo.audit.accept import refuse_errors
    from zoo.audit.audit import audit
    from zoo.audit.finding import as_findings
    from zoo.commands.snapshot import check_snapshot
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS

    recipe = loaded.recipe
    start_keras(recipe.training.processors)
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess, memory)
    check_snapshot(dataset, recipe.data)
    facts = audit(dataset, recipe, loaded.notes)
    findings, problems = facts["findings"], []
    try:
        refuse_errors(as_findings(findings), recipe.data.accept, dataset.name)
    except ZooError as error:
        problems = str(error).splitlines()
    notes = [finding["message"] for finding in findings]
    return {"splits": facts["splits"], "findings": findings, "notes": notes, "problems": problems}


def check_and_print(words: Sequence[str], as_json: bool, *, audit: bool = False, target: str | None = None) -> bool:
    """Check the recipes among some words, with the overrides among them, and print what was found.

    Args:
        words: recipes, and overrides, which have an equals sign; with `audit`, or `target`, the path of data will do.
        as_json: print a JSON document on standard output, too.
        audit: read and audit their data.
        target: the column to predict, where a word is data.

    Returns:
        Whether all are right.

    Raises:
        ZooError: a target is named, and not one path of data.
    """
    overrides = [word for word in words if "=" in word]
    names = [word for word in words if "=" not in word]
    audit = audit or target is not None
    if audit and len(names) == 1 and is_data(names[0]):
        results = check(overrides=overrides, data=Path(names[0]), target=target)
        results[0]["recipe"] = names[0]
    elif target is not None:
        raise ZooError("--target is for data (zoo check customers.csv --target churned); a recipe has data.target")
    else:
        results = check(names, overrides, audit=audit)
    if as_json:
        print_json(results[0] if audit and len(results) == 1 else results)
    for result in results:
        if not as_json:
            verdict = Text("ok   ", style="green") if result["ok"] else Text("bad  ", style="red")
            OUT.print(verdict.append(visible(result["recipe"]), style="default"))
            _print_data(result)
        for problem in result["problems"]:
            ERR.print(f"  {problem}", markup=False)
    return all(result["ok"] for result in results)


def _print_data(result: dict[str, Any]) -> None:
    """Print the sizes of the splits, and the findings under a heading for each severity."""
    if "findings" not in result:
        return
    OUT.print("  " + ", ".join(f"{count:,} {name}" for name, count in result["splits"].items()))
    for severity in SEVERITIES:
        some = [finding for finding in result["findings"] if finding["severity"] == severity]
        if some:
            OUT.print(f"  {len(some)} {severity}{'s' * (len(some) > 1)}", style="bold")
            print_findings(some, OUT, indent="    ")
    if not result["findings"]:
        OUT.print("  no findings")
