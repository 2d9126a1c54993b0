"""`folder:PATH`: image files sorted into one subfolder a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.notes import unused_files
from zoo.data.sources.decode_files import SplitFiles, decode_splits, image_inputs, unreadable
from zoo.data.sources.folder_layout import class_names, find_classes, find_splits, flat_splits, similar_names
from zoo.data.sources.image_files import ImageFiles, has_image_suffix, image_files, is_hidden, scan_notes
from zoo.errors import ZooError, counted
from zoo.recipe.data_section import Data
from zoo.tasks import Task

NO_CLASS = "image"  # the class of images that are sorted into none


def load_folder(name: str, data: Data, task: Task) -> SourceData:
    """Load images by class: `PATH/CLASS/*`, or `PATH/SPLIT/CLASS/*` where the folder holds splits.

    Every image is decoded once here, so that damaged files are found before training starts.

    Raises:
        ZooError: a folder is missing or empty, its subfolders are not one a class, or images are damaged and
            `data.on_error` does not leave them out.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    labels: tuple[str, ...] = (NO_CLASS,)
    roots = flat_splits(path, data.splits) if task.needs_no_classes else {}
    if roots:
        notes = [f"no folders of classes: all images are of one class, '{NO_CLASS}'"]
        classes = {split: {NO_CLASS: root} for split, root in roots.items()}
    else:
        roots, notes = find_splits(path, data.splits)
        classes = {split: find_classes(root) for split, root in roots.items()}
        labels = class_names(roots, classes)
    scans = {split: _scan(roots[split], folders, labels) for split, folders in classes.items()}
    notes += similar_names([*labels])
    sorted_by_class = labels != (NO_CLASS,)
    notes += scan_notes([s for split in scans.values() for s in split.values()], path, nested=sorted_by_class)
    notes += _loose_images([path, *roots.values()]) if sorted_by_class else []

    broken = {p: reason for split in scans.values() for scan in split.values() for p, reason in scan.unreadable.items()}
    splits, remarks = decode_splits({split: _listed(found, labels) for split, found in scans.items()}, data, broken)
    total = sum(len(split.files) for split in splits.values()) + len(broken)
    notes += [*unreadable(broken, total, path, data), *remarks]
    _refuse_empty(splits, labels, roots)

    inputs, shape = image_inputs(splits, data)
    signature = Signature("image", "class", shape, labels=labels)
    examples = {split: whole(inputs[split], found.targets) for split, found in splits.items()}
    return SourceData(signature=signature, splits=examples, notes=notes)


def _scan(root: Path, folders: dict[str, Path], labels: Sequence[str]) -> dict[str, ImageFiles]:
    """Return the files of each class of a split.

    Raises:
        ZooError: classes lack images.
    """
    scans = {label: image_files(folders[label]) for label in labels if label in folders}
    empty = [label for label in labels if label not in scans or not (scans[label].files or scans[label].unreadable)]
    if empty:
        raise ZooError(_without_images(root, empty))
    return scans


def _without_images(root: Path, labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return f"{root / labels[0]}: the class has no images; add some, or remove the folder"
    return f"{root}: {counted(labels, 'classes have no images')}; add some, or remove the folders"


def _listed(scans: dict[str, ImageFiles], labels: Sequence[str]) -> SplitFiles:
    files = [path for label in labels for path in scans[label].files]
    counts = [len(scans[label].files) for label in labels]
    return SplitFiles(files, np.repeat(np.arange(len(labels), dtype=np.int32), counts))


def _loose_images(folders: Sequence[Path]) -> list[str]:
    """Return a note where images lie beside the class folders, and so have no class."""
    loose = [p for f in dict.fromkeys(folders) for p in f.iterdir() if has_image_suffix(p) and not is_hidden(p.name)]
    names = sorted(str(path.relative_to(folders[0])) for path in loose if not path.is_dir())
    text = f"left out, as they lie in no class folder: {counted(names, 'images')}"
    return [unused_files(text, names)] if names else []


def _refuse_empty(splits: dict[str, SplitFiles], labels: Sequence[str], roots: dict[str, Path]) -> None:
    for split, found in splits.items():
        counts = np.bincount(found.targets, minlength=len(labels))
        if not counts.all():
            raise ZooError(
                _without_images(roots[split], [label for label, count in zip(labels, counts, strict=True) if not count])
            )
