"""`zoo init`: from a path to a recipe that runs, with the reason for each line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.commands.given_data import given
from zoo.commands.reopen import SILENT
from zoo.data.proposal.find import propose
from zoo.errors import ZooError, visible
from zoo.recipe import check_search, load_recipe
from zoo.utils.files import replacing


def init(
    data: Any,
    target: str | None = None,
    *,
    validation: Any = None,
    test: Any = None,
    output: str | Path | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Look at data and write a recipe that trains on it.

    Args:
        data: the path of a table (CSV, Parquet, JSON Lines), of arrays (.npz), or of a folder of images or texts; or
            what `zoo.train(data=…)` takes: a data frame, arrays, texts, images.
        target: the column of a table to predict; one with a usual name where it is left out.
        validation: data for the validation split, where `data` is no path.
        test: the same for the test split.
        output: the recipe's file; named after the data, in this folder, where it is left out: `data.yaml` for data that
            is no path.
        again: a file that is there with the same content will do.

    Returns:
        `recipe` (the file), `task`, `target`, `reasons` (a text for each line that was decided) and `doubts` (what the
        data does not tell).

    Raises:
        ZooError: the data is not readable or tells no task or target, or the file is there already.
    """
    if isinstance(data, str) and len(data.split()) == 1:
        data = Path(data)  # so that a path to nothing is refused as such
    what = given(data, target, validation, test)
    named = "data" if what.path is None else what.path.absolute().stem or "data"
    where = Path(output) if output is not None else Path(f"{named}.yaml")
    if where.suffix not in (".yaml", ".yml"):
        raise ZooError(f"--output: a recipe file ends in .yaml, received {visible(where)}")
    if what.path is None:
        again = True  # as a cell of a notebook is run again
        proposal = what.propose()
        text = proposal.text(f"zoo.init(data, {target!r})", f"zoo.train({str(where)!r}, data=data)")
    else:
        proposal = propose(what.path, _as_seen_from(what.path, where), target)
        asked = ["zoo", "init", str(data), *(["--target", target] if target is not None else [])]
        text = proposal.text(shlex.join(visible(word) for word in asked), f"zoo train {where.name}")
    there = where.exists()
    if there and not (again and where.read_text(encoding="utf-8") == text):
        raise ZooError(
            f"{visible(where)} is there already: train it (zoo train {visible(where)}), or name another with --output"
        )
    if not there:
        with replacing(where) as temporary:
            temporary.write_text(text, encoding="utf-8")
            check_search(load_recipe(str(temporary)))
    return {
        "recipe": str(where),
        "task": proposal.task,
        "target": proposal.target,
        "reasons": proposal.reasons,
        "doubts": proposal.doubts,
    }


def _as_seen_from(path: Path, recipe: Path) -> str:
    """Return a path as a recipe file names it: relative to its folder where it lies below it."""
    full, folder = path.expanduser().resolve(), recipe.absolute().parent.resolve()
    return full.relative_to(folder).as_posix() if full.is_relative_to(folder) else full.as_posix()


def recipe_for(path: str, target: str | None, console: Console = SILENT) -> str:
    """Return the recipe to train for data: made as `init` makes it, and printed.

    Raises:
        ZooError: see `init`.
    """
    made = init(path, target, again=True)
    print_made(made, console)
    return str(made["recipe"])


def print_made(made: dict[str, Any], console: Console) -> None:
    """Print what was decided, why, and what is in doubt."""
    for reason in made["reasons"]:
        console.print(f"  {visible(reason)}", markup=False, highlight=False)
    for doubt in made["doubts"]:
        console.print(f"  look at this: {visible(doubt)}", style="yellow", markup=False, highlight=False)


def is_data(word: str | None) -> bool:
    """Return whether a word on the command line is a path to data, not a recipe."""
    return word is not None and not word.endswith((".yaml", ".yml")) and Path(word).exists() and not _is_shipped(word)


def _is_shipped(word: str) -> bool:
    from zoo.recipe import list_recipes

    return word in list_recipes()
