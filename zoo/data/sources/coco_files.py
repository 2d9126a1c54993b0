"""Which JSON files of a `coco:` source are its splits, and where their images may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.sources.faults import is_there
from zoo.data.sources.folder_layout import subfolders
from zoo.data.sources.split_choice import choose_splits
from zoo.errors import ZooError, counted, listing
from zoo.recipe.data_section import Splits

_PREFIX = "instances_"
_NAMES = ("_annotations.coco.json", "annotations.json")  # in the folder of the images
_TRIED_NAMES = 200  # file names by which the folder of the images is told


@dataclass(frozen=True)
class AnnotationFile:
    """An annotation file and the folders that its images may be in, the likeliest first."""

    path: Path
    folders: tuple[Path, ...]

    def image_folder(self, names: Sequence[str]) -> Path:
        """Return the folder that holds most of some files."""
        tried = names[:_TRIED_NAMES]
        return max(self.folders, key=lambda folder: sum(is_there(folder / name) for name in tried))


def find_annotation_files(path: Path, names: Splits, notes: list[str]) -> dict[str, AnnotationFile]:
    """Return the annotation file of each split.

    Args:
        path: the source's folder.
        names: names of the splits.
        notes: files that are not used are added here.

    Raises:
        ZooError: there is none for the training split, or they can be chosen in two ways.
    """
    layouts = [found for found in (_alone(path), _by_name(path, names), _by_folder(path, names)) if found]
    if len(layouts) > 1:
        every = [str(file.path.relative_to(path)) for found in layouts for file in found.values()]
        raise ZooError(f"{path}: annotation files in several places: {listing(every)}; keep one set of them")
    if not layouts or "train" not in layouts[0]:
        raise ZooError(
            f"{path}: expected annotations.json, annotations/{_PREFIX}train*.json or train/{_NAMES[0]}; found "
            f"{listing(p.relative_to(path) for p in [*path.glob('*.json'), *path.glob('*/*.json')]) or 'no JSON file'}"
        )
    used = {file.path for file in layouts[0].values()}
    unused = [p for p in sorted([*path.glob("*.json"), *path.glob("*/*.json")]) if p not in used]
    if unused:
        notes.append(f"not used: {counted([str(p.relative_to(path)) for p in unused], 'JSON files')}")
    return layouts[0]


def _alone(path: Path) -> dict[str, AnnotationFile]:
    files = [path / name for name in _NAMES if (path / name).is_file()]
    return {"train": AnnotationFile(files[0], (path / "images", path))} if files else {}


def _by_name(path: Path, names: Splits) -> dict[str, AnnotationFile]:
    """Return the files of `annotations/`: `instances_train2017.json`, or `train.json` where none has that prefix."""
    files = sorted((path / "annotations").glob("*.json"))
    instances = [file for file in files if file.stem.startswith(_PREFIX)]
    found = {file.stem.removeprefix(_PREFIX): file for file in instances or files}
    if not found:
        return {}
    chosen = choose_splits(found, names, path / "annotations", "annotation file", years=True)
    return {split: AnnotationFile(file, _beside(path, file)) for split, file in chosen.items()}


def _beside(path: Path, file: Path) -> tuple[Path, ...]:
    name = file.stem.removeprefix(_PREFIX)
    return (path / "images" / name, path / name, path / "images", path)


def _by_folder(path: Path, names: Splits) -> dict[str, AnnotationFile]:
    """Return the files that lie with their images in the folder of a split."""
    found = {folder.name: folder / name for folder in subfolders(path) for name in _NAMES if (folder / name).is_file()}
    if not found:
        return {}
    chosen = choose_splits(found, names, path, "folder")
    return {split: AnnotationFile(file, (file.parent, file.parent / "images")) for split, file in chosen.items()}
