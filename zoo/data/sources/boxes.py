"""Images with boxes, as the readers of the formats find them, to examples of object detection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from zoo.data.box_codes import PADDING, ignored_code
from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.notes import unused_files
from zoo.data.sources.decode_files import SplitFiles, decode_splits, image_inputs, turned_notes
from zoo.data.sources.faults import Faults
from zoo.data.sources.image_files import has_image_suffix, is_hidden
from zoo.errors import ZooError, counted, listing, visible
from zoo.recipe.data_section import Data

MAX_BOXES = 1_000  # of one image: targets are padded to the image with the most
ROUNDING = 2e-6  # of the image's size: what six decimals of centre and size can be off at an edge


class Box(NamedTuple):
    """A box as a file has it.

    Attributes:
        edges: ymin, xmin, ymax, xmax, in pixels or in fractions of the image.
        label: index of its class.
        place: where it stands, for messages.
        ignored: why it is no target, and ignored in the evaluation; None for a target.
    """

    edges: tuple[float, float, float, float]
    label: int
    place: str
    ignored: Literal["crowd", "difficult"] | None = None


@dataclass
class BoxImage:
    """An image with its boxes.

    Attributes:
        path: the image file.
        boxes: its boxes.
        size: its height and width in pixels, where the annotations give it.
    """

    path: Path
    boxes: list[Box]
    size: tuple[int, int] | None = None


@dataclass(kw_only=True)
class BoxFiles:
    """What a format's reader has found.

    Attributes:
        base: the source's folder.
        splits: the images of each split.
        labels: names of the classes.
        in_pixels: edges are in pixels, not in fractions of the image.
        faults: what is wrong so far; faults of the images are added.
        notes: what a reader of the results should know; more is added.
    """

    base: Path
    splits: dict[str, list[BoxImage]]
    labels: tuple[str, ...]
    in_pixels: bool
    faults: Faults = field(default_factory=Faults)
    notes: list[str] = field(default_factory=list)


def load_boxes(files: BoxFiles, data: Data) -> SourceData:
    """Decode the images, check the boxes against them, and return the examples.

    Boxes that reach beyond their image are cut at its edge and counted; of equal boxes of an image one is kept.

    Raises:
        ZooError: images cannot be read, or boxes do not fit, and `data.on_error` does not leave the images out; or
            there is no box to train on.
    """
    base, faults = files.base, files.faults
    _refuse_repeated(files)
    broken: dict[Path, str] = {}
    listed = {
        split: SplitFiles([image.path for image in images], np.arange(len(images)))
        for split, images in files.splits.items()
    }
    splits, remarks = decode_splits(listed, data, broken)
    for path, reason in sorted(broken.items()):
        faults.add("images that cannot be read", f"{_shown(path, base)} ({reason})", path)
    source = box_source(files, splits, remarks, data)
    used = {image.path for images in files.splits.values() for image in images} | faults.paths
    source.notes.extend(unused_images(base, used))
    return source


def box_source(files: BoxFiles, splits: dict[str, SplitFiles], remarks: list[str], data: Data) -> SourceData:
    """Check boxes against their images, and return the examples.

    Args:
        files: the boxes.
        splits: the decoded images of each split; the targets are their positions in `files`.
        remarks: what decoding says of the images.
        data: the recipe's section.

    Raises:
        ZooError: boxes do not fit, and `data.on_error` does not leave the images out; or there is no box to train on.
    """
    base, faults, notes = files.base, files.faults, files.notes
    rows: dict[Path, np.ndarray] = {}
    done = Counter[str]()
    for split, found in splits.items():
        for position, size in zip(found.targets, found.sizes, strict=True):
            image = files.splits[split][int(position)]
            rows[image.path] = _rows(image, size, files, done)
    total = len({image.path for images in files.splits.values() for image in images} | faults.paths)
    notes += [
        *faults.settle(base, data, total),
        *remarks,
        *turned_notes([*splits.values()], base, "boxes"),
        *_done(done),
    ]
    for split, found in splits.items():
        kept = [i for i, path in enumerate(found.files) if path not in faults.paths]
        splits[split] = found if len(kept) == len(found.files) else found.part(kept)
    empty = [split for split, found in splits.items() if not found.files]
    if empty or "train" not in splits:
        raise ZooError(f"{base}: no image in the split {listing(empty or ['train'])}")
    targets = _targets({split: [rows[path] for path in found.files] for split, found in splits.items()})
    notes += _notes(targets, files.labels, base)
    inputs, shape = image_inputs(splits, data)
    signature = Signature("image", "objects", shape, labels=files.labels)
    return SourceData(signature=signature, splits={s: whole(inputs[s], targets[s]) for s in splits}, notes=notes)


def unused_images(base: Path, used: set[Path]) -> list[str]:
    """Return a note where image files below a folder have no annotation and are in no split."""
    found = (path for path in sorted(base.rglob("*")) if has_image_suffix(path) and path not in used)
    names = [str(path.relative_to(base)) for path in found if not any(map(is_hidden, path.relative_to(base).parts))]
    text = f"left out, as no annotation or split names them: {counted(names, 'images')}"
    return [unused_files(text, names)] if names else []


def _shown(path: Path, base: Path) -> str:
    return visible(path.relative_to(base))


def _refuse_repeated(files: BoxFiles) -> None:
    for split, images in files.splits.items():
        counts = Counter(image.path for image in images)
        for path, count in counts.items():
            if count > 1:
                files.faults.add(f"images that the {split} split lists more than once", _shown(path, files.base))


def _rows(image: BoxImage, size: tuple[int, int], files: BoxFiles, done: Counter[str]) -> np.ndarray:
    """Return the boxes of an image as rows of `box_targets`, float64 `(boxes, 5)`, within the image."""
    faults, name = files.faults, _shown(image.path, files.base)
    if image.size is not None and image.size != size:
        said = f"{name} ({size[0]}×{size[1]}, its annotation says {image.size[0]}×{image.size[1]})"
        faults.add("images of another size than their annotation says", said, image.path)
        return np.zeros((0, 5))
    if len(image.boxes) > MAX_BOXES:
        faults.add(f"images with more than {MAX_BOXES:,} boxes", f"{name} ({len(image.boxes):,})", image.path)
        return np.zeros((0, 5))
    scale = np.array([*size, *size], np.float64) if files.in_pixels else np.ones(4)
    rows: dict[tuple[float, ...], None] = {}
    counts = Counter[str]()
    for box in image.boxes:
        edges = np.array(box.edges) / scale
        if not (edges[2:] > edges[:2]).all():
            faults.add("boxes without an extent", box.place, image.path)
        elif not ((edges[:2] < 1) & (edges[2:] > 0)).all():
            faults.add("boxes outside their image", box.place, image.path)
        else:
            counts["cut"] += bool((edges < -ROUNDING).any() or (edges > 1 + ROUNDING).any())
            counts[box.ignored or "target"] += 1
            code = box.label if box.ignored is None else ignored_code(box.label, crowd=box.ignored == "crowd")
            rows[(*np.clip(edges, 0, 1).tolist(), code)] = None
    if image.path not in faults.paths:
        done.update(counts)
        done.update({"boxes": len(image.boxes), "repeated": len(image.boxes) - len(rows)})
    return np.array([*rows], np.float64).reshape(-1, 5)


def _done(done: Counter[str]) -> list[str]:
    """Return notes on what was done to boxes."""
    total = done["boxes"]
    said = {
        "cut": "reach beyond their image, and are cut at its edge",
        "repeated": "repeat another of their image, and are left out",
        "crowd": "are crowds (iscrowd): no targets of training, and neither hit nor miss in the evaluation",
        "difficult": "are marked as difficult: no targets of training, and neither hit nor miss in the evaluation",
    }
    return [f"{done[key]:,} of {total:,} boxes {what}" for key, what in said.items() if done[key]]


def _targets(splits: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the boxes of each split, float32 `(examples, most, 5)`, padded; what is ignored comes last."""
    most = max(1, *(len(rows) for images in splits.values() for rows in images))
    targets = {}
    for split, images in splits.items():
        found = targets[split] = np.full((len(images), most, 5), PADDING, np.float32)
        for place, rows in enumerate(images):
            found[place, : len(rows)] = rows[np.argsort(rows[:, 4] < 0, kind="stable")]
    return targets


def _notes(targets: dict[str, np.ndarray], labels: tuple[str, ...], base: Path) -> list[str]:
    """Return notes on images and classes without boxes.

    Raises:
        ZooError: the training split has no box.
    """
    notes = []
    counts = np.bincount(targets["train"][..., 4][targets["train"][..., 4] >= 0].astype(int), minlength=len(labels))
    if not counts.any():
        raise ZooError(f"{base}: no image of the training split has a box to train on")
    absent = [label for label, count in zip(labels, counts, strict=True) if not count]
    if absent:
        notes.append(f"without a box in the training split: {counted(absent, 'classes')}")
    for split, found in targets.items():
        without = int((found[..., 4] == PADDING).all(axis=1).sum())
        if without:
            notes.append(f"{without:,} of {len(found):,} images of the {split} split have no boxes, and are kept")
    return notes
