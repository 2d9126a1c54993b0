"""Finding, composing and checking recipe files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.errors import ZooError, did_you_mean, visible
from zoo.recipe.checks import inconsistencies
from zoo.recipe.checks.effect import BEYOND_THE_RUN, NO_EFFECT
from zoo.recipe.merge import merge, paths
from zoo.recipe.overridden import as_lists, as_text
from zoo.recipe.problems import Problem, problems_of
from zoo.recipe.schema import Recipe
from zoo.recipe.shorten import shorten
from zoo.recipe.source import KeyPath, Origin, dotted, dump, dump_line, is_unicode, parse_value, read
from zoo.recipe.space import space_problems
from zoo.tasks import FILE_SOURCES


@dataclass(frozen=True)
class LoadedRecipe:
    """A checked recipe.

    Attributes:
        name: what runs are filed under, such as `cnn/digits`.
        recipe: the checked values, defaults included.
        origins: where each value was written; values without one are defaults.
        notes: what was changed to fit into a run that an override has shortened, a sentence each.
        shortened: the keys that were.
    """

    name: str
    recipe: Recipe
    origins: dict[KeyPath, Origin]
    notes: tuple[str, ...] = ()
    shortened: tuple[KeyPath, ...] = ()

    def to_yaml(self) -> str:
        """Return the resolved recipe as YAML, which is itself a recipe."""
        return dump(self.tree())

    def run_yaml(self) -> str:
        """Return the resolved recipe without its search, which does not change a run."""
        return dump({key: value for key, value in self.tree().items() if key != "search"})

    def origin_names(self) -> dict[str, str]:
        """Return where each value was written, by dotted path."""
        return {dotted(path): str(origin) for path, origin in self.origins.items() if path}

    def annotated(self) -> list[tuple[str, str]]:
        """Return the lines of the recipe's YAML, each with where its value was written ("" for a heading)."""
        return list(_annotated(self.tree(), (), self.origins))

    def tree(self) -> dict[str, Any]:
        """Return the resolved recipe as plain data."""
        tree = _plain(self.recipe)
        optimizer = tree["optimizer"]  # pydantic puts inherited fields before `name`
        tree["optimizer"] = {"name": optimizer["name"], **optimizer}
        return tree


def _plain(value: Any) -> Any:
    """Return a section as plain data, without keys that are null by default and still null."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {
            key: _plain(inner)
            for key, inner in value
            if inner is not None or key not in fields or fields[key].default is not None
        }
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _annotated(value: Any, path: KeyPath, origins: dict[KeyPath, Origin]) -> Iterator[tuple[str, str]]:
    indent = "  " * (len(path) - 1)
    if isinstance(value, dict) and value:
        if path:
            yield f"{indent}{path[-1]}:", ""
        for key, inner in value.items():
            yield from _annotated(inner, (*path, key), origins)
    else:
        yield f"{indent}{path[-1]}: {dump_line(value)}", str(origins.get(path, "default"))


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
    return _compose(*find_recipe(name), ())[0]


def recipes_folder() -> Path:
    """Return the folder of the shipped recipes."""
    inside = Path(__file__).resolve().parent.parent / "recipes"  # an installed package
    return inside if inside.is_dir() else inside.parent.parent / "recipes"  # a checkout


def list_recipes() -> list[str]:
    """Return the names of the shipped recipes, such as `cnn/digits`."""
    return [name for name in _names_in(recipes_folder()) if not name.startswith("_")]


def _names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def load_recipe(name: str | Path, overrides: Sequence[str] = (), *, trained: bool = False) -> LoadedRecipe:
    """Load a recipe, merge it into what it extends, apply overrides and check the result.

    Args:
        name: a shipped recipe (`cnn/digits`) or the path of a recipe file (`mine.yaml`).
        overrides: `key.path=value`, split at the first `=`; the value is typed by the schema.
        trained: whether it is that of a run; then it may ask for what has no effect.

    Raises:
        ZooError: any problem; the message names file, line, key, what was received and what is allowed.
    """
    path, shown = find_recipe(str(name))
    tree, origins = _compose(path, shown, ())
    training = tree.get("training")
    epochs = training.get("epochs") if isinstance(training, dict) else None
    for text in overrides:
        _override(tree, origins, text)
    title = path.stem if str(name).endswith((".yaml", ".yml")) else str(name)
    recipe = _typed(tree, origins, shown)
    problems = inconsistencies(recipe)
    if trained:
        problems = [p for p in problems if p.type not in (BEYOND_THE_RUN, NO_EFFECT)]
    shorter = shorten(tree, origins, problems, epochs)
    problems = shorter.problems
    if shorter.notes and not problems:
        recipe = _typed(tree, origins, shown)
        problems = [p for p in inconsistencies(recipe) if p.type != BEYOND_THE_RUN]
    _refuse(problems, origins, shown)
    return LoadedRecipe(title, recipe, origins, tuple(shorter.notes), tuple(shorter.changed))


def check_search(loaded: LoadedRecipe) -> None:
    """Check a recipe's search as far as possible without data. `load_recipe` does not: training ignores the search.

    Raises:
        ZooError: an unknown key, an empty range, or a value that the recipe would refuse.
    """
    if loaded.recipe.search is not None:
        problems = space_problems(loaded.recipe, loaded.tree())
        if problems:
            raise ZooError("\n".join(f"{_place(loaded.origins, p.path, loaded.name)}: {p}" for p in problems))


def find_recipe(name: str, beside: Path | None = None) -> tuple[Path, str]:
    """Return a recipe's file and its name in messages. `name` is a path that ends in .yaml, or a shipped name."""
    if name.endswith((".yaml", ".yml")):
        path = (beside or Path()) / name
        if not _is_file(path):
            raise ZooError(f"there is no recipe file {visible(path)}")
        return path, str(path)
    if beside is not None and _is_file(beside / f"{name}.yaml"):
        return beside / f"{name}.yaml", str(beside / f"{name}.yaml")
    folder = recipes_folder()
    path = folder / f"{name}.yaml"
    if not _is_file(path) or folder not in path.resolve().parents:
        nearest = did_you_mean(name, list_recipes() if beside is None else _names_in(folder))
        raise ZooError(f"there is no recipe '{visible(name)}'{nearest} (`zoo recipes` lists them all)")
    return path, f"recipes/{name}.yaml"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _compose(path: Path, shown: str, above: tuple[Path, ...]) -> tuple[dict[str, Any], dict[KeyPath, Origin]]:
    own, own_origins = read(path, shown)
    parents = own.pop("extends", [])
    place = own_origins.get(("extends",))
    parents = [parents] if isinstance(parents, str) else parents
    if not isinstance(parents, list) or not all(isinstance(p, str) for p in parents):
        raise ZooError(f"{place}: extends: expected a recipe's name or a list of names, received {dump_line(parents)}")
    _anchor(own, path.parent, own_origins)
    tree: dict[str, Any] = {}
    origins: dict[KeyPath, Origin] = {}
    chain = (*above, path.resolve())
    for position, parent in enumerate(parents):
        place = own_origins.get(("extends", position), place)
        try:
            parent_path, parent_shown = find_recipe(parent, beside=path.parent)
        except ZooError as error:
            raise ZooError(f"{place}: extends: {error}") from error
        if parent_path.resolve() in chain:
            names = " → ".join(p.stem for p in (*chain, parent_path.resolve()))
            raise ZooError(f"{place}: extends: the recipe extends itself ({visible(names)})")
        merge(tree, origins, *_compose(parent_path, parent_shown, chain))
    merge(tree, origins, own, own_origins)
    return tree, origins


