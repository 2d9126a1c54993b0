"""Figures whose recipe or code has changed since they were measured: `python benchmarks/results.py stale`.

A manifest keeps the commit and the resolved recipe of its run. One that is older than these keys is held against the
commit that brought it in.
"""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.errors import counted
from zoo.recipe import load_recipe
from zoo.recipe.compose import composed
from zoo.recipe.find import find_recipe, recipes_folder
from zoo.utils.files import read_json

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ENTRIES = ("zoo.training.fit", "zoo.training.problem", "zoo.data.sources.load", "zoo.evaluation.metrics.evaluate")
NOT_IN_FIGURES = (  # rooms that have no part in how a model is trained and measured
    *("zoo.commands", "zoo.search", "zoo.serving", "zoo.export", "zoo.evaluation.report", "zoo.evaluation.baselines"),
    *("zoo.utils", "zoo.recipe", "zoo.errors", "zoo.registry", "zoo.tasks"),
)
ONE_OF_MANY = ("zoo.models", "zoo.data.builtin")  # of these, a recipe uses the module that it names


@dataclass
class Figure:
    """A manifest, and why its figures may no longer be those of the code.

    Attributes:
        path: the manifest.
        commit: that its code is compared with; None where git knows none.
        reasons: what has changed, in words; empty where nothing has.
    """

    path: Path
    commit: str | None
    reasons: list[str] = field(default_factory=list)


def stale() -> list[Figure]:
    """Return the figures whose recipe or code has changed, by manifest."""
    found = [_figure(path) for path in sorted(RESULTS.rglob("seed-*.json"))]
    return [figure for figure in found if figure.reasons]


def recipe_of(manifest: dict[str, Any]) -> str:
    """Return the shipped recipe as it would be resolved for the manifest's run."""
    loaded = load_recipe(manifest["recipe"], [f"training.seed={manifest['seed']}"])
    source, kept = loaded.recipe.data.source, manifest.get("data", {}).get("source", "")
    if source.endswith(f"/{kept.partition(':')[2]}"):  # a manifest has the name of a path alone
        return loaded.run_yaml().replace(source, kept)
    return loaded.run_yaml()


def _figure(path: Path) -> Figure:
    manifest = read_json(path)
    commit = manifest.get("commit") or _git("log", "-1", "--format=%H", "--", str(path))
    figure = Figure(path, commit or None)
    if "config" not in manifest:
        figure.reasons.append("the manifest is older than those that keep their recipe")
    elif manifest["config"] != recipe_of(manifest):
        figure.reasons.append("the recipe is another now")
    if not commit or _git("cat-file", "-t", commit) != "commit":
        figure.reasons.append("its commit is not known here")
        return figure
    changed = sorted(files_of(manifest["recipe"]) & _changed_since(commit))
    if changed:
        figure.reasons.append(counted(changed, "files that it uses have changed"))
    return figure


@cache
def files_of(recipe: str) -> set[str]:
    """Return the files that a recipe's figures depend on, relative to the root: its YAML files and its modules."""
    tree = composed(recipe)
    builder = registry.entry(tree["model"]["name"]).module
    kind = tree["data"]["source"].partition(":")[0]
    files = set(_recipe_files(find_recipe(recipe)[0]))
    todo, seen = [*ENTRIES, builder], set[str]()
    while todo:
        module = todo.pop()
        path = _path_of(module)
        if module in seen or path is None or module.startswith(NOT_IN_FIGURES):
            continue
        if module.startswith(ONE_OF_MANY) and module not in (*ONE_OF_MANY, builder) and kind != "builtin":
            continue
        seen.add(module)
        files.add(path.relative_to(ROOT).as_posix())
        todo += _imports(path)
    others = {f"zoo/models/{p.name}" for p in (ROOT / "zoo" / "models").glob("*.py")} - {_path_text(builder)}
    return files - others


def _recipe_files(path: Path) -> set[str]:
    from zoo.recipe.source import read

    tree, _ = read(path, str(path))
    parents = tree.get("extends", [])
    found = {f"recipes/{path.resolve().relative_to(recipes_folder().resolve()).as_posix()}"}  # installed or not
    for parent in [parents] if isinstance(parents, str) else parents:
        found |= _recipe_files(find_recipe(parent, beside=path.parent)[0])
    return found


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Return the modules of zoo that a file imports anywhere."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("zoo"):
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("zoo")]
    return tuple(found)


def _path_of(module: str) -> Path | None:
    base = ROOT / Path(*module.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _path_text(module: str) -> str:
    path = _path_of(module)
    return path.relative_to(ROOT).as_posix() if path is not None else ""


@cache
def _changed_since(commit: str) -> set[str]:
    """Return the files that differ between a commit and the working tree."""
    return set(_git("diff", "--name-only", commit).splitlines())


@cache
def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
