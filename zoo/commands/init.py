"""`zoo init`: from a path to a recipe that runs, with the reason for each line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.commands.reopen import SILENT
from zoo.data.proposal.find import propose
from zoo.errors import ZooError, visible
from zoo.recipe import check_search, load_recipe
from zoo.utils.files import replacing


def init(
    path: str | Path, target: str | None = None, *, output: str | Path | None = None, again: bool = False
) -> dict[str, Any]:
    """Look at data and write a recipe that trains on it.

    Args:
        path: a table (CSV, Parquet, JSON Lines), arrays (.npz), or a folder of images or texts.
        target: the column of a table to predict; one with a usual name where it is left out.
        output: the recipe's file; named after the data, in this folder, where it is left out.
        again: a file that is there with the same content will do.

    Returns:
        `recipe` (the file), `task`, `target`, `reasons` (a text for each line that was decided) and `doubts` (what the
        data does not tell).

    Raises:
        ZooError: the data is not readable or tells no task or target, or the file is there already.
    """
    path = Path(path)
    where = Path(output) if output is not None else Path(f"{path.absolute().stem or 'data'}.yaml")
    if where.suffix not in (".yaml", ".yml"):
        raise ZooError(f"--output: a recipe file ends in .yaml, received {visible(where)}")
    proposal = propose(path, _as_seen_from(path, where), target)
    asked = ["zoo", "init", str(path), *(["--target", target] if target is not None else [])]
    text = proposal.text(where.name, shlex.join(visible(word) for word in asked))
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
