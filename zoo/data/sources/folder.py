"""`folder:PATH`: image files sorted into one subfolder a class."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.inputs import ArrayInputs, ImageInputs, Inputs
from zoo.data.sources.folder_layout import find_classes, find_splits, similar_names
from zoo.data.sources.image_files import ImageFiles, has_image_suffix, image_files, is_hidden, scan_notes
from zoo.data.sources.images import DecodedImage, decode, quiet_pillow, read_image, read_image_file, reason_of
from zoo.errors import ZooError, counted, listing
from zoo.recipe.schema import Data
from zoo.tasks import Task

MAX_KEPT_BYTES = 1 << 30  # of decoded images that stay in memory


@dataclass
class _SplitFiles:
    """The image files of a split, and what decoding all of them once has shown.

    Attributes:
        files: the images.
        targets: the class of each.
        digest: SHA-256 over their contents.
        kept: the decoded images, in their own number of channels; empty where they take too much memory.
        grey: whether every image is grey.
    """

    files: list[Path]
    targets: np.ndarray
    digest: str = ""
    kept: list[np.ndarray] = field(default_factory=list)
    grey: bool = True


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
    roots, notes = find_splits(path, data.splits)
    classes = {split: find_classes(root) for split, root in roots.items()}
    labels = tuple(classes["train"])
    if len(labels) < 2:
        raise ZooError(
            f"{roots['train']}: expected one subfolder a class, at least two; found {listing(labels) or 'none'}"
        )
    scans = {split: _scan(roots[split], folders, labels) for split, folders in classes.items()}
    notes += similar_names([*labels])
    notes += scan_notes([scan for split in scans.values() for scan in split.values()], path)
    notes += _loose_images([path, *roots.values()])

    broken = {p: reason for split in scans.values() for scan in split.values() for p, reason in scan.unreadable.items()}
    splits, remarks = {}, Counter[str]()
    with quiet_pillow():
        for split, found in scans.items():
            splits[split] = _decode_all(_listed(found, labels), data, broken, remarks)
    total = sum(len(split.files) for split in splits.values()) + len(broken)
    notes += _unreadable(broken, total, path, data)
    notes += [f"{count:,} of {total:,} images {remark}" for remark, count in sorted(remarks.items())]
    _refuse_empty(splits, labels, roots)

    channels = data.channels or (1 if all(split.grey for split in splits.values()) else 3)
    inputs = {split: _inputs(found, channels) for split, found in splits.items()}
    shapes = {i.array.shape[1:] if isinstance(i, ArrayInputs) else None for i in inputs.values()}
    shape = shapes.pop() if len(shapes) == 1 else None
    signature = Signature("image", "class", shape or (None, None, channels), labels=labels)
    examples = {split: whole(inputs[split], found.targets) for split, found in splits.items()}
    return SourceData(signature=signature, splits=examples, notes=notes)


def _scan(root: Path, folders: dict[str, Path], labels: Sequence[str]) -> dict[str, ImageFiles]:
    """Return the files of each class of a split.

    Raises:
        ZooError: classes are not those of the training split, or lack images.
    """
    unknown = [name for name in folders if name not in labels]
    if unknown:
        raise ZooError(f"{root}: classes that the training split does not have: {listing(unknown)}")
    scans = {label: image_files(folders[label]) for label in labels if label in folders}
    empty = [label for label in labels if label not in scans or not (scans[label].files or scans[label].unreadable)]
    if empty:
        raise ZooError(_without_images(root, empty))
    return scans


def _without_images(root: Path, labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return f"{root / labels[0]}: the class has no images; add some, or remove the folder"
    return f"{root}: {counted(labels, 'classes have no images')}; add some, or remove the folders"


def _listed(scans: dict[str, ImageFiles], labels: Sequence[str]) -> _SplitFiles:
    files = [path for label in labels for path in scans[label].files]
    counts = [len(scans[label].files) for label in labels]
    return _SplitFiles(files, np.repeat(np.arange(len(labels), dtype=np.int32), counts))


def _loose_images(folders: Sequence[Path]) -> list[str]:
    """Return a note where images lie beside the class folders, and so have no class."""
    loose = [p for f in dict.fromkeys(folders) for p in f.iterdir() if has_image_suffix(p) and not is_hidden(p.name)]
    names = sorted(str(path.relative_to(folders[0])) for path in loose if not path.is_dir())
    return [f"left out, as they lie in no class folder: {counted(names, 'images')}"] if names else []


def _decode_all(split: _SplitFiles, data: Data, broken: dict[Path, str], remarks: Counter[str]) -> _SplitFiles:
    """Decode every file of a split once; those that fail are added to `broken` and taken out."""
    digest = hashlib.sha256()
    keep, size = data.memory != "streamed", 0
    whole_files: list[int] = []

    def read(path: Path) -> tuple[bytes, DecodedImage] | str:
        try:
            content = read_image_file(path)
            return hashlib.sha256(content).digest(), decode(content, data.channels, str(path))
        except ZooError as error:
            return reason_of(error, path)

    with ThreadPoolExecutor(4) as pool:
        for position, found in enumerate(pool.map(read, split.files)):
            if isinstance(found, str):
                broken[split.files[position]] = found
                continue
            content, image = found
            digest.update(content)
            remarks.update(image.remarks)
            whole_files.append(position)
            split.grey = split.grey and image.pixels.shape[-1] == 1
            size += image.pixels.nbytes
            keep = keep and size <= MAX_KEPT_BYTES
            if keep:
                split.kept.append(image.pixels)
            else:
                split.kept.clear()
    split.files = [split.files[i] for i in whole_files]
    split.targets, split.digest = split.targets[whole_files], digest.hexdigest()
    return split


def _unreadable(broken: dict[Path, str], total: int, base: Path, data: Data) -> list[str]:
    """Refuse images that cannot be read, or return a note where the recipe leaves them out.

    Raises:
        ZooError: there are some, and `data.on_error` is "stop".
    """
    if not broken:
        return []
    files = [f"{path.relative_to(base)} ({reason})" for path, reason in sorted(broken.items())]
    message = f"{counted(files, f'of {total:,} images cannot be read')}"
    if data.on_error == "stop":
        raise ZooError(f"{base}: {message}; mend or remove them, or leave them out with data.on_error=skip")
    return [f"left out by data.on_error: {message}"]


def _refuse_empty(splits: dict[str, _SplitFiles], labels: Sequence[str], roots: dict[str, Path]) -> None:
    for split, found in splits.items():
        counts = np.bincount(found.targets, minlength=len(labels))
        if not counts.all():
            raise ZooError(
                _without_images(roots[split], [label for label, count in zip(labels, counts, strict=True) if not count])
            )


def _inputs(split: _SplitFiles, channels: int) -> Inputs:
    """Return the images: in one array where all have one size, and in memory where all of them fit."""
    files, kept = (
        split.files,
        [image if image.shape[-1] == channels else np.repeat(image, 3, -1) for image in split.kept],
    )
    if kept and len({image.shape for image in kept}) == 1:
        return ArrayInputs(np.stack(kept))
    read = kept.__getitem__ if kept else lambda i: read_image(files[i], channels)
    return ImageInputs(len(files), read, split.digest)
