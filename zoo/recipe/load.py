"""Finding, composing and checking recipe files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from zoo.errors import ZooError, did_you_mean
from zoo.recipe.consistency import inconsistencies
from zoo.recipe.problems import Problem, problems_of
from zoo.recipe.schema import Recipe
from zoo.recipe.source import Origin, Path_, parse_value, read

_FILE_SOURCES = ("folder:", "csv:", "parquet:", "npz:")
_NAMES = ("name", "schedule")  # a section that changes its name starts afresh


@dataclass(frozen=True)
class LoadedRecipe:
    """A checked recipe.

    Attributes:
        name: what runs are filed under, such as `cnn/digits`.
        recipe: the checked values, defaults included.
        origins: where each written value came from.
    """

    name: str
    recipe: Recipe
    origins: dict[Path_, Origin]

    def to_yaml(self) -> str:
        """Return the fully resolved recipe as YAML, itself a recipe that gives the same run."""
        return yaml.safe_dump(self._tree(), sort_keys=False, allow_unicode=True)

    def origin_names(self) -> dict[str, str]:
        """Return the place that each value was written, by dotted path."""
        return {".".join(map(str, path)): str(origin) for path, origin in self.origins.items() if path}

    def annotated(self) -> list[tuple[str, str]]:
        """Return the recipe's YAML, a line for each value, and where each came from ("" for a heading)."""
        return list(_annotated(self._tree(), (), self.origins))

    def _tree(self) -> dict[str, Any]:
        tree = self.recipe.model_dump(exclude_none=True)
        optimizer = tree["optimizer"]  # inherits its settings, which puts them before its name
        tree["optimizer"] = {"name": optimizer["name"], **optimizer}
        return tree


def _annotated(value: Any, path: Path_, origins: dict[Path_, Origin]) -> Iterator[tuple[str, str]]:
    indent = "  " * (len(path) - 1)
    if isinstance(value, dict) and value:
        if path:
            yield f"{indent}{path[-1]}:", ""
        for key, inner in value.items():
            yield from _annotated(inner, (*path, key), origins)
    else:
        flow = (
            yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True)
            .removesuffix("...\n")
            .strip()
        )
        yield f"{indent}{path[-1]}: {flow}", str(origins.get(path, "default"))


def summaries() -> list[dict[str, str]]:
    """Return name, task, source, model and description of each shipped recipe, without checking them."""
    rows = []
    for name in list_recipes():
        tree, _ = _compose(*find_recipe(name), ())
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


def recipes_folder() -> Path:
    """Return the folder of the recipes that come with the package."""
    inside = Path(__file__).resolve().parent.parent / "recipes"  # an installed package
    return inside if inside.is_dir() else inside.parent.parent / "recipes"  # a checkout


def list_recipes() -> list[str]:
    """Return the names of the shipped recipes, such as `cnn/digits`."""
    folder = recipes_folder()
    found = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
    return sorted(name for name in found if not name.startswith("_"))


