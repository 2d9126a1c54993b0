"""Where a `masks:` source has its images and masks."""

from __future__ import annotations

from pathlib import Path

from zoo.data.sources.folder_layout import split_folders, subfolders
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Splits

IMAGES, MASKS = "images", "masks"


def find_mask_folders(path: Path, names: Splits, notes: list[str]) -> dict[str, tuple[Path, Path]]:
    """Return the folders of images and masks of each split: `PATH`, `PATH/SPLIT/…` or `PATH/…/SPLIT`.

    Args:
        path: the source's folder.
        names: names of the splits' folders.
        notes: what a reader should know of the choice is added here.

    Raises:
        ZooError: a folder is missing, there is no training split, or the layout can be read in two ways.
    """
    if (path / IMAGES).is_dir():
        inner = split_folders(path / IMAGES, names)
        if not inner:
            found = {"train": (path / IMAGES, path / MASKS)}
        else:
            found = {split: (folder, path / MASKS / folder.name) for split, folder in inner.items()}
            _refuse_mixed(path / IMAGES, inner)
    else:
        outer = split_folders(path, names)
        found = {split: (folder / IMAGES, folder / MASKS) for split, folder in outer.items()}
    if "train" not in found:
        raise ZooError(
            f"{path}: expected {IMAGES}/ with {MASKS}/, or folders of splits with both, such as train/{IMAGES} and "
            f"train/{MASKS}; found the folders {listing(f.name for f in subfolders(path)) or 'none'}"
        )
    missing = [str(folder.relative_to(path)) for both in found.values() for folder in both if not folder.is_dir()]
    if missing:
        raise ZooError(f"{path}: {counted(missing, 'folders are missing')}; each image needs a mask of the same name")
    _say_unused(path, found, notes)
    return found


def _refuse_mixed(folder: Path, splits: dict[str, Path]) -> None:
    beside = [p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
    if beside:
        raise ZooError(
            f"{folder}: {listing(s.name for s in splits.values())} are splits, and beside them lie "
            f"{counted(beside, 'files')}; move these into a split, or away"
        )


def _say_unused(path: Path, found: dict[str, tuple[Path, Path]], notes: list[str]) -> None:
    used = {folder for both in found.values() for folder in both}
    used |= {parent for folder in used for parent in folder.parents}
    roots = {folder.parent for folder in used if folder != path and path in folder.parents} | {path}
    unused = [f for root in sorted(roots) for f in subfolders(root) if f not in used]
    if unused:
        notes.append(f"not used: {counted([visible(f.relative_to(path)) for f in unused], 'folders')}")
