"""A recipe file and those that it extends, as one tree in which each value knows where it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.errors import ZooError, prefixed, visible
from zoo.recipe.find import find_recipe, list_recipes
from zoo.recipe.merge import merge
from zoo.recipe.source import KeyPath, Origin, dump_line, read
from zoo.tasks import FILE_SOURCES


def summaries() -> list[dict[str, str]]:
    """Return name, task, source, model and description of each shipped recipe, without checking them."""
    rows = []
    for name in list_recipes():
        tree = composed(name)
        rows.append(
            {
                "name": name,
                "task": str(tree.get("task", "")),
                "source": str(tree.get("data", {}).get("source", "")),
                "model": str(tree.get("model", {}).get("name", "")),
                "description": str(tree.get("description", "")),
            }
        )
    return rows


def composed(name: str) -> dict[str, Any]:
    """Return what a recipe and those that it extends say, without checking it and without defaults."""
    return compose(*find_recipe(name))[0]


def compose(path: Path, shown: str, above: tuple[Path, ...] = ()) -> tuple[dict[str, Any], dict[KeyPath, Origin]]:
    """Merge a recipe file into those that it extends.

    Args:
        path: the file.
        shown: its name in messages.
        above: the files that extend it, and each other.

    Returns:
        What they say together, and where each value was written.

    Raises:
        ZooError: a file is missing, is no recipe, or extends itself.
    """
    own, own_origins = read(path, shown)
    parents = own.pop("extends", [])
    place = own_origins.get(("extends",))
    parents = [parents] if isinstance(parents, str) else parents
    if not isinstance(parents, list) or not all(isinstance(p, str) for p in parents):
        raise ZooError(f"{place}: extends: expected a recipe's name or a list of names, received {dump_line(parents)}")
    anchor(own, path.parent, own_origins)
    tree: dict[str, Any] = {}
    origins: dict[KeyPath, Origin] = {}
    chain = (*above, path.resolve())
    for position, parent in enumerate(parents):
        place = own_origins.get(("extends", position), place)
        with prefixed(f"{place}: extends"):
            parent_path, parent_shown = find_recipe(parent, beside=path.parent)
        if parent_path.resolve() in chain:
            names = " → ".join(p.stem for p in (*chain, parent_path.resolve()))
            raise ZooError(f"{place}: extends: the recipe extends itself ({visible(names)})")
        merge(tree, origins, *compose(parent_path, parent_shown, chain))
    merge(tree, origins, own, own_origins)
    return tree, origins


def anchor(tree: dict[str, Any], folder: Path, origins: dict[KeyPath, Origin]) -> None:
    """Resolve the path of a file source against the folder of its recipe, not the working directory."""
    data = tree.get("data")
    if not isinstance(data, dict):
        return
    for key, kinds in (("source", FILE_SOURCES), ("snapshot", ("",))):
        written = data.get(key)
        kind, colon, path = (
            written.partition(":") if key == "source" and isinstance(written, str) else ("", "", written)
        )
        if kind in kinds and path and isinstance(path, str):
            try:
                data[key] = f"{kind}{colon}{(folder / Path(path).expanduser()).resolve()}"
            except (OSError, RuntimeError, ValueError) as error:
                place = origins[("data", key)]
                raise ZooError(f"{place}: data.{key}: not a path: {visible(path)} ({error})") from error