def load_recipe(name: str | Path, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Load a recipe, compose it with what it extends, apply overrides and check the whole.

    Args:
        name: a shipped recipe (`cnn/digits`) or the path of a recipe file (`mine.yaml`).
        overrides: `key.path=value`, split at the first `=`; the value is typed by the schema.

    Raises:
        ZooError: any problem; the message names file, line, key, what was received and what would be right.
    """
    path, shown = find_recipe(str(name))
    tree, origins = _compose(path, shown, ())
    for text in overrides:
        _merge(tree, origins, *_override(text))
    title = path.stem if str(name).endswith((".yaml", ".yml")) else str(name)
    return LoadedRecipe(title, _check(tree, origins, shown), origins)


def find_recipe(name: str, beside: Path | None = None) -> tuple[Path, str]:
    """Return the file of a recipe and its name in messages: a path that ends in .yaml, or a shipped name."""
    if name.endswith((".yaml", ".yml")):
        path = (beside or Path()) / name
        if not path.is_file():
            raise ZooError(f"recipe file {path} does not exist")
        return path, str(path)
    if beside is not None and (beside / f"{name}.yaml").is_file():
        return beside / f"{name}.yaml", str(beside / f"{name}.yaml")
    folder = recipes_folder()
    path = folder / f"{name}.yaml"
    if not path.is_file() or folder not in path.resolve().parents:
        raise ZooError(
            f"there is no recipe '{name}'{did_you_mean(name, list_recipes())} (`zoo recipes` lists them all)"
        )
    return path, f"recipes/{name}.yaml"


def _compose(path: Path, shown: str, above: tuple[Path, ...]) -> tuple[dict[str, Any], dict[Path_, Origin]]:
    if path.resolve() in above:
        raise ZooError(f"{shown}: the recipe extends itself, through {' → '.join(p.name for p in above)}")
    own, own_origins = read(path, shown)
    parents = own.pop("extends", [])
    place = own_origins.pop(("extends",), Origin(shown, 1))
    parents = [parents] if isinstance(parents, str) else parents
    if not isinstance(parents, list) or not all(isinstance(p, str) for p in parents):
        raise ZooError(f"{place}: extends: expected a recipe's name or a list of them, received {parents!r}")
    _anchor(own, path.parent)
    tree: dict[str, Any] = {}
    origins: dict[Path_, Origin] = {}
    for parent in parents:
        try:
            parent_path, parent_shown = find_recipe(parent, beside=path.parent)
        except ZooError as error:
            raise ZooError(f"{place}: extends: {error}") from error
        _merge(tree, origins, *_compose(parent_path, parent_shown, (*above, path.resolve())))
    _merge(tree, origins, own, own_origins)
    return tree, origins


def _anchor(tree: dict[str, Any], folder: Path) -> None:
    """Make a relative path of a file source relative to the recipe that wrote it, not to where the command runs."""
    data = tree.get("data")
    if not isinstance(data, dict):
        return
    source = data.get("source")
    if isinstance(source, str) and source.startswith(_FILE_SOURCES):
        kind, _, path = source.partition(":")
        data["source"] = f"{kind}:{(folder / Path(path).expanduser()).resolve()}"


def _merge(
    tree: dict[str, Any],
    origins: dict[Path_, Origin],
    later: dict[str, Any],
    later_origins: dict[Path_, Origin],
    at: Path_ = (),
) -> None:
    """Merge `later` into `tree`, key by key. Lists are replaced; so is a section that changes its name."""
    for key, value in later.items():
        path = (*at, key)
        old = tree.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not _renamed(old, value):
            origins[path] = later_origins[path]
            _merge(old, origins, value, later_origins, path)
        else:
            tree[key] = value
            for known in [p for p in origins if p[: len(path)] == path]:
                del origins[known]
            origins.update({p: o for p, o in later_origins.items() if p[: len(path)] == path})


def _renamed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(name in new and name in old and new[name] != old[name] for name in _NAMES)


def _override(text: str) -> tuple[dict[str, Any], dict[Path_, Origin]]:
    key, equals, value = text.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise ZooError(f"override '{text}': expected key.path=value, for example training.epochs=5")
    origin = Origin(f"override '{text}'", raw=value)
    tree: Any = parse_value(value)
    for part in reversed(path):
        tree = {part: tree}
    return tree, {path[:length]: origin for length in range(1, len(path) + 1)}


def _check(tree: dict[str, Any], origins: dict[Path_, Origin], shown: str) -> Recipe:
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        problems = problems_of(error, tree)
        if _as_text(tree, origins, problems):
            return _check(tree, origins, shown)
    else:
        problems = inconsistencies(recipe)
        if not problems:
            return recipe
    raise ZooError("\n".join(f"{_place(origins, p.path, shown)}: {p}" for p in problems))


def _as_text(tree: dict[str, Any], origins: dict[Path_, Origin], problems: list[Problem]) -> bool:
    """Where the schema wants text and an override gave `7` or `true`, take the override to the letter."""
    changed = False
    for problem in problems:
        origin = origins.get(problem.path)
        if problem.type == "string_type" and origin is not None and origin.raw is not None:
            *parents, last = problem.path
            holder: Any = tree
            for key in parents:
                holder = holder[key]
            changed |= holder[last] != origin.raw
            holder[last] = origin.raw
    return changed


def _place(origins: dict[Path_, Origin], path: Path_, shown: str) -> Origin:
    """Return where the path was written, or the nearest section around it."""
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((origins[p] for p in around if p in origins), Origin(shown, 1))
