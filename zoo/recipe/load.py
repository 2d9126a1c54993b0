"""Loading a recipe: composed, overridden, checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.errors import ZooError
from zoo.recipe.checks import inconsistencies
from zoo.recipe.checks.effect import BEYOND_THE_RUN, NO_EFFECT
from zoo.recipe.compose import compose
from zoo.recipe.default_sections import add_default_sections, default_notes
from zoo.recipe.expand import expand
from zoo.recipe.find import find_recipe
from zoo.recipe.overrides import Overrides, apply_override, as_lists, as_text, override_lines
from zoo.recipe.problems import Problem, problems_of
from zoo.recipe.schema import Recipe
from zoo.recipe.shorten import shorten
from zoo.recipe.source import KeyPath, Origin, dotted, dump, dump_line, nearest_origin
from zoo.recipe.space import space_problems

PATH_KEYS = (
    "source",
    "snapshot",
    "pretrained",
    "features",
    "file",
)  # that may hold a path of this machine, in any section


@dataclass(frozen=True)
class LoadedRecipe:
    """A checked recipe.

    Attributes:
        name: what runs are filed under, such as `cnn/digits`.
        recipe: the checked values, defaults included.
        origins: where each value was written; values without one are defaults.
        notes: what stands for other settings, and what was changed to fit into a run that an override has shortened, a
            sentence each.
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

    def published_yaml(self) -> str:
        """Return `run_yaml` with each absolute path cut to its last name: others need no folders of this machine."""
        return dump(_published({key: value for key, value in self.tree().items() if key != "search"}))

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


def published_source(source: str) -> str:
    """Return a source, such as `csv:shops.csv`, or a path; of an absolute path, its last name alone."""
    kind, colon, path = ("", "", source) if source.startswith("/") else source.partition(":")
    return f"{kind}{colon}{Path(path).name}" if Path(path).is_absolute() else source


def _published(value: Any, key: str = "") -> Any:
    """Return a part of a resolved recipe with `published_source` of what may be a path."""
    if isinstance(value, dict):
        return {name: _published(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_published(inner, key) for inner in value]
    return published_source(value) if key in PATH_KEYS and isinstance(value, str) else value


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


def load_recipe(
    name: str | Path,
    overrides: Overrides = (),
    *,
    trained: bool = False,
    examples: int | None = None,
    shown: str | None = None,
) -> LoadedRecipe:
    """Load a recipe, merge it into what it extends, apply overrides and check the result.

    Args:
        name: a shipped recipe (`cnn/digits`) or the path of a recipe file (`mine.yaml`).
        overrides: `key.path=value`, split at the first `=`, whose value is typed by the schema; or a dict of such keys,
            which may be nested.
        trained: whether it is that of a run; then it may ask for what has no effect.
        examples: their number, where they are given in Python; sections that the recipe lacks are then chosen for it.
        shown: what to call the file in messages.

    Raises:
        ZooError: any problem; the message names file, line, key, what was received and what is allowed.
    """
    path, found = find_recipe(str(name))
    shown = shown or found
    tree, origins = compose(path, shown)
    if examples is not None:
        add_default_sections(tree, origins, examples)
    title = path.stem if str(name).endswith((".yaml", ".yml")) else str(name)
    return _checked(title, tree, origins, override_lines(overrides), shown, trained=trained)


def overridden(loaded: LoadedRecipe, overrides: Overrides) -> LoadedRecipe:
    """Return a loaded recipe with further overrides, checked again.

    Raises:
        ZooError: an override is refused.
    """
    tree = {key: value for key, value in loaded.tree().items() if key != "search"}
    changed = _checked(loaded.name, tree, dict(loaded.origins), override_lines(overrides), loaded.name)
    return replace(changed, notes=tuple(dict.fromkeys([*loaded.notes, *changed.notes])))


def _checked(
    title: str,
    tree: dict[str, Any],
    origins: dict[KeyPath, Origin],
    overrides: list[str],
    shown: str,
    *,
    trained: bool = False,
) -> LoadedRecipe:
    """Apply overrides to a tree, and return the recipe that it is."""
    training = tree.get("training")
    epochs = training.get("epochs") if isinstance(training, dict) else None
    for text in overrides:
        apply_override(tree, origins, text)
    recipe = _typed(tree, origins, shown)
    expanded = expand(recipe, tree, origins)
    if expanded is not None:
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
    notes = [*default_notes(tree, origins), *([expanded] if expanded else []), *shorter.notes]
    return LoadedRecipe(title, recipe, origins, tuple(notes), tuple(shorter.changed))


def check_search(loaded: LoadedRecipe) -> None:
    """Check a recipe's search as far as possible without data. `load_recipe` does not: training ignores the search.

    Raises:
        ZooError: an unknown key, an empty range, or a value that the recipe would refuse.
    """
    if loaded.recipe.search is not None:
        problems = space_problems(loaded.recipe, loaded.tree())
        if problems:
            raise ZooError("\n".join(f"{_place(loaded.origins, p.path, loaded.name)}: {p}" for p in problems))


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
    return nearest_origin(origins, path) or Origin(shown, 1)