def _anchor(tree: dict[str, Any], folder: Path, origins: dict[KeyPath, Origin]) -> None:
    """Resolve the path of a file source against the folder of its recipe, not the working directory."""
    data = tree.get("data")
    source = data.get("source") if isinstance(data, dict) else None
    if not isinstance(source, str):
        return
    name, _, path = source.partition(":")
    if name in FILE_SOURCES and path:
        try:
            tree["data"]["source"] = f"{name}:{(folder / Path(path).expanduser()).resolve()}"
        except (OSError, RuntimeError, ValueError) as error:
            place = origins[("data", "source")]
            raise ZooError(f"{place}: data.source: not a path: {visible(path)} ({error})") from error


def _override(tree: dict[str, Any], origins: dict[KeyPath, Origin], text: str) -> None:
    """Merge `key.path=value` into a tree; a number in the path is a position in a list of the tree."""
    key, equals, value = text.partition("=")
    path: KeyPath = tuple(key.strip().split("."))
    if path[:2] == ("search", "space") and len(path) > 2:
        path = (*path[:2], ".".join(map(str, path[2:])))  # its keys have dots themselves
    if not equals or not all(path):
        raise ZooError(f"override '{visible(text)}': expected key.path=value, for example training.epochs=5")
    if not is_unicode(text):
        raise ZooError(f"override '{visible(text)}': not valid Unicode")
    if path == ("extends",):
        raise ZooError(f"override '{visible(text)}': extends cannot be overridden; write a recipe file")
    place = f"override '{text}'"
    parsed = parse_value(value)
    items, path, start = _innermost_list(tree, path, place)
    later: Any = parsed
    for part in reversed(path[start:]):
        later = {part: later}
    later_origins = {path[:length]: Origin(place) for length in range(1, len(path))}
    later_origins |= {inner: Origin(place) for inner in paths(parsed, path)} | {path: Origin(place, raw=value)}
    if items is None:
        _anchor(later, Path(), later_origins)
        merge(tree, origins, later, later_origins)
    else:
        by_position = dict(enumerate(items))
        merge(by_position, origins, later, later_origins, at=path[:start])
        items[:] = by_position.values()


def _innermost_list(tree: Any, path: KeyPath, place: str) -> tuple[list[Any] | None, KeyPath, int]:
    """Return the innermost list on a path, the path with positions as numbers, and the depth of that list."""
    found: tuple[list[Any] | None, KeyPath, int] = (None, path, 0)
    value = tree
    for depth, part in enumerate(path):
        if isinstance(value, list):
            if not str(part).isdecimal() or int(part) >= len(value):
                here = dotted(path[:depth])
                raise ZooError(f"{visible(place)}: {here}: {visible(part)} is no position in a list of {len(value)}")
            part = int(part)
            path = (*path[:depth], part, *path[depth + 1 :])
            found = (value, path, depth)
        elif not isinstance(value, dict) or part not in value:
            break
        value = value[part]
    return found


def _typed(tree: dict[str, Any], origins: dict[KeyPath, Origin], shown: str) -> Recipe:
    """Return the recipe whose types the schema has checked."""
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        problems = problems_of(error, tree)
        if as_text(tree, origins, problems) or as_lists(tree, origins, problems):
            return _typed(tree, origins, shown)
        _refuse(problems, origins, shown)
        raise


def _refuse(problems: list[Problem], origins: dict[KeyPath, Origin], shown: str) -> None:
    if problems:
        raise ZooError("\n".join(f"{_place(origins, p.path, shown)}: {p}" for p in problems))


def _place(origins: dict[KeyPath, Origin], path: KeyPath, shown: str) -> Origin:
    """Return where a path, or the nearest section around it, was written."""
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((origins[p] for p in around if p in origins), Origin(shown, 1))
