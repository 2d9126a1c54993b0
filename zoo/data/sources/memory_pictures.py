"""Boxes and masks of a Python program: images with a dict of boxes, or with a mask, each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoo.data.dataset import SourceData
from zoo.data.memory.given import MemoryData, Pair
from zoo.data.memory.pairs import as_array, raw_pairs, value_of
from zoo.data.memory.pictures import BASE, mask_ids, place_of, split_pictures
from zoo.data.sources.boxes import Box, BoxFiles, BoxImage, box_source
from zoo.data.sources.class_names import Classes, found_classes
from zoo.data.sources.faults import Faults
from zoo.data.sources.masks import mask_source
from zoo.errors import ZooError, listing
from zoo.recipe.data_section import Data
from zoo.tasks import Task

_BOXES = "(images, boxes): for each image a dict of 'boxes' (xmin, ymin, xmax, ymax in pixels) and 'labels'"
_MASKS = "(images, masks): for each image an array of class ids, or a palette or grey image"
_EDGES, _CORNER_AND_SIZE = ("boxes",), ("bbox", "bboxes")  # keys of boxes as torchvision has them, and as COCO has
_LABELS = ("labels", "classes", "category", "categories", "label", "category_id")
_CROWDS = ("iscrowd", "is_crowd")
_KNOWN = {*_EDGES, *_CORNER_AND_SIZE, *_LABELS, *_CROWDS, "difficult", "area", "image_id", "id", "image"}


def load_memory_boxes(given: MemoryData, data: Data, task: Task) -> SourceData:
    """Load images with boxes.

    Raises:
        ZooError: the data has another form, or images and boxes do not fit.
    """
    pairs = raw_pairs(_with_dicts(given), data, task, _BOXES)
    faults, notes = Faults(), list[str]()
    splits = split_pictures(pairs, data, faults, notes)
    remarks = list(notes)
    names = _labels_of(pairs, data, faults, notes := [])
    boxes = {
        split: [_image(split, i, target, names, faults) for i, target in enumerate(pair.y)]
        for split, pair in pairs.items()
    }
    _refuse_fractions(boxes)
    unused = sorted({str(key) for pair in pairs.values() for y in pair.y if isinstance(y, Mapping) for key in y})
    unused = [key for key in unused if key not in _KNOWN]
    notes += [f"keys of the boxes that are not used: {listing(unused)}"] if unused else []
    files = BoxFiles(base=BASE, splits=boxes, labels=names.labels, in_pixels=True, faults=faults, notes=notes)
    return box_source(files, splits, remarks, data)


def _with_dicts(given: MemoryData) -> MemoryData:
    """Return lists of dicts, each with an image and its boxes, as `(images, dicts)`."""

    def pair(value: Any) -> Any:
        examples = isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) for v in value)
        return ([each.get("image") for each in value], list(value)) if examples else value

    return replace(given, train=pair(given.train), validation=pair(given.validation), test=pair(given.test))


def _labels_of(pairs: Mapping[str, Pair], data: Data, faults: Faults, notes: list[str]) -> Classes:
    """Return the classes: those that the recipe names, or the names or ids of the training boxes."""
    if data.classes is not None:
        return Classes.numbered(data.classes)
    labels = as_array([]).tolist()
    for target in pairs["train"].y:
        one = _as_one(target)
        labels += as_array(value_of(one, *_LABELS) if isinstance(one, Mapping) else None).reshape(-1).tolist()
    found = {label for label in labels if label is not None}
    if found and all(isinstance(label, str) for label in found):
        return Classes.numbered(sorted(found))
    ids = {label for label in found if isinstance(label, int) and not isinstance(label, bool)}
    if not ids:
        raise ZooError(f"{BASE}: no box of the training images has a label; expected {_BOXES}")
    return found_classes(ids, "the training boxes", notes)


def _image(split: str, position: int, target: Any, classes: Classes, faults: Faults) -> BoxImage:
    """Return the boxes of an image, as far as they are readable; faults are added."""
    path = place_of(split, position)
    image = BoxImage(path, [])
    target = _as_one(target)
    problem = _problem(target)
    if problem:
        faults.add("images whose boxes have another form", f"{path.name} ({problem})", path)
        return image
    boxes = as_array(value_of(target, *_EDGES, *_CORNER_AND_SIZE)).reshape(-1, 4).astype(np.float64)
    if value_of(target, *_EDGES) is None:
        boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    labels = as_array(value_of(target, *_LABELS)).reshape(-1).tolist()
    crowds, difficult = (_flags(target, keys, len(boxes)) for keys in (_CROWDS, ("difficult",)))
    for number, (edges, label) in enumerate(zip(boxes.tolist(), labels, strict=True)):
        index = _index(label, classes)
        if index is None:
            faults.add("boxes of a class that there is not", f"{path.name} box {number + 1} ({label!r})", path)
            continue
        why: Literal["crowd", "difficult"] | None = (
            "crowd" if crowds[number] else "difficult" if difficult[number] else None
        )
        left, top, right, bottom = edges
        image.boxes.append(Box((top, left, bottom, right), index, f"{path.name} box {number + 1}", why))
    return image


def _as_one(target: Any) -> Any:
    """Return a list of dicts, one for each box, as one dict of lists; what is no such list as it is."""
    if not isinstance(target, list | tuple) or not all(isinstance(each, Mapping) for each in target):
        return target
    keys = dict.fromkeys(key for each in target for key in each)
    return {key: [each.get(key) for each in target] for key in keys} if keys else {"boxes": [], "labels": []}


def _problem(target: Any) -> str:
    """Return why a target holds no boxes with labels; an empty text where it does."""
    if not isinstance(target, Mapping):
        return f"expected a dict of 'boxes' and 'labels', received {type(target).__name__}"
    boxes, labels = value_of(target, *_EDGES, *_CORNER_AND_SIZE), value_of(target, *_LABELS)
    if boxes is None or labels is None:
        return f"expected 'boxes' and 'labels', received the keys {listing(target) or 'none'}"
    array, count = as_array(boxes), as_array(labels).size
    if array.size and (array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "iuf"):
        return f"boxes: expected numbers (boxes, 4), received {array.dtype} {array.shape}"
    if not np.isfinite(array.astype(np.float64)).all():
        return "boxes: holds NaN or infinity"
    if count != array.size // 4:
        return f"{array.size // 4} boxes and {count} labels"
    for keys in (_CROWDS, ("difficult",)):
        flags = value_of(target, *keys)
        if flags is not None and as_array(flags).size != count:
            return f"{count} boxes and {as_array(flags).size} of '{keys[0]}'"
    return ""


def _flags(target: Any, keys: tuple[str, ...], count: int) -> list[bool]:
    flags = value_of(target, *keys)
    return [False] * count if flags is None else as_array(flags).reshape(-1).astype(bool).tolist()


def _index(label: Any, classes: Classes) -> int | None:
    """Return the index of a class that a box gives by name or by number; None where there is no such class."""
    names: tuple[Any, ...] = classes.labels if isinstance(label, str) else classes.ids
    return names.index(label) if label in names and not isinstance(label, bool) else None


def _refuse_fractions(splits: Mapping[str, list[BoxImage]]) -> None:
    """Refuse boxes that are fractions of their image, where pixels are expected.

    Raises:
        ZooError: no edge of any box lies beyond the first pixel.
    """
    edges = [edge for images in splits.values() for image in images for box in image.boxes for edge in box.edges]
    if edges and max(edges) <= 1:
        raise ZooError(
            f"{BASE}: all edges of boxes lie between {min(edges):g} and {max(edges):g}; boxes are in pixels here, so "
            "multiply fractions by the width and height of their image"
        )


def load_memory_masks(given: MemoryData, data: Data, task: Task) -> SourceData:
    """Load images with masks.

    Raises:
        ZooError: the data has another form, or images and masks do not fit.
    """
    pairs = raw_pairs(given, data, task, _MASKS)
    faults, notes = Faults(), list[str]()
    splits = split_pictures(pairs, data, faults, notes)
    masks: dict[Path, np.ndarray] = {}
    for split, pair in pairs.items():
        for position, mask in enumerate(pair.y):
            path = place_of(split, position)
            try:
                masks[path] = mask_ids(mask)
            except ZooError as error:
                faults.add("masks that cannot be used", f"{path.name} ({error})", path)
    classes = None if data.classes is None else Classes.numbered(data.classes)
    return mask_source(splits, masks, BASE, classes, faults, data, notes)
