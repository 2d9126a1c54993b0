"""How a folder of images or texts is sorted: into classes, or into splits and then classes."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.sources.image_files import has_image_suffix, is_hidden
from zoo.data.sources.split_choice import choose_splits
from zoo.data.split_names import split_of_folder
from zoo.errors import ZooError, counted, listing, visible

if TYPE_CHECKING:
    from zoo.recipe.data_section import Splits

IsData = Callable[[Path], bool]  # whether a file is an example by its name


def find_splits(
    path: Path, names: Splits, is_data: IsData = has_image_suffix, what: str = "images"
) -> tuple[dict[str, Path], list[str]]:
    """Return the folder of each split that a folder holds, and what a reader should know of the choice.

    Splits are found by the names that the recipe gives, or else by their usual names. Where there are none, the folder
    itself is the training split.

    Args:
        path: the folder.
        names: the recipe's names of the splits.
        is_data: whether a file is an example.
        what: what the examples are, for messages.

    Raises:
        ZooError: a folder that the recipe names is missing, two folders are for one split, there is no training split,
            or some folders are splits and others are classes.
    """
    folders = subfolders(path)
    roots = split_folders(path, names)
    unused = [folder for folder in folders if folder not in roots.values()]
    if not roots:
        return {"train": path}, []
    classes = {split: subfolders(root) for split, root in roots.items()}
    if not any(classes.values()):  # they hold images, not class folders
        beside = f" (beside {listing(folder.name for folder in unused)})" if unused else ""
        raise ZooError(
            f"{path}: folders named as splits without folders of classes in them: "
            f"{listing(root.name for root in roots.values())}{beside}; sort the {what} into SPLIT/CLASS, such as "
            f"{path / names.train / 'CLASS'}"
        )
    if "train" not in roots:
        raise ZooError(
            f"{path}: {listing(root.name for root in roots.values())} hold splits, and no folder holds the training "
            f"split: expected {path / names.train}, or name it under data.splits.train"
        )
    for split, root in roots.items():
        if not classes[split]:
            without = "; or leave it out with data.splits.test: null" if split == "test" else ""
            raise ZooError(f"{root}: expected one subfolder a class, as in {roots['train']}; found none{without}")
    left_out = [folder for folder in unused if names.test is None and split_of_folder(folder.name) == "test"]
    mixed = [folder.name for folder in unused if folder not in left_out and _has(folder, is_data)]
    if mixed:
        raise ZooError(
            f"{path}: {listing(root.name for root in roots.values())} are splits, and beside them lie {what} in "
            f"{counted(mixed, 'folders')}; move these into a split, or away"
        )
    notes = [f"the folder '{visible(folder.name)}' is not used: data.splits.test is null" for folder in left_out]
    known_by_name = {split: root for split, root in roots.items() if root.name != getattr(names, split)}
    if known_by_name:
        said = ", ".join(f"'{visible(root.name)}' is the {split} split" for split, root in known_by_name.items())
        notes.append(f"by the names of the folders: {said}")
    return roots, notes


def flat_splits(path: Path, names: Splits) -> dict[str, Path]:
    """Return the folder of each split where images are sorted into no classes; empty where they are, or may be.

    Images lie in the folder itself, or in one folder in it; or so in each folder of a split.

    Raises:
        ZooError: a folder that the recipe names is missing, or two folders are for one split.
    """
    roots = split_folders(path, names)
    if roots and "train" not in roots:
        return {}
    found = roots or {"train": path}
    sorted_into = [[f for f in subfolders(root) if _has(f, has_image_suffix)] for root in found.values()]
    loose = [any(has_image_suffix(file) and file.is_file() for file in root.iterdir()) for root in found.values()]
    flat = all(len(folders) + lies <= 1 for folders, lies in zip(sorted_into, loose, strict=True))
    return found if flat and (any(sorted_into) or any(loose)) else {}


def split_folders(path: Path, names: Splits) -> dict[str, Path]:
    """Return the folder of each split: the one that the recipe names, or the only one with a usual name of the split.

    Raises:
        ZooError: a folder that the recipe names is missing, or two folders are for one split.
    """
    return choose_splits({folder.name: folder for folder in subfolders(path)}, names, path, "folder")


def find_classes(root: Path, is_data: IsData = has_image_suffix) -> dict[str, Path]:
    """Return the folder of each class of a split, by the name of the class, sorted.

    Raises:
        ZooError: a name is not UTF-8, two names look the same, or a class folder holds folders of splits.
    """
    classes: dict[str, Path] = {}
    for folder in subfolders(root):
        try:
            folder.name.encode("utf-8")
        except UnicodeEncodeError:
            raise ZooError(
                f"{visible(folder)}: the name of this class folder is not UTF-8; rename it, for example to "
                f"'{_without_bytes(folder.name)}'"
            ) from None
        name = unicodedata.normalize("NFC", folder.name)  # macOS writes é as two characters, other systems as one
        if name in classes:
            raise ZooError(f"{root}: two class folders have the name '{name}', written with different characters")
        classes[name] = folder
        splits = [f.name for f in subfolders(folder) if split_of_folder(f.name) and _has(f, is_data)]
        if splits:
            raise ZooError(
                f"{folder}: a class folder holds folders of splits ({listing(splits)}); expected SPLIT/CLASS, such as "
                f"{root / splits[0] / folder.name}"
            )
    return dict(sorted(classes.items()))


def class_names(roots: dict[str, Path], classes: dict[str, dict[str, Path]]) -> tuple[str, ...]:
    """Return the names of the classes, those of the training split.

    Raises:
        ZooError: there are fewer than two, or another split has other ones.
    """
    labels = tuple(classes["train"])
    if len(labels) < 2:
        raise ZooError(
            f"{roots['train']}: expected one subfolder a class, at least two; found {listing(labels) or 'none'}"
        )
    for split, folders in classes.items():
        unknown = [name for name in folders if name not in labels]
        if unknown:
            raise ZooError(f"{roots[split]}: classes that the training split does not have: {listing(unknown)}")
    return labels


def similar_names(labels: list[str]) -> list[str]:
    """Return a note where classes differ only in case or blanks."""
    groups = defaultdict(list)
    for label in labels:
        groups["".join(label.split()).casefold()].append(f"'{visible(label)}'")
    similar = [" and ".join(group) for group in groups.values() if len(group) > 1]
    return [f"classes whose names differ only in case or blanks: {', '.join(similar)}"] if similar else []


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones and those that systems put there.

    Raises:
        ZooError: the folder is not readable.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    except OSError as error:
        raise ZooError(f"{visible(folder)}: not readable ({error.strerror})") from error


def _has(folder: Path, is_data: IsData) -> bool:
    return any(is_data(path) for path in folder.rglob("*"))


def _without_bytes(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
