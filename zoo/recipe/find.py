"""The shipped recipes, and the files that names of recipes stand for."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ZooError, did_you_mean, visible


def recipes_folder() -> Path:
    """Return the folder of the shipped recipes."""
    inside = Path(__file__).resolve().parent.parent / "recipes"  # an installed package
    return inside if inside.is_dir() else inside.parent.parent / "recipes"  # a checkout


def list_recipes() -> list[str]:
    """Return the names of the shipped recipes, such as `cnn/digits`."""
    return [name for name in _names_in(recipes_folder()) if not name.startswith("_")]


def _names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


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
