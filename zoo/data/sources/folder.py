"""`folder:PATH`: image files sorted into one subfolder a class."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.inputs import ArrayInputs, ImageInputs, Inputs
from zoo.data.sources.images import decode_image, image_files, read_image
from zoo.errors import ZooError, listing
from zoo.recipe.schema import Data
from zoo.tasks import Task

MAX_KEPT_BYTES = 1 << 30  # of decoded images that stay in memory


def load_folder(name: str, data: Data, task: Task) -> SourceData:
    """Load images by class: `PATH/CLASS/*`, or `PATH/SPLIT/CLASS/*` where the folder holds splits.

    Every image is decoded once here, so that a damaged file is found before training starts.

    Raises:
        ZooError: a folder is missing or empty, or an image is damaged.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ZooError(f"folder {path} does not exist")
    names = data.splits
    has_splits = (path / names.train).is_dir()
    roots = {"train": path / names.train if has_splits else path}
    for split, folder in (("validation", names.validation), ("test", names.test)):
        if has_splits and folder and (path / folder).is_dir():
            roots[split] = path / folder
    labels = tuple(sorted(_classes(roots["train"])))
    if len(labels) < 2:
        raise ZooError(
            f"{roots['train']}: expected one subfolder a class, at least two; found {listing(labels) or 'none'}"
        )
    listed = {split: _list(root, labels) for split, root in roots.items()}
    channels = data.channels or _channels([p for files, _ in listed.values() for p in files])

    inputs = {split: _load(files, channels, data.memory != "streamed") for split, (files, _) in listed.items()}
    shapes = {i.array.shape[1:] if isinstance(i, ArrayInputs) else None for i in inputs.values()}
    shape = shapes.pop() if len(shapes) == 1 else None
    signature = Signature("image", "class", shape or (None, None, channels), labels=labels)
    splits = {split: whole(inputs[split], targets) for split, (_, targets) in listed.items()}
    return SourceData(signature=signature, splits=splits)


def _classes(root: Path) -> list[str]:
    return [p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]


def _list(root: Path, labels: tuple[str, ...]) -> tuple[list[Path], np.ndarray]:
    unknown = set(_classes(root)) - set(labels)
    if unknown:
        raise ZooError(f"{root}: classes that the training split does not have: {listing(unknown)}")
    files: list[Path] = []
    targets: list[int] = []
    for index, label in enumerate(labels):
        found = image_files(root / label) if (root / label).is_dir() else []
        if not found:
            raise ZooError(f"{root / label}: the class has no images; add some, or remove the folder")
        files += found
        targets += [index] * len(found)
    return files, np.array(targets, np.int32)


def _channels(files: list[Path]) -> int:
    """Return 1 where every file is grey, else 3."""
    from PIL import Image

    for path in files:
        try:
            with Image.open(path) as image:
                if image.mode not in ("1", "L", "LA"):
                    return 3
        except Exception as error:
            raise ZooError(f"{path}: not readable as an image ({error})") from error
    return 1


def _load(files: list[Path], channels: int, keep: bool) -> Inputs:
    """Decode every file once; keep the images where all of them fit into memory."""
    digest = hashlib.sha256()
    kept: list[np.ndarray] = []
    size = 0

    def decode(path: Path) -> tuple[bytes, np.ndarray]:
        content = path.read_bytes()
        return hashlib.sha256(content).digest(), decode_image(content, channels, str(path))

    with ThreadPoolExecutor(4) as pool:
        for content, image in pool.map(decode, files):
            digest.update(content)
            size += image.nbytes
            keep = keep and size <= MAX_KEPT_BYTES
            if keep:
                kept.append(image)
            else:
                kept.clear()
    if keep and len({image.shape for image in kept}) == 1:
        return ArrayInputs(np.stack(kept))
    read = kept.__getitem__ if keep else lambda i: read_image(files[i], channels)
    return ImageInputs(len(files), read, digest.hexdigest())
